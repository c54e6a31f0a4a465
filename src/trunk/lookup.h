/* A name looked up on a thread of its own. */
#pragma once
#include "loop/loop.h"
#include "trunk/names.h"

struct trunk_lookup;

/* Calls done(user, ...) on the loop, once. The question's texts are copied. 0; -EAGAIN when there is no thread to be had. */
int trunk_lookup_start(struct loop *loop, const struct trunk_question *question,
		       void (*done)(void *user, const struct trunk_answer *answer), void *user, struct trunk_lookup **ret_lookup);
/* No callback comes after it; the thread ends by itself and the loop may be freed. Not from within done(). Accepts
 * NULL. */
struct trunk_lookup *trunk_lookup_abandon(struct trunk_lookup *lookup);
