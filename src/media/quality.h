/* How well each side is heard: judged every five seconds by the E-model, and counted when a leg ends. */
#pragma once
#include "media/end.h"

/* To be called often; an interval ends when it is long enough. */
void media_quality_look(struct media_stream *stream, int64_t now_us);
/* Scores and codec, the interval that is not over yet included. */
void media_quality_report(const struct media_stream *stream, struct media_report *report);
/* The R factor by which the far end is heard, over all that has come. */
double media_quality_rating(const struct media_stream *stream);
/* The leg ends: into the metrics. */
void media_quality_count(const struct media_end *end);
