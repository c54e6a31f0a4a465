/* Digits by INFO. Private to the room. */
#pragma once
#include "media/media.h"

#define LEG_DIGITS_MAX 32

struct leg;
struct sip_server_transaction;

/* That wait to be sent; the first is on its way. */
struct leg_digits {
	size_t n;
	struct leg_digit {
		char digit;
		uint32_t duration_ms;
	} waiting[LEG_DIGITS_MAX];
	enum { LEG_DIGITS_RELAY, LEG_DIGITS_BARE } body; /* application/dtmf-relay until the far end takes application/dtmf only */
};

/* False: it brings no digit. */
bool leg_on_dtmf(struct leg *leg, struct sip_server_transaction *transaction);
/* One for the far end, in order. */
void leg_send_digit(struct leg *leg, char digit, uint32_t duration_ms);
/* What media is told of the far end. */
enum media_dtmf leg_dtmf(const struct leg *leg);
