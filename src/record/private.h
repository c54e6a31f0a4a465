/* What the files of this room share. The record room's own thread only. */
#pragma once
#include "record/record.h"

/* A file that can be played at any moment, also when nobody has closed it. */
struct record_sound;
/* A new file, for nobody else to read. 0 or -errno. */
int record_sound_open(int directory, const char *name, enum record_format format, struct record_sound **ret_sound);
/* 0 or -errno. */
int record_sound_write(struct record_sound *sound, const int16_t *stereo, size_t n_frames);
/* Due every second: what was written can be played. 0 or -errno. */
int record_sound_settle(struct record_sound *sound);
/* Accepts NULL. 0 or -errno. */
int record_sound_close(struct record_sound *sound);

/* Puts a note in the place of the one of that name, if any: who reads sees the old or the new. 0 or -errno. */
int record_note_write(int directory, const char *name, const json_t *note);
