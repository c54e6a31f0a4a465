/* A flow: what a message comes in on and goes out by (RFC 5626): one WebSocket, one TCP connection, or for UDP a local
 * socket and a remote address. Reference counted; signalling thread. A closed flow stays valid for its holders. */
#pragma once
#include "net/address.h"

struct sip_flow;
struct sip_tls;

enum sip_transport { SIP_TRANSPORT_UDP, SIP_TRANSPORT_TCP, SIP_TRANSPORT_TLS, SIP_TRANSPORT_WS, SIP_TRANSPORT_WSS };

const char *sip_transport_name(enum sip_transport transport); /* "UDP", ... as in Via */
uint16_t sip_transport_default_port(enum sip_transport transport); /* RFC 3261, section 19.1.2; not of WebSockets */
bool sip_transport_is_reliable(enum sip_transport transport);
bool sip_transport_is_websocket(enum sip_transport transport);

struct sip_flow_operations {
	/* Takes the whole message or nothing. 0, -EPIPE when closed, -EAGAIN when the send queue is full. Never calls back. */
	int (*send)(void *carrier, const char *text, size_t length);
	/* The last reference is gone. */
	void (*destroy)(void *carrier);
	/* As sip_flow_is_known_to(). NULL: nobody's is. */
	bool (*is_known_to)(void *carrier, struct sip_tls *tls);
};

struct sip_flow_parameters {
	enum sip_transport transport;
	struct net_address local;
	struct net_address remote;
	const char *sent_by; /* our Via's sent-by on this flow: "192.0.2.1:5060", or a token ending in .invalid; copied */
	unsigned silence_limit_s; /* the carrier closes it when nothing was heard for so long; 0: never */
};

struct sip_flow *sip_flow_new(const struct sip_flow_parameters *parameters, const struct sip_flow_operations *operations,
			      void *carrier);
struct sip_flow *sip_flow_ref(struct sip_flow *flow);
struct sip_flow *sip_flow_unref(struct sip_flow *flow); /* accepts NULL; returns NULL */

uint64_t sip_flow_id(const struct sip_flow *flow); /* never used twice */
enum sip_transport sip_flow_transport(const struct sip_flow *flow);
const struct net_address *sip_flow_local(const struct sip_flow *flow);
const struct net_address *sip_flow_remote(const struct sip_flow *flow);
const char *sip_flow_sent_by(const struct sip_flow *flow);
/* Our Contact's value for whoever is behind the flow: "<sip:USER@192.0.2.1:5060;transport=tcp>"; a new string. `user`, not escaped
 * yet, may be NULL or "". Who speaks "sips:" gets it back (RFC 3261, sections 8.1.1.8 and 12.1.1). */
char *sip_flow_contact(const struct sip_flow *flow, const char *user);
void sip_flow_speak_sips(struct sip_flow *flow);
unsigned sip_flow_silence_limit_s(const struct sip_flow *flow);

/* Who is at the far end: "user:alice" once the user has proved it, "trunk:pbx" by the trunk's rules, NULL before.
 * A dialog and a transaction belong to an identity, not to a connection (races rows 9, 32, 55, 65). */
const char *sip_flow_identity(const struct sip_flow *flow);
void sip_flow_set_identity(struct sip_flow *flow, const char *identity);

bool sip_flow_is_open(const struct sip_flow *flow);
/* By the carrier, once: no send reaches it any more; every close watcher is told, in order of watching. */
void sip_flow_closed(struct sip_flow *flow);

/* By the carrier: a datagram sent to the far end did not arrive (RFC 3261, section 18.4). The flow stays open. */
void sip_flow_unreachable(struct sip_flow *flow);

/* Told once when the flow closes. A member of the watching object. */
struct sip_flow_watch {
	void (*closed)(void *data, struct sip_flow *flow);
	/* Set after the start, or NULL: an ICMP error says that nothing arrives there. Watches may not be started or stopped in it. */
	void (*unreachable)(void *data, struct sip_flow *flow);
	void *data;
	struct sip_flow *flow;
	struct sip_flow_watch *next, **link;
};
void sip_flow_watch_start(struct sip_flow_watch *watch, struct sip_flow *flow, void (*closed)(void *, struct sip_flow *),
			  void *data);
void sip_flow_watch_stop(struct sip_flow_watch *watch); /* accepts a zeroed one */

/* Whether the far end of this flow has been verified to be the one of `tls`: see sip/tls.h. */
bool sip_flow_is_known_to(const struct sip_flow *flow, struct sip_tls *tls);

int sip_flow_send(struct sip_flow *flow, const char *text, size_t length);
