/* A fragment of trickle ICE into a description of two media: whatever it holds, no limit is passed, and what has come in by it
 * comes in no second time. */
#include "sdp/sdp.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char description[] = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n"
				  "a=ice-ufrag:Xq3k\r\na=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa\r\n"
				  "m=audio 9 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n"
				  "m=video 9 RTP/AVP 96\r\nc=IN IP4 0.0.0.0\r\na=rtpmap:96 VP8/90000\r\na=mid:1\r\n"
				  "m=audio 9 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\na=mid:alone\r\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sdp_session *session;
	size_t n_added = 0, n_again = 0, n = 0;
	if (sdp_parse(description, strlen(description), &session, NULL) < 0)
		abort();
	int error = sdp_fragment_take(session, (const char *)data, size, &n_added);
	for (size_t i = 0; i < session->n_media; i++) {
		if (session->media[i].transport.n_candidates > SDP_CANDIDATES_MAX)
			abort();
		n += session->media[i].transport.n_candidates;
	}
	if (error == 0 && n != n_added)
		abort();
	if (error == 0 && (sdp_fragment_take(session, (const char *)data, size, &n_again) == 0 ? n_again : 0))
		abort();
	sdp_session_free(session);
	return 0;
}
