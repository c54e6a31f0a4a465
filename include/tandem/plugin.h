/* Tandem's plugin API.
 *
 * A plugin is a shared library in the gateway's plugin folder (option plugins.directory). It exports one symbol,
 *
 *	#include <tandem/codec.h>
 *
 *	TANDEM_PLUGIN_EXPORT const struct tandem_plugin tandem_plugin = {
 *		TANDEM_PLUGIN_HEADER,
 *		.kind = TANDEM_PLUGIN_CODEC,
 *		.name = "g711",
 *		.version = "1.0",
 *		.codecs = codecs,
 *	};
 *
 * which the gateway reads after loading it. Everything reachable from the symbol is static, never changes, and stays
 * until the process ends: plugins are not unloaded. A plugin needs no symbol of the gateway and must be linked with
 * what it uses itself. Loading must have no effect but that (no threads, no files, no output).
 *
 * Versions: the gateway takes a plugin that was built with the same major version of this API and a minor version not
 * newer than its own. New members come at the end of structures with a new minor version; the gateway reads a member
 * only if the plugin's version has it. What is not set is zero and means "not offered". */
#ifndef TANDEM_PLUGIN_H
#define TANDEM_PLUGIN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TANDEM_PLUGIN_MAGIC	UINT32_C(0x544d4450)
#define TANDEM_PLUGIN_API_MAJOR 1
#define TANDEM_PLUGIN_API_MINOR 1
#define TANDEM_PLUGIN_SYMBOL	"tandem_plugin"

/* The first members of every plugin. */
#define TANDEM_PLUGIN_HEADER                                                                                           \
	.magic = TANDEM_PLUGIN_MAGIC, .api_major = TANDEM_PLUGIN_API_MAJOR, .api_minor = TANDEM_PLUGIN_API_MINOR

#define TANDEM_PLUGIN_EXPORT __attribute__((visibility("default")))

enum tandem_plugin_kind {
	TANDEM_PLUGIN_CODEC = 1, /* <tandem/codec.h> */
};

struct tandem_codec;

struct tandem_plugin {
	uint32_t magic;
	uint16_t api_major;
	uint16_t api_minor;
	uint32_t kind;	     /* enum tandem_plugin_kind; one the gateway does not know is refused */
	const char *name;    /* for people and logs: letters, digits, '-' and '_' */
	const char *version; /* the plugin's own, for people */
	union {
		const struct tandem_codec *const *codecs; /* TANDEM_PLUGIN_CODEC: ended by NULL */
		const void *reserved;
	};
};

#ifdef __cplusplus
}
#endif
#endif
