/* What becomes of packets, by their payload type. */
#pragma once
#include "base/base.h"

#define MEDIA_TYPES	128 /* RTP payload types */
#define MEDIA_TYPE_NONE 0xff

/* What becomes of a payload type that comes in. */
struct media_route {
	uint32_t clock_hz;	  /* 0: a type nobody has agreed on */
	uint32_t jitter_clock_hz; /* 0: no measure of jitter (telephone-event) */
	uint8_t type_out;	  /* at the partner; MEDIA_TYPE_NONE: nowhere */
	bool is_event;		  /* telephone-event */
};
