/* Whatever comes to a leg's sockets, with SRTP left out: classes, streams, statistics, bridge, delay, reports. The input is
 * a row of datagrams: a byte of flags (1: from a stranger, 2: at the echo, 4: at the delayed echo), two of length, bytes. */
#include "../support/media_lone.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct media_end *builtin(struct media_lone *lone, enum media_builtin kind)
{
	struct media_leg_options options = {.kind = MEDIA_LEG_BUILTIN, .builtin = kind, .name = "sound"};
	struct media_end *end = media_end_new(lone->worker, "lone", NULL, &options);

	g_ptr_array_add(lone->ends, end);
	return end;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct media_lone lone;
	struct media_end *a, *b, *echo, *late;
	struct net_address stranger;
	size_t length;

	media_lone_open(&lone);
	a = media_lone_end(&lone);
	b = media_lone_end(&lone);
	echo = media_lone_end(&lone);
	late = media_lone_end(&lone);
	media_bridge_join(a, b);
	media_bridge_join(echo, builtin(&lone, MEDIA_BUILTIN_ECHO));
	media_bridge_join(late, builtin(&lone, MEDIA_BUILTIN_DELAYED_ECHO));
	stranger = lone.peer;
	net_address_set_port(&stranger, 4001);
	for (; size >= 3; data += 3 + length, size -= 3 + length) {
		/* Of exactly this size, so that the sanitizer sees what is read behind it. */
		uint8_t flags = data[0];
		uint8_t *bytes;

		length = MIN((size_t)(data[1] << 8 | data[2]), MIN(size - 3, MEDIA_PACKET_BYTES_MAX));
		bytes = g_malloc(length + MEDIA_PACKET_ROOM);
		memcpy(bytes, data + 3, length);
		media_end_receive(flags & 4 ? late : flags & 2 ? echo : a, flags & 1 ? &stranger : &lone.peer, bytes,
				  length);
		g_free(bytes);
	}
	media_lone_close(&lone);
	return 0;
}
