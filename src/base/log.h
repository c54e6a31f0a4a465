/* Log lines for operators: one event, one line, on standard error. Any thread.
 * A line names the call and the leg it is about, and the cause. No secrets: never a password, key, nonce response. */
#pragma once
#include <stdarg.h>
#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Whom a line is about. Members may be NULL. Kept by the object that logs, usually as a member. */
struct log_context {
	const char *call; /* the call's short id, the same in every room and in the CDR */
	const char *leg;  /* "browser", "trunk pbx", ... */
};

void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);
/* "error", "warning", "info", "debug"; 0 or -EINVAL. */
int log_level_from_name(const char *name, enum log_level *ret_level);

/* `context` may be NULL. Control characters in the text are escaped, so that a peer cannot forge a line. */
void log_write(enum log_level level, const struct log_context *context, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define log_error(context, ...) log_write(LOG_LEVEL_ERROR, context, __VA_ARGS__)
#define log_warning(context, ...) log_write(LOG_LEVEL_WARNING, context, __VA_ARGS__)
#define log_info(context, ...) log_write(LOG_LEVEL_INFO, context, __VA_ARGS__)
#define log_debug(context, ...)                                        \
	do {                                                           \
		if (log_enabled(LOG_LEVEL_DEBUG))                      \
			log_write(LOG_LEVEL_DEBUG, context, __VA_ARGS__); \
	} while (0)
