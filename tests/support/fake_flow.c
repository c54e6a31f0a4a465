#include "fake_flow.h"
#include <string.h>

static int send_text(void *carrier, const char *text, size_t length)
{
	struct fake_flow *fake = carrier;
	struct sip_message *message;
	struct sip_refusal refusal;
	if (fake->error)
		return fake->error;
	if (sip_message_parse(text, length, &message, &refusal) < 0) {
		if (length > 11 && (!memcmp(text + 8, "400", 3) || !memcmp(text + 8, "505", 3))) {
			fake->n_refusals++; /* it echoes what is wrong with the request */
			sip_message_unref(message);
			return 0;
		}
		g_error("sent what does not parse: %s\n%.*s", refusal.reason, (int)length, text);
	}
	g_queue_push_tail(&fake->sent, message);
	return 0;
}

static void destroy(void *carrier)
{
	struct fake_flow *fake = carrier;
	fake->is_destroyed = true;
}

void fake_flow_open(struct fake_flow *fake, enum sip_transport transport, const char *remote)
{
	static const struct sip_flow_operations operations = {send_text, destroy};
	struct sip_flow_parameters parameters = {.transport = transport, .sent_by = "192.0.2.100:5060"};
	net_address_parse_with_port("192.0.2.100:5060", &parameters.local);
	net_address_parse_with_port(remote, &parameters.remote);
	*fake = (struct fake_flow){.sent = G_QUEUE_INIT};
	fake->flow = sip_flow_new(&parameters, &operations, fake);
}

void fake_flow_break(struct fake_flow *fake)
{
	sip_flow_closed(fake->flow);
}

struct sip_message *fake_flow_take(struct fake_flow *fake)
{
	return g_queue_pop_head(&fake->sent);
}

size_t fake_flow_pending(const struct fake_flow *fake)
{
	return g_queue_get_length((GQueue *)&fake->sent);
}

void fake_flow_clear(struct fake_flow *fake)
{
	struct sip_message *message;
	fake_flow_break(fake);
	while ((message = fake_flow_take(fake)))
		sip_message_unref(message);
	fake->flow = sip_flow_unref(fake->flow);
}
