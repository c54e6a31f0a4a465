/* Reliable provisional responses (RFC 3262): ours until their PRACK, theirs with our PRACK. */
#include "call/call_private.h"
#include <inttypes.h>

/* "1 314159 INVITE" or "1": numbers of 1 to 2^32-1. */
static bool leg_parse_number(const char **text, uint32_t *ret_number)
{
	char *end;
	if (!g_ascii_isdigit(**text))
		return false;
	uint64_t number = g_ascii_strtoull(*text, &end, 10);
	if (number == 0 || number > UINT32_MAX || end - *text > 10)
		return false;
	*text = end + strspn(end, " \t");
	*ret_number = (uint32_t)number;
	return true;
}

/* --- ours --- */

static void leg_reliable_repeat(void *data);
static void leg_reliable_over(void *data);

void leg_reliable_init(struct leg *leg)
{
	struct loop *loop = sip_stack_loop(leg->manager->stack);
	loop_timer_init(&leg->reliable.repeat, loop, leg_reliable_repeat, leg);
	loop_timer_init(&leg->reliable.limit, loop, leg_reliable_over, leg);
}

void leg_reliable_stop(struct leg *leg)
{
	loop_timer_stop(&leg->reliable.repeat);
	loop_timer_stop(&leg->reliable.limit);
	leg->reliable.queued_status = 0;
}

void leg_reliable_clear(struct leg *leg)
{
	leg_reliable_stop(leg);
	BASE_CLEAR(&leg->reliable.response, sip_message_unref);
}

bool leg_may_succeed(const struct leg *leg)
{
	return leg->invite_server && !(leg->reliable.response && sip_message_has_sdp(leg->reliable.response));
}

/* Theirs is the wish when it is required; what an unreliable response could lose is an answer (section 3). */
static bool leg_must_be_reliable(const struct leg *leg, const struct sdp_session *description)
{
	const struct sip_message *invite = sip_server_transaction_request(leg->invite_server);
	return sip_message_lists(invite, "Require", "100rel") ||
	       (description && sip_message_lists(invite, "Supported", "100rel"));
}

static void leg_reliable_repeat(void *data)
{
	struct leg *leg = data;
	if (!leg->invite_server)
		return;
	sip_server_transaction_respond(leg->invite_server, sip_message_ref(leg->reliable.response));
	leg->reliable.interval_ms *= 2;
	loop_timer_start_ms(&leg->reliable.repeat, leg->reliable.interval_ms);
}

static void leg_reliable_over(void *data)
{
	struct leg *leg = data;
	leg_reliable_clear(leg);
	if (leg->call)
		call_on_unacknowledged(leg->call, leg);
}

void leg_respond_provisional(struct leg *leg, unsigned status, const char *phrase, const struct sdp_session *description)
{
	bool is_reliable = leg_must_be_reliable(leg, description);
	if (is_reliable && leg->reliable.response) {
		leg->reliable.queued_status = status; /* one at a time (section 3) */
		return;
	}
	if (is_reliable && leg->exchange == LEG_EXCHANGE_OFFER_OWED) {
		/* The first reliable response to an INVITE without an offer has to bring ours (RFC 3261, 13.2.1). */
		if (!leg->transports) {
			leg->reliable.queued_status = status;
			return;
		}
		if (leg_make_offer(leg, NULL) < 0)
			return;
		description = leg->pending_local;
	}
	struct sip_message *response = leg_invite_response(leg, status, phrase, description);
	if (is_reliable) {
		leg->reliable.rseq = leg->reliable.rseq ? leg->reliable.rseq + 1 : (uint32_t)g_random_int_range(1, 1 << 16);
		sip_message_add_header(response, "Require", "100rel");
		sip_message_add_header_format(response, "RSeq", "%" PRIu32, leg->reliable.rseq);
		leg->reliable.response = sip_message_ref(response);
		leg->reliable.interval_ms = SIP_T1_MS;
		loop_timer_start_ms(&leg->reliable.repeat, SIP_T1_MS);
		loop_timer_start_ms(&leg->reliable.limit, SIP_TIMEOUT_MS);
	}
	sip_server_transaction_respond(leg->invite_server, response);
}

/* Whether a PRACK is of the response that waits for it. */
static bool leg_prack_matches(const struct leg *leg, const struct sip_message *prack)
{
	const char *text = sip_message_header(prack, "RAck", 0);
	uint32_t rseq, cseq;
	return leg->reliable.response && text && leg_parse_number(&text, &rseq) && leg_parse_number(&text, &cseq) &&
	       rseq == leg->reliable.rseq && cseq == sip_message_cseq(leg->reliable.response) && !strcmp(text, "INVITE");
}

void leg_reliable_advance(struct leg *leg)
{
	unsigned queued = leg->reliable.queued_status;
	if (!queued || leg->reliable.response || !leg->transports || !leg->invite_server)
		return;
	leg->reliable.queued_status = 0;
	leg_respond_provisional(leg, queued, NULL, leg_has_answered_early(leg) ? leg->local : NULL);
}

void leg_on_prack(struct leg *leg, struct sip_server_transaction *transaction)
{
	struct sip_message *prack = sip_server_transaction_request(transaction);
	if (!leg_prack_matches(leg, prack)) {
		leg_reply(leg, transaction, 481, NULL, NULL);
		return;
	}
	bool has_sdp = sip_message_has_sdp(prack);
	bool owes_answer = leg->call && leg->invite_server && leg->exchange == LEG_EXCHANGE_LOCAL_OFFER;
	if (has_sdp && owes_answer && leg_take_answer(leg, prack, true) < 0) {
		leg_reply(leg, transaction, 488, NULL, NULL);
		return;
	}
	loop_timer_stop(&leg->reliable.repeat);
	loop_timer_stop(&leg->reliable.limit);
	BASE_CLEAR(&leg->reliable.response, sip_message_unref);
	leg_reliable_advance(leg);
	if (has_sdp && !owes_answer && leg->call && !leg_is_over(leg)) {
		leg_on_offer(leg, transaction);
		return;
	}
	leg_reply(leg, transaction, 200, NULL, NULL);
	if (leg->call)
		call_advance(leg->call);
}

/* --- theirs --- */

bool leg_reliable_take(GHashTable *rseqs, const struct sip_message *response)
{
	const char *tag = sip_message_to_tag(response), *text = sip_message_header(response, "RSeq", 0);
	uint32_t rseq;
	if (!sip_message_lists(response, "Require", "100rel"))
		return true;
	if (!tag || !text || !leg_parse_number(&text, &rseq) || *text)
		return false;
	uint32_t last = GPOINTER_TO_UINT(g_hash_table_lookup(rseqs, tag));
	if (last ? rseq != last + 1 : g_hash_table_size(rseqs) >= LEG_FORKS_MAX)
		return false; /* a repetition, or there is one missing before it */
	g_hash_table_replace(rseqs, g_strdup(tag), GUINT_TO_POINTER(rseq));
	return true;
}

void leg_reliable_acknowledge(struct leg *leg, const struct sip_message *response)
{
	if (!sip_message_lists(response, "Require", "100rel"))
		return;
	g_autofree char *rack = g_strdup_printf("%s %" PRIu32 " INVITE", sip_message_header(response, "RSeq", 0),
						sip_message_cseq(response));
	struct leg_request *prack = leg_request_new(leg, SIP_METHOD_PRACK);
	leg_request_add_header(prack, "RAck", rack);
	leg_request_start(prack, NULL, NULL);
}
