/* What the far end reports of what we send. */
#pragma once
#include "base/base.h"

struct media_far_report {
	uint8_t fraction_lost;
	uint32_t packets_lost;
	uint32_t jitter; /* timestamp units */
	uint32_t highest_sequence;
	uint64_t packets_then; /* sent when highest_sequence changed last */
	unsigned n_stuck;      /* reports in a row that say that nothing has come meanwhile */
	unsigned n;	       /* reports */
};

/* What the far end's codec asks of ours, in what it sends (tandem_codec.decoder_request). */
struct media_wish {
	const struct tandem_codec *codec; /* NULL: nothing yet */
	unsigned request;
};
