#include "web/files.h"
#include "web/internal.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct web_files {
	char *root;
	GHashTable *cache; /* path in the file system -> struct file */
	size_t cached_bytes;
};

struct file {
	GBytes *content;
	struct timespec changed;
	ino_t inode;
	char etag[64];
	char last_modified[64];
};

static void file_free(void *data)
{
	struct file *file = data;
	g_bytes_unref(file->content);
	g_free(file);
}

static const char *content_type(const char *path)
{
	static const char *const types[][2] = {
		{".html", "text/html; charset=utf-8"},
		{".js", "text/javascript; charset=utf-8"},
		{".mjs", "text/javascript; charset=utf-8"},
		{".css", "text/css; charset=utf-8"},
		{".json", "application/json"},
		{".map", "application/json"},
		{".webmanifest", "application/manifest+json"},
		{".svg", "image/svg+xml"},
		{".png", "image/png"},
		{".ico", "image/x-icon"},
		{".woff2", "font/woff2"},
		{".wasm", "application/wasm"},
		{".wav", "audio/wav"},
		{".mp3", "audio/mpeg"},
		{".ogg", "audio/ogg"},
		{".txt", "text/plain; charset=utf-8"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
		if (g_str_has_suffix(path, types[i][0]))
			return types[i][1];
	return "application/octet-stream";
}

struct web_files *web_files_new(const char *root)
{
	struct web_files *files = g_new0(struct web_files, 1);
	files->root = g_strdup(root);
	files->cache = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, file_free);
	return files;
}

struct web_files *web_files_free(struct web_files *files)
{
	if (!files)
		return NULL;
	g_hash_table_unref(files->cache);
	g_free(files->root);
	g_free(files);
	return NULL;
}

/* The real path of what is asked for, if it is inside the folder after all links are followed. To be freed. */
static char *resolve(const struct web_files *files, const char *path)
{
	if (strstr(path, "/.")) /* hidden files are nobody's business */
		return NULL;
	g_autofree char *wanted = g_strconcat(files->root, path, g_str_has_suffix(path, "/") ? "index.html" : NULL, NULL);
	char *root = realpath(files->root, NULL);
	char *real = root ? realpath(wanted, NULL) : NULL;
	char *result = NULL;
	size_t length = root ? strlen(root) : 0;
	if (real && !strncmp(real, root, length) && real[length] == '/')
		result = g_strdup(real);
	free(real);
	free(root);
	return result;
}

static GBytes *read_whole(int descriptor, size_t length)
{
	g_autofree uint8_t *content = g_malloc(length + 1);
	size_t at = 0;
	while (at < length) {
		ssize_t part = read(descriptor, content + at, length - at);
		if (part < 0 && errno == EINTR)
			continue;
		if (part <= 0)
			return NULL; /* it shrank: the next request will see it whole */
		at += (size_t)part;
	}
	return g_bytes_new_take(g_steal_pointer(&content), length);
}

static struct file *load(int descriptor, const struct stat *status)
{
	GBytes *content = read_whole(descriptor, (size_t)status->st_size);
	if (!content)
		return NULL;
	struct file *file = g_new0(struct file, 1);
	file->content = content;
	file->changed = status->st_mtim;
	file->inode = status->st_ino;
	g_snprintf(file->etag, sizeof file->etag, "\"%llx.%lx-%llx\"", (unsigned long long)status->st_mtim.tv_sec,
		   status->st_mtim.tv_nsec, (unsigned long long)status->st_size);
	g_autoptr(GDateTime) changed = g_date_time_new_from_unix_utc(status->st_mtim.tv_sec);
	g_autofree char *date = changed ? g_date_time_format(changed, "%a, %d %b %Y %H:%M:%S GMT") : NULL;
	base_copy_text(file->last_modified, sizeof file->last_modified, date ? date : "");
	return file;
}

static bool is_current(const struct file *file, const struct stat *status)
{
	return file->inode == status->st_ino && g_bytes_get_size(file->content) == (size_t)status->st_size &&
	       file->changed.tv_sec == status->st_mtim.tv_sec && file->changed.tv_nsec == status->st_mtim.tv_nsec;
}

static void cache_remove(struct web_files *files, const char *path)
{
	struct file *file = g_hash_table_lookup(files->cache, path);
	if (!file)
		return;
	files->cached_bytes -= g_bytes_get_size(file->content);
	g_hash_table_remove(files->cache, path);
}

static struct file *cache_add(struct web_files *files, const char *path, struct file *file)
{
	if (files->cached_bytes + g_bytes_get_size(file->content) > WEB_FILES_CACHE_BYTES_MAX) {
		g_hash_table_remove_all(files->cache);
		files->cached_bytes = 0;
	}
	files->cached_bytes += g_bytes_get_size(file->content);
	g_hash_table_replace(files->cache, g_strdup(path), file);
	return file;
}

/* Owned by the cache, until the next call. */
static struct file *find(struct web_files *files, const char *path)
{
	int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (descriptor < 0)
		return NULL;
	struct stat status;
	struct file *file = NULL;
	if (!fstat(descriptor, &status) && S_ISREG(status.st_mode) && status.st_size <= WEB_FILE_BYTES_MAX) {
		file = g_hash_table_lookup(files->cache, path);
		if (!file || !is_current(file, &status)) {
			cache_remove(files, path);
			file = load(descriptor, &status);
			if (file)
				cache_add(files, path, file);
		}
	}
	close(descriptor);
	return file;
}

static bool is_unchanged(const struct web_request *request, const struct file *file)
{
	const char *wanted = web_request_header(request, "if-none-match");
	if (wanted)
		return !strcmp(wanted, "*") || strstr(wanted, file->etag);
	const char *since = web_request_header(request, "if-modified-since");
	return since && !strcmp(since, file->last_modified);
}

void web_files_serve(struct web_files *files, struct web_request *request)
{
	const char *method = web_request_method(request);
	g_autofree char *path = resolve(files, web_request_path(request));
	if (strcmp(method, "GET") && strcmp(method, "HEAD")) {
		web_request_add_header(request, "Allow", "GET, HEAD");
		web_request_refuse(request, path ? 405 : 404, NULL);
		return;
	}
	struct file *file = path ? find(files, path) : NULL;
	if (!file) {
		web_request_refuse(request, 404, NULL);
		return;
	}
	web_request_add_header(request, "Cache-Control", "no-cache");
	web_request_add_header(request, "ETag", file->etag);
	web_request_add_header(request, "Last-Modified", file->last_modified);
	if (is_unchanged(request, file))
		web_request_reply_bytes(request, 304, NULL, NULL);
	else
		web_request_reply_bytes(request, 200, content_type(path), file->content);
}
