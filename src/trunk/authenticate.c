/* Trunks that prove themselves by digest (the options inbound_username and inbound_password). */
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

static const char *option_text(const struct trunk *trunk, const char *name)
{
	return config_string(trunk->snapshot, "trunks", trunk->index, name);
}

bool trunk_wants_proof(const struct trunk *trunk)
{
	return option_text(trunk, "inbound_username");
}

static struct trunk *find_by_login(const struct trunks *trunks, const char *name)
{
	for (size_t i = 0; i < trunks_count(trunks); i++) {
		struct trunk *trunk = trunks_at(trunks, i);
		if (!g_strcmp0(option_text(trunk, "inbound_username"), name))
			return trunk;
	}
	return NULL;
}

/* The realm is the gateway's domain. */
static const char *realm_of(const struct trunk *trunk)
{
	return config_string(trunk->snapshot, "", 0, "domain");
}

struct proof {
	const struct trunks *trunks;
	const char *realm;
};

static bool find_secret(void *user, const char *name, enum sip_digest_algorithm algorithm, char ha1_hex[static 129])
{
	const struct proof *proof = user;
	const struct trunk *trunk = find_by_login(proof->trunks, name);
	/* An unknown name costs the same computation, so that time does not tell who exists. */
	const char *password = trunk ? option_text(trunk, "inbound_password") : "";
	return sip_digest_ha1(algorithm, name, proof->realm, password, ha1_hex) == 0 && trunk;
}

static void challenge(struct sip_digest_server *digest, struct sip_server_transaction *transaction, bool is_stale)
{
	struct sip_message *response = sip_response_new(sip_server_transaction_request(transaction), 407, NULL, NULL);
	const struct net_address *sender = sip_flow_remote(sip_server_transaction_flow(transaction));
	metrics_add(&proofs_asked, 1);
	if (sip_digest_server_challenge(digest, response, sender, is_stale) == 0) {
		sip_server_transaction_respond(transaction, response);
		return;
	}
	sip_message_unref(response);
	sip_server_transaction_reply(transaction, 500, NULL, NULL);
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

/* NULL where no trunk has a login. */
static struct sip_digest_server *digest_of(struct trunks *trunks, const char **ret_realm)
{
	const struct trunk *first = NULL;
	for (size_t i = 0; i < trunks_count(trunks) && !first; i++)
		if (trunk_wants_proof(trunks_at(trunks, i)))
			first = trunks_at(trunks, i);
	if (!first)
		return NULL;
	*ret_realm = realm_of(first);
	struct sip_digest_server **digest = trunks_digest(trunks);
	if (*digest)
		return *digest;
	if (sip_digest_server_new(*ret_realm, digest) < 0)
		return NULL;
	sip_digest_server_keep_to_md5(*digest);
	return *digest;
}

int trunk_authenticate(struct trunks *trunks, struct sip_server_transaction *transaction, struct trunk *by_address,
		       struct trunk **ret_trunk)
{
	struct sip_flow *flow = sip_server_transaction_flow(transaction);
	struct proof proof = {.trunks = trunks};
	char name[SIP_DIGEST_NAME_SIZE];
	if (by_address && !trunk_wants_proof(by_address)) {
		*ret_trunk = by_address;
		return 0;
	}
	struct sip_digest_server *digest = digest_of(trunks, &proof.realm);
	if (!digest)
		return -ENOENT;
	switch (sip_digest_server_check(digest, sip_server_transaction_request(transaction), sip_flow_remote(flow), find_secret,
					&proof, name)) {
	case SIP_DIGEST_OK:
		break;
	case SIP_DIGEST_ABSENT:
		challenge(digest, transaction, false);
		return -EACCES;
	case SIP_DIGEST_STALE:
		challenge(digest, transaction, true);
		return -EACCES;
	default:
		return refuse(transaction);
	}
	struct trunk *proven = find_by_login(trunks, name);
	if (!proven)
		return refuse(transaction);
	metrics_add(&proofs_right, 1);
	sip_flow_set_identity(flow, trunk_identity(proven));
	*ret_trunk = proven;
	return 0;
}
