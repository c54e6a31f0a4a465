/* What `preset` of a trunk may be: what is usual with PBXes of a kind. */
#pragma once
#include "config/config.h"

extern const struct config_preset trunk_presets[]; /* conf/presets, ended by one without name */
