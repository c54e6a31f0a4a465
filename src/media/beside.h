/* Streams of a plain leg that are not bundled have sockets, addresses and keys of their own. Each such transport beyond the first
 * is an end of its own beside the leg's: packets come and go by it as by any other. The streams are the leg's, which bridges,
 * reports and counts all of them; an end beside it borrows those that it carries. */
#pragma once
#include "media/end.h"

/* Has the leg so many transports, or as many as there are ports for. Does nothing to legs that are not plain. */
void media_beside_open(struct media_end *end, size_t n_transports);
/* The end of a transport, the leg's own being the first; NULL when there is no such one. */
struct media_end *media_beside_at(struct media_end *end, size_t transport);
/* The leg's streams have changed. */
void media_beside_share(struct media_end *end);
/* The leg's log_id has. */
void media_beside_rename(struct media_end *end);
void media_beside_free(struct media_end *end);
