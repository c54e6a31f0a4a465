#include "daemon/daemon.h"
#include "media/options.h"
#include "record/record.h"
#include "relay/relay.h"
#include "route/calendar.h"
#include "route/route.h"
#include "sip/options.h"

static const struct config_option top_option_rows[] = {
	{.name = "domain", .type = CONFIG_STRING, .fallback = "localhost", .max = 253,
	 .help = "The domain of the users' addresses, and the realm of their passwords."},
	{0},
};

/* The room web knows nothing of TLS beyond the names of the files. */
static void check_web_certificate(const struct config_snapshot *snapshot, struct config_report *report)
{
	sip_check_certificate(snapshot, report, "web", 0, "certificate", "key");
}

static const struct config_table top_options = {
	.group = "",
	.shape = CONFIG_GROUP,
	.options = top_option_rows,
	.check = check_web_certificate,
};

static const char *const log_levels[] = {"error", "warning", "info", "debug", NULL};
static const struct config_option log_option_rows[] = {
	{.name = "level", .type = CONFIG_ENUM, .names = log_levels, .fallback = "info", .help = "What is worth a line."},
	{0},
};
static const struct config_table log_options = {.group = "log", .shape = CONFIG_GROUP, .options = log_option_rows};

static const struct config_option shutdown_option_rows[] = {
	{.name = "drain_seconds", .type = CONFIG_INTEGER, .min = 0, .max = 86400, .fallback = "30",
	 .help = "How long calls may go on after SIGTERM before they are ended with BYE."},
	{0},
};
static const struct config_table shutdown_options = {
	.group = "shutdown",
	.shape = CONFIG_GROUP,
	.options = shutdown_option_rows,
};

const struct config_table *const daemon_tables[] = {
	&top_options,
	&log_options,
	&shutdown_options,
	&web_config_table,
	&admin_config_table,
	&admin_socket_options,
	&sip_options,
	&media_options,
	&media_turn_options,
	&media_announcement_options,
	&record_options,
	&plugin_options,
	&registrar_config_table,
	&registrar_tokens_config_table,
	&registrar_turn_config_table,
	&registrar_users_config_table,
	&trunk_options,
	&trunk_dns_options,
	&route_options,
	&route_number_options,
	&route_group_options,
	&route_calendar_options,
	&route_user_options,
	&relay_options,
	&call_options,
	&call_user_options,
	&call_trunk_options,
	NULL,
};
