/* Telephone events both ways: digits go out as packets, the input decides what becomes of each (lost, doubled, held
 * back), and what is heard are digits that were sent, in their order, none twice; all of them when nothing is lost. Or
 * the receiver alone takes any packets: then starts and ends alternate. */
#include "rtp/event_sender.h"
#include <stdlib.h>

#define DIGITS_MAX 64
#define TICK_US	   (10 * INT64_C(1000))
#define HELD_MAX   4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
	if (!holds)
		abort();
}

struct world {
	struct rtp_event_sender sender;
	struct rtp_event_receiver receiver;
	int64_t now_us;
	uint32_t clock_hz;
	struct rtp_event_out held[HELD_MAX];
	size_t n_held;
	bool has_lost;
	uint8_t sent[DIGITS_MAX];
	size_t n_sent, n_heard;
	int open;
};

static void hear(struct world *world, const struct rtp_event_change *changes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		demand(changes[i].kind == RTP_EVENT_STARTED ? world->open < 0 : world->open == changes[i].code);
		world->open = changes[i].kind == RTP_EVENT_STARTED ? changes[i].code : -1;
		if (changes[i].kind == RTP_EVENT_ENDED)
			continue;
		while (world->has_lost && world->n_heard < world->n_sent &&
		       world->sent[world->n_heard] != changes[i].code)
			world->n_heard++;
		demand(world->n_heard < world->n_sent && world->sent[world->n_heard] == changes[i].code);
		world->n_heard++;
	}
}

static void arrive(struct world *world, const struct rtp_event_out *out)
{
	struct rtp_event_change changes[RTP_EVENT_CHANGES_MAX];
	struct rtp_event event;

	demand(rtp_event_parse(out->payload, sizeof out->payload, &event) == 0);
	hear(world, changes,
	     rtp_event_receiver_update(&world->receiver, out->timestamp, &event, world->now_us, changes));
}

static void release(struct world *world)
{
	while (world->n_held > 0)
		arrive(world, &world->held[--world->n_held]);
}

static void carry(struct world *world, const struct rtp_event_out *out, uint8_t fate)
{
	if ((fate & 3) == 1) {
		world->has_lost = true;
		return;
	}
	/* a digit is not overtaken whole by the next one */
	if (world->n_held > 0 && world->held[0].timestamp != out->timestamp)
		release(world);
	if ((fate & 3) == 2 && world->n_held < HELD_MAX) {
		world->held[world->n_held++] = *out;
		return;
	}
	for (int times = 0; times <= (fate >> 2 & 1); times++)
		arrive(world, out);
	release(world);
}

static void press(struct world *world, uint8_t octet)
{
	struct rtp_digit digit = {octet & 15, octet >> 3, octet & 0x80 ? 0 : octet * 10u};

	if (world->n_sent < DIGITS_MAX && rtp_digits_put(&world->sender.digits, &digit) == 0)
		world->sent[world->n_sent++] = digit.code;
}

static void both_ways(const uint8_t *data, size_t size)
{
	struct world world = {.now_us = 1000000, .clock_hz = data[0] & 1 ? 48000 : 8000, .open = -1};
	struct rtp_event_change change;

	rtp_event_sender_init(&world.sender, world.clock_hz, data[0] >> 1);
	for (size_t i = 1; i < size || rtp_event_sender_is_busy(&world.sender); i++) {
		uint8_t octet = i < size ? data[i] : 0;

		world.now_us += TICK_US;
		if (i < size && (octet & 0x18) == 0x18)
			press(&world, ++i < size ? data[i] : 0);
		else if ((octet & 0x18) == 0x10)
			rtp_digits_end(&world.sender.digits, octet * 3u);
		while (world.now_us >= rtp_event_sender_due_us(&world.sender)) {
			struct rtp_event_out out;
			uint32_t timestamp = (uint32_t)(world.now_us * world.clock_hz / 1000000);

			if (rtp_event_sender_next(&world.sender, world.now_us, timestamp, &out))
				carry(&world, &out, octet);
		}
		if (rtp_event_receiver_expire(&world.receiver, world.now_us, &change))
			hear(&world, &change, 1);
	}
	release(&world);
	demand(world.has_lost || world.n_heard == world.n_sent);
}

/* Five bytes a packet: time, timestamp, event, flags, duration. */
static void receiver_alone(const uint8_t *data, size_t size)
{
	struct rtp_event_receiver receiver = {0};
	struct rtp_event_change changes[RTP_EVENT_CHANGES_MAX];
	int64_t now_us = 1000000;
	int open = -1;

	for (; size >= 5; data += 5, size -= 5) {
		struct rtp_event event = {data[2], data[3] & 0x80, data[3] & 0x3f, (uint16_t)(data[4] << 8)};
		size_t n;

		now_us += data[0] * TICK_US;
		n = rtp_event_receiver_update(&receiver, (uint32_t)data[1] * (data[3] & 0x40 ? 0xffff : 1000), &event,
					      now_us, changes);
		if (n == 0 && rtp_event_receiver_expire(&receiver, now_us + (data[3] & 1) * 400000, changes))
			n = 1;
		demand(n <= RTP_EVENT_CHANGES_MAX);
		for (size_t i = 0; i < n; i++) {
			demand(changes[i].kind == RTP_EVENT_STARTED ? open < 0 : open == changes[i].code);
			open = changes[i].kind == RTP_EVENT_STARTED ? changes[i].code : -1;
		}
		demand((receiver.state == RTP_EVENT_RECEIVER_SOUNDING) == (open >= 0));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 1 && data[0] == 'R')
		receiver_alone(data + 1, size - 1);
	else if (size > 1)
		both_ways(data, size);
	return 0;
}
