#include "config/internal.h"
#include <string.h>

struct config_error {
	uint32_t line;
	uint32_t order;
	char *text;
};

struct config_errors {
	GArray *errors; /* struct config_error */
	size_t n_left_out;
	char *last_line;
};

struct config_errors *config_errors_new(void)
{
	struct config_errors *errors = g_new0(struct config_errors, 1);
	errors->errors = g_array_new(FALSE, FALSE, sizeof(struct config_error));
	return errors;
}

struct config_errors *config_errors_free(struct config_errors *errors)
{
	if (!errors)
		return NULL;
	for (guint i = 0; i < errors->errors->len; i++)
		g_free(g_array_index(errors->errors, struct config_error, i).text);
	g_array_free(errors->errors, TRUE);
	g_free(errors->last_line);
	g_free(errors);
	return NULL;
}

static int compare_errors(const void *a, const void *b)
{
	const struct config_error *left = a, *right = b;
	if (left->line != right->line)
		return left->line < right->line ? -1 : 1;
	return left->order < right->order ? -1 : left->order > right->order;
}

void config_errors_sort(struct config_errors *errors)
{
	g_array_sort(errors->errors, compare_errors);
	if (errors->n_left_out && !errors->last_line)
		errors->last_line = g_strdup_printf("and %zu mistakes more", errors->n_left_out);
}

size_t config_errors_count(const struct config_errors *errors)
{
	return errors->errors->len + (errors->last_line != NULL);
}

const char *config_errors_line(const struct config_errors *errors, size_t index)
{
	if (index < errors->errors->len)
		return g_array_index(errors->errors, struct config_error, index).text;
	return index == errors->errors->len ? errors->last_line : NULL;
}

/* With the place in front. A new string. */
static char *place_line(const struct config_source *source, uint32_t line, const char *text)
{
	if (!line || line > source->lines->len)
		return g_strdup_printf("%s: %s", source->name, text);
	const struct config_place *place = &g_array_index(source->lines, struct config_place, line - 1);
	return g_strdup_printf("%s:%u: %s", (const char *)source->files->pdata[place->file], place->line, text);
}

static void report(struct config_report *report, uint32_t line, const char *text)
{
	struct config_errors *errors = report->errors;
	if (errors->errors->len >= CONFIG_ERRORS_MAX) {
		errors->n_left_out++;
		return;
	}
	struct config_error error = {.line = line, .order = errors->errors->len};
	error.text = place_line(report->source, line, text);
	g_array_append_val(errors->errors, error);
}

void config_report_line(struct config_report *to, uint32_t line, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	report(to, line, text);
}

bool config_report_is_clean(const struct config_report *report)
{
	return report->errors->errors->len == 0;
}

/* The line of the option, or of its entry. */
static uint32_t line_of(const struct config_report *report, const char *group, size_t index, const char *name)
{
	const struct config_section *section = config_snapshot_section(report->snapshot, group);
	ssize_t option = section && name ? config_section_option(section, name) : -1;
	if (!section || index >= section->n_entries)
		return 0;
	uint32_t line = option >= 0 ? config_section_value(section, index, option)->line : 0;
	return line ? line : section->entry_lines[index];
}

/* "trunks[0].peer holds ...". A new string. */
__attribute__((format(printf, 5, 0))) static char *text_about(const struct config_report *report, const char *group,
							      size_t index, const char *name, const char *format,
							      va_list arguments)
{
	const struct config_section *section = config_snapshot_section(report->snapshot, group);
	GString *text = g_string_new(group);
	if (section && section->shape == CONFIG_LIST)
		g_string_append_printf(text, "[%zu]", index);
	if (name)
		g_string_append_printf(text, "%s%s", text->len ? "." : "", name);
	g_string_append(text, text->len ? " " : "");
	g_string_append_vprintf(text, format, arguments);
	return g_string_free(text, FALSE);
}

void config_complain(struct config_report *to, const char *group, size_t index, const char *name, const char *format,
		     ...)
{
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *text = text_about(to, group, index, name, format, arguments);
	va_end(arguments);
	report(to, line_of(to, group, index, name), text);
}

void config_warn(struct config_report *to, const char *group, size_t index, const char *name, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *text = text_about(to, group, index, name, format, arguments);
	va_end(arguments);
	if (to->warnings->len <= CONFIG_ERRORS_MAX)
		g_ptr_array_insert(to->warnings, (int)to->warnings->len - 1,
				   place_line(to->source, line_of(to, group, index, name), text));
}

void config_check_encodings(const struct config_snapshot *snapshot, struct config_report *report, const char *group, size_t index,
			    const char *name)
{
	const char *const *encodings = config_strings(snapshot, group, index, name);
	for (size_t i = 0; encodings[i]; i++) {
		if (!base_is_plain_name(encodings[i]))
			config_complain(report, group, index, name,
					"holds a name that is no encoding name: write them as ( \"PCMA\", \"PCMU\" )");
		for (size_t k = 0; k < i; k++)
			if (!g_ascii_strcasecmp(encodings[i], encodings[k]))
				config_complain(report, group, index, name, "names %s twice", encodings[i]);
	}
}
