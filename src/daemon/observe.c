/* Gauges of what is there at this moment, and of what is left over. */
#include "daemon/daemon.h"
#include "metrics/metrics.h"

static double observe_calls(void *data)
{
	struct call_counts counts;
	call_manager_count(((struct daemon *)data)->calls, &counts);
	return (double)counts.calls;
}

static double observe_legs(void *data)
{
	struct call_counts counts;
	call_manager_count(((struct daemon *)data)->calls, &counts);
	return (double)counts.legs;
}

static double observe_lingering_legs(void *data)
{
	struct call_counts counts;
	call_manager_count(((struct daemon *)data)->calls, &counts);
	return (double)counts.lingering_legs;
}

static double observe_server_transactions(void *data)
{
	struct sip_stack_counts counts;
	sip_stack_count(((struct daemon *)data)->stack, &counts);
	return (double)counts.server_transactions;
}

static double observe_client_transactions(void *data)
{
	struct sip_stack_counts counts;
	sip_stack_count(((struct daemon *)data)->stack, &counts);
	return (double)counts.client_transactions;
}

static double observe_dialogs(void *data)
{
	struct sip_stack_counts counts;
	sip_stack_count(((struct daemon *)data)->stack, &counts);
	return (double)counts.dialogs;
}

static double observe_flows(void *data)
{
	return (double)ws_flow_count(((struct daemon *)data)->ws);
}

static double observe_registered(void *data)
{
	struct registrar_counts counts;
	registrar_count(((struct daemon *)data)->registrar, &counts);
	return (double)counts.registered;
}

static double observe_bindings(void *data)
{
	struct registrar_counts counts;
	registrar_count(((struct daemon *)data)->registrar, &counts);
	return (double)counts.bindings;
}

static double observe_media_sessions(void *data)
{
	struct media_counts counts;
	media_engine_count(((struct daemon *)data)->media, &counts);
	return (double)counts.sessions;
}

static double observe_media_legs(void *data)
{
	struct media_counts counts;
	media_engine_count(((struct daemon *)data)->media, &counts);
	return (double)counts.legs;
}

static double observe_media_ports(void *data)
{
	struct media_counts counts;
	media_engine_count(((struct daemon *)data)->media, &counts);
	return (double)counts.ports;
}

static double observe_ice_agents(void *data)
{
	struct media_counts counts;
	media_engine_count(((struct daemon *)data)->media, &counts);
	return (double)counts.ice_agents;
}

#define GAUGE(metric_name, metric_help, function) \
	{.type = METRICS_TYPE_GAUGE, .name = metric_name, .help = metric_help, .read = function}

static struct metrics_item daemon_gauges[] = {
	GAUGE("tandem_calls", "Calls that are up or being set up.", observe_calls),
	GAUGE("tandem_legs", "Legs of those calls.", observe_legs),
	GAUGE("tandem_lingering_legs", "Legs of ended calls that still answer what comes late.", observe_lingering_legs),
	GAUGE("tandem_sip_server_transactions", "SIP server transactions.", observe_server_transactions),
	GAUGE("tandem_sip_client_transactions", "SIP client transactions.", observe_client_transactions),
	GAUGE("tandem_sip_dialogs", "SIP dialogs, those of lingering legs too.", observe_dialogs),
	GAUGE("tandem_flows", "Browsers connected over WebSocket.", observe_flows),
	GAUGE("tandem_registered_users", "Users with a binding.", observe_registered),
	GAUGE("tandem_bindings", "Bindings of all users.", observe_bindings),
	GAUGE("tandem_media_sessions", "Media sessions on all workers.", observe_media_sessions),
	GAUGE("tandem_media_legs", "Media legs on all workers.", observe_media_legs),
	GAUGE("tandem_media_ports", "UDP ports in use by media.", observe_media_ports),
	GAUGE("tandem_ice_agents", "ICE agents.", observe_ice_agents),
};

static void daemon_health(void *data, struct admin_health *health)
{
	struct daemon *daemon = data;
	struct call_counts calls;
	struct registrar_counts registrations;
	call_manager_count(daemon->calls, &calls);
	registrar_count(daemon->registrar, &registrations);
	admin_health_fact(health, "calls", (int64_t)calls.calls);
	admin_health_fact(health, "registered_users", (int64_t)registrations.registered);
	admin_health_fact(health, "flows", (int64_t)ws_flow_count(daemon->ws));
	for (size_t i = 0; i < trunks_count(daemon->trunks); i++) {
		struct trunk *trunk = trunks_at(daemon->trunks, i);
		if (!trunk_address(trunk))
			admin_health_problem(health, "the address of trunk %s (%s) is not known", trunk_name(trunk),
					     trunk_host(trunk));
	}
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
