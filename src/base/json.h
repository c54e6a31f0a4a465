/* Values for JSON (jansson) that others have given us. */
#pragma once
#include <jansson.h>

/* What far ends have written need not be UTF-8, without which JSON would take none of it. NULL: null. A new reference. */
json_t *base_json_text(const char *text);
/* With two decimals. A new reference. */
json_t *base_json_rounded(double value);
/* A mean opinion score; 0, nothing known: null. A new reference. */
json_t *base_json_score(double score);
