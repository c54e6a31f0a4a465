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
	struct media_stream *to = NULL;

	if (!plays(end) || !end->partner)
		return;
	for (size_t i = 0; !to && i < end->partner->n_streams; i++)
		if (end->partner->streams[i]->kind == SDP_KIND_AUDIO)
			to = end->partner->streams[i];
	end->source = media_source_renew(end->source, to,
					 end->options.builtin == MEDIA_BUILTIN_MUSIC ? media_source_music(end->worker->engine)
										     : MEDIA_SOUND_MILLIWATT,
					 media_stream_send);
}

void media_builtin_stop(struct media_end *end)
{
	BASE_CLEAR(&end->source, media_source_free);
}
