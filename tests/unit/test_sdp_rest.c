/* A session at rest comes back as it was, to the byte. */
#include "sdp/sdp.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "../support/sdp_support.h"

static void assert_same_media(const struct sdp_media *a, const struct sdp_media *b)
{
	struct sdp_media left = *a, right = *b;
	left.formats = right.formats = NULL; /* where they are may change */
	left.extensions = right.extensions = NULL;
	left.feedback = right.feedback = NULL;
	assert_memory_equal(&left, &right, sizeof left);
	assert_memory_equal(a->formats, b->formats, a->n_formats * sizeof *a->formats);
	assert_memory_equal(a->extensions, b->extensions, a->n_extensions * sizeof *a->extensions);
	assert_memory_equal(a->feedback, b->feedback, a->n_feedback * sizeof *a->feedback);
}

/* Rests twice, since the second does nothing; wakes likewise. */
static void assert_comes_back(struct sdp_session *session, const char *name)
{
	struct sdp_session *before = sdp_session_copy(session);
	for (int i = 0; i < 2; i++)
		sdp_session_rest(session);
	assert_null(session->media);
	for (int i = 0; i < 2; i++)
		sdp_session_wake(session);
	assert_int_equal(session->n_media, before->n_media);
	for (size_t i = 0; i < session->n_media; i++)
		assert_same_media(&session->media[i], &before->media[i]);
	sdp_session_free(before);
}

static void test_samples_come_back(void **state)
{
	support_each_sample(assert_comes_back);
}

/* Any mixture of zeros and others, none of either, and lengths that are no multiple of anything. */
static void test_any_bytes_come_back(void **state)
{
	GRand *dice = g_rand_new_with_seed(7);
	for (int density = 0; density <= 16; density++) {
		struct sdp_session *session = sdp_session_new(2);
		for (size_t i = 0; i < 2; i++) {
			uint8_t *bytes = (uint8_t *)&session->media[i].transport;
			for (size_t k = 0; k < sizeof session->media[i].transport; k++)
				bytes[k] = g_rand_int_range(dice, 0, 16) < density ? (uint8_t)g_rand_int(dice) : 0;
			for (int k = 0; k < density * 3; k++)
				memset(sdp_media_add_format(&session->media[i]), k % 3 ? 0 : 0xff, sizeof(struct sdp_format));
		}
		assert_comes_back(session, NULL);
		sdp_session_free(session);
	}
	g_rand_free(dice);
}

static void test_nothing_and_freed_at_rest(void **state)
{
	struct sdp_session *empty = sdp_session_new(0), *session = support_sample("chromium-offer");
	sdp_session_rest(NULL);
	sdp_session_wake(NULL);
	assert_comes_back(empty, NULL);
	sdp_session_free(empty);
	sdp_session_rest(session);
	sdp_session_free(session);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_samples_come_back),
	    cmocka_unit_test(test_any_bytes_come_back),
	    cmocka_unit_test(test_nothing_and_freed_at_rest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
