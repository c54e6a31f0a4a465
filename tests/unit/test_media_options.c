/* What the configuration says of media. */
#include "media/options.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static const struct config_table *const tables[] = {&media_options, &media_turn_options, NULL};

/* NULL when it is not taken; *ret_problem is the first, to be freed. */
static struct config_snapshot *load(const char *text, char **ret_problem)
{
	struct config_snapshot *snapshot = NULL;
	struct config_errors *errors = NULL;

	*ret_problem = NULL;
	if (config_load_text("/t", text, strlen(text), tables, &snapshot, &errors) == 0)
		return snapshot;
	*ret_problem = g_strdup(config_errors_line(errors, 0));
	config_errors_free(errors);
	return NULL;
}

static void read_settings(const char *text, struct media_settings *ret_settings)
{
	g_autofree char *problem = NULL;
	struct config_snapshot *snapshot = load(text, &problem);

	if (!snapshot)
		fail_msg("%s", problem);
	media_settings_read(snapshot, ret_settings);
	config_unref(snapshot);
}

/* A second socket of the same address and port cannot be had, and no leg would come about. */
static void test_an_address_counts_once(void **state)
{
	struct media_settings settings;
	char text[NET_ADDRESS_TEXT_MAX];

	read_settings("media : { address = [\"127.0.0.1\", \"192.0.2.1\", \"127.0.0.1\"]; interface = [\"lo\"]; };", &settings);
	for (size_t i = 0; i < settings.n_addresses; i++)
		for (size_t k = 0; k < i; k++)
			assert_false(net_address_equal(&settings.addresses[i], &settings.addresses[k]));
	assert_string_equal(net_address_format_host(&settings.addresses[1], text), "192.0.2.1");
}

static void test_servers(void **state)
{
	static const struct {
		const char *text;
		bool is_taken;
	} servers[] = {
		{"stun.example.com:3478", true}, {"192.0.2.1:3478", true},   {"[2001:db8::1]:3478", true},
		{"stun.example.com", false},	 {":3478", false},	     {"stun.example.com:", false},
		{"stun.example.com:0", false},	 {"stun.example.com:65536", false}, {"2001:db8::1:3478", false},
		{"stun.example.com: 3478", false}, {"stun.example.com:+3478", false}, {"stun.example.com:3478x", false},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(servers); i++) {
		g_autofree char *text = g_strdup_printf("media : { stun_server = \"%s\"; };", servers[i].text), *problem = NULL;
		struct config_snapshot *snapshot = load(text, &problem);

		if (servers[i].is_taken != (snapshot != NULL))
			fail_msg("%s: %s", servers[i].text, problem ? problem : "taken");
		if (problem)
			assert_non_null(strstr(problem, "media.stun_server is not written \"host:port\""));
		config_unref(snapshot);
	}
}

static void test_music_that_cannot_be_played_is_refused(void **state)
{
	g_autofree char *problem = NULL;

	assert_null(load("media : { music = \"/dev/null\"; };", &problem));
	assert_non_null(strstr(problem, "media.music"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_address_counts_once),
		cmocka_unit_test(test_servers),
		cmocka_unit_test(test_music_that_cannot_be_played_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
