/* What is read of DNS messages, and the order in which hops come of it. */
#include "trunk/names.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define SRV   33
#define NAPTR 35

struct message {
	uint8_t bytes[4096];
	size_t length;
};

static void put(struct message *message, unsigned number, size_t n)
{
	while (n--)
		message->bytes[message->length++] = (uint8_t)(number >> (8 * n));
}

static void put_name(struct message *message, const char *name)
{
	g_auto(GStrv) labels = g_strsplit(name, ".", -1);
	for (char **label = labels; *label; label++) {
		if (!**label)
			continue;
		put(message, (unsigned)strlen(*label), 1);
		memcpy(message->bytes + message->length, *label, strlen(*label));
		message->length += strlen(*label);
	}
	put(message, 0, 1);
}

static void put_string(struct message *message, const char *text)
{
	put(message, (unsigned)strlen(text), 1);
	memcpy(message->bytes + message->length, text, strlen(text));
	message->length += strlen(text);
}

static void begin(struct message *message, unsigned type, unsigned n_answers)
{
	message->length = 0;
	put(message, 0x00018180, 4);
	put(message, 1, 2);
	put(message, n_answers, 2);
	put(message, 0, 4);
	put_name(message, "pbx.test");
	put(message, type, 2);
	put(message, 1, 2);
}

/* Returns where the length of the data goes. */
static size_t begin_record(struct message *message, unsigned type, unsigned ttl_s)
{
	put(message, 0xc00c, 2);
	put(message, type, 2);
	put(message, 1, 2);
	put(message, ttl_s, 4);
	put(message, 0, 2);
	return message->length;
}

static void end_record(struct message *message, size_t start)
{
	size_t length = message->length - start;
	message->bytes[start - 2] = (uint8_t)(length >> 8);
	message->bytes[start - 1] = (uint8_t)length;
}

static void put_srv(struct message *message, unsigned ttl_s, unsigned priority, unsigned weight, unsigned port, const char *target)
{
	size_t start = begin_record(message, SRV, ttl_s);
	put(message, priority, 2);
	put(message, weight, 2);
	put(message, port, 2);
	put_name(message, target);
	end_record(message, start);
}

static void put_naptr(struct message *message, unsigned order, unsigned preference, const char *flags, const char *service,
		      const char *replacement)
{
	size_t start = begin_record(message, NAPTR, 60);
	put(message, order, 2);
	put(message, preference, 2);
	put_string(message, flags);
	put_string(message, service);
	put_string(message, "");
	put_name(message, replacement);
	end_record(message, start);
}

static void services_in_order(void **state)
{
	struct message message;
	struct trunk_service services[TRUNK_SERVICES_MAX];
	size_t n = 0;
	uint32_t ttl_s = 0;
	begin(&message, SRV, 5);
	put_srv(&message, 300, 20, 9, 5061, "last.test");
	put_srv(&message, 30, 10, 1, 5062, "second.test");
	put_srv(&message, 200, 10, 7, 5063, "first.test");
	put_srv(&message, 300, 0, 0, 0, "no-port.test");
	put_srv(&message, 300, 0, 0, 5064, ".");
	assert_int_equal(trunk_read_services(message.bytes, message.length, services, &n, &ttl_s), 0);
	assert_int_equal(n, 3);
	assert_int_equal(ttl_s, 30);
	assert_string_equal(services[0].target, "first.test");
	assert_int_equal(services[0].port, 5063);
	assert_int_equal(services[0].weight, 7);
	assert_string_equal(services[1].target, "second.test");
	assert_string_equal(services[2].target, "last.test");
}

static void the_best_of_too_many_services(void **state)
{
	struct message message;
	struct trunk_service services[TRUNK_SERVICES_MAX];
	size_t n = 0;
	uint32_t ttl_s;
	begin(&message, SRV, 30);
	for (unsigned i = 0; i < 30; i++)
		put_srv(&message, 60, 30 - i, 0, 5060 + i, "a.test");
	assert_int_equal(trunk_read_services(message.bytes, message.length, services, &n, &ttl_s), 0);
	assert_int_equal(n, TRUNK_SERVICES_MAX);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(services[i].priority, i + 1);
}

static void none_that_can_be_used(void **state)
{
	struct message message;
	struct trunk_service services[TRUNK_SERVICES_MAX];
	struct trunk_pointer pointers[TRUNK_SERVICES_MAX];
	size_t n = 0;
	uint32_t ttl_s;
	begin(&message, SRV, 1);
	put_srv(&message, 60, 0, 0, 0, ".");
	assert_int_equal(trunk_read_services(message.bytes, message.length, services, &n, &ttl_s), -ENXIO);
	begin(&message, SRV, 0);
	assert_int_equal(trunk_read_services(message.bytes, message.length, services, &n, &ttl_s), -ENOENT);
	begin(&message, NAPTR, 1);
	put_naptr(&message, 1, 1, "u", "E2U+sip", "x.test");
	assert_int_equal(trunk_read_pointers(message.bytes, message.length, pointers, &n, &ttl_s), -ENOENT);
	assert_int_equal(trunk_read_services(message.bytes, 11, services, &n, &ttl_s), -EBADMSG);
	begin(&message, SRV, 9); /* more than there are */
	put_srv(&message, 60, 0, 0, 5060, "a.test");
	assert_int_equal(trunk_read_services(message.bytes, message.length, services, &n, &ttl_s), -EBADMSG);
}

static void pointers_in_order(void **state)
{
	struct message message;
	struct trunk_pointer pointers[TRUNK_SERVICES_MAX];
	size_t n = 0;
	uint32_t ttl_s;
	begin(&message, NAPTR, 6);
	put_naptr(&message, 50, 50, "s", "SIP+D2U", "_sip._udp.pbx.test");
	put_naptr(&message, 10, 20, "S", "sip+d2t", "_sip._tcp.pbx.test");
	put_naptr(&message, 10, 10, "s", "SIP+D2S", "_sip._sctp.pbx.test");
	put_naptr(&message, 5, 10, "", "SIP+D2U", "elsewhere.test");
	put_naptr(&message, 10, 10, "s", "SIP+D2U", "_sip._udp.other.test");
	put_naptr(&message, 1, 1, "s", "SIP+D2T", ".");
	assert_int_equal(trunk_read_pointers(message.bytes, message.length, pointers, &n, &ttl_s), 0);
	assert_int_equal(n, 3);
	assert_int_equal(ttl_s, 60);
	assert_string_equal(pointers[0].replacement, "_sip._udp.other.test");
	assert_int_equal(pointers[1].transport, SIP_TRANSPORT_TCP);
	assert_string_equal(pointers[2].replacement, "_sip._udp.pbx.test");
}

static void no_ttl_is_longer_than_the_limit(void **state)
{
	struct message message;
	struct trunk_service services[TRUNK_SERVICES_MAX];
	size_t n;
	uint32_t ttl_s;
	begin(&message, SRV, 1);
	put_srv(&message, UINT32_MAX, 0, 0, 5060, "a.test");
	assert_int_equal(trunk_read_services(message.bytes, message.length, services, &n, &ttl_s), 0);
	assert_int_equal(ttl_s, TRUNK_TTL_MAX_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(services_in_order),
	    cmocka_unit_test(the_best_of_too_many_services),
	    cmocka_unit_test(none_that_can_be_used),
	    cmocka_unit_test(pointers_in_order),
	    cmocka_unit_test(no_ttl_is_longer_than_the_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
