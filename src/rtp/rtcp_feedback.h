/* What feedback packets carry: NACK and PLI (RFC 4585), FIR (RFC 5104, section 4.3.1), REMB
 * (draft-alvestrand-rmcat-remb-03), transport-wide congestion control
 * (draft-holmer-rmcat-transport-wide-cc-extensions-01). Pure, no allocation; any thread. Whether a packet is one of
 * them is seen by its type and count. */
#pragma once
#include "rtp/rtcp.h"

#define RTCP_NACK_FOLLOWING   16  /* sequence numbers that one entry names after its first */
#define RTCP_NACK_ENTRIES_MAX 64  /* of one packet of ours */
#define RTCP_REMB_SSRCS_MAX   8	  /* of one packet of ours */
#define RTCP_ARRIVALS_MAX     256 /* packets that one packet of ours tells about */

/* The index-th entry: the first sequence number, and which of the 16 after it are missing too, the next one in the
 * lowest bit. False when there are no more. */
bool rtcp_nack_entry(const struct rtcp_feedback *feedback, size_t index, uint16_t *ret_first, uint16_t *ret_following);
/* `sequences` in order, without repeats; what does not go into RTCP_NACK_ENTRIES_MAX entries is left for another time.
 */
void rtcp_write_nack(struct rtcp_writer *writer, uint32_t sender, uint32_t media, const uint16_t *sequences, size_t n);

void rtcp_write_pli(struct rtcp_writer *writer, uint32_t sender, uint32_t media);

/* The index-th entry: who is to send a key frame, and the number of the request: the same one again is a repeat. */
bool rtcp_fir_entry(const struct rtcp_feedback *feedback, size_t index, uint32_t *ret_media, uint8_t *ret_number);
void rtcp_write_fir(struct rtcp_writer *writer, uint32_t sender, uint32_t media, uint8_t number);

/* False when it is no REMB: its number is that of all application layer feedback. */
bool rtcp_remb(const struct rtcp_feedback *feedback, uint64_t *ret_bits_per_second);
/* Rounded down to what 18 bits can say. */
void rtcp_write_remb(struct rtcp_writer *writer, uint32_t sender, uint64_t bits_per_second, const uint32_t *ssrcs,
		     size_t n);

/* When packets came that bear a transport-wide sequence number. Plain value; zeroed is empty. */
struct rtcp_arrivals { /* private to the room */
	bool has_base;
	uint16_t base; /* the first one to tell about */
	uint16_t n;    /* from there on, with those that did not come */
	uint8_t n_told;
	int64_t arrived_us[RTCP_ARRIVALS_MAX]; /* a ring by sequence number; 0: it did not come */
};
/* One that was told about already, or is too far off, is left out. `arrived_us` is over 0. */
void rtcp_arrivals_note(struct rtcp_arrivals *arrivals, uint16_t sequence, int64_t arrived_us);
static inline bool rtcp_arrivals_is_empty(const struct rtcp_arrivals *arrivals)
{
	return arrivals->n == 0;
}
/* Writes what is there, or as much as one packet can tell (the rest stays), and forgets it. Nothing when it is empty.
 */
void rtcp_write_arrivals(struct rtcp_writer *writer, uint32_t sender, uint32_t media, struct rtcp_arrivals *arrivals);
