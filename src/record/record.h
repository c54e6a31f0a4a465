/* Recordings: stereo sound that goes into a file, with a note beside it that says what it is. Sound is made elsewhere and never
 * waits: files are touched by one thread of this room alone, which is fed by a bounded queue. What the queue has no room for is
 * counted, told, and is silence in the file, so that the time stays right. */
#pragma once
#include "config/config.h"
#include <jansson.h>

#define RECORD_HZ		16000
#define RECORD_CHANNELS		2
#define RECORD_FRAMES_MAX	RECORD_HZ	   /* put at once */
#define RECORD_QUEUE_BYTES_MAX	(32 << 20)	   /* of sound, all recordings together: 500 for a second */
#define RECORD_SIDECAR_SUFFIX	".json"

extern const struct config_table record_options; /* the group "recording" */

enum record_format { RECORD_FORMAT_WAV, RECORD_FORMAT_OGG };

struct record_settings {
	const char *directory; /* borrowed */
	enum record_format format;
	size_t queue_bytes; /* 0: RECORD_QUEUE_BYTES_MAX */
};
/* False: nothing is recorded, there is no directory. */
bool record_settings_read(const struct config_snapshot *snapshot, struct record_settings *ret_settings);

/* Where recordings go. Made and freed on one thread, after everybody who could put anything is done. */
struct record_store;
/* 0 or -errno: of the directory, in which files are to be made. */
int record_store_new(const struct record_settings *settings, struct record_store **ret_store);
/* What was put is written first. Accepts NULL; returns NULL. */
struct record_store *record_store_free(struct record_store *store);

enum record_state {
	RECORD_RUNNING,
	RECORD_COMPLETE,
	RECORD_FAILED, /* of a full disk and the like: nothing more is written */
};
const char *record_state_name(enum record_state state); /* "running", ... */

/* One recording. It has two holders: an owner, who says what it is, and a source, who puts the sound; each lets it go with a
 * function of his own, in any order. */
struct record;
/* The owner's. `call` and `number` (of the call's recordings) become part of the file's name. `facts` is an object that stands in
 * the note; it is taken. */
struct record *record_new(struct record_store *store, const char *call, unsigned number, json_t *facts);
/* Of its file, without the directory. */
const char *record_name(const struct record *record);
/* Any thread. */
enum record_state record_state(const struct record *record);
/* The owner lets go: `facts` (NULL: none), which is taken, are added to the note. */
void record_finish(struct record *record, json_t *facts);

/* The source's: so many stereo frames of RECORD_HZ, that follow what was put before. False: no more is wanted. One thread at a time,
 * which never waits. */
bool record_put(struct record *record, const int16_t *stereo, size_t n_frames);
/* The source lets go. */
void record_end(struct record *record);
