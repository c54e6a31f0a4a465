/* An agent of ICE (RFC 8445) for a leg that needs host candidates only, which is the rule for a gateway that can be reached: one
 * socket an address, one timer. Where servers are to be asked, libnice is the agent. */
#pragma once
#include "media/binding.h"
#include "media/ice_private.h"

struct ice_host;

/* One socket for each of our addresses, all on `ice->port`. 0, -EADDRINUSE, -EADDRNOTAVAIL. */
int ice_host_new(struct media_ice *ice, bool controlling, struct ice_host **ret_host);
/* Accepts NULL. */
struct ice_host *ice_host_free(struct ice_host *host);
/* Where the socket number i is; NULL: there are fewer. */
const struct net_address *ice_host_local(const struct ice_host *host, size_t i);
/* Whether a check that was read from `bytes` is by who knows the password. */
bool ice_host_knows_password(const struct ice_host *host, const struct media_binding *check, const uint8_t *bytes);
/* Credentials and candidates. */
void ice_host_describe(const struct ice_host *host, struct sdp_transport *ret_local);
/* New credentials; the path of now is in use until there is another. */
void ice_host_restart(struct ice_host *host);
/* The far end has the credentials ice->remote_ufrag and ice->remote_pwd. A lite one (RFC 8445, section 6.1.1) never sends checks. */
void ice_host_take_remote(struct ice_host *host, bool is_lite);
void ice_host_add_candidates(struct ice_host *host, const struct sdp_candidate *candidates, size_t n);
/* STUN, or what looks like it. */
void ice_host_receive(struct ice_host *host, struct media_socket *socket, const struct net_address *from, const uint8_t *bytes,
		      size_t length);
