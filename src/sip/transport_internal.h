/* The transports among themselves. */
#pragma once
#include "sip/stack_internal.h"
#include "sip/tls.h"

#define SIP_UDP_REQUEST_BYTES_MAX 1300 /* above it RFC 3261, section 18.1.1 wants a congestion-controlled transport */
#define SIP_TCP_CONNECTIONS_MAX 4096
#define SIP_TCP_CONNECTIONS_PER_ADDRESS_MAX 64
#define SIP_TCP_QUEUE_BYTES_MAX (256 * 1024)
#define SIP_TCP_CONNECT_MS 5000 /* the handshake of TLS included */
#define SIP_TLS_ACCEPT_MS 5000
#define SIP_TLS_KEEP_ALIVE_MS 100000 /* RFC 5626, section 4.4.1: 95 to 120 s */
#define SIP_TCP_TRY_MS 2000 /* for a large request that could go by UDP */
#define SIP_WITHOUT_TCP_MS 600000
#define SIP_WITHOUT_TCP_MAX 1024
#define SIP_TCP_FIRST_MESSAGE_MS 32000
#define SIP_TCP_IDLE_MS 600000

struct sip_udp_socket;
struct sip_tcp_listener;

struct sip_transport_set {
	struct sip_stack *stack;
	struct sip_udp_socket *udp_sockets;
	struct sip_tcp_listener *tcp_listeners; /* those on TLS, too */
	GHashTable *tcp_connections; /* struct sip_tcp_key -> the open or opening connection */
	GHashTable *without_tcp;     /* see large.c */
	size_t n_udp_flows;
	SSL_CTX *tls_context; /* what listeners show; NULL: nothing yet */
	bool asks_for_certificates;
	int64_t keep_alive_ms;
};

/* Both keep the socket in the set. 0 or -errno. `transport`: TCP or TLS. */
int sip_udp_listen(struct sip_transport_set *transports, const struct net_address *address);
int sip_tcp_listen(struct sip_transport_set *transports, enum sip_transport transport, const struct net_address *address);
const struct net_address *sip_udp_listening(const struct sip_transport_set *transports, size_t index);
const struct net_address *sip_tcp_listening(const struct sip_transport_set *transports, enum sip_transport transport, size_t index);
void sip_udp_close_all(struct sip_transport_set *transports);
void sip_tcp_stop_listening(struct sip_transport_set *transports);
void sip_tcp_close_all(struct sip_transport_set *transports); /* connections */

/* A reference, or NULL. `beside` (may be NULL) is a flow whose socket is taken if it is one of ours. */
struct sip_flow *sip_udp_flow_to(struct sip_transport_set *transports, const struct net_address *remote,
				 const struct sip_flow *beside);
/* `tls` NULL: plain. A connection that is not open by then is closed. */
struct sip_flow *sip_tcp_flow_to(struct sip_transport_set *transports, const struct net_address *remote, struct sip_tls *tls,
				 int64_t connect_ms);

/* Keys are struct net_address, not copied. */
GHashTable *sip_address_table_new(void);
GHashTable *sip_address_table_new_full(GDestroyNotify free_key, GDestroyNotify free_value);

/* --- large.c --- */
GHashTable *sip_large_table_new(void);
void sip_large_note(struct sip_transport_set *transports, const struct net_address *remote, bool has_tcp);

/* --- tcp.c for tcp_listener.c --- */
/* Connections to one address are kept apart by whom they trust. */
struct sip_tcp_key {
	struct net_address remote;
	const void *over; /* NULL: plain TCP; on TLS the struct sip_tls it was made by, or the listener that took it */
};
GHashTable *sip_tcp_table_new(void);
/* A connection that has come to a listener, which is at `local`; takes the descriptor over, and closes it when there is no room.
 * `tls` NULL: plain. */
void sip_tcp_take(struct sip_transport_set *transports, int descriptor, const struct sip_tcp_key *key,
		  const struct net_address *local, struct crypto_tls *tls);
/* Where the far end could connect to; NULL: nowhere. */
const struct net_address *sip_tcp_listening_for(const struct sip_transport_set *transports, enum sip_transport transport,
						const struct net_address *remote);

/* --- tls.c for tcp.c --- */
bool sip_tls_is_wanted(const struct sip_tls *tls); /* until it is abandoned */
bool sip_tls_speaks_sips(const struct sip_tls *tls);
/* 0 or -EIO. */
int sip_tls_connect(struct sip_tls *tls, int descriptor, struct crypto_tls **ret_connection);
/* Whether a client is its far end by the certificate it has shown. */
bool sip_tls_vouches_for(const struct sip_tls *tls, const struct crypto_tls *connection);
/* `connection` NULL: it was not reached. */
void sip_tls_has_failed(struct sip_tls *tls, const struct net_address *remote, const struct crypto_tls *connection,
			const char *problem);
/* Something was heard by a connection of its. */
void sip_tls_is_of_use(struct sip_tls *tls);
