/* Static files of one folder, kept in memory while they do not change. */
#pragma once
#include "base/base.h"

#define WEB_FILES_CACHE_BYTES_MAX (32 << 20)

struct web_files;
struct web_request;

/* The folder need not exist yet. */
struct web_files *web_files_new(const char *root);
struct web_files *web_files_free(struct web_files *files); /* accepts NULL; returns NULL */
/* Replies, also when there is no such file. "/" and what ends in '/' mean index.html there. */
void web_files_serve(struct web_files *files, struct web_request *request);
