/* What the files of this room share; nobody else's. */
#pragma once
#include "config/config.h"

#define CONFIG_NESTING_MAX 16
#define CONFIG_MEMBERS_MAX 1000 /* of one group: libconfig looks for duplicates one by one */

/* The text of a file with its included ones put in place, and where each line of it came from. */
struct config_source {
	char *name;	 /* of the main file, as it was given */
	char *directory; /* real path of its folder; NULL when that does not exist */
	GString *text;
	GArray *lines;	  /* struct config_place, by line - 1 */
	GPtrArray *files; /* char *: names, by place.file */
};

struct config_place {
	uint16_t file;
	uint32_t line;
};

struct config_report {
	const struct config_source *source;
	const struct config_snapshot *snapshot; /* while checks run */
	struct config_errors *errors;
	GPtrArray *warnings; /* char *; the snapshot's */
};

void config_source_init(struct config_source *source, const char *name);
/* Puts the whole together; mistakes (of the include lines, of quotes and brackets) are reported. 0 or -errno of
 * reading the main file. With `text` NULL the file is read. */
int config_source_read(struct config_source *source, const char *text, size_t length, struct config_report *report);
void config_source_clear(struct config_source *source);

struct config_errors *config_errors_new(void);
/* `line` counts in the joined text; 0: the file as a whole. */
void config_report_line(struct config_report *report, uint32_t line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool config_report_is_clean(const struct config_report *report);
void config_errors_sort(struct config_errors *errors);

struct config_value {
	union {
		const char *text;
		int64_t integer;
		bool boolean;
		const char **texts;
		struct {
			uint16_t first, last;
		};
	};
	int word; /* of an enum: the place in names */
	bool is_set;
	bool is_written;
	uint32_t line; /* 0: not written */
};

/* One group of all tables that name it. */
struct config_section {
	const char *group;
	enum config_shape shape;
	GPtrArray *options; /* const struct config_option * */
	GHashTable *by_name; /* name of an option to its place in them */
	GPtrArray *generated; /* those of them that no table has, and their names; owned */
	bool is_written;
	uint32_t line;
	size_t n_entries;
	struct config_value *values; /* n_entries times options->len */
	uint32_t *entry_lines;
	ssize_t key;	  /* the option that is the key; -1 */
	GHashTable *keys; /* text to entry + 1 */
};

struct config_snapshot {
	gint references;
	const struct config_table *const *tables;
	char *directory; /* that relative paths are meant from */
	GPtrArray *sections;
	GHashTable *by_group; /* of the sections */
	GStringChunk *texts;
	GPtrArray *lists; /* const char ** of list options */
	GPtrArray *warnings; /* char *, and a NULL at the end */
};

struct config_snapshot *config_snapshot_new(const struct config_table *const *tables, const char *directory);
/* NULL: no table has it. */
struct config_section *config_snapshot_section(const struct config_snapshot *snapshot, const char *group);
void config_section_add_option(struct config_section *section, const struct config_option *option); /* borrowed */
ssize_t config_section_option(const struct config_section *section, const char *name);
struct config_value *config_section_value(const struct config_section *section, size_t entry, size_t option);
/* Makes room for the entries, every value unset. */
void config_section_resize(struct config_section *section, size_t n_entries);

/* --- secret.c: where secrets are that do not stand in the configuration --- */
#define CONFIG_SECRET_FILE "file"
#define CONFIG_SECRET_ENV  "env"
/* The rows behind a secret one. */
void config_secret_add_rows(struct config_section *section, const struct config_option *secret);
/* Reads the i-th option of an entry, a secret one, from the place that one of the rows behind it names, if any. */
void config_secret_read(struct config_snapshot *snapshot, struct config_section *section, size_t entry, guint i,
			struct config_report *report);

/* A value as it stands in the file or in a table's default. */
struct config_raw {
	enum { CONFIG_RAW_TEXT, CONFIG_RAW_INTEGER, CONFIG_RAW_BOOLEAN, CONFIG_RAW_OTHER } kind;
	const char *text; /* of OTHER: what it is, in words */
	int64_t integer;
};

/* NULL and the value set; or what is wanted instead, in words: a new string. */
char *config_convert(struct config_snapshot *snapshot, const struct config_option *option, const struct config_raw *raw,
		     struct config_value *value);
/* *ret_wrong: which of them the words are about. */
char *config_convert_list(struct config_snapshot *snapshot, const struct config_option *option,
			  const struct config_raw *raws, size_t n_raws, struct config_value *value, size_t *ret_wrong);
/* Sets the table's default; a default that cannot be read is a mistake of the program and ends it. */
void config_apply_fallback(struct config_snapshot *snapshot, const struct config_option *option,
			   struct config_value *value);
