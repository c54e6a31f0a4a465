#include "media/builtin.h"
#include "media/source.h"

bool media_builtin_echoes(const struct media_end *end)
{
	return end->options.kind == MEDIA_LEG_BUILTIN && (end->options.builtin == MEDIA_BUILTIN_ECHO ||
							  end->options.builtin == MEDIA_BUILTIN_DELAYED_ECHO);
}

static bool plays(const struct media_end *end)
{
	return end->options.kind == MEDIA_LEG_BUILTIN && !media_builtin_echoes(end);
}

void media_builtin_refresh(struct media_end *end)
{
	if (!plays(end) || !end->partner)
		return;
	end->source = media_source_renew(end->source, media_end_audio(end->partner),
					 end->options.builtin == MEDIA_BUILTIN_MUSIC ? media_source_music(end->worker->engine)
										     : MEDIA_SOUND_MILLIWATT,
					 media_stream_send);
}

void media_builtin_stop(struct media_end *end)
{
	BASE_CLEAR(&end->source, media_source_free);
}
