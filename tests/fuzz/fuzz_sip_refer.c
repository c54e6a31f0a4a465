/* Refer-To and Replaces of any text: what is taken holds no more than it may, and reads the same when written again. */
#include "sip/refer.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_replaces(const struct sip_replaces *replaces)
{
	struct sip_replaces again;
	g_autofree char *text = sip_replaces_format(replaces);
	if (strpbrk(text, " \t\r\n\"") || sip_replaces_parse(text, &again) < 0 || strcmp(again.call_id, replaces->call_id) ||
	    strcmp(again.to_tag, replaces->to_tag) || strcmp(again.from_tag, replaces->from_tag) ||
	    again.is_early_only != replaces->is_early_only)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	struct sip_refer_to refer_to;
	struct sip_replaces replaces;
	if (sip_refer_to_parse(text, &refer_to) == 0) {
		struct sip_uri uri;
		if (strchr(refer_to.uri, '?') || sip_uri_parse(refer_to.uri, &uri) < 0)
			abort();
		if (refer_to.has_replaces)
			check_replaces(&refer_to.replaces);
	}
	if (sip_replaces_parse(text, &replaces) == 0)
		check_replaces(&replaces);
	return 0;
}
