/* Our SRTP against libsrtp2 in bulk: random keys, packets, jumps, losses, reordering, replays and forgeries; at every step the
 * two must say and write the same, and what comes through must be what was sent. Usage: srtp_oracle [packets [seed]]. Exit
 * status 1 and the step's number at the first difference; the same seed walks the same way again. */
#define SRTP_PACKET_MAX 1600
#include "../support/srtp_both.h"
#include "rtp/packet.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KEPT	    64   /* packets on their way, delivered late */
#define SOURCES	    4
#define KEY_PACKETS 60000 /* then new contexts, of the next profile */

enum tally { SENT_RTP, SENT_RTCP, SENT_TWICE, OPENED, FORGED, REPLAYED, LATE, TALLIES };
static const char *const tally_names[] = {"RTP sent", "RTCP sent", "sendings refused", "opened", "forgeries refused",
					  "replays refused", "too late"};

struct oracle {
	uint64_t random, step, tallies[TALLIES];
	enum media_srtp_profile profile;
	struct both_srtp both;
	uint16_t sequence[SOURCES];
	struct srtp_kept kept[KEPT];
};

/* xorshift64*: the same on every machine. */
static uint32_t draw(struct oracle *oracle, uint32_t below)
{
	oracle->random ^= oracle->random >> 12;
	oracle->random ^= oracle->random << 25;
	oracle->random ^= oracle->random >> 27;
	return (uint32_t)((oracle->random * 0x2545f4914f6cdd1du) >> 32) % below;
}

static void demand(const struct oracle *oracle, bool holds, const char *what)
{
	if (holds)
		return;
	printf("DIFFERENCE at step %" PRIu64 ", %s: %s\n", oracle->step, media_srtp_profile_name(oracle->profile), what);
	exit(1);
}

static int send_packet(const struct oracle *oracle, struct srtp_packet *packet, bool is_rtcp)
{
	const char *difference;
	int error = both_send(&oracle->both, packet, is_rtcp, &difference);

	demand(oracle, !difference, difference);
	return error;
}

static int receive_packet(const struct oracle *oracle, struct srtp_packet *packet, bool is_rtcp)
{
	const char *difference;
	int error = both_receive(&oracle->both, packet, is_rtcp, &difference);

	demand(oracle, !difference, difference);
	return error;
}

static void new_keys(struct oracle *oracle)
{
	uint8_t key[MEDIA_SRTP_KEY_BYTES_MAX];
	size_t bytes;

	oracle->profile = (oracle->profile + 1) % MEDIA_SRTP_PROFILES;
	bytes = media_srtp_key_bytes(oracle->profile) + media_srtp_salt_bytes(oracle->profile);
	for (size_t i = 0; i < bytes; i++)
		key[i] = (uint8_t)draw(oracle, 256);
	both_close(&oracle->both);
	demand(oracle, both_open(&oracle->both, oracle->profile, key), "no context");
	for (size_t i = 0; i < KEPT; i++)
		oracle->kept[i].sent.length = 0;
	for (size_t i = 0; i < SOURCES; i++)
		oracle->sequence[i] = (uint16_t)draw(oracle, 0x8000);
}

static void fill(struct oracle *oracle, uint8_t *data, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (i % 16 == 0)
			draw(oracle, 2);
		data[i] = (uint8_t)(oracle->random >> (i % 8 * 8));
	}
}

/* Mostly the next one; now and then one that was, or one far ahead, so that rollovers are many. */
static uint16_t next_sequence(struct oracle *oracle, uint32_t source)
{
	uint32_t dice = draw(oracle, 64);

	if (dice == 0)
		return (uint16_t)(oracle->sequence[source] - draw(oracle, 80));
	return oracle->sequence[source] = (uint16_t)(oracle->sequence[source] + (dice < 4 ? draw(oracle, 600) : 1));
}

static void make_rtp(struct oracle *oracle, struct srtp_packet *packet)
{
	uint32_t source = draw(oracle, SOURCES), csrcs = draw(oracle, 8) ? 0 : draw(oracle, 16);
	bool has_extension = draw(oracle, 4) == 0;
	size_t header = RTP_HEADER_BYTES + 4 * csrcs, words = has_extension ? draw(oracle, 6) : 0;

	packet->length = header + (has_extension ? 4 + 4 * words : 0) + draw(oracle, draw(oracle, 16) ? 200 : 1200);
	fill(oracle, packet->data, packet->length);
	packet->data[0] = (uint8_t)(0x80 | (has_extension ? 0x10 : 0) | csrcs);
	rtp_put_u16(packet->data + 2, next_sequence(oracle, source));
	rtp_put_u32(packet->data + 8, source);
	if (has_extension)
		rtp_put_u16(packet->data + header + 2, (uint16_t)words);
}

static void make_rtcp(struct oracle *oracle, struct srtp_packet *packet)
{
	packet->length = SRTCP_HEADER_BYTES + 4 * draw(oracle, 40);
	fill(oracle, packet->data, packet->length);
	packet->data[0] = 0x80;
	packet->data[1] = 200;
	rtp_put_u32(packet->data + 4, draw(oracle, SOURCES));
}

static void deliver(struct oracle *oracle, const struct srtp_kept *kept)
{
	static struct srtp_packet packet;
	int error;

	if (draw(oracle, 16) == 0) {
		both_copy(&packet, &kept->sent);
		packet.data[draw(oracle, (uint32_t)packet.length)] ^= (uint8_t)(1u << draw(oracle, 8));
		packet.length -= draw(oracle, 4) ? 0 : draw(oracle, (uint32_t)packet.length);
		demand(oracle, receive_packet(oracle, &packet, kept->is_rtcp) < 0, "a forgery got through");
		oracle->tallies[FORGED]++;
	}
	both_copy(&packet, &kept->sent);
	error = receive_packet(oracle, &packet, kept->is_rtcp);
	oracle->tallies[error == 0 ? OPENED : LATE]++;
	demand(oracle, error < 0 || (packet.length == kept->plain.length &&
				     memcmp(packet.data, kept->plain.data, packet.length) == 0), "another packet");
	if (draw(oracle, 16) == 0) {
		both_copy(&packet, &kept->sent);
		demand(oracle, receive_packet(oracle, &packet, kept->is_rtcp) < 0, "a replay got through");
		oracle->tallies[REPLAYED]++;
	}
}

/* Makes, sends, and delivers it, or one that has waited. */
static void walk(struct oracle *oracle)
{
	struct srtp_kept *kept = &oracle->kept[draw(oracle, 8) ? 0 : draw(oracle, KEPT)];

	if (kept != oracle->kept && kept->sent.length > 0)
		deliver(oracle, kept);
	kept->is_rtcp = draw(oracle, 16) == 0;
	if (kept->is_rtcp)
		make_rtcp(oracle, &kept->plain);
	else
		make_rtp(oracle, &kept->plain);
	both_copy(&kept->sent, &kept->plain);
	if (send_packet(oracle, &kept->sent, kept->is_rtcp) < 0) {
		kept->sent.length = 0;
		oracle->tallies[SENT_TWICE]++;
		return;
	}
	oracle->tallies[kept->is_rtcp ? SENT_RTCP : SENT_RTP]++;
	if (kept == oracle->kept)
		deliver(oracle, kept);
}

int main(int argc, char **argv)
{
	static struct oracle oracle;
	uint64_t packets = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : (uint64_t)time(NULL);

	oracle.random = seed * 2 + 1;
	printf("%" PRIu64 " packets, seed %" PRIu64 "\n", packets, seed);
	fflush(stdout);
	for (oracle.step = 0; oracle.step < packets; oracle.step++) {
		if (oracle.step % KEY_PACKETS == 0)
			new_keys(&oracle);
		walk(&oracle);
	}
	both_close(&oracle.both);
	for (int i = 0; i < TALLIES; i++)
		printf("%12" PRIu64 " %s\n", oracle.tallies[i], tally_names[i]);
	printf("no difference\n");
	return 0;
}
