/* The process: its parts, started in order and stopped in reverse. */
#pragma once
#include "admin/admin.h"
#include "admin/socket.h"
#include "base/memory.h"
#include "call/call.h"
#include "config/config.h"
#include "dispatch/dispatch.h"
#include "media/media.h"
#include "plugin/plugin.h"
#include "record/record.h"
#include "web/web.h"
#include "ws/ws.h"

struct daemon {
	const char *config_path;
	struct config_snapshot *snapshot;
	struct loop *loop;
	struct plugin_registry *plugins;
	struct event_bus *bus;
	struct sip_stack *stack;
	struct web *web;
	struct ws *ws;
	struct registrar *registrar;
	struct trunks *trunks;
	struct route_router *router;
	struct relay *relay;
	struct record_store *recordings; /* NULL: no directory */
	struct media_engine *media;
	struct upstream *upstream;
	struct call_manager *calls;
	struct dispatch *dispatch;
	struct admin *admin;
	struct admin_socket *admin_socket;
	int signals; /* signalfd; -1 */
	struct loop_watch *signal_watch;
	struct loop_timer farewell;
	struct base_memory memory; /* of the calls */
	struct loop_timer memory_look;
	bool is_stopping;
};

/* Every option table of the house, NULL-terminated. */
extern const struct config_table *const daemon_tables[];

/* 0 or -errno; mistakes and warnings are told on standard error. */
int daemon_read_config(const char *path, struct config_snapshot **ret_snapshot);

/* "route NUMBER --from CALLER ...": the exit status is 0 when the call would go somewhere, 1 when not. */
int daemon_route_command(int argc, char **argv);

/* 0, or -errno of the part that failed (logged); what had been started is stopped again. */
int daemon_start(struct daemon *daemon);
void daemon_stop(struct daemon *daemon);
/* Reads the configuration anew (SIGHUP). A file with mistakes or another domain changes nothing, nor does any while it stops. */
void daemon_reload(struct daemon *daemon);

/* --- hash.c --- */
/* The command "hash". 0 or -errno, which it has explained. */
int daemon_hash(const char *user, const char *realm);

/* Puts what is left over, and who is there, among the metrics and into /healthz. */
int daemon_observe(struct daemon *daemon);
void daemon_observe_stop(struct daemon *daemon);
