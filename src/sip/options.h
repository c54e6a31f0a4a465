/* The group "sip" of the configuration. */
#pragma once
#include "config/config.h"
#include "sip/digest.h"
#include "sip/stack.h"

extern const struct config_table sip_options;

/* Listens on every endpoint of sip.listen; logs the one that fails. 0 or -errno. */
int sip_listen_configured(struct sip_stack *stack, const struct config_snapshot *snapshot);
/* After a reload: the certificate is read anew, for connections to come. Listeners stay as they are. 0, or -errno, which is logged. */
int sip_reload(struct sip_stack *stack, const struct config_snapshot *snapshot);

/* For checks of any group: complains of PEM files that cannot be used, or of one without the other. `name_of_certificate` and
 * `name_of_key` are options of CONFIG_PATH. */
void sip_check_certificate(const struct config_snapshot *snapshot, struct config_report *report, const char *group, size_t index,
			   const char *name_of_certificate, const char *name_of_key);
/* Likewise of an option that is to hold HA1. Whether it is written. */
bool sip_check_ha1(const struct config_snapshot *snapshot, struct config_report *report, const char *group, size_t index, const char *name,
		   enum sip_digest_algorithm algorithm);
