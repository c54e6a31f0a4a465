#include "base/json.h"
#include "base/base.h"

json_t *base_json_text(const char *text)
{
	g_autofree char *valid = text ? g_utf8_make_valid(text, -1) : NULL;
	return valid ? json_string(valid) : json_null();
}

json_t *base_json_rounded(double value)
{
	return json_real((double)(int64_t)(value * 100 + 0.5) / 100);
}

json_t *base_json_score(double score)
{
	return score > 0 ? base_json_rounded(score) : json_null();
}
