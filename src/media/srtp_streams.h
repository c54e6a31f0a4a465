/* Inside of media/srtp: what a context knows of each SSRC: the highest index of RTP and of RTCP, and which below it
 * were there (RFC 3711, section 3.3.1, 3.3.2, appendix A). Plain values. A look-up changes nothing; only a commit does,
 * and that comes after authentication. */
#pragma once
#include "media/srtp.h"

#define SRTP_INDEX_MAX	((UINT64_C(1) << 48) - 1)
#define SRTCP_INDEX_MAX 0x7fffffffu

struct srtp_stream {
	bool has_rtp, has_rtcp;
	uint32_t rtcp_highest;
	uint64_t rtp_highest;
	uint64_t rtp_window[MEDIA_SRTP_WINDOW / 64]; /* rings of bits: bit i % size says whether index i was there */
	uint64_t rtcp_window[MEDIA_SRTCP_WINDOW / 64];
};

struct srtp_streams {
	uint32_t n;
	uint32_t recent; /* the one found last */
	uint32_t ssrc[MEDIA_SRTP_STREAMS_MAX];
	struct srtp_stream *stream; /* n of them: one is made when an SSRC is new, which is once in most calls */
};

/* Frees what it holds, not the value itself. */
void media_srtp_streams_clear(struct srtp_streams *streams);

/* Where an SSRC is, or streams->n when it is new. -ENOSPC when it is new and there is no room. */
int media_srtp_streams_find(struct srtp_streams *streams, uint32_t ssrc, uint32_t *ret_at);
/* The index that a sequence number most likely stands for. 0; -EALREADY when it was there or is too old; -EOVERFLOW
 * after the last. `at` may be streams->n. */
int media_srtp_streams_estimate(const struct srtp_streams *streams, uint32_t at, uint16_t sequence,
				uint64_t *ret_index);
int media_srtp_streams_check_rtcp(const struct srtp_streams *streams, uint32_t at, uint32_t index);
/* The index of the next report to send. 0 or -EOVERFLOW. */
int media_srtp_streams_next_rtcp(const struct srtp_streams *streams, uint32_t at, uint32_t *ret_index);
void media_srtp_streams_commit(struct srtp_streams *streams, uint32_t at, uint32_t ssrc, uint64_t index);
void media_srtp_streams_commit_rtcp(struct srtp_streams *streams, uint32_t at, uint32_t ssrc, uint32_t index);

void media_srtp_streams_export(const struct srtp_streams *streams, struct media_srtp_state *ret_state);
int media_srtp_streams_import(struct srtp_streams *streams, const struct media_srtp_state *state);
