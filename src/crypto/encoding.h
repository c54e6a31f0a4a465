/* Base64 (RFC 4648, section 4) and hex. Pure; any thread. */
#pragma once
#include "base/base.h"

/* Characters with padding and the NUL that `length` bytes take. */
#define CRYPTO_BASE64_SIZE(length) (((length) + 2) / 3 * 4 + 1)

/* `ret_text` holds CRYPTO_BASE64_SIZE(length). */
void crypto_base64_encode(const void *data, size_t length, char *ret_text);
/* Strict: no white space, no stray characters, correct padding or none, unused bits zero.
 * 0, -EINVAL, or -ENOSPC when more than `capacity` bytes come out. */
int crypto_base64_decode(const char *text, size_t characters, uint8_t *ret_data, size_t capacity, size_t *ret_length);

/* Lower case; `ret_text` holds 2 * length + 1. */
void crypto_hex_encode(const void *data, size_t length, char *ret_text);
/* Either case. 0, or -EINVAL when the text is not exactly 2 * length hex digits. */
int crypto_hex_decode(const char *text, uint8_t *ret_data, size_t length);
