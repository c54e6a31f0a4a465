/* The transports among themselves. */
#pragma once
#include "sip/stack_internal.h"

#define SIP_UDP_REQUEST_BYTES_MAX 1300 /* above it RFC 3261, section 18.1.1 wants a congestion-controlled transport */
#define SIP_TCP_CONNECTIONS_MAX 4096
#define SIP_TCP_CONNECTIONS_PER_ADDRESS_MAX 64
#define SIP_TCP_QUEUE_BYTES_MAX (256 * 1024)
#define SIP_TCP_CONNECT_MS 5000
#define SIP_TCP_FIRST_MESSAGE_MS 32000
#define SIP_TCP_IDLE_MS 600000

struct sip_udp_socket;
struct sip_tcp_listener;

struct sip_transport_set {
	struct sip_stack *stack;
	struct sip_udp_socket *udp_sockets;
	struct sip_tcp_listener *tcp_listeners;
	GHashTable *tcp_connections; /* remote address -> the open or opening connection */
	size_t n_udp_flows;
};

/* Both keep the socket in the set. 0 or -errno. */
int sip_udp_listen(struct sip_transport_set *transports, const struct net_address *address);
int sip_tcp_listen(struct sip_transport_set *transports, const struct net_address *address);
const struct net_address *sip_udp_listening(const struct sip_transport_set *transports, size_t index);
const struct net_address *sip_tcp_listening(const struct sip_transport_set *transports, size_t index);
void sip_udp_close_all(struct sip_transport_set *transports);
void sip_tcp_close_all(struct sip_transport_set *transports);

/* A reference, or NULL. `beside` (may be NULL) is a flow whose socket is taken if it is one of ours. */
struct sip_flow *sip_udp_flow_to(struct sip_transport_set *transports, const struct net_address *remote,
				 const struct sip_flow *beside);
struct sip_flow *sip_tcp_flow_to(struct sip_transport_set *transports, const struct net_address *remote);

/* Keys are struct net_address, not copied. */
GHashTable *sip_address_table_new(void);
