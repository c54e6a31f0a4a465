/* A plugin as an older gateway would have had it: everything right but the version of the API. */
#include <tandem/codec.h>

TANDEM_PLUGIN_EXPORT const struct tandem_plugin tandem_plugin = {
    .magic = TANDEM_PLUGIN_MAGIC,
    .api_major = TANDEM_PLUGIN_API_MAJOR - 1,
    .api_minor = 7,
    .kind = TANDEM_PLUGIN_CODEC,
    .name = "old",
    .version = "0.9",
};
