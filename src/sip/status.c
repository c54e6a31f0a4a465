#include "sip/status.h"

unsigned sip_status_for_other_side(unsigned status)
{
	if (status >= 300 && status < 400)
		return 502; /* what may be followed has been */
	switch (status) {
	case 401:
	case 407:
		return 403;
	case 430:
	case 481:
		return 480;
	default:
		return status;
	}
}

bool sip_status_is_better(unsigned status, unsigned than)
{
	if (!than || status >= 600)
		return true;
	return than < 600 && status / 100 < than / 100;
}
