/* The implicit subscription that a REFER in a dialog makes (RFC 3515, section 2.4.4): how the transfer gets on, told to who asked
 * for it. One NOTIFY at a time, so that none overtakes another; what has become old while it waited is not told. */
#include "call/call_private.h"

#define LEG_REFERRAL_SPARE_S 60 /* the subscription outlives the time the target may ring */

static const char *leg_referral_state_name(enum leg_referral_state state)
{
	static const char *const names[] = {
		[LEG_REFERRAL_NONE] = "none",
		[LEG_REFERRAL_SILENT] = "silent",
		[LEG_REFERRAL_ACTIVE] = "active",
		[LEG_REFERRAL_TERMINATING] = "terminating",
	};
	return names[state];
}

static void leg_referral_set_state(struct leg *leg, enum leg_referral_state state)
{
	log_debug(&leg->log, "referral %s, now %s", leg_referral_state_name(leg->referral.state), leg_referral_state_name(state));
	leg->referral.state = state;
}

static void leg_referral_advance(struct leg *leg);

static void leg_referral_told(void *user, struct leg *leg, unsigned status, const struct sip_message *response)
{
	bool is_gone = status == 481 || status == 489 || status == 408;
	leg->referral.notify = NULL;
	if (leg->referral.state == LEG_REFERRAL_TERMINATING || is_gone)
		leg_referral_set_state(leg, LEG_REFERRAL_NONE);
	else
		leg_referral_advance(leg);
}

static void leg_referral_advance(struct leg *leg)
{
	struct leg_referral *referral = &leg->referral;
	if (referral->state != LEG_REFERRAL_ACTIVE || referral->notify || referral->told == referral->status)
		return;
	struct leg_request *notify = referral->notify = leg_request_new(leg, SIP_METHOD_NOTIFY);
	bool is_final = referral->status >= 200;
	g_autofree char *event = referral->count > 1 ? g_strdup_printf("refer;id=%u", referral->id) : g_strdup("refer");
	g_autofree char *state = g_strdup_printf("active;expires=%" G_GINT64_FORMAT,
						 leg->manager->no_answer_ms / 1000 + LEG_REFERRAL_SPARE_S);
	g_autofree char *fragment = g_strdup_printf("SIP/2.0 %u %s\r\n", referral->status,
						    *referral->phrase ? referral->phrase : sip_status_text(referral->status));
	leg_request_add_header(notify, "Event", event);
	leg_request_add_header(notify, "Subscription-State", is_final ? "terminated;reason=noresource" : state);
	leg_request_set_body(notify, "message/sipfrag;version=2.0", fragment);
	referral->told = referral->status;
	if (is_final)
		leg_referral_set_state(leg, LEG_REFERRAL_TERMINATING);
	leg_request_start(notify, leg_referral_told, NULL);
}

void leg_referral_begin(struct leg *leg, const struct sip_message *refer)
{
	struct leg_referral *referral = &leg->referral;
	referral->id = sip_message_cseq(refer);
	referral->count++;
	referral->told = 0;
	leg_referral_set_state(leg, leg_referral_is_unwanted(refer) ? LEG_REFERRAL_SILENT : LEG_REFERRAL_ACTIVE);
	leg_referral_report(leg, 100, NULL);
}

bool leg_referral_is_unwanted(const struct sip_message *refer)
{
	const char *value = sip_message_header(refer, "Refer-Sub", 0);
	return value && !g_ascii_strncasecmp(value, "false", strlen("false"));
}

void leg_referral_report(struct leg *leg, unsigned status, const char *phrase)
{
	struct leg_referral *referral = &leg->referral;
	if (referral->state == LEG_REFERRAL_NONE)
		return;
	referral->status = status;
	base_copy_text(referral->phrase, sizeof referral->phrase, phrase ? phrase : "");
	leg_referral_advance(leg);
}

bool leg_referral_is_open(const struct leg *leg)
{
	return leg->referral.state == LEG_REFERRAL_ACTIVE || leg->referral.state == LEG_REFERRAL_TERMINATING;
}

bool leg_referral_has_succeeded(const struct leg *leg)
{
	return leg->referral.count && leg->referral.status >= 200 && leg->referral.status < 300;
}
