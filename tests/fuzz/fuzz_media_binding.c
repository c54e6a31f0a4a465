/* Binding messages: what can be read is looked at in full, and as a request written again it reads the same. */
#include "media/binding.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char password[] = "VOkJxbRl1RmTxUk/WvJxBt"; /* of the samples */

static void demand(bool holds)
{
	if (!holds)
		abort();
}

static void write_again(const struct media_binding *binding)
{
	uint8_t bytes[MEDIA_BINDING_WRITTEN_MAX];
	struct media_binding again;
	char username[514] = "";
	size_t length;

	if (binding->username_bytes >= sizeof username || binding->role == MEDIA_BINDING_NO_ROLE)
		return;
	if (binding->username_bytes)
		memcpy(username, binding->username, binding->username_bytes);
	length = media_binding_write_request(binding, username, password, bytes);
	demand(length <= sizeof bytes && media_binding_read(bytes, length, &again) == 0);
	demand(media_binding_is_authentic(&again, bytes, password));
	demand(again.priority == binding->priority && again.role == binding->role &&
	       again.tie_breaker == binding->tie_breaker && again.uses_candidate == binding->uses_candidate);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Of exactly this size, so that the sanitizer sees what is read behind it. */
	uint8_t *bytes = g_memdup2(data, size);
	struct media_binding binding;

	if (size > 0 && media_binding_read(bytes, size, &binding) == 0) {
		media_binding_is_authentic(&binding, bytes, password);
		write_again(&binding);
	}
	g_free(bytes);
	return 0;
}
