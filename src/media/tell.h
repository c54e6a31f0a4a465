/* What an end tells its handle (session.c): posted to the signalling thread. */
#pragma once
#include "media/end.h"

/* The transports are taken. */
void media_tell_ready(struct media_end *end, struct sdp_transport *local, size_t n_transports);
void media_tell_gathered_more(struct media_end *end, struct sdp_transport *local, size_t n_transports);
void media_tell_connected(struct media_end *end);
/* An announcement is over. */
void media_tell_finished(struct media_end *end);
void media_tell_failed(struct media_end *end, enum media_failure failure);
void media_tell_trouble(struct media_end *end, enum media_trouble trouble, const char *text);
/* By signalling, since its far end takes no feedback. */
void media_tell_key_frame_wanted(struct media_end *end);
void media_tell_digit(struct media_end *end, uint8_t code, uint32_t duration_ms);
