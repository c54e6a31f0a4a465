/* Walks what libconfig has parsed along the tables. The only file that knows libconfig. */
#include "config/internal.h"
#include <libconfig.h>
#include <string.h>

/* libconfig 1.5 forgets a text it has read when the next word is a syntax error. A leak of a few bytes before the end
 * of `tandem -t`, or one a reload gone wrong; tests that look for leaks are told to look away. */
#if defined(__SANITIZE_ADDRESS__)
#define LOOKS_FOR_LEAKS
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LOOKS_FOR_LEAKS
#endif
#endif
#ifdef LOOKS_FOR_LEAKS
#include <sanitizer/lsan_interface.h>
#else
#define __lsan_disable()
#define __lsan_enable()
#endif

struct loader {
	struct config_report report;
	struct config_source source;
	struct config_snapshot *snapshot;
};

static struct config_raw raw_of(const config_setting_t *setting)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_STRING: {
		const char *text = config_setting_get_string(setting);
		return (struct config_raw){.kind = CONFIG_RAW_TEXT, .text = text ? text : ""};
	}
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		return (struct config_raw){.kind = CONFIG_RAW_INTEGER, .integer = config_setting_get_int64(setting)};
	case CONFIG_TYPE_BOOL:
		return (struct config_raw){.kind = CONFIG_RAW_BOOLEAN, .integer = config_setting_get_bool(setting)};
	case CONFIG_TYPE_FLOAT:
		return (struct config_raw){.kind = CONFIG_RAW_OTHER, .text = "a number with a fraction"};
	case CONFIG_TYPE_GROUP:
		return (struct config_raw){.kind = CONFIG_RAW_OTHER, .text = "a group { }"};
	default:
		return (struct config_raw){.kind = CONFIG_RAW_OTHER, .text = "a list ( )"};
	}
}

static bool is_sequence(const config_setting_t *setting)
{
	return config_setting_type(setting) == CONFIG_TYPE_LIST || config_setting_type(setting) == CONFIG_TYPE_ARRAY;
}

static char *path_of(const struct config_section *section, size_t entry, const char *name)
{
	if (!*section->group)
		return g_strdup(name);
	return section->shape == CONFIG_LIST ? g_strdup_printf("%s[%zu].%s", section->group, entry, name)
					     : g_strdup_printf("%s.%s", section->group, name);
}

/* NULL and the value set; or what is wanted instead (a new string), and, unless NULL, in which line. */
static char *convert_setting(struct loader *loader, const struct config_option *option, const config_setting_t *setting,
			     struct config_value *value, uint32_t *ret_line)
{
	uint32_t line = config_setting_source_line(setting);
	char *problem;
	if (option->is_list) {
		size_t n = is_sequence(setting) ? config_setting_length(setting) : 1, wrong;
		g_autofree struct config_raw *raws = g_new0(struct config_raw, n + 1);
		for (size_t i = 0; i < n; i++)
			raws[i] = raw_of(is_sequence(setting) ? config_setting_get_elem(setting, i) : setting);
		problem = config_convert_list(loader->snapshot, option, raws, n, value, &wrong);
		if (problem && is_sequence(setting) && wrong < n)
			line = config_setting_source_line(config_setting_get_elem(setting, wrong));
	} else {
		struct config_raw raw = raw_of(setting);
		problem = config_convert(loader->snapshot, option, &raw, value);
	}
	if (problem && ret_line)
		*ret_line = line;
	return problem;
}

static void read_option(struct loader *loader, struct config_section *section, size_t entry, size_t option_index,
			const config_setting_t *setting)
{
	const struct config_option *option = section->options->pdata[option_index];
	struct config_value *value = config_section_value(section, entry, option_index);
	value->is_written = true;
	value->line = config_setting_source_line(setting);
	uint32_t line;
	g_autofree char *problem = convert_setting(loader, option, setting, value, &line);
	if (problem) {
		g_autofree char *path = path_of(section, entry, option->name);
		config_report_line(&loader->report, line, "%s %s", path, problem);
		config_apply_fallback(loader->snapshot, option, value);
	}
}

/* The group an option of this name belongs to, for who wrote it in the wrong one; NULL. */
static const char *group_of_option(const struct loader *loader, const char *name)
{
	for (guint i = 0; i < loader->snapshot->sections->len; i++) {
		const struct config_section *section = loader->snapshot->sections->pdata[i];
		if (config_section_option(section, name) >= 0)
			return section->group;
	}
	return NULL;
}

static void report_unknown(struct loader *loader, const struct config_section *section, size_t entry, const char *name,
			   uint32_t line)
{
	bool is_top = section && !*section->group;
	g_autoptr(GPtrArray) known = g_ptr_array_new();
	for (guint i = 0; section && i < section->options->len; i++)
		g_ptr_array_add(known, (void *)((const struct config_option *)section->options->pdata[i])->name);
	for (guint i = 0; (is_top || !section) && i < loader->snapshot->sections->len; i++) {
		const char *group = ((const struct config_section *)loader->snapshot->sections->pdata[i])->group;
		if (*group)
			g_ptr_array_add(known, (void *)group);
	}
	g_ptr_array_add(known, NULL);
	g_autofree char *path = section ? path_of(section, entry, name) : g_strdup(name);
	const char *near = base_nearest_name(name, (const char *const *)known->pdata);
	const char *other = group_of_option(loader, name);
	if (near) {
		config_report_line(&loader->report, line, "%s is not known; is \"%s\" meant?", path, near);
	} else if (other) {
		config_report_line(&loader->report, line, "%s is not known here; it belongs into %s%s%s", path,
				   *other ? "\"" : "", *other ? other : "the top level", *other ? "\"" : "");
	} else {
		g_autofree char *names = g_strjoinv(", ", (char **)known->pdata);
		config_report_line(&loader->report, line, "%s is not known; there are: %s", path, names);
	}
}

static void read_entry(struct loader *loader, struct config_section *section, size_t entry,
		       const config_setting_t *group)
{
	section->entry_lines[entry] = config_setting_source_line(group);
	int n = config_setting_length(group);
	for (int i = 0; i < n; i++) {
		const config_setting_t *setting = config_setting_get_elem(group, i);
		const char *name = config_setting_name(setting);
		if (!*section->group && config_snapshot_section(loader->snapshot, name))
			continue; /* a group, which is read by its own */
		ssize_t option = config_section_option(section, name);
		if (option < 0)
			report_unknown(loader, section, entry, name, config_setting_source_line(setting));
		else
			read_option(loader, section, entry, option, setting);
	}
}

static const struct config_preset *find_preset(const struct config_option *option, const char *name)
{
	for (const struct config_preset *preset = option->presets; preset->name; preset++)
		if (!strcmp(preset->name, name))
			return preset;
	return NULL;
}

static void report_unknown_preset(struct loader *loader, const struct config_section *section, size_t entry,
				  const struct config_option *option, const struct config_value *value)
{
	g_autoptr(GPtrArray) known = g_ptr_array_new();
	for (const struct config_preset *preset = option->presets; preset->name; preset++)
		g_ptr_array_add(known, (void *)preset->name);
	g_ptr_array_add(known, NULL);
	g_autofree char *path = path_of(section, entry, option->name);
	g_autofree char *names = g_strjoinv(", ", (char **)known->pdata);
	config_report_line(&loader->report, value->line, "%s is \"%s\", which is none; there are: %s", path, value->text, names);
}

/* A preset that cannot be read is a mistake of the program and ends it, as a default is. */
static void apply_preset(struct loader *loader, struct config_section *section, size_t entry, const struct config_preset *preset)
{
	config_t parsed;
	config_init(&parsed);
	if (!config_read_string(&parsed, preset->text))
		g_error("preset %s:%d: %s", preset->name, config_error_line(&parsed), config_error_text(&parsed));
	const config_setting_t *root = config_root_setting(&parsed);
	for (int i = 0; i < config_setting_length(root); i++) {
		const config_setting_t *setting = config_setting_get_elem(root, i);
		ssize_t index = config_section_option(section, config_setting_name(setting));
		if (index < 0)
			g_error("preset %s: no table has option \"%s\"", preset->name, config_setting_name(setting));
		struct config_value *value = config_section_value(section, entry, index);
		if (value->is_written)
			continue;
		g_autofree char *problem = convert_setting(loader, section->options->pdata[index], setting, value, NULL);
		if (problem)
			g_error("preset %s: %s %s", preset->name, config_setting_name(setting), problem);
	}
	config_destroy(&parsed);
}

static void apply_presets(struct loader *loader, struct config_section *section, size_t entry)
{
	for (guint i = 0; i < section->options->len; i++) {
		const struct config_option *option = section->options->pdata[i];
		const struct config_value *value = config_section_value(section, entry, i);
		if (!option->presets || !value->is_set)
			continue;
		const struct config_preset *preset = find_preset(option, value->text);
		if (preset)
			apply_preset(loader, section, entry, preset);
		else
			report_unknown_preset(loader, section, entry, option, value);
	}
}

static void finish_entry(struct loader *loader, struct config_section *section, size_t entry)
{
	for (guint i = 0; i < section->options->len; i++) {
		const struct config_option *option = section->options->pdata[i];
		struct config_value *value = config_section_value(section, entry, i);
		if (option->is_secret)
			config_secret_read(loader->snapshot, section, entry, i, &loader->report);
		if (value->is_written)
			continue;
		config_apply_fallback(loader->snapshot, option, value);
		if (!option->is_required)
			continue;
		g_autofree char *path = path_of(section, entry, option->name);
		config_report_line(&loader->report, section->entry_lines[entry], "%s is missing", path);
	}
	apply_presets(loader, section, entry);
}

static void read_keys(struct loader *loader, struct config_section *section)
{
	if (section->key < 0)
		return;
	section->keys = g_hash_table_new(g_str_hash, g_str_equal);
	const char *name = ((const struct config_option *)section->options->pdata[section->key])->name;
	for (size_t entry = 0; entry < section->n_entries; entry++) {
		const struct config_value *value = config_section_value(section, entry, section->key);
		if (!value->is_set || !value->line)
			continue;
		size_t first = GPOINTER_TO_SIZE(g_hash_table_lookup(section->keys, value->text));
		if (!first) {
			g_hash_table_insert(section->keys, (void *)value->text, GSIZE_TO_POINTER(entry + 1));
			continue;
		}
		const struct config_place *place =
		    &g_array_index(loader->source.lines, struct config_place,
				   config_section_value(section, first - 1, section->key)->line - 1);
		config_report_line(&loader->report, value->line,
				   "%s[%zu].%s is \"%s\" a second time; the first is in %s:%u", section->group, entry,
				   name, value->text, (const char *)loader->source.files->pdata[place->file],
				   place->line);
	}
}

static void read_list(struct loader *loader, struct config_section *section, const config_setting_t *setting)
{
	uint32_t line = config_setting_source_line(setting);
	bool is_empty_array = config_setting_type(setting) == CONFIG_TYPE_ARRAY && !config_setting_length(setting);
	if (config_setting_type(setting) != CONFIG_TYPE_LIST && !is_empty_array) {
		config_report_line(&loader->report, line, "%s wants a list of groups: %s : ( { ... }, { ... } );",
				   section->group, section->group);
		return;
	}
	size_t n = config_setting_length(setting);
	if (n > CONFIG_ENTRIES_MAX) {
		config_report_line(&loader->report, line, "%s has %zu entries; at most %d are possible", section->group,
				   n, CONFIG_ENTRIES_MAX);
		return;
	}
	config_section_resize(section, n);
	for (size_t i = 0; i < n; i++) {
		const config_setting_t *entry = config_setting_get_elem(setting, i);
		if (config_setting_is_group(entry)) {
			read_entry(loader, section, i, entry);
			finish_entry(loader, section, i);
			continue;
		}
		section->entry_lines[i] = config_setting_source_line(entry);
		config_report_line(&loader->report, section->entry_lines[i], "%s[%zu] wants a group: { ... }",
				   section->group, i);
		for (guint option = 0; option < section->options->len; option++)
			config_apply_fallback(loader->snapshot, section->options->pdata[option],
					      config_section_value(section, i, option));
	}
	read_keys(loader, section);
}

static void read_section(struct loader *loader, struct config_section *section, const config_setting_t *root)
{
	bool is_top = !*section->group;
	const config_setting_t *setting = is_top ? root : config_setting_get_member(root, section->group);
	section->is_written = setting != NULL;
	if (section->shape == CONFIG_LIST) {
		if (setting)
			read_list(loader, section, setting);
		return;
	}
	config_section_resize(section, 1);
	if (setting && config_setting_is_group(setting))
		read_entry(loader, section, 0, setting);
	else if (setting)
		config_report_line(&loader->report, config_setting_source_line(setting),
				   "%s wants a group: %s : { ... };", section->group, section->group);
	if (is_top)
		section->entry_lines[0] = 0;
	finish_entry(loader, section, 0);
}

/* Top-level names are looked at by the section ""; where no table has one, here. */
static void report_unknown_groups(struct loader *loader, const config_setting_t *root)
{
	if (config_snapshot_section(loader->snapshot, ""))
		return;
	int n = config_setting_length(root);
	for (int i = 0; i < n; i++) {
		const config_setting_t *setting = config_setting_get_elem(root, i);
		if (!config_snapshot_section(loader->snapshot, config_setting_name(setting)))
			report_unknown(loader, NULL, 0, config_setting_name(setting),
				       config_setting_source_line(setting));
	}
}

static void report_syntax(struct loader *loader, const config_t *parsed)
{
	const char *text = config_error_text(parsed) ? config_error_text(parsed) : "syntax error";
	const char *hint = "";
	if (!strcmp(text, "duplicate setting name"))
		hint = ": an option or group is written twice in the same group";
	else if (!strcmp(text, "mismatched element type in array"))
		hint = ": the values between [ ] must all be of one type";
	else if (!strcmp(text, "syntax error"))
		hint = ": options are written name = value; groups name : { ... }; lists name : ( ... ). Look here and "
		       "at the line before "
		       "for a missing quote, sign or comma";
	config_report_line(&loader->report, config_error_line(parsed), "%s%s", text, hint);
}

static void parse(struct loader *loader)
{
	config_t parsed;
	config_init(&parsed);
	config_set_include_dir(&parsed,
			       "/dev/null"); /* included files are in the text already; there is nothing to open */
	__lsan_disable();
	bool is_parsed = config_read_string(&parsed, loader->source.text->str);
	__lsan_enable();
	if (!is_parsed) {
		report_syntax(loader, &parsed);
		config_destroy(&parsed);
		return;
	}
	const config_setting_t *root = config_root_setting(&parsed);
	loader->report.snapshot = loader->snapshot;
	loader->report.warnings = loader->snapshot->warnings;
	report_unknown_groups(loader, root);
	for (guint i = 0; i < loader->snapshot->sections->len; i++)
		read_section(loader, loader->snapshot->sections->pdata[i], root);
	config_destroy(&parsed);
	for (size_t i = 0; loader->snapshot->tables[i]; i++)
		if (loader->snapshot->tables[i]->check)
			loader->snapshot->tables[i]->check(loader->snapshot, &loader->report);
}

int config_load_text(const char *name, const char *text, size_t length, const struct config_table *const *tables,
		     struct config_snapshot **ret_snapshot, struct config_errors **ret_errors)
{
	struct loader loader = {.report.source = &loader.source, .report.errors = config_errors_new()};
	config_source_init(&loader.source, name);
	int result = config_source_read(&loader.source, text, length, &loader.report);
	if (result < 0) {
		config_report_line(&loader.report, 0, "cannot be read: %s", g_strerror(-result));
	} else if (config_report_is_clean(&loader.report)) {
		loader.snapshot = config_snapshot_new(tables, loader.source.directory);
		parse(&loader);
	}
	if (!result && !config_report_is_clean(&loader.report))
		result = -EINVAL;
	if (!result) {
		*ret_snapshot = g_steal_pointer(&loader.snapshot);
		loader.report.errors = config_errors_free(loader.report.errors);
	} else {
		config_errors_sort(loader.report.errors);
		*ret_errors = loader.report.errors;
	}
	config_unref(loader.snapshot);
	config_source_clear(&loader.source);
	return result;
}

int config_load(const char *path, const struct config_table *const *tables, struct config_snapshot **ret_snapshot,
		struct config_errors **ret_errors)
{
	return config_load_text(path, NULL, 0, tables, ret_snapshot, ret_errors);
}
