/* The group "media" of the configuration. */
#pragma once
#include "config/config.h"
#include "media/media.h"

extern const struct config_table media_options;

/* A snapshot that was loaded with media_options always gives settings. */
void media_settings_read(const struct config_snapshot *snapshot, struct media_settings *ret_settings);
