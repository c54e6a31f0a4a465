#include "trunk/lookup.h"
#include "loop/job.h"

struct trunk_lookup {
	struct loop_job *job;
	struct trunk_question question; /* owns its texts */
	void (*done)(void *user, const struct trunk_answer *answer);
	void *user;
	struct trunk_answer answer;
};

static void look_up(void *data)
{
	struct trunk_lookup *lookup = data;
	trunk_resolve(&lookup->question, &lookup->answer);
}

static void tell(void *data)
{
	struct trunk_lookup *lookup = data;
	lookup->done(lookup->user, &lookup->answer);
}

static void clear(void *data)
{
	struct trunk_lookup *lookup = data;
	g_free((char *)lookup->question.host);
	g_free((char *)lookup->question.servers);
	g_free(lookup);
}

int trunk_lookup_start(struct loop *loop, const struct trunk_question *question,
		       void (*done)(void *user, const struct trunk_answer *answer), void *user, struct trunk_lookup **ret_lookup)
{
	static const struct loop_job_handler handler = {.name = "lookup", .run = look_up, .done = tell, .clear = clear};
	struct trunk_lookup *lookup = g_new0(struct trunk_lookup, 1);
	lookup->question = *question;
	lookup->question.host = g_strdup(question->host);
	lookup->question.servers = g_strdup(question->servers);
	lookup->done = done;
	lookup->user = user;
	int error = loop_job_start(loop, &handler, lookup, &lookup->job);
	if (error < 0)
		clear(lookup);
	else
		*ret_lookup = lookup;
	return error;
}

struct trunk_lookup *trunk_lookup_abandon(struct trunk_lookup *lookup)
{
	if (lookup)
		loop_job_abandon(lookup->job);
	return NULL;
}
