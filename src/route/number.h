/* Telephone numbers as people and telephones write them. Pure. */
#pragma once
#include "base/base.h"

#define ROUTE_NUMBER_BYTES_MAX 256

/* How numbers are dialled where the gateway is; any may be NULL. */
struct route_numbering {
	const char *country_code;	  /* "49"; without it a number stays as it was dialled */
	const char *international_prefix; /* "00" */
	const char *national_prefix;	  /* "0" */
};

/* Whether it is a telephone number and no name: digits, '*' and '#', a '+' in front, and visual separators (RFC 3966, section 3:
 * "-", ".", "(" and ")"; blanks and "/" too). */
bool route_number_is(const char *text);

/* What a number is compared by and sent as: without visual separators and, with a country code, by E.164 where the prefixes say
 * so. What is too short for that (112, 000) stays, and so does what is no number. False: it is too long. */
bool route_number_normalise(const char *text, const struct route_numbering *numbering,
			    char number[static ROUTE_NUMBER_BYTES_MAX]);
