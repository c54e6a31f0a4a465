/* What passes from one side to the other: what is named here, and nothing else. Via, Contact, Record-Route, User-Agent,
 * Server, Warning, Allow and all that is unknown stay where they are. */
#include "relay/relay_private.h"
#include "sip/status.h"
#include "sip/value.h"
#include <string.h>

static const char *const message_request[] = {"Date", "Expires", "Subject", "Priority", NULL};
static const char *const subscribe_request[] = {"Event", "Expires", "Accept", "Accept-Encoding", NULL};
static const char *const notify_request[] = {"Event", "Subscription-State", NULL};
static const char *const publish_request[] = {"Event", "Expires", "SIP-If-Match", NULL};
static const char *const of_body[] = {"Content-Disposition", "Content-Encoding", "Content-Language", "MIME-Version", NULL};

static const char *const message_response[] = {"Date", "Accept", "Accept-Encoding", "Retry-After", NULL};
static const char *const subscribe_response[] = {"Expires", "Min-Expires", "Allow-Events", "Accept", "Retry-After", NULL};
static const char *const notify_response[] = {"Allow-Events", "Retry-After", NULL};
static const char *const publish_response[] = {"SIP-ETag",     "Expires", "Min-Expires",
					       "Allow-Events", "Accept",  "Retry-After",
					       NULL};

struct passing {
	const char *const *request, *const *response;
};

static struct passing passing_of(enum sip_method method)
{
	switch (method) {
	case SIP_METHOD_SUBSCRIBE:
		return (struct passing){subscribe_request, subscribe_response};
	case SIP_METHOD_NOTIFY:
		return (struct passing){notify_request, notify_response};
	case SIP_METHOD_PUBLISH:
		return (struct passing){publish_request, publish_response};
	default:
		return (struct passing){message_request, message_response};
	}
}

int relay_carry_request(struct sip_message *request, const struct sip_message *source)
{
	size_t length;
	const char *body = sip_message_body(source, &length);
	sip_message_copy_headers(request, source, passing_of(sip_message_method(source)).request);
	if (!length)
		return 0;
	const char *type = sip_message_header(source, "Content-Type", 0);
	if (!type)
		return -EINVAL;
	sip_message_copy_headers(request, source, of_body);
	return sip_message_set_body(request, type, body, length);
}

void relay_carry_response(struct sip_message *response, enum sip_method method, const struct sip_message *source)
{
	sip_message_copy_headers(response, source, passing_of(method).response);
}

static bool is_better(unsigned status, unsigned than)
{
	return sip_status_is_better(status, than) || (than == 480 && status != 480 && status / 100 == than / 100);
}

void relay_failure_note(struct relay_failure *failure, unsigned status, struct sip_message *response)
{
	if (!is_better(status, failure->status))
		return;
	relay_failure_clear(failure);
	*failure = (struct relay_failure){.status = status, .response = response ? sip_message_ref(response) : NULL};
}

void relay_failure_clear(struct relay_failure *failure)
{
	sip_message_unref(failure->response);
	*failure = (struct relay_failure){0};
}

struct sip_message *relay_failure_answer(const struct relay_failure *failure, const struct sip_message *request)
{
	unsigned told = sip_status_for_other_side(failure->status);
	bool is_same = failure->response && told == failure->status;
	struct sip_message *answer =
		sip_response_new(request, told, is_same ? sip_message_reason(failure->response) : NULL, NULL);
	if (failure->response)
		relay_carry_response(answer, sip_message_method(request), failure->response);
	return answer;
}

bool relay_event_is_sound(const char *event)
{
	size_t length = event ? sip_value_token_length(event) : 0;
	return length && (!event[length] || strchr("; \t", event[length]));
}

bool relay_event_is_same(const char *a, const char *b)
{
	size_t length = sip_value_token_length(a);
	g_autofree char *id_a = sip_value_parameter(a, "id"), *id_b = sip_value_parameter(b, "id");
	return length == sip_value_token_length(b) && !g_ascii_strncasecmp(a, b, length) && !g_strcmp0(id_a, id_b);
}

bool relay_state_is_terminated(const struct sip_message *notify)
{
	static const char word[] = "terminated";
	const char *state = sip_message_header(notify, "Subscription-State", 0);
	size_t length = state ? sip_value_token_length(state) : 0;
	return length == strlen(word) && !g_ascii_strncasecmp(state, word, length);
}

bool relay_state_expires(const struct sip_message *notify, uint32_t *ret_expires_s)
{
	const char *state = sip_message_header(notify, "Subscription-State", 0);
	g_autofree char *text = state ? sip_value_parameter(state, "expires") : NULL;
	return sip_value_seconds(text, ret_expires_s);
}
