#include "loop/job.h"
#include <pthread.h>

/* Owned by up to three: the thread; the function it posts; and the one who asked, whose share ends with done() or by
 * abandoning. */
struct loop_job {
	gint references;
	pthread_mutex_t lock; /* not GMutex: the thread sanitizer sees this one */
	struct loop *loop;    /* under the lock; NULL: abandoned */
	const struct loop_job_handler *handler;
	void *data;
	bool is_wanted; /* read and written by the loop's thread only */
};

static void release(struct loop_job *job)
{
	if (!g_atomic_int_dec_and_test(&job->references))
		return;
	pthread_mutex_destroy(&job->lock);
	job->handler->clear(job->data);
	g_free(job);
}

static void finish(void *data)
{
	struct loop_job *job = data;
	if (job->is_wanted) {
		job->handler->done(job->data);
		release(job);
	}
	release(job);
}

static void *run(void *data)
{
	struct loop_job *job = data;
	job->handler->run(job->data);
	pthread_mutex_lock(&job->lock);
	if (job->loop) {
		g_atomic_int_inc(&job->references);
		/* Within the lock: abandoning waits for it, the loop is still there. */
		loop_post(job->loop, finish, job);
	}
	pthread_mutex_unlock(&job->lock);
	release(job); /* not before: finish() may have come and gone */
	return NULL;
}

int loop_job_start(struct loop *loop, const struct loop_job_handler *handler, void *data, struct loop_job **ret_job)
{
	struct loop_job *job = g_new0(struct loop_job, 1);
	*job = (struct loop_job){.references = 2, .loop = loop, .handler = handler, .data = data, .is_wanted = true};
	pthread_mutex_init(&job->lock, NULL);
	*ret_job = job; /* before done() can come */
	GThread *thread = g_thread_try_new(handler->name, run, job, NULL);
	if (thread) {
		g_thread_unref(thread);
		return 0;
	}
	*ret_job = NULL;
	pthread_mutex_destroy(&job->lock);
	g_free(job);
	return -EAGAIN;
}

struct loop_job *loop_job_abandon(struct loop_job *job)
{
	if (!job)
		return NULL;
	pthread_mutex_lock(&job->lock);
	job->loop = NULL;
	pthread_mutex_unlock(&job->lock);
	job->is_wanted = false; /* one that is posted already */
	release(job);
	return NULL;
}
