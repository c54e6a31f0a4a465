/* Every secret option has two others beside it, made here: NAME_file and NAME_env say where the value is when it does not stand in the
 * configuration. Whoever asks for NAME does not see where it came from. */
#include "config/internal.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct config_option *row_beside(struct config_section *section, const struct config_option *secret, const char *ending,
					enum config_type type)
{
	struct config_option *row = g_new0(struct config_option, 1);
	row->name = g_strdup_printf("%s_%s", secret->name, ending);
	row->type = type;
	row->min = 1;
	g_ptr_array_add(section->generated, (char *)row->name);
	g_ptr_array_add(section->generated, row);
	return row;
}

void config_secret_add_rows(struct config_section *section, const struct config_option *secret)
{
	config_section_add_option(section, row_beside(section, secret, CONFIG_SECRET_FILE, CONFIG_PATH));
	config_section_add_option(section, row_beside(section, secret, CONFIG_SECRET_ENV, CONFIG_STRING));
}

/* The first line of a small file. NULL, or what is wrong: a new string. */
static char *read_line(const char *path, char *line, size_t size, bool *ret_is_public)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &status) < 0) {
		char *problem = g_strdup_printf("cannot be read: %s: %s", path, g_strerror(errno));
		if (fd >= 0)
			close(fd);
		return problem;
	}
	ssize_t length = S_ISREG(status.st_mode) ? read(fd, line, size - 1) : -1;
	close(fd);
	if (length < 0)
		return g_strdup_printf("is no file that can be read: %s", path);
	line[length] = '\0';
	*ret_is_public = status.st_mode & S_IROTH;
	size_t end = strcspn(line, "\r\n");
	const char *rest = line + end + strspn(line + end, "\r\n");
	if (strlen(line) != (size_t)length || *rest || (size_t)length == size - 1)
		return g_strdup_printf("wants a file of one short line: %s", path);
	line[end] = '\0';
	return NULL;
}

static struct config_value *place_of(const struct config_section *section, size_t entry, guint i)
{
	return config_section_value(section, entry, i);
}

/* Takes the value to where it belongs. */
static char *take(struct config_snapshot *snapshot, struct config_section *section, size_t entry, guint i,
		  const struct config_value *from, const char *text)
{
	struct config_value *value = place_of(section, entry, i);
	struct config_raw raw = {.kind = CONFIG_RAW_TEXT, .text = text};
	value->is_written = true;
	value->line = from->line;
	return config_convert(snapshot, section->options->pdata[i], &raw, value);
}

static char *take_from_file(struct config_snapshot *snapshot, struct config_section *section, size_t entry, guint i,
			    struct config_report *report)
{
	const struct config_value *from = place_of(section, entry, i + 1);
	char line[CONFIG_STRING_BYTES_MAX + 4];
	bool is_public = false;
	char *problem = read_line(from->text, line, sizeof line, &is_public);
	if (!problem)
		problem = take(snapshot, section, entry, i, from, line);
	if (is_public)
		config_warn(report, section->group, entry, ((const struct config_option *)section->options->pdata[i + 1])->name,
			    "names a file that everybody on this machine can read (chmod o-r): %s", from->text);
	explicit_bzero(line, sizeof line);
	return problem;
}

static char *take_from_environment(struct config_snapshot *snapshot, struct config_section *section, size_t entry, guint i)
{
	const struct config_value *from = place_of(section, entry, i + 2);
	const char *text = getenv(from->text);
	return text ? take(snapshot, section, entry, i, from, text)
		    : g_strdup_printf("names %s, which the environment does not have", from->text);
}

void config_secret_read(struct config_snapshot *snapshot, struct config_section *section, size_t entry, guint i,
			struct config_report *report)
{
	const struct config_option *secret = section->options->pdata[i];
	bool is_here = place_of(section, entry, i)->is_written;
	bool has_file = place_of(section, entry, i + 1)->is_set, has_env = place_of(section, entry, i + 2)->is_set;
	if (!has_file && !has_env)
		return;
	guint beside = i + (has_file ? 1 : 2);
	const char *name = ((const struct config_option *)section->options->pdata[beside])->name;
	g_autofree char *problem = NULL;
	if (is_here || (has_file && has_env))
		problem = g_strdup_printf("is one place too many for %s", secret->name);
	else if (has_file)
		problem = take_from_file(snapshot, section, entry, i, report);
	else
		problem = take_from_environment(snapshot, section, entry, i);
	if (problem)
		config_complain(report, section->group, entry, name, "%s", problem);
}
