/* a=crypto (RFC 4568, section 9.1): tag, suite, "inline:" key || salt, lifetime, MKI, session parameters. */
#include "crypto/encoding.h"
#include "sdp/sdp_private.h"

#include <string.h>
#include <strings.h>

#define TAG_MAX	       999999999
#define LIFETIME_BITS  48 /* RFC 3711, section 9.2 */
#define MKI_BYTES_MAX  128

/* "2^20" or "1048576". */
static bool parse_lifetime(const char *text, uint64_t *ret_packets)
{
	uint64_t packets;
	if (!strncmp(text, "2^", 2)) {
		uint64_t bits;
		text += 2;
		if (!sdp_number(&text, LIFETIME_BITS, &bits) || *text)
			return false;
		*ret_packets = UINT64_C(1) << bits;
		return true;
	}
	if (!sdp_number(&text, UINT64_C(1) << LIFETIME_BITS, &packets) || *text || !packets)
		return false;
	*ret_packets = packets;
	return true;
}

/* "1:4": value and its length in bytes. */
static bool parse_mki(const char *text, struct sdp_crypto *crypto)
{
	uint64_t bytes;
	if (!sdp_number(&text, UINT64_MAX, &crypto->mki) || *text++ != ':' ||
	    !sdp_number(&text, MKI_BYTES_MAX, &bytes) || *text || !bytes)
		return false;
	crypto->mki_bytes = bytes;
	return true;
}

/* "inline:" key [ "|" lifetime ] [ "|" MKI ":" length ]. Several keys in a line are told apart by their MKI; we know
 * none. */
static bool parse_key(char *text, struct sdp_crypto *crypto)
{
	static const char method[] = "inline:";
	if (strncasecmp(text, method, strlen(method)) || strchr(text, ';'))
		return false;
	text += strlen(method);
	char *rest = strchr(text, '|');
	size_t bytes, characters = rest ? (size_t)(rest - text) : strlen(text);
	if (crypto_base64_decode(text, characters, crypto->key, sizeof crypto->key, &bytes) < 0 || !bytes)
		return false;
	crypto->key_bytes = bytes;
	while (rest) {
		char *field = rest + 1;
		rest = strchr(field, '|');
		if (rest)
			*rest = 0;
		bool is_mki = strchr(field, ':');
		bool is_right = is_mki ? !crypto->mki_bytes && parse_mki(field, crypto)
				       : !crypto->lifetime_packets && !crypto->mki_bytes &&
					     parse_lifetime(field, &crypto->lifetime_packets);
		if (!is_right)
			return false;
	}
	return true;
}

int sdp_crypto_parse(char *value, struct sdp_crypto *ret_crypto)
{
	struct sdp_crypto crypto = {0};
	const char *tag_text = sdp_word(&value), *suite = sdp_word(&value);
	char *key = sdp_word(&value);
	uint64_t tag;
	bool is_right = key && sdp_number(&tag_text, TAG_MAX, &tag) && !*tag_text &&
			base_copy_text(crypto.suite, sizeof crypto.suite, suite) && parse_key(key, &crypto);
	value += strspn(value, " \t");
	if (is_right && base_copy_text(crypto.session_parameters, sizeof crypto.session_parameters, value)) {
		crypto.tag = tag;
		*ret_crypto = crypto;
	} else {
		is_right = false;
	}
	explicit_bzero(&crypto, sizeof crypto);
	return is_right ? 0 : -EBADMSG;
}

static void print_lifetime(GString *out, uint64_t packets)
{
	bool is_power = !(packets & (packets - 1));
	if (is_power)
		g_string_append_printf(out, "|2^%d", __builtin_ctzll(packets));
	else
		g_string_append_printf(out, "|%" G_GUINT64_FORMAT, packets);
}

void sdp_crypto_print(GString *out, const struct sdp_crypto *crypto)
{
	char key[CRYPTO_BASE64_SIZE(SDP_CRYPTO_KEY_BYTES_MAX)];
	crypto_base64_encode(crypto->key, crypto->key_bytes, key);
	g_string_append_printf(out, "a=crypto:%u %s inline:%s", crypto->tag, crypto->suite, key);
	explicit_bzero(key, sizeof key);
	if (crypto->lifetime_packets)
		print_lifetime(out, crypto->lifetime_packets);
	if (crypto->mki_bytes)
		g_string_append_printf(out, "|%" G_GUINT64_FORMAT ":%u", crypto->mki, crypto->mki_bytes);
	if (crypto->session_parameters[0])
		g_string_append_printf(out, " %s", crypto->session_parameters);
	g_string_append(out, "\r\n");
}
