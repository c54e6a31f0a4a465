#include "media/source.h"
#include "media/voice.h"

#define TAIL_MS 400 /* of silence behind the last sound: so much may wait in the far end's jitter buffer */

struct media_source {
	struct media_source_options options;
	struct media_sound sound;
	struct media_voice *voice;
	size_t n_tail; /* samples of silence that are left to be played */
};

static void note_over(struct media_source *source, size_t n_samples)
{
	if (source->n_tail == 0 || !media_sound_is_over(&source->sound))
		return;
	source->n_tail -= MIN(source->n_tail, n_samples);
	if (source->n_tail == 0 && source->options.finished)
		source->options.finished(source->options.data);
}

static bool fill(void *data, int16_t *pcm, size_t n_samples)
{
	struct media_source *source = data;

	note_over(source, n_samples);
	media_sound_fill(&source->sound, pcm, n_samples);
	return true;
}

struct media_source *media_source_free(struct media_source *source)
{
	if (!source)
		return NULL;
	media_voice_free(source->voice);
	media_soundfile_unref(source->options.file);
	g_free(source);
	return NULL;
}

static struct media_source *source_new(struct media_stream *to, const struct media_source_options *options, media_source_send *send)
{
	struct media_source *source = g_new0(struct media_source, 1);
	struct media_voice_options voice = {.to = to, .send = send, .fill = fill, .data = source};

	source->options = *options;
	media_soundfile_ref(options->file);
	if (media_voice_new(&voice, &source->voice) < 0) {
		if (to->n_formats > 0)
			log_warning(&to->end->log, "nothing to be heard: no codec for it");
		return media_source_free(source);
	}
	media_sound_init(&source->sound, options->kind, media_voice_pcm_hz(source->voice),
			 options->file ? options->file : to->end->worker->engine->music);
	if (options->n_rounds > 0)
		media_sound_limit(&source->sound, options->n_rounds);
	source->n_tail = media_voice_pcm_hz(source->voice) / 1000 * TAIL_MS;
	return source;
}

struct media_source *media_source_renew(struct media_source *source, struct media_stream *to,
					const struct media_source_options *options, media_source_send *send)
{
	bool is_same = source && source->options.kind == options->kind && source->options.file == options->file;
	struct media_source *renewed;

	if (is_same && to && media_voice_fits(source->voice, to))
		return source;
	renewed = to ? source_new(to, options, send) : NULL;
	if (is_same && renewed)
		media_sound_resume(&renewed->sound, &source->sound);
	media_source_free(source);
	return renewed;
}

enum media_sound_kind media_source_music(const struct media_engine *engine)
{
	return engine->music ? MEDIA_SOUND_FILE : MEDIA_SOUND_TUNE;
}

void media_source_refresh_hold(struct media_end *end)
{
	const struct media_engine *engine = end->worker->engine;
	bool plays = end->play == MEDIA_PLAY_HOLD && engine->settings.hold != MEDIA_HOLD_OFF;
	const struct media_source_options options = {
		.kind = engine->settings.hold == MEDIA_HOLD_TONE ? MEDIA_SOUND_MILLIWATT : media_source_music(engine),
	};

	for (size_t i = 0; i < end->n_streams; i++) {
		struct media_stream *stream = end->streams[i];
		bool is_held = plays && stream->kind == SDP_KIND_AUDIO && media_stream_sends(stream);

		stream->hold = media_source_renew(stream->hold, is_held ? stream : NULL, &options, media_stream_say);
	}
}
