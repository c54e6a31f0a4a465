#include "rtp/digits.h"

static struct rtp_digit *last_pressed(struct rtp_digits *digits)
{
	struct rtp_digit *last;

	if (digits->n == 0)
		return NULL;
	last = &digits->at[(digits->first + digits->n - 1) % RTP_DIGITS_MAX];
	return last->duration_ms == 0 ? last : NULL;
}

static uint32_t within_limits(uint32_t duration_ms)
{
	return CLAMP(duration_ms, RTP_DIGIT_MS_MIN, RTP_DIGIT_MS_MAX);
}

int rtp_digits_put(struct rtp_digits *digits, const struct rtp_digit *digit)
{
	struct rtp_digit *last;

	if (digit->code > RTP_DIGIT_CODE_FLASH || digit->volume > RTP_DIGIT_VOLUME_MAX)
		return -EINVAL;
	if (digits->n == RTP_DIGITS_MAX)
		return -ENOBUFS;
	rtp_digits_end(digits, RTP_DIGIT_MS_MIN);
	digits->so_far_ms = 0;
	last = &digits->at[(digits->first + digits->n++) % RTP_DIGITS_MAX];
	*last = *digit;
	if (digit->duration_ms > 0)
		last->duration_ms = within_limits(digit->duration_ms);
	return 0;
}

void rtp_digits_go_on(struct rtp_digits *digits, uint32_t so_far_ms)
{
	if (last_pressed(digits))
		digits->so_far_ms = MAX(digits->so_far_ms, so_far_ms);
}

void rtp_digits_end(struct rtp_digits *digits, uint32_t duration_ms)
{
	struct rtp_digit *pressed = last_pressed(digits);

	if (pressed)
		pressed->duration_ms = within_limits(duration_ms);
}

const struct rtp_digit *rtp_digits_head(const struct rtp_digits *digits)
{
	return digits->n > 0 ? &digits->at[digits->first] : NULL;
}

void rtp_digits_drop(struct rtp_digits *digits)
{
	if (digits->n == 0)
		return;
	digits->first = (digits->first + 1) % RTP_DIGITS_MAX;
	digits->n--;
}
