/* RTCP (RFC 3550, section 6; feedback RFC 4585; extended reports RFC 3611; reduced size RFC 5506). Pure, no allocation;
 * any thread. Reading: check the compound once, then walk it. Writing: into the caller's buffer; an overflow spoils
 * nothing and is told at the end. */
#pragma once
#include "rtp/packet.h"

#define RTCP_HEADER_BYTES      4
#define RTCP_REPORT_BLOCKS_MAX 31
#define RTCP_CNAME_BYTES_MAX   255

enum rtcp_type {
	RTCP_SR = 200,
	RTCP_RR = 201,
	RTCP_SDES = 202,
	RTCP_BYE = 203,
	RTCP_APP = 204,
	RTCP_RTPFB = 205,
	RTCP_PSFB = 206,
	RTCP_XR = 207,
};
enum { RTCP_RTPFB_NACK = 1, RTCP_RTPFB_TWCC = 15 };
enum { RTCP_PSFB_PLI = 1, RTCP_PSFB_FIR = 4, RTCP_PSFB_REMB = 15 };
#define RTCP_XR_RRTR 4
#define RTCP_XR_DLRR 5

/* --- reading --- */
struct rtcp_packet {
	uint8_t type;
	uint8_t count;	     /* report count, source count, subtype or feedback format */
	const uint8_t *body; /* after the four bytes of the header, without padding */
	size_t body_bytes;
};
struct rtcp_iterator {
	const uint8_t *data;
	size_t left;
};
/* The checks of RFC 3550, appendix A.2: versions, lengths that add up, padding only at the end, SR or RR first unless
 * `reduced_size`. 0 or -EBADMSG. */
int rtcp_compound_check(const uint8_t *data, size_t length, bool reduced_size);
void rtcp_start(const uint8_t *data, size_t length, struct rtcp_iterator *ret_iterator);
/* False at the end or at the first packet that is not whole. */
bool rtcp_next(struct rtcp_iterator *iterator, struct rtcp_packet *ret_packet);

/* The first word of the body: who sent it (SR, RR, APP, feedback, XR). False when there is none. */
bool rtcp_sender_ssrc(const struct rtcp_packet *packet, uint32_t *ret_ssrc);

struct rtcp_sender_info {
	uint64_t ntp_time;
	uint32_t rtp_timestamp;
	uint32_t packets;
	uint32_t octets;
};
bool rtcp_sender_info(const struct rtcp_packet *packet, struct rtcp_sender_info *ret_info); /* SR only */

struct rtcp_report_block {
	uint32_t ssrc;
	uint8_t fraction_lost;
	int32_t cumulative_lost;   /* 24 bits signed */
	uint32_t highest_sequence; /* extended */
	uint32_t jitter;	   /* timestamp units */
	uint32_t last_sender_report;
	uint32_t delay_since_last_sender_report; /* 1/65536 s */
};
/* The index-th block of an SR or RR; false when there are no more. */
bool rtcp_report_block(const struct rtcp_packet *packet, size_t index, struct rtcp_report_block *ret_block);

/* The CNAME of the first chunk of an SDES that has one; not NUL-terminated. */
bool rtcp_cname(const struct rtcp_packet *packet, uint32_t *ret_ssrc, const char **ret_name, size_t *ret_length);
/* The index-th source of a BYE. */
bool rtcp_bye_source(const struct rtcp_packet *packet, size_t index, uint32_t *ret_ssrc);

struct rtcp_feedback { /* RTPFB, PSFB */
	uint32_t sender, media;
	const uint8_t *fci;
	size_t fci_bytes;
};
bool rtcp_feedback(const struct rtcp_packet *packet, struct rtcp_feedback *ret_feedback);

struct rtcp_xr_block {
	uint8_t type, specific;
	const uint8_t *content;
	size_t bytes;
};
/* The index-th block of an XR. */
bool rtcp_xr_block(const struct rtcp_packet *packet, size_t index, struct rtcp_xr_block *ret_block);

/* --- writing --- */
struct rtcp_writer {
	uint8_t *data;
	size_t capacity, length;
	bool is_full; /* something did not fit */
};
void rtcp_writer_init(struct rtcp_writer *writer, uint8_t *data, size_t capacity);
void rtcp_write_sender_report(struct rtcp_writer *writer, uint32_t ssrc, const struct rtcp_sender_info *info,
			      const struct rtcp_report_block *blocks, size_t n_blocks);
void rtcp_write_receiver_report(struct rtcp_writer *writer, uint32_t ssrc, const struct rtcp_report_block *blocks,
				size_t n_blocks);
/* `cname` is cut at RTCP_CNAME_BYTES_MAX. */
void rtcp_write_cname(struct rtcp_writer *writer, uint32_t ssrc, const char *cname);
/* `reason` may be NULL. */
void rtcp_write_bye(struct rtcp_writer *writer, uint32_t ssrc, const char *reason);
/* `fci_bytes` a multiple of four. */
void rtcp_write_feedback(struct rtcp_writer *writer, enum rtcp_type type, uint8_t format,
			 const struct rtcp_feedback *feedback);
/* A packet with one block, whose `bytes` are a multiple of four. */
void rtcp_write_xr(struct rtcp_writer *writer, uint32_t ssrc, const struct rtcp_xr_block *block);
/* 0 or -ENOSPC. */
int rtcp_writer_end(const struct rtcp_writer *writer, size_t *ret_length);

/* --- time --- */
/* CLOCK_REALTIME as NTP has it: seconds since 1900 and 2^-32 s. For sender reports only; it drives nothing. */
uint64_t rtcp_ntp_now(void);
/* The middle 32 bits, as LSR has them. */
static inline uint32_t rtcp_ntp_middle(uint64_t ntp_time)
{
	return (uint32_t)(ntp_time >> 16);
}

/* Round trips from LSR and DLSR (RFC 3550, section 6.4.1). The times of our last sender reports are kept by the
 * monotonic clock, so that a step of the wall clock makes no round trip wrong. Plain value; zeroed is empty. */
#define RTCP_REPORTS_REMEMBERED 8
struct rtcp_round_trip {
	unsigned n;
	struct {
		uint32_t middle;
		int64_t sent_us;
	} reports[RTCP_REPORTS_REMEMBERED];
};
void rtcp_round_trip_note(struct rtcp_round_trip *memory, uint64_t ntp_time, int64_t sent_us);
/* From a block about us. False when it names no report of ours, or its delay is longer than the time since. */
bool rtcp_round_trip_us(const struct rtcp_round_trip *memory, const struct rtcp_report_block *block, int64_t now_us,
			uint32_t *ret_us);
