/* Runs a fuzz target over its corpus, so that every input ever found is a test of the suite. The corpus is
 * tests/fuzz/corpus/<name>, where the program is fuzz_<name>; or the files and folders named as arguments. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned replayed;

static void replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	if (!file) {
		perror(path);
		exit(1);
	}
	size_t capacity = 1 << 20;
	uint8_t *whole = malloc(capacity);
	size_t length = fread(whole, 1, capacity, file);
	fclose(file);
	uint8_t *exact = malloc(length ? length : 1); /* its own block, so that a sanitizer sees an overrun */
	memcpy(exact, whole, length);
	free(whole);
	LLVMFuzzerTestOneInput(exact, length);
	free(exact);
	replayed++;
}

static void replay(const char *path)
{
	struct stat status;
	if (stat(path, &status) < 0) {
		perror(path);
		exit(1);
	}
	if (!S_ISDIR(status.st_mode)) {
		replay_file(path);
		return;
	}
	DIR *directory = opendir(path);
	for (struct dirent *entry; directory && (entry = readdir(directory));) {
		if (entry->d_name[0] == '.')
			continue;
		char inner[4096];
		snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
		replay(inner);
	}
	closedir(directory);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	if (argc == 1) {
		const char *name = strstr(argv[0], "fuzz_") ? strrchr(argv[0], '/') : NULL;
		name = name ? name + 1 : argv[0];
		if (!strncmp(name, "lt-", 3))
			name += 3;
		char path[4096];
		snprintf(path, sizeof path, TANDEM_SRCDIR "/tests/fuzz/corpus/%s", name + strlen("fuzz_"));
		replay(path);
	}
	printf("%u inputs replayed\n", replayed);
	return replayed ? 0 : 1;
}
