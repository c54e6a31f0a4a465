/* The way from a name to addresses (RFC 3263, section 4), step by step, on a thread that may wait. */
#include "trunk/names.h"
#include "trunk/options.h"
#include <ares.h>
#include <ares_nameser.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>

static const struct {
	enum sip_transport transport;
	const char *prefix;
} services_of_srv[] = {
    {SIP_TRANSPORT_UDP, "_sip._udp."},
    {SIP_TRANSPORT_TCP, "_sip._tcp."},
    {SIP_TRANSPORT_TLS, "_sips._tcp."}, /* where it is asked for */
};

struct resolving {
	ares_channel channel;
	const struct trunk_question *question;
	struct trunk_answer *answer;
	int64_t end_us;
	/* of the query under way */
	int status;
	uint8_t *message;
	size_t length;
	struct ares_addrinfo *addresses;
};

/* --- asking --- */

/* Until all that was asked has its answer. */
static void wait_for_answers(struct resolving *resolving)
{
	ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
	unsigned wanted; /* bits: to be read from 0 on, to be written to from 16 on */
	while ((wanted = (unsigned)ares_getsock(resolving->channel, sockets, ARES_GETSOCK_MAXNUM))) {
		struct pollfd polled[ARES_GETSOCK_MAXNUM];
		int events[ARES_GETSOCK_MAXNUM], n = 0;
		for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
			short event = (short)((wanted >> i & 1 ? POLLIN : 0) | (wanted >> (i + 16) & 1 ? POLLOUT : 0));
			if (event)
				polled[n++] = (struct pollfd){.fd = sockets[i], .events = event};
		}
		int64_t left_us = resolving->end_us - base_monotonic_us();
		if (left_us <= 0) {
			ares_cancel(resolving->channel);
			return;
		}
		struct timeval left = {left_us / G_USEC_PER_SEC, left_us % G_USEC_PER_SEC}, time;
		const struct timeval *wait = ares_timeout(resolving->channel, &left, &time);
		poll(polled, (nfds_t)n, (int)(wait->tv_sec * 1000 + wait->tv_usec / 1000 + 1));
		for (int i = 0; i < n; i++)
			events[i] = polled[i].revents;
		for (int i = 0; i < n; i++)
			ares_process_fd(resolving->channel,
					events[i] & ~POLLOUT ? polled[i].fd : ARES_SOCKET_BAD,
					events[i] & POLLOUT ? polled[i].fd : ARES_SOCKET_BAD);
		ares_process_fd(resolving->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD); /* what is due */
	}
}

static void on_message(void *data, int status, int timeouts, unsigned char *message, int length)
{
	struct resolving *resolving = data;
	resolving->status = status;
	g_free(resolving->message);
	resolving->message = status == ARES_SUCCESS ? g_memdup2(message, (gsize)length) : NULL;
	resolving->length = resolving->message ? (size_t)length : 0;
}

/* ARES_SUCCESS: the message is there. */
static int ask(struct resolving *resolving, const char *name, int type)
{
	resolving->status = ARES_ETIMEOUT;
	ares_query(resolving->channel, name, C_IN, type, on_message, resolving);
	wait_for_answers(resolving);
	return resolving->status;
}

static void on_addresses(void *data, int status, int timeouts, struct ares_addrinfo *addresses)
{
	struct resolving *resolving = data;
	resolving->status = status;
	resolving->addresses = status == ARES_SUCCESS ? addresses : NULL;
}

/* Nothing can be learned from whoever says that, and nothing speaks against asking for less. */
static bool is_no(int status)
{
	return status == ARES_ENODATA || status == ARES_ENOTFOUND || status == ARES_ENOTIMP || status == ARES_EFORMERR ||
	       status == ARES_EREFUSED || status == ARES_EBADNAME;
}

/* --- records --- */

static void heed_ttl(struct resolving *resolving, uint32_t ttl_s)
{
	resolving->answer->ttl_s = MIN(resolving->answer->ttl_s, ttl_s);
}

/* DNS may say anything; this nobody can be called at. */
static bool is_callable(const struct net_address *address)
{
	if (net_address_is_wildcard(address) || !net_address_port(address))
		return false;
	if (net_address_is_ipv6(address))
		return !IN6_IS_ADDR_MULTICAST(&address->ipv6.sin6_addr);
	uint32_t host = ntohl(address->ipv4.sin_addr.s_addr);
	return !IN_MULTICAST(host) && host != INADDR_BROADCAST && host >> 24;
}

/* The weight of a name is for one of its addresses of each family: the others come behind it. */
static void add_record(struct resolving *resolving, const struct net_address *address, enum sip_transport transport,
		       const struct trunk_service *service)
{
	struct trunk_answer *answer = resolving->answer;
	struct trunk_record record = {.address = *address, .transport = transport};
	if (answer->n == TRUNK_RECORDS_MAX || !is_callable(address))
		return;
	if (service) {
		record.priority = service->priority;
		record.weight = service->weight;
	}
	answer->records[answer->n++] = record;
}

/* Of a name, or of an SRV record's target: ARES_SUCCESS or why not. */
static int add_addresses(struct resolving *resolving, const char *name, uint16_t port, enum sip_transport transport,
			 const struct trunk_service *service)
{
	static const struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC};
	bool has_weight[2] = {false, false};
	resolving->status = ARES_ETIMEOUT;
	resolving->addresses = NULL;
	ares_getaddrinfo(resolving->channel, name, NULL, &hints, on_addresses, resolving);
	wait_for_answers(resolving);
	if (!resolving->addresses)
		return resolving->status;
	for (const struct ares_addrinfo_node *node = resolving->addresses->nodes; node; node = node->ai_next) {
		struct net_address address = {.length = node->ai_addrlen};
		if ((node->ai_family != AF_INET && node->ai_family != AF_INET6) || node->ai_addrlen > sizeof address.ipv6)
			continue;
		memcpy(&address.ipv6, node->ai_addr, node->ai_addrlen);
		net_address_set_port(&address, port);
		struct trunk_service at = service ? *service : (struct trunk_service){0};
		if (has_weight[node->ai_family == AF_INET6])
			at.weight = 0;
		has_weight[node->ai_family == AF_INET6] = true;
		add_record(resolving, &address, transport, &at);
		if (node->ai_ttl > 0)
			heed_ttl(resolving, (uint32_t)node->ai_ttl);
	}
	ares_freeaddrinfo(resolving->addresses);
	return ARES_SUCCESS;
}

/* ARES_SUCCESS: there are records; ARES_ENODATA: none; ARES_ENOTFOUND: the domain says that there is no such service. */
static int add_services(struct resolving *resolving, const char *name, enum sip_transport transport)
{
	struct trunk_service services[TRUNK_SERVICES_MAX];
	size_t n;
	uint32_t ttl_s;
	int status = ask(resolving, name, T_SRV);
	if (status != ARES_SUCCESS)
		return is_no(status) ? ARES_ENODATA : status;
	int error = trunk_read_services(resolving->message, resolving->length, services, &n, &ttl_s);
	if (error < 0)
		return error == -ENOENT ? ARES_ENODATA : error == -ENXIO ? ARES_ENOTFOUND : ARES_EBADRESP;
	heed_ttl(resolving, ttl_s);
	for (size_t i = 0; i < n; i++)
		status = add_addresses(resolving, services[i].target, services[i].port, transport, &services[i]);
	return resolving->answer->n ? ARES_SUCCESS : is_no(status) ? ARES_ENODATA : status;
}

/* What a later question has left open an earlier one may have denied. */
static int join(int earlier, int later)
{
	return earlier == ARES_ENOTFOUND && later == ARES_ENODATA ? earlier : later;
}

static bool goes_on(int status)
{
	return status == ARES_ENODATA || status == ARES_ENOTFOUND;
}

/* --- the way --- */

static bool is_in_hosts(const struct resolving *resolving)
{
	static const int families[] = {AF_INET, AF_INET6};
	for (size_t i = 0; i < G_N_ELEMENTS(families); i++) {
		struct hostent *host;
		if (ares_gethostbyname_file(resolving->channel, resolving->question->host, families[i], &host) == ARES_SUCCESS) {
			ares_free_hostent(host);
			return true;
		}
	}
	return false;
}

static int follow_pointers(struct resolving *resolving)
{
	struct trunk_pointer pointers[TRUNK_SERVICES_MAX];
	size_t n;
	uint32_t ttl_s;
	int status = ask(resolving, resolving->question->host, T_NAPTR);
	if (status != ARES_SUCCESS)
		return is_no(status) || status == ARES_ESERVFAIL ? ARES_ENODATA : status;
	if (trunk_read_pointers(resolving->message, resolving->length, pointers, &n, &ttl_s) < 0)
		return ARES_ENODATA;
	heed_ttl(resolving, ttl_s);
	status = ARES_ENODATA;
	for (size_t i = 0; i < n && goes_on(status); i++)
		status = join(status, add_services(resolving, pointers[i].replacement, pointers[i].transport));
	return status;
}

static int try_services(struct resolving *resolving)
{
	const struct trunk_question *question = resolving->question;
	int status = ARES_ENODATA;
	for (size_t i = 0; i < G_N_ELEMENTS(services_of_srv) && goes_on(status); i++) {
		enum sip_transport transport = services_of_srv[i].transport;
		if (question->is_transport_written ? question->transport != transport : transport == SIP_TRANSPORT_TLS)
			continue;
		g_autofree char *name = g_strconcat(services_of_srv[i].prefix, question->host, NULL);
		status = join(status, add_services(resolving, name, transport));
	}
	return status;
}

static int resolve(struct resolving *resolving)
{
	const struct trunk_question *question = resolving->question;
	int status = ARES_ENODATA;
	if (!question->port && !is_in_hosts(resolving)) {
		if (!question->is_transport_written)
			status = follow_pointers(resolving);
		if (status == ARES_ENODATA)
			status = try_services(resolving);
	}
	if (status != ARES_ENODATA)
		return status;
	enum sip_transport transport = question->is_transport_written ? question->transport : SIP_TRANSPORT_UDP;
	return add_addresses(resolving, question->host, question->port ? question->port : sip_transport_default_port(transport), transport, NULL);
}

static int open_channel(struct resolving *resolving)
{
	struct ares_options options = {
	    .flags = ARES_FLAG_EDNS,
	    .ednspsz = TRUNK_DATAGRAM_BYTES,
	    .timeout = TRUNK_QUERY_MS,
	    .tries = TRUNK_QUERY_TRIES,
	    .ndots = 0, /* a name in a URI is whole: no search domains */
	    .lookups = (char *)"fb",
	};
	int mask = ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS | ARES_OPT_LOOKUPS;
	int status = ares_init_options(&resolving->channel, &options, mask);
	if (status != ARES_SUCCESS || !resolving->question->servers)
		return status;
	status = ares_set_servers_ports_csv(resolving->channel, resolving->question->servers);
	if (status != ARES_SUCCESS)
		ares_destroy(resolving->channel);
	return status;
}

void trunk_resolve(const struct trunk_question *question, struct trunk_answer *ret_answer)
{
	struct resolving resolving = {
	    .question = question,
	    .answer = ret_answer,
	    .end_us = base_monotonic_us() + TRUNK_RESOLVE_LIMIT_MS * INT64_C(1000),
	};
	*ret_answer = (struct trunk_answer){.ttl_s = TRUNK_TTL_MAX_S};
	int status = open_channel(&resolving);
	if (status == ARES_SUCCESS) {
		status = resolve(&resolving);
		ares_destroy(resolving.channel);
	}
	g_free(resolving.message);
	if (status == ARES_SUCCESS && !ret_answer->n)
		status = ARES_ENODATA;
	ret_answer->failure = status == ARES_SUCCESS ? NULL : ares_strerror(status);
	ret_answer->ttl_s = CLAMP(ret_answer->ttl_s, TRUNK_TTL_MIN_S, TRUNK_TTL_MAX_S);
}
