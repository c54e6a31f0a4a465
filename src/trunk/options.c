/* What stands in "trunks", and what is wrong with it. */
#include "trunk/options.h"
#include "sip/options.h"
#include "trunk/preset.h"
#include "trunk/trunk.h"
#include <string.h>

static const char *const transports[] = {"udp", "tcp", "tls", NULL};
enum { UDP, TCP, TLS }; /* their places */
static const enum sip_transport meant[] = {[UDP] = SIP_TRANSPORT_UDP, [TCP] = SIP_TRANSPORT_TCP, [TLS] = SIP_TRANSPORT_TLS};
static const char *const balance_words[] = {"failover", "share", NULL};
static const char *const srtp_words[] = {"off", "optional", "required", "dtls", NULL};

static const char *const redirect_words[] = {"never", "trunk", NULL};
static const char *const identity_words[] = {"none", "pai", "rpid", NULL};
static const char *const hold_words[] = {"direction", "zero-address", NULL};
static const char *const dtmf_words[] = {"auto", "rfc4733", "info", "inband", NULL};
static const char *const refer_words[] = {"inbound", "trunk", NULL};

static const struct config_option rows[] = {
    {.name = "name",
     .type = CONFIG_STRING,
     .is_required = true,
     .is_key = true,
     .max = 64,
     .help = "What routes, logs and records call the trunk."},
    {.name = "preset",
     .type = CONFIG_STRING,
     .presets = trunk_presets,
     .help = "What is usual with such a peer, for what is not written here; \"tandem --presets\" shows it."},
    {.name = "peer",
     .type = CONFIG_STRING,
     .max = 300,
     .help = "The far end, \"sip:10.0.0.2\" or \"sip:pbx.example.com:5062\"; only a trunk with inbound_username may do without: "
	     "it calls and is never called."},
    {.name = "peers",
     .type = CONFIG_STRING,
     .is_list = true,
     .max = 300,
     .help = "Instead of peer: several far ends that stand in for each other, the best first."},
    {.name = "balance",
     .type = CONFIG_ENUM,
     .names = balance_words,
     .fallback = "failover",
     .help = "Which of several peers or addresses is called: the next only where those before it do not serve (\"failover\"), or "
	     "each in its turn (\"share\")."},
    {.name = "failover_ms",
     .type = CONFIG_INTEGER,
     .min = 200,
     .max = 30000,
     .fallback = "1500",
     .help = "So long a peer may be silent to an INVITE or REGISTER before the next one is tried, or, after the last, the route's fallback."},
    {.name = "options_seconds",
     .type = CONFIG_INTEGER,
     .max = 3600,
     .help = "How often each peer is asked whether it is there, by OPTIONS; 0: never. Without this option it is 30 where there are several "
	     "peers or addresses, else 0."},
    {.name = "transport",
     .type = CONFIG_ENUM,
     .names = transports,
     .help = "How requests are sent; what is not written is taken from the peer's URI, else it is udp. \"sips:\" is tls."},
    {.name = "verify",
     .type = CONFIG_BOOLEAN,
     .fallback = "true",
     .help = "On tls: whether the peer's certificate must be trusted and bear its name."},
    {.name = "ca_file", .type = CONFIG_PATH, .help = "PEM file of the certificates that vouch for the peer's; the system's when it is not written."},
    {.name = "tls_name",
     .type = CONFIG_STRING,
     .min = 1,
     .max = 253,
     .help = "The name or address that the peer's certificate is for; the peer's host when it is not written."},
    {.name = "certificate", .type = CONFIG_PATH, .help = "PEM file with a certificate of our own (and its chain), shown to this peer alone."},
    {.name = "key", .type = CONFIG_PATH, .help = "PEM file with the private key of certificate."},
    {.name = "client_certificate",
     .type = CONFIG_BOOLEAN,
     .fallback = "false",
     .help = "On connections it makes, the peer is known by a certificate (as ca_file and tls_name say), from any address, and by nothing else."},
    {.name = "username", .type = CONFIG_STRING, .min = 1, .max = 255, .help = "For the peer's digest challenges."},
    {.name = "password", .type = CONFIG_STRING, .is_secret = true, .min = 1, .max = 255, .help = "Goes with username."},
    {.name = "ha1_md5",
     .type = CONFIG_STRING,
     .is_secret = true,
     .min = 32,
     .max = 32,
     .help = "In place of password: its hash for username and realm, which must be written (\"tandem hash\" makes it)."},
    {.name = "ha1_sha256", .type = CONFIG_STRING, .is_secret = true, .min = 64, .max = 64, .help = "The same for SHA-256."},
    {.name = "inbound_addresses",
     .type = CONFIG_STRING,
     .is_list = true,
     .min = 1,
     .max = 63,
     .help = "Addresses and networks (\"203.0.113.0/24\") that its calls may come from, beside its peers."},
    {.name = "inbound_username",
     .type = CONFIG_STRING,
     .min = 1,
     .max = 255,
     .help = "Its calls are taken only with this name and the password: from any address, or, where there are inbound_addresses, from these and its peers."},
    {.name = "inbound_password", .type = CONFIG_STRING, .is_secret = true, .min = 1, .max = 255, .help = "Goes with inbound_username."},
    {.name = "inbound_ha1_md5",
     .type = CONFIG_STRING,
     .is_secret = true,
     .min = 32,
     .max = 32,
     .help = "In place of inbound_password: its hash, for the realm that domain is."},
    {.name = "realm",
     .type = CONFIG_STRING,
     .min = 1,
     .max = 255,
     .help = "Only challenges of this realm are answered; any of the peer's when it is not written."},
    {.name = "register",
     .type = CONFIG_BOOLEAN,
     .fallback = "false",
     .help = "Registers with the peer as username, so that its calls come here."},
    {.name = "domain",
     .type = CONFIG_STRING,
     .min = 1,
     .max = 253,
     .help = "The domain of the addresses registered with the peer; its host when it is not written."},
    {.name = "expires_seconds",
     .type = CONFIG_INTEGER,
     .min = 10,
     .max = 86400,
     .fallback = "300",
     .help = "How long a registration with the peer is to hold; it is refreshed after half of it."},
    {.name = "retry_seconds",
     .type = CONFIG_INTEGER,
     .min = 1,
     .max = 1800,
     .fallback = "30",
     .help = "The first time to wait after a failed registration; it doubles up to half an hour."},
    {.name = "codecs",
     .type = CONFIG_STRING,
     .is_list = true,
     .min = 1,
     .max = 31,
     .help = "Encoding names in order of preference, such as ( \"PCMA\", \"PCMU\" )."},
    {.name = "trusted",
     .type = CONFIG_BOOLEAN,
     .fallback = "false",
     .help = "Its word is taken for who calls (P-Asserted-Identity, Remote-Party-ID) and for whom (Diversion, History-Info), and "
	     "it is told who wants to be unknown to others."},
    {.name = "identity",
     .type = CONFIG_ENUM,
     .names = identity_words,
     .fallback = "none",
     .help = "How the caller is asserted to it beside From: by P-Asserted-Identity or Remote-Party-ID."},
    {.name = "caller_id",
     .type = CONFIG_STRING,
     .min = 1,
     .max = 63,
     .help = "The number that users present to it who have none of their own (users[].caller_id)."},
    {.name = "latch",
     .type = CONFIG_BOOLEAN,
     .fallback = "false",
     .help = "Learns, once a call, the address media really comes from, for peers behind NAT."},
    {.name = "dtmf",
     .type = CONFIG_ENUM,
     .names = dtmf_words,
     .fallback = "auto",
     .help = "How digits go to it: as telephone events (\"rfc4733\"), by \"info\", or as tones (\"inband\"); \"auto\": events where "
	     "they are agreed on, else tones where the codec carries them, else INFO. Tones of its own are looked for with \"inband\", "
	     "and with \"auto\" where no events are agreed on."},
    {.name = "hold",
     .type = CONFIG_ENUM,
     .names = hold_words,
     .fallback = "direction",
     .help = "How it is told that a call is held: by the \"direction\" of streams (RFC 3264), or by a \"zero-address\" too (RFC 2543)."},
    {.name = "session_expires_seconds",
     .type = CONFIG_INTEGER,
     .min = 0,
     .max = 86400,
     .help = "As calls.session_expires_seconds, for its calls; 0: it is asked for none."},
    {.name = "video",
     .type = CONFIG_BOOLEAN,
     .fallback = "true",
     .help = "Pictures go over, where both ends of a call have them."},
    {.name = "record",
     .type = CONFIG_BOOLEAN,
     .fallback = "false",
     .help = "Its calls are recorded, into recording.directory."},
    {.name = "srtp",
     .type = CONFIG_ENUM,
     .names = srtp_words,
     .fallback = "off",
     .help = "Encryption of media: by keys in the SDP (SDES), \"optional\" in RTP/AVP or \"required\", or by \"dtls\" "
	     "(UDP/TLS/RTP/SAVP), which takes nothing else either."},
    {.name = "redirect",
     .type = CONFIG_ENUM,
     .names = redirect_words,
     .fallback = "never",
     .help = "Which 3xx of the peer are followed: \"never\" any, or \"trunk\": those that point at the peer itself."},
    {.name = "refer",
     .type = CONFIG_ENUM,
     .names = refer_words,
     .fallback = "inbound",
     .help = "Where the peer may have the other party of a call sent by REFER: \"inbound\", where its own calls may go, or "
	     "\"trunk\", to numbers of the peer itself too, which are then called at your cost."},
    {.name = "inbound",
     .type = CONFIG_STRING,
     .min = 1,
     .max = 255,
     .help = "Where its calls go: a user, a ring group, an announcement or a built-in such as \"echo\"; else to the user who is dialled."},
    {0},
};

static bool is_ipv4(const char *host)
{
	struct in_addr address;
	return inet_pton(AF_INET, host, &address) == 1;
}

/* A name as DNS can have it; figures and dots alone are an address gone wrong. */
static bool is_host_name(const char *host)
{
	size_t length = strlen(host), label = 0;
	if (!length || length > 253 || !host[strspn(host, "0123456789.")])
		return false;
	for (const char *c = host; *c; c++) {
		bool is_end = c[1] == '\0' || c[1] == '.';
		if (*c == '.' ? !label : !(g_ascii_isalnum(*c) || *c == '_' || (*c == '-' && label && !is_end)))
			return false;
		label = *c == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return true;
}

static bool is_domain(const char *text)
{
	g_autofree char *uri = g_strdup_printf("sip:%s", text);
	struct sip_uri parsed;
	return sip_uri_parse(uri, &parsed) == 0 && !*parsed.user && !*parsed.parameters &&
	       (strchr(parsed.host, ':') || is_ipv4(parsed.host) || is_host_name(parsed.host));
}

static const char *split_peer(const char *text, struct sip_uri *uri)
{
	if (sip_uri_parse(text, uri) < 0)
		return "wants a URI such as \"sip:10.0.0.2\" or \"sip:pbx.example.com:5062\"";
	if (strcmp(uri->scheme, "sip") != 0 && strcmp(uri->scheme, "sips") != 0)
		return "wants a URI that begins with \"sip:\" or \"sips:\"";
	if (*uri->user)
		return "names a user; the user part is set by each call (a login belongs into username)";
	struct net_address address;
	bool is_address = strchr(uri->host, ':') || is_ipv4(uri->host);
	if (is_address && net_address_parse(uri->host, 0, &address) < 0)
		return "holds an address that is none";
	if (is_address && net_address_is_wildcard(&address))
		return "wants the address of the far end, not one that stands for every address";
	if (!is_address && !is_host_name(uri->host))
		return "holds a host that is neither an address nor a name";
	return NULL;
}

const char *trunk_read_peer(const char *text, int transport_option, struct trunk_peer_uri *ret_peer)
{
	struct sip_uri uri;
	const char *wrong = split_peer(text, &uri);
	if (wrong)
		return wrong;
	char word[16] = "";
	bool has_word = sip_uri_parameter(&uri, "transport", word, sizeof word);
	bool is_sips = !strcmp(uri.scheme, "sips");
	int written = is_sips ? TLS : -1;
	if (is_sips && !g_ascii_strcasecmp(word, "tcp"))
		has_word = false; /* RFC 3261 has it so: what TLS runs on */
	for (int i = 0; has_word && transports[i]; i++)
		if (!g_ascii_strcasecmp(word, transports[i]))
			written = i;
	if (has_word && written < 0)
		return "asks for a transport that trunks do not have: udp, tcp and tls are there";
	if (is_sips && written != TLS)
		return "says \"sips:\" and a transport that is not TLS";
	if (written >= 0 && transport_option >= 0 && transport_option != written)
		return "says another transport than the option transport";
	int transport = transport_option >= 0 ? transport_option : written;
	base_copy_text(ret_peer->host, sizeof ret_peer->host, uri.host);
	ret_peer->port = uri.port;
	ret_peer->is_transport_written = transport >= 0;
	ret_peer->transport = trunk_meant_transport(transport);
	ret_peer->is_sips = is_sips;
	return NULL;
}

enum sip_transport trunk_meant_transport(int transport_option)
{
	return transport_option < 0 ? SIP_TRANSPORT_UDP : meant[transport_option];
}

/* What we show the peer. */
static void check_credentials(const struct config_snapshot *snapshot, struct config_report *report, size_t i)
{
	const char *username = config_string(snapshot, "trunks", i, "username");
	bool has_password = config_string(snapshot, "trunks", i, "password");
	bool has_hash = sip_check_ha1(snapshot, report, "trunks", i, "ha1_md5", SIP_DIGEST_MD5) |
			sip_check_ha1(snapshot, report, "trunks", i, "ha1_sha256", SIP_DIGEST_SHA256);
	if (username && !has_password && !has_hash)
		config_complain(report, "trunks", i, "username", "needs a password");
	if (has_password && !username)
		config_complain(report, "trunks", i, "password", "needs a username");
	if (has_hash && !username)
		config_complain(report, "trunks", i, NULL, "needs a username for its hash");
	if (has_hash && has_password)
		config_complain(report, "trunks", i, "password", "stands there beside its hash: one of both is enough");
	if (has_hash && !config_string(snapshot, "trunks", i, "realm"))
		config_complain(report, "trunks", i, "realm", "is missing: a hash is good for one realm only");
	if (config_boolean(snapshot, "trunks", i, "register") && !username)
		config_complain(report, "trunks", i, "register", "needs username and password");
}

/* What the trunk shows us. */
static void check_login(const struct config_snapshot *snapshot, struct config_report *report, size_t i)
{
	const char *username = config_string(snapshot, "trunks", i, "inbound_username");
	bool has_password = config_string(snapshot, "trunks", i, "inbound_password");
	bool has_hash = sip_check_ha1(snapshot, report, "trunks", i, "inbound_ha1_md5", SIP_DIGEST_MD5);
	if (username && !has_password && !has_hash)
		config_complain(report, "trunks", i, "inbound_username", "needs an inbound_password");
	if (has_password && !username)
		config_complain(report, "trunks", i, "inbound_password", "needs an inbound_username");
	for (size_t k = 0; username && k < i; k++)
		if (!g_strcmp0(username, config_string(snapshot, "trunks", k, "inbound_username")))
			config_complain(report, "trunks", i, "inbound_username", "is another trunk's");
	if (config_string(snapshot, "trunks", i, "peer") || config_strings(snapshot, "trunks", i, "peers")[0])
		return;
	if (!username && !*config_strings(snapshot, "trunks", i, "inbound_addresses"))
		config_complain(report, "trunks", i, "peer", "is missing; without it the trunk needs inbound_addresses or an inbound_username");
	else if (config_boolean(snapshot, "trunks", i, "register"))
		config_complain(report, "trunks", i, "register", "needs a peer");
}

/* NULL, or what is wrong. Counts what is right by `n` and those on TLS by `n_tls`. */
static const char *look_at_peer(const char *text, int transport, unsigned *n, unsigned *n_tls)
{
	struct trunk_peer_uri peer;
	const char *wrong = trunk_read_peer(text, transport, &peer);
	if (wrong)
		return wrong;
	++*n;
	*n_tls += peer.transport == SIP_TRANSPORT_TLS;
	return NULL;
}

static void check_peers(const struct config_snapshot *snapshot, struct config_report *report, size_t i, unsigned *ret_n,
			unsigned *ret_n_tls)
{
	const char *peer = config_string(snapshot, "trunks", i, "peer");
	const char *const *peers = config_strings(snapshot, "trunks", i, "peers");
	int transport = config_enum(snapshot, "trunks", i, "transport");
	*ret_n = *ret_n_tls = 0;
	const char *wrong = peer ? look_at_peer(peer, transport, ret_n, ret_n_tls) : NULL;
	if (wrong)
		config_complain(report, "trunks", i, "peer", "%s", wrong);
	if (peer && *peers)
		config_complain(report, "trunks", i, "peers", "stands beside peer: one of the two is enough");
	if (g_strv_length((char **)peers) > TRUNK_PEERS_MAX)
		config_complain(report, "trunks", i, "peers", "holds more than %d", TRUNK_PEERS_MAX);
	for (; *peers; peers++) {
		wrong = look_at_peer(*peers, transport, ret_n, ret_n_tls);
		if (wrong)
			config_complain(report, "trunks", i, "peers", "%s (\"%s\")", wrong, *peers);
	}
}

static void check_trunk(const struct config_snapshot *snapshot, struct config_report *report, size_t i)
{
	const char *name = config_string(snapshot, "trunks", i, "name");
	unsigned n_peers, n_on_tls;
	check_peers(snapshot, report, i, &n_peers, &n_on_tls);
	check_login(snapshot, report, i);
	trunk_check_sources(snapshot, report, i);
	if (name && !base_is_plain_name(name))
		config_complain(report, "trunks", i, "name", "wants letters, digits, '-', '_', '.' and '+' only");
	check_credentials(snapshot, report, i);
	const char *domain = config_string(snapshot, "trunks", i, "domain");
	if (domain && !is_domain(domain))
		config_complain(report, "trunks", i, "domain", "is neither a host name nor an address");
	const char *caller_id = config_string(snapshot, "trunks", i, "caller_id");
	if (caller_id && strpbrk(caller_id, "@:;?<>\" \t"))
		config_complain(report, "trunks", i, "caller_id", "is \"%s\", which is no number", caller_id);
	int srtp = config_enum(snapshot, "trunks", i, "srtp");
	if ((srtp == TRUNK_SRTP_OPTIONAL || srtp == TRUNK_SRTP_REQUIRED) && (!n_on_tls || n_on_tls < n_peers))
		config_warn(report, "trunks", i, "srtp",
			    "puts the keys into the signalling, which to this peer is not encrypted (no TLS): whoever can "
			    "read it can listen");
	if (srtp == TRUNK_SRTP_DTLS && config_boolean(snapshot, "trunks", i, "latch"))
		config_warn(report, "trunks", i, "latch", "does not help to the keys: DTLS is heard from the announced address only");
	bool is_on_tls = n_on_tls || config_enum(snapshot, "trunks", i, "transport") == TLS;
	trunk_check_security(snapshot, report, i, is_on_tls, n_peers);
	config_check_encodings(snapshot, report, "trunks", i, "codecs");
}

static void check_trunks(const struct config_snapshot *snapshot, struct config_report *report)
{
	for (size_t i = 0; i < config_count(snapshot, "trunks"); i++)
		check_trunk(snapshot, report, i);
}

const struct config_table trunk_options = {
    .group = "trunks",
    .shape = CONFIG_LIST,
    .options = rows,
    .check = check_trunks,
};

static const struct config_option dns_rows[] = {
    {.name = "dns_servers",
     .type = CONFIG_ENDPOINT,
     .is_list = true,
     .help = "Who is asked for the names of trunks' peers, such as ( \"192.0.2.53:53\" ), instead of who /etc/resolv.conf names; for "
	     "trunks that are new or changed since."},
    {0},
};
const struct config_table trunk_dns_options = {.group = "sip", .shape = CONFIG_GROUP, .options = dns_rows};

char *trunk_dns_servers(const struct config_snapshot *snapshot)
{
	const char *const *servers = config_strings(snapshot, "sip", 0, "dns_servers");
	return *servers ? g_strjoinv(",", (char **)servers) : NULL;
}
