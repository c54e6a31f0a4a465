/* The watch over what is heard: says in words why a side is silent, and ends what stays silent for too long. Each worker looks
 * at its ends once a second. */
#pragma once
#include "media/end.h"

void media_watch_init(struct media_worker *worker);
void media_watch_begin(struct media_end *end);
/* Silence counts from now. */
void media_watch_restart(struct media_end *end);
/* Also of an end that was never begun. */
void media_watch_end(struct media_end *end);
