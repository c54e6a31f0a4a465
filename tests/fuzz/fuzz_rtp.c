/* RTP: the first bytes choose what the rest is for: one packet (parsed, its extension walked, built again), or a run of
 * short packets through the receiver, the sender and the event receiver, whose promises are checked. */
#include "rtp/event.h"
#include "rtp/receiver.h"
#include "rtp/sender.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
	if (!holds)
		abort();
}

static volatile uint8_t sink;

static void touch(const uint8_t *data, size_t length)
{
	for (size_t i = 0; i < length; i++)
		sink ^= data[i];
}

static void one_packet(const uint8_t *data, size_t size)
{
	struct rtp_packet packet, again;
	size_t header_bytes;
	rtp_classify(data, size);
	if (rtp_packet_parse(data, size, &packet) < 0)
		return;
	demand(rtp_header_length(data, size, &header_bytes) == 0);
	demand(header_bytes + packet.payload_bytes + packet.padding_bytes == size);
	touch(packet.csrc, 4 * (size_t)packet.n_csrc);
	touch(packet.payload, packet.payload_bytes);
	struct rtp_extension_iterator iterator;
	struct rtp_extension_element element;
	size_t elements = 0;
	for (rtp_extension_start(&packet, &iterator); rtp_extension_next(&iterator, &element); elements++) {
		demand(element.id != 0);
		touch(element.data, element.length);
	}
	demand(elements <= packet.extension_bytes);

	uint8_t *built = malloc(size);
	size_t length = 0;
	demand(rtp_packet_build(&packet, built, size, &length) == 0 && length == size);
	demand(rtp_packet_build(&packet, built, size - 1, &length) == -ENOSPC);
	demand(rtp_packet_parse(built, size, &again) == 0);
	demand(memcmp(built, data, header_bytes + packet.payload_bytes) == 0);
	struct rtp_event event;
	if (rtp_event_parse(packet.payload, packet.payload_bytes, &event) == 0) {
		uint8_t payload[RTP_EVENT_BYTES];
		rtp_event_build(&event, payload);
		demand((payload[1] | 0x40) == (packet.payload[1] | 0x40) && payload[0] == packet.payload[0]);
	}
	free(built);
}

static void check_changes(struct rtp_event_change *changes, size_t n, int *open)
{
	for (size_t i = 0; i < n; i++) {
		demand(changes[i].kind == RTP_EVENT_STARTED ? *open < 0 : *open == changes[i].code);
		*open = changes[i].kind == RTP_EVENT_STARTED ? changes[i].code : -1;
	}
}

/* Eight bytes a packet: flags, source, sequence (2), timestamp (2), time, event */
static void many_packets(const uint8_t *data, size_t size)
{
	struct rtp_receiver receiver;
	struct rtp_sender sender;
	struct rtp_event_receiver events = {0};
	int64_t now_us = 1000000;
	int open_event = -1;
	uint64_t packets = 0;
	uint16_t last_out = 0;
	rtp_receiver_init(&receiver, 1, size > 0 ? data[0] & 3 : 0);
	rtp_sender_init(&sender, 99, 1000, 5000);
	for (; size >= 8; data += 8, size -= 8) {
		uint8_t bytes[RTP_HEADER_BYTES + 4] = {0x80, data[0] & 0x80};
		rtp_put_u16(bytes + 2, rtp_get_u16(data + 2));
		rtp_put_u32(bytes + 4, (uint32_t)rtp_get_u16(data + 4) << (data[0] & 0x10 ? 16 : 3));
		rtp_put_u32(bytes + 8, data[1] & 3);
		now_us += (int64_t)data[6] * (data[0] & 0x20 ? 1000000 : 1000);
		uint32_t clock_hz = data[0] & 0x40 ? 48000 : 8000;
		struct rtp_packet packet;
		demand(rtp_packet_parse(bytes, sizeof bytes, &packet) == 0);

		if (rtp_receiver_update(&receiver, &packet, clock_hz, now_us) == RTP_RECEIVER_VALID)
			packets++;
		demand(rtp_receiver_packets(&receiver) == packets);
		if (data[0] & 8) {
			struct rtcp_report_block block;
			rtp_receiver_report(&receiver, now_us, &block);
		}
		if (data[0] & 4)
			rtp_sender_cut(&sender);
		struct rtp_sender before = sender;
		struct rtp_sender_out out;
		int r = rtp_sender_next(&sender, &packet, clock_hz, now_us, &out);
		if (r == 0) {
			bool is_switch = !before.has_source || before.source != packet.ssrc;
			if (!before.has_sent)
				demand(out.sequence == 1000 && out.timestamp == 5000);
			else if (is_switch)
				demand(out.sequence == (uint16_t)(last_out + 1) && out.marker);
			demand(rtp_sequence_distance(out.sequence, last_out) < RTP_MAX_DROPOUT || !before.has_sent);
			if (!before.has_sent || rtp_sequence_distance(out.sequence, last_out) > 0)
				last_out = out.sequence;
		}
		struct rtp_event event = {data[7] & 7, data[7] & 0x80, 0, rtp_get_u16(data + 4)};
		struct rtp_event_change changes[RTP_EVENT_CHANGES_MAX];
		check_changes(changes, rtp_event_receiver_update(&events, packet.timestamp, &event, now_us, changes),
			      &open_event);
		if (data[7] & 0x40 && rtp_event_receiver_expire(&events, now_us + 300000, changes))
			check_changes(changes, 1, &open_event);
		demand((events.state == RTP_EVENT_RECEIVER_SOUNDING) == (open_event >= 0));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] == 'S')
		many_packets(data + 1, size - 1);
	else
		one_packet(data, size);
	return 0;
}
