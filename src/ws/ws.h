/* SIP over WebSocket (RFC 7118): a sip_flow for each WebSocket on the paths "/" and "/ws". Signalling thread. */
#pragma once
#include "sip/stack.h"
#include "web/web.h"

#define WS_MESSAGES_PER_SECOND_MAX 200	 /* of one flow, over a second; a call needs about ten */
#define WS_MESSAGES_BURST_MAX 1000
#define WS_UNPROVEN_TIME_MS 60000	 /* a flow whose user has proved nothing by then is closed */

struct ws;

/* Registers the paths with `web`, so it comes before web_start(). Both must outlive it. 0 or -errno. */
int ws_new(struct web *web, struct sip_stack *stack, struct ws **ret_ws);
/* After web_free(), which ends the flows. Accepts NULL; returns NULL. */
struct ws *ws_free(struct ws *ws);
size_t ws_flow_count(const struct ws *ws);
