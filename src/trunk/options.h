#pragma once
#include "sip/uri.h"
#include "trunk/internal.h"
#include <arpa/inet.h>

struct trunk_peer {
	char host[256];
	uint16_t port; /* 0: not written */
	enum sip_transport transport;
	bool is_sips; /* written "sips:" */
};
/* The same of an entry, which may have none: then its host is "". */
const char *trunk_peer_of(const struct config_snapshot *snapshot, size_t index, struct trunk_peer *ret_peer);

#define TRUNK_TLS_PORT 5061
uint16_t trunk_default_port(enum sip_transport transport);

/* Reads the peer's URI; `transport_option` is the option's place in its names, -1 when it is not written. NULL; or what
 * is wrong, in words that go behind the option's name. */
const char *trunk_read_peer(const char *text, int transport_option, struct trunk_peer *ret_peer);

/* --- security.c: what is wrong with the options of TLS --- */
void trunk_check_security(const struct config_snapshot *snapshot, struct config_report *report, size_t index,
			  const struct trunk_peer *peer);
