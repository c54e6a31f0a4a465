/* The signalling side: handles, the orders they send to the worker, and the events that come back.
 *
 * A handle outlives its worker's object by one event: freeing posts an order, the worker answers it with the last event
 * of the object, and only that event frees the handle's memory. So no event can ever meet a dead handle, and none
 * needs a look-up; what comes in between finds the handle marked. */
#include "media/end.h"
#include "crypto/digest.h"
#include "media/beside.h"
#include "media/digits.h"
#include "media/feedback.h"
#include "media/hop.h"
#include "media/source.h"
#include "media/tap.h"
#include "media/tell.h"
#include "rtp/digits.h"
#include <string.h>

struct media_session {
	struct media_engine *engine;
	struct media_worker *worker; /* where its legs are made; NULL until the first */
	struct media_handler handler;
	void *user;
	char log_id[MEDIA_NAME_BYTES];
	GPtrArray *legs; /* of struct media_leg, until their last event */
	bool is_freed;
};

struct media_leg {
	struct media_session *session;
	struct media_worker *worker;
	struct media_end *end; /* the worker's: only to be put into orders */
	struct media_leg *partner;
	bool is_freed;
};

struct order {
	void (*run)(struct order *order);
	struct media_end *end, *other;
	enum media_play play;
	char digit;
	uint32_t duration_ms; /* of the digit */
	struct media_hop *hop;
	unsigned side; /* of the hop */
	struct record *record;
	enum media_side received_on;
	size_t n_transports;
	char log_id[MEDIA_NAME_BYTES];
	struct sdp_leg_plan plan;
};

enum event_kind {
	LEG_READY,
	LEG_GATHERED_MORE,
	LEG_CONNECTED,
	LEG_FAILED,
	LEG_FINISHED,
	LEG_TROUBLE,
	LEG_KEY_FRAME_WANTED,
	LEG_DIGIT,
	LEG_REPORT,
	LEG_GONE,
};
struct event {
	enum event_kind kind;
	struct media_leg *leg;
	enum media_failure failure;
	enum media_trouble trouble;
	char *text; /* of the trouble */
	char digit;
	uint32_t duration_ms;
	struct media_report report;
	size_t n_transports;
	struct sdp_transport *transports;
};

/* --- events: on the signalling thread --- */

static void session_dispose(struct media_session *session)
{
	g_ptr_array_free(session->legs, TRUE);
	g_free(session);
}

static bool is_wanted(const struct event *event)
{
	return !event->leg->session->is_freed && (!event->leg->is_freed || event->kind == LEG_GONE);
}

static void tell_user(const struct event *event)
{
	const struct media_handler *handler = &event->leg->session->handler;
	void *user = event->leg->session->user;

	switch (event->kind) {
	case LEG_READY:
		if (handler->leg_ready)
			handler->leg_ready(user, event->leg, event->transports, event->n_transports);
		break;
	case LEG_GATHERED_MORE:
		if (handler->leg_gathered_more)
			handler->leg_gathered_more(user, event->leg, event->transports);
		break;
	case LEG_CONNECTED:
		if (handler->leg_connected)
			handler->leg_connected(user, event->leg);
		break;
	case LEG_FAILED:
		if (handler->leg_failed)
			handler->leg_failed(user, event->leg, event->failure);
		break;
	case LEG_FINISHED:
		if (handler->leg_finished)
			handler->leg_finished(user, event->leg);
		break;
	case LEG_TROUBLE:
		if (handler->leg_trouble)
			handler->leg_trouble(user, event->leg, event->trouble, event->text);
		break;
	case LEG_KEY_FRAME_WANTED:
		if (handler->leg_key_frame_wanted)
			handler->leg_key_frame_wanted(user, event->leg);
		break;
	case LEG_DIGIT:
		if (handler->leg_digit)
			handler->leg_digit(user, event->leg, event->digit, event->duration_ms);
		break;
	case LEG_REPORT:
	case LEG_GONE:
		if (handler->leg_report)
			handler->leg_report(user, event->leg, &event->report);
		break;
	}
}

static void forget_leg(struct media_leg *leg)
{
	struct media_session *session = leg->session;

	g_ptr_array_remove_fast(session->legs, leg);
	g_free(leg);
	if (session->is_freed && session->legs->len == 0)
		session_dispose(session);
}

static void deliver(void *data)
{
	struct event *event = data;

	if (is_wanted(event))
		tell_user(event);
	if (event->kind == LEG_GONE)
		forget_leg(event->leg);
	if (event->transports)
		crypto_wipe(event->transports, event->n_transports * sizeof *event->transports);
	g_free(event->transports);
	g_free(event->text);
	g_free(event);
}

/* --- events: on the worker --- */

static struct event *event_new(struct media_end *end, enum event_kind kind)
{
	struct event *event = g_new0(struct event, 1);

	event->kind = kind;
	event->leg = end->handle;
	return event;
}

static void send_event(struct media_worker *worker, struct event *event)
{
	loop_post(worker->engine->signalling, deliver, event);
}

static void tell_transports(struct media_end *end, enum event_kind kind, struct sdp_transport *local, size_t n_transports)
{
	struct event *event = event_new(end, kind);

	event->transports = local;
	event->n_transports = n_transports;
	send_event(end->worker, event);
}

void media_tell_ready(struct media_end *end, struct sdp_transport *local, size_t n_transports)
{
	tell_transports(end, LEG_READY, local, n_transports);
}

void media_tell_gathered_more(struct media_end *end, struct sdp_transport *local, size_t n_transports)
{
	tell_transports(end, LEG_GATHERED_MORE, local, n_transports);
}

void media_tell_connected(struct media_end *end)
{
	send_event(end->worker, event_new(end, LEG_CONNECTED));
}

void media_tell_failed(struct media_end *end, enum media_failure failure)
{
	struct event *event = event_new(end, LEG_FAILED);

	event->failure = failure;
	send_event(end->worker, event);
}

void media_tell_finished(struct media_end *end)
{
	send_event(end->worker, event_new(end, LEG_FINISHED));
}

void media_tell_trouble(struct media_end *end, enum media_trouble trouble, const char *text)
{
	struct event *event = event_new(end, LEG_TROUBLE);

	event->trouble = trouble;
	event->text = g_strdup(text);
	send_event(end->worker, event);
}

void media_tell_key_frame_wanted(struct media_end *end)
{
	send_event(end->worker, event_new(end, LEG_KEY_FRAME_WANTED));
}

void media_tell_digit(struct media_end *end, uint8_t code, uint32_t duration_ms)
{
	struct event *event = event_new(end, LEG_DIGIT);

	event->digit = code == RTP_DIGIT_CODE_FLASH ? '!' : rtp_event_digit(code);
	event->duration_ms = duration_ms;
	send_event(end->worker, event);
}

/* --- orders: run on the worker --- */

static void run_order(void *data)
{
	struct order *order = data;

	order->run(order);
	sdp_leg_plan_clear(&order->plan);
	g_free(order);
}

static void run_start_leg(struct order *order)
{
	media_worker_watch_load(order->end->worker);
	media_end_start(order->end);
}

static void run_refuse_leg(struct order *order)
{
	media_end_fail(order->end, MEDIA_FAILURE_NO_PORT);
}

static void run_free_leg(struct order *order)
{
	struct media_end *end = order->end;
	struct media_worker *worker = end->worker;
	struct event *event = event_new(end, LEG_GONE);

	media_end_report(end, &event->report);
	media_end_free(end);
	atomic_fetch_sub(&worker->n_legs, 1);
	send_event(worker, event);
}

static void run_rename(struct order *order)
{
	base_copy_text(order->end->log_id, sizeof order->end->log_id, order->log_id);
	media_beside_rename(order->end);
}

static void run_open_transports(struct order *order)
{
	media_end_open_transports(order->end, order->n_transports);
}

static void run_restart_ice(struct order *order)
{
	media_end_restart_ice(order->end);
}

static void run_apply(struct order *order)
{
	media_end_apply(order->end, &order->plan);
}

static void run_join(struct order *order)
{
	media_bridge_join(order->end, order->other);
}

static void run_join_across(struct order *order)
{
	media_hop_join(order->hop, order->side, order->end);
}

static void run_part(struct order *order)
{
	media_bridge_part(order->end);
}

static void run_play(struct order *order)
{
	order->end->play = order->play;
	media_source_refresh_hold(order->end);
}

static void run_record(struct order *order)
{
	media_tap_free(order->end->tap);
	order->end->tap = order->record ? media_tap_new(order->end, order->record, order->received_on) : NULL;
}

static void run_report(struct order *order)
{
	struct event *event = event_new(order->end, LEG_REPORT);

	media_end_report(order->end, &event->report);
	send_event(order->end->worker, event);
}

static void run_want_key_frame(struct order *order)
{
	for (size_t i = 0; i < order->end->n_streams; i++)
		media_key_frame_wanted_by(order->end->streams[i]);
}

static void run_press(struct order *order)
{
	struct media_stream *audio = media_end_audio(order->end);

	if (audio)
		media_digits_press(audio, order->digit, order->duration_ms);
}

/* --- the handles: on the signalling thread --- */

static struct order *order_new(const struct media_leg *leg, void (*run)(struct order *order))
{
	struct order *order = g_new0(struct order, 1);

	order->run = run;
	order->end = leg->end;
	return order;
}

static void send_order(const struct media_leg *leg, struct order *order)
{
	loop_post(leg->worker->loop, run_order, order);
}

struct media_session *media_session_new(struct media_engine *engine, const char *log_id,
					const struct media_handler *handler, void *user)
{
	struct media_session *session = g_new0(struct media_session, 1);

	session->engine = engine;
	session->handler = *handler;
	session->user = user;
	session->legs = g_ptr_array_new();
	base_copy_text(session->log_id, sizeof session->log_id, log_id);
	atomic_fetch_add(&engine->n_sessions, 1);
	return session;
}

void media_session_place_near(struct media_session *session, const struct media_session *near)
{
	if (!session->worker && near->worker && media_worker_may_take(near->worker))
		session->worker = near->worker;
}

static size_t count_legs(const struct media_session *session)
{
	size_t n = 0;

	for (size_t i = 0; i < session->legs->len; i++)
		n += !((struct media_leg *)session->legs->pdata[i])->is_freed;
	return n;
}

static void free_legs(struct media_session *session)
{
	for (size_t i = 0; i < session->legs->len; i++) {
		struct media_leg *leg = session->legs->pdata[i];

		if (!leg->is_freed)
			media_leg_free(leg);
	}
}

void media_session_end(struct media_session *session, const struct media_handler *handler, void *user)
{
	session->handler = *handler;
	session->user = user;
	free_legs(session);
}

/* Nothing is told after it, not even the end of the legs. */
struct media_session *media_session_free(struct media_session *session)
{
	if (!session)
		return NULL;
	free_legs(session);
	session->is_freed = true;
	atomic_fetch_sub(&session->engine->n_sessions, 1);
	if (session->legs->len == 0)
		session_dispose(session);
	return NULL;
}

struct media_leg *media_leg_new(struct media_session *session, const struct media_leg_options *options)
{
	struct media_leg *leg = g_new0(struct media_leg, 1);
	bool is_too_many = count_legs(session) >= MEDIA_LEGS_MAX;

	if (!session->worker)
		session->worker = media_worker_for_next(session->engine);
	leg->session = session;
	leg->worker = session->worker;
	leg->end = media_end_new(leg->worker, session->log_id, leg, options);
	g_ptr_array_add(session->legs, leg);
	atomic_fetch_add(&leg->worker->n_legs, 1);
	send_order(leg, order_new(leg, is_too_many ? run_refuse_leg : run_start_leg));
	return leg;
}

/* Each worker parts its own; on one worker the first order parts both, and the second does nothing. */
static void part(struct media_leg *leg)
{
	struct media_leg *partner = leg->partner;

	if (!partner)
		return;
	leg->partner = partner->partner = NULL;
	send_order(leg, order_new(leg, run_part));
	send_order(partner, order_new(partner, run_part));
}

struct media_leg *media_leg_free(struct media_leg *leg)
{
	if (!leg)
		return NULL;
	part(leg);
	leg->is_freed = true;
	send_order(leg, order_new(leg, run_free_leg));
	return NULL;
}

void media_leg_move(struct media_leg *leg, struct media_session *to)
{
	struct order *order;

	if (leg->session == to)
		return;
	part(leg);
	g_ptr_array_remove_fast(leg->session->legs, leg);
	g_ptr_array_add(to->legs, leg);
	leg->session = to;
	order = order_new(leg, run_rename);
	base_copy_text(order->log_id, sizeof order->log_id, to->log_id);
	send_order(leg, order);
}

void media_leg_open_transports(struct media_leg *leg, size_t n_transports)
{
	struct order *order = order_new(leg, run_open_transports);

	order->n_transports = n_transports;
	send_order(leg, order);
}

void media_leg_restart_ice(struct media_leg *leg)
{
	send_order(leg, order_new(leg, run_restart_ice));
}

void media_leg_apply(struct media_leg *leg, const struct sdp_leg_plan *plan)
{
	struct order *order = order_new(leg, run_apply);

	order->plan.n_streams = plan->n_streams;
	order->plan.streams = g_memdup2(plan->streams, order->plan.n_streams * sizeof *plan->streams);
	send_order(leg, order);
}

static void join_across(struct media_leg *a, struct media_leg *b)
{
	struct media_leg *legs[] = {a, b};
	struct media_hop *hop;
	int error = media_hop_new(&hop);

	if (error < 0) {
		log_error(&(struct log_context){.call = a->session->log_id}, "no bridge between two workers: %s",
			  g_strerror(-error));
		return;
	}
	for (unsigned side = 0; side < G_N_ELEMENTS(legs); side++) {
		struct order *order = order_new(legs[side], run_join_across);

		order->hop = hop;
		order->side = side;
		send_order(legs[side], order);
	}
}

static void join(struct media_leg *a, struct media_leg *b)
{
	struct order *order;

	part(a);
	part(b);
	a->partner = b;
	b->partner = a;
	if (a->worker != b->worker) {
		join_across(a, b);
		return;
	}
	order = order_new(a, run_join);
	order->other = b->end;
	send_order(a, order);
}

void media_session_bridge(struct media_session *session, struct media_leg *a, struct media_leg *b)
{
	if (!b)
		part(a);
	else if (a != b && a->partner != b)
		join(a, b);
}

void media_leg_play(struct media_leg *leg, enum media_play play)
{
	struct order *order = order_new(leg, run_play);

	order->play = play;
	send_order(leg, order);
}

void media_leg_press(struct media_leg *leg, char digit, uint32_t duration_ms)
{
	struct order *order = order_new(leg, run_press);

	order->digit = digit;
	order->duration_ms = duration_ms;
	send_order(leg, order);
}

void media_leg_record(struct media_leg *leg, struct record *record, enum media_side received_on)
{
	struct order *order = order_new(leg, run_record);

	order->record = record;
	order->received_on = received_on;
	send_order(leg, order);
}

void media_leg_request_report(struct media_leg *leg)
{
	send_order(leg, order_new(leg, run_report));
}

void media_leg_want_key_frame(struct media_leg *leg)
{
	send_order(leg, order_new(leg, run_want_key_frame));
}
