#include "media/beside.h"
#include "media/plain.h"
#include <string.h>

/* Not the other way round: what an end beside it is told is the leg's. */
static struct media_end *new_beside(struct media_end *end)
{
	struct media_end *beside = media_end_new(end->worker, end->log_id, end->handle, &end->options);

	beside->main = end;
	memcpy(beside->cname, end->cname, sizeof beside->cname); /* one name for all that is to be heard and seen together */
	if (media_plain_new(beside, &beside->plain) < 0)
		return media_end_free(beside);
	beside->state = MEDIA_END_READY;
	return beside;
}

void media_beside_open(struct media_end *end, size_t n_transports)
{
	while (end->plain && end->n_beside + 1 < MIN(n_transports, MEDIA_STREAMS_MAX)) {
		struct media_end *beside = new_beside(end);

		if (!beside) {
			log_warning(&end->log, "no port for one more stream");
			return;
		}
		end->beside[end->n_beside++] = beside;
	}
}

struct media_end *media_beside_at(struct media_end *end, size_t transport)
{
	if (transport == 0)
		return end;
	return transport <= end->n_beside ? end->beside[transport - 1] : NULL;
}

void media_beside_share(struct media_end *end)
{
	for (size_t i = 0; i < end->n_beside; i++) {
		struct media_end *beside = end->beside[i];

		beside->n_streams = 0;
		for (size_t k = 0; k < end->n_streams; k++)
			if (end->streams[k]->end == beside)
				beside->streams[beside->n_streams++] = end->streams[k];
	}
}

void media_beside_rename(struct media_end *end)
{
	for (size_t i = 0; i < end->n_beside; i++)
		memcpy(end->beside[i]->log_id, end->log_id, sizeof end->log_id);
}

void media_beside_free(struct media_end *end)
{
	while (end->n_beside > 0) {
		struct media_end *beside = end->beside[--end->n_beside];

		beside->n_streams = 0; /* they were never its own */
		media_end_free(beside);
	}
}
