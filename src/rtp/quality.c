#include "rtp/quality.h"
#include <math.h>
#include <strings.h>

#define RATING_DEFAULT 93.2 /* G.107: with all defaults */
#define BPL_CONCEALED  25.1 /* G.113, table I.4: G.711 with loss concealment */
#define DELAY_FREE_MS  100.0
#define CODEC_DELAY_US 20000
#define JITTER_DEPTH   2 /* a jitter buffer holds about so many times the jitter */

/* Equipment impairment and robustness against loss (G.113, appendix I). */
static const struct codec {
	const char *encoding;
	double impairment, robustness;
} codecs[] = {
	{"G729", 11, 19.0},
	{"G723", 15, 16.1},
	{"GSM-EFR", 5, 10.0},
};

static struct codec codec_of(const char *encoding)
{
	for (size_t i = 0; encoding && i < G_N_ELEMENTS(codecs); i++)
		if (strcasecmp(codecs[i].encoding, encoding) == 0)
			return codecs[i];
	return (struct codec){.robustness = BPL_CONCEALED};
}

/* Ie-eff (G.107, equation 7-29) with BurstR 1. */
static double impairment_of_loss(const struct codec *codec, double loss)
{
	double percent = 100 * CLAMP(loss, 0.0, 1.0);

	return codec->impairment + (95 - codec->impairment) * percent / (percent + codec->robustness);
}

/* Idd (equations 7-27 and 7-28). */
static double impairment_of_delay(double ms)
{
	double x;

	if (ms <= DELAY_FREE_MS)
		return 0;
	x = log2(ms / DELAY_FREE_MS);
	return 25 * (pow(1 + pow(x, 6), 1.0 / 6) - 3 * pow(1 + pow(x / 3, 6), 1.0 / 6) + 2);
}

double rtp_quality_rating(const struct rtp_quality_input *input)
{
	struct codec codec = codec_of(input->encoding);
	double rating = RATING_DEFAULT - impairment_of_loss(&codec, input->loss) -
			impairment_of_delay((double)MAX(input->delay_us, 0) / 1000);

	return MAX(rating, 0);
}

double rtp_quality_mos(double rating)
{
	double mos = 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6;

	return CLAMP(mos, 1.0, 4.5);
}

int64_t rtp_quality_delay_us(uint32_t round_trip_us, uint32_t jitter_us)
{
	return (int64_t)round_trip_us / 2 + JITTER_DEPTH * (int64_t)jitter_us + CODEC_DELAY_US;
}
