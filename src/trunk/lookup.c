#include "trunk/lookup.h"
#include <pthread.h>

/* Owned by up to three: the thread; the function it posts; and the one who asked, whose share ends with done() or by
 * abandoning. */
struct trunk_lookup {
	gint references;
	pthread_mutex_t lock; /* not GMutex: the thread sanitizer sees this one */
	struct loop *loop; /* under the lock; NULL: abandoned */
	struct trunk_question question; /* owns its texts */
	void (*done)(void *user, const struct trunk_answer *answer); /* on the loop; NULL: abandoned */
	void *user;
	struct trunk_answer answer;
};

static void release(struct trunk_lookup *lookup)
{
	if (!g_atomic_int_dec_and_test(&lookup->references))
		return;
	pthread_mutex_destroy(&lookup->lock);
	g_free((char *)lookup->question.host);
	g_free((char *)lookup->question.servers);
	g_free(lookup);
}

static void finish(void *data)
{
	struct trunk_lookup *lookup = data;
	if (lookup->done) {
		lookup->done(lookup->user, &lookup->answer);
		release(lookup);
	}
	release(lookup);
}

static void *look_up(void *data)
{
	struct trunk_lookup *lookup = data;
	trunk_resolve(&lookup->question, &lookup->answer);
	pthread_mutex_lock(&lookup->lock);
	if (lookup->loop) {
		g_atomic_int_inc(&lookup->references);
		/* Within the lock: abandoning waits for it, the loop is still there. */
		loop_post(lookup->loop, finish, lookup);
	}
	pthread_mutex_unlock(&lookup->lock);
	release(lookup); /* not before: finish() may have come and gone */
	return NULL;
}

int trunk_lookup_start(struct loop *loop, const struct trunk_question *question,
		       void (*done)(void *user, const struct trunk_answer *answer), void *user, struct trunk_lookup **ret_lookup)
{
	struct trunk_lookup *lookup = g_new0(struct trunk_lookup, 1);
	lookup->references = 2;
	pthread_mutex_init(&lookup->lock, NULL);
	lookup->loop = loop;
	lookup->question = *question;
	lookup->question.host = g_strdup(question->host);
	lookup->question.servers = g_strdup(question->servers);
	lookup->done = done;
	lookup->user = user;
	GThread *thread = g_thread_try_new("lookup", look_up, lookup, NULL);
	if (!thread) {
		lookup->references = 1;
		release(lookup);
		return -EAGAIN;
	}
	g_thread_unref(thread);
	*ret_lookup = lookup;
	return 0;
}

struct trunk_lookup *trunk_lookup_abandon(struct trunk_lookup *lookup)
{
	if (!lookup)
		return NULL;
	pthread_mutex_lock(&lookup->lock);
	lookup->loop = NULL;
	pthread_mutex_unlock(&lookup->lock);
	lookup->done = NULL; /* of one that is posted already; only the loop's thread reads it */
	release(lookup);
	return NULL;
}
