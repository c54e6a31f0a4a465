#include "plugin/plugin.h"
#include "base/log.h"
#include <dlfcn.h>
#include <string.h>

#define PLUGIN_CODECS_MAX     64 /* of one plugin */
#define PLUGIN_NAME_BYTES_MAX 31

struct plugin_codec {
	const struct tandem_codec *codec;
	const char *plugin;
};

struct plugin_registry {
	GArray *codecs; /* struct plugin_codec */
};

static void check_directory(const struct config_snapshot *snapshot, struct config_report *report)
{
	const char *directory = config_string(snapshot, "plugins", 0, "directory");
	/* The default need not be there: a gateway without codecs still carries what both sides share. */
	if (directory && config_is_written(snapshot, "plugins", 0, "directory") &&
	    !g_file_test(directory, G_FILE_TEST_IS_DIR))
		config_complain(report, "plugins", 0, "directory", "is no folder: %s", directory);
}

static const struct config_option rows[] = {
    {.name = "directory",
     .type = CONFIG_PATH,
     .min = 1,
     .fallback = PLUGIN_DIRECTORY,
     .help = "Every *.so in this folder is loaded at start."},
    {0},
};
const struct config_table plugin_options = {.group = "plugins", .options = rows, .check = check_directory};

int plugin_registry_new(struct plugin_registry **ret_registry)
{
	struct plugin_registry *registry = g_new0(struct plugin_registry, 1);
	registry->codecs = g_array_new(FALSE, FALSE, sizeof(struct plugin_codec));
	*ret_registry = registry;
	return 0;
}

struct plugin_registry *plugin_registry_free(struct plugin_registry *registry)
{
	if (registry) {
		g_array_free(registry->codecs, TRUE);
		g_free(registry);
	}
	return NULL;
}

static bool is_name(const char *text, const char *also)
{
	if (!text || !*text || strlen(text) > PLUGIN_NAME_BYTES_MAX)
		return false;
	for (const char *c = text; *c; c++)
		if (!g_ascii_isalnum(*c) && !strchr(also, *c))
			return false;
	return true;
}

/* What is wrong with a plugin of any kind, or NULL. */
static char *refuse_header(const struct tandem_plugin *plugin)
{
	if (plugin->magic != TANDEM_PLUGIN_MAGIC)
		return g_strdup("is no plugin of tandem (wrong magic number)");
	if (plugin->api_major != TANDEM_PLUGIN_API_MAJOR || plugin->api_minor > TANDEM_PLUGIN_API_MINOR)
		return g_strdup_printf(
		    "was built for plugin API %u.%u, this gateway has %u.%u: it must be built again with this "
		    "version's <tandem/plugin.h>",
		    plugin->api_major, plugin->api_minor, TANDEM_PLUGIN_API_MAJOR, TANDEM_PLUGIN_API_MINOR);
	if (!is_name(plugin->name, "-_"))
		return g_strdup("has no proper name (letters, digits, '-' and '_')");
	if (plugin->kind != TANDEM_PLUGIN_CODEC)
		return g_strdup_printf("\"%s\" is of kind %u, which is not known", plugin->name, plugin->kind);
	if (!plugin->codecs || !plugin->codecs[0])
		return g_strdup_printf("\"%s\" brings no codec", plugin->name);
	return NULL;
}

static const char *refuse_codec(const struct tandem_codec *codec)
{
	if (!is_name(codec->encoding, "-_.+"))
		return "has no proper encoding name";
	if (!codec->clock_hz || !codec->channels || codec->channels > 8)
		return "has no clock rate or channels";
	if (codec->static_payload_type < -1 || codec->static_payload_type > 95)
		return "has a static payload type beyond 95";
	if (!codec->pcm_rates_hz || !codec->pcm_rates_hz[0] || codec->pcm_channels_max < 1 ||
	    codec->pcm_channels_max > 2)
		return "works at no rate of sound, or not at 1 or 2 channels";
	if (!codec->frame_durations_ms || !codec->frame_durations_ms[0])
		return "has no frame duration";
	for (const uint16_t *ms = codec->frame_durations_ms; *ms; ms++)
		if (*ms > TANDEM_CODEC_FRAME_MS_MAX)
			return "has too long a frame duration";
	if (codec->default_fmtp && strlen(codec->default_fmtp) >= TANDEM_CODEC_FMTP_BYTES_MAX)
		return "has too long a default fmtp";
	if (!codec->encoder_new || !codec->encode || !codec->encoder_free || !codec->decoder_new || !codec->decode ||
	    !codec->decoder_free || !codec->duration)
		return "lacks a function that every codec must have";
	return NULL;
}

static const struct plugin_codec *find(const struct plugin_registry *registry, const char *encoding, uint32_t clock_hz,
				       uint8_t channels)
{
	if (!channels)
		channels = 1;
	for (guint i = 0; i < registry->codecs->len; i++) {
		const struct plugin_codec *entry = &g_array_index(registry->codecs, struct plugin_codec, i);
		if (entry->codec->clock_hz == clock_hz && entry->codec->channels == channels &&
		    !g_ascii_strcasecmp(entry->codec->encoding, encoding))
			return entry;
	}
	return NULL;
}

static char *refuse(const struct plugin_registry *registry, const struct tandem_plugin *plugin)
{
	char *reason = refuse_header(plugin);
	if (reason)
		return reason;
	for (size_t i = 0; plugin->codecs[i]; i++) {
		const struct tandem_codec *codec = plugin->codecs[i];
		const char *wrong = i < PLUGIN_CODECS_MAX ? refuse_codec(codec) : "is one too many";
		if (wrong)
			return g_strdup_printf("\"%s\": codec %zu %s", plugin->name, i + 1, wrong);
		const struct plugin_codec *other = find(registry, codec->encoding, codec->clock_hz, codec->channels);
		if (other)
			return g_strdup_printf("\"%s\" brings %s, which plugin \"%s\" has brought already",
					       plugin->name, codec->encoding, other->plugin);
	}
	return NULL;
}

/* A codec of a plugin for an older minor version ends earlier: what it lacks is zero. The copies live on, as codecs do.
 */
static const struct tandem_codec *complete_codec(const struct tandem_plugin *plugin, const struct tandem_codec *codec)
{
	static GSList *copies;
	if (plugin->api_minor >= 1)
		return codec;
	struct tandem_codec *copy = g_new0(struct tandem_codec, 1);
	memcpy(copy, codec, offsetof(struct tandem_codec, flags));
	copies = g_slist_prepend(copies, copy);
	return copy;
}

int plugin_registry_add(struct plugin_registry *registry, const struct tandem_plugin *plugin, char **ret_reason)
{
	char *reason = refuse(registry, plugin);
	if (reason) {
		*ret_reason = reason;
		return -EPROTO;
	}
	for (size_t i = 0; plugin->codecs[i]; i++) {
		struct plugin_codec entry = {.codec = complete_codec(plugin, plugin->codecs[i]),
					     .plugin = plugin->name};
		g_array_append_val(registry->codecs, entry);
	}
	return 0;
}

int plugin_registry_load(struct plugin_registry *registry, const char *path, char **ret_reason)
{
	if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
		*ret_reason = g_strdup_printf("%s is not there", path);
		return -ENOENT;
	}
	/* Bound now and to itself, so that a missing symbol is seen here and not in the middle of a call. */
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		*ret_reason = g_strdup_printf("%s cannot be loaded: %s", path, dlerror());
		return -ELIBBAD;
	}
	const struct tandem_plugin *plugin = dlsym(library, TANDEM_PLUGIN_SYMBOL);
	g_autofree char *reason = NULL;
	int result = -EPROTO;
	if (!plugin)
		reason = g_strdup("has no symbol " TANDEM_PLUGIN_SYMBOL);
	else
		result = plugin_registry_add(registry, plugin, &reason);
	if (result < 0) {
		*ret_reason = g_strdup_printf("%s %s", path, reason);
		dlclose(library);
	}
	return result; /* a plugin that was taken stays loaded to the end */
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int plugin_registry_load_directory(struct plugin_registry *registry, const char *directory)
{
	GError *error = NULL;
	GDir *folder = g_dir_open(directory, 0, &error);
	if (!folder) {
		int result = g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT) ? -ENOENT : -EACCES;
		g_error_free(error);
		return result;
	}
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	for (const char *name; (name = g_dir_read_name(folder));)
		if (name[0] != '.' && g_str_has_suffix(name, ".so"))
			g_ptr_array_add(names, g_strdup(name));
	g_dir_close(folder);
	g_ptr_array_sort(names, compare_names);
	int n_loaded = 0;
	for (guint i = 0; i < names->len; i++) {
		g_autofree char *path = g_build_filename(directory, names->pdata[i], NULL);
		g_autofree char *reason = NULL;
		if (plugin_registry_load(registry, path, &reason) < 0)
			log_warning(NULL, "plugin refused: %s", reason);
		else
			n_loaded++;
	}
	return n_loaded;
}

const struct tandem_codec *plugin_codec_find(const struct plugin_registry *registry, const char *encoding,
					     uint32_t clock_hz, uint8_t channels)
{
	const struct plugin_codec *entry = find(registry, encoding, clock_hz, channels);
	return entry ? entry->codec : NULL;
}

uint32_t plugin_codec_rate(const struct tandem_codec *codec, uint32_t wanted_hz)
{
	for (const uint32_t *hz = codec->pcm_rates_hz; *hz; hz++)
		if (*hz == wanted_hz)
			return wanted_hz;
	return codec->pcm_rates_hz[0];
}

const struct tandem_codec *plugin_codec_at(const struct plugin_registry *registry, size_t index)
{
	return index < registry->codecs->len ? g_array_index(registry->codecs, struct plugin_codec, index).codec : NULL;
}
