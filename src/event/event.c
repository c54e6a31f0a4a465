#include "event/event.h"

struct event_subscription {
	struct event_bus *bus;		       /* NULL: the bus is gone */
	const struct event_receiver *receiver; /* NULL: unsubscribed while an event was being told */
	void *user;
};

struct event_bus {
	GPtrArray *subscriptions;
	unsigned depth; /* of publishing */
	bool has_dead;
};

const char *event_call_state_name(enum event_call_state state)
{
	static const char *const names[] = {
	    [EVENT_CALL_TRYING] = "trying",
	    [EVENT_CALL_RINGING] = "ringing",
	    [EVENT_CALL_CONNECTED] = "connected",
	    [EVENT_CALL_TRANSFERRED] = "transferred",
	    [EVENT_CALL_ENDED] = "ended",
	};
	return names[state];
}

const char *event_side_name(enum event_side side)
{
	static const char *const names[] = {
	    [EVENT_SIDE_NONE] = "none",
	    [EVENT_SIDE_CALLER] = "caller",
	    [EVENT_SIDE_CALLED] = "called",
	    [EVENT_SIDE_GATEWAY] = "gateway",
	};
	return names[side];
}

struct event_bus *event_bus_new(void)
{
	struct event_bus *bus = g_new0(struct event_bus, 1);
	bus->subscriptions = g_ptr_array_new();
	return bus;
}

struct event_bus *event_bus_free(struct event_bus *bus)
{
	if (!bus)
		return NULL;
	g_assert(!bus->depth);
	for (guint i = 0; i < bus->subscriptions->len; i++)
		((struct event_subscription *)bus->subscriptions->pdata[i])->bus = NULL;
	g_ptr_array_free(bus->subscriptions, TRUE);
	g_free(bus);
	return NULL;
}

struct event_subscription *event_subscribe(struct event_bus *bus, const struct event_receiver *receiver, void *user)
{
	struct event_subscription *subscription = g_new(struct event_subscription, 1);
	*subscription = (struct event_subscription){.bus = bus, .receiver = receiver, .user = user};
	g_ptr_array_add(bus->subscriptions, subscription);
	return subscription;
}

struct event_subscription *event_unsubscribe(struct event_subscription *subscription)
{
	if (!subscription)
		return NULL;
	struct event_bus *bus = subscription->bus;
	if (bus && bus->depth) {
		subscription->receiver = NULL; /* its place is being walked over: cleared when that ends */
		bus->has_dead = true;
		return NULL;
	}
	if (bus)
		g_ptr_array_remove(bus->subscriptions, subscription);
	g_free(subscription);
	return NULL;
}

static void end_walk(struct event_bus *bus)
{
	if (--bus->depth || !bus->has_dead)
		return;
	bus->has_dead = false;
	for (guint i = 0; i < bus->subscriptions->len;) {
		struct event_subscription *subscription = bus->subscriptions->pdata[i];
		if (subscription->receiver) {
			i++;
			continue;
		}
		g_ptr_array_remove_index(bus->subscriptions, i);
		g_free(subscription);
	}
}

/* One who subscribes from a receiver is not told of the event that is under way. */
#define PUBLISH(bus, member, event)                                                                                    \
	do {                                                                                                           \
		if (!(bus))                                                                                            \
			return;                                                                                        \
		(bus)->depth++;                                                                                        \
		guint n = (bus)->subscriptions->len;                                                                   \
		for (guint i = 0; i < n; i++) {                                                                        \
			struct event_subscription *subscription = (bus)->subscriptions->pdata[i];                      \
			if (subscription->receiver && subscription->receiver->member)                                  \
				subscription->receiver->member(subscription->user, event);                             \
		}                                                                                                      \
		end_walk(bus);                                                                                         \
	} while (0)

void event_publish_call_changed(struct event_bus *bus, const struct event_call_changed *event)
{
	PUBLISH(bus, call_changed, event);
}

void event_publish_registration_changed(struct event_bus *bus, const struct event_registration_changed *event)
{
	PUBLISH(bus, registration_changed, event);
}

void event_publish_media_failed(struct event_bus *bus, const struct event_media_failed *event)
{
	PUBLISH(bus, media_failed, event);
}

void event_publish_media_trouble(struct event_bus *bus, const struct event_media_trouble *event)
{
	PUBLISH(bus, media_trouble, event);
}

void event_publish_upstream_changed(struct event_bus *bus, const struct event_upstream_changed *event)
{
	PUBLISH(bus, upstream_changed, event);
}

void event_publish_trunk_peer_changed(struct event_bus *bus, const struct event_trunk_peer_changed *event)
{
	PUBLISH(bus, trunk_peer_changed, event);
}
