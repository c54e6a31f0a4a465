/* Whatever parses is printed, parses again, and is the same. A candidate line is tried on the way. */
#include "../support/sdp_support.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_candidate(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	struct sdp_candidate candidate;
	if (sdp_candidate_parse(text, &candidate) < 0)
		return;
	g_autofree char *printed = sdp_candidate_print(&candidate);
	struct sdp_candidate again;
	if (sdp_candidate_parse(printed, &again) < 0)
		abort();
	g_autofree char *printed_again = sdp_candidate_print(&again);
	if (strcmp(printed, printed_again))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sdp_session *session = NULL;
	struct sdp_problem problem = {0};
	int error = sdp_parse((const char *)data, size, &session, &problem);
	if (error < 0) {
		if (!problem.line || !problem.reason || session)
			abort();
		try_candidate(data, size);
		return 0;
	}
	if (!support_comes_back(session))
		abort();
	sdp_session_free(session);
	return 0;
}
