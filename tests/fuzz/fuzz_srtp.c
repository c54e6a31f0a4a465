/* The input is a script for two pairs of SRTP contexts, ours and libsrtp2's, under one key: send, deliver, repeat,
 * spoil, or deliver raw bytes. Both must say and write the same at every step, and what comes through must be what was
 * sent. */
#define SRTP_PACKET_MAX 320
#include "../support/srtp_both.h"
#include "rtp/packet.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KEPT	   8
#define STEPS_MAX  300

struct script {
	const uint8_t *data;
	size_t left;
	struct both_srtp both;
	struct srtp_kept kept[KEPT];
	uint16_t sequence[64];
};

static uint8_t take(struct script *script)
{
	if (script->left == 0)
		return 0;
	script->left--;
	return *script->data++;
}

static void demand(bool holds)
{
	if (!holds)
		abort();
}

static int send_packet(const struct script *script, struct srtp_packet *packet, bool is_rtcp)
{
	const char *difference;
	int error = both_send(&script->both, packet, is_rtcp, &difference);
	demand(!difference);
	return error;
}

static int receive_packet(const struct script *script, struct srtp_packet *packet, bool is_rtcp)
{
	const char *difference;
	int error = both_receive(&script->both, packet, is_rtcp, &difference);
	demand(!difference);
	return error;
}

static void fill(struct script *script, struct srtp_packet *packet, size_t from)
{
	uint8_t seed = take(script);
	for (size_t i = from; i < packet->length; i++)
		packet->data[i] = (uint8_t)(seed + i);
}

static void send_rtp(struct script *script, struct srtp_kept *kept)
{
	uint8_t source = take(script) % 64, shape = take(script);
	int16_t jump = (int16_t)(take(script) << 8 | take(script));
	script->sequence[source] = (uint16_t)(script->sequence[source] + jump);
	kept->is_rtcp = false;
	kept->plain.length = RTP_HEADER_BYTES + take(script);
	fill(script, &kept->plain, 1);
	kept->plain.data[0] = (uint8_t)(0x80 | (shape & 0x3f));
	rtp_put_u16(kept->plain.data + 2, script->sequence[source]);
	rtp_put_u32(kept->plain.data + 8, source);
	if (shape & 0x40) /* an extension length that may fit */
		memset(kept->plain.data + RTP_HEADER_BYTES, 0, MIN(kept->plain.length - RTP_HEADER_BYTES, 64));
	kept->sent = kept->plain;
	if (send_packet(script, &kept->sent, false) < 0)
		kept->sent.length = 0;
}

static void send_rtcp(struct script *script, struct srtp_kept *kept)
{
	uint8_t source = take(script) % 64;
	kept->is_rtcp = true;
	kept->plain.length = take(script);
	fill(script, &kept->plain, 0);
	kept->plain.data[0] = 0x80;
	rtp_put_u32(kept->plain.data + 4, source);
	kept->sent = kept->plain;
	if (send_packet(script, &kept->sent, true) < 0)
		kept->sent.length = 0;
}

static void deliver(struct script *script, const struct srtp_kept *kept, bool spoilt)
{
	struct srtp_packet packet = kept->sent;
	if (packet.length == 0)
		return;
	if (spoilt) {
		packet.data[take(script) % packet.length] ^= (uint8_t)(1 << (take(script) & 7));
		size_t cut = take(script) & 3;
		packet.length -= MIN(packet.length, cut);
	}
	if (receive_packet(script, &packet, kept->is_rtcp) < 0)
		return;
	demand(packet.length == kept->plain.length);
	demand(memcmp(packet.data, kept->plain.data, packet.length) == 0);
}

static void deliver_raw(struct script *script, bool is_rtcp)
{
	size_t length = take(script);
	struct srtp_packet packet = {.length = MIN(length, script->left)};
	memcpy(packet.data, script->data, packet.length);
	script->data += packet.length;
	script->left -= packet.length;
	demand(receive_packet(script, &packet, is_rtcp) < 0); /* nobody guesses a tag */
}

static void step(struct script *script)
{
	uint8_t what = take(script);
	struct srtp_kept *kept = &script->kept[what >> 3 & 7];
	switch (what & 7) {
	case 0:
	case 1:
		send_rtp(script, kept);
		break;
	case 2:
		send_rtcp(script, kept);
		break;
	case 3:
	case 4:
		deliver(script, kept, false);
		break;
	case 5:
		deliver(script, kept, true);
		break;
	case 6:
		deliver_raw(script, false);
		break;
	case 7:
		deliver_raw(script, true);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct script script;
	script = (struct script){.data = data, .left = size};
	enum media_srtp_profile profile = (enum media_srtp_profile)(take(&script) % MEDIA_SRTP_PROFILES);
	uint8_t key[MEDIA_SRTP_KEY_BYTES_MAX];
	memset(key, 0x42, sizeof key);
	demand(both_open(&script.both, profile, key));
	for (unsigned n = 0; n < STEPS_MAX && script.left > 0; n++)
		step(&script);
	both_close(&script.both);
	return 0;
}
