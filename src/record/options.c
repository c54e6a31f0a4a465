#include "record/record.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const format_names[] = {[RECORD_FORMAT_WAV] = "wav", [RECORD_FORMAT_OGG] = "ogg", NULL};

static const struct config_option rows[] = {
	{.name = "directory", .type = CONFIG_PATH,
	 .help = "Where calls are recorded, each in a stereo file of its own with a note beside it (JSON): those of trunks and users with "
		 "\"record\", and those that admin.socket is told; without it none is."},
	{.name = "format", .type = CONFIG_ENUM, .names = format_names, .fallback = "wav",
	 .help = "\"wav\" (230 MB an hour) or \"ogg\" (Ogg/Opus: 35 MB, but a hundredth of a processor core a call; 80 calls at most)."},
	{0},
};

/* NULL, or what is wrong with it. */
static const char *directory_problem(const char *path)
{
	struct stat information;

	if (stat(path, &information) < 0)
		return g_strerror(errno);
	if (!S_ISDIR(information.st_mode))
		return "no directory";
	if (faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) < 0)
		return g_strerror(errno);
	return NULL;
}

/* Who wants to be recorded and cannot. */
static void check_wishes(const struct config_snapshot *snapshot, struct config_report *report, const char *group)
{
	for (size_t i = 0; i < config_count(snapshot, group); i++)
		if (config_boolean(snapshot, group, i, "record"))
			config_complain(report, group, i, "record", "needs a recording.directory");
}

static void check(const struct config_snapshot *snapshot, struct config_report *report)
{
	const char *path = config_string(snapshot, "recording", 0, "directory");
	const char *problem = path ? directory_problem(path) : NULL;

	if (problem)
		config_complain(report, "recording", 0, "directory", "%s: %s", path, problem);
	if (path)
		return;
	check_wishes(snapshot, report, "trunks");
	check_wishes(snapshot, report, "users");
}

const struct config_table record_options = {.group = "recording", .shape = CONFIG_GROUP, .options = rows, .check = check};

bool record_settings_read(const struct config_snapshot *snapshot, struct record_settings *ret_settings)
{
	*ret_settings = (struct record_settings){
		.directory = config_string(snapshot, "recording", 0, "directory"),
		.format = (enum record_format)config_enum(snapshot, "recording", 0, "format"),
	};
	return ret_settings->directory;
}
