#include "base/base.h"
#include <time.h>

/* Alone in its file, so that a test can bring its own clock. */
int64_t base_monotonic_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
