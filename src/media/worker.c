#include "media/watch.h"
#include "metrics/metrics.h"

METRICS_COUNTER(packets_taken, "tandem_media_packets_total", "Packets that came to media ports.", "outcome", "taken");
METRICS_COUNTER(refused_source, "tandem_media_packets_total", "Packets that came to media ports.", "outcome", "unexpected_source");
METRICS_COUNTER(refused_protection, "tandem_media_packets_total", "Packets that came to media ports.", "outcome", "not_authentic");
METRICS_COUNTER(refused_type, "tandem_media_packets_total", "Packets that came to media ports.", "outcome", "unknown_type");
METRICS_COUNTER(refused_malformed, "tandem_media_packets_total", "Packets that came to media ports.", "outcome", "malformed");
METRICS_GAUGE(workers_saving, "tandem_media_workers_saving", "Media threads that are too busy for all of media.effort.");

static struct metrics_item *const refusals[MEDIA_REFUSALS] = {
	[MEDIA_REFUSAL_SOURCE] = &refused_source,
	[MEDIA_REFUSAL_PROTECTION] = &refused_protection,
	[MEDIA_REFUSAL_TYPE] = &refused_type,
	[MEDIA_REFUSAL_MALFORMED] = &refused_malformed,
};

/* How often the load is looked at, and from how many packets a second on the worker sleeps between rounds: then a wake-up per
 * packet costs more than the packet. */
#define LOAD_PERIOD_MS 250
#define LOAD_HIGH_PPS  900
#define INTERVAL_US    1500

/* Who shall be near another may be, while that worker has no more legs than so many times the emptiest one's. */
#define NEAR_LOAD_FACTOR 2
#define NEAR_LOAD_ALWAYS 16

static size_t load_of(const struct media_worker *worker)
{
	return atomic_load(&worker->n_legs);
}

static struct media_worker *least_loaded(const struct media_engine *engine)
{
	struct media_worker *best = engine->workers[0];

	for (unsigned i = 1; i < engine->n_workers; i++)
		if (load_of(engine->workers[i]) < load_of(best))
			best = engine->workers[i];
	return best;
}

static bool has_room(const struct media_worker *worker)
{
	return atomic_load_explicit(&worker->busy_percent, memory_order_relaxed) < worker->engine->settings.fill_percent;
}

/* Together as long as there is room: packets that come at about the same time share a wake-up, which costs more than a packet. */
struct media_worker *media_worker_for_next(const struct media_engine *engine)
{
	for (unsigned i = 0; i < engine->n_workers; i++)
		if (has_room(engine->workers[i]))
			return engine->workers[i];
	return least_loaded(engine);
}

bool media_worker_may_take(const struct media_worker *worker)
{
	return has_room(worker) || load_of(worker) <= NEAR_LOAD_FACTOR * load_of(least_loaded(worker->engine)) + NEAR_LOAD_ALWAYS;
}

static void count_packets(struct media_worker *worker)
{
	uint32_t n_refused = 0;

	for (size_t i = MEDIA_REFUSAL_NONE + 1; i < MEDIA_REFUSALS; i++) {
		metrics_add(refusals[i], worker->n_refused[i]);
		n_refused += worker->n_refused[i];
		worker->n_refused[i] = 0;
	}
	metrics_add(&packets_taken, worker->n_packets - MIN(n_refused, worker->n_packets));
}

static int64_t cpu_time_us(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return time.tv_sec * INT64_C(1000000) + time.tv_nsec / 1000;
}

/* The share of a core that the worker took since the last look. */
static unsigned measure_busy_percent(struct media_worker *worker)
{
	int64_t now_us = base_monotonic_us(), cpu_us = cpu_time_us(), passed_us = now_us - worker->looked_us;
	unsigned percent = passed_us > 0 ? (unsigned)((cpu_us - worker->cpu_us) * 100 / passed_us) : 0;

	worker->looked_us = now_us;
	worker->cpu_us = cpu_us;
	return percent;
}

static void adapt_effort(struct media_worker *worker, unsigned busy_percent)
{
	struct media_effort_control *effort = &worker->effort;
	bool was_saving = effort->now < effort->most;

	if (media_effort_look(effort, busy_percent)) {
		log_info(NULL, "media %u: encoders' effort is %s now", worker->number, media_effort_name(effort->now));
		metrics_add(&workers_saving, (effort->now < effort->most) - was_saving);
	}
}

static void look_at_load(void *data)
{
	struct media_worker *worker = data;
	unsigned packets_per_second = worker->n_packets * (1000 / LOAD_PERIOD_MS);
	unsigned busy_percent = measure_busy_percent(worker);
	bool has_legs = atomic_load_explicit(&worker->n_legs, memory_order_relaxed) > 0;

	count_packets(worker);
	worker->n_packets = 0;
	adapt_effort(worker, busy_percent);
	atomic_store_explicit(&worker->busy_percent, has_legs ? busy_percent : 0, memory_order_relaxed);
	loop_set_interval_us(worker->loop, packets_per_second > LOAD_HIGH_PPS ? INTERVAL_US : 0);
	if (has_legs)
		loop_timer_start_ms(&worker->load_timer, LOAD_PERIOD_MS);
}

void media_worker_watch_load(struct media_worker *worker)
{
	if (!loop_timer_is_running(&worker->load_timer))
		loop_timer_start_ms(&worker->load_timer, LOAD_PERIOD_MS);
}

static void *run(void *data)
{
	struct media_worker *worker = data;

	loop_run(worker->loop);
	return NULL;
}

static void init_inbox(struct media_inbox *inbox)
{
	for (size_t i = 0; i < MEDIA_BATCH; i++) {
		inbox->vectors[i] = (struct iovec){inbox->bytes[i], MEDIA_PACKET_BYTES_MAX};
		inbox->headers[i].msg_hdr = (struct msghdr){
			.msg_name = &inbox->sources[i].ipv6,
			.msg_namelen = sizeof inbox->sources[i].ipv6,
			.msg_iov = &inbox->vectors[i],
			.msg_iovlen = 1,
		};
	}
}

int media_worker_new(struct media_engine *engine, unsigned number, struct media_worker **ret_worker)
{
	struct media_worker *worker = g_new0(struct media_worker, 1);
	g_autofree char *name = g_strdup_printf("media %u", number);
	int error;

	worker->engine = engine;
	worker->number = number;
	media_effort_init(&worker->effort, engine->settings.effort, engine->settings.effort_floor);
	init_inbox(&worker->inbox);
	error = loop_new(name, &worker->loop);
	if (error < 0) {
		g_free(worker);
		return error;
	}
	loop_timer_init(&worker->load_timer, worker->loop, look_at_load, worker);
	media_watch_init(worker);
	worker->thread = g_thread_try_new(name, run, worker, NULL);
	if (!worker->thread) {
		loop_free(worker->loop);
		g_free(worker);
		return -EAGAIN;
	}
	*ret_worker = worker;
	return 0;
}

void media_worker_stop(struct media_worker *worker)
{
	loop_quit(worker->loop);
	g_thread_join(worker->thread);
}

struct media_worker *media_worker_free(struct media_worker *worker)
{
	if (!worker)
		return NULL;
	loop_timer_stop(&worker->load_timer);
	loop_timer_stop(&worker->watch_timer);
	loop_free(worker->loop);
	g_free(worker);
	return NULL;
}
