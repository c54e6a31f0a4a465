#include "media/framing.h"
#include "media/stun.h"
#include "rtp/packet.h"

#define LENGTH_BYTES 2
#define HEAD_BYTES   4 /* of channel data; as much of a STUN message tells its length */

/* By the first bytes: how long the message is, without the padding behind it; 0: it is none. */
static size_t turn_length(const uint8_t head[static HEAD_BYTES])
{
	size_t value = rtp_get_u16(head + 2);

	if (head[0] < MEDIA_STUN_CHANNEL_FIRST)
		return value % 4 == 0 ? MEDIA_STUN_HEADER_BYTES + value : 0;
	return head[0] <= MEDIA_STUN_CHANNEL_LAST ? HEAD_BYTES + value : 0;
}

int media_framing_parse(enum media_framing framing, const uint8_t *bytes, size_t length, size_t length_max,
			struct media_frame *ret_frame)
{
	bool is_turn = framing == MEDIA_FRAMING_TURN;
	struct media_frame frame = {.begin = is_turn ? 0 : LENGTH_BYTES};

	if (length < (is_turn ? HEAD_BYTES : LENGTH_BYTES))
		return -EAGAIN;
	frame.length = is_turn ? turn_length(bytes) : rtp_get_u16(bytes);
	if (frame.length > length_max || (is_turn && frame.length == 0))
		return -EBADMSG;
	frame.total = is_turn ? MEDIA_STUN_PADDED(frame.length) : LENGTH_BYTES + frame.length;
	if (length < frame.total)
		return -EAGAIN;
	*ret_frame = frame;
	return 0;
}

bool media_framing_append(enum media_framing framing, const uint8_t *bytes, size_t length, GByteArray *stream)
{
	static const uint8_t padding[3];
	uint8_t head[LENGTH_BYTES];

	if (length > UINT16_MAX)
		return false;
	if (framing == MEDIA_FRAMING_TURN) {
		size_t message = length < HEAD_BYTES ? 0 : turn_length(bytes);

		if (message == 0 || (length != message && length != MEDIA_STUN_PADDED(message)))
			return false;
		g_byte_array_append(stream, bytes, (guint)message);
		g_byte_array_append(stream, padding, (guint)(MEDIA_STUN_PADDED(message) - message));
		return true;
	}
	rtp_put_u16(head, (uint16_t)length);
	g_byte_array_append(stream, head, sizeof head);
	g_byte_array_append(stream, bytes, (guint)length);
	return true;
}
