#include "media/builtin.h"
#include "media/source.h"
#include "media/tell.h"

bool media_builtin_echoes(const struct media_end *end)
{
	return end->options.kind == MEDIA_LEG_BUILTIN && (end->options.builtin == MEDIA_BUILTIN_ECHO ||
							  end->options.builtin == MEDIA_BUILTIN_DELAYED_ECHO);
}

static bool plays(const struct media_end *end)
{
	return end->options.kind == MEDIA_LEG_BUILTIN && !media_builtin_echoes(end);
}

static enum media_sound_kind kind_of(const struct media_end *end)
{
	switch (end->options.builtin) {
	case MEDIA_BUILTIN_MUSIC:
		return media_source_music(end->worker->engine);
	case MEDIA_BUILTIN_ANNOUNCEMENT:
		return MEDIA_SOUND_FILE;
	default:
		return MEDIA_SOUND_MILLIWATT;
	}
}

static void finished(void *data)
{
	media_tell_finished(data);
}

void media_builtin_refresh(struct media_end *end)
{
	const struct media_source_options options = {
		.kind = kind_of(end),
		.file = end->options.announcement,
		.n_rounds = end->options.n_rounds,
		.finished = finished,
		.data = end,
	};

	if (plays(end) && end->partner)
		end->source = media_source_renew(end->source, media_end_audio(end->partner), &options, media_stream_send);
}

void media_builtin_stop(struct media_end *end)
{
	BASE_CLEAR(&end->source, media_source_free);
}
