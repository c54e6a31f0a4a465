/* The configuration: a libconfig file read by option tables into an immutable snapshot.
 *
 * Every option is a row in a table of the room that uses it; the daemon hands all tables to config_load(), so that this
 * room knows no option by name. Tables of several rooms may add rows to one group. A snapshot never changes and is
 * reference counted: a reload makes a new one. Loading is done by one thread at a time; snapshots are for any thread.
 */
#pragma once
#include "base/base.h"

#define CONFIG_FILE_BYTES_MAX	 (1 << 20)  /* of one file */
#define CONFIG_TOTAL_BYTES_MAX	 (16 << 20) /* with all included files */
#define CONFIG_FILES_MAX	 64
#define CONFIG_INCLUDE_DEPTH_MAX 8
#define CONFIG_ENTRIES_MAX	 100000 /* of a list of groups */
#define CONFIG_ITEMS_MAX	 256	/* of a list option */
#define CONFIG_STRING_BYTES_MAX	 4096
#define CONFIG_ERRORS_MAX	 200 /* kept of one file; the rest is only counted */

struct config_snapshot;
struct config_errors;
struct config_report;

enum config_type {
	CONFIG_STRING,
	CONFIG_PATH,	/* a file or folder; a relative one is meant from the folder of the configuration file */
	CONFIG_INTEGER, /* between min and max; the unit is part of the option's name */
	CONFIG_BOOLEAN,
	CONFIG_ENUM,	   /* one of `names` */
	CONFIG_PORT_RANGE, /* "20000-39999" */
	CONFIG_ADDRESS,	   /* a literal IPv4 or IPv6 address without port and brackets */
	CONFIG_ENDPOINT, /* "0.0.0.0:8443", "[::]:8443"; "udp:0.0.0.0:5060" with one of `names` before it, if there are
			    names */
};

/* Values that stand in an entry of a list where it writes nothing itself: `text` as in the file, between the entry's braces. */
struct config_preset {
	const char *name, *text;
};

/* A row. All texts are static. */
struct config_option {
	const char *name;
	enum config_type type;
	bool is_list;	  /* any number of values; a single one may be written without parentheses */
	bool is_required; /* no default and not to be left out (in a list of groups: of each entry) */
	bool is_secret;	  /* of CONFIG_STRING: the value is never printed, and may be elsewhere: NAME_file and NAME_env come of
			   * themselves; getters and checks know NAME alone */
	bool is_key; /* no two entries of the list may have the same; config_find() finds by it. One row a group. */
	int64_t min, max;	  /* of an integer; of a string's length in bytes (max 0: CONFIG_STRING_BYTES_MAX) */
	const char *const *names; /* NULL-terminated: of an enum, or the words an endpoint may begin with */
	const char *fallback; /* the default as one would write it without quotes; items of a list between commas; NULL:
				 unset */
	const char *help;     /* one sentence */
	/* Of a CONFIG_STRING in a list of groups: the value names one of these, ended by one without name. One row a group. */
	const struct config_preset *presets;
};

enum config_shape {
	CONFIG_GROUP, /* web : { ... }; */
	CONFIG_LIST,  /* users : ( { ... }, { ... } ); */
};

struct config_table {
	const char *group; /* "web", "users"; "" is the top level */
	enum config_shape shape;
	const struct config_option *options; /* ended by a row without name */
	/* Called once, after every table has been read; NULL: none. May look at every group, where all values have
	 * their type and range (the wrong ones their defaults), and reports what is wrong with config_complain(). */
	void (*check)(const struct config_snapshot *snapshot, struct config_report *report);
};

/* Reads and checks a file. `tables` is NULL-terminated and must outlive the snapshot, as static data does.
 * 0; or -errno when the file cannot be read, -EINVAL when it holds mistakes: then *ret_errors, which is only written on
 * failure, holds at least one line and is to be freed. */
int config_load(const char *path, const struct config_table *const *tables, struct config_snapshot **ret_snapshot,
		struct config_errors **ret_errors);
/* The same from text, for tests. `name` stands for the file name in messages; @include and relative paths are meant
 * from the folder `name` is in. */
int config_load_text(const char *name, const char *text, size_t length, const struct config_table *const *tables,
		     struct config_snapshot **ret_snapshot, struct config_errors **ret_errors);

/* Every mistake as a line for people, in the order of the file: "tandem.conf:12: users[3].pasword is not known; is
 * \"password\" meant?" */
size_t config_errors_count(const struct config_errors *errors);
const char *config_errors_line(const struct config_errors *errors, size_t index);
struct config_errors *config_errors_free(struct config_errors *errors); /* accepts NULL; returns NULL */

/* For checks: one mistake, at the line of the option (of the entry where it is not written). `group`, `index` and
 * `name` as in the getters; `name` NULL: the entry itself. The message begins with the option's name, then `format`. */
void config_complain(struct config_report *report, const char *group, size_t index, const char *name,
		     const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The same for what may stand but should be thought over. */
void config_warn(struct config_report *report, const char *group, size_t index, const char *name, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
/* Complains of what is no encoding name of codecs (RFC 8866, section 6.6), or stands there twice, in a list of them. */
void config_check_encodings(const struct config_snapshot *snapshot, struct config_report *report, const char *group, size_t index,
			    const char *name);
/* The warnings of a snapshot, as lines for people; NULL-terminated. They live as long as it does. */
const char *const *config_warnings(const struct config_snapshot *snapshot);

struct config_snapshot *config_ref(const struct config_snapshot *snapshot);
struct config_snapshot *config_unref(struct config_snapshot *snapshot); /* accepts NULL; returns NULL */

/* Entries of a list of groups; 1 for a group, written or not; 0 for a group that no table has. */
size_t config_count(const struct config_snapshot *snapshot, const char *group);
/* The entry whose key is `value`; -1: none. */
ssize_t config_find(const struct config_snapshot *snapshot, const char *group, const char *value);

/* The getters. `index` is 0 for groups and the top level (""). To ask for an option that no table has, with the wrong
 * type, or past the end is a mistake of the program and ends it. Texts live as long as the snapshot. */
/* Of CONFIG_STRING, PATH (made absolute), ENUM, ADDRESS, ENDPOINT; NULL: unset. */
const char *config_string(const struct config_snapshot *snapshot, const char *group, size_t index, const char *name);
/* Unset: 0. */
int64_t config_integer(const struct config_snapshot *snapshot, const char *group, size_t index, const char *name);
/* Unset: false. */
bool config_boolean(const struct config_snapshot *snapshot, const char *group, size_t index, const char *name);
/* The place in `names`; -1: unset. */
int config_enum(const struct config_snapshot *snapshot, const char *group, size_t index, const char *name);
/* Both inclusive. False: unset. */
bool config_port_range(const struct config_snapshot *snapshot, const char *group, size_t index, const char *name,
		       uint16_t *ret_first, uint16_t *ret_last);
/* The texts of a list option, NULL-terminated, never NULL itself. */
const char *const *config_strings(const struct config_snapshot *snapshot, const char *group, size_t index,
				  const char *name);
/* Whether the file says it; false where the default stands. */
bool config_is_written(const struct config_snapshot *snapshot, const char *group, size_t index, const char *name);

/* Whether it has a value at all, from the file, a preset or by default. */
bool config_is_set(const struct config_snapshot *snapshot, const char *group, size_t index, const char *name);

/* Whether two entries (of one snapshot or two, with the same tables) hold the same values. */
bool config_entry_equal(const struct config_snapshot *a, size_t index_a, const struct config_snapshot *b,
			size_t index_b, const char *group);
/* The groups that are not the same in both, NULL-terminated; to be freed with g_free(). The names are the tables'. */
const char **config_diff(const struct config_snapshot *old_snapshot, const struct config_snapshot *new_snapshot);

/* All options with type, default and help as text for people (`tandem --options`); a new string. */
char *config_describe(const struct config_table *const *tables);
/* All presets with what stands in them (`tandem --presets`); a new string. */
char *config_describe_presets(const struct config_table *const *tables);
