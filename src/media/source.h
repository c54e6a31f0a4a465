/* Sound for one stream, encoded in the codec that its far end likes best: it is made where it is sent, and decoded by the far
 * end only. */
#pragma once
#include "media/end.h"
#include "media/sound.h"

/* How a source sends: as the stream's partner would, or in its place. */
typedef void media_source_send(struct media_stream *to, const struct rtp_packet *packet, uint8_t *bytes, size_t capacity,
			       uint8_t type_out, uint32_t clock_hz);

struct media_source_options {
	enum media_sound_kind kind;
	struct media_soundfile *file; /* of MEDIA_SOUND_FILE; NULL: the engine's music */
	unsigned n_rounds;	      /* of the file; 0: for ever */
	void (*finished)(void *data); /* the last of them has been played, for the far end as well; NULL */
	void *data;
};

/* What is to play to `to` (NULL: nothing) from now on: `source` itself where it fits still, else another one, where the
 * sound was, or from its beginning; `source`, which may be NULL, is freed then. NULL: nothing, or there is no codec for it. */
struct media_source *media_source_renew(struct media_source *source, struct media_stream *to, const struct media_source_options *options,
					media_source_send *send);
struct media_source *media_source_free(struct media_source *source); /* accepts NULL; returns NULL */
/* The music of the engine: its file, or the tune. */
enum media_sound_kind media_source_music(const struct media_engine *engine);

/* Whether and what an end's far end is played while it is on hold, in place of what the partner sends: plan or order have changed. */
void media_source_refresh_hold(struct media_end *end);
