#include "media/resample.h"
#include "media/tone.h"
#include <spandsp.h>
#include <string.h>

#define HZ		 8000
#define BLOCK		 102 /* samples that spandsp looks at together; a change is told after two blocks that agree */
#define UNSEEN_MS	 8   /* of a digit lie, in the mean, in blocks that it does not fill */
#define RESAMPLE_QUALITY 2
#define SAMPLES_MAX	 (HZ / 1000 * MEDIA_TONE_FRAME_MS_MAX)

/* One looks half a block after the other: a short digit that lies badly for one lies well for the other. */
#define EARS 2

enum state { QUIET, SOUNDING };

struct ear {
	struct media_tone_detector *detector;
	dtmf_rx_state_t *spandsp;
	int code;	 /* what it hears, or -1 */
	size_t in_block; /* samples of the block at hand */
	size_t deaf;	 /* samples to be passed over before a block begins */
};

struct media_tone_detector {
	struct ear ears[EARS];
	struct media_resample *resample; /* NULL: the sound has 8 kHz */
	uint32_t hz;
	enum state state;
	uint8_t code;
	int64_t position;		   /* samples so far, at 8 kHz */
	int64_t started;		   /* when the digit was told */
	struct media_tone_change *changes; /* of the feed at hand */
	size_t n_changes;
};

static void tell(struct media_tone_detector *detector, enum media_tone_change_kind kind, uint32_t duration_ms)
{
	if (detector->n_changes < MEDIA_TONE_CHANGES_MAX)
		detector->changes[detector->n_changes++] =
		    (struct media_tone_change){kind, detector->code, duration_ms};
}

static void begin_digit(struct media_tone_detector *detector, int code)
{
	detector->state = SOUNDING;
	detector->code = (uint8_t)code;
	detector->started = detector->position;
	tell(detector, MEDIA_TONE_STARTED, 0);
}

static void end_digit(struct media_tone_detector *detector)
{
	detector->state = QUIET;
	tell(detector, MEDIA_TONE_ENDED, (uint32_t)((detector->position - detector->started) * 1000 / HZ) + UNSEEN_MS);
}

static bool is_heard(const struct media_tone_detector *detector, int code)
{
	for (size_t i = 0; i < EARS; i++)
		if (detector->ears[i].code == code)
			return true;
	return false;
}

/* A digit sounds from the first ear that hears it to the last. */
static void on_change(void *user, int digit, int level, int duration)
{
	struct ear *ear = user;
	struct media_tone_detector *detector = ear->detector;

	ear->code = rtp_event_code((char)digit);
	if (detector->state == SOUNDING && !is_heard(detector, detector->code))
		end_digit(detector);
	for (size_t i = 0; i < EARS && detector->state == QUIET; i++)
		if (detector->ears[i].code >= 0)
			begin_digit(detector, detector->ears[i].code);
}

static bool is_open(struct ear *ear, struct media_tone_detector *detector)
{
	ear->detector = detector;
	ear->code = -1;
	ear->spandsp = dtmf_rx_init(NULL, NULL, NULL);
	if (ear->spandsp)
		dtmf_rx_set_realtime_callback(ear->spandsp, on_change, ear);
	return ear->spandsp;
}

/* All begin a block, one after the other. */
static void align(struct media_tone_detector *detector)
{
	for (size_t i = 0; i < EARS; i++) {
		detector->ears[i].in_block = 0;
		detector->ears[i].deaf = i * BLOCK / EARS;
	}
}

struct media_tone_detector *media_tone_detector_new(uint32_t hz)
{
	struct media_resample *resample = hz == HZ ? NULL : media_resample_new(hz, HZ, RESAMPLE_QUALITY);
	struct media_tone_detector *detector;

	if (hz != HZ && !resample)
		return NULL;
	detector = g_new0(struct media_tone_detector, 1);
	detector->hz = hz;
	detector->resample = resample;
	for (size_t i = 0; i < EARS; i++)
		if (!is_open(&detector->ears[i], detector))
			return media_tone_detector_free(detector);
	align(detector);
	return detector;
}

struct media_tone_detector *media_tone_detector_free(struct media_tone_detector *detector)
{
	if (!detector)
		return NULL;
	for (size_t i = 0; i < EARS; i++)
		if (detector->ears[i].spandsp)
			dtmf_rx_free(detector->ears[i].spandsp);
	media_resample_free(detector->resample);
	g_free(detector);
	return NULL;
}

static size_t until_change(const struct ear *ear)
{
	return ear->deaf > 0 ? ear->deaf : BLOCK - ear->in_block;
}

static void listen(struct ear *ear, const int16_t *pcm, size_t n_samples)
{
	if (ear->deaf > 0) {
		ear->deaf -= n_samples;
		return;
	}
	ear->in_block = (ear->in_block + n_samples) % BLOCK;
	dtmf_rx(ear->spandsp, pcm, (int)n_samples);
}

/* Up to the end of some ear's block at a time, so that it is known when a change is told. */
static void look_at(struct media_tone_detector *detector, const int16_t *pcm, size_t n_samples)
{
	while (n_samples > 0) {
		size_t n = n_samples;

		for (size_t i = 0; i < EARS; i++)
			n = MIN(n, until_change(&detector->ears[i]));
		detector->position += (int64_t)n;
		for (size_t i = 0; i < EARS; i++)
			listen(&detector->ears[i], pcm, n);
		pcm += n;
		n_samples -= n;
	}
}

size_t media_tone_detector_feed(struct media_tone_detector *detector, const int16_t *pcm, size_t n_samples,
				struct media_tone_change ret_changes[static MEDIA_TONE_CHANGES_MAX])
{
	int16_t slower[SAMPLES_MAX];

	n_samples = MIN(n_samples, detector->hz / 1000 * MEDIA_TONE_FRAME_MS_MAX);
	detector->changes = ret_changes;
	detector->n_changes = 0;
	if (detector->resample) {
		int n = media_resample_run(detector->resample, pcm, n_samples, slower, SAMPLES_MAX);

		look_at(detector, slower, (size_t)MAX(n, 0));
	} else {
		look_at(detector, pcm, n_samples);
	}
	return detector->n_changes;
}

void media_tone_detector_skip(struct media_tone_detector *detector, size_t n_samples)
{
	size_t n = n_samples * HZ / detector->hz;

	for (size_t i = 0; i < EARS; i++)
		dtmf_rx_fillin(detector->ears[i].spandsp, (int)MIN(n, SAMPLES_MAX));
	detector->position += (int64_t)n;
	align(detector);
}
