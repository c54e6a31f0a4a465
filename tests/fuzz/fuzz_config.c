/* The configuration reader over tables with every type. Whatever the text, it says yes with a snapshot that can be read
 * to the end, or no with at least one line. */
#include "config/config.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const words[] = {"off", "optional", "required", NULL};
static const char *const schemes[] = {"udp", "tcp", NULL};

static const struct config_option top_rows[] = {
    {.name = "domain", .type = CONFIG_STRING, .fallback = "localhost", .max = 253},
    {0},
};
static const struct config_option group_rows[] = {
    {.name = "listen", .type = CONFIG_ENDPOINT, .is_list = true, .names = schemes},
    {.name = "certificate", .type = CONFIG_PATH},
    {.name = "ports", .type = CONFIG_PORT_RANGE, .fallback = "20000-39999"},
    {.name = "address", .type = CONFIG_ADDRESS},
    {.name = "workers", .type = CONFIG_INTEGER, .min = 0, .max = 64, .fallback = "0"},
    {0},
};
static const struct config_option list_rows[] = {
    {.name = "name", .type = CONFIG_STRING, .is_required = true, .is_key = true},
    {.name = "password", .type = CONFIG_STRING, .is_secret = true},
    {.name = "register", .type = CONFIG_BOOLEAN, .fallback = "false"},
    {.name = "srtp", .type = CONFIG_ENUM, .names = words, .fallback = "off"},
    {.name = "codecs", .type = CONFIG_STRING, .is_list = true, .fallback = "PCMA,PCMU"},
    {0},
};

static void check_users(const struct config_snapshot *snapshot, struct config_report *report)
{
	for (size_t i = 0; i < config_count(snapshot, "users"); i++) {
		const char *name = config_string(snapshot, "users", i, "name");
		if (name && name[0] == '-')
			config_complain(report, "users", i, "name", "begins with a dash");
		if (name && config_find(snapshot, "users", name) < 0)
			abort();
	}
}

static const struct config_table top_table = {.group = "", .options = top_rows};
static const struct config_table group_table = {.group = "web", .options = group_rows};
static const struct config_table list_table = {
    .group = "users", .shape = CONFIG_LIST, .options = list_rows, .check = check_users};
static const struct config_table *const tables[] = {&top_table, &group_table, &list_table, NULL};

static void read_all(const struct config_snapshot *snapshot)
{
	uint16_t first, last;
	if (!config_string(snapshot, "", 0, "domain") ||
	    !config_port_range(snapshot, "web", 0, "ports", &first, &last) || !first || first > last ||
	    config_integer(snapshot, "web", 0, "workers") > 64)
		abort();
	for (size_t i = 0; i < config_count(snapshot, "users"); i++)
		if (!config_string(snapshot, "users", i, "name") || config_enum(snapshot, "users", i, "srtp") < 0 ||
		    !config_strings(snapshot, "users", i, "codecs") ||
		    !config_entry_equal(snapshot, i, snapshot, i, "users"))
			abort();
	g_autofree const char **changed = config_diff(snapshot, snapshot);
	if (changed[0])
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_snapshot *snapshot = NULL;
	struct config_errors *errors = NULL;
	int result = config_load_text("/nonexistent/tandem.conf", (const char *)data, size, tables, &snapshot, &errors);
	if (!result) {
		read_all(snapshot);
	} else {
		if (!errors || !config_errors_count(errors))
			abort();
		for (size_t i = 0; i < config_errors_count(errors); i++)
			if (!config_errors_line(errors, i))
				abort();
	}
	config_errors_free(errors);
	config_unref(snapshot);
	return 0;
}
