/* Which calls are recorded: those of a trunk or a user with the option `record`, and those that the operator names. A recording is of
 * one leg, what its far end says and what it is told, and goes on as long as the leg is in a call, whoever its partner is. */
#include "base/json.h"
#include "call/call_private.h"
#include "record/record.h"
#include <string.h>

struct call_recording {
	GList link;
	struct record *record;
	const struct leg *leg; /* of which it is */
	enum media_side side;  /* of what the leg's far end says; once the call has ended, of what its caller has said */
};

static enum media_side other_side(enum media_side side)
{
	return side == MEDIA_SIDE_LEFT ? MEDIA_SIDE_RIGHT : MEDIA_SIDE_LEFT;
}

/* NULL: of a side without media, a built-in. */
static json_t *describe_side(const struct event_leg_media *figures)
{
	if (!figures)
		return json_null();
	return json_pack("{s:o, s:o, s:I, s:I, s:o, s:o}", "leg", base_json_text(figures->leg), "codec",
			 base_json_text(figures->encoding), "packets_received", (json_int_t)figures->packets_received,
			 "packets_lost", (json_int_t)figures->packets_lost, "mos", base_json_score(figures->mos_received),
			 "mos_worst", base_json_score(figures->mos_received_worst));
}

static const struct call_recording *running_recording(const struct call *call)
{
	for (const GList *link = call->recordings.head; link; link = link->next) {
		const struct call_recording *recording = link->data;
		if (record_state(recording->record) == RECORD_RUNNING)
			return recording;
	}
	return NULL;
}

static void recording_start(struct call *call, const struct leg *leg, const char *requested_by)
{
	struct call_recording *recording = g_new0(struct call_recording, 1);
	const struct leg *peer = call_peer_of(call, leg);
	json_t *facts = json_pack("{s:o, s:o, s:s, s:s}", "caller", base_json_text(call->caller_name), "called",
				  base_json_text(call->called_name), "recorded_leg", leg->name, "requested_by", requested_by);
	recording->link.data = recording;
	recording->leg = leg;
	recording->side = leg == call->caller ? MEDIA_SIDE_LEFT : MEDIA_SIDE_RIGHT;
	json_object_set_new(facts, recording->side == MEDIA_SIDE_LEFT ? "left" : "right", json_pack("{s:s}", "leg", leg->name));
	json_object_set_new(facts, recording->side == MEDIA_SIDE_LEFT ? "right" : "left",
			    peer ? json_pack("{s:s}", "leg", peer->name) : json_null());
	recording->record = record_new(call->manager->recordings, call->id, ++call->n_recordings, facts);
	g_queue_push_tail_link(&call->recordings, &recording->link);
	media_leg_record(leg->media, recording->record, recording->side);
	log_info(&leg->log, "is recorded into %s", record_name(recording->record));
}

static void recording_finish(struct call_recording *recording, json_t *facts)
{
	record_finish(recording->record, facts);
	g_free(recording);
}

void call_advance_recordings(struct call *call)
{
	const struct leg *legs[] = {call->caller, call->called};
	if (!call->manager->recordings || call->recording_rule != CALL_RECORDS_BY_OPTION)
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(legs); i++)
		if (legs[i] && legs[i]->media && legs[i]->is_to_be_recorded && !running_recording(call))
			recording_start(call, legs[i], legs[i]->kind == LEG_TRUNK ? "trunk" : "user");
}

static struct call *find_call(const struct call_manager *manager, const char *id)
{
	for (const GList *link = manager->calls.head; link; link = link->next) {
		struct call *call = link->data;
		if (!strcmp(call->id, id))
			return call;
	}
	return NULL;
}

int call_manager_start_recording(struct call_manager *manager, const char *id, const char **ret_file)
{
	struct call *call = find_call(manager, id);
	const struct leg *leg;
	if (!manager->recordings)
		return -ENOTSUP;
	if (!call)
		return -ENOENT;
	leg = call->caller && call->caller->media ? call->caller : call->called;
	if (!call_is_up(call) || !leg || !leg->media)
		return -ENOTCONN;
	if (running_recording(call))
		return -EALREADY;
	call->recording_rule = CALL_RECORDS_BY_ORDER;
	recording_start(call, leg, "operator");
	*ret_file = record_name(running_recording(call)->record);
	return 0;
}

int call_manager_stop_recording(struct call_manager *manager, const char *id, const char **ret_file)
{
	struct call *call = find_call(manager, id);
	const struct call_recording *recording = call ? running_recording(call) : NULL;
	if (!call)
		return -ENOENT;
	if (!recording)
		return -EALREADY;
	call->recording_rule = CALL_RECORDS_BY_ORDER;
	media_leg_record(recording->leg->media, NULL, MEDIA_SIDE_LEFT);
	log_info(&recording->leg->log, "is recorded no more");
	*ret_file = record_name(recording->record);
	return 0;
}

void call_view_recording(const struct call *call, struct call_view *view)
{
	const struct call_recording *recording = running_recording(call);
	if (!recording && call->recordings.tail)
		recording = call->recordings.tail->data;
	if (!recording)
		return;
	view->recording = record_name(recording->record);
	view->recording_state = record_state_name(record_state(recording->record));
}

void call_leave_recordings(struct call *call, const struct leg *leg)
{
	for (GList *link = call->recordings.head, *next; link; link = next) {
		struct call_recording *recording = link->data;
		next = link->next;
		if (recording->leg != leg)
			continue;
		g_queue_unlink(&call->recordings, link);
		recording_finish(recording, NULL);
	}
}

void call_hand_over_recordings(struct call *from, const struct leg *leg, struct call *to)
{
	for (GList *link = from->recordings.head, *next; link; link = next) {
		struct call_recording *recording = link->data;
		next = link->next;
		if (recording->leg != leg)
			continue;
		g_queue_unlink(&from->recordings, link);
		g_queue_push_tail_link(&to->recordings, link);
	}
}

GQueue call_take_recordings(struct call *call)
{
	GQueue recordings = call->recordings;
	for (GList *link = recordings.head; link; link = link->next) {
		struct call_recording *recording = link->data;
		if (recording->leg != call->caller)
			recording->side = other_side(recording->side);
		recording->leg = NULL;
	}
	g_queue_init(&call->recordings);
	return recordings;
}

void call_finish_recordings(GQueue *recordings, const struct event_call_changed *event)
{
	GList *link;
	while ((link = g_queue_pop_head_link(recordings))) {
		struct call_recording *recording = link->data;
		bool is_left = recording->side == MEDIA_SIDE_LEFT;
		json_t *facts = json_pack("{s:o, s:o, s:o, s:s}", is_left ? "left" : "right", describe_side(event->caller_media),
					  is_left ? "right" : "left", describe_side(event->called_media), "cause",
					  base_json_text(event->cause), "ended_by", event_side_name(event->ended_by));
		recording_finish(recording, facts);
	}
}

void call_drop_recordings(struct call *call)
{
	GList *link;
	while ((link = g_queue_pop_head_link(&call->recordings)))
		recording_finish(link->data, NULL);
}
