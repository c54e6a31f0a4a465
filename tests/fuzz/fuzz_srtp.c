/* The input is a script for two pairs of SRTP contexts, ours and libsrtp2's, under one key: send, deliver, repeat,
 * spoil, or deliver raw bytes. Both must say and write the same at every step, and what comes through must be what was
 * sent. */
#include "media/srtp_backend.h"
#include "rtp/packet.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PACKET_MAX 320
#define KEPT	   8
#define STEPS_MAX  300

enum { OWN, LIB, BACKENDS };
static const struct media_srtp_backend *const backends[] = {&media_srtp_openssl, &media_srtp_libsrtp2};

struct packet {
	size_t length;
	uint8_t data[PACKET_MAX];
};

struct kept {
	struct packet sent, plain;
	bool is_rtcp;
};

struct script {
	const uint8_t *data;
	size_t left;
	struct media_srtp *send[BACKENDS], *receive[BACKENDS];
	struct kept kept[KEPT];
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

typedef int operation(struct media_srtp *srtp, struct packet *packet);

static int protect_rtp(struct media_srtp *srtp, struct packet *packet)
{
	return media_srtp_protect(srtp, packet->data, &packet->length, PACKET_MAX);
}

static int protect_rtcp(struct media_srtp *srtp, struct packet *packet)
{
	return media_srtp_protect_rtcp(srtp, packet->data, &packet->length, PACKET_MAX);
}

static int unprotect_rtp(struct media_srtp *srtp, struct packet *packet)
{
	return media_srtp_unprotect(srtp, packet->data, &packet->length);
}

static int unprotect_rtcp(struct media_srtp *srtp, struct packet *packet)
{
	return media_srtp_unprotect_rtcp(srtp, packet->data, &packet->length);
}

static int both(struct media_srtp *const contexts[BACKENDS], operation *run, struct packet *packet)
{
	struct packet out[BACKENDS] = {*packet, *packet};
	int r = run(contexts[OWN], &out[OWN]);
	demand(run(contexts[LIB], &out[LIB]) == r);
	if (r == 0) {
		demand(out[OWN].length == out[LIB].length);
		demand(memcmp(out[OWN].data, out[LIB].data, out[OWN].length) == 0);
		*packet = out[OWN];
	}
	return r;
}

static void fill(struct script *script, struct packet *packet, size_t from)
{
	uint8_t seed = take(script);
	for (size_t i = from; i < packet->length; i++)
		packet->data[i] = (uint8_t)(seed + i);
}

static void send_rtp(struct script *script, struct kept *kept)
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
	if (both(script->send, protect_rtp, &kept->sent) < 0)
		kept->sent.length = 0;
}

static void send_rtcp(struct script *script, struct kept *kept)
{
	uint8_t source = take(script) % 64;
	kept->is_rtcp = true;
	kept->plain.length = take(script);
	fill(script, &kept->plain, 0);
	kept->plain.data[0] = 0x80;
	rtp_put_u32(kept->plain.data + 4, source);
	kept->sent = kept->plain;
	if (both(script->send, protect_rtcp, &kept->sent) < 0)
		kept->sent.length = 0;
}

static void deliver(struct script *script, const struct kept *kept, bool spoilt)
{
	struct packet packet = kept->sent;
	if (packet.length == 0)
		return;
	if (spoilt) {
		packet.data[take(script) % packet.length] ^= (uint8_t)(1 << (take(script) & 7));
		size_t cut = take(script) & 3;
		packet.length -= MIN(packet.length, cut);
	}
	if (both(script->receive, kept->is_rtcp ? unprotect_rtcp : unprotect_rtp, &packet) < 0)
		return;
	demand(packet.length == kept->plain.length);
	demand(memcmp(packet.data, kept->plain.data, packet.length) == 0);
}

static void deliver_raw(struct script *script, bool is_rtcp)
{
	size_t length = take(script);
	struct packet packet = {.length = MIN(length, script->left)};
	memcpy(packet.data, script->data, packet.length);
	script->data += packet.length;
	script->left -= packet.length;
	demand(both(script->receive, is_rtcp ? unprotect_rtcp : unprotect_rtp, &packet) < 0); /* nobody guesses a tag */
}

static void step(struct script *script)
{
	uint8_t what = take(script);
	struct kept *kept = &script->kept[what >> 3 & 7];
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
	size_t bytes = media_srtp_key_bytes(profile) + media_srtp_salt_bytes(profile);
	for (int i = 0; i < BACKENDS; i++) {
		demand(media_srtp_new_with(backends[i], profile, key, bytes, MEDIA_SRTP_SEND, &script.send[i]) == 0);
		demand(media_srtp_new_with(backends[i], profile, key, bytes, MEDIA_SRTP_RECEIVE, &script.receive[i]) ==
		       0);
	}
	for (unsigned n = 0; n < STEPS_MAX && script.left > 0; n++)
		step(&script);
	for (int i = 0; i < BACKENDS; i++) {
		media_srtp_free(script.send[i]);
		media_srtp_free(script.receive[i]);
	}
	return 0;
}
