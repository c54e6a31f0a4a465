#include "media/srtp_streams.h"
#include <string.h>

#define HALF_SEQUENCE 0x8000u

void media_srtp_streams_clear(struct srtp_streams *streams)
{
	g_free(streams->stream);
	*streams = (struct srtp_streams){0};
}

int media_srtp_streams_find(struct srtp_streams *streams, uint32_t ssrc, uint32_t *ret_at)
{
	if (streams->recent < streams->n && streams->ssrc[streams->recent] == ssrc) {
		*ret_at = streams->recent;
		return 0;
	}
	uint32_t at = 0;
	while (at < streams->n && streams->ssrc[at] != ssrc)
		at++;
	if (at == MEDIA_SRTP_STREAMS_MAX)
		return -ENOSPC;
	if (at < streams->n)
		streams->recent = at;
	*ret_at = at;
	return 0;
}

static bool window_has(const uint64_t *window, size_t size, uint64_t index)
{
	return window[index % size / 64] >> (index % 64) & 1;
}

static void window_set(uint64_t *window, size_t size, uint64_t index)
{
	window[index % size / 64] |= UINT64_C(1) << (index % 64);
}

/* The window moves from `highest` up to `index`: what comes into it has not been there yet. */
static void window_move(uint64_t *window, size_t size, uint64_t highest, uint64_t index)
{
	if (index - highest >= size) {
		memset(window, 0, size / 8);
		return;
	}
	for (uint64_t i = highest + 1; i <= index; i++)
		window[i % size / 64] &= ~(UINT64_C(1) << (i % 64));
}

static bool is_replay(const uint64_t *window, size_t size, uint64_t highest, uint64_t index)
{
	return index <= highest && (highest - index >= size || window_has(window, size, index));
}

int media_srtp_streams_estimate(const struct srtp_streams *streams, uint32_t at, uint16_t sequence, uint64_t *ret_index)
{
	const struct srtp_stream *stream = at < streams->n ? &streams->stream[at] : NULL;
	if (!stream || !stream->has_rtp) {
		*ret_index = sequence;
		return 0;
	}
	/* appendix A; a counter of 0 has nothing before it */
	uint64_t rollover = stream->rtp_highest >> 16;
	uint32_t highest_sequence = stream->rtp_highest & 0xffff;
	if (highest_sequence < HALF_SEQUENCE) {
		if (rollover > 0 && sequence > highest_sequence + HALF_SEQUENCE)
			rollover--;
	} else if (sequence < highest_sequence - HALF_SEQUENCE) {
		rollover++;
	}
	uint64_t index = rollover << 16 | sequence;
	if (index > SRTP_INDEX_MAX)
		return -EOVERFLOW;
	if (is_replay(stream->rtp_window, MEDIA_SRTP_WINDOW, stream->rtp_highest, index))
		return -EALREADY;
	*ret_index = index;
	return 0;
}

int media_srtp_streams_check_rtcp(const struct srtp_streams *streams, uint32_t at, uint32_t index)
{
	const struct srtp_stream *stream = at < streams->n ? &streams->stream[at] : NULL;
	if (!stream || !stream->has_rtcp)
		return 0;
	return is_replay(stream->rtcp_window, MEDIA_SRTCP_WINDOW, stream->rtcp_highest, index) ? -EALREADY : 0;
}

int media_srtp_streams_next_rtcp(const struct srtp_streams *streams, uint32_t at, uint32_t *ret_index)
{
	const struct srtp_stream *stream = at < streams->n ? &streams->stream[at] : NULL;
	bool is_first = !stream || !stream->has_rtcp;
	if (!is_first && stream->rtcp_highest == SRTCP_INDEX_MAX)
		return -EOVERFLOW;
	/* RFC 3711 would have 0 first; 1 is what libsrtp has always sent, and any is taken */
	*ret_index = is_first ? 1 : stream->rtcp_highest + 1;
	return 0;
}

static struct srtp_stream *stream_for(struct srtp_streams *streams, uint32_t at, uint32_t ssrc)
{
	if (at == streams->n) {
		streams->ssrc[at] = ssrc;
		streams->stream = g_renew(struct srtp_stream, streams->stream, at + 1);
		memset(&streams->stream[at], 0, sizeof streams->stream[at]);
		streams->n++;
		streams->recent = at;
	}
	return &streams->stream[at];
}

void media_srtp_streams_commit(struct srtp_streams *streams, uint32_t at, uint32_t ssrc, uint64_t index)
{
	struct srtp_stream *stream = stream_for(streams, at, ssrc);
	if (!stream->has_rtp) {
		stream->has_rtp = true;
		stream->rtp_highest = index;
	} else if (index > stream->rtp_highest) {
		window_move(stream->rtp_window, MEDIA_SRTP_WINDOW, stream->rtp_highest, index);
		stream->rtp_highest = index;
	}
	window_set(stream->rtp_window, MEDIA_SRTP_WINDOW, index);
}

void media_srtp_streams_commit_rtcp(struct srtp_streams *streams, uint32_t at, uint32_t ssrc, uint32_t index)
{
	struct srtp_stream *stream = stream_for(streams, at, ssrc);
	if (!stream->has_rtcp) {
		stream->has_rtcp = true;
		stream->rtcp_highest = index;
	} else if (index > stream->rtcp_highest) {
		window_move(stream->rtcp_window, MEDIA_SRTCP_WINDOW, stream->rtcp_highest, index);
		stream->rtcp_highest = index;
	}
	window_set(stream->rtcp_window, MEDIA_SRTCP_WINDOW, index);
}

void media_srtp_streams_export(const struct srtp_streams *streams, struct media_srtp_state *ret_state)
{
	struct media_srtp_state state = {.n_streams = streams->n};
	for (uint32_t i = 0; i < streams->n; i++) {
		const struct srtp_stream *stream = &streams->stream[i];
		state.streams[i] = (struct media_srtp_stream_state){
		    .ssrc = streams->ssrc[i],
		    .has_rtp = stream->has_rtp,
		    .rtp_index = stream->rtp_highest,
		    .has_rtcp = stream->has_rtcp,
		    .rtcp_index = stream->rtcp_highest,
		};
	}
	*ret_state = state;
}

static bool is_possible(const struct media_srtp_state *state)
{
	if (state->n_streams > MEDIA_SRTP_STREAMS_MAX)
		return false;
	for (size_t i = 0; i < state->n_streams; i++) {
		if (state->streams[i].rtp_index > SRTP_INDEX_MAX || state->streams[i].rtcp_index > SRTCP_INDEX_MAX)
			return false;
		for (size_t j = 0; j < i; j++) {
			if (state->streams[i].ssrc == state->streams[j].ssrc)
				return false;
		}
	}
	return true;
}

int media_srtp_streams_import(struct srtp_streams *streams, const struct media_srtp_state *state)
{
	if (streams->n > 0)
		return -EBUSY;
	if (!is_possible(state))
		return -EINVAL;
	for (size_t i = 0; i < state->n_streams; i++) {
		const struct media_srtp_stream_state *from = &state->streams[i];
		struct srtp_stream *stream = stream_for(streams, (uint32_t)i, from->ssrc);
		stream->has_rtp = from->has_rtp;
		stream->rtp_highest = from->rtp_index;
		stream->has_rtcp = from->has_rtcp;
		stream->rtcp_highest = from->rtcp_index;
		memset(stream->rtp_window, 0xff, sizeof stream->rtp_window);
		memset(stream->rtcp_window, 0xff, sizeof stream->rtcp_window);
	}
	return 0;
}
