/* What can be converted, as negotiation asks for it: the codecs that plugins both encode and decode. Made once; read by any thread. */
#pragma once
#include "sdp/plan.h"

struct plugin_registry;
struct media_convert;

/* `wanted`: encodings, the most liked first, NULL-terminated; empty: all there are. */
struct media_convert *media_convert_new(const struct plugin_registry *codecs, const char *const *wanted);
struct media_convert *media_convert_free(struct media_convert *convert); /* accepts NULL; returns NULL */
/* NULL: there are no two to convert between. */
const struct sdp_converter *media_convert_converter(const struct media_convert *convert);
