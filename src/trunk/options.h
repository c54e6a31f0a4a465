#pragma once
#include "sip/uri.h"
#include "config/config.h"
#include "sip/flow.h"
#include <arpa/inet.h>

#define TRUNK_PEERS_MAX 8

struct trunk_peer_uri {
	char host[256]; /* an address or a name */
	uint16_t port;	/* 0: not written */
	bool is_transport_written;
	enum sip_transport transport; /* UDP where it is not written */
	bool is_sips; /* written "sips:" */
};
/* What the option stands for; -1: UDP. */
enum sip_transport trunk_meant_transport(int transport_option);


/* Whom to ask for names, as c-ares wants it; NULL: the system's. A new string. */
char *trunk_dns_servers(const struct config_snapshot *snapshot);

/* Reads the peer's URI; `transport_option` is the option's place in its names, -1 when it is not written. NULL; or what
 * is wrong, in words that go behind the option's name. */
const char *trunk_read_peer(const char *text, int transport_option, struct trunk_peer_uri *ret_peer);

/* --- security.c: what is wrong with the options of TLS. `is_on_tls`: a peer is, or who calls; `has_host`: there is a peer. --- */
void trunk_check_security(const struct config_snapshot *snapshot, struct config_report *report, size_t index, bool is_on_tls,
			  bool has_host);
/* source.c: the list of addresses that calls may come from. */
void trunk_check_sources(const struct config_snapshot *snapshot, struct config_report *report, size_t i);
