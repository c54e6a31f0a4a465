#include "base/base.h"
#include <string.h>

#define NAME_LENGTH_MAX 63

bool base_copy_text(char *destination, size_t size, const char *source)
{
	if (!size)
		return false;
	size_t length = strnlen(source, size);
	bool whole = length < size;
	if (!whole)
		length = size - 1;
	memcpy(destination, source, length);
	destination[length] = 0;
	return whole;
}

bool base_is_plain_name(const char *text)
{
	return *text && !text[strspn(text, "-_.+" G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS)];
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;
	return ab < c ? ab : c;
}

/* Insertions, deletions, replacements and swaps of neighbours that lead from one name to the other. */
static unsigned edit_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	unsigned rows[3][NAME_LENGTH_MAX + 1];
	unsigned *before = rows[0], *previous = rows[1], *current = rows[2];
	for (size_t j = 0; j <= b_length; j++)
		previous[j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		current[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			char x = g_ascii_tolower(a[i - 1]), y = g_ascii_tolower(b[j - 1]);
			current[j] = least(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == g_ascii_tolower(b[j - 2]) && g_ascii_tolower(a[i - 2]) == y)
				current[j] = MIN(current[j], before[j - 2] + 1);
		}
		unsigned *oldest = before;
		before = previous;
		previous = current;
		current = oldest;
	}
	return previous[b_length];
}

const char *base_nearest_name(const char *wrong, const char *const *names)
{
	size_t length = strlen(wrong);
	if (!length || length > NAME_LENGTH_MAX)
		return NULL;
	const char *nearest = NULL;
	unsigned nearest_distance = 1 + length / 3; /* beyond that it is another word, no slip */
	for (; *names; names++) {
		size_t name_length = strlen(*names);
		if (name_length > NAME_LENGTH_MAX)
			continue;
		unsigned distance = edit_distance(wrong, length, *names, name_length);
		if (distance < nearest_distance + !nearest) {
			nearest = *names;
			nearest_distance = distance;
		}
	}
	return nearest;
}
