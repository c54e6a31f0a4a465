#include "sdp/plan.h"
#include "sdp/sdp.h"

#include <string.h>

struct sdp_session *sdp_session_new(size_t n_media)
{
	struct sdp_session *session = g_new0(struct sdp_session, 1);
	session->n_media = n_media;
	session->media = g_new0(struct sdp_media, MAX(n_media, 1));
	return session;
}

struct sdp_session *sdp_session_copy(const struct sdp_session *session)
{
	struct sdp_session *copy = g_memdup2(session, sizeof *session);
	copy->media = g_new0(struct sdp_media, MAX(session->n_media, 1));
	for (size_t i = 0; i < session->n_media; i++)
		copy->media[i] = session->media[i];
	return copy;
}

struct sdp_session *sdp_session_free(struct sdp_session *session)
{
	if (!session)
		return NULL;
	/* may hold SDES keys and ICE passwords */
	for (size_t i = 0; i < session->n_media; i++)
		explicit_bzero(&session->media[i].transport, sizeof session->media[i].transport);
	g_free(session->media);
	g_free(session);
	return NULL;
}

void sdp_leg_plan_clear(struct sdp_leg_plan *plan)
{
	for (size_t i = 0; i < plan->n_streams; i++)
		explicit_bzero(&plan->streams[i], sizeof plan->streams[i]); /* keys and passwords */
	g_free(plan->streams);
	*plan = (struct sdp_leg_plan){0};
}
