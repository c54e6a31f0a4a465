#include "sip/options.h"

#include "base/log.h"
#include "sip/tls.h"
#include <string.h>

static const char *const sip_transports[] = {"udp", "tcp", "tls", NULL};

static const struct config_option sip_option_rows[] = {
	{.name = "listen", .type = CONFIG_ENDPOINT, .is_list = true, .names = sip_transports,
	 .fallback = "udp:0.0.0.0:5060, tcp:0.0.0.0:5060",
	 .help = "Where trunks reach the gateway, and where it calls them from: \"udp:\", \"tcp:\" and \"tls:\"."},
	{.name = "certificate", .type = CONFIG_PATH, .help = "PEM file with the certificate chain that listeners on TLS show."},
	{.name = "key", .type = CONFIG_PATH, .help = "PEM file with the certificate's private key."},
	{.name = "keep_alive_seconds", .type = CONFIG_INTEGER, .min = 1, .max = 3600, .fallback = "100",
	 .help = "How often something is sent on connections to trunks on TLS, where they could not connect to us (no \"tls:\" in listen)."},
	{0},
};

static bool is_on_tls(const char *endpoint)
{
	return !g_ascii_strncasecmp(endpoint, "tls:", 4);
}

void sip_check_certificate(const struct config_snapshot *snapshot, struct config_report *report, const char *group, size_t index,
			   const char *name_of_certificate, const char *name_of_key)
{
	const char *certificate = config_string(snapshot, group, index, name_of_certificate);
	const char *key = config_string(snapshot, group, index, name_of_key);
	SSL_CTX *context = NULL;
	int error = certificate && key ? crypto_tls_server_context_new(certificate, key, &context) : 0;
	SSL_CTX_free(context);
	if (certificate && !key)
		config_complain(report, group, index, name_of_certificate, "needs \"%s\" beside it", name_of_key);
	if (key && !certificate)
		config_complain(report, group, index, name_of_key, "needs \"%s\" beside it", name_of_certificate);
	if (error == -EKEYREJECTED)
		config_complain(report, group, index, name_of_key, "%s does not belong to the certificate", key);
	else if (error == -ENOKEY)
		config_complain(report, group, index, name_of_key, "%s cannot be read, or holds no key without a passphrase", key);
	else if (error)
		config_complain(report, group, index, name_of_certificate, "%s cannot be read, or holds no certificate that is strong enough",
				certificate);
}

bool sip_check_ha1(const struct config_snapshot *snapshot, struct config_report *report, const char *group, size_t index, const char *name,
		   enum sip_digest_algorithm algorithm)
{
	const char *hash = config_string(snapshot, group, index, name);
	if (hash && !sip_digest_is_ha1(algorithm, hash))
		config_complain(report, group, index, name, "is no hash: hex digits in lower case, as \"tandem hash\" prints them");
	return hash;
}

static void check_sip(const struct config_snapshot *snapshot, struct config_report *report)
{
	bool has_certificate = config_string(snapshot, "sip", 0, "certificate");
	sip_check_certificate(snapshot, report, "sip", 0, "certificate", "key");
	for (const char *const *endpoint = config_strings(snapshot, "sip", 0, "listen"); *endpoint && !has_certificate; endpoint++)
		if (is_on_tls(*endpoint))
			config_complain(report, "sip", 0, "listen", "\"%s\" needs \"certificate\" and \"key\" beside it", *endpoint);
}

const struct config_table sip_options = {
	.group = "sip", .shape = CONFIG_GROUP, .options = sip_option_rows, .check = check_sip};

int sip_reload(struct sip_stack *stack, const struct config_snapshot *snapshot)
{
	const char *certificate = config_string(snapshot, "sip", 0, "certificate");
	sip_stack_set_keep_alive(stack, config_integer(snapshot, "sip", 0, "keep_alive_seconds"));
	int error = certificate ? sip_stack_set_certificate(stack, certificate, config_string(snapshot, "sip", 0, "key")) : 0;
	if (error < 0)
		log_error(NULL, "sip.certificate \"%s\": %s; the one before is kept", certificate, strerror(-error));
	return error;
}

int sip_listen_configured(struct sip_stack *stack, const struct config_snapshot *snapshot)
{
	int error = sip_reload(stack, snapshot);
	for (const char *const *endpoint = config_strings(snapshot, "sip", 0, "listen"); *endpoint && !error; endpoint++) {
		error = sip_stack_listen(stack, *endpoint);
		if (error < 0)
			log_error(NULL, "sip.listen \"%s\": %s", *endpoint, strerror(-error));
	}
	return error;
}
