/* Refer-To and Replaces: what is taken, and with what each other thing is refused. */
#include "sip/refer.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct sip_refer_to take(const char *text)
{
	struct sip_refer_to refer_to;
	if (sip_refer_to_parse(text, &refer_to) < 0)
		fail_msg("refused: %s", text);
	return refer_to;
}

static void blind(void **state)
{
	static const char *const texts[] = {
		"<sip:bob@example.com>",
		"sip:bob@example.com",
		"sip:bob@example.com;x=y", /* the parameter is the header's */
		"\"a <sip:x@y> \\\" b\" <sip:bob@example.com;method=invite>;x",
		" \t<sip:bob@example.com?Require=replaces>",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		struct sip_refer_to refer_to = take(texts[i]);
		assert_string_equal(refer_to.parts.user, "bob");
		assert_string_equal(refer_to.parts.host, "example.com");
		assert_false(refer_to.has_replaces);
	}
	assert_string_equal(take("<tel:+49123>").parts.user, "+49123");
}

static void attended(void **state)
{
	struct sip_refer_to refer_to = take("\"Bob\" <sip:bob@example.com;transport=ws?Replaces=c1%40h%3Bto-tag%3Dt1%3B"
					    "from-tag%3Df1%3Bearly-only&Require=replaces>");
	assert_string_equal(refer_to.uri, "sip:bob@example.com;transport=ws");
	assert_true(refer_to.has_replaces);
	assert_string_equal(refer_to.replaces.call_id, "c1@h");
	assert_string_equal(refer_to.replaces.to_tag, "t1");
	assert_string_equal(refer_to.replaces.from_tag, "f1");
	assert_true(refer_to.replaces.is_early_only);
	g_autofree char *text = sip_replaces_format(&refer_to.replaces);
	assert_string_equal(text, "c1@h;to-tag=t1;from-tag=f1;early-only");
}

static void refusals(void **state)
{
	static const struct {
		int error;
		const char *text;
	} rows[] = {
		{-EINVAL, ""},
		{-EINVAL, "<sip:bob@example.com"},
		{-EINVAL, "<sip:bob@exa mple.com>"},
		{-EINVAL, "<bob>"},
		{-EINVAL, "<sip:bob@h?Replaces>"},
		{-EINVAL, "<sip:bob@h?Replaces=c%00;to-tag=a;from-tag=b>"},
		{-EINVAL, "<sip:bob@h?Replaces=c%0D%0AEvil: x;to-tag=a;from-tag=b>"},
		{-EINVAL, "<sip:bob@h?Replaces=c%3Bto-tag=a>"},
		{-EINVAL, "<sip:bob@h?Replaces=c;to-tag=a;from-tag=b&Replaces=c;to-tag=a;from-tag=b>"},
		{-EPROTONOSUPPORT, "<https://example.com/>"},
		{-EPROTONOSUPPORT, "mailto:bob@example.com"},
		{-EACCES, "<sip:bob@h;method=BYE>"},
		{-EACCES, "<sip:bob@h?P-Asserted-Identity=sip:ceo@h>"},
		{-EACCES, "<sip:bob@h?body=v%3D0>"},
		{-EACCES, "<sip:bob@h?Require=100rel>"},
		{-EACCES, "<sip:bob@h?a=1&b=2&c=3&d=4&e=5>"},
	};
	struct sip_refer_to refer_to;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (sip_refer_to_parse(rows[i].text, &refer_to) != rows[i].error)
			fail_msg("%s is not refused with %d", rows[i].text, rows[i].error);
	g_autofree char *user = g_strnfill(SIP_URI_BYTES_MAX, 'a');
	g_autofree char *overlong = g_strdup_printf("<sip:%s@example.com>", user);
	assert_int_equal(sip_refer_to_parse(overlong, &refer_to), -EINVAL);
}

static void replaces(void **state)
{
	struct sip_replaces replaces;
	g_autofree char *tag = g_strnfill(SIP_TOKEN_BYTES_MAX + 1, 'a');
	g_autofree char *overlong = g_strdup_printf("c;to-tag=%s;from-tag=b", tag);
	const char *const wrong[] = {
		"", ";to-tag=a;from-tag=b", "c", "c;to-tag=a", "c;to-tag;from-tag=b", "c;to-tag=a;to-tag=a;from-tag=b",
		"c d;to-tag=a;from-tag=b", "c;to-tag=a;from-tag=b, c;to-tag=a;from-tag=b", overlong,
	};
	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
		if (sip_replaces_parse(wrong[i], &replaces) != -EINVAL)
			fail_msg("taken: %s", wrong[i]);
	assert_int_equal(sip_replaces_parse(" c@h ; From-Tag = b ;x=\"y\";to-tag=a", &replaces), 0);
	assert_string_equal(replaces.call_id, "c@h");
	assert_string_equal(replaces.from_tag, "b");
	assert_false(replaces.is_early_only);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blind),
		cmocka_unit_test(attended),
		cmocka_unit_test(refusals),
		cmocka_unit_test(replaces),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
