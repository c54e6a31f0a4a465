#include "trunk/names.h"
#include <ares.h>
#include <ares_nameser.h>
#include <string.h>

#define HEADER_BYTES 12

static const struct {
	enum sip_transport transport;
	const char *name;
} services_of_naptr[] = {
    {SIP_TRANSPORT_UDP, "SIP+D2U"},
    {SIP_TRANSPORT_TCP, "SIP+D2T"},
};

static uint32_t number_at(const uint8_t *bytes, size_t n)
{
	uint32_t number = 0;
	while (n--)
		number = number << 8 | *bytes++;
	return number;
}

/* Behind the name; NULL: it does not end within the message. */
static const uint8_t *skip_name(const uint8_t *at, const uint8_t *message, size_t length)
{
	char *name;
	long encoded;
	if (at >= message + length || ares_expand_name(at, message, (int)length, &name, &encoded) != ARES_SUCCESS)
		return NULL;
	ares_free_string(name);
	return at + encoded;
}

/* The least TTL in the answer section, which c-ares does not tell of these records. */
static uint32_t least_ttl(const uint8_t *message, size_t length)
{
	const uint8_t *at = message + HEADER_BYTES, *end = message + length;
	uint32_t least = TRUNK_TTL_MAX_S;
	if (length < HEADER_BYTES)
		return TRUNK_TTL_MIN_S;
	for (uint32_t n = number_at(message + 4, 2); n; n--) {
		at = skip_name(at, message, length);
		if (!at || end - at < 4)
			return TRUNK_TTL_MIN_S;
		at += 4;
	}
	for (uint32_t n = number_at(message + 6, 2); n; n--) {
		at = skip_name(at, message, length);
		if (!at || end - at < 10)
			return TRUNK_TTL_MIN_S;
		uint32_t ttl = number_at(at + 4, 4), data = number_at(at + 8, 2);
		least = MIN(least, ttl);
		if ((size_t)(end - at) < 10 + data)
			return TRUNK_TTL_MIN_S;
		at += 10 + data;
	}
	return least;
}

static int error_of(int status)
{
	return status == ARES_ENODATA ? -ENOENT : -EBADMSG;
}

static bool is_better_service(const struct trunk_service *one, const struct trunk_service *than)
{
	return one->priority < than->priority || (one->priority == than->priority && one->weight > than->weight);
}

int trunk_read_services(const uint8_t *message, size_t length, struct trunk_service services[static TRUNK_SERVICES_MAX],
			size_t *ret_n, uint32_t *ret_ttl_s)
{
	struct ares_srv_reply *list = NULL;
	int status = length > INT_MAX ? ARES_EBADRESP : ares_parse_srv_reply(message, (int)length, &list);
	if (status != ARES_SUCCESS)
		return error_of(status);
	size_t n = 0;
	bool is_denied = list && !list->next && (!*list->host || !strcmp(list->host, "."));
	for (const struct ares_srv_reply *record = list; record; record = record->next) {
		struct trunk_service service = {.port = record->port, .priority = record->priority, .weight = record->weight};
		if (!record->port || !*record->host || strlen(record->host) >= sizeof service.target)
			continue;
		base_copy_text(service.target, sizeof service.target, record->host);
		size_t place = n;
		while (place && is_better_service(&service, &services[place - 1]))
			place--;
		if (place == TRUNK_SERVICES_MAX)
			continue;
		n = MIN(n + 1, TRUNK_SERVICES_MAX);
		memmove(&services[place + 1], &services[place], (n - place - 1) * sizeof *services);
		services[place] = service;
	}
	ares_free_data(list);
	if (!n)
		return is_denied ? -ENXIO : -ENOENT;
	*ret_n = n;
	*ret_ttl_s = least_ttl(message, length);
	return 0;
}

static bool is_better_pointer(const struct trunk_pointer *one, const struct trunk_pointer *than)
{
	return one->order < than->order || (one->order == than->order && one->preference < than->preference);
}

/* False: it leads to what we cannot use. */
static bool take_pointer(const struct ares_naptr_reply *record, struct trunk_pointer *ret_pointer)
{
	size_t i = 0;
	while (i < G_N_ELEMENTS(services_of_naptr) &&
	       g_ascii_strcasecmp((const char *)record->service, services_of_naptr[i].name) != 0)
		i++;
	if (i == G_N_ELEMENTS(services_of_naptr) || g_ascii_strcasecmp((const char *)record->flags, "s") != 0 ||
	    !*record->replacement || strlen(record->replacement) >= sizeof ret_pointer->replacement)
		return false;
	*ret_pointer = (struct trunk_pointer){
	    .transport = services_of_naptr[i].transport,
	    .order = record->order,
	    .preference = record->preference,
	};
	base_copy_text(ret_pointer->replacement, sizeof ret_pointer->replacement, record->replacement);
	return true;
}

int trunk_read_pointers(const uint8_t *message, size_t length, struct trunk_pointer pointers[static TRUNK_SERVICES_MAX],
			size_t *ret_n, uint32_t *ret_ttl_s)
{
	struct ares_naptr_reply *list = NULL;
	int status = length > INT_MAX ? ARES_EBADRESP : ares_parse_naptr_reply(message, (int)length, &list);
	if (status != ARES_SUCCESS)
		return error_of(status);
	size_t n = 0;
	for (const struct ares_naptr_reply *record = list; record; record = record->next) {
		struct trunk_pointer pointer;
		size_t place = n;
		if (!take_pointer(record, &pointer))
			continue;
		while (place && is_better_pointer(&pointer, &pointers[place - 1]))
			place--;
		if (place == TRUNK_SERVICES_MAX)
			continue;
		n = MIN(n + 1, TRUNK_SERVICES_MAX);
		memmove(&pointers[place + 1], &pointers[place], (n - place - 1) * sizeof *pointers);
		pointers[place] = pointer;
	}
	ares_free_data(list);
	if (!n)
		return -ENOENT;
	*ret_n = n;
	*ret_ttl_s = least_ttl(message, length);
	return 0;
}
