/* Recordings: what is in the file, that it can be played at any moment, and what happens when it cannot be written. */
#include "record/record.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <sndfile.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define BLOCK	  (RECORD_HZ / 5)
#define LEFT_HZ	  440
#define RIGHT_HZ  1000
#define PEAK	  8000
#define FRAMES_MAX (60 * RECORD_HZ)
#define LIMIT_US  (20 * G_USEC_PER_SEC)
#define POLL_US	  1000

struct fixture {
	char *directory;
	struct record_store *store;
	uint32_t n_said;
};

static void open_store(struct fixture *fixture, enum record_format format, size_t queue_bytes)
{
	struct record_settings settings = {fixture->directory, format, queue_bytes};

	assert_int_equal(record_store_new(&settings, &fixture->store), 0);
}

static int set_up(void **state)
{
	struct fixture *fixture = g_new0(struct fixture, 1);

	fixture->directory = g_dir_make_tmp("tandem-XXXXXX", NULL);
	*state = fixture;
	return fixture->directory ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	GDir *files = g_dir_open(fixture->directory, 0, NULL);
	const char *name;

	while ((name = g_dir_read_name(files))) {
		g_autofree char *path = g_build_filename(fixture->directory, name, NULL);
		g_unlink(path);
	}
	g_dir_close(files);
	g_rmdir(fixture->directory);
	g_free(fixture->directory);
	g_free(fixture);
	return 0;
}

static struct record *begin(struct fixture *fixture)
{
	return record_new(fixture->store, "0a1b2c3d", 1, json_pack("{s:s}", "caller", "alice"));
}

/* The one tone left, the other right. */
static bool say(struct fixture *fixture, struct record *record, unsigned n_blocks)
{
	int16_t stereo[BLOCK * RECORD_CHANNELS];

	while (n_blocks-- > 0) {
		for (size_t i = 0; i < BLOCK; i++, fixture->n_said++) {
			stereo[2 * i] = (int16_t)lrint(PEAK * sin(2 * G_PI * LEFT_HZ * fixture->n_said / RECORD_HZ));
			stereo[2 * i + 1] = (int16_t)lrint(PEAK * sin(2 * G_PI * RIGHT_HZ * fixture->n_said / RECORD_HZ));
		}
		if (!record_put(record, stereo, BLOCK))
			return false;
	}
	return true;
}

static char *path_of(const struct fixture *fixture, const char *name, const char *suffix)
{
	g_autofree char *file = g_strconcat(name, suffix, NULL);

	return g_build_filename(fixture->directory, file, NULL);
}

/* Frames, or -1: it cannot be played. What was there before is freed. */
static sf_count_t read_frames(const char *path, float **ret_frames)
{
	SF_INFO form = {0};
	SNDFILE *file = sf_open(path, SFM_READ, &form);
	sf_count_t n;

	if (!file)
		return -1;
	assert_int_equal(form.channels, 2);
	g_free(*ret_frames);
	*ret_frames = g_new(float, FRAMES_MAX * 2);
	n = sf_readf_float(file, *ret_frames, FRAMES_MAX); /* how many they are stands in the file's end, which may not be there yet */
	sf_close(file);
	assert_int_equal(form.samplerate, RECORD_HZ); /* of Opus too, as its header says what it was */
	return n;
}

static double level_of(const float *frames, size_t first_second, unsigned channel, double hz)
{
	size_t n = RECORD_HZ;
	double re = 0, im = 0;

	frames += first_second * n * 2;
	for (size_t i = 0; i < n; i++) {
		re += frames[2 * i + channel] * cos(2 * G_PI * hz * (double)i / RECORD_HZ);
		im += frames[2 * i + channel] * sin(2 * G_PI * hz * (double)i / RECORD_HZ);
	}
	return 2 * sqrt(re * re + im * im) / (double)n * 32768;
}

/* Within a decibel on its own channel, and 35 dB less on the other. */
static void check_sides(const float *frames)
{
	static const double tones[] = {LEFT_HZ, RIGHT_HZ};

	for (unsigned channel = 0; channel < 2; channel++) {
		double own = level_of(frames, 1, channel, tones[channel]);
		double other = level_of(frames, 1, channel, tones[!channel]);

		if (fabs(20 * log10(own / PEAK)) > 1)
			fail_msg("channel %u: %f", channel, own);
		if (other > PEAK / 56.0)
			fail_msg("channel %u: %f of the other", channel, other);
	}
}

static json_t *read_note(const struct fixture *fixture, const char *name)
{
	g_autofree char *path = path_of(fixture, name, RECORD_SIDECAR_SUFFIX);

	return json_load_file(path, 0, NULL);
}

static const char *text_of(const json_t *note, const char *key)
{
	return json_string_value(json_object_get(note, key));
}

static void check_file_of(struct fixture *fixture, enum record_format format)
{
	struct record *record;
	g_autofree char *name = NULL, *path = NULL;
	g_autofree float *frames = NULL;
	struct stat information;
	json_t *note;

	open_store(fixture, format, 0);
	record = begin(fixture);
	name = g_strdup(record_name(record));
	assert_true(say(fixture, record, 15));
	record_end(record);
	record_finish(record, json_pack("{s:i}", "lost", 3));
	record_store_free(fixture->store);
	path = path_of(fixture, name, "");
	assert_int_equal(read_frames(path, &frames), 15 * BLOCK);
	check_sides(frames);
	assert_int_equal(stat(path, &information), 0);
	assert_int_equal(information.st_mode & 0777, 0600);
	note = read_note(fixture, name);
	assert_string_equal(text_of(note, "state"), "complete");
	assert_string_equal(text_of(note, "file"), name);
	assert_string_equal(text_of(note, "caller"), "alice");
	assert_int_equal(json_integer_value(json_object_get(note, "lost")), 3);
	assert_true(json_real_value(json_object_get(note, "duration_seconds")) == 3.0);
	assert_true(json_real_value(json_object_get(note, "lost_seconds")) == 0.0);
	assert_non_null(text_of(note, "started"));
	assert_non_null(text_of(note, "ended"));
	json_decref(note);
	print_message("%.1f kbit/s\n", (double)information.st_size * 8 / 3 / 1000);
}

static void test_a_wav_file_has_each_side_in_its_channel(void **state)
{
	check_file_of(*state, RECORD_FORMAT_WAV);
}

static void test_an_ogg_file_has_each_side_in_its_channel(void **state)
{
	check_file_of(*state, RECORD_FORMAT_OGG);
}

/* What a killed process leaves: the file as it is while nobody has closed it. */
static void check_played_while_it_runs(struct fixture *fixture, enum record_format format)
{
	struct record *record;
	g_autofree char *path = NULL;
	g_autofree float *frames = NULL;
	int64_t limit_us = g_get_monotonic_time() + LIMIT_US;
	json_t *note;

	open_store(fixture, format, 0);
	record = begin(fixture);
	path = path_of(fixture, record_name(record), "");
	assert_true(say(fixture, record, 20));
	while (read_frames(path, &frames) < 3 * RECORD_HZ - BLOCK && g_get_monotonic_time() < limit_us)
		g_usleep(POLL_US);
	assert_true(read_frames(path, &frames) >= 3 * RECORD_HZ - BLOCK);
	check_sides(frames);
	note = read_note(fixture, record_name(record));
	assert_string_equal(text_of(note, "state"), "running");
	assert_null(text_of(note, "ended"));
	json_decref(note);
	record_finish(record, NULL);
	record_end(record);
	record_store_free(fixture->store);
}

static void test_a_wav_file_can_be_played_while_it_is_written(void **state)
{
	check_played_while_it_runs(*state, RECORD_FORMAT_WAV);
}

static void test_an_ogg_file_can_be_played_while_it_is_written(void **state)
{
	check_played_while_it_runs(*state, RECORD_FORMAT_OGG);
}

/* As on a full disk. */
static void check_an_error(struct fixture *fixture, enum record_format format)
{
	struct rlimit before, limit;
	struct record *record;
	g_autofree char *name = NULL;
	int64_t limit_us = g_get_monotonic_time() + LIMIT_US;
	json_t *note;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = (struct rlimit){5000, before.rlim_max};
	open_store(fixture, format, 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	record = begin(fixture);
	name = g_strdup(record_name(record));
	while (say(fixture, record, 1) && g_get_monotonic_time() < limit_us)
		;
	assert_int_equal(record_state(record), RECORD_FAILED);
	record_end(record);
	record_finish(record, NULL);
	record_store_free(fixture->store);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	note = read_note(fixture, name);
	assert_string_equal(text_of(note, "state"), "failed");
	assert_string_equal(text_of(note, "error"), g_strerror(EFBIG));
	json_decref(note);
}

static void test_a_full_disk_ends_a_wav_file(void **state)
{
	check_an_error(*state, RECORD_FORMAT_WAV);
}

static void test_a_full_disk_ends_an_ogg_file(void **state)
{
	check_an_error(*state, RECORD_FORMAT_OGG);
}

static void test_what_the_queue_has_no_room_for_is_told_and_silent(void **state)
{
	struct fixture *fixture = *state;
	struct record *record;
	g_autofree char *name = NULL, *path = NULL;
	g_autofree float *frames = NULL;
	json_t *note;

	open_store(fixture, RECORD_FORMAT_WAV, BLOCK * 4 - 1);
	record = begin(fixture);
	name = g_strdup(record_name(record));
	assert_true(say(fixture, record, 10));
	record_end(record);
	record_finish(record, NULL);
	record_store_free(fixture->store);
	path = path_of(fixture, name, "");
	assert_int_equal(read_frames(path, &frames), 10 * BLOCK);
	assert_true(level_of(frames, 0, 0, LEFT_HZ) == 0);
	note = read_note(fixture, name);
	assert_true(json_real_value(json_object_get(note, "lost_seconds")) == 2.0);
	json_decref(note);
}

static void test_a_name_leads_nowhere_else(void **state)
{
	struct fixture *fixture = *state;
	struct record *record;

	open_store(fixture, RECORD_FORMAT_WAV, 0);
	record = record_new(fixture->store, "../../a b", 7, json_object());
	assert_true(g_str_has_suffix(record_name(record), "-______a_b-7.wav"));
	record_end(record);
	record_finish(record, NULL);
	record_store_free(fixture->store);
}

/* Whatever lies there already is somebody's. */
static void test_no_file_is_overwritten(void **state)
{
	struct fixture *fixture = *state;
	struct record *records[2];

	open_store(fixture, RECORD_FORMAT_WAV, 0);
	do {
		for (size_t i = 0; i < 2; i++)
			records[i] = begin(fixture);
		for (size_t i = 0; i < 2; i++)
			record_end(records[i]);
		if (strcmp(record_name(records[0]), record_name(records[1])) == 0)
			break;
		for (size_t i = 0; i < 2; i++) /* the second has changed between them */
			record_finish(records[i], NULL);
	} while (true);
	record_finish(records[0], NULL);
	while (record_state(records[1]) == RECORD_RUNNING)
		g_usleep(POLL_US);
	assert_int_equal(record_state(records[1]), RECORD_FAILED);
	record_finish(records[1], NULL);
	record_store_free(fixture->store);
}

static void test_a_directory_must_be_there(void **state)
{
	struct record_settings settings = {.directory = "/nowhere/at/all"};
	struct record_store *store = NULL;

	assert_int_equal(record_store_new(&settings, &store), -ENOENT);
	assert_null(store);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_a_wav_file_has_each_side_in_its_channel),
		TEST(test_an_ogg_file_has_each_side_in_its_channel),
		TEST(test_a_wav_file_can_be_played_while_it_is_written),
		TEST(test_an_ogg_file_can_be_played_while_it_is_written),
		TEST(test_a_full_disk_ends_a_wav_file),
		TEST(test_a_full_disk_ends_an_ogg_file),
		TEST(test_what_the_queue_has_no_room_for_is_told_and_silent),
		TEST(test_a_name_leads_nowhere_else),
		TEST(test_no_file_is_overwritten),
		TEST(test_a_directory_must_be_there),
	};

	signal(SIGXFSZ, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
