/* Random values fit for keys, tags, nonces, ICE credentials. Any thread. A generator that fails ends the process: there
 * is no safe way on with guessable ones. Not after fork(): parent and child would draw the same. */
#pragma once
#include "base/base.h"

void crypto_random(void *ret_bytes, size_t length);
uint32_t crypto_random_u32(void);
uint64_t crypto_random_u64(void);
/* `characters` letters, digits, '-' and '_' (six bits each), and a NUL: `ret_text` holds characters + 1. */
void crypto_random_token(char *ret_text, size_t characters);
/* The same in letters, digits, '+' and '/', which is what RFC 8839 allows in ice-ufrag and ice-pwd. */
void crypto_random_ice_token(char *ret_text, size_t characters);
