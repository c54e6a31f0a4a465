#include "record/private.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int write_text(int descriptor, const char *text)
{
	size_t length = strlen(text);

	while (length > 0) {
		ssize_t n = write(descriptor, text, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENOSPC;
		text += n;
		length -= (size_t)n;
	}
	return 0;
}

int record_note_write(int directory, const char *name, const json_t *note)
{
	g_autofree char *new_name = g_strconcat(".", name, ".new", NULL);
	int error, descriptor = openat(directory, new_name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	char *text;

	if (descriptor < 0)
		return -errno;
	text = json_dumps(note, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	error = text ? write_text(descriptor, text) : -EINVAL;
	if (error == 0)
		error = write_text(descriptor, "\n");
	free(text);
	if (close(descriptor) < 0 && error == 0)
		error = -errno;
	if (error == 0 && renameat(directory, new_name, directory, name) < 0)
		error = -errno;
	if (error < 0)
		unlinkat(directory, new_name, 0);
	return error;
}
