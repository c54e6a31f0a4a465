#include "media/ice_host.h"
#include "crypto/random.h"
#include "net/udp.h"
#include <string.h>

/* RFC 8445 but for this: there is one component and one stream, so nothing is frozen; requests that are not authentic are not
 * answered at all (a stranger's address may be anybody's). */
#define PAIRS_MAX	  100	/* section 6.1.2.5 */
#define REPEAT_FIRST_MS	  500	/* section 14.3 */
#define REQUESTS_MAX	  7	/* of a check; RFC 8489, section 6.2.1 */
#define TRIGGER_AGAIN_MS  20	/* a check that is under way is repeated when the far end's comes, but not more often */
#define PATIENCE_MS	  100	/* a pair works; so long for a better one before it is nominated */
#define CONSENT_MS	  5000	/* RFC 7675, section 5.1; 0.8 to 1.2 of it */
#define STALE_MS	  7000	/* nothing was heard by the path: it gives way to what works */
#define UFRAG_CHARACTERS  8	/* RFC 8839, section 5.4: 4 at least */
#define PWD_CHARACTERS	  24	/* 22 at least */
#define PREFERENCE_HOST	  126u
#define PREFERENCE_PEER_REFLEXIVE 110u

struct credentials {
	char ufrag[UFRAG_CHARACTERS + 1], pwd[PWD_CHARACTERS + 1];
	char remote_ufrag[257], remote_pwd[257]; /* "": not known yet */
};

enum pair_state { PAIR_WAITING, PAIR_IN_PROGRESS, PAIR_SUCCEEDED, PAIR_FAILED };

struct pair {
	struct media_socket *socket;
	struct net_address remote;
	uint32_t remote_priority;
	enum pair_state state;
	bool is_triggered; /* the far end has checked it: it goes before the others */
	bool is_nominated; /* by the far end's check, or to be by ours */
	unsigned n_requests;
	int64_t sent_us, due_us; /* the last request, and the next */
	enum media_binding_role role; /* that the request said we have */
	uint8_t transaction[MEDIA_STUN_TRANSACTION_BYTES];
};

/* What is in use. */
struct path {
	struct media_socket *socket; /* NULL: none yet */
	struct net_address remote;
	uint64_t priority;
	int64_t heard_us, consent_due_us;
	uint8_t transaction[MEDIA_STUN_TRANSACTION_BYTES]; /* of the request for consent that went last */
};

struct ice_host {
	struct media_ice *ice;
	enum media_binding_role role;
	uint64_t tie_breaker;
	struct credentials now;
	struct credentials *before; /* those of the path, when ICE was restarted since; NULL: it is of now */
	struct path path;
	size_t n_sockets;
	struct media_socket sockets[ICE_SOCKETS_MAX];
	size_t n_pairs;
	struct pair *pairs; /* PAIRS_MAX; NULL: none yet */
	struct loop_timer timer;
	int64_t next_check_us;
	int64_t patient_until_us; /* 0: nothing to be patient for */
};

static int64_t now_us(const struct ice_host *host)
{
	return loop_now_us(media_end_loop(host->ice->end));
}

/* --- priorities (section 5.1.2 and 6.1.2.3) --- */

static uint32_t priority_of(const struct ice_host *host, const struct media_socket *socket, uint32_t preference)
{
	uint32_t among_ours = UINT16_MAX - (uint32_t)(socket - host->sockets);

	return preference << 24 | among_ours << 8 | (256 - ICE_COMPONENT);
}

static uint64_t pair_priority(const struct ice_host *host, const struct pair *pair)
{
	uint64_t ours = priority_of(host, pair->socket, PREFERENCE_HOST), theirs = pair->remote_priority;
	uint64_t controlling = host->role == MEDIA_BINDING_CONTROLLING ? ours : theirs;
	uint64_t controlled = host->role == MEDIA_BINDING_CONTROLLING ? theirs : ours;

	return (MIN(controlling, controlled) << 32) + 2 * MAX(controlling, controlled) + (controlling > controlled);
}

static bool has_path(const struct ice_host *host)
{
	return host->path.socket && !host->before;
}

static bool is_stale(const struct ice_host *host)
{
	return now_us(host) - host->path.heard_us > STALE_MS * INT64_C(1000);
}

/* A pair that could become the path. */
static bool is_better(const struct ice_host *host, const struct pair *pair)
{
	return !has_path(host) || is_stale(host) || pair_priority(host, pair) > host->path.priority;
}

static bool is_waiting(const struct ice_host *host, const struct pair *pair)
{
	return pair->state == PAIR_WAITING && host->now.remote_pwd[0] && (pair->is_triggered || is_better(host, pair));
}

/* --- sending --- */

static void send_to(const struct media_socket *socket, const struct net_address *to, const uint8_t *bytes, size_t length)
{
	/* What cannot be sent is as good as lost on the way. */
	if (sendto(socket->descriptor, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL, &to->any, to->length) < 0)
		return;
}

static void send_request(struct ice_host *host, const struct media_socket *socket, const struct net_address *to,
			 const struct credentials *credentials, const struct media_binding *binding)
{
	uint8_t bytes[MEDIA_BINDING_WRITTEN_MAX];
	char username[sizeof credentials->remote_ufrag + sizeof credentials->ufrag];

	g_snprintf(username, sizeof username, "%s:%s", credentials->remote_ufrag, credentials->ufrag);
	send_to(socket, to, bytes, media_binding_write_request(binding, username, credentials->remote_pwd, bytes));
}

static void send_check(struct ice_host *host, struct pair *pair)
{
	struct media_binding binding = {
		.priority = priority_of(host, pair->socket, PREFERENCE_PEER_REFLEXIVE),
		.role = pair->role,
		.uses_candidate = pair->role == MEDIA_BINDING_CONTROLLING && pair->is_nominated,
		.tie_breaker = host->tie_breaker,
	};

	memcpy(binding.transaction, pair->transaction, sizeof binding.transaction);
	pair->sent_us = now_us(host);
	pair->due_us = pair->sent_us + ((int64_t)REPEAT_FIRST_MS * 1000 << pair->n_requests);
	pair->n_requests++;
	send_request(host, pair->socket, &pair->remote, &host->now, &binding);
}

static void begin_check(struct ice_host *host, struct pair *pair)
{
	pair->state = PAIR_IN_PROGRESS;
	pair->is_triggered = false;
	pair->n_requests = 0;
	pair->role = host->role;
	crypto_random(pair->transaction, sizeof pair->transaction);
	send_check(host, pair);
}

static void repeat_check(struct ice_host *host, struct pair *pair)
{
	if (pair->n_requests == REQUESTS_MAX || (!pair->is_nominated && !is_better(host, pair)))
		pair->state = PAIR_FAILED;
	else
		send_check(host, pair);
}

static void ask_for_consent(struct ice_host *host)
{
	struct path *path = &host->path;
	struct media_binding binding = {
		.priority = priority_of(host, path->socket, PREFERENCE_PEER_REFLEXIVE),
		.role = host->role,
		.tie_breaker = host->tie_breaker,
	};

	crypto_random(path->transaction, sizeof path->transaction);
	memcpy(binding.transaction, path->transaction, sizeof binding.transaction);
	path->consent_due_us = now_us(host) + CONSENT_MS * (800 + crypto_random_u32() % 401);
	send_request(host, path->socket, &path->remote, host->before ?: &host->now, &binding);
}

/* --- what is due --- */

static struct pair *best_waiting(struct ice_host *host)
{
	struct pair *best = NULL;

	for (size_t i = 0; i < host->n_pairs; i++) {
		struct pair *pair = &host->pairs[i];

		if (!is_waiting(host, pair) || (best && best->is_triggered && !pair->is_triggered))
			continue;
		if (!best || pair->is_triggered > best->is_triggered || pair_priority(host, pair) > pair_priority(host, best))
			best = pair;
	}
	return best;
}

/* Of two checks the one that says which pair it is to be; its success makes the path (section 8.1.1). */
static void nominate(struct ice_host *host, struct pair *pair)
{
	host->patient_until_us = 0;
	pair->is_nominated = true;
	begin_check(host, pair);
}

static struct pair *best_that_works(struct ice_host *host)
{
	struct pair *best = NULL;

	for (size_t i = 0; i < host->n_pairs; i++) {
		struct pair *pair = &host->pairs[i];

		if (pair->state == PAIR_SUCCEEDED && (!best || pair_priority(host, pair) > pair_priority(host, best)))
			best = pair;
	}
	return best;
}

static void be_patient_no_longer(struct ice_host *host)
{
	struct pair *pair = best_that_works(host);

	host->patient_until_us = 0;
	if (pair && host->role == MEDIA_BINDING_CONTROLLING && !has_path(host))
		nominate(host, pair);
}

static void set_timer(struct ice_host *host)
{
	int64_t due_us = host->path.socket ? host->path.consent_due_us : INT64_MAX;

	if (host->patient_until_us)
		due_us = MIN(due_us, host->patient_until_us);
	for (size_t i = 0; i < host->n_pairs; i++) {
		const struct pair *pair = &host->pairs[i];

		if (pair->state == PAIR_IN_PROGRESS)
			due_us = MIN(due_us, pair->due_us);
		else if (is_waiting(host, pair))
			due_us = MIN(due_us, host->next_check_us);
	}
	if (due_us == INT64_MAX)
		loop_timer_stop(&host->timer);
	else
		loop_timer_start_us(&host->timer, due_us - now_us(host));
}

/* Does what is due by now. */
static void advance(struct ice_host *host)
{
	int64_t now = now_us(host);
	struct pair *next;

	for (size_t i = 0; i < host->n_pairs; i++)
		if (host->pairs[i].state == PAIR_IN_PROGRESS && host->pairs[i].due_us <= now)
			repeat_check(host, &host->pairs[i]);
	if (host->patient_until_us && host->patient_until_us <= now)
		be_patient_no_longer(host);
	next = host->next_check_us <= now ? best_waiting(host) : NULL;
	if (next) {
		host->next_check_us = now + MEDIA_ICE_PACING_MS * 1000;
		begin_check(host, next);
	}
	if (host->path.socket && host->path.consent_due_us <= now)
		ask_for_consent(host);
	set_timer(host);
}

static void on_timer(void *data)
{
	advance(data);
}

/* --- pairs --- */

static struct pair *find_pair(struct ice_host *host, const struct media_socket *socket, const struct net_address *remote)
{
	for (size_t i = 0; i < host->n_pairs; i++)
		if (host->pairs[i].socket == socket && net_address_equal(&host->pairs[i].remote, remote))
			return &host->pairs[i];
	return NULL;
}

/* NULL: there are too many. */
static struct pair *add_pair(struct ice_host *host, struct media_socket *socket, const struct net_address *remote,
			     uint32_t remote_priority)
{
	struct pair *pair = find_pair(host, socket, remote);

	if (pair || host->n_pairs == PAIRS_MAX)
		return pair;
	/* Most calls have a few: there is room for as many as there have been. */
	if ((host->n_pairs & (host->n_pairs + 1)) == 0)
		host->pairs = g_renew(struct pair, host->pairs, 2 * host->n_pairs + 1);
	pair = &host->pairs[host->n_pairs++];
	*pair = (struct pair){.socket = socket, .remote = *remote, .remote_priority = remote_priority};
	return pair;
}

void ice_host_add_candidates(struct ice_host *host, const struct sdp_candidate *candidates, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct sdp_candidate *candidate = &candidates[i];

		if (!ice_candidate_is_usable(candidate))
			continue;
		for (size_t k = 0; k < host->n_sockets; k++) {
			struct media_socket *socket = &host->sockets[k];
			struct pair *pair = NULL;

			if (net_address_is_ipv6(&socket->local) == net_address_is_ipv6(&candidate->address))
				pair = add_pair(host, socket, &candidate->address, candidate->priority);
			if (pair) /* one that was peer-reflexive is told later */
				pair->remote_priority = candidate->priority;
		}
	}
	advance(host);
}

static void select_pair(struct ice_host *host, const struct pair *pair)
{
	struct path *path = &host->path;

	BASE_CLEAR(&host->before, g_free);
	*path = (struct path){
		.socket = pair->socket,
		.remote = pair->remote,
		.priority = pair_priority(host, pair),
		.heard_us = now_us(host),
		.consent_due_us = now_us(host) + CONSENT_MS * INT64_C(1000),
	};
	set_timer(host);
	ice_select(host->ice, path->socket->descriptor, &path->remote);
}

static bool is_path(const struct ice_host *host, const struct media_socket *socket, const struct net_address *remote)
{
	return host->path.socket == socket && net_address_equal(&host->path.remote, remote);
}

/* As controlled: older browsers nominate all that work, and the best of them is meant (RFC 8445, section 8.1.1). */
static void take_nomination(struct ice_host *host, const struct pair *pair)
{
	bool is_news = host->before || !is_path(host, pair->socket, &pair->remote);

	if (pair->state == PAIR_SUCCEEDED && pair->is_nominated && is_news && is_better(host, pair))
		select_pair(host, pair);
}

/* --- what comes --- */

/* What the far end has nominated in the other role means nothing any more. */
static void change_role(struct ice_host *host, enum media_binding_role role)
{
	host->role = role;
	for (size_t i = 0; i < host->n_pairs; i++)
		host->pairs[i].is_nominated = false;
}

static enum media_binding_role other_role(enum media_binding_role role)
{
	return role == MEDIA_BINDING_CONTROLLING ? MEDIA_BINDING_CONTROLLED : MEDIA_BINDING_CONTROLLING;
}

/* Section 7.3.1.1. False: it is the sender who has to change his role. */
static bool settle_roles(struct ice_host *host, const struct media_binding *binding)
{
	if (binding->role == MEDIA_BINDING_NO_ROLE || binding->role != host->role)
		return true;
	if ((host->tie_breaker >= binding->tie_breaker) == (host->role == MEDIA_BINDING_CONTROLLING))
		return false;
	change_role(host, other_role(host->role));
	return true;
}

/* Section 7.3.1.4. */
static void trigger(struct ice_host *host, struct pair *pair)
{
	switch (pair->state) {
	case PAIR_SUCCEEDED:
		if (host->role == MEDIA_BINDING_CONTROLLING && has_path(host) && is_stale(host))
			nominate(host, pair);
		break;
	case PAIR_IN_PROGRESS: /* ours may have come too early */
		if (now_us(host) - pair->sent_us >= TRIGGER_AGAIN_MS * 1000)
			repeat_check(host, pair);
		break;
	case PAIR_WAITING:
	case PAIR_FAILED:
		pair->state = PAIR_WAITING;
		pair->is_triggered = true;
	}
}

/* Whose credentials the request has; NULL: nobody's of ours. */
static const struct credentials *authenticate(const struct ice_host *host, const struct media_binding *binding,
					      const uint8_t *bytes)
{
	const struct credentials *both[] = {&host->now, host->before};

	for (size_t i = 0; i < G_N_ELEMENTS(both); i++)
		if (both[i] && media_binding_is_to(binding, both[i]->ufrag))
			return media_binding_is_authentic(binding, bytes, both[i]->pwd) ? both[i] : NULL;
	return NULL;
}

bool ice_host_knows_password(const struct ice_host *host, const struct media_binding *check, const uint8_t *bytes)
{
	return authenticate(host, check, bytes);
}

static void receive_request(struct ice_host *host, struct media_socket *socket, const struct net_address *from,
			    const struct media_binding *binding, const uint8_t *bytes)
{
	const struct credentials *credentials = binding->has_unknown ? NULL : authenticate(host, binding, bytes);
	uint8_t answer[MEDIA_BINDING_WRITTEN_MAX];
	struct pair *pair;

	/* After a restart the old credentials keep the old path, and lead to no other: who got an answer there would take it for his path. */
	if (!credentials || (credentials != &host->now && !is_path(host, socket, from)))
		return;
	if (!settle_roles(host, binding)) {
		send_to(socket, from, answer, media_binding_write_conflict(binding->transaction, credentials->pwd, answer));
		return;
	}
	send_to(socket, from, answer, media_binding_write_success(binding->transaction, from, credentials->pwd, answer));
	if (is_path(host, socket, from))
		host->path.heard_us = now_us(host);
	if (credentials != &host->now) /* of before a restart */
		return;
	pair = add_pair(host, socket, from, binding->priority);
	if (!pair)
		return;
	if (host->role == MEDIA_BINDING_CONTROLLED)
		pair->is_nominated |= binding->uses_candidate;
	trigger(host, pair);
	if (host->role == MEDIA_BINDING_CONTROLLED && binding->uses_candidate)
		take_nomination(host, pair);
	advance(host);
}

static bool is_better_unknown(struct ice_host *host, const struct pair *than)
{
	for (size_t i = 0; i < host->n_pairs; i++) {
		const struct pair *pair = &host->pairs[i];

		if ((pair->state == PAIR_WAITING || pair->state == PAIR_IN_PROGRESS) &&
		    pair_priority(host, pair) > pair_priority(host, than))
			return true;
	}
	return false;
}

/* As controlling: a pair works that is not nominated yet. */
static void consider_nomination(struct ice_host *host, struct pair *pair)
{
	if (has_path(host) && !is_stale(host))
		return;
	for (size_t i = 0; i < host->n_pairs; i++)
		if (host->pairs[i].is_nominated && host->pairs[i].state == PAIR_IN_PROGRESS)
			return;
	if (!is_better_unknown(host, pair))
		nominate(host, pair);
	else if (!host->patient_until_us)
		host->patient_until_us = now_us(host) + PATIENCE_MS * 1000;
}

static void check_succeeded(struct ice_host *host, struct pair *pair)
{
	pair->state = PAIR_SUCCEEDED;
	if (pair->is_nominated)
		take_nomination(host, pair);
	else if (host->role == MEDIA_BINDING_CONTROLLING)
		consider_nomination(host, pair);
	advance(host);
}

static struct pair *pair_of_transaction(struct ice_host *host, const struct media_socket *socket,
					const struct net_address *from, const uint8_t *transaction)
{
	struct pair *pair = find_pair(host, socket, from); /* an answer comes from where the check went (section 7.2.5.2.1) */

	if (!pair || pair->state != PAIR_IN_PROGRESS || memcmp(pair->transaction, transaction, sizeof pair->transaction) != 0)
		return NULL;
	return pair;
}

/* Section 7.2.5.1. */
static void check_conflicted(struct ice_host *host, struct pair *pair)
{
	change_role(host, other_role(pair->role));
	pair->state = PAIR_WAITING;
	pair->is_triggered = true;
	advance(host);
}

/* The far end agrees to be sent to, or would if it did not take itself for what we are. */
static void receive_consent(struct ice_host *host, const struct media_binding *binding)
{
	host->path.heard_us = now_us(host);
	if (binding->kind == MEDIA_BINDING_SUCCESS) {
		ice_consent(host->ice);
	} else if (binding->error_code == MEDIA_BINDING_ROLE_CONFLICT) {
		change_role(host, other_role(host->role));
		ask_for_consent(host);
		set_timer(host);
	}
}

static void receive_answer(struct ice_host *host, struct media_socket *socket, const struct net_address *from,
			   const struct media_binding *binding, const uint8_t *bytes)
{
	const struct credentials *of_path = host->before ?: &host->now;
	struct pair *pair = pair_of_transaction(host, socket, from, binding->transaction);
	bool is_of_path = is_path(host, socket, from) &&
			  memcmp(binding->transaction, host->path.transaction, sizeof binding->transaction) == 0;

	if (!is_of_path && !pair)
		return;
	if (!media_binding_is_authentic(binding, bytes, is_of_path ? of_path->remote_pwd : host->now.remote_pwd))
		return;
	if (is_of_path)
		receive_consent(host, binding);
	else if (pair && binding->kind == MEDIA_BINDING_SUCCESS)
		check_succeeded(host, pair);
	else if (pair && binding->error_code == MEDIA_BINDING_ROLE_CONFLICT)
		check_conflicted(host, pair);
}

void ice_host_receive(struct ice_host *host, struct media_socket *socket, const struct net_address *from, const uint8_t *bytes,
		      size_t length)
{
	struct media_binding binding;

	if (media_binding_read(bytes, length, &binding) < 0) {
		media_end_refuse(host->ice->end, MEDIA_REFUSAL_MALFORMED, from);
		return;
	}
	switch (binding.kind) {
	case MEDIA_BINDING_REQUEST:
		receive_request(host, socket, from, &binding, bytes);
		break;
	case MEDIA_BINDING_SUCCESS:
	case MEDIA_BINDING_ERROR:
		receive_answer(host, socket, from, &binding, bytes);
		break;
	case MEDIA_BINDING_INDICATION: /* keeps a NAT's binding open */
		break;
	}
}

/* --- life --- */

static void make_credentials(struct ice_host *host)
{
	memset(&host->now, 0, sizeof host->now);
	crypto_random_ice_token(host->now.ufrag, UFRAG_CHARACTERS);
	crypto_random_ice_token(host->now.pwd, PWD_CHARACTERS);
	host->tie_breaker = crypto_random_u64();
}

void ice_host_restart(struct ice_host *host)
{
	if (host->path.socket && !host->before)
		host->before = g_memdup2(&host->now, sizeof host->now);
	make_credentials(host);
	host->n_pairs = 0;
	host->patient_until_us = 0;
	set_timer(host);
}

void ice_host_take_remote(struct ice_host *host, bool is_lite)
{
	struct credentials *now = &host->now;

	base_copy_text(now->remote_ufrag, sizeof now->remote_ufrag, host->ice->remote_ufrag);
	base_copy_text(now->remote_pwd, sizeof now->remote_pwd, host->ice->remote_pwd);
	if (is_lite)
		host->role = MEDIA_BINDING_CONTROLLING;
}

static int open_sockets(struct ice_host *host)
{
	const struct media_settings *settings = &host->ice->end->worker->engine->settings;
	char text[NET_ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < settings->n_addresses && host->n_sockets < ICE_SOCKETS_MAX; i++) {
		struct media_socket *socket = &host->sockets[host->n_sockets];
		struct net_address address = settings->addresses[i];
		int descriptor, error;

		net_address_set_port(&address, host->ice->port);
		error = net_udp_open(&address, &descriptor);
		if (error == -EADDRNOTAVAIL) { /* the interface is gone */
			log_debug(&host->ice->end->log, "no media at %s: %s", net_address_format(&address, text), g_strerror(-error));
			continue;
		}
		if (error == 0)
			error = media_socket_open(socket, host->ice->end, descriptor);
		if (error < 0)
			return error;
		host->n_sockets++;
	}
	return host->n_sockets > 0 ? 0 : -EADDRNOTAVAIL;
}

int ice_host_new(struct media_ice *ice, bool controlling, struct ice_host **ret_host)
{
	struct ice_host *host = g_new0(struct ice_host, 1);
	int error;

	host->ice = ice;
	host->role = controlling ? MEDIA_BINDING_CONTROLLING : MEDIA_BINDING_CONTROLLED;
	loop_timer_init(&host->timer, media_end_loop(ice->end), on_timer, host);
	make_credentials(host);
	error = open_sockets(host);
	if (error < 0) {
		ice_host_free(host);
		return error;
	}
	*ret_host = host;
	return 0;
}

struct ice_host *ice_host_free(struct ice_host *host)
{
	if (!host)
		return NULL;
	loop_timer_stop(&host->timer);
	for (size_t i = 0; i < host->n_sockets; i++)
		media_socket_close(&host->sockets[i]);
	g_free(host->before);
	g_free(host->pairs);
	g_free(host);
	return NULL;
}

const struct net_address *ice_host_local(const struct ice_host *host, size_t i)
{
	return i < host->n_sockets ? &host->sockets[i].local : NULL;
}

static void describe_tcp(const struct ice_host *host, struct sdp_transport *local)
{
	for (size_t i = 0; i < host->n_sockets; i++)
		if (ice_tcp_is_open(host->ice, &host->sockets[i].local)) {
			struct sdp_candidate *described = &local->candidates[local->n_candidates++];

			*described = local->candidates[i];
			ice_candidate_make_tcp(described);
		}
}

void ice_host_describe(const struct ice_host *host, struct sdp_transport *ret_local)
{
	for (size_t i = 0; i < host->n_sockets; i++) {
		struct sdp_candidate *described = &ret_local->candidates[ret_local->n_candidates++];

		*described = (struct sdp_candidate){
			.component = ICE_COMPONENT,
			.transport = SDP_CANDIDATE_UDP,
			.type = SDP_CANDIDATE_HOST,
			.priority = priority_of(host, &host->sockets[i], PREFERENCE_HOST),
			.address = host->sockets[i].local,
		};
		g_snprintf(described->foundation, sizeof described->foundation, "%zu", i + 1);
		ice_candidate_announce_publicly(host->ice, &described->address);
	}
	describe_tcp(host, ret_local);
	base_copy_text(ret_local->ice_ufrag, sizeof ret_local->ice_ufrag, host->now.ufrag);
	base_copy_text(ret_local->ice_pwd, sizeof ret_local->ice_pwd, host->now.pwd);
}
