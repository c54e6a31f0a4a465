#include "web/internal.h"
#include "base/log.h"
#include "metrics/metrics.h"
#include "net/acceptor.h"
#include "net/tcp.h"
#include "net/udp.h"
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

METRICS_COUNTER(connections_accepted, "tandem_web_connections_total", "Connections to the web side.", "outcome",
		"accepted");
METRICS_COUNTER(connections_refused, "tandem_web_connections_total", "Connections to the web side.", "outcome",
		"refused");
METRICS_GAUGE(connections_open, "tandem_web_connections", "Open connections to the web side.");
METRICS_GAUGE(sockets_open, "tandem_web_sockets", "Open WebSockets.");

#define LISTEN_BACKLOG 512
#define ACCEPTED_AT_ONCE 64

struct listener {
	struct net_acceptor acceptor;
	struct net_address address;
};

struct route {
	const char *path;
	const char *method;
	web_handler *handler;
	void *user;
};

struct web {
	struct loop *loop;
	struct config_snapshot *config;
	struct web_settings settings;
	struct web_carrier *carrier;
	struct web_files *files;
	bool is_secure;
	GPtrArray *listeners;
	struct route routes[WEB_ROUTES_MAX];
	size_t n_routes;
	struct web_socket_route socket_routes[WEB_SOCKET_ROUTES_MAX];
	size_t n_socket_routes;
	GHashTable *connections;  /* a set of struct web_connection */
	GHashTable *per_address; /* text of the remote host -> number of connections */
	size_t n_sockets;
};

struct loop *web_loop(const struct web *web)
{
	return web->loop;
}

const struct web_settings *web_settings(const struct web *web)
{
	return &web->settings;
}

struct web_carrier *web_carrier(const struct web *web)
{
	return web->carrier;
}

bool web_is_secure(const struct web *web)
{
	return web->is_secure;
}

void web_count_socket(struct web *web, int change)
{
	web->n_sockets += (size_t)change;
	metrics_add(&sockets_open, change);
}

/* --- routes --- */
int web_route_add(struct web *web, const char *path, const char *method, web_handler *handler, void *user)
{
	for (size_t i = 0; i < web->n_routes; i++)
		if (!strcmp(web->routes[i].path, path) && !strcmp(web->routes[i].method, method))
			return -EEXIST;
	if (web->n_routes == WEB_ROUTES_MAX)
		return -ENOSPC;
	web->routes[web->n_routes++] = (struct route){path, method, handler, user};
	return 0;
}

int web_socket_route_add(struct web *web, const char *const *paths, const char *subprotocol, size_t message_bytes_max,
			 const struct web_socket_handler *handler, void *user)
{
	if (web->n_socket_routes == WEB_SOCKET_ROUTES_MAX)
		return -ENOSPC;
	for (size_t i = 0; paths[i]; i++)
		if (web_find_socket_route(web, paths[i]))
			return -EEXIST;
	web->socket_routes[web->n_socket_routes++] =
		(struct web_socket_route){paths, subprotocol, message_bytes_max, handler, user};
	return 0;
}

const struct web_socket_route *web_find_socket_route(const struct web *web, const char *path)
{
	for (size_t i = 0; i < web->n_socket_routes; i++)
		if (g_strv_contains(web->socket_routes[i].paths, path))
			return &web->socket_routes[i];
	return NULL;
}

void web_dispatch(struct web *web, struct web_request *request)
{
	const char *path = web_request_path(request);
	const char *method = web_request_method(request);
	const char *wanted = strcmp(method, "HEAD") ? method : "GET";
	g_autoptr(GString) allowed = g_string_new(NULL);
	for (size_t i = 0; i < web->n_routes; i++) {
		const struct route *route = &web->routes[i];
		if (strcmp(route->path, path))
			continue;
		if (!strcmp(route->method, wanted)) {
			route->handler(route->user, request);
			return;
		}
		g_string_append_printf(allowed, "%s%s%s", allowed->len ? ", " : "", route->method,
				       strcmp(route->method, "GET") ? "" : ", HEAD");
	}
	if (allowed->len) {
		web_request_add_header(request, "Allow", allowed->str);
		web_request_refuse(request, 405, NULL);
	} else {
		web_files_serve(web->files, request);
	}
}

/* --- connections --- */
static size_t count_of_address(const struct web *web, const char *host)
{
	return GPOINTER_TO_SIZE(g_hash_table_lookup(web->per_address, host));
}

static void count_address(struct web *web, const struct net_address *remote, int change)
{
	char host[NET_ADDRESS_TEXT_MAX];
	net_address_format_host(remote, host);
	size_t count = count_of_address(web, host) + (size_t)change;
	if (count)
		g_hash_table_insert(web->per_address, g_strdup(host), GSIZE_TO_POINTER(count));
	else
		g_hash_table_remove(web->per_address, host);
}

static bool has_room(const struct web *web, const struct net_address *remote)
{
	char host[NET_ADDRESS_TEXT_MAX];
	return g_hash_table_size(web->connections) < web->settings.connections &&
	       count_of_address(web, net_address_format_host(remote, host)) < web->settings.connections_per_address;
}

void web_connection_gone(struct web *web, struct web_connection *connection)
{
	if (!g_hash_table_remove(web->connections, connection))
		return;
	count_address(web, web_connection_remote(connection), -1);
	metrics_set(&connections_open, g_hash_table_size(web->connections));
}

static void adopt(void *user, int descriptor, const struct net_address *remote)
{
	struct web *web = user;
	struct net_address local = {.length = sizeof local.ipv6};
	int yes = 1;
	if (!has_room(web, remote) || getsockname(descriptor, &local.any, &local.length)) {
		metrics_add(&connections_refused, 1);
		close(descriptor);
		return;
	}
	setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
	struct web_connection *connection = web_connection_new(web, descriptor, &local, remote);
	if (!connection) {
		metrics_add(&connections_refused, 1);
		return;
	}
	g_hash_table_add(web->connections, connection);
	count_address(web, remote, 1);
	metrics_add(&connections_accepted, 1);
	metrics_set(&connections_open, g_hash_table_size(web->connections));
}

/* --- listeners --- */
static void listener_free(void *data)
{
	struct listener *listener = data;
	net_acceptor_stop(&listener->acceptor);
	g_free(listener);
}

static int open_listener(struct web *web, const char *text, struct listener *listener)
{
	struct net_address address;
	int descriptor;
	int error = net_address_parse_with_port(text, &address);
	if (!error)
		error = net_tcp_listen(&address, LISTEN_BACKLOG, &descriptor);
	if (error)
		return error;
	net_local_address(descriptor, &listener->address);
	return net_acceptor_start(&listener->acceptor, web->loop, descriptor, ACCEPTED_AT_ONCE, adopt, web);
}

static int listen_on(struct web *web, const char *text)
{
	struct listener *listener = g_new0(struct listener, 1);
	int error = open_listener(web, text, listener);
	if (error) {
		log_error(NULL, "web: cannot listen on %s: %s", text, g_strerror(-error));
		listener_free(listener);
		return error;
	}
	char name[NET_ADDRESS_TEXT_MAX];
	log_info(NULL, "web: listening on %s%s", net_address_format(&listener->address, name),
		 web->is_secure ? " with TLS" : "");
	g_ptr_array_add(web->listeners, listener);
	return 0;
}

static void read_settings(struct web *web)
{
	const struct config_snapshot *config = web->config;
	web->settings = (struct web_settings){
		.origins = config_strings(config, "web", 0, "origins"),
		.header_timeout_ms = config_integer(config, "web", 0, "header_timeout_seconds") * 1000,
		.idle_timeout_ms = config_integer(config, "web", 0, "idle_timeout_seconds") * 1000,
		.ping_interval_ms = config_integer(config, "web", 0, "ping_interval_seconds") * 1000,
		.ping_timeout_ms = config_integer(config, "web", 0, "ping_timeout_seconds") * 1000,
		.connections = (size_t)config_integer(config, "web", 0, "connections"),
		.connections_per_address = (size_t)config_integer(config, "web", 0, "connections_per_address"),
	};
	web_files_free(web->files);
	web->files = web_files_new(config_string(config, "web", 0, "root"));
}

int web_new(struct loop *loop, struct config_snapshot *config, struct web **ret_web)
{
	struct web *web = g_new0(struct web, 1);
	web->loop = loop;
	web->config = config_ref(config);
	web->listeners = g_ptr_array_new_with_free_func(listener_free);
	web->connections = g_hash_table_new(NULL, NULL);
	web->per_address = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	read_settings(web);

	struct web_carrier_parameters parameters = {
		.loop = loop,
		.certificate = config_string(config, "web", 0, "certificate"),
		.key = config_string(config, "web", 0, "key"),
	};
	web->is_secure = parameters.certificate;
	int error = web_carrier_new(&parameters, &web->carrier);
	if (error) {
		web_free(web);
		return error;
	}
	*ret_web = web;
	return 0;
}

int web_start(struct web *web)
{
	for (const char *const *text = config_strings(web->config, "web", 0, "listen"); *text; text++) {
		int error = listen_on(web, *text);
		if (error)
			return error;
	}
	return 0;
}

int web_reconfigure(struct web *web, struct config_snapshot *config)
{
	if (g_strcmp0(config_string(config, "web", 0, "certificate"), config_string(web->config, "web", 0, "certificate")) ||
	    g_strcmp0(config_string(config, "web", 0, "key"), config_string(web->config, "web", 0, "key")))
		log_warning(NULL, "web: other names of certificate and key are used after a restart");
	struct config_snapshot *old = web->config;
	web->config = config_ref(config);
	read_settings(web);
	config_unref(old);
	web_carrier_reload(web->carrier);
	return 0;
}

static void kill_connections(struct web *web)
{
	guint count;
	g_autofree gpointer *all = g_hash_table_get_keys_as_array(web->connections, &count);
	for (guint i = 0; i < count; i++) {
		struct web_connection *connection = all[i];
		if (web_connection_socket(connection))
			web_socket_close(web_connection_socket(connection), WEB_CLOSE_GOING_AWAY, NULL);
		web_connection_flush(connection);
		web_connection_kill(connection);
	}
}

struct web *web_free(struct web *web)
{
	if (!web)
		return NULL;
	g_ptr_array_unref(web->listeners);
	kill_connections(web);
	web_carrier_free(web->carrier);
	web_files_free(web->files);
	g_hash_table_unref(web->connections);
	g_hash_table_unref(web->per_address);
	config_unref(web->config);
	g_free(web);
	return NULL;
}

void web_count(const struct web *web, struct web_counts *ret_counts)
{
	ret_counts->connections = g_hash_table_size(web->connections);
	ret_counts->sockets = web->n_sockets;
}

uint16_t web_listener_port(const struct web *web, size_t index)
{
	if (index >= web->listeners->len)
		return 0;
	const struct listener *listener = web->listeners->pdata[index];
	return net_address_port(&listener->address);
}
