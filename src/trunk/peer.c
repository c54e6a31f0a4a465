/* A peer of a trunk as it is configured, and where it is now. */
#include "base/log.h"
#include "sip/uri.h"
#include "trunk/internal.h"
#include <string.h>

static void start_lookup(void *data);

static struct trunk_hop *find_hop(const GPtrArray *hops, const struct net_address *address, enum sip_transport transport)
{
	for (guint i = 0; i < hops->len; i++) {
		struct trunk_hop *hop = hops->pdata[i];
		if (hop->transport == transport && net_address_equal(&hop->address, address))
			return hop;
	}
	return NULL;
}

static void remember(struct trunk_peer *peer, struct trunk_hop *hop)
{
	if (find_hop(peer->former, &hop->address, hop->transport))
		return;
	if (peer->former->len == TRUNK_FORMER_MAX)
		g_ptr_array_remove_index(peer->former, 0);
	g_ptr_array_add(peer->former, trunk_hop_ref(hop));
}

/* The one in use stays the first while it is still among the best: requests should not wander. */
static void keep_first(const struct trunk_peer *peer, GPtrArray *hops)
{
	struct trunk_hop *first = peer->hops->len ? peer->hops->pdata[0] : NULL, *now_first = hops->pdata[0];
	for (guint i = 0; first && i < hops->len; i++)
		if (hops->pdata[i] == first && first->priority == now_first->priority && first->weight == now_first->weight) {
			hops->pdata[i] = now_first;
			hops->pdata[0] = first;
			return;
		}
}

/* Takes the list, which is not empty. Hops that stay are the same objects, since they know how they do. */
static void take_hops(struct trunk_peer *peer, GPtrArray *hops)
{
	keep_first(peer, hops);
	for (guint i = 0; i < peer->hops->len; i++)
		remember(peer, peer->hops->pdata[i]);
	for (guint i = 0; i < peer->hops->len; i++)
		if (!g_ptr_array_find(hops, peer->hops->pdata[i], NULL))
			trunk_health_stop(peer->hops->pdata[i]);
	g_ptr_array_unref(peer->hops);
	peer->hops = hops;
}

static GPtrArray *make_hops(struct trunk_peer *peer, const struct trunk_record *records, size_t n)
{
	GPtrArray *hops = trunk_hop_list_new();
	for (size_t i = 0; i < n; i++) {
		const struct trunk_record *record = &records[i];
		struct trunk_hop *same = find_hop(peer->hops, &record->address, record->transport);
		if (find_hop(hops, &record->address, record->transport))
			continue;
		struct trunk_hop *hop =
		    same ? trunk_hop_ref(same) : trunk_hop_new(peer, &record->address, record->transport);
		hop->priority = record->priority;
		hop->weight = record->weight;
		g_ptr_array_add(hops, hop);
	}
	return hops;
}

static bool are_same(const GPtrArray *one, const GPtrArray *other)
{
	return one->len == other->len && !memcmp(one->pdata, other->pdata, one->len * sizeof *one->pdata);
}

static void log_hops(const struct trunk_peer *peer)
{
	g_autoptr(GString) text = g_string_new(NULL);
	for (guint i = 0; i < peer->hops->len; i++) {
		const struct trunk_hop *hop = peer->hops->pdata[i];
		g_string_append_printf(text, "%s%s %s", i ? ", " : "", hop->name, sip_transport_name(hop->transport));
	}
	log_info(NULL, "trunk %s: %s is at %s", trunk_name(peer->trunk), peer->uri.host, text->str);
}

static void lookup_done(void *data, const struct trunk_answer *answer)
{
	struct trunk_peer *peer = data;
	peer->lookup = NULL;
	peer->is_looked_up = true;
	if (answer->failure) {
		log_warning(NULL, "trunk %s: its peer %s is not found: %s%s", trunk_name(peer->trunk), peer->uri.host,
			    answer->failure, peer->hops->len ? "; the addresses known before are kept" : "");
		loop_timer_start_ms(&peer->refresh, TRUNK_RETRY_MS);
		return;
	}
	GPtrArray *before = g_ptr_array_ref(peer->hops);
	take_hops(peer, make_hops(peer, answer->records, answer->n));
	if (!are_same(before, peer->hops))
		log_hops(peer);
	g_ptr_array_unref(before);
	trunk_health_look(peer->trunk);
	loop_timer_start_ms(&peer->refresh, answer->ttl_s * INT64_C(1000));
}

static void start_lookup(void *data)
{
	struct trunk_peer *peer = data;
	g_autofree char *servers = trunk_dns_servers(peer->trunk->snapshot);
	struct trunk_question question = {
	    .host = peer->uri.host,
	    .port = peer->uri.port,
	    .is_transport_written = peer->uri.is_transport_written,
	    .transport = peer->uri.transport,
	    .servers = servers,
	};
	if (trunk_lookup_start(peer->trunk->loop, &question, lookup_done, peer, &peer->lookup) < 0)
		loop_timer_start_ms(&peer->refresh, TRUNK_RETRY_MS);
}

static void find_hops(struct trunk_peer *peer)
{
	struct trunk_record record = {.transport = peer->uri.transport};
	uint16_t port = peer->uri.port ? peer->uri.port : sip_transport_default_port(peer->uri.transport);
	if (net_address_parse(peer->uri.host, port, &record.address) < 0) {
		start_lookup(peer);
		return;
	}
	peer->is_looked_up = true;
	take_hops(peer, make_hops(peer, &record, 1));
}

struct trunk_peer *trunk_peer_new(struct trunk *trunk, const struct trunk_peer_uri *uri)
{
	struct trunk_peer *peer = g_new0(struct trunk_peer, 1);
	struct sip_uri host = {.port = uri->port};
	base_copy_text(host.host, sizeof host.host, uri->host);
	g_autofree char *host_text = sip_uri_format(&host);
	peer->trunk = trunk;
	peer->uri = *uri;
	peer->host_text = g_strdup(host_text + 1); /* without the ':' of the empty scheme */
	peer->hops = trunk_hop_list_new();
	peer->former = trunk_hop_list_new();
	loop_timer_init(&peer->refresh, trunk->loop, start_lookup, peer);
	if (uri->transport == SIP_TRANSPORT_TLS)
		peer->tls = trunk_security_new(trunk, uri->host, uri->is_sips);
	find_hops(peer);
	return peer;
}

char *trunk_peer_format_uri(const struct trunk_peer *peer, const char *user)
{
	static const char *const words[] = {[SIP_TRANSPORT_TCP] = "transport=tcp", [SIP_TRANSPORT_TLS] = "transport=tls"};
	struct sip_uri uri = {.port = peer ? peer->uri.port : 0};
	bool is_sips = peer && peer->uri.is_sips;
	base_copy_text(uri.scheme, sizeof uri.scheme, is_sips ? "sips" : "sip");
	base_copy_text(uri.host, sizeof uri.host, peer ? peer->uri.host : "");
	base_copy_text(uri.user, sizeof uri.user, user ? user : "");
	if (peer && !is_sips && peer->uri.transport != SIP_TRANSPORT_UDP)
		base_copy_text(uri.parameters, sizeof uri.parameters, words[peer->uri.transport]);
	return sip_uri_format(&uri);
}

const GPtrArray *trunk_peer_hops(const struct trunk *trunk, guint index)
{
	const struct trunk_peer *peer = trunk->peers->pdata[index];
	return peer->hops;
}

void trunk_peer_retire(struct trunk_peer *peer)
{
	for (guint i = 0; i < peer->hops->len; i++)
		trunk_health_stop(peer->hops->pdata[i]);
	loop_timer_stop(&peer->refresh);
	peer->lookup = trunk_lookup_abandon(peer->lookup);
}

struct trunk_peer *trunk_peer_free(struct trunk_peer *peer)
{
	if (!peer)
		return NULL;
	trunk_peer_retire(peer);
	g_ptr_array_unref(peer->hops);
	g_ptr_array_unref(peer->former);
	sip_tls_abandon(peer->tls);
	g_free(peer->host_text);
	g_free(peer);
	return NULL;
}
