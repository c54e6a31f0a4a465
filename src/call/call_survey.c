/* How all calls are at this moment: every leg's media is asked, and told when the last worker has answered. */
#include "call/call_private.h"

struct call_survey {
	struct call_manager *manager; /* NULL: it is gone */
	GList link;
	GHashTable *reports; /* struct media_leg * -> struct media_report * */
	void (*done)(void *user, const struct call_view *calls, size_t n_calls); /* NULL: nobody wants to know any more */
	void *user;
};

static void survey_ask(const struct leg *leg)
{
	if (leg && leg->media)
		media_leg_request_report(leg->media);
}

static void survey_view_leg(const struct call_survey *survey, const struct leg *leg, struct call_view *view)
{
	const struct media_report *report = leg && leg->media ? g_hash_table_lookup(survey->reports, leg->media) : NULL;
	if (!leg)
		return;
	struct event_leg_media *figures = &view->legs[view->n_legs++];
	*figures = (struct event_leg_media){.leg = leg->name, .trouble = leg->trouble};
	if (report)
		call_write_figures(report, figures);
}

static void survey_view(const struct call_survey *survey, const struct call *call, struct call_view *ret_view)
{
	struct call_view view = {
		.id = call->id,
		.state = call_state_name(call->state),
		.caller = call->caller_name,
		.called = call->called_name,
		.talking_us = call_is_up(call) ? base_monotonic_us() - call->connected_us : 0,
	};
	survey_view_leg(survey, call->caller, &view);
	survey_view_leg(survey, call->called, &view);
	call_view_recording(call, &view);
	*ret_view = view;
}

static void survey_free(struct call_survey *survey)
{
	if (survey->manager)
		g_queue_unlink(&survey->manager->surveys, &survey->link);
	g_hash_table_unref(survey->reports);
	g_free(survey);
}

static void survey_done(void *data)
{
	struct call_survey *survey = data;
	if (survey->manager && survey->done) {
		const GQueue *calls = &survey->manager->calls;
		struct call_view *views = g_new(struct call_view, calls->length);
		size_t n = 0;
		for (const GList *link = calls->head; link; link = link->next)
			survey_view(survey, link->data, &views[n++]);
		survey->done(survey->user, views, n);
		g_free(views);
	}
	survey_free(survey);
}

struct call_survey *call_manager_survey(struct call_manager *manager,
					void (*done)(void *user, const struct call_view *calls, size_t n_calls), void *user)
{
	struct call_survey *survey = g_new0(struct call_survey, 1);
	survey->manager = manager;
	survey->link.data = survey;
	survey->reports = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	survey->done = done;
	survey->user = user;
	g_queue_push_tail_link(&manager->surveys, &survey->link);
	for (const GList *link = manager->calls.head; link; link = link->next) {
		const struct call *call = link->data;
		survey_ask(call->caller);
		survey_ask(call->called);
	}
	media_engine_await(manager->media, survey_done, survey);
	return survey;
}

void call_survey_cancel(struct call_survey *survey)
{
	if (survey)
		survey->done = NULL;
}

void call_surveys_note(struct call_manager *manager, const struct media_leg *media, const struct media_report *report)
{
	for (GList *link = manager->surveys.head; link; link = link->next) {
		struct call_survey *survey = link->data;
		g_hash_table_insert(survey->reports, (void *)media, g_memdup2(report, sizeof *report));
	}
}

void call_surveys_abandon(struct call_manager *manager)
{
	GList *link;
	while ((link = g_queue_pop_head_link(&manager->surveys)))
		((struct call_survey *)link->data)->manager = NULL;
}
