#include "sip/flow.h"
#include "metrics/metrics.h"
#include "sip/uri.h"

#define SENT_HELP "SIP messages sent, by transport."

METRICS_COUNTER(sent_udp, "tandem_sip_messages_sent_total", SENT_HELP, "transport", "udp");
METRICS_COUNTER(sent_tcp, "tandem_sip_messages_sent_total", SENT_HELP, "transport", "tcp");
METRICS_COUNTER(sent_tls, "tandem_sip_messages_sent_total", SENT_HELP, "transport", "tls");
METRICS_COUNTER(sent_ws, "tandem_sip_messages_sent_total", SENT_HELP, "transport", "ws");
METRICS_COUNTER(sent_wss, "tandem_sip_messages_sent_total", SENT_HELP, "transport", "wss");
METRICS_COUNTER(send_failures, "tandem_sip_send_failures_total", "SIP messages that a flow did not take.");

static const struct {
	const char *name, *uri_parameter;
	bool is_reliable;
	struct metrics_item *sent;
} transports[] = {
	[SIP_TRANSPORT_UDP] = {"UDP", "", false, &sent_udp},
	[SIP_TRANSPORT_TCP] = {"TCP", ";transport=tcp", true, &sent_tcp},
	[SIP_TRANSPORT_TLS] = {"TLS", ";transport=tls", true, &sent_tls},
	[SIP_TRANSPORT_WS] = {"WS", ";transport=ws", true, &sent_ws},
	[SIP_TRANSPORT_WSS] = {"WSS", ";transport=ws", true, &sent_wss}, /* RFC 7118, section 5.2.4 */
};

struct sip_flow {
	unsigned references;
	bool is_open, speaks_sips;
	uint64_t id;
	enum sip_transport transport;
	struct net_address local, remote;
	char *sent_by;
	unsigned silence_limit_s;
	char *identity;
	const struct sip_flow_operations *operations;
	void *carrier;
	struct sip_flow_watch *watches, **watches_end;
};

const char *sip_transport_name(enum sip_transport transport)
{
	return transports[transport].name;
}

uint16_t sip_transport_default_port(enum sip_transport transport)
{
	return transport == SIP_TRANSPORT_TLS ? 5061 : 5060;
}

bool sip_transport_is_reliable(enum sip_transport transport)
{
	return transports[transport].is_reliable;
}

bool sip_transport_is_websocket(enum sip_transport transport)
{
	return transport == SIP_TRANSPORT_WS || transport == SIP_TRANSPORT_WSS;
}

struct sip_flow *sip_flow_new(const struct sip_flow_parameters *parameters, const struct sip_flow_operations *operations,
			      void *carrier)
{
	static uint64_t last_id;
	struct sip_flow *flow = g_new0(struct sip_flow, 1);
	flow->references = 1;
	flow->is_open = true;
	flow->id = ++last_id;
	flow->transport = parameters->transport;
	flow->local = parameters->local;
	flow->remote = parameters->remote;
	flow->sent_by = g_strdup(parameters->sent_by);
	flow->silence_limit_s = parameters->silence_limit_s;
	flow->operations = operations;
	flow->carrier = carrier;
	flow->watches_end = &flow->watches;
	return flow;
}

struct sip_flow *sip_flow_ref(struct sip_flow *flow)
{
	flow->references++;
	return flow;
}

struct sip_flow *sip_flow_unref(struct sip_flow *flow)
{
	if (!flow || --flow->references)
		return NULL;
	while (flow->watches)
		sip_flow_watch_stop(flow->watches);
	if (flow->operations->destroy)
		flow->operations->destroy(flow->carrier);
	g_free(flow->sent_by);
	g_free(flow->identity);
	g_free(flow);
	return NULL;
}

uint64_t sip_flow_id(const struct sip_flow *flow)
{
	return flow->id;
}

enum sip_transport sip_flow_transport(const struct sip_flow *flow)
{
	return flow->transport;
}

const struct net_address *sip_flow_local(const struct sip_flow *flow)
{
	return &flow->local;
}

const struct net_address *sip_flow_remote(const struct sip_flow *flow)
{
	return &flow->remote;
}

const char *sip_flow_sent_by(const struct sip_flow *flow)
{
	return flow->sent_by;
}

char *sip_flow_contact(const struct sip_flow *flow, const char *user)
{
	g_autofree char *escaped = sip_uri_escape_user(user ? user : "");
	return g_strdup_printf("<%s:%s%s%s%s>", flow->speaks_sips ? "sips" : "sip", escaped, *escaped ? "@" : "", flow->sent_by,
			       flow->speaks_sips ? "" : transports[flow->transport].uri_parameter);
}

void sip_flow_speak_sips(struct sip_flow *flow)
{
	flow->speaks_sips = true;
}

unsigned sip_flow_silence_limit_s(const struct sip_flow *flow)
{
	return flow->silence_limit_s;
}

const char *sip_flow_identity(const struct sip_flow *flow)
{
	return flow->identity;
}

void sip_flow_set_identity(struct sip_flow *flow, const char *identity)
{
	char *copy = g_strdup(identity); /* it may be the old one */
	g_free(flow->identity);
	flow->identity = copy;
}

bool sip_flow_is_open(const struct sip_flow *flow)
{
	return flow->is_open;
}

void sip_flow_closed(struct sip_flow *flow)
{
	if (!flow->is_open)
		return;
	sip_flow_ref(flow);
	flow->is_open = false;
	while (flow->watches) { /* a watcher may stop others, so none is remembered */
		struct sip_flow_watch *watch = flow->watches;
		sip_flow_watch_stop(watch);
		watch->closed(watch->data, flow);
	}
	sip_flow_unref(flow);
}

void sip_flow_unreachable(struct sip_flow *flow)
{
	for (struct sip_flow_watch *watch = flow->watches; watch; watch = watch->next)
		if (watch->unreachable)
			watch->unreachable(watch->data, flow);
}

void sip_flow_watch_start(struct sip_flow_watch *watch, struct sip_flow *flow, void (*closed)(void *, struct sip_flow *),
			  void *data)
{
	*watch = (struct sip_flow_watch){.closed = closed, .data = data, .flow = flow, .link = flow->watches_end};
	*flow->watches_end = watch;
	flow->watches_end = &watch->next;
}

void sip_flow_watch_stop(struct sip_flow_watch *watch)
{
	if (!watch->link)
		return;
	*watch->link = watch->next;
	if (watch->next)
		watch->next->link = watch->link;
	else
		watch->flow->watches_end = watch->link;
	watch->link = NULL;
	watch->next = NULL;
	watch->flow = NULL;
}

bool sip_flow_is_known_to(const struct sip_flow *flow, struct sip_tls *tls)
{
	return flow->operations->is_known_to && flow->operations->is_known_to(flow->carrier, tls);
}

int sip_flow_send(struct sip_flow *flow, const char *text, size_t length)
{
	int error = flow->is_open ? flow->operations->send(flow->carrier, text, length) : -EPIPE;
	metrics_add(error < 0 ? &send_failures : transports[flow->transport].sent, 1);
	return error;
}
