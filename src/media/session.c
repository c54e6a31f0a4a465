/* The signalling side: handles, the orders they send to the worker, and the events that come back.
 *
 * A handle outlives its worker's object by one event: freeing posts an order, the worker answers it with the last event
 * of the object, and only that event frees the handle's memory. So no event can ever meet a dead handle, and none
 * needs a look-up; what comes in between finds the handle marked. */
#include "media/end.h"
#include <string.h>

struct media_session {
	struct media_engine *engine;
	struct media_worker *worker;
	struct media_core *core; /* the worker's: only to be put into orders */
	struct media_handler handler;
	void *user;
	bool is_freed;
};

struct media_leg {
	struct media_session *session;
	struct media_end *end; /* the worker's: only to be put into orders */
	bool is_freed;
};

struct order {
	void (*run)(struct order *order);
	struct media_core *core;
	struct media_end *end, *other;
	bool controlling;
	struct sdp_candidate candidate;
	struct sdp_leg_plan plan;
};

enum event_kind { LEG_READY, LEG_CONNECTED, LEG_FAILED, LEG_REPORT, LEG_GONE, SESSION_GONE };
struct event {
	enum event_kind kind;
	struct media_session *session;
	struct media_leg *leg;
	enum media_failure failure;
	struct media_report report;
	struct sdp_transport *transport;
};

/* --- events: on the signalling thread --- */

static bool is_wanted(const struct event *event)
{
	if (event->kind == SESSION_GONE || event->session->is_freed)
		return false;
	return !event->leg->is_freed || event->kind == LEG_GONE;
}

static void tell_user(const struct event *event)
{
	const struct media_handler *handler = &event->session->handler;
	void *user = event->session->user;

	switch (event->kind) {
	case LEG_READY:
		if (handler->leg_ready)
			handler->leg_ready(user, event->leg, event->transport);
		break;
	case LEG_CONNECTED:
		if (handler->leg_connected)
			handler->leg_connected(user, event->leg);
		break;
	case LEG_FAILED:
		if (handler->leg_failed)
			handler->leg_failed(user, event->leg, event->failure);
		break;
	case LEG_REPORT:
	case LEG_GONE:
		if (handler->leg_report)
			handler->leg_report(user, event->leg, &event->report);
		break;
	case SESSION_GONE:
		break;
	}
}

static void deliver(void *data)
{
	struct event *event = data;

	if (is_wanted(event))
		tell_user(event);
	if (event->kind == LEG_GONE)
		g_free(event->leg);
	if (event->kind == SESSION_GONE)
		g_free(event->session);
	g_free(event->transport);
	g_free(event);
}

/* --- events: on the worker --- */

static struct event *event_new(enum event_kind kind, struct media_session *session, struct media_leg *leg)
{
	struct event *event = g_new0(struct event, 1);

	event->kind = kind;
	event->session = session;
	event->leg = leg;
	return event;
}

static struct event *end_event(struct media_end *end, enum event_kind kind)
{
	return event_new(kind, end->core->handle, end->handle);
}

static void send_event(struct media_worker *worker, struct event *event)
{
	loop_post(worker->engine->signalling, deliver, event);
}

void media_tell_ready(struct media_end *end, const struct sdp_transport *local)
{
	struct event *event = end_event(end, LEG_READY);

	event->transport = g_memdup2(local, sizeof *local);
	send_event(end->worker, event);
}

void media_tell_connected(struct media_end *end)
{
	send_event(end->worker, end_event(end, LEG_CONNECTED));
}

void media_tell_failed(struct media_end *end, enum media_failure failure)
{
	struct event *event = end_event(end, LEG_FAILED);

	event->failure = failure;
	send_event(end->worker, event);
}

void media_tell_report(struct media_end *end)
{
	struct event *event = end_event(end, LEG_REPORT);

	media_end_report(end, &event->report);
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

static void run_start_session(struct order *order)
{
	media_worker_watch_load(order->core->worker);
}

static void remove_end(struct media_core *core, struct media_end *end)
{
	struct event *event = end_event(end, LEG_GONE);

	g_ptr_array_remove_fast(core->ends, end);
	media_end_report(end, &event->report);
	media_end_free(end);
	atomic_fetch_sub(&core->worker->engine->n_legs, 1);
	send_event(core->worker, event);
}

static void run_free_session(struct order *order)
{
	struct media_core *core = order->core;
	struct media_worker *worker = core->worker;
	struct event *event = event_new(SESSION_GONE, core->handle, NULL);

	while (core->ends->len > 0)
		remove_end(core, core->ends->pdata[core->ends->len - 1]);
	g_ptr_array_free(core->ends, TRUE);
	g_free(core);
	atomic_fetch_sub(&worker->n_sessions, 1);
	send_event(worker, event);
}

static void run_start_leg(struct order *order)
{
	struct media_core *core = order->core;

	g_ptr_array_add(core->ends, order->end);
	if (core->ends->len > MEDIA_LEGS_MAX)
		media_end_fail(order->end, MEDIA_FAILURE_NO_PORT);
	else
		media_end_start(order->end);
}

static void run_free_leg(struct order *order)
{
	remove_end(order->core, order->end);
}

static void run_restart_ice(struct order *order)
{
	media_end_restart_ice(order->end, order->controlling);
}

static void run_apply(struct order *order)
{
	media_end_apply(order->end, &order->plan);
}

static void run_add_candidate(struct order *order)
{
	media_end_add_candidate(order->end, &order->candidate);
}

static void run_bridge(struct order *order)
{
	if (order->other)
		media_bridge_join(order->end, order->other);
	else
		media_bridge_part(order->end);
}

static void run_report(struct order *order)
{
	media_tell_report(order->end);
}

/* --- the handles: on the signalling thread --- */

static struct order *order_new(struct media_session *session, struct media_leg *leg, void (*run)(struct order *order))
{
	struct order *order = g_new0(struct order, 1);

	order->run = run;
	order->core = session->core;
	order->end = leg ? leg->end : NULL;
	return order;
}

static void send_order(struct media_session *session, struct order *order)
{
	loop_post(session->worker->loop, run_order, order);
}

static struct media_worker *least_loaded(struct media_engine *engine)
{
	struct media_worker *best = engine->workers[0];

	for (unsigned i = 1; i < engine->n_workers; i++)
		if (atomic_load(&engine->workers[i]->n_sessions) < atomic_load(&best->n_sessions))
			best = engine->workers[i];
	return best;
}

struct media_session *media_session_new(struct media_engine *engine, const char *log_id,
					const struct media_handler *handler, void *user)
{
	struct media_session *session = g_new0(struct media_session, 1);
	struct media_core *core = g_new0(struct media_core, 1);

	session->engine = engine;
	session->worker = least_loaded(engine);
	session->core = core;
	session->handler = *handler;
	session->user = user;
	core->ends = g_ptr_array_new();
	core->worker = session->worker;
	core->handle = session;
	base_copy_text(core->log_id, sizeof core->log_id, log_id);
	atomic_fetch_add(&session->worker->n_sessions, 1);
	send_order(session, order_new(session, NULL, run_start_session));
	return session;
}

struct media_session *media_session_free(struct media_session *session)
{
	if (!session)
		return NULL;
	session->is_freed = true;
	send_order(session, order_new(session, NULL, run_free_session));
	return NULL;
}

struct media_leg *media_leg_new(struct media_session *session, const struct media_leg_options *options)
{
	struct media_leg *leg = g_new0(struct media_leg, 1);

	leg->session = session;
	leg->end = media_end_new(session->core, leg, options);
	atomic_fetch_add(&session->engine->n_legs, 1);
	send_order(session, order_new(session, leg, run_start_leg));
	return leg;
}

struct media_leg *media_leg_free(struct media_leg *leg)
{
	if (!leg)
		return NULL;
	leg->is_freed = true;
	send_order(leg->session, order_new(leg->session, leg, run_free_leg));
	return NULL;
}

void media_leg_restart_ice(struct media_leg *leg, bool controlling)
{
	struct order *order = order_new(leg->session, leg, run_restart_ice);

	order->controlling = controlling;
	send_order(leg->session, order);
}

void media_leg_apply(struct media_leg *leg, const struct sdp_leg_plan *plan)
{
	struct order *order = order_new(leg->session, leg, run_apply);

	order->plan.n_streams = MIN(plan->n_streams, MEDIA_STREAMS_MAX);
	order->plan.streams = g_memdup2(plan->streams, order->plan.n_streams * sizeof *plan->streams);
	send_order(leg->session, order);
}

void media_leg_add_candidate(struct media_leg *leg, const struct sdp_candidate *candidate)
{
	struct order *order = order_new(leg->session, leg, run_add_candidate);

	order->candidate = *candidate;
	send_order(leg->session, order);
}

void media_session_bridge(struct media_session *session, struct media_leg *a, struct media_leg *b)
{
	struct order *order = order_new(session, a, run_bridge);

	order->other = b ? b->end : NULL;
	send_order(session, order);
}

void media_leg_request_report(struct media_leg *leg)
{
	send_order(leg->session, order_new(leg->session, leg, run_report));
}
