/* What remains of a call that has ended, until the last figures of its media have come; then its end is told. */
#include "call/call_private.h"

#define RECORD_LEGS_MAX 2

struct record_leg {
	const struct media_leg *media; /* to be compared only; NULL: its figures are here */
	struct event_leg_media figures;
};

struct call_record {
	struct call_manager *manager;
	GList link;
	char id[16];
	struct media_session *media;
	GQueue recordings;
	struct event_call_changed event; /* its texts are copies of the record's own */
	struct record_leg legs[RECORD_LEGS_MAX]; /* caller and called; `leg` is NULL of one without media */
};

static void record_free(struct call_record *record)
{
	struct event_call_changed *event = &record->event;
	struct call_manager *manager = record->manager;
	const char *texts[] = {event->caller, event->called, event->caller_leg, event->called_leg, event->cause};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		g_free((char *)texts[i]);
	for (size_t i = 0; i < RECORD_LEGS_MAX; i++)
		g_free((char *)record->legs[i].figures.trouble);
	g_queue_unlink(&manager->records, &record->link);
	media_session_free(record->media);
	g_free(record);
	call_manager_forget(manager);
}

static void record_log(const struct call_record *record, const struct event_leg_media *figures)
{
	struct log_context log = {.call = record->id, .leg = figures->leg};
	if (figures->packets_received + figures->packets_sent == 0)
		return;
	log_info(&log,
		 "received %" G_GUINT64_FORMAT " packets%s%s, lost %" G_GUINT64_FORMAT ", refused %" G_GUINT64_FORMAT
		 ", jitter %.1f ms, round trip %.1f ms, MOS %.2f; sent %" G_GUINT64_FORMAT ", lost %" G_GUINT64_FORMAT ", MOS %.2f",
		 figures->packets_received, *figures->encoding ? " of " : "", figures->encoding, figures->packets_lost,
		 figures->packets_refused, figures->jitter_us / 1e3, figures->round_trip_us / 1e3, figures->mos_received,
		 figures->packets_sent, figures->far_packets_lost, figures->mos_sent);
	if (figures->packets_decoded > 0)
		log_info(&log, "decoded %" G_GUINT64_FORMAT " packets, concealed %" G_GUINT64_FORMAT, figures->packets_decoded,
			 figures->packets_concealed);
}

static void record_tell(struct call_record *record)
{
	const struct event_leg_media **told[RECORD_LEGS_MAX] = {&record->event.caller_media, &record->event.called_media};
	for (size_t i = 0; i < RECORD_LEGS_MAX; i++) {
		if (!record->legs[i].figures.leg)
			continue;
		*told[i] = &record->legs[i].figures;
		record_log(record, &record->legs[i].figures);
	}
	call_finish_recordings(&record->recordings, &record->event);
	event_publish_call_changed(record->manager->bus, &record->event);
	record_free(record);
}

static void record_check(struct call_record *record)
{
	for (size_t i = 0; i < RECORD_LEGS_MAX; i++)
		if (record->legs[i].media)
			return;
	record_tell(record);
}

static void record_report(void *user, struct media_leg *media, const struct media_report *report)
{
	struct call_record *record = user;
	for (size_t i = 0; i < RECORD_LEGS_MAX; i++) {
		struct record_leg *leg = &record->legs[i];
		if (leg->media != media)
			continue;
		leg->media = NULL;
		call_write_figures(report, &leg->figures);
		record_check(record);
		return;
	}
}

void call_write_figures(const struct media_report *report, struct event_leg_media *figures)
{
	figures->packets_received = report->packets_received;
	figures->packets_lost = report->packets_lost;
	figures->packets_refused = report->packets_refused;
	figures->packets_sent = report->packets_sent;
	figures->far_packets_lost = report->far_packets_lost;
	figures->jitter_us = report->jitter_us;
	figures->round_trip_us = report->round_trip_us;
	figures->mos_received = report->mos_received;
	figures->mos_received_worst = report->mos_received_worst;
	figures->mos_sent = report->mos_sent;
	figures->packets_decoded = report->packets_decoded;
	figures->packets_concealed = report->packets_concealed;
	figures->jitter_buffer_ms = report->jitter_buffer_ms;
	base_copy_text(figures->encoding, sizeof figures->encoding, report->encoding);
}

void call_record(struct call *call, const struct event_call_changed *event)
{
	static const struct media_handler handler = {.leg_report = record_report};
	struct leg *legs[RECORD_LEGS_MAX] = {call->caller, call->called};
	struct call_record *record = g_new0(struct call_record, 1);
	record->manager = call->manager;
	record->link.data = record;
	base_copy_text(record->id, sizeof record->id, call->id);
	record->media = g_steal_pointer(&call->media);
	record->recordings = call_take_recordings(call);
	record->event = *event;
	record->event.call = record->id;
	record->event.caller = g_strdup(event->caller);
	record->event.called = g_strdup(event->called);
	record->event.caller_leg = g_strdup(event->caller_leg);
	record->event.called_leg = g_strdup(event->called_leg);
	record->event.cause = g_strdup(event->cause);
	for (size_t i = 0; i < RECORD_LEGS_MAX; i++) {
		if (!legs[i] || legs[i]->call != call || !legs[i]->media)
			continue;
		record->legs[i].media = legs[i]->media;
		record->legs[i].figures.leg = i == 0 ? record->event.caller_leg : record->event.called_leg;
		record->legs[i].figures.trouble = g_strdup(legs[i]->trouble);
	}
	g_queue_push_tail_link(&record->manager->records, &record->link);
	if (record->media)
		media_session_end(record->media, &handler, record);
	record_check(record);
}

void call_records_tell(struct call_manager *manager)
{
	while (manager->records.head)
		record_tell(manager->records.head->data);
}
