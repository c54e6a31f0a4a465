#include "media/source.h"
#include "media/voice.h"

struct media_source {
	enum media_sound_kind kind;
	struct media_sound sound;
	struct media_voice *voice;
};

static bool fill(void *data, int16_t *pcm, size_t n_samples)
{
	struct media_source *source = data;

	media_sound_fill(&source->sound, pcm, n_samples);
	return true;
}

struct media_source *media_source_free(struct media_source *source)
{
	if (!source)
		return NULL;
	media_voice_free(source->voice);
	g_free(source);
	return NULL;
}

static struct media_source *source_new(struct media_stream *to, enum media_sound_kind kind, media_source_send *send)
{
	struct media_source *source = g_new0(struct media_source, 1);
	struct media_voice_options options = {.to = to, .send = send, .fill = fill, .data = source};

	source->kind = kind;
	if (media_voice_new(&options, &source->voice) < 0) {
		if (to->n_formats > 0)
			log_warning(&to->end->log, "nothing to be heard: no codec for it");
		return media_source_free(source);
	}
	media_sound_init(&source->sound, kind, media_voice_pcm_hz(source->voice), to->end->worker->engine->recording);
	return source;
}

struct media_source *media_source_renew(struct media_source *source, struct media_stream *to, enum media_sound_kind kind,
					media_source_send *send)
{
	if (source && to && source->kind == kind && media_voice_fits(source->voice, to))
		return source;
	media_source_free(source);
	return to ? source_new(to, kind, send) : NULL;
}

enum media_sound_kind media_source_music(const struct media_engine *engine)
{
	return engine->recording ? MEDIA_SOUND_RECORDING : MEDIA_SOUND_TUNE;
}

void media_source_refresh_hold(struct media_end *end)
{
	const struct media_engine *engine = end->worker->engine;
	bool plays = end->play == MEDIA_PLAY_HOLD && engine->settings.hold != MEDIA_HOLD_OFF;
	enum media_sound_kind kind =
		engine->settings.hold == MEDIA_HOLD_TONE ? MEDIA_SOUND_MILLIWATT : media_source_music(engine);

	for (size_t i = 0; i < end->n_streams; i++) {
		struct media_stream *stream = end->streams[i];
		bool is_held = plays && stream->kind == SDP_KIND_AUDIO && media_stream_sends(stream);

		stream->hold = media_source_renew(stream->hold, is_held ? stream : NULL, kind, media_stream_say);
	}
}
