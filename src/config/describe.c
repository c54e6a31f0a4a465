#include "config/internal.h"

static const char *type_words(const struct config_option *option)
{
	switch (option->type) {
	case CONFIG_STRING:
		return option->is_list ? "texts" : "text";
	case CONFIG_PATH:
		return option->is_list ? "files" : "file";
	case CONFIG_INTEGER:
		return "number";
	case CONFIG_BOOLEAN:
		return "true or false";
	case CONFIG_ENUM:
		return option->is_list ? "some of" : "one of";
	case CONFIG_PORT_RANGE:
		return "ports";
	case CONFIG_ADDRESS:
		return option->is_list ? "addresses" : "address";
	case CONFIG_ENDPOINT:
		return option->is_list ? "addresses with port" : "address with port";
	}
	return "?";
}

static void describe_option(GString *text, const struct config_table *table, const struct config_option *option)
{
	const char *join = !*table->group ? "" : table->shape == CONFIG_LIST ? "[]." : ".";
	g_string_append_printf(text, "%s%s%s\n    %s", table->group, join, option->name, type_words(option));
	for (size_t i = 0; option->names && option->names[i]; i++)
		g_string_append_printf(text, "%s\"%s\"", i ? ", " : " ", option->names[i]);
	for (const struct config_preset *preset = option->presets; preset && preset->name; preset++)
		g_string_append_printf(text, "%s\"%s\"", preset == option->presets ? ": " : ", ", preset->name);
	if (option->type == CONFIG_INTEGER)
		g_string_append_printf(text, " from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, option->min,
				       option->max);
	if (option->is_required)
		g_string_append(text, "; required");
	else if (option->fallback)
		g_string_append_printf(text, "; default %s", *option->fallback ? option->fallback : "empty");
	g_string_append_printf(text, "\n    %s\n", option->help ? option->help : "");
	if (option->is_secret)
		g_string_append_printf(text, "    Or %s_" CONFIG_SECRET_FILE ", a file that holds it, or %s_" CONFIG_SECRET_ENV
				       ", a variable of the environment.\n", option->name, option->name);
}

char *config_describe_presets(const struct config_table *const *tables)
{
	GString *text = g_string_new(NULL);
	for (size_t i = 0; tables[i]; i++)
		for (const struct config_option *option = tables[i]->options; option->name; option++)
			for (const struct config_preset *preset = option->presets; preset && preset->name; preset++)
				g_string_append_printf(text, "%s[].%s \"%s\"\n%s\n", tables[i]->group, option->name, preset->name,
						       preset->text);
	return g_string_free(text, FALSE);
}

char *config_describe(const struct config_table *const *tables)
{
	GString *text = g_string_new(NULL);
	for (size_t i = 0; tables[i]; i++)
		for (const struct config_option *option = tables[i]->options; option->name; option++)
			describe_option(text, tables[i], option);
	return g_string_free(text, FALSE);
}
