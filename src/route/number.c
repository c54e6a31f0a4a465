#include "route/number.h"
#include <string.h>

/* Behind a prefix. Emergency and service numbers, which may begin like one, are shorter. */
#define NATIONAL_DIGITS_MIN 5
#define E164_DIGITS_MAX	    15

static bool is_separator(char c)
{
	return c && strchr("-.() /", c);
}

static bool is_key(char c)
{
	return g_ascii_isdigit(c) || c == '*' || c == '#';
}

bool route_number_is(const char *text)
{
	size_t n_keys = 0;
	bool may_be_plus = true;
	for (const char *c = text; *c; c++) {
		if (is_separator(*c))
			continue;
		if (is_key(*c))
			n_keys++;
		else if (*c != '+' || !may_be_plus)
			return false;
		may_be_plus = false;
	}
	return n_keys > 0;
}

/* What stands behind the prefix, if that is long enough to be a whole number; NULL. */
static const char *behind(const char *number, const char *prefix)
{
	if (!prefix || !*prefix || !g_str_has_prefix(number, prefix))
		return NULL;
	const char *rest = number + strlen(prefix);
	size_t n_digits = strspn(rest, "0123456789");
	return !rest[n_digits] && n_digits >= NATIONAL_DIGITS_MIN && n_digits <= E164_DIGITS_MAX ? rest : NULL;
}

static void make_international(const struct route_numbering *numbering, char number[static ROUTE_NUMBER_BYTES_MAX])
{
	const char *international = behind(number, numbering->international_prefix);
	const char *national = international ? NULL : behind(number, numbering->national_prefix);
	g_autofree char *whole = international ? g_strconcat("+", international, NULL)
				 : national ? g_strconcat("+", numbering->country_code, national, NULL) : NULL;
	if (whole)
		base_copy_text(number, ROUTE_NUMBER_BYTES_MAX, whole);
}

bool route_number_normalise(const char *text, const struct route_numbering *numbering,
			    char number[static ROUTE_NUMBER_BYTES_MAX])
{
	if (!route_number_is(text))
		return base_copy_text(number, ROUTE_NUMBER_BYTES_MAX, text);
	size_t length = 0;
	for (const char *c = text; *c; c++) {
		if (is_separator(*c))
			continue;
		if (length + 1 >= ROUTE_NUMBER_BYTES_MAX)
			return false;
		number[length++] = *c;
	}
	number[length] = '\0';
	if (numbering->country_code)
		make_international(numbering, number);
	return true;
}
