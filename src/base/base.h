/* The few helpers every room uses. Any thread. */
#pragma once
#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Microseconds of CLOCK_MONOTONIC. The wall clock never drives a timer. */
int64_t base_monotonic_us(void);

/* Frees *pointer with `release` and sets it to NULL. */
#define BASE_CLEAR(pointer, release) \
	do {                         \
		release(*(pointer)); \
		*(pointer) = NULL;   \
	} while (0)

/* The structure that holds `member` at `pointer`. */
#define BASE_CONTAINER_OF(pointer, type, member) ((type *)(void *)((char *)(pointer) - offsetof(type, member)))

/* Copies at most size - 1 bytes and always ends the text. Returns false when it was cut. */
bool base_copy_text(char *destination, size_t size, const char *source);

/* Whether it is of letters, digits, '-', '_', '.' and '+' alone, and of one at least. */
bool base_is_plain_name(const char *text);

/* The nearest of `names` (NULL-terminated) to `wrong`, or NULL when none is near. For hints in error messages. */
const char *base_nearest_name(const char *wrong, const char *const *names);
