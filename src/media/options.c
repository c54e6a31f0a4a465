#include "media/options.h"
#include "crypto/tls.h"
#include "net/udp.h"
#include "media/soundfile.h"
#include <stdlib.h>
#include <string.h>

#define MEDIA_PORTS_MIN 16 /* fewer cannot carry a single call with its fellows in quarantine */

static const char *const hold_names[] = {
	[MEDIA_HOLD_OFF] = "off", [MEDIA_HOLD_MUSIC] = "music", [MEDIA_HOLD_TONE] = "tone", NULL};

static const char *const effort_names[] = {
	[MEDIA_EFFORT_LEAST] = "least", [MEDIA_EFFORT_NORMAL] = "normal", [MEDIA_EFFORT_BEST] = "best", NULL};

static const struct config_option media_option_rows[] = {
	{.name = "ports", .type = CONFIG_PORT_RANGE, .fallback = "20000-39999", .help = "UDP ports of media; about two a leg."},
	{.name = "address", .type = CONFIG_ADDRESS, .is_list = true,
	 .help = "Where media is received; by default every interface's address."},
	{.name = "interface", .type = CONFIG_STRING, .is_list = true,
	 .help = "Network interfaces whose addresses receive media, \"eth0\", beside what address lists."},
	{.name = "public_address", .type = CONFIG_ADDRESS,
	 .help = "Announced in place of the private address behind 1:1 NAT; not to trunks at private addresses."},
	{.name = "dtls_certificate", .type = CONFIG_PATH,
	 .help = "PEM file with the certificate that DTLS shows; by default a new one is made at each start."},
	{.name = "dtls_key", .type = CONFIG_PATH, .help = "PEM file with its private key."},
	{.name = "stun_server", .type = CONFIG_STRING,
	 .help = "Asked for our address as others see it, \"stun.example.com:3478\"; not needed with public_address."},
	{.name = "ice_tcp", .type = CONFIG_BOOLEAN, .fallback = "false",
	 .help = "Offers browsers TCP as well, on the same ports, for networks that let no UDP through."},
	{.name = "relay_only", .type = CONFIG_BOOLEAN, .fallback = "false",
	 .help = "Browsers are reached by way of turn_servers alone; our own addresses are not told."},
	{.name = "workers", .type = CONFIG_INTEGER, .min = 0, .max = 64, .fallback = "0",
	 .help = "Threads that carry media; 0: one per processor core."},
	{.name = "worker_fill_percent", .type = CONFIG_INTEGER, .min = 0, .max = 100, .fallback = "30",
	 .help = "How busy one of them gets (percent of a core) before calls go to the next: a few calls cost less on one thread than "
		 "spread over several; 0: spread evenly from the first call on."},
	{.name = "silence_seconds", .type = CONFIG_INTEGER, .min = 0, .max = 3600, .fallback = "5",
	 .help = "After so long without audio that should come, the log and the metrics say why; 0: never."},
	{.name = "timeout_seconds", .type = CONFIG_INTEGER, .min = 0, .max = 86400, .fallback = "45",
	 .help = "A call ends when one side sends neither audio nor reports for so long; holding is no silence; 0: never."},
	{.name = "transcode", .type = CONFIG_STRING, .is_list = true,
	 .help = "Codecs that are converted where two sides share none, the most liked first, \"opus\", \"PCMU\"; by default all that "
		 "there are plugins for; \"off\": none."},
	{.name = "effort", .type = CONFIG_ENUM, .names = effort_names, .fallback = "normal",
	 .help = "How much processor time encoders may take for better sound, while there is enough of it."},
	{.name = "effort_floor", .type = CONFIG_ENUM, .names = effort_names, .fallback = "least",
	 .help = "What is left of that when a worker is nearly full."},
	{.name = "hold", .type = CONFIG_ENUM, .names = hold_names, .fallback = "off",
	 .help = "What is played to a party that a browser, or a silent trunk, has put on hold."},
	{.name = "music", .type = CONFIG_PATH,
	 .help = "Sound file (WAV, FLAC, Ogg) of the music on hold and of the extension \"music\"; by default a little tune."},
	{0},
};

static const struct config_option media_turn_option_rows[] = {
	{.name = "server", .type = CONFIG_STRING, .is_required = true, .is_key = true,
	 .help = "URI of the TURN server, \"turn:turn.example.com:3478\", \"turn:turn.example.com?transport=tcp\" or "
		 "\"turns:turn.example.com:5349\" (TLS); a path through it is used when no other works."},
	{.name = "ca_file", .type = CONFIG_PATH,
	 .help = "PEM file of the authorities that vouch for a server of turns:; by default those of the system."},
	{.name = "username", .type = CONFIG_STRING, .is_required = true, .min = 1, .max = MEDIA_CREDENTIAL_BYTES - 1,
	 .help = "Of the TURN server's long-term credentials."},
	{.name = "password", .type = CONFIG_STRING, .is_required = true, .is_secret = true, .min = 1,
	 .max = MEDIA_CREDENTIAL_BYTES - 1, .help = "Goes with username."},
	{0},
};

/* "host:port", "[::1]:3478"; without a port where there is one to fall back on (not 0). */
static bool media_server_parse(const char *text, uint16_t fallback, struct media_server *ret_server)
{
	struct media_server server = {.port = fallback};
	bool is_bracketed = text[0] == '[';
	const char *host_end = is_bracketed ? strchr(text, ']') : text + strcspn(text, ":");
	const char *rest = host_end ? host_end + is_bracketed : "?";
	const char *host = text + is_bracketed;
	size_t length = host_end ? (size_t)(host_end - host) : 0;
	if (*rest == ':') {
		char *end;
		unsigned long port = strtoul(rest + 1, &end, 10);
		if (!g_ascii_isdigit(rest[1]) || port > UINT16_MAX)
			return false;
		server.port = (uint16_t)port;
		rest = end;
	}
	if (*rest || server.port == 0 || length == 0 || length >= sizeof server.host)
		return false;
	memcpy(server.host, host, length);
	*ret_server = server;
	return true;
}

/* RFC 7065. NULL, or what is wrong. */
static const char *media_turn_uri_parse(const char *uri, struct media_turn_server *turn)
{
	bool is_secure = !g_ascii_strncasecmp(uri, "turns:", 6), is_turn = !g_ascii_strncasecmp(uri, "turn:", 5);
	if (!is_secure && !is_turn)
		return "is no URI of a TURN server, such as \"turn:turn.example.com:3478\"";
	const char *at = strchr(uri, ':') + 1, *transport = strchr(at, '?');
	g_autofree char *server = transport ? g_strndup(at, (gsize)(transport - at)) : g_strdup(at);
	if (!media_server_parse(server, is_secure ? 5349 : 3478, &turn->at))
		return "is not written \"turn:host:port\"";
	bool is_tcp = transport && !g_ascii_strcasecmp(transport, "?transport=tcp");
	if (transport && !is_tcp && g_ascii_strcasecmp(transport, "?transport=udp"))
		return "has a transport that is neither \"udp\" nor \"tcp\"";
	if (is_secure && transport && !is_tcp)
		return "asks for DTLS, which is not known here: \"turns:\" goes over TCP";
	turn->transport = is_secure ? MEDIA_TURN_TLS : is_tcp ? MEDIA_TURN_TCP : MEDIA_TURN_UDP;
	return NULL;
}

static void media_ca_file_check(const char *ca_file, const struct media_turn_server *turn, size_t index, struct config_report *report)
{
	SSL_CTX *context = NULL;
	if (turn->transport != MEDIA_TURN_TLS)
		config_complain(report, "turn_servers", index, "ca_file", "is of use with \"turns:\" only");
	else if (crypto_tls_context_new(ca_file, &context) < 0)
		config_complain(report, "turn_servers", index, "ca_file", "%s cannot be read, or has no certificate in it", ca_file);
	SSL_CTX_free(context);
}

static void media_turn_options_check(const struct config_snapshot *snapshot, struct config_report *report)
{
	size_t n = config_count(snapshot, "turn_servers");
	for (size_t i = 0; i < n; i++) {
		struct media_turn_server server = {0};
		const char *uri = config_string(snapshot, "turn_servers", i, "server");
		const char *ca_file = config_string(snapshot, "turn_servers", i, "ca_file");
		const char *problem = uri ? media_turn_uri_parse(uri, &server) : NULL;
		if (problem)
			config_complain(report, "turn_servers", i, "server", "%s", problem);
		else if (uri && ca_file)
			media_ca_file_check(ca_file, &server, i, report);
	}
	if (n > MEDIA_TURN_SERVERS_MAX)
		config_complain(report, "turn_servers", MEDIA_TURN_SERVERS_MAX, NULL, "is more than %d servers",
				MEDIA_TURN_SERVERS_MAX);
}

const struct config_table media_turn_options = {
	.group = "turn_servers",
	.shape = CONFIG_LIST,
	.options = media_turn_option_rows,
	.check = media_turn_options_check,
};

static void check_music(const struct config_snapshot *snapshot, struct config_report *report)
{
	const char *path = config_string(snapshot, "media", 0, "music");
	int error = path ? media_soundfile_check(path) : 0;
	if (error < 0)
		config_complain(report, "media", 0, "music", "%s: %s", path, media_soundfile_problem(error));
}

static const struct config_option media_announcement_option_rows[] = {
	{.name = "name", .type = CONFIG_STRING, .is_required = true, .is_key = true, .min = 1, .max = 64,
	 .help = "What routes (to) and trunks (inbound) call it by."},
	{.name = "file", .type = CONFIG_PATH, .is_required = true,
	 .help = "Sound file (WAV, FLAC, Ogg) that a call is answered with; then the call is ended."},
	{.name = "times", .type = CONFIG_INTEGER, .min = 0, .max = 1000, .fallback = "1", .help = "How often it is played; 0: until the caller hangs up."},
	{0},
};

static void media_announcement_options_check(const struct config_snapshot *snapshot, struct config_report *report)
{
	for (size_t i = 0; i < config_count(snapshot, "announcements"); i++) {
		const char *path = config_string(snapshot, "announcements", i, "file");
		int error = path ? media_soundfile_check(path) : 0;
		if (error < 0)
			config_complain(report, "announcements", i, "file", "%s: %s", path, media_soundfile_problem(error));
	}
}

const struct config_table media_announcement_options = {
	.group = "announcements",
	.shape = CONFIG_LIST,
	.options = media_announcement_option_rows,
	.check = media_announcement_options_check,
};

static void media_options_check(const struct config_snapshot *snapshot, struct config_report *report)
{
	uint16_t first, last;
	if (config_port_range(snapshot, "media", 0, "ports", &first, &last) && last - first + 1 < MEDIA_PORTS_MIN)
		config_complain(report, "media", 0, "ports", "holds fewer than %d ports", MEDIA_PORTS_MIN);
	bool has_certificate = config_string(snapshot, "media", 0, "dtls_certificate");
	if (has_certificate != (config_string(snapshot, "media", 0, "dtls_key") != NULL))
		config_complain(report, "media", 0, has_certificate ? "dtls_certificate" : "dtls_key", "needs \"%s\" beside it",
				has_certificate ? "dtls_key" : "dtls_certificate");
	struct media_server server;
	const char *stun_server = config_string(snapshot, "media", 0, "stun_server");
	if (stun_server && !media_server_parse(stun_server, 0, &server))
		config_complain(report, "media", 0, "stun_server", "is not written \"host:port\"");
	check_music(snapshot, report);
	if (config_boolean(snapshot, "media", 0, "relay_only") && config_count(snapshot, "turn_servers") == 0)
		config_complain(report, "media", 0, "relay_only", "needs an entry of turn_servers");
	size_t n_addresses = 0;
	for (const char *const *text = config_strings(snapshot, "media", 0, "address"); *text; text++)
		n_addresses++;
	for (const char *const *name = config_strings(snapshot, "media", 0, "interface"); *name; name++) {
		struct net_address address;
		if (net_named_interface_addresses(*name, &address, 1) == 0)
			config_complain(report, "media", 0, "interface", "names \"%s\", which is not up or has no address", *name);
	}
	if (n_addresses > G_N_ELEMENTS(((struct media_settings *)NULL)->addresses))
		config_complain(report, "media", 0, "address", "lists more than %zu addresses",
				G_N_ELEMENTS(((struct media_settings *)NULL)->addresses));
}

const struct config_table media_options = {
	.group = "media",
	.shape = CONFIG_GROUP,
	.options = media_option_rows,
	.check = media_options_check,
};

static void media_turn_server_read(const struct config_snapshot *snapshot, size_t index, struct media_turn_server *turn)
{
	media_turn_uri_parse(config_string(snapshot, "turn_servers", index, "server"), turn);
	turn->ca_file = config_string(snapshot, "turn_servers", index, "ca_file");
	base_copy_text(turn->username, sizeof turn->username, config_string(snapshot, "turn_servers", index, "username"));
	base_copy_text(turn->password, sizeof turn->password, config_string(snapshot, "turn_servers", index, "password"));
}

/* Once: a port can be bound to an address once. */
static void add_address(struct media_settings *settings, const struct net_address *address)
{
	for (size_t i = 0; i < settings->n_addresses; i++)
		if (net_address_equal(&settings->addresses[i], address))
			return;
	if (settings->n_addresses < G_N_ELEMENTS(settings->addresses))
		settings->addresses[settings->n_addresses++] = *address;
}

static void read_addresses(const struct config_snapshot *snapshot, struct media_settings *settings)
{
	struct net_address found[G_N_ELEMENTS(settings->addresses)];
	for (const char *const *text = config_strings(snapshot, "media", 0, "address"); *text; text++)
		if (net_address_parse(*text, 0, &found[0]) == 0)
			add_address(settings, &found[0]);
	for (const char *const *name = config_strings(snapshot, "media", 0, "interface"); *name; name++) {
		size_t n = net_named_interface_addresses(*name, found, G_N_ELEMENTS(found));
		for (size_t i = 0; i < n; i++)
			add_address(settings, &found[i]);
	}
}

void media_settings_read(const struct config_snapshot *snapshot, struct media_settings *ret_settings)
{
	struct media_settings settings = {
		.workers = (unsigned)config_integer(snapshot, "media", 0, "workers"),
		.fill_percent = (unsigned)config_integer(snapshot, "media", 0, "worker_fill_percent"),
		.silence_ms = config_integer(snapshot, "media", 0, "silence_seconds") * 1000,
		.timeout_ms = config_integer(snapshot, "media", 0, "timeout_seconds") * 1000,
		.hold = config_enum(snapshot, "media", 0, "hold"),
		.music = config_string(snapshot, "media", 0, "music"),
		.transcode = config_strings(snapshot, "media", 0, "transcode"),
		.effort = config_enum(snapshot, "media", 0, "effort"),
		.effort_floor = config_enum(snapshot, "media", 0, "effort_floor"),
	};
	config_port_range(snapshot, "media", 0, "ports", &settings.first_port, &settings.last_port);
	read_addresses(snapshot, &settings);
	settings.dtls_certificate = config_string(snapshot, "media", 0, "dtls_certificate");
	settings.dtls_key = config_string(snapshot, "media", 0, "dtls_key");
	const char *public_address = config_string(snapshot, "media", 0, "public_address");
	if (public_address)
		net_address_parse(public_address, 0, &settings.public_address);
	settings.has_ice_tcp = config_boolean(snapshot, "media", 0, "ice_tcp");
	settings.is_relay_only = config_boolean(snapshot, "media", 0, "relay_only");
	const char *stun_server = config_string(snapshot, "media", 0, "stun_server");
	if (stun_server)
		media_server_parse(stun_server, 0, &settings.stun_server);
	settings.n_turn_servers = MIN(config_count(snapshot, "turn_servers"), MEDIA_TURN_SERVERS_MAX);
	for (size_t i = 0; i < settings.n_turn_servers; i++)
		media_turn_server_read(snapshot, i, &settings.turn_servers[i]);
	*ret_settings = settings;
}
