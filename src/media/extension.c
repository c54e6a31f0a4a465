#include "media/end.h"
#include <string.h>

#define HEADER_BYTES 4
#define ID_MAX	     14 /* of the one-byte form */

static uint8_t usable_id(const struct sdp_stream_plan *plan, enum sdp_extension_kind kind)
{
	return plan->extension_ids[kind] <= ID_MAX ? plan->extension_ids[kind] : 0;
}

void media_extension_apply(struct media_stream *stream, const struct sdp_stream_plan *plan)
{
	struct media_extensions *extensions = &stream->extensions;
	size_t length = strlen(plan->mid);

	extensions->level_id = usable_id(plan, SDP_EXTENSION_AUDIO_LEVEL);
	extensions->mid_id = usable_id(plan, SDP_EXTENSION_MID);
	if (length == 0 || length > sizeof extensions->mid)
		extensions->mid_id = 0;
	extensions->mid_bytes = extensions->mid_id ? (uint8_t)length : 0;
	memcpy(extensions->mid, plan->mid, extensions->mid_bytes);
}

void media_extension_join(const struct media_stream *from, struct media_stream *to)
{
	to->extensions.level_from = from->extensions.level_id;
}

static size_t put(uint8_t *bytes, uint8_t id, const void *data, size_t length)
{
	bytes[0] = (uint8_t)(id << 4 | (length - 1));
	memcpy(bytes + 1, data, length);
	return 1 + length;
}

static size_t put_level(const struct media_extensions *extensions, const struct rtp_packet *packet, uint8_t *bytes)
{
	struct rtp_extension_iterator iterator;
	struct rtp_extension_element element;

	rtp_extension_start(packet, &iterator);
	while (rtp_extension_next(&iterator, &element))
		if (element.id == extensions->level_from && element.length == 1)
			return put(bytes, extensions->level_id, element.data, 1);
	return 0;
}

size_t media_extension_write(const struct media_stream *stream, const struct rtp_packet *packet,
			     uint8_t bytes[static MEDIA_EXTENSION_BYTES_MAX])
{
	const struct media_extensions *extensions = &stream->extensions;
	size_t length = HEADER_BYTES;

	if (extensions->mid_id)
		length += put(bytes + length, extensions->mid_id, extensions->mid, extensions->mid_bytes);
	if (extensions->level_id && extensions->level_from)
		length += put_level(extensions, packet, bytes + length);
	if (length == HEADER_BYTES)
		return 0;
	while (length % 4)
		bytes[length++] = 0;
	rtp_put_u16(bytes, RTP_EXTENSION_ONE_BYTE);
	rtp_put_u16(bytes + 2, (uint16_t)((length - HEADER_BYTES) / 4));
	return length;
}
