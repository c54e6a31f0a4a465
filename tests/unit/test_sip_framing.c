/* Messages out of a TCP stream. */
#include "sip/framing.h"
#include "sip/message.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* What comes out of the text fed in pieces: M and the length, P, B at a break, else "". */
static char *cut(const char *text, size_t length, size_t piece)
{
	struct sip_framing framing = {0};
	g_autoptr(GString) log = g_string_new(NULL);
	enum sip_framing_result result = SIP_FRAMING_MORE;
	for (size_t at = 0; at < length && result != SIP_FRAMING_BROKEN; at += piece) {
		const char *message;
		size_t size;
		sip_framing_feed(&framing, text + at, MIN(piece, length - at));
		while ((result = sip_framing_next(&framing, &message, &size)) != SIP_FRAMING_MORE) {
			if (result == SIP_FRAMING_MESSAGE)
				g_string_append_printf(log, "M%zu ", size);
			else
				g_string_append(log, result == SIP_FRAMING_PING ? "P " : "B ");
			if (result == SIP_FRAMING_BROKEN)
				break;
		}
	}
	sip_framing_clear(&framing);
	return g_strdup(log->str);
}

static void table(void **state)
{
	static const struct { const char *text, *expected; } rows[] = {
		{"A\r\nContent-Length: 3\r\n\r\nabcB\r\nl: 0\r\n\r\n", "M27 M11 "},
		{"\r\n\r\nA\r\nl: 0\r\n\r\n\r\n\r\n\r\nB\r\nl:1\r\n\r\nx", "P M11 P M11 "},
		{"\r\nA\r\nl: 0\r\n\r\n", "M11 "},
		{"A\r\nl: 5\r\n\r\nabcd", ""},
		{"A\r\nl: 5\r\n", ""},
		{"A\r\n\r\n", "B "},
		{"A\r\nl: x\r\n\r\n", "B "},
		{"A\r\nl: -1\r\n\r\n", "B "},
		{"A\r\nl: 1\r\nContent-Length: 1\r\n\r\na", "B "},
		{"A\r\nl: 49153\r\n\r\n", "B "},
		{"A\r\nno colon\r\nl: 0\r\n\r\n", "B "},
		{"\rA\r\nl: 0\r\n\r\n", "B "},
		{"\r\n\rA\r\nl: 0\r\n\r\n", "B "},
		{"\r\n\r", ""},
		{"A\r\nl:\r\n 2\r\n\r\nab", "M15 "},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		for (size_t piece = 1; piece < 40; piece++) {
			g_autofree char *log = cut(rows[i].text, strlen(rows[i].text), piece);
			if (strcmp(log, rows[i].expected))
				fail_msg("row %zu in pieces of %zu: %s, not %s", i, piece, log, rows[i].expected);
		}
}

static void endless_header(void **state)
{
	g_autofree char *text = g_strnfill(SIP_MESSAGE_BYTES_MAX + 2, 'a');
	g_autofree char *log = cut(text, strlen(text), 1000);
	assert_string_equal(log, "B ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(table), cmocka_unit_test(endless_header)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
