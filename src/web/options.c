#include "web/handshake.h"
#include <string.h>

static const struct config_option options[] = {
	{.name = "listen",
	 .type = CONFIG_ENDPOINT,
	 .is_list = true,
	 .fallback = "0.0.0.0:8080",
	 .help = "Addresses and ports of the web side: page, SIP over WebSocket, health, metrics."},
	{.name = "certificate", .type = CONFIG_PATH, .help = "PEM file with the certificate chain; switches TLS on."},
	{.name = "key", .type = CONFIG_PATH, .help = "PEM file with the certificate's private key."},
	{.name = "root",
	 .type = CONFIG_PATH,
	 .fallback = DATA_DIRECTORY "/html",
	 .help = "Folder of the static files: the softphone page."},
	{.name = "origins",
	 .type = CONFIG_STRING,
	 .is_list = true,
	 .help = "Origins whose pages may open WebSockets (\"https://example.com\", \"*\"); default: only our own page."},
	{.name = "connections",
	 .type = CONFIG_INTEGER,
	 .min = 1,
	 .max = 1000000,
	 .fallback = "20000",
	 .help = "Connections at a time, at most."},
	{.name = "connections_per_address",
	 .type = CONFIG_INTEGER,
	 .min = 1,
	 .max = 1000000,
	 .fallback = "5000",
	 .help = "Connections of one remote address at a time, at most."},
	{.name = "header_timeout_seconds",
	 .type = CONFIG_INTEGER,
	 .min = 1,
	 .max = 300,
	 .fallback = "10",
	 .help = "How long a TLS handshake and a request may take to arrive."},
	{.name = "idle_timeout_seconds",
	 .type = CONFIG_INTEGER,
	 .min = 1,
	 .max = 3600,
	 .fallback = "30",
	 .help = "How long a connection without WebSocket is kept for the next request."},
	{.name = "ping_interval_seconds",
	 .type = CONFIG_INTEGER,
	 .min = 1,
	 .max = 3600,
	 .fallback = "25",
	 .help = "A WebSocket that is silent for so long is pinged."},
	{.name = "ping_timeout_seconds",
	 .type = CONFIG_INTEGER,
	 .min = 1,
	 .max = 300,
	 .fallback = "10",
	 .help = "A WebSocket that does not answer a ping for so long is closed: with ping_interval_seconds, how long a "
		 "dead connection goes unnoticed. Told to clients as Flow-Timer (RFC 5626)."},
	{0},
};

static void check(const struct config_snapshot *snapshot, struct config_report *report)
{
	for (const char *const *origin = config_strings(snapshot, "web", 0, "origins"); *origin; origin++)
		if (!web_handshake_is_origin(*origin))
			config_complain(report, "web", 0, "origins",
					"\"%s\" is no origin; one looks like \"https://example.com:8443\"", *origin);
}

const struct config_table web_config_table = {
	.group = "web",
	.shape = CONFIG_GROUP,
	.options = options,
	.check = check,
};
