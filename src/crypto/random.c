#include "crypto/random.h"
#include "base/log.h"
#include <limits.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

/* A call takes two dozen values of a few bytes each, and OpenSSL's way to one costs more than its bytes. So each thread draws
 * a few hundred ahead; they are wiped as they are taken. */
#define AHEAD_BYTES	 512
#define SMALL_BYTES_MAX 64

static void draw(uint8_t *next, size_t length)
{
	while (length > 0) {
		int part = length > INT_MAX ? INT_MAX : (int)length;
		if (RAND_bytes(next, part) != 1) {
			log_error(NULL, "The random number generator failed; keys would be guessable");
			abort();
		}
		next += part;
		length -= (size_t)part;
	}
}

void crypto_random(void *ret_bytes, size_t length)
{
	static _Thread_local uint8_t ahead[AHEAD_BYTES];
	static _Thread_local size_t left;

	if (length > SMALL_BYTES_MAX) {
		draw(ret_bytes, length);
		return;
	}
	if (length > left) {
		draw(ahead, sizeof ahead);
		left = sizeof ahead;
	}
	left -= length;
	memcpy(ret_bytes, ahead + left, length);
	explicit_bzero(ahead + left, length);
}

uint32_t crypto_random_u32(void)
{
	uint32_t value;
	crypto_random(&value, sizeof value);
	return value;
}

uint64_t crypto_random_u64(void)
{
	uint64_t value;
	crypto_random(&value, sizeof value);
	return value;
}

static void random_text(char *ret_text, size_t characters, const char alphabet[static 64])
{
	crypto_random(ret_text, characters);
	for (size_t i = 0; i < characters; i++)
		ret_text[i] = alphabet[(unsigned char)ret_text[i] & 63];
	ret_text[characters] = '\0';
}

void crypto_random_token(char *ret_text, size_t characters)
{
	random_text(ret_text, characters, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
}

void crypto_random_ice_token(char *ret_text, size_t characters)
{
	random_text(ret_text, characters, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
}
