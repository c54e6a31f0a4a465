#include "route/router.h"
#include "sip/uri.h"

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

int route_router_decide(const struct route_router *router, const struct route_party *sender, const char *uri_text,
			struct route_decision *ret_decision)
{
	struct sip_uri uri;
	if (!uri_text || sip_uri_parse(uri_text, &uri) < 0)
		return -EINVAL;
	struct route_request request = {.dialled = uri.user};
	if (sender->trunk) {
		request.trunk = trunk_name(sender->trunk);
		request.inbound = trunk_inbound(sender->trunk);
	}
	route_decide(router->table, &request, ret_decision);
	if (ret_decision->target == ROUTE_DENIED && !sender->trunk && registrar_has_user(router->registrar, uri.user)) {
		/* An open test network knows its users by their registrations alone. */
		ret_decision->target = ROUTE_USER;
		base_copy_text(ret_decision->name, sizeof ret_decision->name, uri.user);
	}
	return 0;
}
