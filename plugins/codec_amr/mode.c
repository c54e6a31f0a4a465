#include "codec_amr/mode.h"
#include "common/fmtp.h"

uint16_t amr_mode_set(const struct amr_kind *kind, const char *fmtp)
{
	size_t length = 0;
	uint16_t set = 0;
	const char *text = fmtp_value(fmtp, "mode-set", &length);
	for (size_t i = 0; text && i < length; i++) {
		bool is_alone = (i == 0 || text[i - 1] < '0' || text[i - 1] > '9') &&
				(i + 1 == length || text[i + 1] < '0' || text[i + 1] > '9');
		if (is_alone && text[i] >= '0' && text[i] <= '0' + kind->mode_last)
			set |= 1 << (text[i] - '0');
	}
	return set ? set : (1 << (kind->mode_last + 1)) - 1;
}

/* The highest mode of the set that is not above `most`, or the lowest there is. */
static uint8_t best_mode(uint16_t set, unsigned most)
{
	for (unsigned mode = most; mode <= most; mode--)
		if (set >> mode & 1)
			return mode;
	return (uint8_t)__builtin_ctz(set);
}

void amr_mode_init(struct amr_mode *mode, const struct amr_kind *kind, const char *fmtp)
{
	*mode = (struct amr_mode){
	    .set = amr_mode_set(kind, fmtp),
	    .period = fmtp_number(fmtp, "mode-change-period", 1) == 2 ? 2 : 1,
	    .is_neighbor_only = fmtp_number(fmtp, "mode-change-neighbor", 0) == 1,
	};
	mode->current = mode->wanted = mode->usual = best_mode(mode->set, kind->mode_usual);
}

void amr_mode_request(struct amr_mode *mode, unsigned request)
{
	mode->wanted = request == AMR_REQUEST_NONE ? mode->usual : best_mode(mode->set, request);
}

/* The next one of the set in the direction of the one that is wanted. */
static uint8_t neighbor(const struct amr_mode *mode)
{
	int step = mode->wanted > mode->current ? 1 : -1;
	int next = mode->current + step;
	while (!(mode->set >> next & 1))
		next += step;
	return (uint8_t)next;
}

uint8_t amr_mode_next(struct amr_mode *mode)
{
	if (mode->current != mode->wanted && mode->n_frames % mode->period == 0)
		mode->current = mode->is_neighbor_only ? neighbor(mode) : mode->wanted;
	mode->n_frames++;
	return mode->current;
}
