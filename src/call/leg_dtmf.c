/* Digits by INFO. What a far end presses is taken here, and media says it to the other one; what media cannot say by itself comes back
 * from there, and goes out one INFO after the other, so that the digits stay in order. */
#include "call/call_private.h"
#include "sip/dtmf.h"
#include <string.h>

enum media_dtmf leg_dtmf(const struct leg *leg)
{
	if (!leg->trunk)
		return MEDIA_DTMF_RFC4733;
	switch (trunk_dtmf(leg->trunk)) {
	case TRUNK_DTMF_RFC4733:
		return MEDIA_DTMF_RFC4733;
	case TRUNK_DTMF_INFO:
		return MEDIA_DTMF_INFO;
	case TRUNK_DTMF_INBAND:
		return MEDIA_DTMF_INBAND;
	default:
		return MEDIA_DTMF_AUTO;
	}
}

/* --- theirs --- */

static unsigned leg_take_digit(struct leg *leg, enum sip_dtmf_kind kind, const struct sip_message *request)
{
	size_t length = 0;
	const char *body = sip_message_body(request, &length);
	struct sip_dtmf dtmf;
	if (leg_is_over(leg) || !leg->call)
		return 481;
	if (sip_dtmf_parse(kind, body, length, &dtmf) < 0)
		return 400;
	if (leg->media)
		media_leg_press(leg->media, dtmf.digit, dtmf.duration_ms);
	return 200;
}

bool leg_on_dtmf(struct leg *leg, struct sip_server_transaction *transaction)
{
	const struct sip_message *request = sip_server_transaction_request(transaction);
	enum sip_dtmf_kind kind;
	if (sip_dtmf_kind_of(sip_message_content_type(request), &kind) < 0)
		return false;
	leg_reply(leg, transaction, leg_take_digit(leg, kind, request), NULL, NULL);
	return true;
}

/* --- ours --- */

static void leg_send_next_digit(struct leg *leg);

static void leg_digit_done(void *user, struct leg *leg, unsigned status, const struct sip_message *response)
{
	struct leg_digits *digits = &leg->digits;
	bool takes_bare = status == 415 && digits->body == LEG_DIGITS_RELAY;
	if (status == 481 || leg_is_over(leg)) {
		digits->n = 0;
		if (status == 481 && leg->call)
			call_on_ended(leg->call, leg, "the far end has lost the call");
		return;
	}
	if (status >= 300 || !status)
		log_debug(&leg->log, "a digit by INFO was refused: %u", status);
	if (takes_bare)
		digits->body = LEG_DIGITS_BARE;
	else if (digits->n > 0)
		memmove(digits->waiting, digits->waiting + 1, --digits->n * sizeof *digits->waiting);
	leg_send_next_digit(leg);
}

static void leg_send_next_digit(struct leg *leg)
{
	struct leg_digits *digits = &leg->digits;
	enum sip_dtmf_kind kind = digits->body == LEG_DIGITS_BARE ? SIP_DTMF_BARE : SIP_DTMF_RELAY;
	char body[SIP_DTMF_BODY_BYTES];
	if (digits->n == 0)
		return;
	struct sip_dtmf dtmf = {.digit = digits->waiting[0].digit, .duration_ms = digits->waiting[0].duration_ms};
	sip_dtmf_format(kind, &dtmf, body);
	struct leg_request *info = leg_request_new(leg, SIP_METHOD_INFO);
	leg_request_set_body(info, sip_dtmf_content_type(kind), body);
	leg_request_start(info, leg_digit_done, NULL);
}

void leg_send_digit(struct leg *leg, char digit, uint32_t duration_ms)
{
	struct leg_digits *digits = &leg->digits;
	if (!leg->dialog || !leg->dialog->remote_tag || leg_is_over(leg) || digits->n == LEG_DIGITS_MAX)
		return;
	digits->waiting[digits->n++] = (struct leg_digit){digit, duration_ms};
	if (digits->n == 1)
		leg_send_next_digit(leg);
}
