#include "registrar/internal.h"
#include "base/log.h"
#include "metrics/metrics.h"
#include <string.h>

METRICS_COUNTER(bindings_added, "tandem_registration_changes_total", "Bindings made and ended.", "change", "added");
METRICS_COUNTER(bindings_removed, "tandem_registration_changes_total", "Bindings made and ended.", "change", "removed");

GPtrArray *registrar_bindings_of(const struct registrar *registrar, const char *user)
{
	return g_hash_table_lookup(registrar->bindings, user);
}

static void publish(struct registrar *registrar, const char *user, const char *contact, const char *cause)
{
	GPtrArray *bindings = registrar_bindings_of(registrar, user);
	struct event_registration_changed event = {
		.user = user,
		.contact = contact,
		.is_added = !cause,
		.cause = cause,
		.n_bindings = bindings ? bindings->len : 0,
	};
	event_publish_registration_changed(registrar->events, &event);
}

static void binding_free(struct registrar_binding *binding)
{
	loop_timer_stop(&binding->timer);
	sip_flow_watch_stop(&binding->watch);
	sip_flow_unref(binding->flow);
	registrar_endpoint_unref(binding->endpoint);
	g_free(binding->user);
	g_free(binding->contact);
	g_free(binding->instance);
	g_strfreev(binding->path);
	g_free(binding->call_id);
	g_free(binding);
}

static void take_out(struct registrar_binding *binding)
{
	struct registrar *registrar = binding->registrar;
	GPtrArray *bindings = registrar_bindings_of(registrar, binding->user);
	g_ptr_array_remove(bindings, binding);
	if (!bindings->len)
		g_hash_table_remove(registrar->bindings, binding->user);
	registrar->n_bindings--;
}

static bool is_last_of_its_device(const struct registrar_binding *binding)
{
	const GPtrArray *bindings = registrar_bindings_of(binding->registrar, binding->user);
	for (guint i = 0; bindings && i < bindings->len; i++)
		if (((struct registrar_binding *)bindings->pdata[i])->endpoint == binding->endpoint)
			return false;
	return true;
}

void registrar_binding_remove(struct registrar_binding *binding, const char *cause)
{
	take_out(binding);
	if (is_last_of_its_device(binding))
		registrar_endpoint_end_gruus(binding->endpoint);
	metrics_add(&bindings_removed, 1);
	log_info(NULL, "registrar: %s at %s: %s", binding->user, binding->contact, cause);
	publish(binding->registrar, binding->user, binding->contact, cause);
	binding_free(binding);
}

ssize_t registrar_bindings_idle(const struct registrar *registrar, const char *user)
{
	GPtrArray *bindings = registrar_bindings_of(registrar, user);
	ssize_t n_idle = 0;
	for (guint i = 0; bindings && i < bindings->len; i++)
		n_idle += !((struct registrar_binding *)bindings->pdata[i])->flow;
	return n_idle;
}

void registrar_bindings_make_room(struct registrar *registrar, const char *user, size_t limit)
{
	GPtrArray *bindings = registrar_bindings_of(registrar, user);
	for (guint i = 0; bindings && i < bindings->len && bindings->len > limit;) {
		struct registrar_binding *binding = bindings->pdata[i];
		if (binding->flow)
			i++;
		else
			registrar_binding_remove(binding, "replaced by a newer one"); /* more than `limit` stay: no last one */
	}
}

void registrar_bindings_remove_all(struct registrar *registrar)
{
	GHashTableIter iterator;
	gpointer value;
	for (;;) {
		g_hash_table_iter_init(&iterator, registrar->bindings);
		if (!g_hash_table_iter_next(&iterator, NULL, &value))
			return;
		GPtrArray *bindings = value;
		struct registrar_binding *binding = bindings->pdata[0];
		take_out(binding);
		binding_free(binding);
	}
}

struct registrar_binding *registrar_binding_find(const struct registrar *registrar, const char *user,
						 const struct registrar_contact_request *contact)
{
	GPtrArray *bindings = registrar_bindings_of(registrar, user);
	for (guint i = 0; bindings && i < bindings->len; i++) {
		struct registrar_binding *binding = bindings->pdata[i];
		bool both_outbound = contact->reg_id && contact->instance && binding->reg_id && binding->instance;
		bool is_same = both_outbound ? contact->reg_id == binding->reg_id &&
						       !strcmp(contact->instance, binding->instance)
					     : !strcmp(contact->uri, binding->contact);
		if (is_same)
			return binding;
	}
	return NULL;
}

uint32_t registrar_binding_left_s(const struct registrar_binding *binding)
{
	int64_t left_us = binding->expires_us - loop_now_us(binding->registrar->loop);
	return left_us <= 0 ? 0 : (uint32_t)((left_us + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC);
}

static void on_timer(void *data)
{
	struct registrar_binding *binding = data;
	registrar_binding_remove(binding, binding->flow ? "expired" : "connection closed");
}

static void on_flow_closed(void *data, struct sip_flow *flow)
{
	struct registrar_binding *binding = data;
	struct registrar *registrar = binding->registrar;
	int64_t grace_us = config_integer(registrar->config, "registrar", 0, "grace_seconds") * G_USEC_PER_SEC;
	int64_t left_us = binding->expires_us - loop_now_us(registrar->loop);
	binding->flow = sip_flow_unref(binding->flow);
	loop_timer_start_us(&binding->timer, CLAMP(left_us, 0, grace_us));
}

static struct registrar_binding *binding_new(struct registrar *registrar, const char *user)
{
	struct registrar_binding *binding = g_new0(struct registrar_binding, 1);
	binding->registrar = registrar;
	binding->user = g_strdup(user);
	loop_timer_init(&binding->timer, registrar->loop, on_timer, binding);
	GPtrArray *bindings = registrar_bindings_of(registrar, user);
	if (!bindings) {
		bindings = g_ptr_array_new();
		g_hash_table_insert(registrar->bindings, g_strdup(user), bindings);
	}
	g_ptr_array_add(bindings, binding);
	registrar->n_bindings++;
	return binding;
}

static void take_flow(struct registrar_binding *binding, struct sip_flow *flow)
{
	if (binding->flow == flow)
		return;
	sip_flow_watch_stop(&binding->watch);
	sip_flow_unref(binding->flow);
	binding->flow = sip_flow_ref(flow);
	sip_flow_watch_start(&binding->watch, flow, on_flow_closed, binding);
}

static void replace_text(char **text, const char *with)
{
	char *copy = g_strdup(with);
	g_free(*text);
	*text = copy;
}

/* The latest registered is the last of the user's, to be rung first. */
static void move_to_end(struct registrar_binding *binding)
{
	GPtrArray *bindings = registrar_bindings_of(binding->registrar, binding->user);
	g_ptr_array_remove(bindings, binding);
	g_ptr_array_add(bindings, binding);
}

static void take_texts(struct registrar_binding *binding, const struct registrar_contact_request *contact)
{
	replace_text(&binding->contact, contact->uri);
	replace_text(&binding->instance, contact->instance);
	replace_text(&binding->call_id, contact->call_id);
	g_strfreev(binding->path);
	binding->path = g_strdupv(contact->path);
}

void registrar_binding_set(struct registrar *registrar, const char *user, const struct registrar_contact_request *contact,
			   const struct sip_message *request, struct sip_flow *flow)
{
	struct registrar_binding *binding = registrar_binding_find(registrar, user, contact);
	struct registrar_endpoint *endpoint = registrar_endpoint_claim(registrar, user, contact, flow);
	if (!endpoint)
		return;
	bool is_new = !binding;
	if (is_new)
		binding = binding_new(registrar, user);
	else
		move_to_end(binding);
	if (!is_new && strcmp(binding->call_id, contact->call_id)) /* RFC 5627, section 3.1.2 */
		registrar_endpoint_end_gruus(endpoint);
	take_flow(binding, flow);
	registrar_endpoint_unref(binding->endpoint);
	binding->endpoint = endpoint;
	take_texts(binding, contact);
	binding->reg_id = contact->reg_id;
	binding->cseq = sip_message_cseq(request);
	int64_t expires_us = contact->expires_s * (int64_t)G_USEC_PER_SEC;
	binding->expires_us = loop_now_us(registrar->loop) + expires_us;
	loop_timer_start_us(&binding->timer, expires_us);
	if (!is_new)
		return;
	metrics_add(&bindings_added, 1);
	log_info(NULL, "registrar: %s at %s: registered for %u s", user, contact->uri, contact->expires_s);
	publish(registrar, user, binding->contact, NULL);
}
