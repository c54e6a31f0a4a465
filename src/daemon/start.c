/* The start table: one screen that says what the process is made of. */
#include "base/log.h"
#include "daemon/daemon.h"
#include "media/options.h"
#include "sip/options.h"
#include <string.h>

#define MEMORY_LOOK_MS 10000

static const char *daemon_domain(const struct daemon *daemon)
{
	return config_string(daemon->snapshot, "", 0, "domain");
}

static int start_loop(struct daemon *daemon)
{
	return loop_new("signalling", &daemon->loop);
}

static void stop_loop(struct daemon *daemon)
{
	daemon->loop = loop_free(daemon->loop);
}

static int start_plugins(struct daemon *daemon)
{
	int error = plugin_registry_new(&daemon->plugins);
	if (error < 0)
		return error;
	int loaded = plugin_registry_load_directory(daemon->plugins,
						    config_string(daemon->snapshot, "plugins", 0, "directory"));
	if (loaded <= 0)
		log_warning(NULL, "no plugin was loaded: tones and music have no codec");
	return 0;
}

static void stop_plugins(struct daemon *daemon)
{
	daemon->plugins = plugin_registry_free(daemon->plugins);
}

static int start_events(struct daemon *daemon)
{
	daemon->bus = event_bus_new();
	return 0;
}

static void stop_events(struct daemon *daemon)
{
	daemon->bus = event_bus_free(daemon->bus);
}

static int start_sip(struct daemon *daemon)
{
	return sip_stack_new(daemon->loop, NULL, NULL, &daemon->stack);
}

static void stop_sip(struct daemon *daemon)
{
	daemon->stack = sip_stack_free(daemon->stack);
}

static int start_registrar(struct daemon *daemon)
{
	return registrar_new(daemon->stack, daemon->snapshot, daemon_domain(daemon), daemon->bus, &daemon->registrar);
}

static void stop_registrar(struct daemon *daemon)
{
	daemon->registrar = registrar_free(daemon->registrar);
}

static int start_trunks(struct daemon *daemon)
{
	return trunks_new(daemon->loop, daemon->snapshot, &daemon->trunks);
}

static void stop_trunks(struct daemon *daemon)
{
	daemon->trunks = trunks_free(daemon->trunks);
}

static int start_routes(struct daemon *daemon)
{
	return route_router_new(daemon->snapshot, daemon->registrar, &daemon->router);
}

static void stop_routes(struct daemon *daemon)
{
	daemon->router = route_router_free(daemon->router);
}

static int start_relay(struct daemon *daemon)
{
	struct relay_parameters parameters = {
		.stack = daemon->stack,
		.registrar = daemon->registrar,
		.trunks = daemon->trunks,
		.router = daemon->router,
		.snapshot = daemon->snapshot,
	};
	return relay_new(&parameters, &daemon->relay);
}

static void stop_relay(struct daemon *daemon)
{
	daemon->relay = relay_free(daemon->relay);
}

static int start_recordings(struct daemon *daemon)
{
	struct record_settings settings;
	return record_settings_read(daemon->snapshot, &settings) ? record_store_new(&settings, &daemon->recordings) : 0;
}

static void stop_recordings(struct daemon *daemon)
{
	daemon->recordings = record_store_free(daemon->recordings);
}

static int start_media(struct daemon *daemon)
{
	struct media_settings settings;
	media_settings_read(daemon->snapshot, &settings);
	int error = media_engine_new(daemon->loop, &settings, daemon->plugins, &daemon->media);
	explicit_bzero(&settings, sizeof settings);
	return error;
}

static void stop_media(struct daemon *daemon)
{
	daemon->media = media_engine_free(daemon->media);
}

static int start_upstream(struct daemon *daemon)
{
	struct upstream_parameters parameters = {
		.stack = daemon->stack,
		.registrar = daemon->registrar,
		.trunks = daemon->trunks,
		.events = daemon->bus,
	};
	return upstream_new(&parameters, &daemon->upstream);
}

static void stop_upstream(struct daemon *daemon)
{
	daemon->upstream = upstream_free(daemon->upstream);
}

static int start_calls(struct daemon *daemon)
{
	struct call_manager_parameters parameters = {
		.stack = daemon->stack,
		.registrar = daemon->registrar,
		.trunks = daemon->trunks,
		.router = daemon->router,
		.media = daemon->media,
		.recordings = daemon->recordings,
		.bus = daemon->bus,
		.snapshot = daemon->snapshot,
	};
	return call_manager_new(&parameters, &daemon->calls);
}

static void stop_calls(struct daemon *daemon)
{
	daemon->calls = call_manager_free(daemon->calls);
}

static int start_dispatch(struct daemon *daemon)
{
	struct dispatch_parameters parameters = {
		.stack = daemon->stack,
		.registrar = daemon->registrar,
		.trunks = daemon->trunks,
		.router = daemon->router,
		.relay = daemon->relay,
		.upstream = daemon->upstream,
		.calls = daemon->calls,
	};
	return dispatch_new(&parameters, &daemon->dispatch);
}

static void stop_dispatch(struct daemon *daemon)
{
	daemon->dispatch = dispatch_free(daemon->dispatch);
}

static int start_web(struct daemon *daemon)
{
	int error = web_new(daemon->loop, daemon->snapshot, &daemon->web);
	if (error == 0)
		error = ws_new(daemon->web, daemon->stack, &daemon->ws);
	if (error == 0)
		error = admin_new(daemon->web, daemon->registrar, daemon->snapshot, daemon_domain(daemon), &daemon->admin);
	return error;
}

/* The web side goes first: its flows end while those that watch them are still there. */
static void stop_web(struct daemon *daemon)
{
	daemon->web = web_free(daemon->web);
	daemon->ws = ws_free(daemon->ws);
	daemon->admin = admin_free(daemon->admin);
}

static int start_extensions(struct daemon *daemon)
{
	static const char *const extensions[][2] = {
		{"9196", "Echo"},
		{"9197", "Tone"},
		{"9198", "Music"},
		{"9195", "Echo after 5 s"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(extensions); i++)
		admin_add_extension(daemon->admin, extensions[i][0], extensions[i][1]);
	return 0;
}

static void look_at_memory(void *data)
{
	struct daemon *daemon = data;
	struct call_counts counts;
	call_manager_count(daemon->calls, &counts);
	if (base_memory_look(&daemon->memory, counts.legs + counts.lingering_legs))
		log_debug(NULL, "memory of ended calls was given back");
	loop_timer_start_ms(&daemon->memory_look, MEMORY_LOOK_MS);
}

static int start_memory_look(struct daemon *daemon)
{
	loop_timer_init(&daemon->memory_look, daemon->loop, look_at_memory, daemon);
	loop_timer_start_ms(&daemon->memory_look, MEMORY_LOOK_MS);
	return 0;
}

static void stop_memory_look(struct daemon *daemon)
{
	loop_timer_stop(&daemon->memory_look);
}

static void stop_nothing(struct daemon *daemon)
{
}

static int start_admin_socket(struct daemon *daemon)
{
	return admin_socket_new(daemon->loop, daemon->calls, daemon->snapshot, &daemon->admin_socket);
}

static void stop_admin_socket(struct daemon *daemon)
{
	daemon->admin_socket = admin_socket_free(daemon->admin_socket);
}

static int start_listening(struct daemon *daemon)
{
	int error = sip_listen_configured(daemon->stack, daemon->snapshot);
	if (error < 0)
		return error;
	trunks_start(daemon->trunks, daemon->stack, daemon->bus);
	return web_start(daemon->web);
}

static const struct daemon_part {
	const char *name;
	int (*start)(struct daemon *daemon);
	void (*stop)(struct daemon *daemon);
} daemon_parts[] = {
	{"loop", start_loop, stop_loop},
	{"plugins", start_plugins, stop_plugins},
	{"events", start_events, stop_events},
	{"sip", start_sip, stop_sip},
	{"registrar", start_registrar, stop_registrar},
	{"trunks", start_trunks, stop_trunks},
	{"routes", start_routes, stop_routes},
	{"upstream", start_upstream, stop_upstream},
	{"relay", start_relay, stop_relay},
	{"recordings", start_recordings, stop_recordings},
	{"media", start_media, stop_media},
	{"calls", start_calls, stop_calls},
	{"dispatch", start_dispatch, stop_dispatch},
	{"web", start_web, stop_web},
	{"extensions", start_extensions, stop_nothing},
	{"metrics", daemon_observe, daemon_observe_stop},
	{"memory", start_memory_look, stop_memory_look},
	{"admin socket", start_admin_socket, stop_admin_socket},
	{"listeners", start_listening, stop_nothing},
};

static void daemon_stop_parts(struct daemon *daemon, size_t n_started)
{
	while (n_started-- > 0)
		daemon_parts[n_started].stop(daemon);
}

int daemon_start(struct daemon *daemon)
{
	for (size_t i = 0; i < G_N_ELEMENTS(daemon_parts); i++) {
		int error = daemon_parts[i].start(daemon);
		if (error == 0)
			continue;
		log_error(NULL, "%s: cannot be started: %s", daemon_parts[i].name, strerror(-error));
		daemon_stop_parts(daemon, i + 1);
		return error;
	}
	return 0;
}

void daemon_stop(struct daemon *daemon)
{
	daemon_stop_parts(daemon, G_N_ELEMENTS(daemon_parts));
}

/* NULL: it was told why not. */
static struct config_snapshot *daemon_read_again(struct daemon *daemon)
{
	struct config_snapshot *snapshot = NULL;
	struct config_errors *errors = NULL;
	const char *hindrance = NULL;
	int error = config_load(daemon->config_path, daemon_tables, &snapshot, &errors);
	for (size_t i = 0; errors && i < config_errors_count(errors); i++)
		log_error(NULL, "%s", config_errors_line(errors, i));
	if (error < 0)
		hindrance = errors ? "it holds mistakes" : strerror(-error);
	else if (strcmp(config_string(snapshot, "", 0, "domain"), daemon_domain(daemon)))
		hindrance = "it has another domain, which wants a restart"; /* realm of all passwords, part of what browsers hold */
	config_errors_free(errors);
	if (!hindrance)
		return snapshot;
	log_error(NULL, "%s was not reloaded: %s; nothing has changed", daemon->config_path, hindrance);
	return config_unref(snapshot);
}

void daemon_reload(struct daemon *daemon)
{
	if (daemon->is_stopping) { /* who was just unregistered would be registered again */
		log_warning(NULL, "%s was not reloaded: the gateway is stopping", daemon->config_path);
		return;
	}
	struct config_snapshot *snapshot = daemon_read_again(daemon);
	if (!snapshot)
		return;
	for (const char *const *line = config_warnings(snapshot); *line; line++)
		log_warning(NULL, "%s", *line);
	enum log_level level;
	if (log_level_from_name(config_string(snapshot, "log", 0, "level"), &level) == 0)
		log_set_level(level);
	registrar_reconfigure(daemon->registrar, snapshot);
	call_manager_reload(daemon->calls, snapshot);
	relay_reload(daemon->relay, snapshot);
	sip_reload(daemon->stack, snapshot);
	if (trunks_reload(daemon->trunks, snapshot) < 0 || route_router_reload(daemon->router, snapshot) < 0 ||
	    web_reconfigure(daemon->web, snapshot) < 0)
		log_error(NULL, "a part of the new configuration could not be taken");
	upstream_reload(daemon->upstream);
	admin_reconfigure(daemon->admin, snapshot);
	config_unref(daemon->snapshot);
	daemon->snapshot = snapshot;
	log_info(NULL, "%s was reloaded; listeners, media, recording and plugins keep what they were started with",
		 daemon->config_path);
}
