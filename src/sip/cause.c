#include "sip/cause.h"
#include "sip/value.h"
#include <string.h>

#define CAUSE_MAX 127

static const struct {
	unsigned q850, status;
	const char *words;
} causes[] = {
	{1, 404, "unallocated number"},
	{2, 404, "no route to network"},
	{3, 404, "no route to destination"},
	{16, 0, "normal call clearing"},
	{17, 486, "user busy"},
	{18, 408, "no user responding"},
	{19, 480, "no answer from the user"},
	{20, 480, "subscriber absent"},
	{21, 403, "call rejected"},
	{22, 410, "number changed"},
	{23, 410, "redirection to new destination"},
	{26, 404, "non-selected user clearing"},
	{27, 502, "destination out of order"},
	{28, 484, "address incomplete"},
	{29, 501, "facility rejected"},
	{31, 480, "normal, unspecified"},
	{34, 503, "no circuit available"},
	{38, 503, "network out of order"},
	{41, 503, "temporary failure"},
	{42, 503, "switching equipment congestion"},
	{47, 503, "resource unavailable"},
	{50, 503, "facility not subscribed"},
	{55, 403, "incoming calls barred"},
	{57, 403, "bearer capability not authorized"},
	{58, 503, "bearer capability not available"},
	{65, 488, "bearer capability not implemented"},
	{70, 488, "only restricted digital"},
	{79, 501, "service not implemented"},
	{87, 403, "user not in the group"},
	{88, 503, "incompatible destination"},
	{102, 504, "recovery on timer expiry"},
	{111, 500, "protocol error"},
	{127, 500, "interworking, unspecified"},
};

static const struct {
	unsigned status, q850;
} statuses[] = {
	{400, 41}, {401, 21}, {402, 21}, {403, 21}, {404, 1},	{405, 63}, {406, 79}, {407, 21}, {408, 102}, {410, 22},
	{413, 127}, {414, 127}, {415, 79}, {416, 127}, {420, 127}, {421, 127}, {423, 127}, {480, 18}, {481, 41}, {482, 25},
	{483, 25}, {484, 28}, {485, 1},	 {486, 17}, {488, 65},	{500, 41}, {501, 79}, {502, 38}, {503, 41},  {504, 102},
	{505, 127}, {513, 127}, {600, 17}, {603, 21}, {604, 1},	{606, 65},
};

const char *sip_cause_words(unsigned q850)
{
	for (size_t i = 0; i < G_N_ELEMENTS(causes); i++)
		if (causes[i].q850 == q850)
			return causes[i].words;
	return NULL;
}

unsigned sip_cause_status(unsigned q850)
{
	for (size_t i = 0; i < G_N_ELEMENTS(causes); i++)
		if (causes[i].q850 == q850)
			return causes[i].status;
	return 0;
}

unsigned sip_cause_of_status(unsigned status)
{
	for (size_t i = 0; i < G_N_ELEMENTS(statuses); i++)
		if (statuses[i].status == status)
			return statuses[i].q850;
	return 0;
}

/* What stands in quotes, if they are there, as text that may be logged and quoted again. */
static void clean(const char *value, char ret_text[static SIP_CAUSE_TEXT_BYTES])
{
	size_t length = strlen(value);
	if (length >= 2 && value[0] == '"' && value[length - 1] == '"') {
		value++;
		length -= 2;
	}
	g_autofree char *valid = g_utf8_make_valid(value, (gssize)MIN(length, (size_t)SIP_CAUSE_TEXT_BYTES - 4));
	size_t n = 0;
	for (const char *c = valid; *c && n + 1 < SIP_CAUSE_TEXT_BYTES; c++)
		if ((unsigned char)*c >= ' ' && *c != 0x7f && *c != '"' && *c != '\\')
			ret_text[n++] = *c;
	ret_text[n] = '\0';
	if (!g_utf8_validate(ret_text, -1, NULL))
		*ret_text = '\0';
	g_strstrip(ret_text);
}

static unsigned number_of(const char *value, unsigned least, unsigned most)
{
	g_autofree char *text = sip_value_parameter(value, "cause");
	uint32_t number;
	return text && sip_value_seconds(text, &number) && number >= least && number <= most ? number : 0;
}

/* The warn-text of 399 miscellaneous and the others: code, agent, text. */
static void read_warning(const struct sip_message *message, char ret_text[static SIP_CAUSE_TEXT_BYTES])
{
	const char *value = sip_message_header(message, "Warning", 0);
	const char *begin = value ? strchr(value, '"') : NULL, *end = begin ? strrchr(begin, '"') : NULL;
	if (!begin || end == begin)
		return;
	g_autofree char *quoted = g_strndup(begin, (gsize)(end - begin + 1));
	clean(quoted, ret_text);
}

/* Of a refusal: what is said of its own status. */
static void add_warning(const struct sip_message *message, struct sip_cause *cause)
{
	char text[SIP_CAUSE_TEXT_BYTES] = "";
	if (sip_message_is_request(message) || cause->status || *cause->text)
		return;
	read_warning(message, text);
	if (!*text)
		return;
	cause->status = sip_message_status(message);
	cause->is_text_of_status = true;
	base_copy_text(cause->text, sizeof cause->text, text);
}

bool sip_cause_read(const struct sip_message *message, struct sip_cause *ret_cause)
{
	const char *value;
	*ret_cause = (struct sip_cause){0};
	for (size_t i = 0; i < SIP_CAUSE_VALUES_MAX && (value = sip_message_header(message, "Reason", i)); i++) {
		size_t length = sip_value_token_length(value);
		if (length == 5 && !g_ascii_strncasecmp(value, "Q.850", 5))
			ret_cause->q850 = number_of(value, 1, CAUSE_MAX);
		else if (length == 3 && !g_ascii_strncasecmp(value, "SIP", 3))
			ret_cause->status = number_of(value, 100, 699);
		else
			continue;
		g_autofree char *text = sip_value_parameter(value, "text");
		if (text && !*ret_cause->text) {
			clean(text, ret_cause->text);
			ret_cause->is_text_of_status = length == 3;
		}
	}
	if (!ret_cause->q850 && !ret_cause->status)
		*ret_cause->text = '\0';
	add_warning(message, ret_cause);
	return ret_cause->q850 || ret_cause->status;
}

/* `words` NULL or "": none. */
static void append(GString *value, const char *protocol, unsigned number, const char *words)
{
	if (!number)
		return;
	g_string_append_printf(value, "%s%s;cause=%u", value->len ? ", " : "", protocol, number);
	if (words && *words)
		g_string_append_printf(value, ";text=\"%s\"", words);
}

char *sip_cause_write(const struct sip_cause *cause)
{
	if (!cause->q850 && !cause->status)
		return NULL;
	GString *value = g_string_new(NULL);
	bool has_q850_text = *cause->text && !cause->is_text_of_status, is_success = cause->status / 100 == 2;
	append(value, "SIP", is_success ? cause->status : 0, cause->is_text_of_status ? cause->text : NULL);
	append(value, "Q.850", cause->q850, has_q850_text ? cause->text : sip_cause_words(cause->q850));
	append(value, "SIP", is_success ? 0 : cause->status, cause->is_text_of_status ? cause->text : NULL);
	return g_string_free(value, FALSE);
}

char *sip_cause_explain(const struct sip_message *response)
{
	unsigned status = sip_message_status(response);
	char phrase[SIP_CAUSE_TEXT_BYTES] = "", more[SIP_CAUSE_TEXT_BYTES] = "";
	struct sip_cause cause;
	clean(sip_message_reason(response) ? sip_message_reason(response) : "", phrase);
	read_warning(response, more);
	if (sip_cause_read(response, &cause) && !*more) {
		const char *words = *cause.text ? cause.text : sip_cause_words(cause.q850);
		base_copy_text(more, sizeof more, words ? words : "");
	}
	bool says_more = *more && g_ascii_strcasecmp(more, phrase);
	return g_strdup_printf("%u %s%s%s%s", status, *phrase ? phrase : sip_status_text(status), says_more ? " (" : "",
			       says_more ? more : "", says_more ? ")" : "");
}
