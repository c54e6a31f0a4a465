#pragma once
#include "sip/uri.h"
#include "trunk/internal.h"
#include <arpa/inet.h>

struct trunk_peer {
	char host[256];
	uint16_t port; /* 0: not written */
	enum sip_transport transport;
};

/* Reads the peer's URI; `transport_option` is the option's place in its names, -1 when it is not written. NULL; or what
 * is wrong, in words that go behind the option's name. */
const char *trunk_read_peer(const char *text, int transport_option, struct trunk_peer *ret_peer);
