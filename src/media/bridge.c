/* Who gets what: the tables by which payload types of one leg become payload types of another. Made anew when a plan or a
 * partner changes, so that a packet only looks up. */
#include "media/builtin.h"
#include "media/delay.h"
#include "media/digits.h"
#include "media/extension.h"
#include "media/feedback.h"
#include "media/hop.h"
#include "media/source.h"
#include "media/tap.h"
#include "media/transcode.h"

static uint8_t type_at(const struct media_stream *to, const struct sdp_format *format)
{
	for (size_t i = 0; to && i < to->n_formats; i++)
		if (sdp_format_same_codec(&to->formats[i], format))
			return to->send_types[i];
	return MEDIA_TYPE_NONE;
}

static void make_routes(struct media_stream *stream, struct media_stream *to)
{
	for (size_t i = 0; i < MEDIA_TYPES; i++)
		stream->routes[i] = (struct media_route){.type_out = MEDIA_TYPE_NONE};
	for (size_t i = 0; i < stream->n_formats; i++) {
		const struct sdp_format *format = &stream->formats[i];
		bool is_event = sdp_format_is_telephone_event(format);

		if (format->payload_type >= MEDIA_TYPES)
			continue;
		stream->routes[format->payload_type] = (struct media_route){
			.clock_hz = format->clock_hz,
			.jitter_clock_hz = is_event ? 0 : format->clock_hz,
			.type_out = type_at(to, format),
			.is_event = is_event,
		};
	}
	stream->transcode = media_transcode_renew(stream->transcode, stream, to);
	if (to)
		media_extension_join(stream, to);
	if (stream->to == to)
		return;
	stream->to = to;
	if (!to)
		return;
	rtp_sender_cut(&to->sender);
	media_key_frame_want(stream);
}

static struct media_stream *counterpart(const struct media_stream *stream, const struct media_end *partner)
{
	for (size_t i = 0; i < partner->n_streams; i++)
		if (partner->streams[i]->kind == stream->kind && partner->streams[i]->rank == stream->rank)
			return partner->streams[i];
	return NULL;
}

struct media_stream *media_bridge_source(struct media_stream *stream)
{
	const struct media_end *partner = media_end_main(stream->end)->partner;

	if (stream->to == stream)
		return stream;
	for (size_t i = 0; partner && i < partner->n_streams; i++)
		if (partner->streams[i]->to == stream)
			return partner->streams[i];
	return NULL;
}

static void make_all_routes(struct media_end *end)
{
	struct media_end *partner = end->partner;
	bool is_echo = partner && media_builtin_echoes(partner);

	for (size_t i = 0; i < end->n_streams; i++) {
		struct media_stream *stream = end->streams[i];

		make_routes(stream, is_echo ? stream : partner ? counterpart(stream, partner) : NULL);
		media_digits_route(stream);
		if (!is_echo || partner->options.builtin != MEDIA_BUILTIN_DELAYED_ECHO)
			BASE_CLEAR(&stream->delay, media_delay_free);
		else if (!stream->delay)
			stream->delay = media_delay_new(stream);
	}
}

void media_bridge_refresh(struct media_end *end)
{
	make_all_routes(end);
	media_source_refresh_hold(end);
	media_tap_refresh(end->tap);
	if (!end->partner)
		return;
	make_all_routes(end->partner);
	if (end->partner->across)
		media_hop_tell(end->partner->across, end);
	media_builtin_refresh(end);
	media_builtin_refresh(end->partner);
}

void media_bridge_part(struct media_end *end)
{
	struct media_end *partner = end->partner;

	if (!partner)
		return;
	media_builtin_stop(end);
	media_builtin_stop(partner);
	end->partner = NULL;
	partner->partner = NULL;
	make_all_routes(end);
	make_all_routes(partner);
	if (partner->across)
		media_hop_leave(partner->across);
}

void media_bridge_join(struct media_end *a, struct media_end *b)
{
	if (a == b || a->partner == b)
		return;
	media_bridge_part(a);
	media_bridge_part(b);
	a->partner = b;
	b->partner = a;
	media_bridge_refresh(a);
}
