#include "net/udp.h"
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

/* A descriptor or -errno. */
static int udp_socket(const struct net_address *address)
{
	int descriptor = socket(address->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return descriptor < 0 ? -errno : descriptor;
}

int net_udp_open(const struct net_address *address, int *ret_descriptor)
{
	if (!address->length)
		return -EINVAL;
	int descriptor = udp_socket(address), error = 0, one = 1;
	if (descriptor < 0)
		return descriptor;
	/* An IPv4 socket may stand beside it on the same port; and no address arrives in the guise of another family. */
	if (net_address_is_ipv6(address) &&
	    setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) < 0)
		error = -errno;
	if (!error && bind(descriptor, &address->any, address->length) < 0)
		error = -errno;
	if (error) {
		close(descriptor);
		return error;
	}
	*ret_descriptor = descriptor;
	return 0;
}

int net_local_address(int descriptor, struct net_address *ret_address)
{
	struct net_address address = {.length = sizeof address.ipv6};
	if (getsockname(descriptor, &address.any, &address.length) < 0)
		return -errno;
	if (address.any.sa_family != AF_INET && address.any.sa_family != AF_INET6)
		return -EAFNOSUPPORT;
	*ret_address = address;
	return 0;
}

int net_source_address(const struct net_address *remote, struct net_address *ret_address)
{
	if (!remote->length)
		return -EINVAL;
	int descriptor = udp_socket(remote), error;
	if (descriptor < 0)
		return descriptor;
	struct net_address target = *remote;
	if (!net_address_port(&target))
		net_address_set_port(&target, 9); /* any: connecting a UDP socket only looks up the route */
	struct net_address address;
	if (connect(descriptor, &target.any, target.length) < 0)
		error = -errno;
	else
		error = net_local_address(descriptor, &address);
	close(descriptor);
	if (error)
		return error;
	net_address_set_port(&address, 0);
	*ret_address = address;
	return 0;
}

/* False for what means nothing without its interface, which SDP and candidates cannot name, and for other families. */
static bool interface_address(const struct ifaddrs *entry, struct net_address *ret_address)
{
	struct net_address address = {.length = 0};
	if (!entry->ifa_addr || !(entry->ifa_flags & IFF_UP))
		return false;
	if (entry->ifa_addr->sa_family == AF_INET)
		address.length = sizeof address.ipv4;
	else if (entry->ifa_addr->sa_family == AF_INET6)
		address.length = sizeof address.ipv6;
	else
		return false;
	memcpy(&address.ipv6, entry->ifa_addr, address.length);
	if (net_address_is_ipv6(&address) && IN6_IS_ADDR_LINKLOCAL(&address.ipv6.sin6_addr))
		return false;
	net_address_set_port(&address, 0);
	*ret_address = address;
	return true;
}

/* `interface` NULL: all that are loopback, or all that are not. */
static size_t list_addresses(const struct ifaddrs *list, const char *interface, bool loopback,
			     struct net_address *addresses, size_t size)
{
	size_t count = 0;
	for (const struct ifaddrs *entry = list; entry && count < size; entry = entry->ifa_next) {
		bool is_wanted = interface ? !strcmp(entry->ifa_name, interface)
					   : !(entry->ifa_flags & IFF_LOOPBACK) == !loopback;
		if (is_wanted && interface_address(entry, &addresses[count]))
			count++;
	}
	return count;
}

size_t net_named_interface_addresses(const char *interface, struct net_address *addresses, size_t size)
{
	struct ifaddrs *list;
	if (getifaddrs(&list) < 0)
		return 0;
	size_t count = list_addresses(list, interface, false, addresses, size);
	freeifaddrs(list);
	return count;
}

size_t net_interface_addresses(struct net_address *addresses, size_t size)
{
	struct ifaddrs *list;
	if (getifaddrs(&list) < 0)
		return 0;
	size_t count = list_addresses(list, NULL, false, addresses, size);
	if (!count)
		count = list_addresses(list, NULL, true, addresses, size);
	freeifaddrs(list);
	return count;
}
