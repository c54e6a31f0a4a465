#include "crypto/encoding.h"
#include <string.h>

static const char base64_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void crypto_base64_encode(const void *data, size_t length, char *ret_text)
{
	const uint8_t *in = data;
	for (; length >= 3; in += 3, length -= 3) {
		*ret_text++ = base64_alphabet[in[0] >> 2];
		*ret_text++ = base64_alphabet[(in[0] & 3) << 4 | in[1] >> 4];
		*ret_text++ = base64_alphabet[(in[1] & 15) << 2 | in[2] >> 6];
		*ret_text++ = base64_alphabet[in[2] & 63];
	}
	if (length > 0) {
		uint8_t second = length == 2 ? in[1] : 0;
		*ret_text++ = base64_alphabet[in[0] >> 2];
		*ret_text++ = base64_alphabet[(in[0] & 3) << 4 | second >> 4];
		*ret_text++ = length == 2 ? base64_alphabet[(second & 15) << 2] : '=';
		*ret_text++ = '=';
	}
	*ret_text = '\0';
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int crypto_base64_decode(const char *text, size_t characters, uint8_t *ret_data, size_t capacity, size_t *ret_length)
{
	if (characters > 0 && characters % 4 == 0 && text[characters - 1] == '=') {
		characters--;
		if (text[characters - 1] == '=')
			characters--;
	}
	if (characters % 4 == 1)
		return -EINVAL;
	size_t length = characters / 4 * 3 + (characters % 4 ? characters % 4 - 1 : 0);
	if (length > capacity)
		return -ENOSPC;
	uint32_t bits = 0;
	unsigned n_bits = 0;
	size_t written = 0;
	for (size_t i = 0; i < characters; i++) {
		int value = base64_value(text[i]);
		if (value < 0)
			return -EINVAL;
		bits = bits << 6 | (uint32_t)value;
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			ret_data[written++] = (uint8_t)(bits >> n_bits);
			bits &= (1U << n_bits) - 1;
		}
	}
	if (bits != 0)
		return -EINVAL;
	*ret_length = written;
	return 0;
}

void crypto_hex_encode(const void *data, size_t length, char *ret_text)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *in = data;
	for (size_t i = 0; i < length; i++) {
		ret_text[2 * i] = digits[in[i] >> 4];
		ret_text[2 * i + 1] = digits[in[i] & 15];
	}
	ret_text[2 * length] = '\0';
}

int crypto_hex_decode(const char *text, uint8_t *ret_data, size_t length)
{
	if (strnlen(text, 2 * length + 1) != 2 * length)
		return -EINVAL;
	for (size_t i = 0; i < 2 * length; i++) {
		if (!g_ascii_isxdigit(text[i]))
			return -EINVAL;
	}
	for (size_t i = 0; i < length; i++)
		ret_data[i] = (uint8_t)(g_ascii_xdigit_value(text[2 * i]) << 4 | g_ascii_xdigit_value(text[2 * i + 1]));
	return 0;
}
