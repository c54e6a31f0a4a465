#include "config/internal.h"
#include <string.h>

static void section_free(void *data)
{
	struct config_section *section = data;
	g_ptr_array_free(section->options, TRUE);
	g_hash_table_destroy(section->by_name);
	g_ptr_array_free(section->generated, TRUE);
	g_free(section->values);
	g_free(section->entry_lines);
	if (section->keys)
		g_hash_table_destroy(section->keys);
	g_free(section);
}

struct config_section *config_snapshot_section(const struct config_snapshot *snapshot, const char *group)
{
	return g_hash_table_lookup(snapshot->by_group, group);
}

void config_section_add_option(struct config_section *section, const struct config_option *option)
{
	g_hash_table_insert(section->by_name, (void *)option->name, GUINT_TO_POINTER(section->options->len));
	g_ptr_array_add(section->options, (void *)option);
}

ssize_t config_section_option(const struct config_section *section, const char *name)
{
	void *place;
	return g_hash_table_lookup_extended(section->by_name, name, NULL, &place) ? (ssize_t)GPOINTER_TO_UINT(place) : -1;
}

struct config_value *config_section_value(const struct config_section *section, size_t entry, size_t option)
{
	return &section->values[entry * section->options->len + option];
}

void config_section_resize(struct config_section *section, size_t n_entries)
{
	g_free(section->values);
	g_free(section->entry_lines);
	section->n_entries = n_entries;
	section->values = g_new0(struct config_value, n_entries * section->options->len + 1);
	section->entry_lines = g_new0(uint32_t, n_entries + 1);
	for (size_t i = 0; i < n_entries * section->options->len; i++)
		section->values[i].word = -1;
}

static void add_table(struct config_snapshot *snapshot, const struct config_table *table)
{
	struct config_section *section = config_snapshot_section(snapshot, table->group);
	if (!section) {
		section = g_new0(struct config_section, 1);
		section->group = table->group;
		section->shape = table->shape;
		section->options = g_ptr_array_new();
		section->by_name = g_hash_table_new(g_str_hash, g_str_equal);
		section->generated = g_ptr_array_new_with_free_func(g_free);
		section->key = -1;
		g_ptr_array_add(snapshot->sections, section);
		g_hash_table_insert(snapshot->by_group, (void *)section->group, section);
	}
	if (section->shape != table->shape)
		g_error("two tables disagree on the shape of \"%s\"", table->group);
	for (const struct config_option *option = table->options; option->name; option++) {
		if (config_section_option(section, option->name) >= 0)
			g_error("two tables have option \"%s\" of \"%s\"", option->name, table->group);
		if (option->is_key)
			section->key = section->options->len;
		config_section_add_option(section, option);
		if (option->is_secret)
			config_secret_add_rows(section, option);
	}
}

struct config_snapshot *config_snapshot_new(const struct config_table *const *tables, const char *directory)
{
	struct config_snapshot *snapshot = g_new0(struct config_snapshot, 1);
	snapshot->references = 1;
	snapshot->tables = tables;
	snapshot->directory = g_strdup(directory);
	snapshot->sections = g_ptr_array_new_with_free_func(section_free);
	snapshot->by_group = g_hash_table_new(g_str_hash, g_str_equal);
	snapshot->texts = g_string_chunk_new(4096);
	snapshot->lists = g_ptr_array_new_with_free_func(g_free);
	snapshot->warnings = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(snapshot->warnings, NULL);
	for (size_t i = 0; tables[i]; i++)
		add_table(snapshot, tables[i]);
	return snapshot;
}

struct config_snapshot *config_ref(const struct config_snapshot *snapshot)
{
	struct config_snapshot *counted = (struct config_snapshot *)snapshot; /* only the count ever changes */
	g_atomic_int_inc(&counted->references);
	return counted;
}

struct config_snapshot *config_unref(struct config_snapshot *snapshot)
{
	if (!snapshot || !g_atomic_int_dec_and_test(&snapshot->references))
		return NULL;
	g_hash_table_destroy(snapshot->by_group);
	g_ptr_array_free(snapshot->sections, TRUE);
	g_string_chunk_free(snapshot->texts);
	g_ptr_array_free(snapshot->lists, TRUE);
	g_ptr_array_free(snapshot->warnings, TRUE);
	g_free(snapshot->directory);
	g_free(snapshot);
	return NULL;
}

const char *const *config_warnings(const struct config_snapshot *snapshot)
{
	return (const char *const *)snapshot->warnings->pdata;
}

size_t config_count(const struct config_snapshot *snapshot, const char *group)
{
	const struct config_section *section = config_snapshot_section(snapshot, group);
	return section ? section->n_entries : 0;
}

ssize_t config_find(const struct config_snapshot *snapshot, const char *group, const char *value)
{
	const struct config_section *section = config_snapshot_section(snapshot, group);
	if (!section || !section->keys)
		return -1;
	return (ssize_t)GPOINTER_TO_SIZE(g_hash_table_lookup(section->keys, value)) - 1;
}

#define TYPE(type)   (1u << (type))
#define TEXT_TYPES (TYPE(CONFIG_STRING) | TYPE(CONFIG_PATH) | TYPE(CONFIG_ENUM) | TYPE(CONFIG_ADDRESS) | TYPE(CONFIG_ENDPOINT))

static const struct config_value *get(const struct config_snapshot *snapshot, const char *group, size_t index,
				      const char *name, const struct config_option **ret_option)
{
	const struct config_section *section = config_snapshot_section(snapshot, group);
	ssize_t option = section ? config_section_option(section, name) : -1;
	if (option < 0)
		g_error("no table has option \"%s\" of \"%s\"", name, group);
	if (index >= section->n_entries)
		g_error("\"%s\" has only %zu entries", group, section->n_entries);
	*ret_option = section->options->pdata[option];
	return config_section_value(section, index, option);
}

static const struct config_value *get_of_type(const struct config_snapshot *snapshot, const char *group, size_t index,
					      const char *name, bool is_list, unsigned types)
{
	const struct config_option *option;
	const struct config_value *value = get(snapshot, group, index, name, &option);
	if (!(TYPE(option->type) & types) || option->is_list != is_list)
		g_error("option \"%s\" of \"%s\" is of another type", name, group);
	return value;
}

const char *config_string(const struct config_snapshot *snapshot, const char *group, size_t index, const char *name)
{
	return get_of_type(snapshot, group, index, name, false, TEXT_TYPES)->text;
}

int64_t config_integer(const struct config_snapshot *snapshot, const char *group, size_t index, const char *name)
{
	return get_of_type(snapshot, group, index, name, false, TYPE(CONFIG_INTEGER))->integer;
}

bool config_boolean(const struct config_snapshot *snapshot, const char *group, size_t index, const char *name)
{
	return get_of_type(snapshot, group, index, name, false, TYPE(CONFIG_BOOLEAN))->boolean;
}

int config_enum(const struct config_snapshot *snapshot, const char *group, size_t index, const char *name)
{
	return get_of_type(snapshot, group, index, name, false, TYPE(CONFIG_ENUM))->word;
}

bool config_port_range(const struct config_snapshot *snapshot, const char *group, size_t index, const char *name,
		       uint16_t *ret_first, uint16_t *ret_last)
{
	const struct config_value *value = get_of_type(snapshot, group, index, name, false, TYPE(CONFIG_PORT_RANGE));
	if (!value->is_set)
		return false;
	*ret_first = value->first;
	*ret_last = value->last;
	return true;
}

const char *const *config_strings(const struct config_snapshot *snapshot, const char *group, size_t index,
				  const char *name)
{
	return (const char *const *)get_of_type(snapshot, group, index, name, true, TEXT_TYPES)->texts;
}

bool config_is_written(const struct config_snapshot *snapshot, const char *group, size_t index, const char *name)
{
	const struct config_option *option;
	return get(snapshot, group, index, name, &option)->is_written;
}

bool config_is_set(const struct config_snapshot *snapshot, const char *group, size_t index, const char *name)
{
	const struct config_option *option;
	return get(snapshot, group, index, name, &option)->is_set;
}

static bool value_equal(const struct config_option *option, const struct config_value *a, const struct config_value *b)
{
	if (a->is_set != b->is_set)
		return false;
	if (!a->is_set)
		return true;
	if (option->is_list)
		return g_strv_equal(a->texts, b->texts);
	switch (option->type) {
	case CONFIG_INTEGER:
		return a->integer == b->integer;
	case CONFIG_BOOLEAN:
		return a->boolean == b->boolean;
	case CONFIG_PORT_RANGE:
		return a->first == b->first && a->last == b->last;
	default:
		return !strcmp(a->text, b->text);
	}
}

bool config_entry_equal(const struct config_snapshot *a, size_t index_a, const struct config_snapshot *b,
			size_t index_b, const char *group)
{
	const struct config_section *left = config_snapshot_section(a, group),
				    *right = config_snapshot_section(b, group);
	if (!left || !right || left->options->len != right->options->len || index_a >= left->n_entries ||
	    index_b >= right->n_entries)
		return false;
	for (guint i = 0; i < left->options->len; i++)
		if (!value_equal(left->options->pdata[i], config_section_value(left, index_a, i),
				 config_section_value(right, index_b, i)))
			return false;
	return true;
}

const char **config_diff(const struct config_snapshot *old_snapshot, const struct config_snapshot *new_snapshot)
{
	GPtrArray *changed = g_ptr_array_new();
	for (guint i = 0; i < new_snapshot->sections->len; i++) {
		const struct config_section *section = new_snapshot->sections->pdata[i];
		bool is_same = config_count(old_snapshot, section->group) == section->n_entries;
		for (size_t entry = 0; is_same && entry < section->n_entries; entry++)
			is_same = config_entry_equal(old_snapshot, entry, new_snapshot, entry, section->group);
		if (!is_same)
			g_ptr_array_add(changed, (void *)section->group);
	}
	g_ptr_array_add(changed, NULL);
	return (const char **)g_ptr_array_free(changed, FALSE);
}
