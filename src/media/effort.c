#include "media/effort.h"
#include <tandem/codec.h>

static const struct {
	const char *name;
	unsigned complexity;
} efforts[] = {
	[MEDIA_EFFORT_LEAST] = {"least", 0},
	[MEDIA_EFFORT_NORMAL] = {"normal", TANDEM_CODEC_COMPLEXITY_OWN},
	[MEDIA_EFFORT_BEST] = {"best", TANDEM_CODEC_COMPLEXITY_MAX},
};

const char *media_effort_name(enum media_effort effort)
{
	return efforts[effort].name;
}

unsigned media_effort_complexity(enum media_effort effort)
{
	return efforts[effort].complexity;
}

void media_effort_init(struct media_effort_control *control, enum media_effort most, enum media_effort least)
{
	*control = (struct media_effort_control){.now = most, .most = most, .least = MIN(least, most)};
}

bool media_effort_look(struct media_effort_control *control, unsigned busy_percent)
{
	enum media_effort before = control->now;

	control->n_calm = busy_percent < MEDIA_EFFORT_ROOM_PERCENT ? control->n_calm + 1 : 0;
	if (busy_percent > MEDIA_EFFORT_FULL_PERCENT && control->now > control->least)
		control->now--;
	if (control->n_calm >= MEDIA_EFFORT_CALM_LOOKS && control->now < control->most) {
		control->now++;
		control->n_calm = 0;
	}
	return control->now != before;
}
