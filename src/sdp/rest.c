/* Sessions at rest. A call keeps four descriptions for as long as it lasts and looks at them for a few milliseconds. Their
 * structs have room for the longest of everything and are zeros for the most part, so at rest the zeros are left out. */
#include "sdp/sdp.h"
#include <string.h>

#define RUN_MAX UINT16_MAX

/* A block of memory as runs: so many words of zero, then so many words as they stand. */
struct run {
	uint16_t zeros, literals;
};

struct sdp_packed {
	size_t n_words, n_packed;
	uint64_t words[]; /* n_packed: each run's head, then its literals */
};

struct sdp_rest {
	struct sdp_packed *media;
	struct sdp_packed *formats[SDP_MEDIA_MAX];
};

struct block {
	const uint8_t *bytes;
	size_t n_bytes, n_words;
};

/* The last one may be cut off. */
static uint64_t word_at(const struct block *block, size_t i)
{
	uint64_t word = 0;
	if (i + 1 < block->n_words)
		memcpy(&word, block->bytes + i * sizeof word, sizeof word);
	else
		memcpy(&word, block->bytes + i * sizeof word, block->n_bytes - i * sizeof word);
	return word;
}

static uint16_t count_zeros(const struct block *block, size_t at)
{
	size_t n = 0;
	while (at + n < block->n_words && n < RUN_MAX && word_at(block, at + n) == 0)
		n++;
	return (uint16_t)n;
}

/* Up to the next two zeros: one alone is cheaper as it stands than as a run. */
static uint16_t count_literals(const struct block *block, size_t at)
{
	size_t n = 0;
	while (at + n < block->n_words && n < RUN_MAX &&
	       (word_at(block, at + n) != 0 || (at + n + 1 < block->n_words && word_at(block, at + n + 1) != 0)))
		n++;
	return (uint16_t)n;
}

/* Into `to` unless that is NULL; how many words it takes. */
static size_t write_runs(const struct block *block, uint64_t *to)
{
	size_t used = 0;
	for (size_t at = 0; at < block->n_words;) {
		struct run run = {.zeros = count_zeros(block, at)};
		at += run.zeros;
		run.literals = count_literals(block, at);
		if (to) {
			to[used] = 0;
			memcpy(&to[used], &run, sizeof run);
			for (size_t i = 0; i < run.literals; i++)
				to[used + 1 + i] = word_at(block, at + i);
		}
		at += run.literals;
		used += 1 + (size_t)run.literals;
	}
	return used;
}

struct sdp_packed *sdp_pack(void *bytes, size_t n_bytes)
{
	struct block block = {bytes, n_bytes, (n_bytes + sizeof(uint64_t) - 1) / sizeof(uint64_t)};
	if (!bytes)
		return NULL;
	size_t n_packed = write_runs(&block, NULL);
	struct sdp_packed *packed = g_malloc(sizeof *packed + n_packed * sizeof *packed->words);
	packed->n_words = block.n_words;
	packed->n_packed = n_packed;
	write_runs(&block, packed->words);
	explicit_bzero(bytes, n_bytes);
	g_free(bytes);
	return packed;
}

void *sdp_unpack(struct sdp_packed *packed)
{
	if (!packed)
		return NULL;
	uint64_t *words = g_new0(uint64_t, packed->n_words);
	for (size_t from = 0, at = 0; from < packed->n_packed;) {
		struct run run;
		memcpy(&run, &packed->words[from], sizeof run);
		at += run.zeros;
		memcpy(&words[at], &packed->words[from + 1], run.literals * sizeof *words);
		at += run.literals;
		from += 1 + (size_t)run.literals;
	}
	explicit_bzero(packed->words, packed->n_packed * sizeof *packed->words);
	g_free(packed);
	return words;
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
