/* Sessions at rest. A call keeps four descriptions for as long as it lasts and looks at them for a few milliseconds. Their
 * structs have room for the longest of everything and are zeros for the most part, so at rest the zeros are left out. */
#include "sdp/sdp.h"
#include <string.h>

/* A block of memory as runs: so many words of zero, then so many words as they stand. */
struct run {
	uint32_t zeros, literals;
};

struct sdp_packed {
	size_t n_words, n_packed, n_tail;
	uint8_t tail[sizeof(uint64_t)]; /* the n_tail bytes behind the last whole word */
	uint64_t words[]; /* n_packed: each run's head, then its literals */
};

struct sdp_rest {
	struct sdp_packed *media;
	struct sdp_packed *formats[SDP_MEDIA_MAX];
};

static uint64_t word_at(const uint8_t *bytes, size_t i)
{
	uint64_t word;
	memcpy(&word, bytes + i * sizeof word, sizeof word);
	return word;
}

static size_t end_of_zeros(const uint8_t *bytes, size_t n_words, size_t at)
{
	while (at + 4 <= n_words &&
	       !(word_at(bytes, at) | word_at(bytes, at + 1) | word_at(bytes, at + 2) | word_at(bytes, at + 3)))
		at += 4;
	while (at < n_words && !word_at(bytes, at))
		at++;
	return at;
}

/* Up to the next two zeros: one alone is cheaper as it stands than as a run. */
static size_t end_of_literals(const uint8_t *bytes, size_t n_words, size_t at)
{
	while (at < n_words && (word_at(bytes, at) || (at + 1 < n_words && word_at(bytes, at + 1))))
		at++;
	return at;
}

/* Into `to` unless that is NULL; how many words it takes. */
static size_t write_runs(const uint8_t *bytes, size_t n_words, uint64_t *to)
{
	size_t used = 0;
	for (size_t at = 0, literals, end; at < n_words; at = end) {
		literals = end_of_zeros(bytes, n_words, at);
		end = end_of_literals(bytes, n_words, literals);
		if (to) {
			struct run run = {.zeros = (uint32_t)(literals - at), .literals = (uint32_t)(end - literals)};
			memcpy(&to[used], &run, sizeof run);
			memcpy(&to[used + 1], bytes + literals * sizeof *to, (end - literals) * sizeof *to);
		}
		used += 1 + end - literals;
	}
	return used;
}

struct sdp_packed *sdp_pack(void *bytes, size_t n_bytes)
{
	if (!bytes)
		return NULL;
	size_t n_words = n_bytes / sizeof(uint64_t), n_packed = write_runs(bytes, n_words, NULL);
	struct sdp_packed *packed = g_malloc(sizeof *packed + n_packed * sizeof *packed->words);
	packed->n_words = n_words;
	packed->n_packed = n_packed;
	packed->n_tail = n_bytes % sizeof(uint64_t);
	memcpy(packed->tail, (uint8_t *)bytes + n_words * sizeof(uint64_t), packed->n_tail);
	write_runs(bytes, n_words, packed->words);
	explicit_bzero(bytes, n_bytes);
	g_free(bytes);
	return packed;
}

void *sdp_unpack(struct sdp_packed *packed)
{
	if (!packed)
		return NULL;
	size_t n_whole = packed->n_words * sizeof *packed->words;
	uint8_t *bytes = g_malloc0(n_whole + packed->n_tail), *to = bytes;
	for (size_t from = 0; from < packed->n_packed;) {
		struct run run;
		memcpy(&run, &packed->words[from], sizeof run);
		to += run.zeros * sizeof *packed->words;
		memcpy(to, &packed->words[from + 1], run.literals * sizeof *packed->words);
		to += run.literals * sizeof *packed->words;
		from += 1 + (size_t)run.literals;
	}
	if (packed->n_tail)
		memcpy(bytes + n_whole, packed->tail, packed->n_tail);
	explicit_bzero(packed, sizeof *packed + packed->n_packed * sizeof *packed->words);
	g_free(packed);
	return bytes;
}

void sdp_session_rest(struct sdp_session *session)
{
	if (!session || session->rest)
		return;
	struct sdp_rest *rest = g_new0(struct sdp_rest, 1);
	for (size_t i = 0; i < session->n_media; i++) {
		struct sdp_media *media = &session->media[i];
		rest->formats[i] = sdp_pack(media->formats, media->n_formats * sizeof *media->formats);
		media->formats = NULL;
	}
	rest->media = sdp_pack(session->media, session->n_media * sizeof *session->media);
	session->media = NULL;
	session->rest = rest;
}

void sdp_session_wake(struct sdp_session *session)
{
	if (!session || !session->rest)
		return;
	struct sdp_rest *rest = g_steal_pointer(&session->rest);
	session->media = sdp_unpack(rest->media);
	for (size_t i = 0; i < session->n_media; i++)
		session->media[i].formats = sdp_unpack(rest->formats[i]);
	g_free(rest);
}
