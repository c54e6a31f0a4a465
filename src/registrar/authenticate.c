#include "registrar/internal.h"
#include "base/log.h"
#include "metrics/metrics.h"
#include <string.h>

METRICS_COUNTER(proofs_right, "tandem_authentications_total", "Requests whose sender was to prove himself.", "outcome",
		"right");
METRICS_COUNTER(proofs_asked, "tandem_authentications_total", "Requests whose sender was to prove himself.", "outcome",
		"challenged");
METRICS_COUNTER(proofs_wrong, "tandem_authentications_total", "Requests whose sender was to prove himself.", "outcome",
		"wrong");

enum registrar_authentication registrar_authentication(const struct registrar *registrar)
{
	return (enum registrar_authentication)config_enum(registrar->config, "registrar", 0, "authentication");
}

const char *registrar_flow_user(const struct sip_flow *flow)
{
	const char *identity = sip_flow_identity(flow);
	return identity && g_str_has_prefix(identity, REGISTRAR_IDENTITY_PREFIX)
		       ? identity + strlen(REGISTRAR_IDENTITY_PREFIX)
		       : NULL;
}

const char *registrar_upstream(const struct registrar *registrar, const char *user)
{
	ssize_t index = config_find(registrar->config, "users", user);
	const char *own = index < 0 ? NULL : config_string(registrar->config, "users", (size_t)index, "upstream");
	struct sip_credentials unused;
	bool is_ours = registrar_find_credentials((void *)registrar, user, &unused);
	return own || is_ours ? own : config_string(registrar->config, "registrar", 0, "upstream");
}

bool registrar_proves_upstream(const struct registrar *registrar, const char *user)
{
	struct sip_credentials unused;
	return registrar_upstream(registrar, user) && !registrar_upstream_credentials(registrar, user, &unused);
}

bool registrar_read_proof(const struct config_snapshot *config, size_t index, enum registrar_proof proof,
			  struct sip_credentials *ret_credentials)
{
	static const struct {
		const char *password, *md5, *sha256;
	} names[] = {
		[REGISTRAR_PROOF_HERE] = {"password", "ha1_md5", "ha1_sha256"},
		[REGISTRAR_PROOF_UPSTREAM] = {"upstream_password", "upstream_ha1_md5", "upstream_ha1_sha256"},
	};
	*ret_credentials = (struct sip_credentials){
		.username = config_string(config, "users", index, "name"),
		.password = config_string(config, "users", index, names[proof].password),
		.ha1 = {[SIP_DIGEST_MD5] = config_string(config, "users", index, names[proof].md5),
			[SIP_DIGEST_SHA256] = config_string(config, "users", index, names[proof].sha256)},
	};
	return ret_credentials->password || ret_credentials->ha1[SIP_DIGEST_MD5] || ret_credentials->ha1[SIP_DIGEST_SHA256];
}

bool registrar_upstream_credentials(const struct registrar *registrar, const char *user, struct sip_credentials *ret_credentials)
{
	ssize_t index = config_find(registrar->config, "users", user);
	if (index < 0 || !registrar_read_proof(registrar->config, (size_t)index, REGISTRAR_PROOF_UPSTREAM, ret_credentials) ||
	    !registrar_upstream(registrar, user))
		return false;
	const char *username = config_string(registrar->config, "users", (size_t)index, "upstream_username");
	if (username)
		ret_credentials->username = username;
	return true;
}

static bool is_fit_name(const char *name)
{
	for (const char *c = name; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return false;
	return *name && g_utf8_validate(name, -1, NULL);
}

bool registrar_user_of_uri(const struct registrar *registrar, const char *uri, char *user, size_t size)
{
	struct sip_uri parsed;
	if (!uri || sip_uri_parse(uri, &parsed) || (strcmp(parsed.scheme, "sip") && strcmp(parsed.scheme, "sips")))
		return false;
	if (registrar_authentication(registrar) == REGISTRAR_AUTHENTICATION_DIGEST &&
	    g_ascii_strcasecmp(parsed.host, registrar->domain))
		return false;
	return is_fit_name(parsed.user) && base_copy_text(user, size, parsed.user);
}

bool registrar_find_credentials(void *user, const char *name, struct sip_credentials *ret_credentials)
{
	const struct registrar *registrar = user;
	ssize_t index = config_find(registrar->config, "users", name);
	return index >= 0 && registrar_read_proof(registrar->config, (size_t)index, REGISTRAR_PROOF_HERE, ret_credentials);
}

static int refuse(struct sip_server_transaction *transaction, const char *user, const char *reason)
{
	char name[NET_ADDRESS_TEXT_MAX];
	metrics_add(&proofs_wrong, 1);
	log_warning(NULL, "registrar: %s of %s for user %s refused: %s",
		    sip_message_method_name(sip_server_transaction_request(transaction)),
		    net_address_format(sip_flow_remote(sip_server_transaction_flow(transaction)), name), user, reason);
	sip_server_transaction_reply(transaction, 403, reason, NULL);
	return -EACCES;
}

/* 0 or -EACCES: answered. */
static int check_digest(struct registrar *registrar, struct sip_server_transaction *transaction, unsigned challenge,
			const char *user)
{
	char proven[SIP_DIGEST_NAME_SIZE];
	struct sip_credentials unused;
	/* What the connection has proved before holds as long as there is such a user, or the token. */
	const struct sip_flow *flow = sip_server_transaction_flow(transaction);
	bool token_holds, is_by_token = registrar_token_has_proved(registrar, flow, &token_holds);
	bool is_known = registrar_flow_user(flow) &&
			(is_by_token ? token_holds : registrar_find_credentials(registrar, user, &unused));
	int error = sip_digest_server_prove(registrar->digest, transaction, challenge, is_known, proven);
	if (error == -EAGAIN) {
		metrics_add(&proofs_asked, 1);
		return -EACCES;
	}
	bool is_right = error == 0 && (!*proven || !strcmp(proven, user));
	return is_right ? 0 : refuse(transaction, user, "wrong credentials");
}

/* By a token if one is shown, else by digest. 0 or -EACCES: answered. */
static int check_proof(struct registrar *registrar, struct sip_server_transaction *transaction, unsigned challenge, const char *user)
{
	const char *wrong;
	int error = registrar_token_prove(registrar, transaction, user, &wrong);
	if (error == -ENOENT)
		return check_digest(registrar, transaction, challenge, user);
	if (error == 0)
		return 0;
	char name[NET_ADDRESS_TEXT_MAX];
	metrics_add(&proofs_wrong, 1);
	log_warning(NULL, "registrar: %s of %s for user %s refused: the token is no good: %s",
		    sip_message_method_name(sip_server_transaction_request(transaction)),
		    net_address_format(sip_flow_remote(sip_server_transaction_flow(transaction)), name), user, wrong);
	registrar_token_refuse(registrar, transaction, challenge);
	return error;
}

void registrar_flow_proven(struct sip_flow *flow, const char *user)
{
	g_autofree char *identity = g_strconcat(REGISTRAR_IDENTITY_PREFIX, user, NULL);
	metrics_add(&proofs_right, 1);
	sip_flow_set_identity(flow, identity);
}

int registrar_prove(struct registrar *registrar, struct sip_server_transaction *transaction, unsigned challenge,
		    char *user, size_t size)
{
	struct sip_message *request = sip_server_transaction_request(transaction);
	struct sip_flow *flow = sip_server_transaction_flow(transaction);
	const char *known = registrar_flow_user(flow);
	if (!registrar_user_of_uri(registrar, sip_message_from_uri(request), user, size))
		return refuse(transaction, "(none)", "From is no user of this domain");
	if (known && strcmp(known, user))
		return refuse(transaction, user, "this connection belongs to another user");
	if (registrar_proves_upstream(registrar, user)) {
		/* What his credentials are worth only the trunk's peer can say, and it does when he registers. */
		return known ? 0 : refuse(transaction, user, "Register First");
	}
	if (registrar_authentication(registrar) == REGISTRAR_AUTHENTICATION_DIGEST &&
	    check_proof(registrar, transaction, challenge, user) < 0)
		return -EACCES;
	if (!known)
		registrar_flow_proven(flow, user);
	return 0;
}

int registrar_authenticate(struct registrar *registrar, struct sip_server_transaction *transaction, const char **ret_user)
{
	char user[256];
	int error = registrar_prove(registrar, transaction, 407, user, sizeof user);
	if (error)
		return error;
	*ret_user = registrar_flow_user(sip_server_transaction_flow(transaction));
	return 0;
}
