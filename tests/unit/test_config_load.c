/* Reading configuration: what is right comes out typed, what is wrong is said with file, line and a hint. */
#include "config/config.h"
#include <glib/gstdio.h>
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include <unistd.h>

static const char *const words[] = {"off", "optional", "required", NULL};
static const char *const schemes[] = {"udp", "tcp", NULL};

static const struct config_option top_rows[] = {
    {.name = "domain", .type = CONFIG_STRING, .is_required = true, .help = "The name of all."},
    {0},
};
static const struct config_option web_rows[] = {
    {.name = "listen", .type = CONFIG_ENDPOINT, .is_list = true, .fallback = "0.0.0.0:8443, [::]:8443"},
    {.name = "certificate", .type = CONFIG_PATH},
    {0},
};
static const struct config_option more_web_rows[] = {
    {.name = "ports", .type = CONFIG_PORT_RANGE, .fallback = "20000-39999"},
    {.name = "address", .type = CONFIG_ADDRESS},
    {.name = "idle_timeout_s", .type = CONFIG_INTEGER, .min = 1, .max = 3600, .fallback = "90"},
    {.name = "peers", .type = CONFIG_ENDPOINT, .is_list = true, .names = schemes},
    {0},
};
static const struct config_preset kinds[] = {
    {"guest", "# who comes now and then\nsrtp = \"optional\";\ncodecs = ( \"PCMU\", \"GSM\" );\n"},
    {"chief", "admin = true;\nsrtp = \"required\";\n"},
    {0},
};
static const struct config_option user_rows[] = {
    {.name = "name", .type = CONFIG_STRING, .is_required = true, .is_key = true},
    {.name = "password", .type = CONFIG_STRING, .is_secret = true, .min = 4},
    {.name = "admin", .type = CONFIG_BOOLEAN, .fallback = "false"},
    {.name = "srtp", .type = CONFIG_ENUM, .names = words, .fallback = "off"},
    {.name = "codecs", .type = CONFIG_STRING, .is_list = true},
    {.name = "kind", .type = CONFIG_STRING, .presets = kinds},
    {0},
};

static void check_users(const struct config_snapshot *snapshot, struct config_report *report)
{
	for (size_t i = 0; i < config_count(snapshot, "users"); i++)
		if (config_boolean(snapshot, "users", i, "admin") && !config_string(snapshot, "users", i, "password"))
			config_complain(report, "users", i, "admin", "needs a password");
}

static const struct config_table top = {.group = "", .options = top_rows};
static const struct config_table web = {.group = "web", .options = web_rows};
static const struct config_table more_web = {.group = "web", .options = more_web_rows};
static const struct config_table users = {
    .group = "users", .shape = CONFIG_LIST, .options = user_rows, .check = check_users};
static const struct config_table *const tables[] = {&top, &web, &users, &more_web, NULL};

static struct config_snapshot *load(const char *text)
{
	struct config_snapshot *snapshot = NULL;
	struct config_errors *errors = NULL;
	if (config_load_text("/tmp/t.conf", text, strlen(text), tables, &snapshot, &errors) < 0)
		fail_msg("%s", config_errors_line(errors, 0));
	return snapshot;
}

/* All lines of the errors, joined. */
static char *load_wrong(const char *text)
{
	struct config_snapshot *snapshot = NULL;
	struct config_errors *errors = NULL;
	assert_int_equal(config_load_text("/tmp/t.conf", text, strlen(text), tables, &snapshot, &errors), -EINVAL);
	assert_null(snapshot);
	GString *all = g_string_new(NULL);
	for (size_t i = 0; i < config_errors_count(errors); i++)
		g_string_append_printf(all, "%s\n", config_errors_line(errors, i));
	config_errors_free(errors);
	return g_string_free(all, FALSE);
}

static void test_values(void **state)
{
	struct config_snapshot *s =
	    load("domain = \"example.com\";\n"
		 "web : { certificate = \"c.pem\"; address = \"2001:db8::1\"; ports = \"1-2\";\n"
		 "  peers = (\"udp:10.0.0.1:5060\", \"tcp:[::1]:1\"); };\n"
		 "users : ( { name = \"alice\"; password = \"se\\\"cret\"; admin = true; srtp = \"optional\"; },\n"
		 "  { name = \"bob\"; codecs = [ \"PCMU\", \"opus\" ]; } );\n");
	assert_string_equal(config_string(s, "", 0, "domain"), "example.com");
	assert_string_equal(config_string(s, "web", 0, "certificate"), "/tmp/c.pem");
	assert_string_equal(config_string(s, "web", 0, "address"), "2001:db8::1");
	uint16_t first = 0, last = 0;
	assert_true(config_port_range(s, "web", 0, "ports", &first, &last));
	assert_int_equal(first, 1);
	assert_int_equal(last, 2);
	assert_int_equal(config_integer(s, "web", 0, "idle_timeout_s"), 90);
	assert_false(config_is_written(s, "web", 0, "idle_timeout_s"));
	assert_true(config_is_written(s, "web", 0, "ports"));
	const char *const *listen = config_strings(s, "web", 0, "listen");
	assert_string_equal(listen[0], "0.0.0.0:8443");
	assert_string_equal(listen[1], "[::]:8443");
	assert_null(listen[2]);
	assert_string_equal(config_strings(s, "web", 0, "peers")[1], "tcp:[::1]:1");
	assert_int_equal(config_count(s, "users"), 2);
	assert_string_equal(config_string(s, "users", 0, "password"), "se\"cret");
	assert_true(config_boolean(s, "users", 0, "admin"));
	assert_int_equal(config_enum(s, "users", 0, "srtp"), 1);
	assert_int_equal(config_enum(s, "users", 1, "srtp"), 0);
	assert_string_equal(config_string(s, "users", 1, "srtp"), "off");
	assert_null(config_string(s, "users", 1, "password"));
	assert_null(config_strings(s, "users", 0, "codecs")[0]);
	assert_string_equal(config_strings(s, "users", 1, "codecs")[1], "opus");
	assert_int_equal(config_find(s, "users", "bob"), 1);
	assert_int_equal(config_find(s, "users", "carol"), -1);
	assert_int_equal(config_find(s, "nothing", "bob"), -1);
	assert_int_equal(config_count(s, "nothing"), 0);
	config_unref(s);
}

static void test_little_is_enough(void **state)
{
	struct config_snapshot *s = load("domain = \"d\" # no newline, comment");
	assert_int_equal(config_count(s, "web"), 1);
	assert_int_equal(config_count(s, "users"), 0);
	assert_null(config_string(s, "web", 0, "certificate"));
	assert_string_equal(config_strings(s, "web", 0, "listen")[0], "0.0.0.0:8443");
	config_unref(s);
	s = load("domain = \"d\"; web : { listen = \"1.2.3.4:5\"; };"); /* one value needs no list */
	assert_string_equal(config_strings(s, "web", 0, "listen")[0], "1.2.3.4:5");
	assert_null(config_strings(s, "web", 0, "listen")[1]);
	config_unref(s);
}

static void test_a_preset_says_what_the_entry_does_not(void **state)
{
	struct config_snapshot *s = load("domain = \"d\";\nusers : ( { name = \"a\"; srtp = \"off\"; kind = \"guest\"; },\n"
					 "  { name = \"b\"; kind = \"chief\"; password = \"secret\"; }, { name = \"c\"; } );\n");
	assert_int_equal(config_enum(s, "users", 0, "srtp"), 0);
	assert_string_equal(config_strings(s, "users", 0, "codecs")[1], "GSM");
	assert_false(config_is_written(s, "users", 0, "codecs"));
	assert_false(config_boolean(s, "users", 0, "admin"));
	assert_true(config_boolean(s, "users", 1, "admin"));
	assert_int_equal(config_enum(s, "users", 1, "srtp"), 2);
	assert_null(config_strings(s, "users", 1, "codecs")[0]);
	assert_int_equal(config_enum(s, "users", 2, "srtp"), 0);
	assert_false(config_is_set(s, "users", 2, "kind"));
	assert_true(config_is_set(s, "users", 2, "srtp"));
	config_unref(s);
}

struct mistake {
	const char *text;
	const char *said[3]; /* each a part of what is said */
};

static const struct mistake mistakes[] = {
    {"domain = \"d\";\nweb : {\n certificat = \"x\"; };",
     {"/tmp/t.conf:3: web.certificat is not known; is \"certificate\" meant?"}},
    {"domain = \"d\"; wed : { };", {"t.conf:1: wed is not known; is \"web\" meant?"}},
    {"domain = \"d\"; password = \"topsecret\";", {"password is not known here; it belongs into \"users\""}},
    {"domain = \"d\"; zzzzzzzzz = 1;", {"zzzzzzzzz is not known; there are: domain, web, users"}},
    {"", {"/tmp/t.conf: domain is missing"}},
    {"domain = \"\";", {"t.conf:1: domain is empty"}},
    {"domain = 7;", {"domain wants a text in quotes, not 7"}},
    {"domain = \"d\"; web : { idle_timeout_s = \"90\"; };",
     {"web.idle_timeout_s wants a whole number from 1 to 3600, not \"90\""}},
    {"domain = \"d\"; web : { idle_timeout_s = 3601; };", {"from 1 to 3600, not 3601"}},
    {"domain = \"d\"; web : { idle_timeout_s = 1.5; };", {"not a number with a fraction"}},
    {"domain = \"d\"; web : { ports = \"30000-20000\"; };", {"web.ports wants the lower port first"}},
    {"domain = \"d\"; web : { ports = \"1-65536\"; };", {"wants two ports such as"}},
    {"domain = \"d\"; web : { ports = \"0-5\"; };", {"wants two ports such as"}},
    {"domain = \"d\"; web : { address = \"host.example\"; };", {"wants an address such as \"192.0.2.1\""}},
    {"domain = \"d\"; web : { listen = (\"0.0.0.0:1\",\n\"localhost:8443\"); };",
     {"t.conf:2: web.listen wants an address with port", "not \"localhost:8443\""}},
    {"domain = \"d\"; web : { listen = \"[1.2.3.4]:80\"; };", {"wants an address with port"}},
    {"domain = \"d\"; web : { listen = \"::1:80\"; };", {"wants an address with port"}},
    {"domain = \"d\"; web : { peers = \"tls:1.2.3.4:80\"; };",
     {"\"udp:0.0.0.0:5060\"", "beginning with \"udp\" or \"tcp\""}},
    {"domain = \"d\"; web : ( );", {"web wants a group: web : { ... };"}},
    {"domain = \"d\"; users : { name = \"a\"; };", {"users wants a list of groups: users : ( { ... }, { ... } );"}},
    {"domain = \"d\"; users : ( 1, \"x\" );", {"users[0] wants a group", "users[1] wants a group"}},
    {"domain = \"d\"; users : ( {\n} );", {"t.conf:1: users[0].name is missing"}},
    {"domain = \"d\"; users : ( { name = \"a\"; },\n { name = \"b\"; },\n { name = \"a\"; } );",
     {"t.conf:3: users[2].name is \"a\" a second time; the first is in /tmp/t.conf:1"}},
    {"domain = \"d\"; users : ( { name = \"a\"; srtp = \"require\"; } );",
     {"users[0].srtp wants \"off\", \"optional\" or \"required\", not \"require\"; is \"required\" meant?"}},
    {"domain = \"d\"; users : ( { name = \"a\"; admin = 1; } );", {"wants true or false (without quotes), not 1"}},
    {"domain = \"d\"; users : ( { name = \"a\";\n admin = true; } );", {"t.conf:2: users[0].admin needs a password"}},
    {"domain = \"d\";\nusers : ( { name = \"a\"; kind = \"boss\"; } );",
     {"t.conf:2: users[0].kind is \"boss\", which is none; there are: guest, chief"}},
    {"domain = \"d\";\nusers : ( { name = \"a\";\n kind = \"chief\"; } );", {"t.conf:2: users[0].admin needs a password"}},
    /* what libconfig would only call a syntax error */
    {"domain = \"d;\nweb : { };\n", {"t.conf:1: the text that begins here is not ended by a quote"}},
    {"/* domain = \"d\";\n", {"t.conf:1: the comment that begins here is not ended"}},
    {"domain = \"d\";\nweb : {\n ports = \"1-2\";\n", {"t.conf:2: the \"{\" that begins here is not closed"}},
    {"domain = \"d\"; users : (\n { name = \"a\"; )", {"t.conf:2: \")\" does not match the \"{\" of line 2"}},
    {"domain = \"d\"; }", {"\"}\" closes nothing"}},
    {"domain = \"d\"; users : ( { name = \"a\"; },\n );", {"t.conf:2: the comma before \")\" is one too many"}},
    {"domain \"d\";", {"t.conf:1: syntax error: options are written name = value"}},
    {"domain = \"d\";\ndomain = \"e\";", {"t.conf:2: duplicate setting name: an option or group is written twice"}},
    {"a=((((((((((((((((((((((((((1))))))))))))))))))))))))));", {"more than 16 brackets inside each other"}},
};

static void test_mistakes(void **state)
{
	for (size_t i = 0; i < G_N_ELEMENTS(mistakes); i++) {
		g_autofree char *said = load_wrong(mistakes[i].text);
		for (size_t j = 0; j < 3 && mistakes[i].said[j]; j++)
			if (!strstr(said, mistakes[i].said[j]))
				fail_msg("for:\n%s\nwanted: %s\nsaid: %s", mistakes[i].text, mistakes[i].said[j], said);
	}
}

static void test_all_mistakes_in_order(void **state)
{
	g_autofree char *said = load_wrong("web : { port = 1;\n ports = 2; };\n"
					   "users : ( { nam = \"a\"; },\n { name = 4; admin = \"yes\"; } );\n"
					   "domain = 5;\n");
	static const char *const wanted[] = {"t.conf:1: web.port is not known; is \"ports\" meant?",
					     "t.conf:2: web.ports wants",
					     "t.conf:3: users[0].nam is not known; is \"name\" meant?",
					     "t.conf:3: users[0].name is missing",
					     "t.conf:4: users[1].name wants",
					     "t.conf:4: users[1].admin wants",
					     "t.conf:5: domain wants"};
	const char *at = said;
	for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++) {
		at = strstr(at, wanted[i]);
		if (!at)
			fail_msg("no \"%s\" in its place in:\n%s", wanted[i], said);
	}
}

static void test_secrets_are_not_said(void **state)
{
	static const char *const texts[] = {
	    "domain = \"d\"; users : ( { name = \"a\"; password = 12345678; } );",
	    "domain = \"d\"; users : ( { name = \"a\"; password = \"8888888\" \"7\" 12345678; } );",
	    "domain = \"d\"; users : ( { name = \"a\"; password = (\"12345678\"); } );",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autofree char *said = load_wrong(texts[i]);
		assert_null(strstr(said, "12345678"));
		assert_null(strstr(said, "8888888"));
	}
	g_autofree char *said = load_wrong("domain = \"d\"; users : ( { name = \"a\"; password = \"xyz\"; } );");
	assert_non_null(strstr(said, "password is too short; at least 4 bytes"));
	assert_null(strstr(said, "xyz"));
}

static void write_secret(const char *path, const char *text, mode_t mode)
{
	assert_true(g_file_set_contents(path, text, -1, NULL));
	assert_int_equal(g_chmod(path, mode), 0);
}

static void test_secrets_may_be_elsewhere(void **state)
{
	g_autofree char *folder = g_dir_make_tmp("secretXXXXXX", NULL), *path = g_build_filename(folder, "s", NULL);
	g_autofree char *by_file = g_strdup_printf("domain = \"d\"; users : ( { name = \"a\"; password_file = \"%s\"; } );", path);
	write_secret(path, "pass word\r\n", 0600);
	struct config_snapshot *first = load(by_file), *second;
	assert_string_equal(config_string(first, "users", 0, "password"), "pass word");
	assert_true(config_is_written(first, "users", 0, "password"));
	assert_null(config_warnings(first)[0]);
	write_secret(path, "another", 0644);
	second = load(by_file);
	assert_string_equal(config_string(second, "users", 0, "password"), "another");
	assert_non_null(strstr(config_warnings(second)[0], "t.conf:1: users[0].password_file names a file that everybody"));
	assert_false(config_entry_equal(first, 0, second, 0, "users")); /* a reload sees it */
	config_unref(first);
	config_unref(second);
	static const struct { const char *text, *said; } table[] = {
	    {"two\nlines\n", "password_file wants a file of one short line"},
	    {"", "password_file is empty"},
	    {"xyz\n", "is too short"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		write_secret(path, table[i].text, 0600);
		g_autofree char *said = load_wrong(by_file);
		if (!strstr(said, table[i].said))
			fail_msg("%s", said);
		assert_null(strstr(said, "xyz"));
	}
	g_autofree char *huge = g_strnfill(CONFIG_STRING_BYTES_MAX + 100, 'x');
	write_secret(path, huge, 0600);
	g_autofree char *said = load_wrong(by_file);
	assert_non_null(strstr(said, "one short line"));
	g_unlink(path);
	g_autofree char *gone = load_wrong(by_file);
	assert_non_null(strstr(gone, "users[0].password_file cannot be read"));
	g_autofree char *folder_text = g_strdup_printf("domain = \"d\"; users : ( { name = \"a\"; password_file = \"%s\"; } );", folder);
	g_autofree char *no_file = load_wrong(folder_text);
	assert_non_null(strstr(no_file, "is no file that can be read"));
	g_rmdir(folder);
}

static void test_secrets_of_the_environment(void **state)
{
	static const char text[] = "domain = \"d\"; users : ( { name = \"a\"; password_env = \"TANDEM_TEST_SECRET\"; } );";
	g_setenv("TANDEM_TEST_SECRET", "of the environment", true);
	struct config_snapshot *snapshot = load(text);
	assert_string_equal(config_string(snapshot, "users", 0, "password"), "of the environment");
	config_unref(snapshot);
	g_unsetenv("TANDEM_TEST_SECRET");
	g_autofree char *said = load_wrong(text);
	assert_non_null(strstr(said, "t.conf:1: users[0].password_env names TANDEM_TEST_SECRET"));
	g_autofree char *twice = load_wrong("domain = \"d\"; users : ( { name = \"a\"; password = \"12345678\"; password_env = \"X\"; } );");
	assert_non_null(strstr(twice, "password_env is one place too many for password"));
	g_autofree char *both = load_wrong("domain = \"d\"; users : ( { name = \"a\"; password_file = \"x\"; password_env = \"X\"; } );");
	assert_non_null(strstr(both, "password_file is one place too many for password"));
	g_autofree char *described = config_describe(tables);
	assert_non_null(strstr(described, "Or password_file, a file that holds it, or password_env, a variable"));
}

static void test_values_cannot_forge_lines(void **state)
{
	g_autofree char *said = load_wrong("domain = \"d\"; web : { address = \"a\nERROR forged\\x1b[31m\"; };");
	assert_non_null(strstr(said, "a\\x0aERROR forged\\x1b[31m"));
}

static void test_many_mistakes_are_counted(void **state)
{
	g_autoptr(GString) text = g_string_new("domain = \"d\";\n");
	for (int i = 0; i < 900; i++)
		g_string_append_printf(text, "zz%d = 1;\n", i);
	g_autofree char *said = load_wrong(text->str);
	assert_non_null(strstr(said, "and 700 mistakes more"));
}

static void test_many_users(void **state)
{
	g_autoptr(GString) text = g_string_new("domain = \"d\"; users : (");
	for (int i = 0; i < 20000; i++)
		g_string_append_printf(text, "%s{ name = \"user%d\"; password = \"p%08d\"; }", i ? ",\n" : "", i, i);
	g_string_append(text, ");");
	struct config_snapshot *s = load(text->str);
	assert_int_equal(config_count(s, "users"), 20000);
	assert_int_equal(config_find(s, "users", "user19999"), 19999);
	config_unref(s);
}

static void test_diff(void **state)
{
	struct config_snapshot *a =
	    load("domain = \"d\"; users : ( { name = \"a\"; codecs = (\"x\"); }, { name = \"b\"; } );");
	struct config_snapshot *b = load("domain = \"d\"; web : { idle_timeout_s = 90; };\n users : ( { name = \"b\"; "
					 "}, { name = \"a\"; codecs = (\"x\"); } );");
	g_autofree const char **changed = config_diff(a, b);
	assert_string_equal(changed[0], "users"); /* a default written down is no change */
	assert_null(changed[1]);
	assert_true(config_entry_equal(a, 0, b, 1, "users"));
	assert_false(config_entry_equal(a, 0, b, 0, "users"));
	struct config_snapshot *c = load("domain = \"e\"; web : { idle_timeout_s = 91; }; users : ( { name = \"a\"; "
					 "codecs = (\"x\"); }, { name = \"b\"; } );");
	g_autofree const char **more = config_diff(a, c);
	assert_string_equal(more[0], "");
	assert_string_equal(more[1], "web");
	assert_null(more[2]);
	config_unref(a);
	config_unref(b);
	config_unref(c);
}

static void put(const char *folder, const char *name, const char *text)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);
	assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void test_include(void **state)
{
	char root[] = "/tmp/tandem-config-XXXXXX";
	assert_non_null(g_mkdtemp(root));
	g_autofree char *folder = g_build_filename(root, "etc", NULL);
	g_autofree char *main_file = g_build_filename(folder, "tandem.conf", NULL);
	g_autofree char *link = g_build_filename(folder, "link.conf", NULL);
	assert_int_equal(g_mkdir(folder, 0700), 0);
	put(root, "outside.conf", "domain = \"outside\";\n");
	assert_int_equal(symlink("../outside.conf", link), 0);
	put(folder, "users.conf", "{ name = \"a\"; },\n{ name = \"b\"; }");
	put(folder, "bad.conf", "\n\nfoo = 1;\n");
	put(folder, "loop.conf", "@include \"loop.conf\"\n");

	struct config_snapshot *snapshot = NULL;
	struct config_errors *errors = NULL;
	put(folder, "tandem.conf",
	    "users : (\n\t@include \"users.conf\"\n);\n/*\n@include \"nothing.conf\"\n*/ domain = \"d\";\n");
	assert_int_equal(config_load(main_file, tables, &snapshot, &errors), 0);
	assert_int_equal(config_count(snapshot, "users"), 2);
	config_unref(snapshot);

	static const struct {
		const char *text, *said;
	} refused[] = {
	    {"domain = \"d\";\n@include \"../outside.conf\"\n", "tandem.conf:2: @include wants a file in the folder"},
	    {"@include \"/etc/passwd\"\n", "tandem.conf:1: @include wants a file in the folder"},
	    {"\n@include \"link.conf\"\n",
	     "tandem.conf:2: cannot include \"link.conf\": it is a link out of the folder"},
	    {"@include \"none.conf\"\n", "tandem.conf:1: cannot include \"none.conf\": No such file"},
	    {"domain = \"d\";\n@include \"bad.conf\"\n", "/bad.conf:3: foo is not known"},
	    {"domain = \"d\";\n@include \"users.conf\"\nweb : { };", "/users.conf:1: syntax error"},
	    {"@include \"users.conf\" domain = 5;\n", "/users.conf:1: syntax error"},
	    {"domain = \"d\"; @include \"bad.conf\"\n", "tandem.conf:1: syntax error"},
	    {"domain = \"d\";\n\n@include \"bad.conf\"\nbar = 1;", "/bad.conf:3: foo is not known"},
	    {"domain = \"d\";\n\n@include \"bad.conf\"\nbarrr = 1;", "tandem.conf:4: barrr is not known"},
	    {"@include \"loop.conf\"\n", "/loop.conf:1: too many files include each other"},
	    {"@include \".\"\n", "cannot include \".\""},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
		put(folder, "tandem.conf", refused[i].text);
		assert_int_equal(config_load(main_file, tables, &snapshot, &errors), -EINVAL);
		bool is_said = false;
		for (size_t j = 0; j < config_errors_count(errors); j++)
			is_said |= strstr(config_errors_line(errors, j), refused[i].said) != NULL;
		if (!is_said)
			fail_msg("for %s: %s", refused[i].text, config_errors_line(errors, 0));
		errors = config_errors_free(errors);
	}
	g_unlink(main_file);
	assert_int_equal(config_load(main_file, tables, &snapshot, &errors), -ENOENT);
	assert_non_null(strstr(config_errors_line(errors, 0), "cannot be read: No such file"));
	config_errors_free(errors);

	static const char *const names[] = {
	    "etc/users.conf", "etc/bad.conf", "etc/loop.conf", "etc/link.conf", "outside.conf", "etc", ""};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = g_build_filename(root, names[i], NULL);
		assert_int_equal(g_remove(path), 0);
	}
}

static void test_too_large_or_binary(void **state)
{
	struct config_snapshot *snapshot = NULL;
	struct config_errors *errors = NULL;
	g_autofree char *large = g_malloc(CONFIG_FILE_BYTES_MAX + 1);
	memset(large, ' ', CONFIG_FILE_BYTES_MAX + 1);
	assert_int_equal(config_load_text("x", large, CONFIG_FILE_BYTES_MAX + 1, tables, &snapshot, &errors), -EFBIG);
	errors = config_errors_free(errors);
	assert_int_equal(config_load_text("x", "a\0b", 3, tables, &snapshot, &errors), -EINVAL);
	assert_non_null(strstr(config_errors_line(errors, 0), "x:1: a byte of value 0"));
	config_errors_free(errors);
}

static void test_describe(void **state)
{
	g_autofree char *text = config_describe(tables);
	assert_non_null(strstr(text, "web.idle_timeout_s\n    number from 1 to 3600; default 90\n"));
	assert_non_null(strstr(text, "users[].kind\n    text: \"guest\", \"chief\"\n"));
	assert_non_null(strstr(text, "users[].name\n    text; required\n"));
	assert_non_null(strstr(text, "users[].srtp\n    one of \"off\", \"optional\", \"required\"; default off\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_values),
	    cmocka_unit_test(test_little_is_enough),
	    cmocka_unit_test(test_a_preset_says_what_the_entry_does_not),
	    cmocka_unit_test(test_mistakes),
	    cmocka_unit_test(test_all_mistakes_in_order),
	    cmocka_unit_test(test_secrets_are_not_said),
	    cmocka_unit_test(test_secrets_may_be_elsewhere),
	    cmocka_unit_test(test_secrets_of_the_environment),
	    cmocka_unit_test(test_values_cannot_forge_lines),
	    cmocka_unit_test(test_many_mistakes_are_counted),
	    cmocka_unit_test(test_many_users),
	    cmocka_unit_test(test_diff),
	    cmocka_unit_test(test_include),
	    cmocka_unit_test(test_too_large_or_binary),
	    cmocka_unit_test(test_describe),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
