/* Session timers (RFC 4028): each leg has its own, and neither side hears of the other's. */
#include "call/call_private.h"
#include <inttypes.h>

#define LEG_REFRESH_WINS_MS 32000
#define LEG_REFRESH_RETRY_MS 10000
#define LEG_SESSION_SECONDS_MAX 86400

/* "1800;refresher=uac". */
struct leg_expires {
	uint32_t seconds;
	enum leg_refresher { LEG_REFRESHER_OPEN, LEG_REFRESHER_UAC, LEG_REFRESHER_UAS } refresher;
};

/* False: the header is not there, or says nothing usable. */
static bool leg_read_expires(const struct sip_message *message, const char *name, struct leg_expires *ret_expires)
{
	const char *text = sip_message_header(message, name, 0);
	char *end;
	if (!text || !g_ascii_isdigit(*text))
		return false;
	uint64_t seconds = g_ascii_strtoull(text, &end, 10);
	g_autofree char *parameters = g_ascii_strdown(end, -1);
	g_strdelimit(parameters, " \t", ' ');
	*ret_expires = (struct leg_expires){.seconds = (uint32_t)MIN(seconds, LEG_SESSION_SECONDS_MAX)};
	if (strstr(parameters, "refresher=uac"))
		ret_expires->refresher = LEG_REFRESHER_UAC;
	else if (strstr(parameters, "refresher=uas"))
		ret_expires->refresher = LEG_REFRESHER_UAS;
	return seconds > 0;
}

static void leg_timer_due(void *data);

void leg_timer_set_wish(struct leg *leg, uint32_t seconds)
{
	leg->session.seconds = seconds ? MAX(seconds, leg->session.min_seconds) : 0;
}

void leg_timer_init(struct leg *leg)
{
	leg->session.min_seconds = leg->manager->min_session_expires_s;
	leg_timer_set_wish(leg, leg->manager->session_expires_s);
	loop_timer_init(&leg->session.timer, sip_stack_loop(leg->manager->stack), leg_timer_due, leg);
}

static void leg_timer_run(struct leg *leg, enum leg_session_duty duty, uint32_t seconds)
{
	int64_t whole_ms = (int64_t)seconds * 1000;
	leg->session.duty = duty;
	leg->session.seconds = seconds;
	leg->session.expires_us = base_monotonic_us() + whole_ms * 1000;
	if (duty == LEG_SESSION_UNLIMITED)
		loop_timer_stop(&leg->session.timer);
	else if (duty == LEG_SESSION_REFRESH)
		loop_timer_start_ms(&leg->session.timer, whole_ms / 2);
	else
		loop_timer_start_ms(&leg->session.timer, MAX(whole_ms - LEG_REFRESH_WINS_MS, whole_ms * 2 / 3));
}

void leg_timer_ask(struct leg *leg, struct sip_message *request)
{
	if (!leg->session.seconds)
		return;
	const char *refresher = leg->session.duty == LEG_SESSION_REFRESH  ? ";refresher=uac"
				: leg->session.duty == LEG_SESSION_AWAIT ? ";refresher=uas"
									 : "";
	sip_message_add_header_format(request, "Session-Expires", "%" PRIu32 "%s", leg->session.seconds, refresher);
	sip_message_add_header_format(request, "Min-SE", "%" PRIu32, leg->session.min_seconds);
}

void leg_timer_learn(struct leg *leg, const struct sip_message *response)
{
	struct leg_expires expires;
	if (!leg_read_expires(response, "Session-Expires", &expires)) {
		leg_timer_run(leg, LEG_SESSION_UNLIMITED, leg->session.seconds);
		return;
	}
	bool is_ours = expires.refresher != LEG_REFRESHER_UAS;
	leg_timer_run(leg, is_ours ? LEG_SESSION_REFRESH : LEG_SESSION_AWAIT, MAX(expires.seconds, CALL_SESSION_SECONDS_MIN));
}

bool leg_timer_raise(struct leg *leg, const struct sip_message *response)
{
	struct leg_expires least;
	if (sip_message_status(response) != 422 || !leg_read_expires(response, "Min-SE", &least) ||
	    least.seconds <= leg->session.seconds)
		return false;
	leg->session.seconds = least.seconds;
	leg->session.min_seconds = MAX(least.seconds, leg->session.min_seconds);
	return true;
}

bool leg_timer_is_short(const struct leg *leg, const struct sip_message *request)
{
	struct leg_expires asked;
	return leg_read_expires(request, "Session-Expires", &asked) && asked.seconds < leg->manager->min_session_expires_s &&
	       sip_message_lists(request, "Supported", "timer");
}

void leg_timer_add_minimum(const struct leg *leg, struct sip_message *response)
{
	sip_message_add_header_format(response, "Min-SE", "%" PRIu32, leg->manager->min_session_expires_s);
}

/* Section 9: the refresher is whom they name; without a wish, they themselves if they can, else we. */
void leg_timer_answer(struct leg *leg, const struct sip_message *request, struct sip_message *response)
{
	struct leg_expires asked;
	bool they_can = sip_message_lists(request, "Supported", "timer");
	if (!leg_read_expires(request, "Session-Expires", &asked)) {
		leg_timer_run(leg, LEG_SESSION_UNLIMITED, leg->session.seconds);
		return;
	}
	struct leg_expires least;
	uint32_t seconds = MAX(asked.seconds, leg->manager->min_session_expires_s);
	if (leg_read_expires(request, "Min-SE", &least))
		seconds = MAX(seconds, least.seconds);
	bool is_theirs = they_can && asked.refresher != LEG_REFRESHER_UAS;
	leg_timer_run(leg, is_theirs ? LEG_SESSION_AWAIT : LEG_SESSION_REFRESH, seconds);
	sip_message_add_header_format(response, "Session-Expires", "%" PRIu32 ";refresher=%s", seconds,
				      is_theirs ? "uac" : "uas");
	if (they_can)
		sip_message_add_header(response, "Require", "timer");
}

/* --- our refresh --- */

static void leg_refresh(struct leg *leg);

static void leg_refresh_done(void *user, struct leg *leg, unsigned status, const struct sip_message *response)
{
	if (!leg->call || leg->state != LEG_CONFIRMED)
		return;
	if (status == 408 || status == 481) {
		call_on_ended(leg->call, leg, "the far end has lost the call");
	} else if (response && status < 300) {
		sip_dialog_refresh_target(leg->dialog, response);
		leg_timer_learn(leg, response);
	} else if (response && leg_timer_raise(leg, response)) {
		leg_refresh(leg);
	} else if (status == 405 || status == 501) {
		leg->far_methods &= ~(1u << SIP_METHOD_UPDATE);
		leg_refresh(leg);
	}
}

static void leg_refresh(struct leg *leg)
{
	if (leg->far_methods & 1u << SIP_METHOD_UPDATE)
		leg_request_start(leg_request_new(leg, SIP_METHOD_UPDATE), leg_refresh_done, NULL);
	else
		call_on_refresh_due(leg->call, leg);
}

static void leg_timer_due(void *data)
{
	struct leg *leg = data;
	int64_t left_ms = (leg->session.expires_us - base_monotonic_us()) / 1000;
	if (!leg->call || leg->state != LEG_CONFIRMED)
		return;
	if (leg->session.duty == LEG_SESSION_AWAIT || left_ms <= 0) {
		call_on_ended(leg->call, leg, "the session was not refreshed");
		return;
	}
	/* Until a refresh succeeds, again; a failure that ends nothing leaves the rest of the session's time. */
	loop_timer_start_ms(&leg->session.timer, CLAMP(left_ms, 1, LEG_REFRESH_RETRY_MS));
	leg_refresh(leg);
}
