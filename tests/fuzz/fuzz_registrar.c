/* REGISTER with any header lines, and any URI as a GRUU: what is given out leads back to its device, nothing else does.
 * Input: a URI, a line feed, header lines. */
#include "fake_flow.h"
#include "manual_loop.h"
#include "registrar/registrar.h"
#include "base/log.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct house {
	struct config_snapshot *config;
	struct loop *loop;
	struct sip_stack *stack;
	struct registrar *registrar;
	struct fake_flow flow;
};

static void on_request(void *user, struct sip_server_transaction *transaction)
{
	registrar_handle_register(((struct house *)user)->registrar, transaction);
}

static struct config_snapshot *load(void)
{
	static const struct config_table *const tables[] = {&registrar_config_table, &registrar_tokens_config_table, &registrar_turn_config_table,
							     &registrar_users_config_table, NULL};
	static const char text[] = "registrar : { authentication = \"none\"; }; users : ( { name = \"alice\"; } );";
	struct config_snapshot *config = NULL;
	struct config_errors *errors = NULL;
	if (config_load_text("fuzz.conf", text, strlen(text), tables, &config, &errors))
		abort();
	return config;
}

static void check_gruu(const struct registrar *registrar, const struct sip_message *response, size_t index, const char *name)
{
	const char *instance = sip_message_contact_parameter(response, index, "+sip.instance");
	const char *gruu = sip_message_contact_parameter(response, index, name);
	struct registrar_device device;
	if (!gruu)
		return;
	if (!instance || registrar_gruu_resolve(registrar, gruu, &device) || strcmp(device.user, "alice") ||
	    strcmp(device.instance, instance))
		abort();
}

static void check_response(const struct registrar *registrar, const struct sip_message *response)
{
	for (size_t i = 0; i < sip_message_contact_count(response); i++) {
		check_gruu(registrar, response, i, "pub-gruu");
		check_gruu(registrar, response, i, "temp-gruu");
	}
}

static void open_house(struct house *house)
{
	static const struct sip_stack_handler handler = {.request = on_request};
	house->config = load();
	if (loop_new("fuzz", &house->loop) || sip_stack_new(house->loop, &handler, house, &house->stack) ||
	    registrar_new(house->stack, house->config, "example.com", NULL, &house->registrar))
		abort();
	fake_flow_open(&house->flow, SIP_TRANSPORT_WS, "192.0.2.1:40000");
}

static void close_house(struct house *house)
{
	house->registrar = registrar_free(house->registrar);
	sip_stack_free(house->stack);
	fake_flow_clear(&house->flow);
	config_unref(house->config);
	loop_free(house->loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char head[] = "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bK1\r\n"
				   "Max-Forwards: 70\r\nFrom: <sip:alice@example.com>;tag=1\r\nTo: <sip:alice@example.com>\r\n"
				   "Call-ID: c\r\nCSeq: 1 REGISTER\r\n";
	struct house house = {0};
	struct registrar_device device;
	struct registrar_contact contacts[4];
	g_autofree char *input = g_strndup((const char *)data, size);
	size_t line = strcspn(input, "\n");
	g_autofree char *uri = g_strndup(input, line);
	g_autofree char *text = g_strconcat(head, input + line + (input[line] == '\n'), "\r\n\r\n", NULL);
	log_set_level(LOG_LEVEL_ERROR);
	open_house(&house);
	sip_stack_receive(house.stack, house.flow.flow, text, strlen(text));
	struct sip_message *response = fake_flow_take(&house.flow);
	if (response)
		check_response(house.registrar, response);
	if (registrar_gruu_resolve(house.registrar, uri, &device) == 0)
		registrar_lookup(house.registrar, device.user, device.instance, contacts, G_N_ELEMENTS(contacts));
	sip_message_unref(response);
	close_house(&house);
	return 0;
}
