#include "rtp/rtcp_feedback.h"
#include <string.h>

#define NACK_BYTES	   4
#define FIR_BYTES	   8
#define REMB_HEADER_BYTES  8
#define REMB_MANTISSA_BITS 18
#define REMB_EXPONENT_MAX  46 /* 18 bits and 46 make 64 */
static const uint8_t remb_name[4] = {'R', 'E', 'M', 'B'};

bool rtcp_nack_entry(const struct rtcp_feedback *feedback, size_t index, uint16_t *ret_first, uint16_t *ret_following)
{
	if (index >= feedback->fci_bytes / NACK_BYTES)
		return false;
	*ret_first = rtp_get_u16(feedback->fci + index * NACK_BYTES);
	*ret_following = rtp_get_u16(feedback->fci + index * NACK_BYTES + 2);
	return true;
}

void rtcp_write_nack(struct rtcp_writer *writer, uint32_t sender, uint32_t media, const uint16_t *sequences, size_t n)
{
	uint8_t fci[RTCP_NACK_ENTRIES_MAX * NACK_BYTES];
	struct rtcp_feedback feedback = {.sender = sender, .media = media, .fci = fci};
	size_t i = 0;
	while (i < n && feedback.fci_bytes < sizeof fci) {
		uint16_t first = sequences[i++], following = 0;
		for (uint16_t after; i < n; i++) {
			after = (uint16_t)(sequences[i] - first);
			if (after > RTCP_NACK_FOLLOWING)
				break;
			following |= (uint16_t)(1 << (after - 1));
		}
		rtp_put_u16(fci + feedback.fci_bytes, first);
		rtp_put_u16(fci + feedback.fci_bytes + 2, following);
		feedback.fci_bytes += NACK_BYTES;
	}
	if (feedback.fci_bytes > 0)
		rtcp_write_feedback(writer, RTCP_RTPFB, RTCP_RTPFB_NACK, &feedback);
}

void rtcp_write_pli(struct rtcp_writer *writer, uint32_t sender, uint32_t media)
{
	rtcp_write_feedback(writer, RTCP_PSFB, RTCP_PSFB_PLI,
			    &(struct rtcp_feedback){.sender = sender, .media = media});
}

bool rtcp_fir_entry(const struct rtcp_feedback *feedback, size_t index, uint32_t *ret_media, uint8_t *ret_number)
{
	if (index >= feedback->fci_bytes / FIR_BYTES)
		return false;
	*ret_media = rtp_get_u32(feedback->fci + index * FIR_BYTES);
	*ret_number = feedback->fci[index * FIR_BYTES + 4];
	return true;
}

void rtcp_write_fir(struct rtcp_writer *writer, uint32_t sender, uint32_t media, uint8_t number)
{
	uint8_t fci[FIR_BYTES] = {[4] = number};
	rtp_put_u32(fci, media);
	/* the SSRC of the header is not used (RFC 5104, section 4.3.1.2) */
	rtcp_write_feedback(writer, RTCP_PSFB, RTCP_PSFB_FIR,
			    &(struct rtcp_feedback){.sender = sender, .fci = fci, .fci_bytes = sizeof fci});
}

bool rtcp_remb(const struct rtcp_feedback *feedback, uint64_t *ret_bits_per_second)
{
	if (feedback->fci_bytes < REMB_HEADER_BYTES || memcmp(feedback->fci, remb_name, sizeof remb_name) != 0)
		return false;
	uint8_t exponent = feedback->fci[5] >> 2;
	uint64_t mantissa = rtp_get_u32(feedback->fci + 4) & ((1u << REMB_MANTISSA_BITS) - 1);
	*ret_bits_per_second = exponent > REMB_EXPONENT_MAX ? UINT64_MAX : mantissa << exponent;
	return true;
}

void rtcp_write_remb(struct rtcp_writer *writer, uint32_t sender, uint64_t bits_per_second, const uint32_t *ssrcs,
		     size_t n)
{
	uint8_t fci[REMB_HEADER_BYTES + 4 * RTCP_REMB_SSRCS_MAX];
	uint32_t exponent = 0;
	n = MIN(n, RTCP_REMB_SSRCS_MAX);
	while (bits_per_second >> exponent >> REMB_MANTISSA_BITS)
		exponent++;
	memcpy(fci, remb_name, sizeof remb_name);
	rtp_put_u32(fci + 4,
		    (uint32_t)n << 24 | exponent << REMB_MANTISSA_BITS | (uint32_t)(bits_per_second >> exponent));
	for (size_t i = 0; i < n; i++)
		rtp_put_u32(fci + REMB_HEADER_BYTES + 4 * i, ssrcs[i]);
	rtcp_write_feedback(
	    writer, RTCP_PSFB, RTCP_PSFB_REMB,
	    &(struct rtcp_feedback){.sender = sender, .fci = fci, .fci_bytes = REMB_HEADER_BYTES + 4 * n});
}

/* --- transport-wide arrivals --- */

#define TWCC_HEADER_BYTES 8
#define TWCC_PER_CHUNK	  7 /* a status vector chunk of two-bit symbols */
#define TWCC_REFERENCE_US 64000
#define TWCC_DELTA_US	  250
#define TWCC_SMALL_MAX	  0xff
enum { TWCC_NOT_RECEIVED, TWCC_SMALL_DELTA, TWCC_LARGE_DELTA };

void rtcp_arrivals_note(struct rtcp_arrivals *arrivals, uint16_t sequence, int64_t arrived_us)
{
	if (!arrivals->has_base) {
		arrivals->has_base = true;
		arrivals->base = sequence;
	}
	int ahead = rtp_sequence_distance(sequence, arrivals->base);
	if (ahead < 0 && ahead > -RTCP_ARRIVALS_MAX)
		return; /* told about */
	if (ahead < 0 || ahead >= RTCP_ARRIVALS_MAX) {
		/* a new count, or a gap that nobody needs to hear every packet of */
		*arrivals = (struct rtcp_arrivals){.has_base = true, .base = sequence, .n_told = arrivals->n_told};
		ahead = 0;
	}
	for (; arrivals->n <= ahead; arrivals->n++)
		arrivals->arrived_us[(uint16_t)(arrivals->base + arrivals->n) % RTCP_ARRIVALS_MAX] = 0;
	arrivals->arrived_us[sequence % RTCP_ARRIVALS_MAX] = arrived_us;
}

struct twcc {
	uint8_t symbols[RTCP_ARRIVALS_MAX];
	uint8_t deltas[2 * RTCP_ARRIVALS_MAX];
	size_t n, delta_bytes;
};

/* False when the time since the one before cannot be told: the packet ends before it. */
static bool add_delta(struct twcc *twcc, int64_t ticks)
{
	if (ticks < INT16_MIN || ticks > INT16_MAX)
		return false;
	bool is_small = ticks >= 0 && ticks <= TWCC_SMALL_MAX;
	twcc->symbols[twcc->n++] = is_small ? TWCC_SMALL_DELTA : TWCC_LARGE_DELTA;
	if (is_small) {
		twcc->deltas[twcc->delta_bytes++] = (uint8_t)ticks;
	} else {
		rtp_put_u16(twcc->deltas + twcc->delta_bytes, (uint16_t)ticks);
		twcc->delta_bytes += 2;
	}
	return true;
}

static int64_t arrival(const struct rtcp_arrivals *arrivals, size_t i)
{
	return arrivals->arrived_us[(uint16_t)(arrivals->base + i) % RTCP_ARRIVALS_MAX];
}

/* Deltas add up without their rounding errors: each is the difference of rounded times. */
static void collect(const struct rtcp_arrivals *arrivals, int64_t reference_us, struct twcc *ret_twcc)
{
	int64_t told_ticks = reference_us / TWCC_DELTA_US;
	*ret_twcc = (struct twcc){0};
	for (size_t i = 0; i < arrivals->n; i++) {
		int64_t arrived_us = arrival(arrivals, i), ticks = arrived_us / TWCC_DELTA_US;
		if (arrived_us == 0)
			ret_twcc->symbols[ret_twcc->n++] = TWCC_NOT_RECEIVED;
		else if (!add_delta(ret_twcc, ticks - told_ticks))
			return;
		else
			told_ticks = ticks;
	}
}

static size_t put_chunks(uint8_t *out, const struct twcc *twcc)
{
	size_t bytes = 0;
	for (size_t i = 0; i < twcc->n; i += TWCC_PER_CHUNK, bytes += 2) {
		uint16_t chunk = 0xc000; /* a vector, of two bits each */
		for (size_t k = 0; k < TWCC_PER_CHUNK && i + k < twcc->n; k++)
			chunk |= (uint16_t)(twcc->symbols[i + k] << (12 - 2 * k));
		rtp_put_u16(out + bytes, chunk);
	}
	return bytes;
}

void rtcp_write_arrivals(struct rtcp_writer *writer, uint32_t sender, uint32_t media, struct rtcp_arrivals *arrivals)
{
	uint8_t fci[TWCC_HEADER_BYTES + 2 * (RTCP_ARRIVALS_MAX / TWCC_PER_CHUNK + 1) + 2 * RTCP_ARRIVALS_MAX + 3] = {0};
	struct twcc twcc;
	size_t i = 0;
	while (i < arrivals->n && arrival(arrivals, i) == 0)
		i++;
	if (i == arrivals->n)
		return;
	int64_t reference = arrival(arrivals, i) / TWCC_REFERENCE_US;
	collect(arrivals, reference * TWCC_REFERENCE_US, &twcc);
	rtp_put_u16(fci, arrivals->base);
	rtp_put_u16(fci + 2, (uint16_t)twcc.n);
	rtp_put_u32(fci + 4, (uint32_t)reference << 8 | arrivals->n_told++);
	size_t bytes = TWCC_HEADER_BYTES + put_chunks(fci + TWCC_HEADER_BYTES, &twcc);
	memcpy(fci + bytes, twcc.deltas, twcc.delta_bytes);
	bytes += twcc.delta_bytes;
	rtcp_write_feedback(writer, RTCP_RTPFB, RTCP_RTPFB_TWCC,
			    &(struct rtcp_feedback){sender, media, fci, (bytes + 3) / 4 * 4});
	arrivals->base = (uint16_t)(arrivals->base + twcc.n);
	arrivals->n = (uint16_t)(arrivals->n - twcc.n);
}
