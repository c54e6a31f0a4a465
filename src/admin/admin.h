/* What operators, monitors and the page ask over HTTP: /healthz, /metrics, /config.json. Signalling thread. */
#pragma once
#include "config/config.h"
#include "registrar/registrar.h"
#include "web/web.h"

#define ADMIN_PROBLEMS_MAX 32
#define ADMIN_EXTENSIONS_MAX 64

/* The option "demo" of the group "web". */
extern const struct config_table admin_config_table;

struct admin;
struct admin_health;

/* Registers its routes, so it comes before web_start(). `web` and `registrar` must outlive it; `config` is referenced.
 * 0 or -errno. */
int admin_new(struct web *web, struct registrar *registrar, struct config_snapshot *config, const char *domain,
	      struct admin **ret_admin);
struct admin *admin_free(struct admin *admin); /* after web_free(); accepts NULL; returns NULL */
void admin_reconfigure(struct admin *admin, struct config_snapshot *config);

/* Asked at every /healthz; states what is wrong (503 then), or nothing. At most 16 sources. 0 or -ENOSPC. */
int admin_add_health_source(struct admin *admin, void (*source)(void *data, struct admin_health *health), void *data);
/* One line for people: "trunk pbx does not answer". */
void admin_health_problem(struct admin_health *health, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A fact that is no problem, shown as a number: "calls". */
void admin_health_fact(struct admin_health *health, const char *name, int64_t value);

/* A number the page offers to call: "9196", "Echo". Copied. 0 or -ENOSPC. */
int admin_add_extension(struct admin *admin, const char *number, const char *label);
