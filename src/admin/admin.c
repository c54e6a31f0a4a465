#include "admin/admin.h"
#include "base/log.h"
#include "metrics/metrics.h"
#include <jansson.h>
#include <stdarg.h>
#include <string.h>

#define HEALTH_SOURCES_MAX 16
#define PROBLEM_BYTES_MAX 256
#define NUMBER_BYTES_MAX 64
#define LABEL_BYTES_MAX 128

struct health_source {
	void (*ask)(void *data, struct admin_health *health);
	void *data;
};

struct extension {
	char number[NUMBER_BYTES_MAX];
	char label[LABEL_BYTES_MAX];
};

struct admin {
	struct registrar *registrar;
	struct config_snapshot *config;
	char *domain;
	int64_t started_us;
	struct health_source sources[HEALTH_SOURCES_MAX];
	size_t n_sources;
	struct extension extensions[ADMIN_EXTENSIONS_MAX];
	size_t n_extensions;
};

struct admin_health {
	json_t *facts;
	json_t *problems;
};

static const struct config_option options[] = {
	{.name = "demo",
	 .type = CONFIG_BOOLEAN,
	 .fallback = "false",
	 .help = "Tells the page all users and their passwords, so that it signs in by itself; for demonstrations only."},
	{0},
};

const struct config_table admin_config_table = {.group = "web", .shape = CONFIG_GROUP, .options = options};

static void reply_json(struct web_request *request, unsigned status, json_t *answer)
{
	char *text = json_dumps(answer, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	json_decref(answer);
	if (text)
		web_request_reply(request, status, "application/json", text, strlen(text));
	else
		web_request_reply(request, 500, NULL, NULL, 0);
	free(text);
}

/* --- health --- */
void admin_health_problem(struct admin_health *health, const char *format, ...)
{
	char text[PROBLEM_BYTES_MAX];
	va_list arguments;
	if (json_array_size(health->problems) >= ADMIN_PROBLEMS_MAX)
		return;
	va_start(arguments, format);
	g_vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	g_autofree char *valid = g_utf8_make_valid(text, -1); /* it may have been cut inside a character */
	json_array_append_new(health->problems, json_string(valid));
}

void admin_health_fact(struct admin_health *health, const char *name, int64_t value)
{
	json_object_set_new(health->facts, name, json_integer(value));
}

static void serve_health(void *user, struct web_request *request)
{
	struct admin *admin = user;
	struct admin_health health = {.facts = json_object(), .problems = json_array()};
	admin_health_fact(&health, "uptime_seconds", (base_monotonic_us() - admin->started_us) / G_USEC_PER_SEC);
	for (size_t i = 0; i < admin->n_sources; i++)
		admin->sources[i].ask(admin->sources[i].data, &health);
	bool is_well = !json_array_size(health.problems);
	json_t *answer = health.facts;
	json_object_set_new(answer, "status", json_string(is_well ? "ok" : "failing"));
	json_object_set_new(answer, "problems", health.problems);
	reply_json(request, is_well ? 200 : 503, answer);
}

int admin_add_health_source(struct admin *admin, void (*source)(void *data, struct admin_health *health), void *data)
{
	if (admin->n_sources == HEALTH_SOURCES_MAX)
		return -ENOSPC;
	admin->sources[admin->n_sources++] = (struct health_source){source, data};
	return 0;
}

/* --- metrics --- */
static void serve_metrics(void *user, struct web_request *request)
{
	g_autoptr(GString) text = g_string_new(NULL);
	metrics_print(text);
	web_request_reply(request, 200, "text/plain; version=0.0.4; charset=utf-8", text->str, text->len);
}

/* --- the page --- */
static json_t *describe_users(const struct config_snapshot *config)
{
	json_t *users = json_array();
	for (size_t i = 0; i < config_count(config, "users"); i++) {
		const char *password = config_string(config, "users", i, "password");
		const char *display_name = config_string(config, "users", i, "display_name");
		json_t *entry = json_object();
		json_object_set_new(entry, "name", json_string(config_string(config, "users", i, "name")));
		if (password)
			json_object_set_new(entry, "password", json_string(password));
		if (display_name)
			json_object_set_new(entry, "display_name", json_string(display_name));
		json_array_append_new(users, entry);
	}
	return users;
}

static json_t *describe_extensions(const struct admin *admin)
{
	json_t *extensions = json_array();
	for (size_t i = 0; i < admin->n_extensions; i++) {
		json_t *entry = json_object();
		json_object_set_new(entry, "number", json_string(admin->extensions[i].number));
		json_object_set_new(entry, "label", json_string(admin->extensions[i].label));
		json_array_append_new(extensions, entry);
	}
	return extensions;
}

static void serve_page_settings(void *user, struct web_request *request)
{
	struct admin *admin = user;
	bool is_demo = config_boolean(admin->config, "web", 0, "demo");
	json_t *answer = json_object();
	json_object_set_new(answer, "domain", json_string(admin->domain));
	json_object_set_new(answer, "websocket", json_string("/ws"));
	json_object_set_new(answer, "demo", json_boolean(is_demo));
	if (is_demo)
		json_object_set_new(answer, "users", describe_users(admin->config));
	json_object_set_new(answer, "extensions", describe_extensions(admin));
	reply_json(request, 200, answer);
}

int admin_add_extension(struct admin *admin, const char *number, const char *label)
{
	if (admin->n_extensions == ADMIN_EXTENSIONS_MAX)
		return -ENOSPC;
	struct extension *extension = &admin->extensions[admin->n_extensions++];
	base_copy_text(extension->number, sizeof extension->number, number);
	base_copy_text(extension->label, sizeof extension->label, label);
	return 0;
}

/* --- life --- */
static void warn_of_demo(const struct config_snapshot *config)
{
	if (config_boolean(config, "web", 0, "demo"))
		log_warning(NULL, "admin: web.demo is on, /config.json tells everyone the users' passwords");
}

int admin_new(struct web *web, struct registrar *registrar, struct config_snapshot *config, const char *domain,
	      struct admin **ret_admin)
{
	struct admin *admin = g_new0(struct admin, 1);
	admin->registrar = registrar;
	admin->config = config_ref(config);
	admin->domain = g_strdup(domain);
	admin->started_us = base_monotonic_us();
	int error = web_route_add(web, "/healthz", "GET", serve_health, admin);
	if (!error)
		error = web_route_add(web, "/metrics", "GET", serve_metrics, admin);
	if (!error)
		error = web_route_add(web, "/config.json", "GET", serve_page_settings, admin);
	if (error) {
		admin_free(admin);
		return error;
	}
	warn_of_demo(config);
	*ret_admin = admin;
	return 0;
}

struct admin *admin_free(struct admin *admin)
{
	if (!admin)
		return NULL;
	config_unref(admin->config);
	g_free(admin->domain);
	g_free(admin);
	return NULL;
}

void admin_reconfigure(struct admin *admin, struct config_snapshot *config)
{
	struct config_snapshot *old = admin->config;
	admin->config = config_ref(config);
	config_unref(old);
	warn_of_demo(config);
}
