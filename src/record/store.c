#include "base/log.h"
#include "metrics/metrics.h"
#include "record/private.h"
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

METRICS_GAUGE(running, "tandem_recordings", "Calls that are recorded at this moment.");
METRICS_COUNTER(failed, "tandem_recordings_failed_total", "Recordings that have stopped because they could not be written.");
METRICS_COUNTER(lost_ms, "tandem_recordings_lost_milliseconds_total",
		"Sound that is missing in recordings because the disk was too slow.");

#define SETTLE_US      G_USEC_PER_SEC
#define SILENCE_FRAMES 1600

enum job_kind { JOB_BEGIN, JOB_SOUND, JOB_END, JOB_FINISH, JOB_STOP };

struct job {
	enum job_kind kind;
	struct record *record;
	json_t *facts;
	size_t n_lost;	 /* frames before it that there was no room for */
	size_t n_frames;
	int16_t stereo[];
};

struct record_store {
	int directory;
	enum record_format format;
	size_t queue_bytes;
	atomic_size_t queued_bytes;
	GAsyncQueue *jobs;
	GThread *thread;
	/* The thread's. */
	GQueue records; /* that somebody holds */
	int64_t settled_us;
};

struct record {
	struct record_store *store;
	char *name, *note_name, *call;
	atomic_int state;
	size_t n_lost; /* frames; the source's */
	/* The thread's. */
	GList link;
	unsigned n_holders;
	json_t *note;
	struct record_sound *sound; /* NULL: not there yet, or no more */
	uint64_t n_frames, n_lost_in_all;
};

static const char *const state_names[] = {
	[RECORD_RUNNING] = "running", [RECORD_COMPLETE] = "complete", [RECORD_FAILED] = "failed"};

const char *record_state_name(enum record_state state)
{
	return state_names[state];
}

const char *record_name(const struct record *record)
{
	return record->name;
}

enum record_state record_state(const struct record *record)
{
	return (enum record_state)atomic_load(&record->state);
}

/* --- the thread --- */

static char *time_text(void)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();

	return g_date_time_format(now, "%Y-%m-%dT%H:%M:%S.%fZ");
}

static void note_time(struct record *record, const char *key)
{
	g_autofree char *text = time_text();

	json_object_set_new(record->note, key, json_string(text));
}

static double seconds(uint64_t n_frames)
{
	return (double)(n_frames * 1000 / RECORD_HZ) / 1000;
}

static void write_note(struct record *record)
{
	struct log_context log = {.call = record->call};
	int error;

	json_object_set_new(record->note, "state", json_string(record_state_name(record_state(record))));
	json_object_set_new(record->note, "duration_seconds", json_real(seconds(record->n_frames)));
	json_object_set_new(record->note, "lost_seconds", json_real(seconds(record->n_lost_in_all)));
	error = record_note_write(record->store->directory, record->note_name, record->note);
	if (error < 0)
		log_warning(&log, "recording: %s cannot be written: %s", record->note_name, g_strerror(-error));
}

/* Its states follow each other in one direction only. */
static void set_state(struct record *record, enum record_state state)
{
	if (record_state(record) != RECORD_RUNNING)
		return;
	atomic_store(&record->state, (int)state);
	metrics_add(&running, -1);
	note_time(record, "ended");
}

/* The call goes on without. */
static void fail(struct record *record, int error)
{
	struct log_context log = {.call = record->call};

	log_warning(&log, "recording %s has stopped after %.1f s: %s", record->name, seconds(record->n_frames), g_strerror(-error));
	metrics_add(&failed, 1);
	json_object_set_new(record->note, "error", json_string(g_strerror(-error)));
	set_state(record, RECORD_FAILED);
	BASE_CLEAR(&record->sound, record_sound_close);
	write_note(record);
}

static void begin(struct record *record)
{
	int error = record_sound_open(record->store->directory, record->name, record->store->format, &record->sound);

	record->link.data = record;
	g_queue_push_tail_link(&record->store->records, &record->link);
	note_time(record, "started");
	if (error < 0)
		fail(record, error);
	else
		write_note(record);
}

static void write_sound(struct record *record, const int16_t *stereo, size_t n_frames)
{
	int error = record->sound ? record_sound_write(record->sound, stereo, n_frames) : 0;

	if (error < 0)
		fail(record, error);
	else if (record->sound)
		record->n_frames += n_frames;
}

static void write_lost(struct record *record, size_t n_frames)
{
	static const int16_t silence[SILENCE_FRAMES * RECORD_CHANNELS];
	struct log_context log = {.call = record->call};

	if (n_frames == 0)
		return;
	if (record->n_lost_in_all == 0)
		log_warning(&log, "recording %s has a gap: the disk is too slow", record->name);
	metrics_add(&lost_ms, (int64_t)(n_frames * 1000 / RECORD_HZ));
	record->n_lost_in_all += n_frames;
	for (size_t done = 0; done < n_frames; done += MIN(n_frames - done, SILENCE_FRAMES))
		write_sound(record, silence, MIN(n_frames - done, SILENCE_FRAMES));
}

static void end(struct record *record)
{
	int error = record_sound_close(g_steal_pointer(&record->sound));

	if (error < 0)
		fail(record, error);
	set_state(record, RECORD_COMPLETE);
}

static void record_free(struct record *record)
{
	end(record);
	write_note(record);
	g_queue_unlink(&record->store->records, &record->link);
	json_decref(record->note);
	g_free(record->name);
	g_free(record->note_name);
	g_free(record->call);
	g_free(record);
}

static void let_go(struct record *record)
{
	if (--record->n_holders == 0)
		record_free(record);
	else
		write_note(record);
}

static void run(struct record_store *store, struct job *job)
{
	switch (job->kind) {
	case JOB_BEGIN:
		begin(job->record);
		break;
	case JOB_SOUND:
		write_lost(job->record, job->n_lost);
		write_sound(job->record, job->stereo, job->n_frames);
		break;
	case JOB_END:
		write_lost(job->record, job->n_lost);
		end(job->record);
		let_go(job->record);
		break;
	case JOB_FINISH:
		if (job->facts)
			json_object_update(job->record->note, job->facts);
		let_go(job->record);
		break;
	case JOB_STOP:
		break;
	}
	atomic_fetch_sub(&store->queued_bytes, job->n_frames * RECORD_CHANNELS * sizeof *job->stereo);
	json_decref(job->facts);
	g_free(job);
}

static void settle(struct record_store *store)
{
	for (GList *link = store->records.head, *next; link; link = next) {
		struct record *record = link->data;
		int error = record->sound ? record_sound_settle(record->sound) : 0;

		next = link->next;
		if (error < 0)
			fail(record, error);
	}
	store->settled_us = base_monotonic_us();
}

static void *write_files(void *data)
{
	struct record_store *store = data;
	bool is_over = false;

	while (!is_over) {
		int64_t left_us = store->settled_us + SETTLE_US - base_monotonic_us();
		struct job *job = !store->records.head ? g_async_queue_pop(store->jobs)
				  : left_us > 0	       ? g_async_queue_timeout_pop(store->jobs, (guint64)left_us)
						       : g_async_queue_try_pop(store->jobs);

		is_over = job && job->kind == JOB_STOP;
		if (job)
			run(store, job);
		if (base_monotonic_us() >= store->settled_us + SETTLE_US)
			settle(store);
	}
	while (store->records.head)
		record_free(store->records.head->data);
	return NULL;
}

/* --- who tells it what to do --- */

static void push(struct record_store *store, enum job_kind kind, struct record *record, json_t *facts)
{
	struct job *job = g_new0(struct job, 1);

	job->kind = kind;
	job->record = record;
	job->facts = facts;
	if (kind == JOB_END)
		job->n_lost = record->n_lost;
	g_async_queue_push(store->jobs, job);
}

int record_store_new(const struct record_settings *settings, struct record_store **ret_store)
{
	int directory = open(settings->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct record_store *store;

	if (directory < 0)
		return -errno;
	store = g_new0(struct record_store, 1);
	store->directory = directory;
	store->format = settings->format;
	store->queue_bytes = settings->queue_bytes ? settings->queue_bytes : RECORD_QUEUE_BYTES_MAX;
	store->jobs = g_async_queue_new();
	store->thread = g_thread_new("recordings", write_files, store);
	*ret_store = store;
	return 0;
}

struct record_store *record_store_free(struct record_store *store)
{
	if (!store)
		return NULL;
	push(store, JOB_STOP, NULL, NULL);
	g_thread_join(store->thread);
	g_async_queue_unref(store->jobs);
	close(store->directory);
	g_free(store);
	return NULL;
}

/* A name must not lead elsewhere, whatever is in it. */
static char *name_of(const char *call, unsigned number, enum record_format format)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	g_autofree char *time = g_date_time_format(now, "%Y%m%dT%H%M%SZ");
	g_autofree char *safe = g_strcanon(g_strdup(call), G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "-", '_');

	return g_strdup_printf("%s-%.64s-%u.%s", time, safe, number, format == RECORD_FORMAT_OGG ? "ogg" : "wav");
}

struct record *record_new(struct record_store *store, const char *call, unsigned number, json_t *facts)
{
	struct record *record = g_new0(struct record, 1);

	record->store = store;
	record->name = name_of(call, number, store->format);
	record->note_name = g_strconcat(record->name, RECORD_SIDECAR_SUFFIX, NULL);
	record->call = g_strdup(call);
	record->n_holders = 2;
	record->note = facts;
	json_object_set_new(facts, "call", json_string(call));
	json_object_set_new(facts, "file", json_string(record->name));
	json_object_set_new(facts, "sample_rate_hz", json_integer(RECORD_HZ));
	metrics_add(&running, 1);
	push(store, JOB_BEGIN, record, NULL);
	return record;
}

void record_finish(struct record *record, json_t *facts)
{
	push(record->store, JOB_FINISH, record, facts);
}

bool record_put(struct record *record, const int16_t *stereo, size_t n_frames)
{
	struct record_store *store = record->store;
	size_t bytes = n_frames * RECORD_CHANNELS * sizeof *stereo;
	struct job *job;

	if (record_state(record) != RECORD_RUNNING)
		return false;
	if (atomic_fetch_add(&store->queued_bytes, bytes) + bytes > store->queue_bytes) {
		atomic_fetch_sub(&store->queued_bytes, bytes);
		record->n_lost += n_frames;
		return true;
	}
	job = g_malloc(sizeof *job + bytes);
	*job = (struct job){.kind = JOB_SOUND, .record = record, .n_lost = record->n_lost, .n_frames = n_frames};
	memcpy(job->stereo, stereo, bytes);
	record->n_lost = 0;
	g_async_queue_push(store->jobs, job);
	return true;
}

void record_end(struct record *record)
{
	push(record->store, JOB_END, record, NULL);
}
