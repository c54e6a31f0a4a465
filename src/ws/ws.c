#include "ws/ws.h"
#include "base/log.h"
#include "metrics/metrics.h"
#include <string.h>

METRICS_COUNTER(keep_alives, "tandem_ws_keep_alives_total", "Double CRLFs answered.");
METRICS_COUNTER(closed_flood, "tandem_ws_flows_closed_total", "Flows closed by us, by cause.", "cause", "flood");
METRICS_COUNTER(closed_unproven, "tandem_ws_flows_closed_total", "Flows closed by us, by cause.", "cause", "unproven");

#define CLOSE_POLICY 1008 /* RFC 6455, section 7.4.1 */

struct ws {
	struct sip_stack *stack;
	size_t n_flows;
};

/* What carries a flow. It lives as long as the flow, which calls may hold beyond the WebSocket. */
struct carrier {
	struct ws *ws;
	struct web_socket *socket; /* NULL: closed */
	struct sip_flow *flow;	   /* a reference while the socket is open */
	struct loop_timer unproven;
	int64_t tokens_us; /* time's worth of messages that may still come at once */
	int64_t refilled_us;
};

#define MESSAGE_COST_US (G_USEC_PER_SEC / WS_MESSAGES_PER_SECOND_MAX)
#define TOKENS_US_MAX	((int64_t)WS_MESSAGES_BURST_MAX * MESSAGE_COST_US)

static int carrier_send(void *data, const char *text, size_t length)
{
	struct carrier *carrier = data;
	return carrier->socket ? web_socket_send(carrier->socket, text, length) : -EPIPE;
}

static void carrier_destroy(void *data)
{
	g_free(data);
}

static const struct sip_flow_operations operations = {.send = carrier_send, .destroy = carrier_destroy};

static const char *name_of(const struct carrier *carrier, char text[static NET_ADDRESS_TEXT_MAX])
{
	return net_address_format(sip_flow_remote(carrier->flow), text);
}

static void on_unproven(void *data)
{
	struct carrier *carrier = data;
	char name[NET_ADDRESS_TEXT_MAX];
	if (sip_flow_identity(carrier->flow))
		return;
	metrics_add(&closed_unproven, 1);
	log_info(NULL, "ws: flow of %s closed: no user has proved itself in %d s", name_of(carrier, name),
		 WS_UNPROVEN_TIME_MS / 1000);
	web_socket_close(carrier->socket, CLOSE_POLICY, "not registered");
}

static void *on_opened(void *user, struct web_socket *socket)
{
	struct ws *ws = user;
	struct loop *loop = sip_stack_loop(ws->stack);
	struct carrier *carrier = g_new0(struct carrier, 1);
	char sent_by[NET_ADDRESS_TEXT_MAX];
	struct sip_flow_parameters parameters = {
		.transport = web_socket_is_secure(socket) ? SIP_TRANSPORT_WSS : SIP_TRANSPORT_WS,
		.local = *web_socket_local(socket),
		.remote = *web_socket_remote(socket),
		.sent_by = net_address_format(web_socket_local(socket), sent_by),
		.silence_limit_s = (unsigned)(web_socket_silence_limit_ms(socket) / 1000),
	};
	carrier->ws = ws;
	carrier->socket = socket;
	carrier->flow = sip_flow_new(&parameters, &operations, carrier);
	carrier->tokens_us = TOKENS_US_MAX;
	carrier->refilled_us = loop_now_us(loop);
	loop_timer_init(&carrier->unproven, loop, on_unproven, carrier);
	loop_timer_start_ms(&carrier->unproven, WS_UNPROVEN_TIME_MS);
	ws->n_flows++;
	return carrier;
}

static bool take_token(struct carrier *carrier)
{
	int64_t now = loop_now_us(sip_stack_loop(carrier->ws->stack));
	carrier->tokens_us = MIN(carrier->tokens_us + now - carrier->refilled_us, TOKENS_US_MAX);
	carrier->refilled_us = now;
	if (carrier->tokens_us < MESSAGE_COST_US)
		return false;
	carrier->tokens_us -= MESSAGE_COST_US;
	return true;
}

static void on_message(void *data, const char *text, size_t length)
{
	struct carrier *carrier = data;
	if (!take_token(carrier)) {
		char name[NET_ADDRESS_TEXT_MAX];
		metrics_add(&closed_flood, 1);
		log_warning(NULL, "ws: flow of %s closed: more than %d messages a second", name_of(carrier, name),
			    WS_MESSAGES_PER_SECOND_MAX);
		web_socket_close(carrier->socket, CLOSE_POLICY, "too many messages");
		return;
	}
	if (length == 4 && !memcmp(text, "\r\n\r\n", 4)) { /* RFC 5626, section 3.5.1 */
		metrics_add(&keep_alives, 1);
		web_socket_send(carrier->socket, "\r\n", 2);
		return;
	}
	if (length == 0 || (length == 2 && !memcmp(text, "\r\n", 2)))
		return;
	/* The receiver may cause the flow's end. */
	struct sip_flow *flow = sip_flow_ref(carrier->flow);
	sip_stack_receive(carrier->ws->stack, flow, text, length);
	sip_flow_unref(flow);
}

static void on_closed(void *data)
{
	struct carrier *carrier = data;
	loop_timer_stop(&carrier->unproven);
	carrier->socket = NULL;
	carrier->ws->n_flows--;
	struct sip_flow *flow = g_steal_pointer(&carrier->flow);
	sip_flow_closed(flow);
	sip_flow_unref(flow);
}

int ws_new(struct web *web, struct sip_stack *stack, struct ws **ret_ws)
{
	static const char *const paths[] = {"/", "/ws", NULL};
	static const struct web_socket_handler handler = {
		.opened = on_opened,
		.message = on_message,
		.closed = on_closed,
	};
	struct ws *ws = g_new0(struct ws, 1);
	ws->stack = stack;
	int error = web_socket_route_add(web, paths, "sip", SIP_MESSAGE_BYTES_MAX, &handler, ws);
	if (error) {
		g_free(ws);
		return error;
	}
	*ret_ws = ws;
	return 0;
}

struct ws *ws_free(struct ws *ws)
{
	g_free(ws);
	return NULL;
}

size_t ws_flow_count(const struct ws *ws)
{
	return ws->n_flows;
}
