/* DNS messages with SRV and NAPTR records: what is read of them is in order and within limits. */
#include "trunk/names.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trunk_service services[TRUNK_SERVICES_MAX];
	struct trunk_pointer pointers[TRUNK_SERVICES_MAX];
	size_t n = 0;
	uint32_t ttl_s;
	if (trunk_read_services(data, size, services, &n, &ttl_s) == 0)
		g_assert(n && n <= TRUNK_SERVICES_MAX && ttl_s <= TRUNK_TTL_MAX_S);
	for (size_t i = 0; i < n; i++) {
		g_assert(services[i].port && *services[i].target && strlen(services[i].target) < TRUNK_NAME_SIZE);
		g_assert(!i || services[i].priority >= services[i - 1].priority);
	}
	n = 0;
	if (trunk_read_pointers(data, size, pointers, &n, &ttl_s) == 0)
		g_assert(n && n <= TRUNK_SERVICES_MAX && ttl_s <= TRUNK_TTL_MAX_S);
	for (size_t i = 0; i < n; i++) {
		g_assert(*pointers[i].replacement && strlen(pointers[i].replacement) < TRUNK_NAME_SIZE);
		g_assert(!i || pointers[i].order >= pointers[i - 1].order);
	}
	return 0;
}
