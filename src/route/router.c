#include "route/router.h"
#include "sip/uri.h"

_Static_assert(ROUTE_DEVICE_BYTES_MAX > REGISTRAR_INSTANCE_BYTES_MAX, "room for an instance");

struct route_router {
	struct registrar *registrar;
	struct route_table *table;
};

int route_router_new(const struct config_snapshot *snapshot, struct registrar *registrar,
		     struct route_router **ret_router)
{
	struct route_table *table;
	int error = route_table_new(snapshot, &table);
	if (error < 0)
		return error;
	struct route_router *router = g_new0(struct route_router, 1);
	router->registrar = registrar;
	router->table = table;
	*ret_router = router;
	return 0;
}

int route_router_reload(struct route_router *router, const struct config_snapshot *snapshot)
{
	struct route_table *table;
	int error = route_table_new(snapshot, &table);
	if (error < 0)
		return error;
	route_table_free(router->table);
	router->table = table;
	return 0;
}

struct route_router *route_router_free(struct route_router *router)
{
	if (!router)
		return NULL;
	route_table_free(router->table);
	g_free(router);
	return NULL;
}

/* Whether the URI is a GRUU of ours (RFC 5627); then it is decided. */
static bool decide_by_gruu(const struct route_router *router, const char *uri, struct route_decision *decision)
{
	struct registrar_device device;
	int error = registrar_gruu_resolve(router->registrar, uri, &device);
	if (error == -EINVAL)
		return false;
	*decision = (struct route_decision){.target = error ? ROUTE_DENIED : ROUTE_USER, .rule = -1};
	if (!error) {
		base_copy_text(decision->name, sizeof decision->name, device.user);
		base_copy_text(decision->device, sizeof decision->device, device.instance);
	}
	return true;
}

int route_router_decide(const struct route_router *router, const struct route_party *sender, const struct sip_message *message,
			const char *uri_text, struct route_decision *ret_decision)
{
	struct sip_uri uri;
	if (!uri_text || sip_uri_parse(uri_text, &uri) < 0)
		return -EINVAL;
	if (decide_by_gruu(router, uri_text, ret_decision))
		return 0;
	struct route_identity *identity = route_party_identify(sender, router->registrar, message);
	struct route_request request = {
		.dialled = uri.user,
		.caller = route_identity_user(identity),
		.at = route_moment_now(),
	};
	if (sender->trunk) {
		request.trunk = trunk_name(sender->trunk);
		request.inbound = trunk_inbound(sender->trunk);
	} else {
		request.groups = registrar_token_groups(router->registrar, registrar_endpoint_user(sender->endpoint));
	}
	route_decide(router->table, &request, ret_decision);
	route_identity_free(identity);
	if (ret_decision->target == ROUTE_DENIED && !sender->trunk && registrar_has_user(router->registrar, uri.user)) {
		/* An open test network knows its users by their registrations alone. */
		ret_decision->target = ROUTE_USER;
		base_copy_text(ret_decision->name, sizeof ret_decision->name, uri.user);
	}
	return 0;
}

int route_router_decide_beyond(const struct route_router *router, const char *user, struct route_decision *ret_decision)
{
	struct route_request request = {
		.dialled = user,
		.caller = user,
		.groups = registrar_token_groups(router->registrar, user),
		.is_beyond_us = true,
		.at = route_moment_now(),
	};
	struct route_decision decision;
	route_decide(router->table, &request, &decision);
	if (decision.target != ROUTE_TRUNK)
		return -ENOENT;
	*ret_decision = decision;
	return 0;
}

struct route_plan *route_router_plan(const struct route_router *router, const struct route_decision *decision)
{
	return route_plan_new(router->table, decision, route_moment_now());
}
