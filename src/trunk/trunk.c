#include "sip/uri.h"
#include "trunk/internal.h"
#include <string.h>

const char *trunk_option_text(const struct trunk *trunk, const char *name)
{
	return config_string(trunk->snapshot, "trunks", trunk->index, name);
}

/* -EINVAL: one of its peers is none. */
static int add_peer(struct trunk *trunk, const char *text)
{
	struct trunk_peer_uri uri = {0};
	if (!text || trunk_read_peer(text, config_enum(trunk->snapshot, "trunks", trunk->index, "transport"), &uri))
		return text ? -EINVAL : 0;
	g_ptr_array_add(trunk->peers, trunk_peer_new(trunk, &uri));
	return 0;
}

static int add_peers(struct trunk *trunk)
{
	int error = add_peer(trunk, trunk_option_text(trunk, "peer"));
	for (const char *const *text = config_strings(trunk->snapshot, "trunks", trunk->index, "peers"); *text && !error; text++)
		error = add_peer(trunk, *text);
	return error;
}

static void free_peer(void *peer)
{
	trunk_peer_free(peer);
}

struct trunk *trunk_new(struct loop *loop, struct config_snapshot *snapshot, size_t index)
{
	struct trunk *trunk = g_new0(struct trunk, 1);
	trunk->references = 1;
	trunk->snapshot = config_ref(snapshot);
	trunk->index = index;
	trunk->loop = loop;
	trunk->peers = g_ptr_array_new_with_free_func(free_peer);
	trunk->identity = g_strdup_printf("trunk:%s", trunk_name(trunk));
	trunk_sources_init(trunk);
	if (add_peers(trunk) < 0)
		return trunk_unref(trunk);
	if (!trunk->peers->len && trunk_meant_transport(config_enum(snapshot, "trunks", index, "transport")) == SIP_TRANSPORT_TLS)
		trunk->tls = trunk_security_new(trunk, "", false);
	struct sip_credentials credentials = trunk_own_credentials(trunk);
	trunk->digest = credentials.username ? sip_digest_client_new(&credentials) : NULL;
	trunk_own_init(trunk);
	return trunk;
}

void trunk_retire(struct trunk *trunk)
{
	for (guint i = 0; i < trunk->peers->len; i++)
		trunk_peer_retire(trunk->peers->pdata[i]);
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
	sip_tls_abandon(trunk->tls);
	if (trunk->retired)
		g_ptr_array_remove_fast(trunk->retired, trunk);
	g_ptr_array_unref(trunk->peers);
	g_array_unref(trunk->sources);
	sip_digest_client_free(trunk->digest);
	config_unref(trunk->snapshot);
	g_free(trunk->identity);
	g_free(trunk);
	return NULL;
}

const char *trunk_name(const struct trunk *trunk)
{
	return trunk_option_text(trunk, "name");
}

const char *trunk_identity(const struct trunk *trunk)
{
	return trunk->identity;
}

static const struct trunk_peer *first_peer(const struct trunk *trunk)
{
	return trunk->peers->len ? trunk->peers->pdata[0] : NULL;
}

char *trunk_uri(const struct trunk *trunk, const char *user)
{
	g_autoptr(GPtrArray) hops = trunk_hops_in_order(trunk);
	const struct trunk_hop *hop = hops->len ? hops->pdata[0] : NULL;
	return trunk_peer_format_uri(hop ? hop->peer : first_peer(trunk), user);
}

enum sip_transport trunk_transport(const struct trunk *trunk)
{
	g_autoptr(GPtrArray) hops = trunk_hops_in_order(trunk);
	const struct trunk_hop *hop = hops->len ? hops->pdata[0] : NULL;
	return hop ? hop->transport : SIP_TRANSPORT_UDP;
}

char *trunk_address_of_record(const struct trunk *trunk, const char *user)
{
	const char *domain = trunk_option_text(trunk, "domain");
	g_autofree char *escaped = sip_uri_escape_user(user);
	return g_strdup_printf("sip:%s@%s", escaped, domain ? domain : trunk_host(trunk));
}

const char *trunk_host(const struct trunk *trunk)
{
	return first_peer(trunk) ? first_peer(trunk)->host_text : "";
}

bool trunk_shares(const struct trunk *trunk)
{
	return config_enum(trunk->snapshot, "trunks", trunk->index, "balance") > 0;
}

int64_t trunk_failover_ms(const struct trunk *trunk)
{
	return config_integer(trunk->snapshot, "trunks", trunk->index, "failover_ms");
}

bool trunk_is_far_end(const struct trunk *trunk, const struct sip_flow *flow)
{
	bool is_on_tls = sip_flow_transport(flow) == SIP_TRANSPORT_TLS;
	return is_on_tls ? trunk_security_knows(trunk, flow) : trunk_has_address(trunk, sip_flow_remote(flow));
}

struct sip_digest_client *trunk_digest(const struct trunk *trunk, const struct trunk_account *account,
				       const struct sip_flow *flow)
{
	if (!trunk_is_far_end(trunk, flow))
		return NULL;
	return account ? trunk_account_digest(account) : trunk->digest;
}

const char *trunk_realm(const struct trunk *trunk)
{
	return trunk_option_text(trunk, "realm");
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
	return trunk_option_text(trunk, "caller_id");
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
	return trunk_hop_of_source(trunk, SIP_TRANSPORT_UDP, address);
}

bool trunk_has_host(const struct trunk *trunk, const char *host)
{
	struct net_address address;
	for (guint i = 0; i < trunk->peers->len; i++) {
		const struct trunk_peer *peer = trunk->peers->pdata[i];
		if (!g_ascii_strcasecmp(host, peer->uri.host))
			return true;
	}
	return net_address_parse(host, 0, &address) == 0 && trunk_has_address(trunk, &address);
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
	return trunk_option_text(trunk, "inbound");
}

bool trunk_is_found(const struct trunk *trunk)
{
	for (guint i = 0; i < trunk->peers->len; i++) {
		const struct trunk_peer *peer = trunk->peers->pdata[i];
		if (peer->hops->len)
			return true;
	}
	return false;
}

bool trunk_shares_host(const struct trunk *trunk, const struct trunk *other)
{
	for (guint i = 0; i < trunk->peers->len; i++) {
		const struct trunk_peer *peer = trunk->peers->pdata[i];
		for (guint j = 0; j < peer->hops->len; j++)
			if (trunk_has_address(other, trunk_hop_address(peer->hops->pdata[j])))
				return true;
	}
	return false;
}

bool trunk_is_looked_up(const struct trunk *trunk)
{
	for (guint i = 0; i < trunk->peers->len; i++) {
		const struct trunk_peer *peer = trunk->peers->pdata[i];
		if (!peer->is_looked_up)
			return false;
	}
	return true;
}
