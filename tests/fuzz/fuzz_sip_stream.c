/* Cutting a stream gives the same messages in whatever pieces it comes. */
#include "sip/framing.h"
#include "sip/message.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static GString *cut(const uint8_t *data, size_t size, size_t piece)
{
	struct sip_framing framing = {0};
	GString *log = g_string_new(NULL);
	enum sip_framing_result result = SIP_FRAMING_MORE;
	for (size_t at = 0; at < size && result != SIP_FRAMING_BROKEN; at += piece) {
		const char *text;
		size_t length;
		sip_framing_feed(&framing, data + at, MIN(piece, size - at));
		while ((result = sip_framing_next(&framing, &text, &length)) != SIP_FRAMING_MORE) {
			if (result == SIP_FRAMING_BROKEN)
				break;
			if (result == SIP_FRAMING_PING) {
				g_string_append_c(log, 'P');
				continue;
			}
			if (!length || length > SIP_MESSAGE_BYTES_MAX)
				abort();
			g_string_append_c(log, 'M');
			g_string_append_len(log, text, (gssize)length);
		}
		if (result == SIP_FRAMING_MORE && framing.bytes->len > SIP_MESSAGE_BYTES_MAX + piece)
			abort();
	}
	g_string_append_c(log, result == SIP_FRAMING_BROKEN ? 'B' : '.');
	sip_framing_clear(&framing);
	return log;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GString) whole = cut(data, size, size ? size : 1);
	static const size_t pieces[] = {1, 2, 7};
	for (size_t i = 0; i < G_N_ELEMENTS(pieces); i++) {
		g_autoptr(GString) log = cut(data, size, pieces[i]);
		if (!g_string_equal(whole, log))
			abort();
	}
	return 0;
}
