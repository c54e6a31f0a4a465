/* Which plugins are taken and which are refused, and in what words. */
#include "plugin/plugin.h"
#include <glib/gstdio.h>
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include <unistd.h>

static int codec_new(const struct tandem_codec_settings *settings, void **ret_codec)
{
	return -ENOTSUP;
}

static int codec_encode(void *encoder, const int16_t *pcm, size_t n_samples, uint8_t *payload, size_t payload_size)
{
	return 0;
}

static int codec_decode(void *decoder, const uint8_t *payload, size_t length, int16_t *pcm, size_t room)
{
	return 0;
}

static int codec_duration(const uint8_t *payload, size_t length)
{
	return 160;
}

static const uint32_t rates[] = {8000, 0};
static const uint16_t durations[] = {20, 0};
static const uint16_t long_durations[] = {20, 200, 0};

static const struct tandem_codec good = {
    .encoding = "X-good",
    .clock_hz = 8000,
    .channels = 1,
    .static_payload_type = -1,
    .pcm_rates_hz = rates,
    .pcm_channels_max = 1,
    .frame_durations_ms = durations,
    .encoder_new = codec_new,
    .encode = codec_encode,
    .encoder_free = free,
    .decoder_new = codec_new,
    .decode = codec_decode,
    .decoder_free = free,
    .duration = codec_duration,
};
static const struct tandem_codec *const good_codecs[] = {&good, NULL};
static const struct tandem_plugin good_plugin = {TANDEM_PLUGIN_HEADER, .kind = TANDEM_PLUGIN_CODEC, .name = "good",
						 .version = "1", .codecs = good_codecs};

static void expect_refused(struct plugin_registry *registry, const struct tandem_plugin *plugin, const char *words)
{
	char *reason = NULL;
	assert_int_equal(plugin_registry_add(registry, plugin, &reason), -EPROTO);
	if (!strstr(reason, words))
		fail_msg("wanted \"%s\", said \"%s\"", words, reason);
	g_free(reason);
	assert_null(plugin_codec_at(registry, 0));
}

static void expect_codec_refused(struct plugin_registry *registry, const struct tandem_codec *codec, const char *words)
{
	const struct tandem_codec *const codecs[] = {codec, NULL};
	struct tandem_plugin plugin = good_plugin;
	plugin.codecs = codecs;
	expect_refused(registry, &plugin, words);
}

static void test_header(void **state)
{
	struct plugin_registry *registry;
	assert_int_equal(plugin_registry_new(&registry), 0);
	struct tandem_plugin plugin = good_plugin;
	plugin.magic++;
	expect_refused(registry, &plugin, "wrong magic number");
	plugin = good_plugin;
	plugin.api_major++;
	expect_refused(registry, &plugin, "was built for plugin API 2.1, this gateway has 1.1");
	plugin = good_plugin;
	plugin.api_minor = TANDEM_PLUGIN_API_MINOR + 1;
	expect_refused(registry, &plugin, "was built for plugin API 1.2, this gateway has 1.1");
	plugin = good_plugin;
	plugin.name = "../evil";
	expect_refused(registry, &plugin, "has no proper name");
	plugin = good_plugin;
	plugin.kind = 77;
	expect_refused(registry, &plugin, "\"good\" is of kind 77, which is not known");
	plugin = good_plugin;
	plugin.codecs = good_codecs + 1;
	expect_refused(registry, &plugin, "brings no codec");
	plugin_registry_free(registry);
}

static void test_codec_rows(void **state)
{
	struct plugin_registry *registry;
	assert_int_equal(plugin_registry_new(&registry), 0);
	struct tandem_codec codec = good;
	codec.encoding = "two words";
	expect_codec_refused(registry, &codec, "codec 1 has no proper encoding name");
	codec = good;
	codec.clock_hz = 0;
	expect_codec_refused(registry, &codec, "no clock rate");
	codec = good;
	codec.static_payload_type = 96;
	expect_codec_refused(registry, &codec, "beyond 95");
	codec = good;
	codec.pcm_rates_hz = NULL;
	expect_codec_refused(registry, &codec, "no rate of sound");
	codec = good;
	codec.frame_durations_ms = long_durations;
	expect_codec_refused(registry, &codec, "too long a frame duration");
	codec = good;
	codec.duration = NULL;
	expect_codec_refused(registry, &codec, "lacks a function");
	plugin_registry_free(registry);
}

static void test_find(void **state)
{
	struct plugin_registry *registry;
	char *reason = NULL;
	assert_int_equal(plugin_registry_new(&registry), 0);
	assert_int_equal(plugin_registry_add(registry, &good_plugin, &reason), 0);
	assert_ptr_equal(plugin_codec_find(registry, "x-GOOD", 8000, 0), &good);
	assert_ptr_equal(plugin_codec_find(registry, "X-good", 8000, 1), &good);
	assert_null(plugin_codec_find(registry, "X-good", 16000, 1));
	assert_null(plugin_codec_find(registry, "X-good", 8000, 2));
	assert_null(plugin_codec_find(registry, "X-goo", 8000, 1));
	assert_int_equal(plugin_registry_add(registry, &good_plugin, &reason), -EPROTO);
	assert_string_equal(reason, "\"good\" brings X-good, which plugin \"good\" has brought already");
	g_free(reason);
	assert_null(plugin_codec_at(registry, 1));
	plugin_registry_free(registry);
}

static void test_old_file(void **state)
{
	struct plugin_registry *registry;
	char *reason = NULL;
	assert_int_equal(plugin_registry_new(&registry), 0);
	assert_int_equal(plugin_registry_load(registry, TANDEM_BUILDDIR "/tests/support/.libs/plugin_old.so", &reason),
			 -EPROTO);
	assert_non_null(strstr(reason, "/plugin_old.so was built for plugin API 0.7, this gateway has 1.1"));
	g_clear_pointer(&reason, g_free);
	assert_int_equal(plugin_registry_load(registry, "/nonexistent/x.so", &reason), -ENOENT);
	assert_string_equal(reason, "/nonexistent/x.so is not there");
	g_free(reason);
	plugin_registry_free(registry);
}

static void test_folder(void **state)
{
	struct plugin_registry *registry;
	assert_int_equal(plugin_registry_new(&registry), 0);
	assert_int_equal(plugin_registry_load_directory(registry, "/nonexistent"), -ENOENT);

	/* One file that is no library, one without the symbol's right version, one that is good: the good one is taken.
	 */
	char folder[] = "/tmp/tandem-plugins-XXXXXX";
	assert_non_null(g_mkdtemp(folder));
	g_autofree char *text = g_build_filename(folder, "a_text.so", NULL);
	g_autofree char *old = g_build_filename(folder, "b_old.so", NULL);
	g_autofree char *codec = g_build_filename(folder, "codec_g711.so", NULL);
	g_autofree char *other = g_build_filename(folder, "readme.txt", NULL);
	assert_true(g_file_set_contents(text, "no library", -1, NULL));
	assert_true(g_file_set_contents(other, "text", -1, NULL));
	assert_int_equal(symlink(TANDEM_BUILDDIR "/tests/support/.libs/plugin_old.so", old), 0);
	assert_int_equal(symlink(TANDEM_BUILDDIR "/plugins/.libs/codec_g711.so", codec), 0);
	assert_int_equal(plugin_registry_load_directory(registry, folder), 1);
	assert_non_null(plugin_codec_find(registry, "pcmu", 8000, 1));
	assert_null(plugin_codec_at(registry, 2));
	plugin_registry_free(registry);
	const char *const files[] = {text, old, codec, other, folder};
	for (size_t i = 0; i < G_N_ELEMENTS(files); i++)
		assert_int_equal(g_remove(files[i]), 0);
}

static void test_option(void **state)
{
	static const struct config_table *const tables[] = {&plugin_options, NULL};
	struct config_snapshot *snapshot = NULL;
	struct config_errors *errors = NULL;
	assert_int_equal(config_load_text("/t", "", 0, tables, &snapshot, &errors), 0);
	assert_string_equal(config_string(snapshot, "plugins", 0, "directory"), PLUGIN_DIRECTORY);
	config_unref(snapshot);
	static const char wrong[] = "plugins : {\n directory = \"/nonexistent\"; };";
	assert_int_equal(config_load_text("/t", wrong, strlen(wrong), tables, &snapshot, &errors), -EINVAL);
	assert_string_equal(config_errors_line(errors, 0), "/t:2: plugins.directory is no folder: /nonexistent");
	config_errors_free(errors);
}

static void test_older_minor_version(void **state)
{
	/* Its codec ends where API 1.0 ended: nothing after that is read. */
	struct plugin_registry *registry;
	char *reason = NULL;
	assert_int_equal(plugin_registry_new(&registry), 0);
	struct tandem_codec *codec = g_malloc(offsetof(struct tandem_codec, flags));
	memcpy(codec, &good, offsetof(struct tandem_codec, flags));
	const struct tandem_codec *const codecs[] = {codec, NULL};
	struct tandem_plugin plugin = good_plugin;
	plugin.api_minor = 0;
	plugin.codecs = codecs;
	assert_int_equal(plugin_registry_add(registry, &plugin, &reason), 0);
	const struct tandem_codec *taken = plugin_codec_find(registry, "x-GOOD", 8000, 1);
	assert_non_null(taken);
	assert_ptr_equal(taken->duration, codec_duration);
	assert_int_equal(taken->flags, 0);
	assert_null(taken->encoder_set_complexity);
	assert_null(taken->decoder_request);
	assert_null(taken->encoder_set_request);
	plugin_registry_free(registry);
	g_free(codec);
}

static void test_example(void **state)
{
	/* The example for those who write one is loaded as theirs will be, and works. */
	struct plugin_registry *registry;
	char *reason = NULL;
	assert_int_equal(plugin_registry_new(&registry), 0);
	int result = plugin_registry_load(registry, TANDEM_BUILDDIR "/tests/support/.libs/plugin_example.so", &reason);
	if (result < 0)
		fail_msg("%s", reason);
	const struct tandem_codec *codec = plugin_codec_find(registry, "L8", 8000, 1);
	assert_non_null(codec);
	assert_null(codec->negotiate_fmtp);
	struct tandem_codec_settings settings = {codec->pcm_rates_hz[0], 1, codec->frame_durations_ms[0], ""};
	void *encoder, *decoder;
	assert_int_equal(codec->encoder_new(&settings, &encoder), 0);
	assert_int_equal(codec->decoder_new(&settings, &decoder), 0);
	int16_t pcm[160], heard[160];
	uint8_t payload[160];
	for (int i = 0; i < 160; i++)
		pcm[i] = (int16_t)(400 * i - 32000);
	assert_int_equal(codec->encode(encoder, pcm, 160, payload, 159), -ENOBUFS);
	assert_int_equal(codec->encode(encoder, pcm, 160, payload, 160), 160);
	assert_int_equal(codec->duration(payload, 160), 160);
	assert_int_equal(codec->decode(decoder, payload, 160, heard, 159), -ENOBUFS);
	assert_int_equal(codec->decode(decoder, payload, 160, heard, 160), 160);
	for (int i = 0; i < 160; i++)
		assert_in_range(heard[i] - pcm[i] + 128, 0, 256);
	assert_int_equal(codec->decode(decoder, NULL, 0, heard, 160), 160);
	assert_in_range(pcm[159] - heard[0], 0, 1500);
	assert_in_range(heard[159] + 300, 0, 600);
	codec->encoder_free(encoder);
	codec->decoder_free(decoder);
	plugin_registry_free(registry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_header),
	    cmocka_unit_test(test_codec_rows),
	    cmocka_unit_test(test_find),
	    cmocka_unit_test(test_old_file),
	    cmocka_unit_test(test_folder),
	    cmocka_unit_test(test_option),
	    cmocka_unit_test(test_older_minor_version),
	    cmocka_unit_test(test_example),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
