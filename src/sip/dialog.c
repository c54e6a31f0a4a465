#include "sip/dialog.h"
#include "crypto/random.h"
#include "sip/message_internal.h"
#include "sip/uri.h"
#include "sip/value.h"
#include <string.h>

#define TAG_CHARACTERS 12
#define CALL_ID_CHARACTERS 24

static char *random_text(size_t characters)
{
	char *text = g_malloc(characters + 1);
	crypto_random_token(text, characters);
	return text;
}

struct sip_dialog *sip_dialog_new_caller(const char *local_uri, const char *remote_uri, const char *remote_target)
{
	struct sip_dialog *dialog = g_new0(struct sip_dialog, 1);
	dialog->call_id = random_text(CALL_ID_CHARACTERS);
	dialog->local_tag = random_text(TAG_CHARACTERS);
	dialog->local_uri = g_strdup(local_uri);
	dialog->remote_uri = g_strdup(remote_uri);
	dialog->remote_target = g_strdup(remote_target);
	dialog->is_caller = true;
	return dialog;
}

/* The far end's Contact, if requests can go there; a new string. */
static char *target_of(const struct sip_message *message)
{
	const char *uri = sip_message_contact_uri(message, 0);
	struct sip_uri parsed;
	if (!uri || sip_uri_parse(uri, &parsed) < 0 || !strcmp(parsed.scheme, "tel"))
		return NULL;
	return g_strndup(uri, strcspn(uri, "?")); /* headers may not stand in a Request-URI (section 19.1.1) */
}

static void clear_route_set(struct sip_dialog *dialog)
{
	for (size_t i = 0; dialog->route_set[i]; i++)
		BASE_CLEAR(&dialog->route_set[i], g_free);
}

/* The route set from Record-Route: in its order at the callee (section 12.1.1), reversed at the caller (12.1.2). */
static int read_route_set(struct sip_dialog *dialog, const struct sip_message *message, bool is_reversed)
{
	size_t count = sip_message_record_route_count(message);
	if (count > SIP_ROUTE_SET_MAX)
		return -EINVAL;
	for (size_t i = 0; i < count; i++)
		if (!sip_value_is_route(sip_message_record_route(message, i)))
			return -EINVAL;
	clear_route_set(dialog);
	for (size_t i = 0; i < count; i++)
		dialog->route_set[is_reversed ? count - 1 - i : i] = g_strdup(sip_message_record_route(message, i));
	return 0;
}

void sip_dialog_preload_route(struct sip_dialog *dialog, const char *const *routes)
{
	clear_route_set(dialog);
	for (size_t i = 0; routes[i] && i < SIP_ROUTE_SET_MAX; i++)
		dialog->route_set[i] = g_strdup(routes[i]);
}

struct sip_dialog *sip_dialog_new_callee(const struct sip_message *request)
{
	struct sip_dialog *dialog = g_new0(struct sip_dialog, 1);
	dialog->remote_target = target_of(request);
	dialog->remote_tag = g_strdup(sip_message_from_tag(request));
	if (!dialog->remote_target || !dialog->remote_tag || read_route_set(dialog, request, false) < 0)
		return sip_dialog_free(dialog);
	dialog->call_id = g_strdup(sip_message_call_id(request));
	dialog->local_tag = random_text(TAG_CHARACTERS);
	dialog->local_uri = sip_message_to_without_tag(request);
	dialog->remote_uri = sip_message_from_without_tag(request);
	dialog->remote_cseq = sip_message_cseq(request);
	dialog->has_remote_cseq = true;
	return dialog;
}

struct sip_dialog *sip_dialog_copy(const struct sip_dialog *dialog)
{
	struct sip_dialog *copy = g_new0(struct sip_dialog, 1);
	*copy = *dialog;
	copy->call_id = g_strdup(dialog->call_id);
	copy->local_tag = g_strdup(dialog->local_tag);
	copy->remote_tag = g_strdup(dialog->remote_tag);
	copy->local_uri = g_strdup(dialog->local_uri);
	copy->remote_uri = g_strdup(dialog->remote_uri);
	copy->remote_target = g_strdup(dialog->remote_target);
	copy->next_hop = NULL;
	for (size_t i = 0; dialog->route_set[i]; i++)
		copy->route_set[i] = g_strdup(dialog->route_set[i]);
	return copy;
}

struct sip_dialog *sip_dialog_free(struct sip_dialog *dialog)
{
	if (!dialog)
		return NULL;
	clear_route_set(dialog);
	g_free(dialog->call_id);
	g_free(dialog->local_tag);
	g_free(dialog->remote_tag);
	g_free(dialog->local_uri);
	g_free(dialog->remote_uri);
	g_free(dialog->remote_target);
	g_free(dialog->next_hop);
	g_free(dialog);
	return NULL;
}

int sip_dialog_learn(struct sip_dialog *dialog, const struct sip_message *response)
{
	const char *tag = sip_message_to_tag(response);
	bool confirms = sip_message_status(response) >= 200;
	if (!tag || (dialog->remote_tag && strcmp(tag, dialog->remote_tag)))
		return -EINVAL;
	if (dialog->state == SIP_DIALOG_CONFIRMED)
		return 0;
	g_autofree char *target = target_of(response);
	if ((confirms && !target) || read_route_set(dialog, response, true) < 0)
		return -EINVAL;
	if (target) {
		g_free(dialog->remote_target);
		dialog->remote_target = g_steal_pointer(&target);
	}
	if (!dialog->remote_tag)
		dialog->remote_tag = g_strdup(tag);
	dialog->state = confirms ? SIP_DIALOG_CONFIRMED : SIP_DIALOG_EARLY;
	return 0;
}

int sip_dialog_learn_notify(struct sip_dialog *dialog, const struct sip_message *notify)
{
	g_autofree char *target = target_of(notify);
	if (dialog->remote_tag || !target || read_route_set(dialog, notify, false) < 0)
		return -EINVAL;
	g_free(dialog->remote_target);
	dialog->remote_target = g_steal_pointer(&target);
	dialog->remote_tag = g_strdup(sip_message_from_tag(notify));
	dialog->remote_cseq = sip_message_cseq(notify);
	dialog->has_remote_cseq = true;
	dialog->state = SIP_DIALOG_CONFIRMED;
	return 0;
}

void sip_dialog_refresh_target(struct sip_dialog *dialog, const struct sip_message *message)
{
	char *target = target_of(message);
	if (!target)
		return;
	g_free(dialog->remote_target);
	dialog->remote_target = target;
}

int sip_dialog_accept_cseq(struct sip_dialog *dialog, const struct sip_message *request)
{
	enum sip_method method = sip_message_method(request);
	if (method == SIP_METHOD_ACK || method == SIP_METHOD_CANCEL)
		return 0;
	if (dialog->has_remote_cseq && sip_message_cseq(request) <= dialog->remote_cseq)
		return -EBADMSG;
	dialog->remote_cseq = sip_message_cseq(request);
	dialog->has_remote_cseq = true;
	return 0;
}

const char *sip_dialog_next_hop(const struct sip_dialog *dialog)
{
	struct sip_dialog *keeper = (struct sip_dialog *)dialog; /* what is kept there is no part of the value */
	if (!dialog->route_set[0])
		return dialog->remote_target;
	g_free(keeper->next_hop);
	keeper->next_hop = sip_value_uri(dialog->route_set[0]);
	if (keeper->next_hop)
		keeper->next_hop[strcspn(keeper->next_hop, "?")] = '\0';
	return dialog->next_hop;
}

static bool is_loose(const char *uri)
{
	struct sip_uri parsed;
	char value[64];
	return !sip_uri_parse(uri, &parsed) && sip_uri_parameter(&parsed, "lr", value, sizeof value);
}

static struct sip_message *build(const struct sip_dialog *dialog, enum sip_method method, uint32_t cseq)
{
	const char *first = dialog->route_set[0] ? sip_dialog_next_hop(dialog) : NULL;
	bool is_strict = first && !is_loose(first);
	g_autofree char *from = g_strdup_printf("%s;tag=%s", dialog->local_uri, dialog->local_tag);
	g_autofree char *to = dialog->remote_tag ? g_strdup_printf("%s;tag=%s", dialog->remote_uri, dialog->remote_tag)
						 : g_strdup(dialog->remote_uri);
	struct sip_message *request =
		sip_request_new(method, is_strict ? first : dialog->remote_target, from, to, dialog->call_id, cseq);
	if (!request)
		return NULL;
	for (size_t i = is_strict; dialog->route_set[i]; i++)
		sip_message_add_header(request, "Route", dialog->route_set[i]);
	if (is_strict)
		sip_message_add_header_format(request, "Route", "<%s>", dialog->remote_target);
	return request;
}

struct sip_message *sip_dialog_request(struct sip_dialog *dialog, enum sip_method method)
{
	return build(dialog, method, ++dialog->local_cseq);
}

struct sip_message *sip_dialog_ack(const struct sip_dialog *dialog, uint32_t cseq)
{
	return build(dialog, SIP_METHOD_ACK, cseq);
}
