#include "sip/options.h"

#include "base/log.h"
#include <string.h>

static const char *const sip_transports[] = {"udp", "tcp", NULL};

static const struct config_option sip_option_rows[] = {
	{.name = "listen", .type = CONFIG_ENDPOINT, .is_list = true, .names = sip_transports,
	 .fallback = "udp:0.0.0.0:5060, tcp:0.0.0.0:5060",
	 .help = "Where trunks reach the gateway, and where it calls them from."},
	{0},
};
const struct config_table sip_options = {.group = "sip", .shape = CONFIG_GROUP, .options = sip_option_rows};

int sip_listen_configured(struct sip_stack *stack, const struct config_snapshot *snapshot)
{
	for (const char *const *endpoint = config_strings(snapshot, "sip", 0, "listen"); *endpoint; endpoint++) {
		int error = sip_stack_listen(stack, *endpoint);
		if (error < 0) {
			log_error(NULL, "sip.listen \"%s\": %s", *endpoint, strerror(-error));
			return error;
		}
	}
	return 0;
}
