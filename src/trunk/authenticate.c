/* Trunks that prove themselves by digest (the options inbound_username and inbound_password), from wherever they may. */
#include "base/log.h"
#include "metrics/metrics.h"
#include "trunk/internal.h"
#include <string.h>

METRICS_COUNTER(proofs_asked, "tandem_trunk_authentications_total", "New requests of trunks that were to prove themselves.",
		"outcome", "challenged");
METRICS_COUNTER(proofs_right, "tandem_trunk_authentications_total", "New requests of trunks that were to prove themselves.",
		"outcome", "right");
METRICS_COUNTER(proofs_wrong, "tandem_trunk_authentications_total", "New requests of trunks that were to prove themselves.",
		"outcome", "wrong");

bool trunk_wants_proof(const struct trunk *trunk)
{
	return trunk_option_text(trunk, "inbound_username");
}

static struct trunk *find_by_login(const struct trunks *trunks, const char *name)
{
	for (size_t i = 0; i < trunks_count(trunks); i++) {
		struct trunk *trunk = trunks_at(trunks, i);
		if (!g_strcmp0(trunk_option_text(trunk, "inbound_username"), name))
			return trunk;
	}
	return NULL;
}

static bool find_credentials(void *user, const char *name, struct sip_credentials *ret_credentials)
{
	const struct trunk *trunk = find_by_login(user, name);
	if (!trunk)
		return false;
	ret_credentials->username = trunk_option_text(trunk, "inbound_username");
	ret_credentials->password = trunk_option_text(trunk, "inbound_password");
	ret_credentials->ha1[SIP_DIGEST_MD5] = trunk_option_text(trunk, "inbound_ha1_md5");
	return true;
}

static int refuse(struct sip_server_transaction *transaction)
{
	char name[NET_ADDRESS_TEXT_MAX];
	metrics_add(&proofs_wrong, 1);
	log_warning(NULL, "trunks: %s of %s refused: wrong credentials",
		    sip_message_method_name(sip_server_transaction_request(transaction)),
		    net_address_format(sip_flow_remote(sip_server_transaction_flow(transaction)), name));
	sip_server_transaction_reply(transaction, 403, "Wrong Credentials", NULL);
	return -EACCES;
}

/* A login counts from anywhere, or, where addresses are listed, from these. */
static bool is_taken_from(const struct trunk *trunk, const struct sip_flow *flow)
{
	return trunk_wants_proof(trunk) &&
	       (!trunk->sources->len || trunk_has_source(trunk, sip_flow_transport(flow), sip_flow_remote(flow)));
}

/* NULL where no trunk has a login that is taken from there. The realm is the gateway's domain. */
static struct sip_digest_server *digest_of(struct trunks *trunks, const struct sip_flow *flow)
{
	const struct trunk *first = NULL;
	for (size_t i = 0; i < trunks_count(trunks) && !first; i++)
		if (is_taken_from(trunks_at(trunks, i), flow))
			first = trunks_at(trunks, i);
	if (!first)
		return NULL;
	struct sip_digest_server **digest = trunks_digest(trunks);
	if (*digest)
		return *digest;
	if (sip_digest_server_new(config_string(first->snapshot, "", 0, "domain"), find_credentials, trunks, digest) < 0)
		return NULL;
	sip_digest_server_keep_to_md5(*digest);
	return *digest;
}

int trunk_authenticate(struct trunks *trunks, struct sip_server_transaction *transaction, struct trunk *by_address,
		       struct trunk **ret_trunk)
{
	char name[SIP_DIGEST_NAME_SIZE];
	if (by_address && !trunk_wants_proof(by_address)) {
		*ret_trunk = by_address;
		return 0;
	}
	struct sip_flow *flow = sip_server_transaction_flow(transaction);
	struct sip_digest_server *digest = digest_of(trunks, flow);
	if (!digest)
		return -ENOENT;
	int error = sip_digest_server_prove(digest, transaction, 407, false, name);
	if (error == -EAGAIN) {
		metrics_add(&proofs_asked, 1);
		return -EACCES;
	}
	struct trunk *proven = error == 0 ? find_by_login(trunks, name) : NULL;
	if (!proven || !is_taken_from(proven, flow))
		return refuse(transaction);
	metrics_add(&proofs_right, 1);
	sip_flow_set_identity(flow, trunk_identity(proven));
	*ret_trunk = proven;
	return 0;
}
