#include "trunk/lookup.h"
#include <netdb.h>
#include <pthread.h>
#include <string.h>

/* Owned by up to three: the thread; the function it posts; and the one who asked, whose share ends with done() or by
 * abandoning. */
struct trunk_lookup {
	gint references;
	pthread_mutex_t lock; /* not GMutex: the thread sanitizer sees this one */
	struct loop *loop; /* under the lock; NULL: abandoned */
	char *host;
	uint16_t port;
	void (*done)(void *user, int error, const struct net_address *addresses,
		     size_t n); /* on the loop; NULL: abandoned */
	void *user;
	int error;
	size_t n_addresses;
	struct net_address addresses[TRUNK_ADDRESSES_MAX];
};

static void release(struct trunk_lookup *lookup)
{
	if (!g_atomic_int_dec_and_test(&lookup->references))
		return;
	pthread_mutex_destroy(&lookup->lock);
	g_free(lookup->host);
	g_free(lookup);
}

static void finish(void *data)
{
	struct trunk_lookup *lookup = data;
	if (lookup->done) {
		lookup->done(lookup->user, lookup->error, lookup->addresses, lookup->n_addresses);
		release(lookup);
	}
	release(lookup);
}

static void take_addresses(struct trunk_lookup *lookup, const struct addrinfo *list)
{
	for (const struct addrinfo *entry = list; entry && lookup->n_addresses < TRUNK_ADDRESSES_MAX;
	     entry = entry->ai_next) {
		if (entry->ai_family != AF_INET && entry->ai_family != AF_INET6)
			continue;
		struct net_address *address = &lookup->addresses[lookup->n_addresses++];
		*address = (struct net_address){.length = entry->ai_addrlen};
		memcpy(&address->ipv6, entry->ai_addr, entry->ai_addrlen);
		net_address_set_port(address, lookup->port);
	}
}

static void *look_up(void *data)
{
	struct trunk_lookup *lookup = data;
	static const struct addrinfo hints = {
	    .ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM, .ai_flags = AI_ADDRCONFIG};
	struct addrinfo *list = NULL;
	lookup->error = getaddrinfo(lookup->host, NULL, &hints, &list);
	if (!lookup->error) {
		take_addresses(lookup, list);
		freeaddrinfo(list);
		lookup->error = lookup->n_addresses ? 0 : EAI_NONAME;
	}
	pthread_mutex_lock(&lookup->lock);
	if (lookup->loop) {
		g_atomic_int_inc(&lookup->references);
		/* Within the lock: abandoning waits for it, the loop is still there. */
		loop_post(lookup->loop, finish, lookup);
	}
	pthread_mutex_unlock(&lookup->lock);
	release(lookup); /* not before: finish() may have come and gone */
	return NULL;
}

int trunk_lookup_start(struct loop *loop, const char *host, uint16_t port,
		       void (*done)(void *user, int error, const struct net_address *addresses, size_t n), void *user,
		       struct trunk_lookup **ret_lookup)
{
	struct trunk_lookup *lookup = g_new0(struct trunk_lookup, 1);
	lookup->references = 2;
	pthread_mutex_init(&lookup->lock, NULL);
	lookup->loop = loop;
	lookup->host = g_strdup(host);
	lookup->port = port;
	lookup->done = done;
	lookup->user = user;
	GThread *thread = g_thread_try_new("lookup", look_up, lookup, NULL);
	if (!thread) {
		lookup->references = 1;
		release(lookup);
		return -EAGAIN;
	}
	g_thread_unref(thread);
	*ret_lookup = lookup;
	return 0;
}

struct trunk_lookup *trunk_lookup_abandon(struct trunk_lookup *lookup)
{
	if (!lookup)
		return NULL;
	pthread_mutex_lock(&lookup->lock);
	lookup->loop = NULL;
	pthread_mutex_unlock(&lookup->lock);
	lookup->done = NULL; /* of one that is posted already; only the loop's thread reads it */
	release(lookup);
	return NULL;
}
