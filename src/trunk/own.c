/* A trunk that registers with its peer itself (the option "register"). */
#include "crypto/random.h"
#include "event/event.h"
#include "trunk/internal.h"
#include <string.h>

struct sip_credentials trunk_own_credentials(const struct trunk *trunk)
{
	return (struct sip_credentials){
	    .realm = trunk_realm(trunk),
	    .username = trunk_option_text(trunk, "username"),
	    .password = trunk_option_text(trunk, "password"),
	    .ha1 = {[SIP_DIGEST_MD5] = trunk_option_text(trunk, "ha1_md5"),
		    [SIP_DIGEST_SHA256] = trunk_option_text(trunk, "ha1_sha256")},
	};
}

void trunk_own_init(struct trunk *trunk)
{
	struct sip_credentials credentials = trunk_own_credentials(trunk);
	if (!trunk_registers(trunk) || !credentials.username)
		return;
	char token[TRUNK_CONTACT_CHARACTERS + 1];
	crypto_random_token(token, TRUNK_CONTACT_CHARACTERS);
	g_autofree char *address_of_record = trunk_address_of_record(trunk, credentials.username);
	trunk->account = trunk_account_new(address_of_record, token, &credentials);
	trunk->gauge = (struct metrics_item){
	    .type = METRICS_TYPE_GAUGE,
	    .name = "tandem_trunk_registered",
	    .help = "Whether the trunk is registered with its peer.",
	    .label = {"trunk", trunk_name(trunk)},
	};
}

void trunk_own_clear(struct trunk *trunk)
{
	metrics_unregister(&trunk->gauge);
	trunk->registration = trunk_registration_free(trunk->registration);
	trunk->account = trunk_account_unref(trunk->account);
}

static struct sip_flow *own_connect(void *user)
{
	struct trunk *trunk = user;
	return trunk_flow(trunk, trunk->stack);
}

bool trunk_flow_failed(struct trunk *trunk, const struct sip_flow *flow, const char *cause, uint32_t retry_after_s)
{
	struct trunk_hop *hop = flow ? trunk_hop_of_source(trunk, sip_flow_transport(flow), sip_flow_remote(flow)) : NULL;
	if (hop)
		trunk_hop_failed(hop, cause, retry_after_s);
	g_autoptr(GPtrArray) hops = trunk_hops_in_order(trunk);
	return hops->len && trunk_hop_is_usable(hops->pdata[0]);
}

static bool own_elsewhere(void *user, const struct sip_flow *flow, const char *cause, uint32_t retry_after_s)
{
	return trunk_flow_failed(user, flow, cause, retry_after_s);
}

static void own_changed(void *user, struct trunk_registration *registration, enum trunk_registration_state state)
{
	struct trunk *trunk = user;
	bool holds = trunk_registration_holds(registration);
	bool is_news = state == TRUNK_REGISTRATION_WAITING || holds != (metrics_get(&trunk->gauge) != 0);
	metrics_set(&trunk->gauge, holds);
	if (is_news) {
		struct event_upstream_changed event = {
		    .trunk = trunk_name(trunk),
		    .is_registered = holds,
		    .cause = trunk_registration_failure(registration),
		};
		event_publish_upstream_changed(trunk->events, &event);
	}
	if (state == TRUNK_REGISTRATION_IDLE && trunk->retired)
		trunk_own_drop(trunk);
}

void trunk_own_start(struct trunk *trunk)
{
	static const struct trunk_registration_handler handler = {.connect = own_connect, .elsewhere = own_elsewhere, .changed = own_changed};
	if (!trunk->account || trunk->registration)
		return;
	g_autofree char *name = g_strdup_printf("trunk %s", trunk_name(trunk));
	struct trunk_registration_parameters parameters = {
	    .stack = trunk->stack,
	    .name = name,
	    .account = trunk->account,
	    .expires_s = trunk_expires_s(trunk),
	    .retry_s = trunk_retry_s(trunk),
	    .patience_ms = trunk_failover_ms(trunk),
	};
	metrics_register(&trunk->gauge);
	trunk->registration = trunk_registration_new(&parameters, &handler, trunk);
	trunk_registration_start(trunk->registration);
}

void trunk_own_follow(struct trunk *trunk)
{
	if (trunk->registration)
		trunk_registration_follow(trunk->registration);
}

void trunk_own_renew(struct trunk *trunk)
{
	if (trunk->registration)
		trunk_registration_renew(trunk->registration);
}

void trunk_own_retire(struct trunk *trunk)
{
	if (!trunk->registration)
		return;
	/* The trunk that takes its place in the configuration has the gauge's name now. */
	metrics_unregister(&trunk->gauge);
	trunk_ref(trunk);
	if (trunk_registration_state(trunk->registration) == TRUNK_REGISTRATION_IDLE)
		trunk_own_drop(trunk);
	else
		trunk_registration_end(trunk->registration);
}

void trunk_own_drop(struct trunk *trunk)
{
	if (!trunk->registration)
		return;
	trunk->registration = trunk_registration_free(trunk->registration);
	trunk_unref(trunk);
}
