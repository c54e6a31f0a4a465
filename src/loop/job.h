/* Work that may wait, on a thread of its own, whose end is told on the loop. */
#pragma once
#include "loop/loop.h"

struct loop_job;

struct loop_job_handler {
	const char *name;	   /* of the thread; at most 15 characters */
	void (*run)(void *data);   /* on the thread: touches `data` alone */
	void (*done)(void *data);  /* on the loop, once, after run(); not once the job is abandoned */
	void (*clear)(void *data); /* frees `data`; the last call, on either thread */
};

/* The job is its asker's until done() returns or it is abandoned. 0; -EAGAIN when there is no thread to be had: then `data` is still
 * the caller's. */
int loop_job_start(struct loop *loop, const struct loop_job_handler *handler, void *data, struct loop_job **ret_job);
/* done() does not come after it; the thread ends by itself, and the loop may be freed. Not from within done(). Accepts NULL; returns
 * NULL. */
struct loop_job *loop_job_abandon(struct loop_job *job);
