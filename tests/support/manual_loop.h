/* loop.h with a clock that moves when the test says so. A test that names manual_loop.c among its sources gets it in
 * place of src/loop. No descriptors, no guest context, one thread. */
#pragma once
#include "loop/loop.h"

/* Fires what falls due within the time, in order of time, and runs what was posted. */
void manual_loop_advance_ms(struct loop *loop, int64_t milliseconds);
/* Posted work and timers of no delay. */
void manual_loop_settle(struct loop *loop);
size_t manual_loop_timers(const struct loop *loop);
