#include "crypto/random.h"
#include "sip/digest_internal.h"
#include <string.h>

#define CNONCE_CHARACTERS 22

static bool may_answer(const struct sip_credentials *credentials, const struct sip_digest_fields *fields)
{
	return *fields->realm && *fields->nonce && (!credentials->realm || !strcmp(credentials->realm, fields->realm)) &&
	       (!*fields->qop || sip_digest_offers_auth(fields));
}

/* The strongest challenge we can answer. 0 or -ENOENT. */
static int choose(const struct sip_credentials *credentials, const struct sip_message *challenge, const char *header,
		  struct sip_digest_fields *ret_fields, enum sip_digest_algorithm *ret_algorithm)
{
	struct sip_digest_fields fields;
	enum sip_digest_algorithm algorithm;
	const char *text;
	int result = -ENOENT;
	for (size_t i = 0; (text = sip_message_header(challenge, header, i)); i++) {
		if (sip_digest_fields_parse(text, &fields) < 0 || sip_digest_algorithm_of(&fields, &algorithm) < 0 ||
		    !may_answer(credentials, &fields) || (!result && algorithm <= *ret_algorithm))
			continue;
		*ret_fields = fields;
		*ret_algorithm = algorithm;
		result = 0;
	}
	return result;
}

static bool has_answer_for(const struct sip_message *request, const char *header, const char *realm)
{
	struct sip_digest_fields fields;
	const char *text;
	for (size_t i = 0; (text = sip_message_header(request, header, i)); i++)
		if (!sip_digest_fields_parse(text, &fields) && !strcmp(fields.realm, realm))
			return true;
	return false;
}

/* As a quoted string; a new one. */
static char *quote(const char *text)
{
	GString *quoted = g_string_new("\"");
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			g_string_append_c(quoted, '\\');
		g_string_append_c(quoted, *text);
	}
	g_string_append_c(quoted, '"');
	return g_string_free(quoted, FALSE);
}

static int add_answer(struct sip_message *request, const char *header, const char *username,
		      const struct sip_digest_fields *fields, enum sip_digest_algorithm algorithm)
{
	g_autofree char *quoted_name = quote(username), *realm = quote(fields->realm), *nonce = quote(fields->nonce);
	g_autofree char *opaque = quote(fields->opaque);
	g_autoptr(GString) text = g_string_new(NULL);
	g_string_append_printf(text, "Digest username=%s, realm=%s, nonce=%s, uri=\"%s\", response=\"%s\"", quoted_name,
			       realm, nonce, fields->uri, fields->response);
	if (*fields->algorithm)
		g_string_append_printf(text, ", algorithm=%s", sip_digest_algorithm_name(algorithm));
	if (*fields->opaque)
		g_string_append_printf(text, ", opaque=%s", opaque);
	if (*fields->qop)
		g_string_append_printf(text, ", qop=auth, cnonce=\"%s\", nc=%s", fields->cnonce, fields->nc);
	return sip_message_add_header(request, header, text->str);
}

int sip_digest_answer(const struct sip_credentials *credentials, const struct sip_message *challenge,
		      struct sip_message *request)
{
	bool is_proxy = sip_message_status(challenge) == 407;
	const char *header = is_proxy ? "Proxy-Authorization" : "Authorization";
	struct sip_digest_fields fields;
	enum sip_digest_algorithm algorithm = SIP_DIGEST_MD5;
	if (choose(credentials, challenge, is_proxy ? "Proxy-Authenticate" : "WWW-Authenticate", &fields, &algorithm) < 0)
		return -ENOENT;
	if (has_answer_for(request, header, fields.realm)) {
		if (g_ascii_strcasecmp(fields.stale, "true"))
			return -EACCES;
		sip_message_remove_header(request, header);
	}
	char ha1[CRYPTO_DIGEST_HEX_MAX];
	if (*fields.qop)
		strcpy(fields.qop, "auth");
	strcpy(fields.nc, "00000001");
	crypto_random_token(fields.cnonce, CNONCE_CHARACTERS);
	if (!base_copy_text(fields.uri, sizeof fields.uri, sip_message_request_uri(request)))
		return -EINVAL;
	int error = sip_digest_ha1(algorithm, credentials->username, fields.realm, credentials->password, ha1);
	if (!error)
		error = sip_digest_response(algorithm, ha1, sip_message_method_name(request), &fields, fields.response);
	crypto_wipe(ha1, sizeof ha1);
	return error ? error : add_answer(request, header, credentials->username, &fields, algorithm);
}
