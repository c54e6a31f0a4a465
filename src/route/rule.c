#include "route/rule.h"
#include <string.h>

static bool is_reference(const char *text)
{
	return text[0] == '\\' && g_ascii_isdigit(text[1]);
}

int route_highest_reference(const char *replace)
{
	int highest = -1;
	for (const char *c = replace; *c; c++)
		if (is_reference(c))
			highest = MAX(highest, c[1] - '0');
	return highest;
}

bool route_substitute(const char *replace, const char *dialled, const regmatch_t match[static ROUTE_REFERENCES],
		      char number[static ROUTE_NUMBER_BYTES_MAX])
{
	size_t length = 0;
	for (const char *c = replace; *c; c++) {
		const char *part = c;
		size_t n = 1;
		if (is_reference(c)) {
			const regmatch_t *group = &match[*++c - '0'];
			n = group->rm_so < 0 ? 0 : group->rm_eo - group->rm_so; /* a group may have taken no part */
			part = dialled + (n ? group->rm_so : 0);
		}
		if (length + n >= ROUTE_NUMBER_BYTES_MAX)
			return false;
		memcpy(number + length, part, n);
		length += n;
	}
	number[length] = '\0';
	return length > 0;
}

static bool compile(const char *text, regex_t *expression, bool *has_it)
{
	*has_it = text && regcomp(expression, text, REG_EXTENDED) == 0;
	return !text || *has_it;
}

static bool read_periods(struct route_rule *rule, const char *const *texts, const struct config_snapshot *snapshot)
{
	rule->n_periods = g_strv_length((char **)texts);
	rule->periods = g_new0(struct route_period, rule->n_periods + 1);
	for (size_t i = 0; i < rule->n_periods; i++)
		if (route_period_parse(texts[i], snapshot, &rule->periods[i]) < 0)
			return false;
	return true;
}

int route_rule_init(struct route_rule *rule, const struct config_snapshot *snapshot, size_t index)
{
	*rule = (struct route_rule){
		.to = config_string(snapshot, "routes", index, "to"),
		.replace = config_string(snapshot, "routes", index, "replace"),
		.groups = config_strings(snapshot, "routes", index, "group"),
		.trunks = config_strings(snapshot, "routes", index, "trunk"),
		.fallbacks = config_strings(snapshot, "routes", index, "fallback"),
		.is_emergency = config_boolean(snapshot, "routes", index, "emergency"),
	};
	for (const char *const *text = config_strings(snapshot, "routes", index, "fallback_on"); *text; text++)
		route_statuses_add(&rule->fallback_on, *text);
	bool is_right = rule->to && read_periods(rule, config_strings(snapshot, "routes", index, "time"), snapshot) &&
			compile(config_string(snapshot, "routes", index, "match"), &rule->match, &rule->has_match) &&
			compile(config_string(snapshot, "routes", index, "from"), &rule->from, &rule->has_from);
	if (is_right)
		return 0;
	route_rule_clear(rule);
	return -EINVAL;
}

void route_rule_clear(struct route_rule *rule)
{
	if (rule->has_match)
		regfree(&rule->match);
	if (rule->has_from)
		regfree(&rule->from);
	for (size_t i = 0; i < rule->n_periods; i++)
		route_period_clear(&rule->periods[i]);
	g_free(rule->periods);
	*rule = (struct route_rule){0};
}

/* Only a rule that names the trunk is for its calls. */
static bool is_of_trunk(const struct route_rule *rule, const char *trunk)
{
	return trunk ? g_strv_contains(rule->trunks, trunk) : !*rule->trunks;
}

static bool is_in_group(const struct route_rule *rule, const char *const *groups)
{
	if (!*rule->groups)
		return true;
	for (; groups && *groups; groups++)
		if (g_strv_contains(rule->groups, *groups))
			return true;
	return false;
}

static bool is_time(const struct route_rule *rule, struct route_moment at)
{
	for (size_t i = 0; i < rule->n_periods; i++)
		if (route_period_contains(&rule->periods[i], at))
			return true;
	return !rule->n_periods;
}

enum route_misfit route_rule_try(const struct route_rule *rule, const struct route_question *question,
				 regmatch_t match[static ROUTE_REFERENCES])
{
	if (!is_of_trunk(rule, question->request->trunk))
		return ROUTE_MISFIT_TRUNK;
	if (rule->has_match && regexec(&rule->match, question->number, ROUTE_REFERENCES, match, 0))
		return ROUTE_MISFIT_NUMBER;
	if (rule->has_from && regexec(&rule->from, question->caller, 0, NULL, 0))
		return ROUTE_MISFIT_CALLER;
	if (!is_in_group(rule, question->groups))
		return ROUTE_MISFIT_GROUP;
	if (!is_time(rule, question->request->at))
		return ROUTE_MISFIT_TIME;
	if (rule->has_match && rule->replace)
		return ROUTE_FITS;
	/* Without `replace` all of the number goes on, also where `match` fits a part of it only. */
	match[0] = (regmatch_t){.rm_so = 0, .rm_eo = strlen(question->number)};
	for (size_t i = 1; i < ROUTE_REFERENCES; i++)
		match[i].rm_so = match[i].rm_eo = -1;
	return ROUTE_FITS;
}
