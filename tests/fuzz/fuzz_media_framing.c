/* Messages on a stream: the first byte chooses the framing, the rest is the stream. What is taken from it makes the same stream again. */
#include "media/framing.h"
#include <stdlib.h>
#include <string.h>

#define LENGTH_MAX 1600

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
	if (!holds)
		abort();
}

static void read_all(enum media_framing framing, const uint8_t *data, size_t size)
{
	GByteArray *again = g_byte_array_new();
	struct media_frame frame;

	for (; media_framing_parse(framing, data, size, LENGTH_MAX, &frame) == 0; data += frame.total, size -= frame.total) {
		demand(frame.total > 0 && frame.total <= size && frame.length <= LENGTH_MAX && frame.begin + frame.length <= frame.total);
		g_byte_array_set_size(again, 0);
		demand(media_framing_append(framing, data + frame.begin, frame.length, again));
		demand(again->len == frame.total && memcmp(again->data, data, frame.begin + frame.length) == 0);
	}
	g_byte_array_unref(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0)
		read_all(data[0] & 1 ? MEDIA_FRAMING_TURN : MEDIA_FRAMING_LENGTH, data + 1, size - 1);
	return 0;
}
