#include "base/log.h"
#include "base/base.h"
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096

static int level_now = LOG_LEVEL_INFO;

static const char *const level_names[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

void log_set_level(enum log_level level)
{
	__atomic_store_n(&level_now, (int)level, __ATOMIC_RELAXED);
}

bool log_enabled(enum log_level level)
{
	return (int)level <= __atomic_load_n(&level_now, __ATOMIC_RELAXED);
}

int log_level_from_name(const char *name, enum log_level *ret_level)
{
	for (size_t i = 0; i < G_N_ELEMENTS(level_names); i++) {
		if (strcmp(name, level_names[i]))
			continue;
		*ret_level = i;
		return 0;
	}
	return -EINVAL;
}

struct line {
	char text[LINE_MAX_BYTES];
	size_t length;
};

static void line_append(struct line *line, const char *text)
{
	const size_t room = sizeof line->text - sizeof "\\x00" - sizeof "...\n";
	for (; *text && line->length < room; text++) {
		unsigned char byte = *text;
		if (byte >= 0x20 && byte != 0x7f)
			line->text[line->length++] = byte;
		else
			line->length += sprintf(line->text + line->length, "\\x%02x", byte);
	}
	if (*text && line->length >= room) {
		memcpy(line->text + line->length, "...", 3);
		line->length += 3;
	}
}

static void line_append_time(struct line *line)
{
	struct timespec now;
	struct tm utc;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	line->length += strftime(line->text, 32, "%Y-%m-%dT%H:%M:%S", &utc);
	line->length += snprintf(line->text + line->length, 8, ".%03dZ ", (int)(now.tv_nsec / 1000000 % 1000));
}

void log_write(enum log_level level, const struct log_context *context, const char *format, ...)
{
	if (!log_enabled(level))
		return;
	int error = errno; /* callers may log before they look at it */
	char message[LINE_MAX_BYTES];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(message, sizeof message, format, arguments);
	va_end(arguments);

	struct line line = {.length = 0};
	line_append_time(&line);
	line_append(&line, level_names[level]);
	if (context && context->call) {
		line_append(&line, " call ");
		line_append(&line, context->call);
	}
	if (context && context->leg) {
		line_append(&line, context->call ? ", " : " ");
		line_append(&line, context->leg);
	}
	line_append(&line, ": ");
	line_append(&line, message);
	line.text[line.length++] = '\n';
	/* One system call a line, so that lines of several threads do not mix. */
	ssize_t written = write(STDERR_FILENO, line.text, line.length);
	(void)written; /* where nobody reads the log, nothing can be said */
	errno = error;
}
