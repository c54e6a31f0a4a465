/* A user at the peer of a trunk: who he is there, and how long. */
#include "base/log.h"
#include "upstream/internal.h"
#include <string.h>

struct upstream_member *upstream_member_find(const struct upstream *upstream, const char *user)
{
	return g_hash_table_lookup(upstream->members, user);
}

bool upstream_member_holds(const struct upstream_member *member)
{
	if (member->registration)
		return trunk_registration_holds(member->registration);
	return member->holds_until_us > loop_now_us(sip_stack_loop(member->upstream->rooms.stack));
}

static struct sip_flow *member_connect(void *user)
{
	struct upstream_member *member = user;
	return trunk_flow(member->trunk, member->upstream->rooms.stack);
}

static bool member_elsewhere(void *user, const struct sip_flow *flow, const char *cause, uint32_t retry_after_s)
{
	struct upstream_member *member = user;
	return trunk_flow_failed(member->trunk, flow, cause, retry_after_s);
}

static void member_changed(void *user, struct trunk_registration *registration, enum trunk_registration_state state)
{
	struct upstream_member *member = user;
	bool is_wanted = upstream_member_find(member->upstream, member->user) == member;
	if (state == TRUNK_REGISTRATION_REGISTERED || state == TRUNK_REGISTRATION_WAITING || state == TRUNK_REGISTRATION_IDLE)
		upstream_publish(member, trunk_registration_holds(registration), trunk_registration_failure(registration));
	if (state == TRUNK_REGISTRATION_IDLE && !is_wanted)
		upstream_member_free(member);
}

static void on_doubt(void *user)
{
	struct upstream_member *member = user;
	trunk_registration_doubt(member->registration);
}

static void start_registration(struct upstream_member *member)
{
	static const struct trunk_registration_handler handler = {.connect = member_connect, .elsewhere = member_elsewhere, .changed = member_changed};
	g_autofree char *name = g_strdup_printf("%s at %s", member->user, trunk_name(member->trunk));
	struct trunk_registration_parameters parameters = {
		.stack = member->upstream->rooms.stack,
		.name = name,
		.account = member->account,
		.expires_s = trunk_expires_s(member->trunk),
		.retry_s = trunk_retry_s(member->trunk),
		.patience_ms = trunk_failover_ms(member->trunk),
	};
	member->registration = trunk_registration_new(&parameters, &handler, member);
	trunk_account_on_doubt(member->account, on_doubt, member);
	trunk_registration_start(member->registration);
}

/* Those that we have. */
static bool find_credentials(const struct upstream *upstream, const char *user, const struct trunk *trunk,
			     struct sip_credentials *ret_credentials)
{
	bool is_ours = registrar_upstream_credentials(upstream->rooms.registrar, user, ret_credentials);
	ret_credentials->realm = trunk_realm(trunk);
	return is_ours;
}

/* Who he is there; credentials are ours, or, with an account of none, the browser's. */
static struct trunk_account *make_account(const struct upstream *upstream, const char *user, const struct trunk *trunk)
{
	struct sip_credentials credentials;
	bool is_ours = find_credentials(upstream, user, trunk, &credentials);
	g_autofree char *token = upstream_token(upstream, "contact", user, trunk);
	g_autofree char *address_of_record = is_ours ? trunk_address_of_record(trunk, credentials.username)
						     : registrar_address_of_record(upstream->rooms.registrar, user);
	return trunk_account_new(address_of_record, token, is_ours ? &credentials : NULL);
}

static struct upstream_member *member_new(struct upstream *upstream, const char *user, struct trunk *trunk)
{
	struct upstream_member *member = g_new0(struct upstream_member, 1);
	member->upstream = upstream;
	member->user = g_strdup(user);
	member->trunk = trunk_ref(trunk);
	member->account = make_account(upstream, user, trunk);
	return member;
}

static void enlist(struct upstream_member *member)
{
	struct upstream *upstream = member->upstream;
	g_hash_table_insert(upstream->members, member->user, member);
	g_hash_table_insert(upstream->contacts, (char *)trunk_account_contact_user(member->account), member);
	trunks_add_account(upstream->rooms.trunks, member->user, trunk_name(member->trunk), member->account);
}

static void delist(struct upstream_member *member)
{
	struct upstream *upstream = member->upstream;
	trunks_remove_account(upstream->rooms.trunks, member->user);
	g_hash_table_remove(upstream->contacts, trunk_account_contact_user(member->account));
	g_hash_table_remove(upstream->members, member->user);
}

void upstream_member_free(struct upstream_member *member)
{
	if (upstream_member_find(member->upstream, member->user) == member)
		delist(member);
	else
		g_ptr_array_remove_fast(member->upstream->leaving, member);
	trunk_account_on_doubt(member->account, NULL, NULL); /* calls may hold it for longer */
	trunk_registration_free(member->registration);
	trunk_account_unref(member->account);
	trunk_unref(member->trunk);
	sip_message_unref(member->proof);
	g_free(member->user);
	g_free(member);
}

/* He was leaving and is back: one Call-ID and its CSeq keep his end and his return in order. */
static struct upstream_member *take_back(struct upstream *upstream, const char *user)
{
	for (guint i = 0; i < upstream->leaving->len; i++) {
		struct upstream_member *member = upstream->leaving->pdata[i];
		if (strcmp(member->user, user) || !upstream_member_is_current(member))
			continue;
		g_ptr_array_remove_index_fast(upstream->leaving, i);
		enlist(member);
		trunk_registration_start(member->registration);
		return member;
	}
	return NULL;
}

struct upstream_member *upstream_member_ensure(struct upstream *upstream, const char *user)
{
	struct upstream_member *member = upstream_member_find(upstream, user);
	if (!member)
		member = take_back(upstream, user);
	if (member)
		return member;
	const char *name = registrar_upstream(upstream->rooms.registrar, user);
	struct trunk *trunk = name ? trunk_find(upstream->rooms.trunks, name) : NULL;
	if (!trunk)
		return NULL;
	member = member_new(upstream, user, trunk);
	enlist(member);
	if (trunk_account_digest(member->account))
		start_registration(member);
	return member;
}

bool upstream_member_is_current(const struct upstream_member *member)
{
	const struct registrar *registrar = member->upstream->rooms.registrar;
	const char *name = registrar_upstream(registrar, member->user);
	if (!name || trunk_find(member->upstream->rooms.trunks, name) != member->trunk)
		return false;
	const struct sip_digest_client *used = trunk_account_digest(member->account);
	struct sip_credentials credentials;
	if (!find_credentials(member->upstream, member->user, member->trunk, &credentials))
		return !used;
	return used && sip_credentials_equal(sip_digest_client_credentials(used), &credentials);
}

void upstream_member_end(struct upstream_member *member)
{
	struct upstream *upstream = member->upstream;
	if (!member->registration) {
		if (upstream_member_holds(member))
			upstream_carry_end(member);
		upstream_publish(member, false, "");
		upstream_member_free(member);
		return;
	}
	delist(member);
	g_ptr_array_add(upstream->leaving, member);
	if (trunk_registration_state(member->registration) == TRUNK_REGISTRATION_IDLE)
		upstream_member_free(member);
	else
		trunk_registration_end(member->registration);
}
