/* What is recorded of a leg: its audio as it comes from the far end and as it goes there, whatever the partner is and whoever
 * speaks in his place. On the leg's worker. A leg that is not recorded has none. */
#pragma once
#include "media/end.h"

struct media_tap;
/* Takes the source's hold on `record`. */
struct media_tap *media_tap_new(struct media_end *end, struct record *record, enum media_side received_on);
struct media_tap *media_tap_free(struct media_tap *tap); /* accepts NULL; returns NULL */
/* Streams or their formats may have changed. Accepts NULL. */
void media_tap_refresh(struct media_tap *tap);

/* A packet of the tapped stream's far end. */
void media_tap_received(struct media_tap *tap, const struct rtp_packet *packet);
/* One that goes to it, unencrypted still. */
void media_tap_sent(struct media_tap *tap, const uint8_t *bytes, size_t length);
