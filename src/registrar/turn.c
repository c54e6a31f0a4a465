/* TURN credentials for browsers by the shared secret of their servers (draft-uberti-behave-turn-rest): short-lived, of the user's name, and
 * given to who has proved himself, with the 200 of his REGISTER. */
#include "registrar/internal.h"
#include "crypto/digest.h"
#include "crypto/encoding.h"
#include <jansson.h>
#include <string.h>

#define GROUP "browser_turn"

static const struct config_option options[] = {
	{.name = "servers",
	 .type = CONFIG_STRING,
	 .is_list = true,
	 .min = 1,
	 .max = 255,
	 .help = "URIs of TURN servers for browsers, such as \"turn:turn.example.com:3478?transport=udp\"; told to those who are registered."},
	{.name = "secret",
	 .type = CONFIG_STRING,
	 .is_secret = true,
	 .min = 1,
	 .max = 255,
	 .help = "What these servers share with us (coturn: static-auth-secret); users get credentials made from it."},
	{.name = "seconds",
	 .type = CONFIG_INTEGER,
	 .min = 60,
	 .max = 604800,
	 .fallback = "7200",
	 .help = "How long such credentials are good; each registration brings new ones."},
	{0},
};

static void check(const struct config_snapshot *snapshot, struct config_report *report)
{
	const char *const *servers = config_strings(snapshot, GROUP, 0, "servers");
	bool has_secret = config_string(snapshot, GROUP, 0, "secret");
	for (size_t i = 0; servers[i]; i++)
		if ((!g_str_has_prefix(servers[i], "turn:") && !g_str_has_prefix(servers[i], "turns:")) || strpbrk(servers[i], " \"\\<>"))
			config_complain(report, GROUP, 0, "servers", "wants URIs such as \"turn:turn.example.com:3478\"");
	if (*servers && !has_secret)
		config_complain(report, GROUP, 0, "servers", "needs a secret");
	if (has_secret && !*servers)
		config_complain(report, GROUP, 0, "secret", "needs servers");
	if (*servers && config_enum(snapshot, "registrar", 0, "authentication") == REGISTRAR_AUTHENTICATION_NONE)
		config_warn(report, GROUP, 0, "servers", "is told to nobody while registrar.authentication is \"none\"");
	if (config_integer(snapshot, GROUP, 0, "seconds") < config_integer(snapshot, "registrar", 0, "expires_max_seconds"))
		config_complain(report, GROUP, 0, "seconds", "is less than registrar.expires_max_seconds: credentials would end before new ones come");
}

const struct config_table registrar_turn_config_table = {
	.group = GROUP,
	.shape = CONFIG_GROUP,
	.options = options,
	.check = check,
};

void registrar_turn_tell(const struct registrar *registrar, const char *user, struct sip_message *response)
{
	const char *const *servers = config_strings(registrar->config, GROUP, 0, "servers");
	const char *secret = config_string(registrar->config, GROUP, 0, "secret");
	if (!*servers || registrar_authentication(registrar) == REGISTRAR_AUTHENTICATION_NONE)
		return;
	int64_t ends_s = g_get_real_time() / G_USEC_PER_SEC + config_integer(registrar->config, GROUP, 0, "seconds");
	g_autofree char *username = g_strdup_printf("%" G_GINT64_FORMAT ":%s", ends_s, user);
	uint8_t mac[CRYPTO_DIGEST_BYTES_MAX];
	char credential[CRYPTO_BASE64_SIZE(CRYPTO_DIGEST_BYTES_MAX)];
	if (crypto_hmac(CRYPTO_SHA1, secret, strlen(secret), username, strlen(username), mac) < 0)
		return;
	crypto_base64_encode(mac, crypto_digest_bytes(CRYPTO_SHA1), credential);
	json_t *urls = json_array();
	for (size_t i = 0; servers[i]; i++)
		json_array_append_new(urls, json_string(servers[i]));
	json_t *list = json_pack("[{s:o, s:s, s:s}]", "urls", urls, "username", username, "credential", credential);
	char *text = json_dumps(list, JSON_COMPACT | JSON_ENSURE_ASCII);
	if (text)
		sip_message_add_header(response, REGISTRAR_ICE_SERVERS_HEADER, text);
	free(text);
	json_decref(list);
}
