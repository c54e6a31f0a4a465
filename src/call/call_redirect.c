/* 3xx of a trunk that may redirect: only within the trunk itself, the best target first, and not without end (RFC 3261,
 * section 8.1.3.4). */
#include "call/call_private.h"
#include "sip/uri.h"

#define CALL_REDIRECTIONS_MAX 5

struct call_redirection {
	struct trunk *trunk;
	struct trunk_hop *hop;
	char *uri, *to;
	double q;
};

static void call_redirection_free(struct call_redirection *redirection)
{
	trunk_hop_unref(redirection->hop);
	trunk_unref(redirection->trunk);
	g_free(redirection->uri);
	g_free(redirection->to);
	g_free(redirection);
}

static int call_redirection_compare(const void *a, const void *b, void *data)
{
	const struct call_redirection *one = a, *other = b;
	return one->q < other->q ? 1 : one->q > other->q ? -1 : 0;
}

static bool call_may_redirect_to(const struct leg *leg, const char *text)
{
	struct sip_uri uri;
	bool is_on_tls = trunk_transport(leg->trunk) == SIP_TRANSPORT_TLS;
	return text && !strchr(text, '?') && sip_uri_parse(text, &uri) == 0 &&
	       (!strcmp(uri.scheme, "sip") || (is_on_tls && !strcmp(uri.scheme, "sips"))) && trunk_has_host(leg->trunk, uri.host);
}

/* Another address of the trunk, if the URI's host is one; else it is asked where it has answered. A reference. */
static struct trunk_hop *call_hop_of_redirection(const struct leg *leg, const char *text)
{
	struct sip_uri uri;
	struct trunk_hop *hop =
		sip_uri_parse(text, &uri) == 0 ? trunk_hop_of_host(leg->trunk, uri.host, uri.port) : NULL;
	return trunk_hop_ref(hop ? hop : leg->way.hop);
}

void call_on_redirected(struct call *call, struct leg *leg, const struct sip_message *response)
{
	if (leg->kind != LEG_TRUNK || !trunk_may_redirect(leg->trunk))
		return;
	for (size_t i = 0; i < sip_message_contact_count(response) && call->n_redirections < CALL_REDIRECTIONS_MAX; i++) {
		const char *uri = sip_message_contact_uri(response, i);
		if (!call_may_redirect_to(leg, uri)) {
			log_warning(&leg->log, "redirects to %s, which is not its own; not followed", uri);
			continue;
		}
		const char *q = sip_message_contact_parameter(response, i, "q");
		struct call_redirection *redirection = g_new0(struct call_redirection, 1);
		redirection->trunk = trunk_ref(leg->trunk);
		redirection->hop = call_hop_of_redirection(leg, uri);
		redirection->uri = g_strdup(uri);
		redirection->to = g_strdup(leg->dialog->remote_uri);
		redirection->q = q ? g_ascii_strtod(q, NULL) : 1.0;
		call->n_redirections++;
		g_queue_insert_sorted(&call->redirections, redirection, call_redirection_compare, NULL);
	}
}

bool call_follow_redirection(struct call *call)
{
	struct call_redirection *next = g_queue_pop_head(&call->redirections);
	if (!next)
		return false;
	log_info(&call->log, "redirected to %s", next->uri);
	call->failure.status = 0; /* what comes of it says more than the 3xx */
	struct leg *leg = leg_new_trunk(call, next->trunk);
	leg->way.hop = trunk_hop_ref(next->hop);
	call_add_attempt(call, leg, next->to, next->uri);
	call_redirection_free(next);
	return true;
}

void call_drop_redirections(struct call *call)
{
	struct call_redirection *redirection;
	while ((redirection = g_queue_pop_head(&call->redirections)))
		call_redirection_free(redirection);
}
