/* UDP sockets and the pool of media ports. */
#pragma once
#include "net/address.h"

/* A bound, non-blocking UDP socket. `address` port 0 takes any. Returns 0 and the descriptor, or -errno. */
int net_udp_open(const struct net_address *address, int *ret_descriptor);
int net_local_address(int descriptor, struct net_address *ret_address);

/* The address packets to `remote` would leave from (no packet is sent). 0 or -errno. */
int net_source_address(const struct net_address *remote, struct net_address *ret_address);

/* The pool of media ports ("20000-39999"). Thread-safe: calls take and give ports, packets never. A port given back is
 * not taken again for two seconds, so that late packets of an ended call reach nobody else (races row 34). */
struct net_port_pool;
int net_port_pool_new(uint16_t first, uint16_t last, struct net_port_pool **ret_pool);
struct net_port_pool *net_port_pool_free(struct net_port_pool *pool);
/* One port, for ICE with rtcp-mux. 0, or -EADDRINUSE when the pool is empty. */
int net_port_pool_take(struct net_port_pool *pool, uint16_t *ret_port);
/* An even port whose successor is free too (RFC 3550, section 11). Both are given back one by one. */
int net_port_pool_take_pair(struct net_port_pool *pool, uint16_t *ret_even_port);
void net_port_pool_give(struct net_port_pool *pool, uint16_t port);
size_t net_port_pool_in_use(struct net_port_pool *pool);

/* The local addresses that calls may use: those of every interface that is up, without loopback unless nothing else
 * is there, without IPv6 link-local ones. Returns the number, at most `size`. */
size_t net_interface_addresses(struct net_address *addresses, size_t size);
/* The same of one interface, "eth0" or "lo". */
size_t net_named_interface_addresses(const char *interface, struct net_address *addresses, size_t size);
