/* Offer/answer of a leg, and its media. */
#pragma once
#include "call/leg.h"

struct leg_transports {
	size_t n;
	struct sdp_transport *list; /* NULL: at rest */
	struct sdp_packed *rest;
};

/* Makes the media leg; media_ready follows. `controlling`: our description will be the offer. */
void leg_prepare_media(struct leg *leg, bool controlling);
/* Media has told our side; NULL: it is not known any more. Copied; what was there is wiped. */
void leg_set_transports(struct leg *leg, const struct sdp_transport *local, size_t n_transports);
/* Whether media has told all that it takes to answer the far end's offer that waits, or else to offer what the far end of
 * `other` (NULL: nobody) has said. If not, it has been asked, and media_ready follows. */
bool leg_has_transports(struct leg *leg, const struct leg *other);
/* What offer and answer have settled, as it stands; again when candidates have come. */
void leg_apply_plan(struct leg *leg);
void leg_set_exchange(struct leg *leg, enum leg_exchange exchange);
/* Local, remote and our transports, which are kept at rest; a view wakes them. They go to rest by the manager's clock. */
void leg_wake(const struct leg *leg);
void leg_rest(struct leg *leg);
struct negotiate_leg leg_view(const struct leg *leg);
/* The same with what it carries reduced to what `other` (NULL: a built-in) does, too. */
struct negotiate_leg leg_view_beside(const struct leg *leg, const struct leg *other);
/* Makes pending_local for the far end from what the other leg's far end has said, its offer that waits before its last
 * word (NULL: from nothing). 0 or -errno. */
int leg_make_offer(struct leg *leg, const struct leg *other);
/* Answers pending_remote (it becomes remote, the answer local) and sets media to it. `other` NULL: built-in. */
int leg_make_answer(struct leg *leg, const struct leg *other);
/* A message with SDP: an offer into pending_remote. 0, -EBADMSG; -ENOTSUP: an offer this leg can never answer. */
int leg_take_offer(struct leg *leg, const struct sip_message *message);
/* A message with SDP: the answer to pending_local. `is_final`: pending_local is settled by it. 0, -EBADMSG. */
int leg_take_answer(struct leg *leg, const struct sip_message *message, bool is_final);
/* The early answer went out in a provisional response to their INVITE; the final one repeats it. */
bool leg_has_answered_early(const struct leg *leg);
/* Whether the far end must be offered what the other leg (NULL: a built-in) has become. */
bool leg_is_behind(struct leg *leg, const struct leg *other);
/* The exchange came to nothing; the pair before stands. */
void leg_drop_exchange(struct leg *leg);
