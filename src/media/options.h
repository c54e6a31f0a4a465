/* The groups "media", "turn_servers" and "announcements" of the configuration. */
#pragma once
#include "config/config.h"
#include "media/media.h"

extern const struct config_table media_options, media_turn_options, media_announcement_options;

/* A snapshot that was loaded with the first two always gives settings; they hold credentials. */
void media_settings_read(const struct config_snapshot *snapshot, struct media_settings *ret_settings);
