/* SIP over TLS towards one far end (RFC 3261, section 26.3; RFC 5922): what is shown to it, and what its certificate must say. Reference
 * counted, since connections outlive who has asked for them. Signalling thread. */
#pragma once
#include "crypto/tls.h"
#include "sip/stack.h"

struct sip_tls_settings {
	const char *host;    /* whom the certificate must be for: a name or an address, as configured, never as looked up */
	const char *ca_file; /* PEM; NULL: the system's */
	const char *certificate, *key; /* of our own, shown to this far end alone; NULL: none */
	bool is_unverified;	       /* whoever is there is taken for it */
	bool speaks_sips;	       /* our Contacts are "sips:" */
};

/* Why no connection came about. All is borrowed. */
struct sip_tls_failure {
	const struct net_address *remote;
	const char *host; /* whom the certificate was to be for */
	enum crypto_tls_fault fault;
	const char *problem; /* in words */
	const char *names;   /* whom the refused certificate is for; "" */
};
/* May be told from inside sip_stack_tls_flow_to(). A failure that repeats itself is told once, until a connection has been of use. */
typedef void sip_tls_failed(void *user, const struct sip_tls_failure *failure);

/* All texts are copied. `failed` is not NULL. 0; or as crypto_tls_context_new() and crypto_tls_context_show(). */
int sip_tls_new(const struct sip_tls_settings *settings, sip_tls_failed *failed, void *user, struct sip_tls **ret_tls);
struct sip_tls *sip_tls_ref(struct sip_tls *tls);
struct sip_tls *sip_tls_unref(struct sip_tls *tls); /* accepts NULL; returns NULL */
/* By its owner: nothing is told any more. Drops the reference. Accepts NULL; returns NULL. */
struct sip_tls *sip_tls_abandon(struct sip_tls *tls);
/* Reads its files anew, for connections to come. As sip_tls_new(); after a failure all is as before. */
int sip_tls_renew(struct sip_tls *tls);

/* The one connection of `tls` to this address, made when needed. A reference; NULL: there can be none. It needs no listener; without
 * one the far end reaches us by this connection alone. */
struct sip_flow *sip_stack_tls_flow_to(struct sip_stack *stack, struct sip_tls *tls, const struct net_address *remote);

/* Connections that the far end could not make anew (for want of a listener of ours) are kept open: how often something is sent there
 * (RFC 5626, section 3.5.1). */
void sip_stack_set_keep_alive(struct sip_stack *stack, int64_t seconds);

/* What listeners on TLS show from now on: PEM files. As crypto_tls_server_context_new(); after a failure all is as before. */
int sip_stack_set_certificate(struct sip_stack *stack, const char *certificate, const char *key);
/* Whether far ends that connect are asked for theirs; at first they are not. One that has none is taken all the same: see
 * sip_flow_is_known_to(), which holds on connections made by `tls`, and where the client has shown a certificate that it trusts. */
void sip_stack_ask_for_certificates(struct sip_stack *stack, bool asks);
