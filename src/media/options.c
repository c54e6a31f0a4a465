#include "media/options.h"

#define MEDIA_PORTS_MIN 16 /* fewer cannot carry a single call with its fellows in quarantine */

static const struct config_option media_option_rows[] = {
	{.name = "ports", .type = CONFIG_PORT_RANGE, .fallback = "20000-39999", .help = "UDP ports of media; about two a leg."},
	{.name = "address", .type = CONFIG_ADDRESS, .is_list = true,
	 .help = "Where media is received; by default every interface's address."},
	{.name = "public_address", .type = CONFIG_ADDRESS,
	 .help = "Announced in place of the private address behind 1:1 NAT; not to trunks at private addresses."},
	{.name = "dtls_certificate", .type = CONFIG_PATH,
	 .help = "PEM file with the certificate that DTLS shows; by default a new one is made at each start."},
	{.name = "dtls_key", .type = CONFIG_PATH, .help = "PEM file with its private key."},
	{.name = "workers", .type = CONFIG_INTEGER, .min = 0, .max = 64, .fallback = "0",
	 .help = "Threads that carry media; 0: one per processor core."},
	{.name = "silence_seconds", .type = CONFIG_INTEGER, .min = 0, .max = 3600, .fallback = "5",
	 .help = "After so long without audio that should come, the log and the metrics say why; 0: never."},
	{.name = "timeout_seconds", .type = CONFIG_INTEGER, .min = 0, .max = 86400, .fallback = "45",
	 .help = "A call ends when one side sends neither audio nor reports for so long; holding is no silence; 0: never."},
	{0},
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
	size_t n_addresses = 0;
	for (const char *const *text = config_strings(snapshot, "media", 0, "address"); *text; text++)
		n_addresses++;
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

void media_settings_read(const struct config_snapshot *snapshot, struct media_settings *ret_settings)
{
	struct media_settings settings = {
		.workers = (unsigned)config_integer(snapshot, "media", 0, "workers"),
		.silence_ms = config_integer(snapshot, "media", 0, "silence_seconds") * 1000,
		.timeout_ms = config_integer(snapshot, "media", 0, "timeout_seconds") * 1000,
	};
	config_port_range(snapshot, "media", 0, "ports", &settings.first_port, &settings.last_port);
	for (const char *const *text = config_strings(snapshot, "media", 0, "address"); *text; text++)
		if (settings.n_addresses < G_N_ELEMENTS(settings.addresses))
			net_address_parse(*text, 0, &settings.addresses[settings.n_addresses++]);
	settings.dtls_certificate = config_string(snapshot, "media", 0, "dtls_certificate");
	settings.dtls_key = config_string(snapshot, "media", 0, "dtls_key");
	const char *public_address = config_string(snapshot, "media", 0, "public_address");
	if (public_address)
		net_address_parse(public_address, 0, &settings.public_address);
	*ret_settings = settings;
}
