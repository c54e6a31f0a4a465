/* Header values as far ends write them. What is found is found again where it is put together anew. */
#include "sip/value.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_parameter(const char *value, const char *name)
{
	g_autofree char *parameter = sip_value_parameter(value, name);
	if (!parameter || !(*parameter == '"' || sip_value_is_token(parameter, strlen(parameter))))
		return;
	g_autofree char *again_value = g_strdup_printf("x;%s=%s;y=1", name, parameter);
	g_autofree char *again = sip_value_parameter(again_value, name);
	g_autofree char *next = sip_value_parameter(again_value, "y");
	g_assert_cmpstr(again, ==, parameter);
	g_assert_cmpstr(next, ==, "1");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *value = g_strndup((const char *)data, size);
	struct sip_name_addr address;
	uint32_t seconds;
	check_parameter(value, "id");
	check_parameter(value, "reason");
	if (sip_value_name_addr(value, &address) == 0) {
		g_assert(address.uri_length && address.uri >= value && address.uri + address.uri_length <= value + strlen(value));
		g_assert(address.name >= value && address.name + address.name_length <= address.uri + address.uri_length);
		g_autofree char *uri = sip_value_uri(value);
		g_assert(strlen(uri) == address.uri_length);
	}
	sip_value_is_route(value);
	sip_value_seconds(value, &seconds);
	g_assert(sip_value_token_length(value) <= strlen(value));
	return 0;
}
