/* Ends without a far end: an echo sends a partner's packets back to it, a tone or tune is encoded for it. */
#pragma once
#include "media/end.h"

/* The partner's packets go back to itself. */
bool media_builtin_echoes(const struct media_end *end);
/* Partner or its plan have changed; does nothing for other kinds of ends. */
void media_builtin_refresh(struct media_end *end);
void media_builtin_stop(struct media_end *end);
