/* The socket for the operator on the machine itself: a Unix stream socket of the process's own user. Whoever connects writes a
 * line, a command, and reads JSON until the end of the stream. Signalling thread. */
#pragma once
#include "call/call.h"

/* The group "admin". */
extern const struct config_table admin_socket_options;

struct admin_socket;
/* Without admin.socket in the snapshot *ret_socket is NULL. `calls` must outlive it. 0 or -errno (logged). */
int admin_socket_new(struct loop *loop, struct call_manager *calls, const struct config_snapshot *snapshot,
		     struct admin_socket **ret_socket);
struct admin_socket *admin_socket_free(struct admin_socket *socket); /* accepts NULL; returns NULL */
