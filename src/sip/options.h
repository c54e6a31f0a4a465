/* The group "sip" of the configuration. */
#pragma once
#include "config/config.h"
#include "sip/stack.h"

extern const struct config_table sip_options;

/* Listens on every endpoint of sip.listen; logs the one that fails. 0 or -errno. */
int sip_listen_configured(struct sip_stack *stack, const struct config_snapshot *snapshot);
