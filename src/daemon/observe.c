/* Gauges of what is there at this moment, and of what is left over. */
#include "daemon/daemon.h"
#include "metrics/metrics.h"

/* A gauge's read function: `member` of what `count` has written into `counts`. */
#define OBSERVE(function, counts_type, count, member)                                                                  \
	static double function(void *data)                                                                             \
	{                                                                                                              \
		const struct daemon *daemon = data;                                                                    \
		struct counts_type counts;                                                                             \
		count;                                                                                                 \
		return (double)counts.member;                                                                          \
	}
#define OBSERVE_CALLS(function, member)	    OBSERVE(function, call_counts, call_manager_count(daemon->calls, &counts), member)
#define OBSERVE_SIP(function, member)	    OBSERVE(function, sip_stack_counts, sip_stack_count(daemon->stack, &counts), member)
#define OBSERVE_REGISTRAR(function, member) OBSERVE(function, registrar_counts, registrar_count(daemon->registrar, &counts), member)
#define OBSERVE_UPSTREAM(function, member)  OBSERVE(function, upstream_counts, upstream_count(daemon->upstream, &counts), member)
#define OBSERVE_MEDIA(function, member)	    OBSERVE(function, media_counts, media_engine_count(daemon->media, &counts), member)
#define OBSERVE_RELAY(function, member)	    OBSERVE(function, relay_counts, relay_count(daemon->relay, &counts), member)
#define OBSERVE_LOOP(function, member)	    OBSERVE(function, loop_counts, loop_count(daemon->loop, &counts), member)

OBSERVE_CALLS(observe_calls, calls)
OBSERVE_CALLS(observe_legs, legs)
OBSERVE_CALLS(observe_lingering_legs, lingering_legs)
OBSERVE_SIP(observe_server_transactions, server_transactions)
OBSERVE_SIP(observe_client_transactions, client_transactions)
OBSERVE_SIP(observe_dialogs, dialogs)
OBSERVE_SIP(observe_admitted, admitted)
OBSERVE_SIP(observe_strays, strays)
OBSERVE_REGISTRAR(observe_registered, registered)
OBSERVE_REGISTRAR(observe_bindings, bindings)
OBSERVE_REGISTRAR(observe_endpoints, endpoints)
OBSERVE_REGISTRAR(observe_deserted, deserted)
OBSERVE_UPSTREAM(observe_upstream_users, users)
OBSERVE_UPSTREAM(observe_upstream_registered, registered)
OBSERVE_UPSTREAM(observe_upstream_carried, carried)
OBSERVE_MEDIA(observe_media_sessions, sessions)
OBSERVE_MEDIA(observe_media_legs, legs)
OBSERVE_MEDIA(observe_media_ports, ports)
OBSERVE_MEDIA(observe_ice_agents, ice_agents)
OBSERVE_MEDIA(observe_media_timers, timers)
OBSERVE_MEDIA(observe_media_watches, watches)
OBSERVE_RELAY(observe_subscriptions, subscriptions)
OBSERVE_RELAY(observe_relay_requests, requests)
OBSERVE_LOOP(observe_timers, timers)
OBSERVE_LOOP(observe_watches, watches)

static double observe_flows(void *data)
{
	return (double)ws_flow_count(((struct daemon *)data)->ws);
}

#define GAUGE(metric_name, metric_help, function) \
	{.type = METRICS_TYPE_GAUGE, .name = metric_name, .help = metric_help, .read = function}
#define GAUGE_OF_LOOP(metric_name, metric_help, loop_name, function) \
	{.type = METRICS_TYPE_GAUGE, .name = metric_name, .help = metric_help, .label = {"loop", loop_name}, .read = function}

static struct metrics_item daemon_gauges[] = {
	GAUGE("tandem_calls", "Calls that are up or being set up.", observe_calls),
	GAUGE("tandem_legs", "Legs of those calls.", observe_legs),
	GAUGE("tandem_lingering_legs", "Legs of ended calls that still answer what comes late.", observe_lingering_legs),
	GAUGE("tandem_sip_server_transactions", "SIP server transactions.", observe_server_transactions),
	GAUGE("tandem_sip_client_transactions", "SIP client transactions.", observe_client_transactions),
	GAUGE("tandem_sip_dialogs", "SIP dialogs, those of lingering legs too.", observe_dialogs),
	GAUGE("tandem_sip_admitted_requests", "Requests by which a second copy on another path would be known.", observe_admitted),
	GAUGE("tandem_sip_stray_successes", "2xx without a transaction whose dialogs are being ended.", observe_strays),
	GAUGE("tandem_flows", "Browsers connected over WebSocket.", observe_flows),
	GAUGE("tandem_registered_users", "Users with a binding.", observe_registered),
	GAUGE("tandem_bindings", "Bindings of all users.", observe_bindings),
	GAUGE("tandem_endpoints", "Devices of users that a binding or a call holds.", observe_endpoints),
	GAUGE("tandem_endpoints_away", "Devices among them whose connection is closed, waited for.", observe_deserted),
	GAUGE("tandem_subscriptions", "Subscriptions that are carried.", observe_subscriptions),
	GAUGE("tandem_relay_requests", "Requests outside calls that await the far end's answer.", observe_relay_requests),
	GAUGE("tandem_upstream_users", "Users to be registered with a trunk's peer, or leaving it.", observe_upstream_users),
	GAUGE("tandem_upstream_registered_users", "Of those, who are.", observe_upstream_registered),
	GAUGE("tandem_upstream_waiting", "REGISTERs that wait for a trunk's peer.", observe_upstream_carried),
	GAUGE("tandem_media_sessions", "Media sessions on all workers.", observe_media_sessions),
	GAUGE("tandem_media_legs", "Media legs on all workers.", observe_media_legs),
	GAUGE("tandem_media_ports", "UDP ports in use by media.", observe_media_ports),
	GAUGE("tandem_ice_agents", "ICE agents.", observe_ice_agents),
	GAUGE_OF_LOOP("tandem_timers", "Timers that run.", "signalling", observe_timers),
	GAUGE_OF_LOOP("tandem_timers", "Timers that run.", "media", observe_media_timers),
	GAUGE_OF_LOOP("tandem_watches", "Descriptors that are watched.", "signalling", observe_watches),
	GAUGE_OF_LOOP("tandem_watches", "Descriptors that are watched.", "media", observe_media_watches),
};

static void daemon_health(void *data, struct admin_health *health)
{
	struct daemon *daemon = data;
	struct call_counts calls;
	struct registrar_counts registrations;
	int64_t n_down = 0;
	call_manager_count(daemon->calls, &calls);
	registrar_count(daemon->registrar, &registrations);
	admin_health_fact(health, "calls", (int64_t)calls.calls);
	admin_health_fact(health, "registered_users", (int64_t)registrations.registered);
	admin_health_fact(health, "flows", (int64_t)ws_flow_count(daemon->ws));
	for (size_t i = 0; i < trunks_count(daemon->trunks); i++) {
		struct trunk *trunk = trunks_at(daemon->trunks, i);
		if (!*trunk_host(trunk))
			continue; /* it calls, and is never called */
		n_down += trunk_count_down(trunk);
		if (!trunk_is_found(trunk))
			admin_health_problem(health, "the address of trunk %s (%s) is not known", trunk_name(trunk),
					     trunk_host(trunk));
		else if (trunk_is_down(trunk))
			admin_health_problem(health, "no peer of trunk %s answers", trunk_name(trunk));
		else if (trunk_registers(trunk) && !trunk_is_registered(trunk))
			admin_health_problem(health, "trunk %s is not registered with %s", trunk_name(trunk),
					     trunk_host(trunk));
	}
	admin_health_fact(health, "trunk_peers_down", n_down);
	if (daemon->is_stopping)
		admin_health_problem(health, "shutting down");
}

int daemon_observe(struct daemon *daemon)
{
	for (size_t i = 0; i < G_N_ELEMENTS(daemon_gauges); i++) {
		daemon_gauges[i].data = daemon;
		metrics_register(&daemon_gauges[i]);
	}
	return admin_add_health_source(daemon->admin, daemon_health, daemon);
}

void daemon_observe_stop(struct daemon *daemon)
{
	for (size_t i = 0; i < G_N_ELEMENTS(daemon_gauges); i++)
		metrics_unregister(&daemon_gauges[i]);
}
