/* Plugins: loaded from a folder, their version checked, what they bring kept in a registry. */
#pragma once
#include "base/base.h"
#include "config/config.h"
#include <tandem/codec.h>

/* plugins.directory */
extern const struct config_table plugin_options;

/* Filled at start by one thread; read by any thread after that. The codecs in it live until the process ends, also
 * after the registry is freed. */
struct plugin_registry;

int plugin_registry_new(struct plugin_registry **ret_registry);
struct plugin_registry *plugin_registry_free(struct plugin_registry *registry); /* accepts NULL; returns NULL */

/* Checks a plugin and takes what it brings. 0; or -EPROTO with a reason (to be freed) that names it and what is wrong.
 */
int plugin_registry_add(struct plugin_registry *registry, const struct tandem_plugin *plugin, char **ret_reason);
/* Loads one file. 0; or -ENOENT, -ELIBBAD, -EPROTO with a reason to be freed. */
int plugin_registry_load(struct plugin_registry *registry, const char *path, char **ret_reason);
/* Loads every *.so of a folder, in the order of names, and logs a line for each one that is refused. Returns how many
 * were loaded, or -errno when the folder cannot be read. */
int plugin_registry_load_directory(struct plugin_registry *registry, const char *directory);

/* Encoding names are compared without case; `channels` 0 is 1 (SDP leaves it out). NULL: unknown. */
const struct tandem_codec *plugin_codec_find(const struct plugin_registry *registry, const char *encoding,
					     uint32_t clock_hz, uint8_t channels);
/* The rate of sound (samples per second) that is wanted, or the codec's best when it has not that one. */
uint32_t plugin_codec_rate(const struct tandem_codec *codec, uint32_t wanted_hz);
/* All codecs, in the order they came; NULL past the end. */
const struct tandem_codec *plugin_codec_at(const struct plugin_registry *registry, size_t index);
