#include "media_lone.h"
#include <string.h>
#include <unistd.h>

static void must(bool condition)
{
	if (!condition)
		abort();
}

void media_lone_open(struct media_lone *lone)
{
	struct net_address address;

	memset(lone, 0, sizeof *lone);
	lone->worker = g_new0(struct media_worker, 1);
	must(loop_new("signalling", &lone->signalling) == 0);
	must(loop_new("worker", &lone->worker->loop) == 0);
	lone->engine.signalling = lone->signalling;
	lone->worker->engine = &lone->engine;
	lone->ends = g_ptr_array_new();
	must(net_address_parse("127.0.0.1", 0, &address) == 0);
	must(net_udp_open(&address, &lone->out) == 0);
	must(net_local_address(lone->out, &lone->out_address) == 0);
	must(net_address_parse("127.0.0.1", 4000, &lone->peer) == 0);
}

void media_lone_close(struct media_lone *lone)
{
	while (lone->ends->len > 0) {
		media_end_free(lone->ends->pdata[0]);
		g_ptr_array_remove_index_fast(lone->ends, 0);
	}
	g_ptr_array_free(lone->ends, TRUE);
	loop_free(lone->worker->loop);
	loop_free(lone->signalling);
	g_free(lone->worker);
	close(lone->out);
}

static void add(struct sdp_stream_plan *plan, uint8_t type, const char *encoding, uint32_t clock_hz, uint8_t channels)
{
	struct sdp_format *format = &plan->formats[plan->n_formats];

	format->payload_type = plan->send_types[plan->n_formats++] = type;
	format->clock_hz = clock_hz;
	format->channels = channels;
	base_copy_text(format->encoding, sizeof format->encoding, encoding);
}

struct media_end *media_lone_end(struct media_lone *lone)
{
	struct media_leg_options options = {.kind = MEDIA_LEG_RTP, .name = "lone"};
	struct media_end *end = media_end_new(lone->worker, "lone", NULL, &options);
	struct sdp_stream_plan *plan = g_new0(struct sdp_stream_plan, 1);
	struct media_stream *stream;

	g_ptr_array_add(lone->ends, end);
	plan->kind = SDP_KIND_AUDIO;
	plan->direction = SDP_SEND_RECEIVE;
	add(plan, 0, "PCMU", 8000, 1);
	add(plan, 96, "opus", 48000, 2);
	add(plan, 97, "telephone-event", 8000, 1);
	stream = media_stream_new(end, plan);
	media_stream_apply(stream, plan);
	end->streams[end->n_streams++] = stream;
	for (size_t i = 0; i < plan->n_formats; i++)
		end->stream_of_type[plan->formats[i].payload_type] = 0;
	g_free(plan);
	end->has_plan = true;
	end->state = MEDIA_END_CONNECTED;
	end->rtp_remote = end->rtcp_remote = lone->peer;
	end->rtp_descriptor = end->rtcp_descriptor = -1;
	return end;
}
