/* Parts of descriptions that trickle ICE sends (RFC 8840, section 9). */
#include "sdp/sdp_private.h"

#include <string.h>

/* Where the reader stands. */
struct sdp_fragment {
	struct sdp_session *session;
	struct sdp_media *media; /* whose candidates follow */
	char session_ufrag[sizeof ((struct sdp_transport *)NULL)->ice_ufrag]; /* "": not given */
	char ufrag[sizeof ((struct sdp_transport *)NULL)->ice_ufrag];
	size_t n_sections, n_added;
	bool is_stale; /* something was of other credentials */
};

/* The media whose transport the one of this name has. */
static struct sdp_media *fragment_media(const struct sdp_fragment *fragment, const char *mid)
{
	const struct sdp_session *session = fragment->session;
	for (size_t i = 0; i < session->n_bundled; i++)
		if (!strcmp(session->bundle[i], mid))
			mid = session->bundle[0];
	for (size_t i = 0; i < session->n_media; i++)
		if (!strcmp(session->media[i].mid, mid))
			return &session->media[i];
	return NULL;
}

static bool fragment_same_candidate(const struct sdp_candidate *a, const struct sdp_candidate *b)
{
	return !strcmp(a->foundation, b->foundation) && a->component == b->component && a->transport == b->transport &&
	       a->priority == b->priority && a->type == b->type && net_address_equal(&a->address, &b->address) &&
	       net_address_equal(&a->related, &b->related);
}

static bool fragment_has(const struct sdp_transport *transport, const struct sdp_candidate *candidate)
{
	for (size_t i = 0; i < transport->n_candidates; i++)
		if (fragment_same_candidate(&transport->candidates[i], candidate))
			return true;
	return false;
}

/* Whose credentials are not those of the description is of another time: before a restart or after it. */
static bool fragment_is_current(struct sdp_fragment *fragment)
{
	const struct sdp_media *media = fragment->media;
	bool is_current = media && (!*fragment->ufrag || !strcmp(fragment->ufrag, media->transport.ice_ufrag));
	fragment->is_stale |= !is_current;
	return is_current;
}

static int fragment_add(struct sdp_fragment *fragment, const char *text)
{
	struct sdp_candidate candidate;
	if (!fragment_is_current(fragment) || sdp_candidate_parse(text, &candidate) < 0)
		return 0;
	struct sdp_transport *transport = &fragment->media->transport;
	if (fragment_has(transport, &candidate))
		return 0;
	if (transport->n_candidates == SDP_CANDIDATES_MAX)
		return -E2BIG;
	transport->candidates[transport->n_candidates++] = candidate;
	fragment->n_added++;
	return 0;
}

static int fragment_begin_section(struct sdp_fragment *fragment)
{
	if (fragment->n_sections == SDP_MEDIA_MAX)
		return -E2BIG;
	/* Until its mid is known: the one in this place. */
	fragment->media = fragment->n_sections < fragment->session->n_media
				  ? fragment_media(fragment, fragment->session->media[fragment->n_sections].mid)
				  : NULL;
	fragment->n_sections++;
	memcpy(fragment->ufrag, fragment->session_ufrag, sizeof fragment->ufrag);
	return 0;
}

static int fragment_line(struct sdp_fragment *fragment, const char *line)
{
	const char *colon = strchr(line, ':');
	if (!strncmp(line, "m=", 2))
		return fragment_begin_section(fragment);
	if (!strcmp(line, "a=end-of-candidates") && fragment_is_current(fragment))
		fragment->media->transport.end_of_candidates = true;
	if (strncmp(line, "a=", 2) || !colon)
		return 0;
	size_t name_bytes = colon - line - 2;
	if (name_bytes == 9 && !strncmp(line + 2, "candidate", 9))
		return fragment_add(fragment, line + 2);
	if (name_bytes == 3 && !strncmp(line + 2, "mid", 3))
		fragment->media = fragment_media(fragment, colon + 1);
	if (name_bytes == 9 && !strncmp(line + 2, "ice-ufrag", 9)) {
		char *ufrag = fragment->n_sections ? fragment->ufrag : fragment->session_ufrag;
		if (!base_copy_text(ufrag, sizeof fragment->ufrag, colon + 1))
			return -E2BIG;
	}
	return 0;
}

int sdp_fragment_take(struct sdp_session *session, const char *text, size_t length, size_t *ret_added)
{
	struct sdp_fragment fragment = {.session = session};
	char line[SDP_LINE_BYTES_MAX + 1];
	unsigned n_lines = 0;
	int error = length > SDP_BYTES_MAX ? -E2BIG : 0;
	for (const char *end = text + length; error == 0 && text < end;) {
		error = ++n_lines > SDP_LINES_MAX ? -E2BIG : sdp_next_line(&text, end, line);
		if (error == 0)
			error = fragment_line(&fragment, line);
	}
	if (error == 0 && fragment.is_stale && !fragment.n_added)
		error = -ESTALE;
	if (error == 0)
		*ret_added = fragment.n_added;
	return error;
}

char *sdp_fragment_print(const struct sdp_media *media, const struct sdp_transport *transport, size_t first)
{
	GString *out = g_string_new(NULL);
	g_string_append_printf(out, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\nm=%s 9 RTP/AVP 0\r\na=mid:%s\r\n", transport->ice_ufrag,
			       transport->ice_pwd, media->kind_text, media->mid);
	for (size_t i = first; i < transport->n_candidates; i++) {
		g_autofree char *candidate = sdp_candidate_print(&transport->candidates[i]);
		g_string_append_printf(out, "a=%s\r\n", candidate);
	}
	g_string_append(out, "a=end-of-candidates\r\n");
	return g_string_free(out, FALSE);
}
