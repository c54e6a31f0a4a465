/* The jitter buffer fed with any packets at any times: what it gives was put, comes in order within a source, and never
 * more waits than may; each packet ends in one of the figures. Eight bytes a step: what (2), sequence (2), timestamp
 * (2), time, duration. */
#include "rtp/jitter.h"
#include <stdlib.h>
#include <string.h>

#define STEP_BYTES  8
#define PACKETS_MAX 16
#define PAYLOAD_MAX 24
#define GETS_MAX    64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
	if (!holds)
		abort();
}

struct world {
	struct rtp_jitter *jitter;
	int64_t now_us;
	uint64_t put, passed_on, refused, given, surplus;
};

static void put(struct world *world, const uint8_t *step)
{
	uint8_t payload[PAYLOAD_MAX + 8];
	struct rtp_packet packet = {
	    .ssrc = step[0] & 3,
	    .marker = step[0] & 4,
	    .payload_type = step[0] & 8 ? 13 : 0,
	    .sequence = rtp_get_u16(step + 2),
	    .timestamp = (uint32_t)rtp_get_u16(step + 4) << (step[0] & 16 ? 16 : 4),
	    .payload = payload,
	    .payload_bytes = step[7] % sizeof payload,
	};
	struct rtp_jitter_sound sound = {step[0] & 32 ? 48000 : 8000, step[7] * (step[0] & 64 ? 300u : 10u)};

	memset(payload, step[3], sizeof payload);
	if (packet.payload_bytes == 0 || step[1] & 8) {
		rtp_jitter_pass(world->jitter, &packet);
		return;
	}
	int r = rtp_jitter_put(world->jitter, &packet, &sound, world->now_us);
	demand(r == 0 || r == -EALREADY || r == -ETIME || r == -EMSGSIZE || r == -EINVAL || r == -EAGAIN);
	demand((r == -EMSGSIZE) == (packet.payload_bytes > PAYLOAD_MAX && r != -EINVAL));
	world->put += r != -EINVAL;
	world->refused += r != 0 && r != -EINVAL;
}

static void get(struct world *world, bool is_quiet)
{
	struct rtp_jitter_frame frame;
	enum rtp_jitter_verdict verdict = RTP_JITTER_PACKET;

	for (int i = 0; i < GETS_MAX && verdict != RTP_JITTER_SILENCE; i++) {
		verdict = rtp_jitter_get(world->jitter, world->now_us, is_quiet, &frame);
		demand((verdict == RTP_JITTER_PACKET || verdict == RTP_JITTER_SURPLUS) <= (frame.payload != NULL));
		demand(verdict != RTP_JITTER_SILENCE || !frame.payload);
		demand(verdict != RTP_JITTER_LOST || frame.duration > 0);
		demand(frame.duration <= 2 * RTP_JITTER_DURATION_S_MAX * 48000);
		for (size_t k = 1; frame.payload && k < frame.payload_bytes; k++)
			demand(frame.payload[k] == frame.payload[0]);
		demand(!frame.payload || (frame.payload_bytes > 0 && frame.payload_bytes <= PAYLOAD_MAX));
		world->given += verdict == RTP_JITTER_PACKET || verdict == RTP_JITTER_SURPLUS;
		rtp_jitter_state_text(rtp_jitter_state(world->jitter));
		rtp_jitter_verdict_text(verdict);
	}
}

static void check(const struct world *world)
{
	struct rtp_jitter_figures figures;

	rtp_jitter_get_figures(world->jitter, &figures);
	demand(figures.received == world->put);
	demand(figures.played == world->given);
	demand(figures.target_ms <= 200);
	demand(figures.played + figures.late + figures.duplicates + figures.discarded <= figures.received);
	demand(figures.received <=
	       figures.played + figures.late + figures.duplicates + figures.discarded + PACKETS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct rtp_jitter_settings settings = {.packets_max = PACKETS_MAX, .payload_max = PAYLOAD_MAX};
	struct world world = {.jitter = rtp_jitter_new(&settings), .now_us = 1000000};

	for (; size >= STEP_BYTES; data += STEP_BYTES, size -= STEP_BYTES) {
		world.now_us += (int64_t)data[6] * (data[1] & 1 ? 100000 : 1000);
		if (data[1] & 2)
			get(&world, data[1] & 4);
		if (!(data[1] & 16))
			put(&world, data);
		check(&world);
	}
	rtp_jitter_free(world.jitter);
	return 0;
}
