#include "base/log.h"
#include "trunk/options.h"
#include <netdb.h>
#include <string.h>

struct trunks {
	struct loop *loop;
	GPtrArray *list;    /* struct trunk *, each a reference */
	GPtrArray *retired; /* struct trunk *, not references: gone from the configuration, held by calls */
	struct sip_digest_server *digest; /* NULL until it is needed */
	GHashTable *accounts; /* user -> struct account_entry */
	struct sip_stack *stack; /* for those that register; NULL: not yet, or no more */
	struct event_bus *events;
};

struct account_entry {
	char *trunk_name;
	struct trunk_account *account; /* a reference */
};

static const char *option_text(const struct trunk *trunk, const char *name)
{
	return config_string(trunk->snapshot, "trunks", trunk->index, name);
}

/* --- addresses --- */

static void start_lookup(void *data);

static void remember(struct trunk *trunk, const struct net_address *address)
{
	for (size_t i = 0; i < trunk->n_former; i++)
		if (net_address_same_host(&trunk->former[i], address))
			return;
	if (trunk->n_former == TRUNK_ADDRESSES_MAX)
		memmove(trunk->former, trunk->former + 1, --trunk->n_former * sizeof *trunk->former);
	trunk->former[trunk->n_former++] = *address;
}

/* The address in use stays the first while it is still among the answers: a call's requests should not wander. */
static void keep_first(struct trunk *trunk, const struct net_address *addresses, size_t n)
{
	struct net_address first = trunk->n_addresses ? trunk->addresses[0] : (struct net_address){0};
	for (size_t i = 0; i < trunk->n_addresses; i++)
		remember(trunk, &trunk->addresses[i]);
	memcpy(trunk->addresses, addresses, n * sizeof *addresses);
	trunk->n_addresses = n;
	for (size_t i = 1; i < n; i++)
		if (first.length && net_address_equal(&trunk->addresses[i], &first)) {
			trunk->addresses[i] = trunk->addresses[0];
			trunk->addresses[0] = first;
		}
}

static void lookup_done(void *data, int error, const struct net_address *addresses, size_t n)
{
	struct trunk *trunk = data;
	trunk->lookup = NULL;
	bool is_first = !trunk->is_looked_up;
	trunk->is_looked_up = true;
	if (error) {
		log_warning(NULL, "trunk %s: its peer %s is not found: %s%s", trunk_name(trunk), trunk->host,
			    gai_strerror(error), trunk->n_addresses ? "; the address known before is kept" : "");
		loop_timer_start_ms(&trunk->refresh, TRUNK_RETRY_MS);
		return;
	}
	keep_first(trunk, addresses, n);
	if (is_first) {
		char text[NET_ADDRESS_TEXT_MAX];
		log_info(NULL, "trunk %s: %s is at %s", trunk_name(trunk), trunk->host,
			 net_address_format(&trunk->addresses[0], text));
	}
	loop_timer_start_ms(&trunk->refresh, TRUNK_REFRESH_MS);
}

static void start_lookup(void *data)
{
	struct trunk *trunk = data;
	uint16_t port = trunk->port ? trunk->port : TRUNK_DEFAULT_PORT;
	if (trunk_lookup_start(trunk->loop, trunk->host, port, lookup_done, trunk, &trunk->lookup) < 0)
		loop_timer_start_ms(&trunk->refresh, TRUNK_RETRY_MS);
}

static void find_addresses(struct trunk *trunk)
{
	trunk->is_looked_up = !*trunk->host;
	if (trunk->is_looked_up)
		return; /* it calls, and is never called */
	if (net_address_parse(trunk->host, trunk->port ? trunk->port : TRUNK_DEFAULT_PORT, &trunk->addresses[0]) == 0) {
		trunk->n_addresses = 1;
		trunk->is_looked_up = true;
	} else {
		start_lookup(trunk);
	}
}

/* --- one trunk --- */

static struct trunk *trunk_new(struct loop *loop, struct config_snapshot *snapshot, size_t index)
{
	struct trunk_peer peer = {0};
	const char *text = config_string(snapshot, "trunks", index, "peer");
	if (text && trunk_read_peer(text, config_enum(snapshot, "trunks", index, "transport"), &peer))
		return NULL;
	struct trunk *trunk = g_new0(struct trunk, 1);
	trunk->references = 1;
	trunk->snapshot = config_ref(snapshot);
	trunk->index = index;
	trunk->loop = loop;
	loop_timer_init(&trunk->refresh, loop, start_lookup, trunk);
	trunk->identity = g_strdup_printf("trunk:%s", trunk_name(trunk));
	trunk->host = g_strdup(peer.host);
	trunk->port = peer.port;
	trunk->transport = peer.transport;
	struct sip_uri uri = {.port = peer.port};
	base_copy_text(uri.host, sizeof uri.host, peer.host);
	g_autofree char *host_text = sip_uri_format(&uri);
	trunk->host_text = g_strdup(host_text + 1); /* without the ':' of the empty scheme */
	struct sip_credentials credentials = trunk_own_credentials(trunk);
	trunk->digest = credentials.username ? sip_digest_client_new(&credentials) : NULL;
	find_addresses(trunk);
	trunk_own_init(trunk);
	return trunk;
}

/* Nothing happens on it any more; who holds it may still read it. */
static void trunk_retire(struct trunk *trunk)
{
	loop_timer_stop(&trunk->refresh);
	trunk->lookup = trunk_lookup_abandon(trunk->lookup);
}

struct trunk *trunk_ref(struct trunk *trunk)
{
	trunk->references++;
	return trunk;
}

struct trunk *trunk_unref(struct trunk *trunk)
{
	if (!trunk || --trunk->references)
		return NULL;
	trunk_retire(trunk);
	trunk_own_clear(trunk);
	if (trunk->retired)
		g_ptr_array_remove_fast(trunk->retired, trunk);
	sip_digest_client_free(trunk->digest);
	config_unref(trunk->snapshot);
	g_free(trunk->identity);
	g_free(trunk->host_text);
	g_free(trunk->host);
	g_free(trunk);
	return NULL;
}

const char *trunk_name(const struct trunk *trunk)
{
	return option_text(trunk, "name");
}

const char *trunk_identity(const struct trunk *trunk)
{
	return trunk->identity;
}

enum sip_transport trunk_transport(const struct trunk *trunk)
{
	return trunk->transport;
}

char *trunk_uri(const struct trunk *trunk, const char *user)
{
	struct sip_uri uri = {.scheme = "sip", .port = trunk->port};
	base_copy_text(uri.host, sizeof uri.host, trunk->host);
	base_copy_text(uri.user, sizeof uri.user, user ? user : "");
	if (trunk->transport == SIP_TRANSPORT_TCP)
		base_copy_text(uri.parameters, sizeof uri.parameters, "transport=tcp");
	return sip_uri_format(&uri);
}

char *trunk_address_of_record(const struct trunk *trunk, const char *user)
{
	const char *domain = option_text(trunk, "domain");
	g_autofree char *escaped = sip_uri_escape_user(user);
	return g_strdup_printf("sip:%s@%s", escaped, domain ? domain : trunk->host_text);
}

const char *trunk_host(const struct trunk *trunk)
{
	return trunk->host_text;
}

struct sip_digest_client *trunk_digest(const struct trunk *trunk, const struct trunk_account *account,
				       const struct sip_flow *flow)
{
	if (!trunk_has_address(trunk, sip_flow_remote(flow)))
		return NULL;
	if (account)
		return trunk_account_digest(account);
	return trunk->digest;
}

const char *trunk_realm(const struct trunk *trunk)
{
	return option_text(trunk, "realm");
}

const char *const *trunk_codecs(const struct trunk *trunk)
{
	return config_strings(trunk->snapshot, "trunks", trunk->index, "codecs");
}

bool trunk_is_trusted(const struct trunk *trunk)
{
	return config_boolean(trunk->snapshot, "trunks", trunk->index, "trusted");
}

enum trunk_identity_header trunk_identity_header(const struct trunk *trunk)
{
	return (enum trunk_identity_header)config_enum(trunk->snapshot, "trunks", trunk->index, "identity");
}

const char *trunk_caller_id(const struct trunk *trunk)
{
	return option_text(trunk, "caller_id");
}

bool trunk_latch(const struct trunk *trunk)
{
	return config_boolean(trunk->snapshot, "trunks", trunk->index, "latch");
}

enum trunk_dtmf trunk_dtmf(const struct trunk *trunk)
{
	return (enum trunk_dtmf)config_enum(trunk->snapshot, "trunks", trunk->index, "dtmf");
}

bool trunk_record(const struct trunk *trunk)
{
	return config_boolean(trunk->snapshot, "trunks", trunk->index, "record");
}

bool trunk_video(const struct trunk *trunk)
{
	return config_boolean(trunk->snapshot, "trunks", trunk->index, "video");
}

bool trunk_holds_by_address(const struct trunk *trunk)
{
	return config_enum(trunk->snapshot, "trunks", trunk->index, "hold") > 0;
}

uint32_t trunk_session_expires_s(const struct trunk *trunk, uint32_t otherwise)
{
	bool has_own = config_is_set(trunk->snapshot, "trunks", trunk->index, "session_expires_seconds");
	return has_own ? (uint32_t)config_integer(trunk->snapshot, "trunks", trunk->index, "session_expires_seconds") : otherwise;
}

bool trunk_may_redirect(const struct trunk *trunk)
{
	return config_enum(trunk->snapshot, "trunks", trunk->index, "redirect") > 0;
}

bool trunk_may_refer_back(const struct trunk *trunk)
{
	return config_enum(trunk->snapshot, "trunks", trunk->index, "refer") > 0;
}

bool trunk_has_address(const struct trunk *trunk, const struct net_address *address)
{
	for (size_t i = 0; i < trunk->n_addresses; i++)
		if (net_address_same_host(&trunk->addresses[i], address))
			return true;
	return false;
}

bool trunk_has_host(const struct trunk *trunk, const char *host)
{
	struct net_address address;
	return !g_ascii_strcasecmp(host, trunk->host) ||
	       (net_address_parse(host, TRUNK_DEFAULT_PORT, &address) == 0 && trunk_has_address(trunk, &address));
}

bool trunk_registers(const struct trunk *trunk)
{
	return config_boolean(trunk->snapshot, "trunks", trunk->index, "register");
}

uint32_t trunk_expires_s(const struct trunk *trunk)
{
	return (uint32_t)config_integer(trunk->snapshot, "trunks", trunk->index, "expires_seconds");
}

uint32_t trunk_retry_s(const struct trunk *trunk)
{
	return (uint32_t)config_integer(trunk->snapshot, "trunks", trunk->index, "retry_seconds");
}

bool trunk_is_registered(const struct trunk *trunk)
{
	return trunk->registration && trunk_registration_holds(trunk->registration);
}

bool trunk_is_own_contact(const struct trunk *trunk, const char *user)
{
	return trunk->account && !strcmp(trunk_account_contact_user(trunk->account), user);
}

void trunk_doubt(struct trunk *trunk)
{
	if (trunk->registration)
		trunk_registration_doubt(trunk->registration);
}

enum trunk_srtp trunk_srtp(const struct trunk *trunk)
{
	return (enum trunk_srtp)config_enum(trunk->snapshot, "trunks", trunk->index, "srtp");
}

const char *trunk_inbound(const struct trunk *trunk)
{
	return option_text(trunk, "inbound");
}

const struct net_address *trunk_address(const struct trunk *trunk)
{
	return trunk->n_addresses ? &trunk->addresses[0] : NULL;
}

bool trunk_is_looked_up(const struct trunk *trunk)
{
	return trunk->is_looked_up;
}

/* --- all of them --- */

static void list_free_entry(void *data)
{
	trunk_retire(data);
	trunk_unref(data);
}

static void account_entry_free(void *data)
{
	struct account_entry *entry = data;
	trunk_account_unref(entry->account);
	g_free(entry->trunk_name);
	g_free(entry);
}

static struct trunks *trunks_alloc(struct loop *loop)
{
	struct trunks *trunks = g_new0(struct trunks, 1);
	trunks->loop = loop;
	trunks->list = g_ptr_array_new_with_free_func(list_free_entry);
	trunks->retired = g_ptr_array_new();
	trunks->accounts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, account_entry_free);
	return trunks;
}

static int fill(struct trunks *trunks, struct config_snapshot *snapshot, GPtrArray *old)
{
	for (size_t i = 0; i < config_count(snapshot, "trunks"); i++) {
		struct trunk *same = NULL;
		for (guint j = 0; old && j < old->len && !same; j++) {
			struct trunk *trunk = old->pdata[j];
			if (config_entry_equal(trunk->snapshot, trunk->index, snapshot, i, "trunks"))
				same = g_ptr_array_steal_index(old, j);
		}
		struct trunk *trunk = same ? same : trunk_new(trunks->loop, snapshot, i);
		if (!trunk)
			return -EINVAL;
		g_ptr_array_add(trunks->list, trunk);
	}
	return 0;
}

int trunks_new(struct loop *loop, struct config_snapshot *snapshot, struct trunks **ret_trunks)
{
	struct trunks *trunks = trunks_alloc(loop);
	int result = fill(trunks, snapshot, NULL);
	if (result < 0)
		trunks_free(trunks);
	else
		*ret_trunks = trunks;
	return result;
}

static void start_registrations(struct trunks *trunks)
{
	for (guint i = 0; trunks->stack && i < trunks->list->len; i++)
		trunk_own_start(trunks->list->pdata[i], trunks->stack, trunks->events);
}

void trunks_register(struct trunks *trunks, struct sip_stack *stack, struct event_bus *events)
{
	trunks->stack = stack;
	trunks->events = events;
	start_registrations(trunks);
}

void trunks_unregister(struct trunks *trunks)
{
	trunks->stack = NULL;
	for (guint i = 0; i < trunks->list->len; i++) {
		struct trunk *trunk = trunks->list->pdata[i];
		if (trunk->registration)
			trunk_registration_end(trunk->registration);
	}
}

int trunks_reload(struct trunks *trunks, struct config_snapshot *snapshot)
{
	g_autoptr(GPtrArray) old = trunks->list; /* what is left in it at the end is gone from the configuration */
	trunks->list = g_ptr_array_new_with_free_func(list_free_entry);
	int result = fill(trunks, snapshot, old);
	for (guint i = 0; i < old->len; i++) {
		struct trunk *trunk = old->pdata[i];
		trunk->retired = trunks->retired;
		g_ptr_array_add(trunks->retired, trunk); /* takes itself out when the last call lets go */
		trunk_own_retire(trunk);
	}
	start_registrations(trunks);
	return result;
}

struct trunks *trunks_free(struct trunks *trunks)
{
	if (!trunks)
		return NULL;
	for (guint i = 0; i < trunks->retired->len; i++) {
		struct trunk *trunk = trunks->retired->pdata[i];
		trunk->retired = NULL;
		trunk_own_drop(trunk);
	}
	g_ptr_array_free(trunks->retired, TRUE);
	g_ptr_array_free(trunks->list, TRUE);
	g_hash_table_unref(trunks->accounts);
	sip_digest_server_free(trunks->digest);
	g_free(trunks);
	return NULL;
}

void trunks_add_account(struct trunks *trunks, const char *user, const char *trunk_name, struct trunk_account *account)
{
	struct account_entry *entry = g_new(struct account_entry, 1);
	*entry = (struct account_entry){.trunk_name = g_strdup(trunk_name), .account = trunk_account_ref(account)};
	g_hash_table_insert(trunks->accounts, g_strdup(user), entry);
}

void trunks_remove_account(struct trunks *trunks, const char *user)
{
	g_hash_table_remove(trunks->accounts, user);
}

struct trunk_account *trunks_account(const struct trunks *trunks, const char *user, const char *trunk_name)
{
	const struct account_entry *entry = g_hash_table_lookup(trunks->accounts, user);
	return entry && !strcmp(entry->trunk_name, trunk_name) ? entry->account : NULL;
}

size_t trunks_count(const struct trunks *trunks)
{
	return trunks->list->len;
}

struct sip_digest_server **trunks_digest(struct trunks *trunks)
{
	return &trunks->digest;
}

struct trunk *trunks_at(const struct trunks *trunks, size_t index)
{
	return index < trunks->list->len ? trunks->list->pdata[index] : NULL;
}

struct trunk *trunk_find(const struct trunks *trunks, const char *name)
{
	for (guint i = 0; i < trunks->list->len; i++)
		if (!strcmp(trunk_name(trunks->list->pdata[i]), name))
			return trunks->list->pdata[i];
	return NULL;
}

struct trunk *trunk_of_identity(const struct trunks *trunks, const char *identity)
{
	for (guint i = 0; i < trunks->list->len; i++) {
		struct trunk *trunk = trunks->list->pdata[i];
		if (!g_strcmp0(trunk->identity, identity))
			return trunk;
	}
	return NULL;
}

static bool is_heard_over(const struct trunk *trunk, enum sip_transport transport)
{
	bool is_large_request = trunk->transport == SIP_TRANSPORT_UDP && transport == SIP_TRANSPORT_TCP;
	return trunk->transport == transport || is_large_request;
}

/* 0: it is not this trunk's; more is a better fit. */
static int fit(const struct trunk *trunk, enum sip_transport transport, const struct net_address *source)
{
	bool is_same_transport = trunk->transport == transport;
	if (!is_heard_over(trunk, transport))
		return 0;
	int best = 0;
	for (size_t i = 0; i < trunk->n_addresses; i++) {
		if (!net_address_same_host(&trunk->addresses[i], source))
			continue;
		bool is_same_port = net_address_port(&trunk->addresses[i]) == net_address_port(source);
		best = MAX(best, 1 + 2 * is_same_transport + is_same_port);
	}
	return best;
}

struct trunk *trunk_of_source(const struct trunks *trunks, enum sip_transport transport,
			      const struct net_address *source)
{
	struct trunk *best = NULL;
	int best_fit = 0;
	for (guint i = 0; i < trunks->list->len; i++) {
		int this_fit = fit(trunks->list->pdata[i], transport, source);
		if (this_fit > best_fit) {
			best_fit = this_fit;
			best = trunks->list->pdata[i];
		}
	}
	return best;
}

static bool has_had_host(const struct trunk *trunk, const struct net_address *source)
{
	for (size_t i = 0; i < trunk->n_addresses; i++)
		if (net_address_same_host(&trunk->addresses[i], source))
			return true;
	for (size_t i = 0; i < trunk->n_former; i++)
		if (net_address_same_host(&trunk->former[i], source))
			return true;
	return false;
}

static bool any_may_act(const GPtrArray *list, const char *identity, enum sip_transport transport,
			const struct net_address *source)
{
	for (guint i = 0; i < list->len; i++) {
		const struct trunk *trunk = list->pdata[i];
		if (!strcmp(trunk->identity, identity) && is_heard_over(trunk, transport) &&
		    has_had_host(trunk, source))
			return true;
	}
	return false;
}

bool trunk_may_act(const struct trunks *trunks, const char *identity, enum sip_transport transport,
		   const struct net_address *source)
{
	return any_may_act(trunks->list, identity, transport, source) ||
	       any_may_act(trunks->retired, identity, transport, source);
}
