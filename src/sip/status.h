/* What a user agent that stands between two sides makes of the answers it gets. */
#pragma once
#include <stdbool.h>

/* What the other side is told: a code that speaks of our own doings (a redirection that was not followed, a challenge, a
 * transaction that is gone) is not its to see. */
unsigned sip_status_for_other_side(unsigned status);
/* Of several failures the one that says most (RFC 3261, section 16.7, step 6): a 6xx, else the lowest class; the first of a
 * class. `than` 0: there is none yet. */
bool sip_status_is_better(unsigned status, unsigned than);
