/* How much work encoders may make of their sound, by what else the worker has to do: one step down when it is nearly full, one up
 * when there is room again for a while. Pure; one thread at a time. */
#pragma once
#include "base/base.h"

enum media_effort {
	MEDIA_EFFORT_LEAST,
	MEDIA_EFFORT_NORMAL, /* each codec's own choice */
	MEDIA_EFFORT_BEST,
};
const char *media_effort_name(enum media_effort effort);
/* For encoder_set_complexity() of <tandem/codec.h>. */
unsigned media_effort_complexity(enum media_effort effort);

#define MEDIA_EFFORT_FULL_PERCENT 80 /* of a core: more is too much */
#define MEDIA_EFFORT_ROOM_PERCENT 55 /* less is room for more */
#define MEDIA_EFFORT_CALM_LOOKS	  12 /* in a row with room, before more is made of it */

struct media_effort_control { /* plain value */
	enum media_effort now, most, least;
	unsigned n_calm;
};
/* `most` while there is room, never less than `least`. */
void media_effort_init(struct media_effort_control *control, enum media_effort most, enum media_effort least);
/* Told from time to time what share of a core the worker took since the last time. True when `now` is another one. */
bool media_effort_look(struct media_effort_control *control, unsigned busy_percent);
