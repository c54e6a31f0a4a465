#include "net/udp.h"
#include <pthread.h>

#define REST_US (2 * 1000 * 1000)
#define IN_USE INT64_MAX

struct net_port_pool {
	pthread_mutex_t lock; /* not GMutex, which the thread sanitizer cannot see */
	uint16_t first;
	size_t size;
	size_t cursor; /* where the next search starts: a port rests as long as the others last */
	size_t in_use;
	int64_t free_from_us[]; /* IN_USE, or when the port may be taken again */
};

int net_port_pool_new(uint16_t first, uint16_t last, struct net_port_pool **ret_pool)
{
	if (!first || first > last)
		return -EINVAL;
	size_t size = (size_t)last - first + 1;
	struct net_port_pool *pool = g_malloc0(sizeof *pool + size * sizeof pool->free_from_us[0]);
	pthread_mutex_init(&pool->lock, NULL);
	pool->first = first;
	pool->size = size;
	/* A restarted gateway does not begin with the ports its last life ended with. */
	pool->cursor = g_random_int_range(0, size);
	*ret_pool = pool;
	return 0;
}

struct net_port_pool *net_port_pool_free(struct net_port_pool *pool)
{
	if (!pool)
		return NULL;
	pthread_mutex_destroy(&pool->lock);
	g_free(pool);
	return NULL;
}

/* `count` neighbours, the first of them even when there are two. */
static int pool_take(struct net_port_pool *pool, size_t count, uint16_t *ret_port)
{
	int64_t now_us = base_monotonic_us();
	int result = -EADDRINUSE;
	pthread_mutex_lock(&pool->lock);
	for (size_t tried = 0; tried < pool->size; tried++) {
		size_t index = pool->cursor;
		pool->cursor = (pool->cursor + 1) % pool->size;
		if (pool->free_from_us[index] > now_us)
			continue;
		if (count == 2 && ((pool->first + index) % 2 || index + 1 >= pool->size ||
				   pool->free_from_us[index + 1] > now_us))
			continue;
		for (size_t i = 0; i < count; i++)
			pool->free_from_us[index + i] = IN_USE;
		pool->in_use += count;
		*ret_port = pool->first + index;
		result = 0;
		break;
	}
	pthread_mutex_unlock(&pool->lock);
	return result;
}

int net_port_pool_take(struct net_port_pool *pool, uint16_t *ret_port)
{
	return pool_take(pool, 1, ret_port);
}

int net_port_pool_take_pair(struct net_port_pool *pool, uint16_t *ret_even_port)
{
	return pool_take(pool, 2, ret_even_port);
}

void net_port_pool_give(struct net_port_pool *pool, uint16_t port)
{
	pthread_mutex_lock(&pool->lock);
	size_t index = (size_t)port - pool->first;
	if (port >= pool->first && index < pool->size && pool->free_from_us[index] == IN_USE) {
		pool->free_from_us[index] = base_monotonic_us() + REST_US;
		pool->in_use--;
	}
	pthread_mutex_unlock(&pool->lock);
}

size_t net_port_pool_in_use(struct net_port_pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	size_t in_use = pool->in_use;
	pthread_mutex_unlock(&pool->lock);
	return in_use;
}
