/* TLS: what the peer's certificate must say, and what is said when it does not. */
#include "base/log.h"
#include "sip/options.h"
#include "trunk/internal.h"
#include <string.h>

/* --- what is said --- */

static char *wrong_in(const struct trunk *trunk, const struct sip_tls_failure *failure)
{
	switch (failure->fault) {
	case CRYPTO_TLS_FAULT_NAME:
		return g_strdup_printf("its certificate is for %s, not for %s", *failure->names ? failure->names : "nobody",
				       failure->host);
	case CRYPTO_TLS_FAULT_EXPIRED:
		return g_strdup("its certificate (or its CA's) has expired");
	case CRYPTO_TLS_FAULT_NOT_YET_VALID:
		return g_strdup("its certificate (or its CA's) is not yet valid");
	case CRYPTO_TLS_FAULT_UNKNOWN_CA:
		return g_strdup_printf("its certificate is vouched for by a CA that %s does not hold",
				       trunk_option_text(trunk, "ca_file") ? "ca_file" : "the system");
	case CRYPTO_TLS_FAULT_SELF_SIGNED:
		return g_strdup("its certificate is self-signed, and not one that is trusted");
	case CRYPTO_TLS_FAULT_OURS:
		return g_strdup_printf("it refuses %s (%s)",
				       trunk_option_text(trunk, "certificate") ? "our certificate" : "us without a certificate",
				       failure->problem);
	case CRYPTO_TLS_FAULT_UNSUITABLE:
	case CRYPTO_TLS_FAULT_OTHER:
		break;
	}
	return g_strdup(failure->problem);
}

static const char *help_for(const struct trunk *trunk, enum crypto_tls_fault fault)
{
	switch (fault) {
	case CRYPTO_TLS_FAULT_NAME:
		return "; write the peer as one of these, or set tls_name to the one that is right";
	case CRYPTO_TLS_FAULT_EXPIRED:
		return "; the peer needs a new one (and this machine's clock must be right)";
	case CRYPTO_TLS_FAULT_NOT_YET_VALID:
		return "; look at the clocks of both machines";
	case CRYPTO_TLS_FAULT_UNKNOWN_CA:
		return "; set ca_file to the PEM of its CA, or have the peer send the whole chain";
	case CRYPTO_TLS_FAULT_SELF_SIGNED:
		return "; set ca_file to the PEM of this very certificate, or give the peer one of a CA";
	case CRYPTO_TLS_FAULT_OURS:
		return trunk_option_text(trunk, "certificate") ? "; set certificate and key to what it trusts"
							       : "; set certificate and key to what it expects of us";
	case CRYPTO_TLS_FAULT_UNSUITABLE:
		return "; its certificate cannot serve for TLS";
	case CRYPTO_TLS_FAULT_OTHER:
		break;
	}
	return "";
}

static void on_failed(void *user, const struct sip_tls_failure *failure)
{
	const struct trunk *trunk = user;
	char remote[NET_ADDRESS_TEXT_MAX];
	g_autofree char *wrong = wrong_in(trunk, failure);
	log_warning(NULL, "trunk %s: no TLS with %s: %s%s; each request tries again", trunk_name(trunk),
		    net_address_format(failure->remote, remote), wrong, help_for(trunk, failure->fault));
}

/* --- */

struct sip_tls *trunk_security_new(struct trunk *trunk, const char *host, bool is_sips)
{
	const char *name = trunk_option_text(trunk, "tls_name");
	struct sip_tls_settings settings = {
	    .host = name ? name : host,
	    .ca_file = trunk_option_text(trunk, "ca_file"),
	    .certificate = trunk_option_text(trunk, "certificate"),
	    .key = trunk_option_text(trunk, "key"),
	    .is_unverified = !config_boolean(trunk->snapshot, "trunks", trunk->index, "verify"),
	    .speaks_sips = is_sips,
	};
	struct sip_tls *tls = NULL;
	int error = sip_tls_new(&settings, on_failed, trunk, &tls);
	if (error < 0)
		log_error(NULL, "trunk %s: its ca_file, certificate and key cannot be used: %s", trunk_name(trunk), strerror(-error));
	return tls;
}

static void renew(const struct trunk *trunk, struct sip_tls *tls)
{
	int error = tls ? sip_tls_renew(tls) : 0;
	if (error < 0)
		log_error(NULL, "trunk %s: its ca_file, certificate and key cannot be used any more: %s; what was read before is kept",
			  trunk_name(trunk), strerror(-error));
}

void trunk_security_renew(const struct trunk *trunk)
{
	renew(trunk, trunk->tls);
	for (guint i = 0; i < trunk->peers->len; i++)
		renew(trunk, ((const struct trunk_peer *)trunk->peers->pdata[i])->tls);
}

bool trunk_security_knows(const struct trunk *trunk, const struct sip_flow *flow)
{
	bool is_known = trunk->tls && sip_flow_is_known_to(flow, trunk->tls);
	for (guint i = 0; i < trunk->peers->len && !is_known; i++) {
		const struct trunk_peer *peer = trunk->peers->pdata[i];
		is_known = peer->tls && sip_flow_is_known_to(flow, peer->tls);
	}
	return is_known;
}

bool trunk_wants_certificate(const struct trunk *trunk)
{
	return config_boolean(trunk->snapshot, "trunks", trunk->index, "client_certificate");
}

struct trunk *trunk_of_certificate(const struct trunks *trunks, const struct sip_flow *flow)
{
	for (size_t i = 0; sip_flow_transport(flow) == SIP_TRANSPORT_TLS && i < trunks_count(trunks); i++)
		if (trunk_security_knows(trunks_at(trunks, i), flow))
			return trunks_at(trunks, i);
	return NULL;
}

/* --- the configuration --- */

static void check_useless(const struct config_snapshot *snapshot, struct config_report *report, size_t i)
{
	static const char *const names[] = {"verify", "ca_file", "tls_name", "certificate", "key", "client_certificate"};
	for (size_t k = 0; k < G_N_ELEMENTS(names); k++)
		if (config_is_written(snapshot, "trunks", i, names[k]))
			config_complain(report, "trunks", i, names[k], "is of use with transport = \"tls\" only");
}

static void check_ca_file(const struct config_snapshot *snapshot, struct config_report *report, size_t i)
{
	const char *ca_file = config_string(snapshot, "trunks", i, "ca_file");
	SSL_CTX *context = NULL;
	if (ca_file && crypto_tls_context_new(ca_file, &context) < 0)
		config_complain(report, "trunks", i, "ca_file", "%s cannot be read, or has no certificate in it", ca_file);
	SSL_CTX_free(context);
}

void trunk_check_security(const struct config_snapshot *snapshot, struct config_report *report, size_t i, bool is_on_tls, bool has_host)
{
	if (!is_on_tls) {
		check_useless(snapshot, report, i);
		return;
	}
	bool is_verified = config_boolean(snapshot, "trunks", i, "verify");
	bool has_name = has_host || config_string(snapshot, "trunks", i, "tls_name");
	sip_check_certificate(snapshot, report, "trunks", i, "certificate", "key");
	check_ca_file(snapshot, report, i);
	if (!is_verified)
		config_warn(report, "trunks", i, "verify", "= false: whoever is in between can be the peer, read everything and listen; "
							    "better set ca_file, and tls_name where the name differs");
	if (!is_verified && config_string(snapshot, "trunks", i, "ca_file") &&
	    !config_boolean(snapshot, "trunks", i, "client_certificate"))
		config_complain(report, "trunks", i, "ca_file", "is of no use with verify = false");
	if (config_boolean(snapshot, "trunks", i, "client_certificate") && !has_name)
		config_complain(report, "trunks", i, "client_certificate", "needs a tls_name, or a peer");
}
