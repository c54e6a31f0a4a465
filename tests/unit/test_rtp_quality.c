/* The E-model: the figures of G.107 and G.113, and that every impairment only ever makes it worse. */
#include "rtp/quality.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static double rate(const char *encoding, double loss, int delay_ms)
{
	return rtp_quality_rating(&(struct rtp_quality_input){encoding, loss, delay_ms * INT64_C(1000)});
}

static void assert_near(double value, double expected, double slack)
{
	if (fabs(value - expected) > slack)
		fail_msg("%f is not %f", value, expected);
}

static void test_undisturbed_speech_has_the_default_rating(void **state)
{
	assert_near(rate("PCMU", 0, 0), 93.2, 0.01);
	assert_near(rate("PCMU", 0, 100), 93.2, 0.01);
	assert_near(rtp_quality_mos(93.2), 4.41, 0.01);
	assert_near(rate("G729", 0, 50), 82.2, 0.01);
}

static void test_delay_costs_what_the_recommendation_says(void **state)
{
	assert_near(93.2 - rate("PCMU", 0, 200), 3.0, 0.3);
	assert_near(93.2 - rate("PCMU", 0, 400), 24.1, 0.1);
}

static void test_loss_costs_by_the_codec(void **state)
{
	assert_near(93.2 - rate("PCMA", 0.01, 0), 95.0 / 26.1, 0.01);
	assert_near(82.2 - rate("g729", 0.02, 0), 84.0 * 2 / 21, 0.01);
	assert_near(rate("opus", 0.05, 0), rate("PCMU", 0.05, 0), 0.001);
	assert_near(rate(NULL, 0.05, 0), rate("PCMU", 0.05, 0), 0.001);
}

static void test_more_is_never_better(void **state)
{
	for (int loss = 0; loss < 100; loss++)
		for (int delay_ms = 0; delay_ms < 2000; delay_ms += 50) {
			double rating = rate("PCMU", loss / 100.0, delay_ms);

			assert_true(rating >= rate("PCMU", (loss + 1) / 100.0, delay_ms));
			assert_true(rating >= rate("PCMU", loss / 100.0, delay_ms + 50));
			assert_true(rtp_quality_mos(rating) >= 1 && rtp_quality_mos(rating) <= 4.5);
		}
	assert_near(rtp_quality_mos(0), 1, 0.001);
	assert_near(rtp_quality_mos(100), 4.5, 0.001);
	assert_true(rate("PCMU", 7, INT32_MAX / 1000) >= 0); /* nonsense stays on the scale */
	assert_true(rate("PCMU", -1, -5) <= 93.2);
}

static void test_delay_from_what_is_counted(void **state)
{
	assert_int_equal(rtp_quality_delay_us(100000, 10000), 90000);
	assert_true(rtp_quality_delay_us(UINT32_MAX, UINT32_MAX) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_undisturbed_speech_has_the_default_rating),
		cmocka_unit_test(test_delay_costs_what_the_recommendation_says),
		cmocka_unit_test(test_loss_costs_by_the_codec),
		cmocka_unit_test(test_more_is_never_better),
		cmocka_unit_test(test_delay_from_what_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
