/* Whatever comes to a leg's sockets, with SRTP left out: classes, streams, statistics, bridge, delay, reports. The input is
 * a row of datagrams: a byte of flags (1: from a stranger, 2: at the echo, 4: at the delayed echo), two of length, bytes. */
#include "../support/media_lone.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct media_end *builtin(struct media_lone *lone, enum media_builtin kind)
{
	struct media_leg_options options = {.kind = MEDIA_LEG_BUILTIN, .builtin = kind, .name = "sound"};
	struct media_end *end = media_end_new(lone->worker, "lone", NULL, &options);

	g_ptr_array_add(lone->ends, end);
	return end;
}

/* Brings the end to all the feedback there is: NACK with and without RTX, key frames, rates, arrivals. */
static void add_video(struct media_end *end, bool has_rtx)
{
	struct sdp_leg_plan plan = {1, g_new0(struct sdp_stream_plan, 1)};
	struct sdp_stream_plan *stream = plan.streams;

	stream->kind = SDP_KIND_VIDEO;
	stream->line = 1;
	stream->direction = SDP_SEND_RECEIVE;
	stream->n_formats = 1;
	stream->formats[0] = (struct sdp_format){.payload_type = 100, .encoding = "VP8", .clock_hz = 90000, .channels = 1};
	stream->send_types[0] = 100;
	stream->rtx_send_types[0] = stream->rtx_receive_types[0] = has_rtx ? 101 : SDP_TYPE_NONE;
	stream->feedback = SDP_FEEDBACK_NACK | SDP_FEEDBACK_PLI | SDP_FEEDBACK_REMB | SDP_FEEDBACK_TRANSPORT_CC;
	stream->local_ssrc = 0x01020304;
	stream->extension_ids[SDP_EXTENSION_TRANSPORT_CC] = 3;
	media_end_apply_streams(end, &plan);
	end->streams[0]->direction = SDP_SEND_RECEIVE; /* the sound that the plan does not name goes on */
	end->stream_of_type[0] = 0;
	end->stream_of_type[96] = 0;
	end->stream_of_type[97] = 0;
	sdp_leg_plan_clear(&plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct media_lone lone;
	struct media_end *a, *b, *echo, *late;
	struct net_address stranger;
	size_t length;

	media_lone_open(&lone);
	a = media_lone_end(&lone);
	b = media_lone_end(&lone);
	echo = media_lone_end(&lone);
	late = media_lone_end(&lone);
	add_video(a, true);
	add_video(b, false);
	media_bridge_join(a, b);
	media_bridge_join(echo, builtin(&lone, MEDIA_BUILTIN_ECHO));
	media_bridge_join(late, builtin(&lone, MEDIA_BUILTIN_DELAYED_ECHO));
	stranger = lone.peer;
	net_address_set_port(&stranger, 4001);
	for (; size >= 3; data += 3 + length, size -= 3 + length) {
		/* Of exactly this size, so that the sanitizer sees what is read behind it. */
		uint8_t flags = data[0];
		uint8_t *bytes;

		length = MIN((size_t)(data[1] << 8 | data[2]), MIN(size - 3, MEDIA_PACKET_BYTES_MAX));
		bytes = g_malloc(length + MEDIA_PACKET_ROOM);
		memcpy(bytes, data + 3, length);
		media_end_receive(flags & 4 ? late : flags & 2 ? echo : a, flags & 1 ? &stranger : &lone.peer, bytes,
				  length);
		g_free(bytes);
		if (loop_timer_is_running(&a->feedback_timer))
			a->feedback_timer.fire(a->feedback_timer.data);
	}
	media_lone_close(&lone);
	return 0;
}
