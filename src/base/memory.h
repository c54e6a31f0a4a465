/* What was freed goes back to the kernel after a busy time: the C library keeps the pages that lie below some piece that is still in
 * use, and after thousands of calls that is nearly all of them. */
#pragma once
#include "base/base.h"

/* One thread's. Zeroed: nothing has been in use yet. */
struct base_memory {
	size_t most; /* objects at a time, since pages were last given back */
};

#define BASE_MEMORY_OBJECTS_MIN 100 /* of fewer the pages are not worth the walk through the heap */

/* To be called now and then (a look is cheap), with the number of objects, of whatever kind takes most of the memory. True: they have
 * become less than half of the most there were, and what was theirs was given back; that takes some 30 ms for 100 MB. */
bool base_memory_look(struct base_memory *memory, size_t n_objects);
