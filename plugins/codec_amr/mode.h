/* Which mode an AMR encoder uses: the set that was agreed, what the far end asks for, and how often it lets the mode
 * change (RFC 4867, section 8.1). */
#pragma once
#include "codec_amr/payload.h"

struct amr_mode {
	uint16_t set; /* bits by mode */
	uint8_t current, wanted, usual;
	uint8_t period;	       /* frames between changes, 1 or 2 */
	bool is_neighbor_only; /* only to the next mode of the set */
	unsigned n_frames;     /* since the begin */
};

/* The set of a=fmtp's mode-set; all modes of the kind when there is none that makes sense. */
uint16_t amr_mode_set(const struct amr_kind *kind, const char *fmtp);

void amr_mode_init(struct amr_mode *mode, const struct amr_kind *kind, const char *fmtp);
/* The far end wants no higher mode than this one; AMR_REQUEST_NONE: it does not mind. */
void amr_mode_request(struct amr_mode *mode, unsigned request);
/* The mode for the next frame. */
uint8_t amr_mode_next(struct amr_mode *mode);
