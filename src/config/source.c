/* Reads the file and puts included files in their place. libconfig could do that itself, but it would open any path,
 * would read any amount, and of quotes and brackets that do not match it says only "syntax error". */
#include "config/internal.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum scan_state { SCAN_CODE, SCAN_TEXT, SCAN_LINE_COMMENT, SCAN_BLOCK_COMMENT };

struct bracket {
	char open;
	uint32_t line;
	uint32_t n_members;
};

struct scanner {
	struct config_source *source;
	struct config_report *report;
	enum scan_state state;
	uint32_t state_line; /* where a text or comment began */
	char last;	     /* the last character that was code and not blank */
	size_t depth;
	struct bracket brackets[CONFIG_NESTING_MAX + 1]; /* [0] is the file itself */
	unsigned include_depth;
	bool is_stopped;
};

void config_source_init(struct config_source *source, const char *name)
{
	g_autofree char *folder = g_path_get_dirname(name);
	*source = (struct config_source){
	    .name = g_strdup(name),
	    .directory = realpath(folder, NULL),
	    .text = g_string_new(NULL),
	    .lines = g_array_new(FALSE, FALSE, sizeof(struct config_place)),
	    .files = g_ptr_array_new_with_free_func(g_free),
	};
}

void config_source_clear(struct config_source *source)
{
	g_free(source->name);
	free(source->directory);
	g_string_free(source->text, TRUE);
	g_array_free(source->lines, TRUE);
	g_ptr_array_free(source->files, TRUE);
}

static int read_file(const char *path, bool must_be_regular, GString *text)
{
	int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (must_be_regular ? O_NONBLOCK : 0));
	if (descriptor < 0)
		return -errno;
	struct stat status;
	int result = fstat(descriptor, &status) < 0 ? -errno : 0;
	if (!result && S_ISDIR(status.st_mode))
		result = -EISDIR;
	if (!result && must_be_regular && !S_ISREG(status.st_mode))
		result = -ENOTSUP;
	while (!result) {
		char block[16384];
		ssize_t n = read(descriptor, block, sizeof block);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			result = -errno;
		if (n <= 0)
			break;
		if (text->len + n > CONFIG_FILE_BYTES_MAX)
			result = -EFBIG;
		else
			g_string_append_len(text, block, n);
	}
	close(descriptor);
	return result;
}

static uint32_t current_line(const struct scanner *scanner)
{
	return scanner->source->lines->len;
}

static void begin_line(struct scanner *scanner, guint file, uint32_t line)
{
	struct config_place place = {.file = file, .line = line};
	g_array_append_val(scanner->source->lines, place);
}

static void append(struct scanner *scanner, const char *text, size_t length)
{
	GString *whole = scanner->source->text;
	if (whole->len + length > CONFIG_TOTAL_BYTES_MAX) {
		config_report_line(scanner->report, current_line(scanner), "more than %d MiB with all included files",
				   CONFIG_TOTAL_BYTES_MAX >> 20);
		scanner->is_stopped = true;
		return;
	}
	g_string_append_len(whole, text, length);
}

static void open_bracket(struct scanner *scanner, char open)
{
	if (scanner->depth == CONFIG_NESTING_MAX) {
		config_report_line(scanner->report, current_line(scanner), "more than %d brackets inside each other",
				   CONFIG_NESTING_MAX);
		scanner->is_stopped = true;
		return;
	}
	scanner->brackets[++scanner->depth] = (struct bracket){.open = open, .line = current_line(scanner)};
}

static void close_bracket(struct scanner *scanner, char close)
{
	char wanted = close == '}' ? '{' : close == ')' ? '(' : '[';
	if (!scanner->depth) {
		config_report_line(scanner->report, current_line(scanner), "\"%c\" closes nothing", close);
		scanner->is_stopped = true;
		return;
	}
	const struct bracket *bracket = &scanner->brackets[scanner->depth];
	if (bracket->open != wanted) {
		const struct config_place *place =
		    &g_array_index(scanner->source->lines, struct config_place, bracket->line - 1);
		config_report_line(scanner->report, current_line(scanner),
				   "\"%c\" does not match the \"%c\" of line %u, which is still open", close,
				   bracket->open, place->line);
		scanner->is_stopped = true; /* what comes after would only be noise */
		return;
	}
	if (scanner->last == ',' && close != '}')
		config_report_line(scanner->report, current_line(scanner),
				   "the comma before \"%c\" is one too many: commas stand between values only", close);
	scanner->depth--;
}

static void scan_code(struct scanner *scanner, char c)
{
	if (strchr("{([", c))
		open_bracket(scanner, c);
	else if (strchr("})]", c))
		close_bracket(scanner, c);
	else if ((c == '=' || c == ':') && ++scanner->brackets[scanner->depth].n_members == CONFIG_MEMBERS_MAX + 1)
		config_report_line(scanner->report, current_line(scanner), "more than %d options in one group",
				   CONFIG_MEMBERS_MAX);
	if (!strchr(" \t\r\n\f", c))
		scanner->last = c;
}

/* One character in its state; returns how many characters were taken. */
static size_t scan_character(struct scanner *scanner, const char *text, size_t left)
{
	char c = text[0], next = left > 1 ? text[1] : '\0';
	switch (scanner->state) {
	case SCAN_CODE:
		if (c == '"' || (c == '/' && next == '*')) {
			scanner->state = c == '"' ? SCAN_TEXT : SCAN_BLOCK_COMMENT;
			scanner->state_line = current_line(scanner);
			scanner->last = c == '"' ? c : scanner->last;
			return c == '"' ? 1 : 2;
		}
		if (c == '#' || (c == '/' && next == '/'))
			scanner->state = SCAN_LINE_COMMENT;
		else
			scan_code(scanner, c);
		return 1;
	case SCAN_TEXT:
		if (c == '\\' && (next == '"' || next == '\\'))
			return 2;
		if (c == '"')
			scanner->state = SCAN_CODE;
		return 1;
	case SCAN_LINE_COMMENT:
		return 1;
	case SCAN_BLOCK_COMMENT:
		if (c == '*' && next == '/') {
			scanner->state = SCAN_CODE;
			return 2;
		}
		return 1;
	}
	return 1;
}

static void scan_file(struct scanner *scanner, const char *name, const char *text, size_t length);

/* The path of an include line, or NULL after reporting why not. */
static char *resolve_include(struct scanner *scanner, const char *path)
{
	uint32_t line = current_line(scanner);
	const char *folder = scanner->source->directory;
	g_auto(GStrv) parts = g_strsplit(path, "/", -1);
	if (!*path || *path == '/' || g_strv_contains((const char *const *)parts, "..")) {
		config_report_line(
		    scanner->report, line,
		    "@include wants a file in the folder of the main file, without \"..\" or a leading \"/\"");
		return NULL;
	}
	g_autofree char *joined = g_build_filename(folder ? folder : "/nonexistent", path, NULL);
	char *real = realpath(joined, NULL);
	if (!real) {
		config_report_line(scanner->report, line, "cannot include \"%s\": %s", path, g_strerror(errno));
		return NULL;
	}
	size_t n = strlen(folder);
	if (n > 1 && (strncmp(real, folder, n) != 0 || real[n] != '/')) {
		config_report_line(scanner->report, line,
				   "cannot include \"%s\": it is a link out of the folder of the main file", path);
		free(real);
		return NULL;
	}
	return real;
}

static void include(struct scanner *scanner, const char *path)
{
	uint32_t line = current_line(scanner);
	if (scanner->include_depth == CONFIG_INCLUDE_DEPTH_MAX || scanner->source->files->len == CONFIG_FILES_MAX) {
		config_report_line(scanner->report, line,
				   "too many files include each other (at most %d deep, %d in all)",
				   CONFIG_INCLUDE_DEPTH_MAX, CONFIG_FILES_MAX);
		scanner->is_stopped = true;
		return;
	}
	char *real = resolve_include(scanner, path);
	if (!real)
		return;
	g_autoptr(GString) text = g_string_new(NULL);
	int result = read_file(real, true, text);
	free(real);
	if (result < 0) {
		config_report_line(scanner->report, line, "cannot include \"%s\": %s", path, g_strerror(-result));
		return;
	}
	scanner->include_depth++;
	append(scanner, "\n", 1);
	g_autofree char *folder = g_path_get_dirname(scanner->source->name);
	g_autofree char *name = strcmp(folder, ".") != 0 ? g_build_filename(folder, path, NULL) : g_strdup(path);
	scan_file(scanner, name, text->str, text->len);
	scanner->include_depth--;
}

/* If an @include begins here, its length including the closing quote, and the path; else 0. */
static size_t match_include(const char *text, size_t left, char **ret_path)
{
	size_t i = 0;
	while (i < left && (text[i] == ' ' || text[i] == '\t'))
		i++;
	static const char word[] = "@include";
	if (left - i < sizeof word - 1 || memcmp(text + i, word, sizeof word - 1) != 0)
		return 0;
	i += sizeof word - 1;
	size_t blank = i;
	while (i < left && (text[i] == ' ' || text[i] == '\t'))
		i++;
	if (i == blank || i == left || text[i] != '"')
		return 0;
	size_t begin = ++i;
	while (i < left && text[i] != '"' && text[i] != '\n')
		i++;
	if (i == left || text[i] == '\n' || i - begin > CONFIG_STRING_BYTES_MAX)
		return 0;
	*ret_path = g_strndup(text + begin, i - begin);
	return i + 1;
}

static void report_unended(struct scanner *scanner)
{
	if (scanner->is_stopped)
		return;
	if (scanner->state == SCAN_TEXT)
		config_report_line(scanner->report, scanner->state_line,
				   "the text that begins here is not ended by a quote");
	else if (scanner->state == SCAN_BLOCK_COMMENT)
		config_report_line(scanner->report, scanner->state_line,
				   "the comment that begins here is not ended by \"*/\"");
	if (scanner->state != SCAN_CODE)
		scanner->is_stopped = true;
}

static void scan_file(struct scanner *scanner, const char *name, const char *text, size_t length)
{
	guint file = scanner->source->files->len;
	uint32_t line = 1;
	g_ptr_array_add(scanner->source->files, g_strdup(name));
	begin_line(scanner, file, line);
	bool at_start = true;
	for (size_t i = 0; i < length && !scanner->is_stopped;) {
		g_autofree char *path = NULL;
		size_t n = at_start && scanner->state == SCAN_CODE ? match_include(text + i, length - i, &path) : 0;
		at_start = false;
		if (n) {
			include(scanner, path);
			if (scanner->is_stopped)
				return;
			append(scanner, "\n", 1); /* the rest of the line, after the included ones */
			begin_line(scanner, file, line);
			i += n;
			continue;
		}
		if (text[i] == '\0') {
			config_report_line(scanner->report, current_line(scanner),
					   "a byte of value 0: this is no text file");
			scanner->is_stopped = true;
			return;
		}
		if (text[i] == '\n') {
			if (scanner->state == SCAN_LINE_COMMENT)
				scanner->state = SCAN_CODE;
			append(scanner, "\n", 1);
			begin_line(scanner, file, ++line);
			at_start = true;
			i++;
			continue;
		}
		n = scan_character(scanner, text + i, length - i);
		append(scanner, text + i, n);
		i += n;
	}
	if (scanner->state == SCAN_LINE_COMMENT)
		scanner->state = SCAN_CODE;
	report_unended(scanner);
}

int config_source_read(struct config_source *source, const char *text, size_t length, struct config_report *report)
{
	g_autoptr(GString) read = g_string_new(NULL);
	if (!text) {
		int result = read_file(source->name, false, read);
		if (result < 0)
			return result;
		text = read->str;
		length = read->len;
	} else if (length > CONFIG_FILE_BYTES_MAX) {
		return -EFBIG;
	}
	struct scanner scanner = {.source = source, .report = report};
	scan_file(&scanner, source->name, text, length);
	append(&scanner, "\n", 1);
	while (!scanner.is_stopped && scanner.depth) {
		const struct bracket *bracket = &scanner.brackets[scanner.depth--];
		config_report_line(report, bracket->line, "the \"%c\" that begins here is not closed", bracket->open);
	}
	return 0;
}
