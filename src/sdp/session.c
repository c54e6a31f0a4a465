#include "sdp/plan.h"
#include "sdp/sdp.h"

#include <string.h>

/* --- media --- */

/* By one, so that what a call keeps is no larger than what it says. */
#define ADD(array, n, limit) ((n) == (limit) ? NULL : ((array) = g_renew(typeof(*(array)), array, (n) + 1), \
						       memset(&(array)[n], 0, sizeof *(array)), &(array)[(n)++]))

struct sdp_format *sdp_media_add_format(struct sdp_media *media)
{
	return ADD(media->formats, media->n_formats, SDP_FORMATS_MAX);
}

struct sdp_extension *sdp_media_add_extension(struct sdp_media *media)
{
	return ADD(media->extensions, media->n_extensions, SDP_EXTENSIONS_MAX);
}

struct sdp_feedback *sdp_media_add_feedback(struct sdp_media *media)
{
	return ADD(media->feedback, media->n_feedback, SDP_FEEDBACK_MAX);
}

void sdp_media_copy(const struct sdp_media *from, struct sdp_media *to)
{
	*to = *from;
	to->formats = g_memdup2(from->formats, from->n_formats * sizeof *from->formats);
	to->extensions = g_memdup2(from->extensions, from->n_extensions * sizeof *from->extensions);
	to->feedback = g_memdup2(from->feedback, from->n_feedback * sizeof *from->feedback);
}

void sdp_media_clear(struct sdp_media *media)
{
	g_free(media->formats);
	g_free(media->extensions);
	g_free(media->feedback);
	explicit_bzero(media, sizeof *media); /* may hold SDES keys and ICE passwords */
}

/* --- sessions --- */

struct sdp_session *sdp_session_new(size_t n_media)
{
	struct sdp_session *session = g_new0(struct sdp_session, 1);
	session->n_media = n_media;
	session->media = g_new0(struct sdp_media, MAX(n_media, 1));
	return session;
}

/* Not with realloc(), which leaves keys and passwords behind where they were. */
void sdp_session_trim(struct sdp_session *session)
{
	struct sdp_media *media = g_memdup2(session->media, session->n_media * sizeof *media);
	explicit_bzero(session->media, session->n_media * sizeof *media);
	g_free(session->media);
	session->media = media;
}

struct sdp_session *sdp_session_copy(const struct sdp_session *session)
{
	struct sdp_session *copy = g_memdup2(session, sizeof *session);
	copy->media = g_new0(struct sdp_media, MAX(session->n_media, 1));
	for (size_t i = 0; i < session->n_media; i++)
		sdp_media_copy(&session->media[i], &copy->media[i]);
	return copy;
}

struct sdp_session *sdp_session_free(struct sdp_session *session)
{
	if (!session)
		return NULL;
	sdp_session_wake(session);
	for (size_t i = 0; i < session->n_media; i++)
		sdp_media_clear(&session->media[i]);
	g_free(session->media);
	g_free(session);
	return NULL;
}

/* --- plans --- */

void sdp_leg_plan_clear(struct sdp_leg_plan *plan)
{
	for (size_t i = 0; i < plan->n_streams; i++)
		explicit_bzero(&plan->streams[i], sizeof plan->streams[i]); /* keys and passwords */
	g_free(plan->streams);
	*plan = (struct sdp_leg_plan){0};
}
