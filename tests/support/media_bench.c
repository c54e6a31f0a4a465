#include "media_bench.h"
#include "net/udp.h"
#include "plugin/plugin.h"
#include "rtp/packet.h"
#include <string.h>
#include <unistd.h>

/* --- the loop --- */

struct wait {
	struct loop *loop;
	struct loop_timer timer;
	bool (*condition)(void *data);
	void *data;
	int64_t until_us;
	bool is_met;
};

static void look(void *data)
{
	struct wait *wait = data;

	wait->is_met = wait->condition && wait->condition(wait->data);
	if (wait->is_met || base_monotonic_us() >= wait->until_us)
		loop_quit(wait->loop);
	else
		loop_timer_start_ms(&wait->timer, 1);
}

static bool run(struct bench *bench, bool (*condition)(void *data), void *data, int limit_ms)
{
	struct wait wait = {.loop = bench->loop, .condition = condition, .data = data};

	wait.until_us = base_monotonic_us() + limit_ms * INT64_C(1000);
	loop_timer_init(&wait.timer, bench->loop, look, &wait);
	loop_timer_start_ms(&wait.timer, 0);
	loop_run(bench->loop);
	loop_timer_stop(&wait.timer);
	return wait.is_met;
}

void bench_wait(struct bench *bench, bool (*condition)(void *data), void *data, int limit_ms)
{
	assert_true(run(bench, condition, data, limit_ms));
}

void bench_pass(struct bench *bench, int ms)
{
	run(bench, NULL, NULL, ms);
}

/* --- the engine --- */

struct plugin_registry *bench_codecs;

int bench_codecs_load(void **state)
{
	if (plugin_registry_new(&bench_codecs) < 0)
		return -1;
	return plugin_registry_load_directory(bench_codecs, TANDEM_BUILDDIR "/plugins/.libs") > 0 ? 0 : -1;
}

int bench_codecs_free(void **state)
{
	bench_codecs = plugin_registry_free(bench_codecs);
	return 0;
}

void bench_open(struct bench *bench, const char *host, const struct plugin_registry *codecs)
{
	bench_open_with(bench, host, codecs, &(struct media_settings){.workers = 2});
}

void bench_open_with(struct bench *bench, const char *host, const struct plugin_registry *codecs,
		     const struct media_settings *wanted)
{
	struct media_settings settings = *wanted;

	settings.first_port = BENCH_FIRST_PORT;
	settings.last_port = BENCH_LAST_PORT;
	settings.n_addresses = 1;
	memset(bench, 0, sizeof *bench);
	assert_int_equal(net_address_parse(host, 0, &bench->address), 0);
	settings.addresses[0] = bench->address;
	assert_int_equal(loop_new("test", &bench->loop), 0);
	assert_int_equal(media_engine_new(bench->loop, &settings, codecs, &bench->engine), 0);
}

static bool is_empty(void *data)
{
	struct bench *bench = data;
	struct media_counts counts;

	media_engine_count(bench->engine, &counts);
	return counts.sessions + counts.legs + counts.ports + counts.ice_agents + counts.timers + counts.watches == 0;
}

void bench_close(struct bench *bench)
{
	bench_wait(bench, is_empty, bench, 5000);
	media_engine_free(bench->engine);
	loop_free(bench->loop);
}

/* --- sessions --- */

static struct bench_leg *find(struct bench_session *session, const struct media_leg *leg)
{
	for (size_t i = 0; i < session->n_legs; i++)
		if (session->legs[i].leg == leg)
			return &session->legs[i];
	fail_msg("an event of an unknown leg");
	return NULL;
}

static void on_ready(void *user, struct media_leg *leg, const struct sdp_transport *local, size_t n_transports)
{
	struct bench_leg *found = find(user, leg);

	found->ready++;
	found->local = *local;
	if (n_transports > 1)
		found->second = local[1].rtp;
}

static void on_connected(void *user, struct media_leg *leg)
{
	find(user, leg)->connected++;
}

static void on_failed(void *user, struct media_leg *leg, enum media_failure failure)
{
	struct bench_leg *found = find(user, leg);

	found->failed++;
	found->failure = failure;
}

static void on_trouble(void *user, struct media_leg *leg, enum media_trouble trouble, const char *text)
{
	struct bench_leg *found = find(user, leg);

	found->trouble = trouble;
	base_copy_text(found->trouble_text, sizeof found->trouble_text, text);
}

static void on_digit(void *user, struct media_leg *leg, char digit, uint32_t duration_ms)
{
	struct bench_leg *found = find(user, leg);
	size_t n = strlen(found->digits);

	assert_true(n + 1 < sizeof found->digits && duration_ms > 0);
	found->digits[n] = digit;
}

static void on_report(void *user, struct media_leg *leg, const struct media_report *report)
{
	struct bench_leg *found = find(user, leg);

	found->reported++;
	found->report = *report;
}

static const struct media_handler handler = {
	.leg_ready = on_ready, .leg_connected = on_connected, .leg_failed = on_failed, .leg_trouble = on_trouble,
	.leg_digit = on_digit, .leg_report = on_report};

void bench_session_open(struct bench *bench, struct bench_session *session)
{
	memset(session, 0, sizeof *session);
	session->bench = bench;
	session->session = media_session_new(bench->engine, "test", &handler, session);
}

void bench_session_close(struct bench_session *session)
{
	session->session = media_session_free(session->session);
}

struct bench_leg *bench_leg_start(struct bench_session *session, const struct media_leg_options *options)
{
	struct bench_leg *leg = &session->legs[session->n_legs++];

	leg->leg = media_leg_new(session->session, options);
	return leg;
}

static bool is_ready(void *data)
{
	return ((struct bench_leg *)data)->ready > 0;
}

struct bench_leg *bench_leg_open(struct bench_session *session, const struct media_leg_options *options)
{
	struct bench_leg *leg = bench_leg_start(session, options);

	bench_wait(session->bench, is_ready, leg, 2000);
	return leg;
}

static bool is_reported(void *data)
{
	return ((struct bench_leg *)data)->reported > 0;
}

const struct media_report *bench_leg_report(struct bench *bench, struct bench_leg *leg)
{
	leg->reported = 0;
	media_leg_request_report(leg->leg);
	bench_wait(bench, is_reported, leg, 2000);
	return &leg->report;
}

struct bench_leg *bench_leg_move(struct bench_leg *leg, struct bench_session *to)
{
	struct bench_leg *moved = to->legs;

	while (moved < to->legs + to->n_legs && moved->leg)
		moved++;
	if (moved == to->legs + to->n_legs)
		to->n_legs++;
	media_leg_move(leg->leg, to->session);
	*moved = *leg;
	leg->leg = NULL;
	return moved;
}

/* --- plans --- */

static void add_format(struct sdp_stream_plan *stream, uint8_t type, const char *encoding, uint32_t clock_hz,
		       uint8_t channels)
{
	struct sdp_format *format = &stream->formats[stream->n_formats];

	format->payload_type = type;
	base_copy_text(format->encoding, sizeof format->encoding, encoding);
	format->clock_hz = clock_hz;
	format->channels = channels;
	stream->send_types[stream->n_formats++] = type;
}

void bench_plan(struct sdp_stream_plan *stream, uint8_t first_dynamic, const struct sdp_transport *remote,
		enum sdp_direction direction)
{
	memset(stream, 0, sizeof *stream);
	stream->kind = SDP_KIND_AUDIO;
	stream->direction = direction;
	stream->remote = *remote;
	add_format(stream, 0, "PCMU", 8000, 1);
	add_format(stream, first_dynamic, "opus", 48000, 2);
	add_format(stream, first_dynamic + 1, "telephone-event", 8000, 1);
	add_format(stream, first_dynamic + 2, "telephone-event", 48000, 1);
}

void bench_apply(struct bench_leg *leg, struct sdp_stream_plan *stream)
{
	struct sdp_leg_plan plan = {.n_streams = 1, .streams = stream};

	stream->we_are_dtls_client = leg->is_client;
	media_leg_apply(leg->leg, &plan);
}

static bool are_connected(void *data)
{
	struct bench_leg **legs = data;

	return legs[0]->connected > 0 && legs[1]->connected > 0;
}

void bench_couple(struct bench *bench, struct bench_leg *a, struct bench_leg *b)
{
	struct bench_leg *both[] = {a, b};
	struct sdp_stream_plan *stream = g_new0(struct sdp_stream_plan, 1);

	a->is_client = true;
	bench_plan(stream, 96, &b->local, SDP_SEND_RECEIVE);
	bench_apply(a, stream);
	bench_plan(stream, 96, &a->local, SDP_SEND_RECEIVE);
	bench_apply(b, stream);
	g_free(stream);
	bench_wait(bench, are_connected, both, 8000);
}

/* --- phones --- */

void bench_phone_open(struct bench *bench, struct bench_phone *phone)
{
	memset(phone, 0, sizeof *phone);
	assert_int_equal(net_udp_open(&bench->address, &phone->descriptor), 0);
	assert_int_equal(net_local_address(phone->descriptor, &phone->address), 0);
	phone->sequence = 1000;
	phone->timestamp = 160000;
	phone->ssrc = 0x1234 + (uint32_t)phone->descriptor;
}

void bench_phone_close(struct bench_phone *phone)
{
	close(phone->descriptor);
}

void bench_phone_describe(const struct bench_phone *phone, struct sdp_transport *ret_transport)
{
	memset(ret_transport, 0, sizeof *ret_transport);
	ret_transport->rtp = phone->address;
	ret_transport->rtcp_mux = true;
}

void bench_phone_send(struct bench_phone *phone, const struct net_address *to, uint8_t payload_type)
{
	uint8_t payload[160], bytes[256];
	struct rtp_packet packet = {
		.payload_type = payload_type,
		.sequence = phone->sequence,
		.timestamp = phone->timestamp,
		.ssrc = phone->ssrc,
		.payload = payload,
		.payload_bytes = sizeof payload,
	};
	size_t length;

	for (size_t i = 0; i < sizeof payload; i++)
		payload[i] = (uint8_t)(i + phone->sequence);
	assert_int_equal(rtp_packet_build(&packet, bytes, sizeof bytes, &length), 0);
	assert_int_equal(sendto(phone->descriptor, bytes, length, 0, &to->any, to->length), length);
	phone->sequence++;
	phone->timestamp += 160;
}

unsigned bench_phone_read(struct bench_phone *phone)
{
	unsigned n = 0;

	for (;;) {
		uint8_t bytes[2048];
		struct net_address from = {.length = sizeof from.ipv6};
		ssize_t length = recvfrom(phone->descriptor, bytes, sizeof bytes, MSG_DONTWAIT, &from.any, &from.length);

		if (length < 0)
			break;
		if (rtp_classify(bytes, (size_t)length) != RTP_KIND_RTP)
			continue;
		memcpy(phone->last, bytes, (size_t)length);
		phone->last_bytes = (size_t)length;
		phone->last_from = from;
		n++;
	}
	phone->received += n;
	return n;
}

struct phone_wait {
	struct bench_phone *phone;
	unsigned received;
};

static bool has_received(void *data)
{
	struct phone_wait *wait = data;

	bench_phone_read(wait->phone);
	return wait->phone->received >= wait->received;
}

void bench_phone_wait(struct bench *bench, struct bench_phone *phone, unsigned received)
{
	struct phone_wait wait = {phone, received};

	bench_wait(bench, has_received, &wait, 3000);
}

/* --- parties and calls --- */

void bench_party_apply(struct bench_party *party, uint8_t first_dynamic, enum sdp_direction direction)
{
	struct sdp_stream_plan *stream = g_new0(struct sdp_stream_plan, 1);

	party->first_dynamic = first_dynamic;
	bench_plan(stream, first_dynamic, &party->at, direction);
	bench_apply(party->leg, stream);
	g_free(stream);
}

static bool is_connected(void *data)
{
	return ((struct bench_leg *)data)->connected > 0;
}

void bench_party_open(struct bench_session *session, struct bench_party *party, const char *name, uint8_t first_dynamic)
{
	struct media_leg_options options = {.kind = MEDIA_LEG_RTP, .name = name};

	bench_phone_open(session->bench, &party->phone);
	bench_phone_describe(&party->phone, &party->at);
	options.toward = party->phone.address;
	party->leg = bench_leg_open(session, &options);
	bench_party_apply(party, first_dynamic, SDP_SEND_RECEIVE);
	bench_wait(session->bench, is_connected, party->leg, 2000);
}

void bench_party_hear(struct bench *bench, struct bench_party *party)
{
	bench_phone_wait(bench, &party->phone, party->phone.received + 1);
	assert_int_equal(rtp_packet_parse(party->phone.last, party->phone.last_bytes, &party->heard), 0);
}

void bench_call_open(struct bench_call *call, enum media_builtin builtin)
{
	struct media_leg_options options = {.kind = MEDIA_LEG_BUILTIN, .builtin = builtin, .name = "built-in"};

	memset(call, 0, sizeof *call);
	bench_open(&call->bench, "127.0.0.1", bench_codecs);
	bench_session_open(&call->bench, &call->session);
	bench_party_open(&call->session, &call->party, "phone", 96);
	call->builtin = bench_leg_open(&call->session, &options);
	media_session_bridge(call->session.session, call->party.leg->leg, call->builtin->leg);
	bench_leg_report(&call->bench, call->party.leg); /* they are joined then */
}

void bench_call_close(struct bench_call *call)
{
	bench_session_close(&call->session);
	bench_phone_close(&call->party.phone);
	bench_close(&call->bench);
}
