/* Counters, gauges and durations, printed for Prometheus. They are declared where they are counted and register
 * themselves before main():
 *
 *	METRICS_COUNTER(calls_answered, "tandem_calls_total", "Calls by outcome.", "outcome", "answered");
 *	METRICS_COUNTER(calls_failed, "tandem_calls_total", "Calls by outcome.", "outcome", "failed");
 *	...
 *	metrics_add(&calls_answered, 1);
 *
 * Items of one name are one family: same type, same help, different label value. Names, help and labels are kept by
 * pointer. Counting is one relaxed atomic addition: any thread, no lock, fit for the packet path. */
#pragma once
#include "base/base.h"

enum metrics_type { METRICS_TYPE_COUNTER, METRICS_TYPE_GAUGE, METRICS_TYPE_DURATION };

#define METRICS_BOUNDS_MAX 15

struct metrics_item {
	enum metrics_type type;
	const char *name;
	const char *help;
	const char *label[4]; /* names and values, or NULL */
	/* A gauge that is asked when it is printed, on the printing (the signalling) thread; or NULL. */
	double (*read)(void *data);
	void *data;
	int64_t bounds_us[METRICS_BOUNDS_MAX]; /* a duration's upper bounds, rising; 0 ends them */
	int64_t buckets[METRICS_BOUNDS_MAX + 1];
	_Alignas(64) int64_t value; /* own cache line: workers count beside each other */
	struct metrics_item *next;
};

/* Both take a lock; any thread, not in the packet path. For items that come and go with an object (one trunk's state);
 * the macros below do it by themselves. An item is registered once at most; unregistering an unknown one does nothing. */
void metrics_register(struct metrics_item *item);
void metrics_unregister(struct metrics_item *item);

/* Adds to a counter (never less than 0) or a gauge. */
static inline void metrics_add(struct metrics_item *item, int64_t amount)
{
	__atomic_fetch_add(&item->value, amount, __ATOMIC_RELAXED);
}

static inline void metrics_set(struct metrics_item *gauge, int64_t value)
{
	__atomic_store_n(&gauge->value, value, __ATOMIC_RELAXED);
}

static inline int64_t metrics_get(const struct metrics_item *item)
{
	return __atomic_load_n(&item->value, __ATOMIC_RELAXED);
}

/* Counts one duration. Its name ends in _seconds, as it is printed. */
void metrics_observe_us(struct metrics_item *duration, int64_t duration_us);

/* Appends all items in Prometheus text format (version 0.0.4). Calls the gauges' read functions. */
void metrics_print(GString *text);

/* The rest of the arguments: optionally a label's name and value. */
#define METRICS_COUNTER(variable, metric_name, metric_help, ...)                                             \
	METRICS_DEFINE(variable, .type = METRICS_TYPE_COUNTER, .name = metric_name, .help = metric_help,     \
		       .label = {__VA_ARGS__})
#define METRICS_GAUGE(variable, metric_name, metric_help, ...)                                               \
	METRICS_DEFINE(variable, .type = METRICS_TYPE_GAUGE, .name = metric_name, .help = metric_help,       \
		       .label = {__VA_ARGS__})
/* The rest: the bounds in microseconds. */
#define METRICS_DURATION(variable, metric_name, metric_help, ...)                                            \
	METRICS_DEFINE(variable, .type = METRICS_TYPE_DURATION, .name = metric_name, .help = metric_help,    \
		       .bounds_us = {__VA_ARGS__})

#define METRICS_DEFINE(variable, ...)                                                                        \
	static struct metrics_item variable = {__VA_ARGS__};                                                 \
	__attribute__((constructor)) static void variable##_register(void)                                   \
	{                                                                                                    \
		metrics_register(&variable);                                                                 \
	}                                                                                                    \
	_Static_assert(true, "")
