/* Announcements: what calls may be answered with, by name. They are read when the configuration is, so that no call waits for a
 * disk. */
#include "call/call_private.h"
#include "media/soundfile.h"
#include <string.h>
#include <sys/stat.h>

struct announcement {
	struct media_soundfile *sound;
	unsigned n_rounds;
	char *path;
	struct stat file; /* as it was when it was read */
};

static void announcement_free(void *data)
{
	struct announcement *announcement = data;
	media_soundfile_unref(announcement->sound);
	g_free(announcement->path);
	g_free(announcement);
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Of `old` (NULL: it was not there), where the file is still the same. */
static int announcement_read(struct announcement *announcement, const struct announcement *old)
{
	if (stat(announcement->path, &announcement->file) < 0)
		return -errno;
	if (!old || strcmp(old->path, announcement->path) != 0 || !is_same_file(&old->file, &announcement->file))
		return media_soundfile_load(announcement->path, &announcement->sound);
	announcement->sound = media_soundfile_ref(old->sound);
	return 0;
}

GHashTable *call_announcements_read(const struct config_snapshot *snapshot, GHashTable *old)
{
	GHashTable *announcements = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, announcement_free);
	for (size_t i = 0; i < config_count(snapshot, "announcements"); i++) {
		const char *name = config_string(snapshot, "announcements", i, "name");
		struct announcement *announcement = g_new0(struct announcement, 1);
		announcement->path = g_strdup(config_string(snapshot, "announcements", i, "file"));
		announcement->n_rounds = (unsigned)config_integer(snapshot, "announcements", i, "times");
		int error = announcement_read(announcement, old ? g_hash_table_lookup(old, name) : NULL);
		if (error < 0)
			log_error(NULL, "announcement %s: %s %s", name, announcement->path, media_soundfile_problem(error));
		g_hash_table_insert(announcements, g_strdup(name), announcement);
	}
	g_clear_pointer(&old, g_hash_table_unref);
	return announcements;
}

struct media_soundfile *call_announcement(const struct call_manager *manager, const char *name, unsigned *ret_n_rounds)
{
	const struct announcement *announcement = g_hash_table_lookup(manager->announcements, name);
	if (!announcement || !announcement->sound)
		return NULL;
	*ret_n_rounds = announcement->n_rounds;
	return announcement->sound;
}
