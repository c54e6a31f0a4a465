#include "trunk/preset.h"

const struct config_preset trunk_presets[] = {
#include "src/trunk/preset_texts.inc"
    {0},
};
