#include "trunk/registration.h"
#include "base/log.h"
#include "crypto/random.h"
#include "sip/capabilities.h"
#include "sip/uri.h"
#include "sip/value.h"
#include <string.h>

#define CALL_ID_CHARACTERS 24
#define TAG_CHARACTERS	   12

struct trunk_registration {
	enum trunk_registration_state state;
	struct trunk_registration_handler handler;
	void *user;
	struct sip_stack *stack;
	struct trunk_account *account;
	char *name;
	char *registrar; /* Request-URI: the domain of the address-of-record */
	char *to, *from; /* name-addr; From with its tag */
	char call_id[CALL_ID_CHARACTERS + 1];
	uint32_t cseq;
	uint32_t wanted_s; /* a registrar may have asked for more than was configured (423) */
	int64_t retry_ms, patience_ms;

	struct sip_client_transaction *transaction; /* the REGISTER that is out; NULL */
	unsigned n_rounds;			    /* REGISTERs since the last final answer that was no question */
	unsigned n_failures;			    /* in a row */
	char failure[128];
	int64_t holds_until_us, held_since_us; /* 0: nothing */
	char *contact;			       /* that was registered, which another connection may change; NULL */
	struct sip_flow *flow;		       /* it was registered by; a reference; NULL */
	struct sip_flow_watch watch;	       /* of a connection */
	struct loop_timer timer;	       /* the next REGISTER, by state: refresh or retry */
	struct loop_timer patience;	       /* with the one that is out */
};

const char *trunk_registration_state_name(enum trunk_registration_state state)
{
	static const char *const names[] = {
	    [TRUNK_REGISTRATION_IDLE] = "idle",
	    [TRUNK_REGISTRATION_REGISTERING] = "registering",
	    [TRUNK_REGISTRATION_REGISTERED] = "registered",
	    [TRUNK_REGISTRATION_REFRESHING] = "refreshing",
	    [TRUNK_REGISTRATION_WAITING] = "waiting",
	    [TRUNK_REGISTRATION_UNREGISTERING] = "unregistering",
	};
	return names[state];
}

/* Which states may follow which, as bits. */
static bool may_become(enum trunk_registration_state from, enum trunk_registration_state to)
{
	static const unsigned followers[] = {
	    [TRUNK_REGISTRATION_IDLE] = 1u << TRUNK_REGISTRATION_REGISTERING,
	    [TRUNK_REGISTRATION_REGISTERING] = 1u << TRUNK_REGISTRATION_REGISTERED | 1u << TRUNK_REGISTRATION_WAITING |
					       1u << TRUNK_REGISTRATION_UNREGISTERING,
	    [TRUNK_REGISTRATION_REGISTERED] = 1u << TRUNK_REGISTRATION_REFRESHING | 1u << TRUNK_REGISTRATION_WAITING |
					      1u << TRUNK_REGISTRATION_UNREGISTERING,
	    [TRUNK_REGISTRATION_REFRESHING] = 1u << TRUNK_REGISTRATION_REGISTERED | 1u << TRUNK_REGISTRATION_WAITING |
					      1u << TRUNK_REGISTRATION_UNREGISTERING,
	    [TRUNK_REGISTRATION_WAITING] = 1u << TRUNK_REGISTRATION_REGISTERING | 1u << TRUNK_REGISTRATION_REFRESHING |
					   1u << TRUNK_REGISTRATION_UNREGISTERING | 1u << TRUNK_REGISTRATION_IDLE,
	    [TRUNK_REGISTRATION_UNREGISTERING] = 1u << TRUNK_REGISTRATION_IDLE | 1u << TRUNK_REGISTRATION_REGISTERING,
	};
	return followers[from] & 1u << to;
}

/* The last thing a caller does: the handler may free the object. */
static void set_state(struct trunk_registration *registration, enum trunk_registration_state state)
{
	if (registration->state == state)
		return;
	if (!may_become(registration->state, state)) {
		log_error(NULL, "%s: a registration that is %s cannot become %s", registration->name,
			  trunk_registration_state_name(registration->state), trunk_registration_state_name(state));
		g_return_if_reached();
	}
	log_debug(NULL, "%s: %s, now %s", registration->name, trunk_registration_state_name(registration->state),
		  trunk_registration_state_name(state));
	registration->state = state;
	registration->handler.changed(registration->user, registration, state);
}

static int64_t now_us(const struct trunk_registration *registration)
{
	return loop_now_us(sip_stack_loop(registration->stack));
}

bool trunk_registration_holds(const struct trunk_registration *registration)
{
	return registration->holds_until_us > now_us(registration);
}

/* --- the flow --- */

static void drop_flow(struct trunk_registration *registration)
{
	sip_flow_watch_stop(&registration->watch);
	registration->flow = sip_flow_unref(registration->flow);
}

static void fail(struct trunk_registration *registration, const char *failure, int64_t delay_ms);

/* The far end of a connection has gone, perhaps to start anew with an empty memory. */
static void on_flow_closed(void *data, struct sip_flow *flow)
{
	struct trunk_registration *registration = data;
	drop_flow(registration);
	if (registration->state == TRUNK_REGISTRATION_REGISTERED)
		fail(registration, "the connection has closed", g_random_int_range(0, TRUNK_REGISTRATION_RETURN_MAX_MS));
}

static void take_flow(struct trunk_registration *registration, struct sip_flow *flow)
{
	if (registration->flow == flow)
		return;
	drop_flow(registration);
	registration->flow = sip_flow_ref(flow);
	if (sip_transport_is_reliable(sip_flow_transport(flow)))
		sip_flow_watch_start(&registration->watch, flow, on_flow_closed, registration);
}

/* --- sending --- */

static const struct sip_client_handler transaction_handler;

static struct sip_message *build(struct trunk_registration *registration, const struct sip_flow *flow, uint32_t expires_s)
{
	struct sip_message *request = sip_request_new(SIP_METHOD_REGISTER, registration->registrar, registration->from,
						      registration->to, registration->call_id, ++registration->cseq);
	g_autofree char *contact = sip_flow_contact(flow, trunk_account_contact_user(registration->account));
	sip_message_add_header_format(request, "Contact", "%s;expires=%u", contact, expires_s);
	if (registration->contact && strcmp(registration->contact, contact))
		sip_message_add_header_format(request, "Contact", "%s;expires=0", registration->contact);
	sip_message_add_header_format(request, "Expires", "%u", expires_s);
	sip_message_add_header(request, "Supported", "path");
	sip_message_add_header(request, "Allow", SIP_ALLOW);
	return request;
}

static uint32_t seconds_to_ask(const struct trunk_registration *registration)
{
	return registration->state == TRUNK_REGISTRATION_UNREGISTERING ? 0 : registration->wanted_s;
}

static void detach(struct trunk_registration *registration)
{
	loop_timer_stop(&registration->patience);
	if (registration->transaction)
		sip_client_transaction_detach(registration->transaction);
	registration->transaction = NULL;
}

/* `challenge` is the answer to the REGISTER before, if that was a question for credentials. -ENOTCONN; -ENOENT and -EACCES: the
 * question has no (other) answer. */
static int send_register(struct trunk_registration *registration, const struct sip_message *challenge)
{
	struct sip_flow *flow = registration->handler.connect(registration->user);
	if (!flow)
		return -ENOTCONN;
	struct sip_digest_client *digest = trunk_account_digest(registration->account);
	const struct net_address *peer = sip_flow_remote(flow);
	struct sip_message *request = build(registration, flow, seconds_to_ask(registration));
	int error = 0;
	if (challenge) {
		struct sip_digest_challenged challenged = {
		    .peer = peer,
		    .request = sip_client_transaction_request(registration->transaction),
		    .response = challenge,
		    .round = registration->n_rounds - 1,
		};
		error = digest ? sip_digest_client_answer(digest, &challenged, request) : -ENOENT;
	} else if (digest) {
		sip_digest_client_prove(digest, peer, request);
	}
	if (error == 0) {
		detach(registration);
		registration->n_rounds++;
		registration->transaction =
		    sip_client_transaction_start(registration->stack, request, flow, &transaction_handler, registration);
		if (registration->patience_ms)
			loop_timer_start_ms(&registration->patience, registration->patience_ms);
	}
	sip_message_unref(request);
	sip_flow_unref(flow);
	return error;
}

/* --- what comes of it --- */

static void be_idle(struct trunk_registration *registration)
{
	loop_timer_stop(&registration->timer);
	detach(registration);
	drop_flow(registration);
	BASE_CLEAR(&registration->contact, g_free);
	registration->holds_until_us = 0;
	registration->n_failures = 0;
	set_state(registration, TRUNK_REGISTRATION_IDLE);
}

/* RFC 5626, section 4.5: doubles with every failure in a row; between half and all of it, so that not all come at once. */
static int64_t backoff_ms(const struct trunk_registration *registration)
{
	int64_t most_ms = registration->retry_ms;
	for (unsigned i = 1; i < registration->n_failures && most_ms < TRUNK_REGISTRATION_RETRY_MAX_MS; i++)
		most_ms *= 2;
	most_ms = MIN(most_ms, TRUNK_REGISTRATION_RETRY_MAX_MS);
	return most_ms - g_random_int_range(0, (gint32)(most_ms / 2) + 1);
}

/* `delay_ms` less than 0: by back-off. */
static void fail(struct trunk_registration *registration, const char *failure, int64_t delay_ms)
{
	detach(registration);
	registration->n_rounds = 0;
	if (registration->state == TRUNK_REGISTRATION_UNREGISTERING) {
		log_info(NULL, "%s: not unregistered, its time will run out: %s", registration->name, failure);
		be_idle(registration);
		return;
	}
	if (delay_ms < 0) {
		registration->n_failures++;
		delay_ms = backoff_ms(registration);
	}
	base_copy_text(registration->failure, sizeof registration->failure, failure);
	log_warning(NULL, "%s: not registered: %s; the next attempt is in %.1f s", registration->name, failure,
		    (double)delay_ms / 1e3);
	loop_timer_start_ms(&registration->timer, delay_ms);
	set_state(registration, TRUNK_REGISTRATION_WAITING);
}

static void fail_by_response(struct trunk_registration *registration, const struct sip_message *response)
{
	unsigned status = sip_message_status(response);
	bool asks_for_proof = status == 401 || status == 407;
	g_autofree char *failure = g_strdup_printf("%u %.80s%s", status, sip_message_reason(response),
						   asks_for_proof ? "; the credentials are wrong" : "");
	uint32_t after_s;
	/* Whom the registrar does not want it will not want in a minute: asking often looks like guessing passwords. */
	bool is_refused = (status < 500 && status != 408 && status != 480) || status >= 600;
	int64_t delay_ms = -1;
	if (sip_value_seconds(sip_message_header(response, "Retry-After", 0), &after_s)) {
		delay_ms = MIN(after_s * INT64_C(1000), TRUNK_REGISTRATION_RETRY_MAX_MS);
		delay_ms += g_random_int_range(0, TRUNK_REGISTRATION_RETURN_MAX_MS);
	} else if (is_refused) {
		delay_ms = g_random_int_range(TRUNK_REGISTRATION_RETRY_MAX_MS / 2, TRUNK_REGISTRATION_RETRY_MAX_MS);
	}
	if (is_refused)
		registration->holds_until_us = 0;
	fail(registration, failure, delay_ms);
}

static void succeed(struct trunk_registration *registration, const struct sip_message *response)
{
	struct sip_flow *flow = sip_client_transaction_flow(registration->transaction);
	if (registration->state == TRUNK_REGISTRATION_UNREGISTERING) {
		log_info(NULL, "%s: unregistered", registration->name);
		be_idle(registration);
		return;
	}
	uint32_t granted_s = trunk_account_granted_s(registration->account, response, registration->wanted_s);
	if (!granted_s) {
		fail(registration, "the registrar grants no time", -1);
		return;
	}
	bool is_news = registration->n_failures || !registration->holds_until_us;
	trunk_account_learn(registration->account, response);
	g_free(registration->contact);
	registration->contact = sip_flow_contact(flow, trunk_account_contact_user(registration->account));
	take_flow(registration, flow);
	detach(registration);
	registration->n_rounds = 0;
	registration->n_failures = 0;
	*registration->failure = '\0';
	registration->held_since_us = now_us(registration);
	registration->holds_until_us = registration->held_since_us + granted_s * (int64_t)G_USEC_PER_SEC;
	int64_t half_ms = granted_s * INT64_C(500);
	loop_timer_start_ms(&registration->timer, half_ms - g_random_int_range(0, (gint32)MIN(half_ms / 5, 60000) + 1));
	if (is_news)
		log_info(NULL, "%s: registered for %u s", registration->name, granted_s);
	set_state(registration, TRUNK_REGISTRATION_REGISTERED);
}

/* 423: as long as the registrar asks for. False: that is no help. */
static bool take_min_expires(struct trunk_registration *registration, const struct sip_message *response)
{
	uint32_t seconds;
	if (!sip_value_seconds(sip_message_header(response, "Min-Expires", 0), &seconds) ||
	    seconds <= registration->wanted_s || seconds > TRUNK_REGISTRATION_EXPIRES_MAX_S)
		return false;
	registration->wanted_s = seconds;
	return true;
}

/* Whether the answer was a question, and another REGISTER answers it. */
static bool go_on(struct trunk_registration *registration, struct sip_message *response)
{
	unsigned status = sip_message_status(response);
	if (registration->n_rounds >= TRUNK_REGISTRATION_ROUNDS_MAX)
		return false;
	if (status == 401 || status == 407)
		return send_register(registration, response) == 0;
	if (status != 423 || !take_min_expires(registration, response))
		return false;
	return send_register(registration, NULL) == 0;
}

static void attempt(struct trunk_registration *registration);

/* Whether another registrar has been asked in the place of the one that does not serve. */
static bool go_elsewhere(struct trunk_registration *registration, const char *cause, uint32_t retry_after_s)
{
	const struct sip_flow *flow = registration->transaction ? sip_client_transaction_flow(registration->transaction) : NULL;
	if (registration->state == TRUNK_REGISTRATION_UNREGISTERING || !registration->handler.elsewhere ||
	    !registration->handler.elsewhere(registration->user, flow, cause, retry_after_s))
		return false;
	detach(registration);
	attempt(registration);
	return true;
}

static bool leave_busy(struct trunk_registration *registration, const struct sip_message *response)
{
	uint32_t retry_after_s = 0;
	sip_value_seconds(sip_message_header(response, "Retry-After", 0), &retry_after_s);
	return go_elsewhere(registration, "503 to REGISTER", retry_after_s);
}

static void on_silence(void *data)
{
	struct trunk_registration *registration = data;
	if (registration->transaction && !sip_client_transaction_is_heard(registration->transaction))
		go_elsewhere(registration, "no response to REGISTER", 0);
}

static void note_next_nonce(struct trunk_registration *registration, const struct sip_message *response)
{
	struct sip_digest_client *digest = trunk_account_digest(registration->account);
	if (digest)
		sip_digest_client_learn(digest, sip_flow_remote(sip_client_transaction_flow(registration->transaction)),
					sip_client_transaction_request(registration->transaction), response);
}

static void on_response(void *user, struct sip_client_transaction *transaction, struct sip_message *response)
{
	struct trunk_registration *registration = user;
	unsigned status = sip_message_status(response);
	if (status < 200)
		return;
	if (status < 300) {
		note_next_nonce(registration, response);
		succeed(registration, response);
	} else if (!go_on(registration, response) && !(status == 503 && leave_busy(registration, response))) {
		fail_by_response(registration, response);
	}
}

static void on_ended(void *user, struct sip_client_transaction *transaction, enum sip_client_end end)
{
	struct trunk_registration *registration = user;
	if (go_elsewhere(registration, end == SIP_CLIENT_TIMEOUT ? "no response to REGISTER" : "no connection", 0))
		return;
	registration->transaction = NULL;
	if (end == SIP_CLIENT_TIMEOUT) {
		fail(registration, "no answer", -1);
		return;
	}
	bool has_just_closed = registration->state == TRUNK_REGISTRATION_REFRESHING && !registration->n_failures++;
	fail(registration, "no connection",
	     has_just_closed ? g_random_int_range(0, TRUNK_REGISTRATION_RETURN_MAX_MS) : -1);
}

static const struct sip_client_handler transaction_handler = {.response = on_response, .ended = on_ended};

static void attempt(struct trunk_registration *registration)
{
	registration->n_rounds = 0;
	loop_timer_stop(&registration->timer);
	int error = send_register(registration, NULL);
	if (error) {
		/* It is nobody's refusal: an address may be there soon. */
		fail(registration, "there is no way to the registrar", -1);
		return;
	}
	if (registration->state != TRUNK_REGISTRATION_UNREGISTERING)
		set_state(registration, trunk_registration_holds(registration) ? TRUNK_REGISTRATION_REFRESHING
									       : TRUNK_REGISTRATION_REGISTERING);
}

static void on_timer(void *data)
{
	attempt(data);
}

/* --- life --- */

static char *registrar_of(const char *address_of_record)
{
	struct sip_uri uri;
	if (sip_uri_parse(address_of_record, &uri) < 0)
		return g_strdup(address_of_record);
	*uri.user = '\0';
	*uri.parameters = '\0';
	return sip_uri_format(&uri);
}

struct trunk_registration *trunk_registration_new(const struct trunk_registration_parameters *parameters,
						  const struct trunk_registration_handler *handler, void *user)
{
	struct trunk_registration *registration = g_new0(struct trunk_registration, 1);
	const char *address_of_record = trunk_account_address_of_record(parameters->account);
	char tag[TAG_CHARACTERS + 1];
	registration->handler = *handler;
	registration->user = user;
	registration->stack = parameters->stack;
	registration->account = trunk_account_ref(parameters->account);
	registration->name = g_strdup(parameters->name);
	registration->wanted_s = parameters->expires_s;
	registration->retry_ms = parameters->retry_s * INT64_C(1000);
	registration->patience_ms = parameters->patience_ms;
	loop_timer_init(&registration->patience, sip_stack_loop(parameters->stack), on_silence, registration);
	registration->registrar = registrar_of(address_of_record);
	crypto_random_token(tag, TAG_CHARACTERS);
	crypto_random_token(registration->call_id, CALL_ID_CHARACTERS);
	registration->to = g_strdup_printf("<%s>", address_of_record);
	registration->from = g_strdup_printf("<%s>;tag=%s", address_of_record, tag);
	loop_timer_init(&registration->timer, sip_stack_loop(parameters->stack), on_timer, registration);
	return registration;
}

struct trunk_registration *trunk_registration_free(struct trunk_registration *registration)
{
	if (!registration)
		return NULL;
	loop_timer_stop(&registration->timer);
	detach(registration);
	drop_flow(registration);
	trunk_account_unref(registration->account);
	g_free(registration->contact);
	g_free(registration->name);
	g_free(registration->registrar);
	g_free(registration->to);
	g_free(registration->from);
	g_free(registration);
	return NULL;
}

void trunk_registration_start(struct trunk_registration *registration)
{
	if (registration->state != TRUNK_REGISTRATION_IDLE && registration->state != TRUNK_REGISTRATION_UNREGISTERING)
		return;
	/* One that overtakes its own end is told from it by the order of CSeq. */
	detach(registration);
	registration->holds_until_us = 0;
	*registration->failure = '\0';
	set_state(registration, TRUNK_REGISTRATION_REGISTERING);
	attempt(registration);
}

void trunk_registration_end(struct trunk_registration *registration)
{
	switch (registration->state) {
	case TRUNK_REGISTRATION_IDLE:
	case TRUNK_REGISTRATION_UNREGISTERING:
		return;
	case TRUNK_REGISTRATION_WAITING:
		if (!trunk_registration_holds(registration)) {
			be_idle(registration);
			return;
		}
		break;
	default:
		break;
	}
	detach(registration);
	set_state(registration, TRUNK_REGISTRATION_UNREGISTERING);
	attempt(registration);
}

void trunk_registration_follow(struct trunk_registration *registration)
{
	if (registration->state != TRUNK_REGISTRATION_REGISTERED && registration->state != TRUNK_REGISTRATION_WAITING)
		return;
	struct sip_flow *flow = registration->handler.connect(registration->user);
	bool is_elsewhere = flow && flow != registration->flow;
	sip_flow_unref(flow);
	if (is_elsewhere || registration->state == TRUNK_REGISTRATION_WAITING)
		attempt(registration);
}

void trunk_registration_renew(struct trunk_registration *registration)
{
	if (registration->state == TRUNK_REGISTRATION_REGISTERED)
		attempt(registration);
}

void trunk_registration_doubt(struct trunk_registration *registration)
{
	if (now_us(registration) >= registration->held_since_us + TRUNK_REGISTRATION_DOUBT_MS * INT64_C(1000))
		trunk_registration_renew(registration);
}

enum trunk_registration_state trunk_registration_state(const struct trunk_registration *registration)
{
	return registration->state;
}

const char *trunk_registration_failure(const struct trunk_registration *registration)
{
	return registration->failure;
}
