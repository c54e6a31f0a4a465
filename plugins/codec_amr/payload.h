/* The payload of AMR and AMR-WB (RFC 4867, section 4): a mode request, a table of contents and the frames, either
 * packed bit by bit or each part in octets of its own. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AMR_FRAMES_MAX	    6  /* 120 ms */
#define AMR_FRAME_BYTES_MAX 64 /* more than the longest, for a library to read in */
#define AMR_TYPE_NO_DATA    15
#define AMR_REQUEST_NONE    15

/* What AMR and AMR-WB have of their own. */
struct amr_kind {
	uint32_t hz;
	uint8_t mode_last;	 /* highest mode of speech */
	uint8_t mode_usual;	 /* to begin with */
	uint8_t type_noise;	 /* SID */
	uint16_t frame_bits[16]; /* by frame type; 0: carries none, or must not come */
	uint16_t empty_types;	 /* bits by frame type: those that may come without bits */
};

extern const struct amr_kind amr_narrow, amr_wide;

/* One frame as the libraries take and give it (section 5.3): a header octet, then the bits. */
struct amr_frame {
	uint8_t type;
	bool is_good;
	uint8_t octets[AMR_FRAME_BYTES_MAX];
};

struct amr_payload {
	uint8_t request;
	size_t n_frames;
	struct amr_frame frames[AMR_FRAMES_MAX];
};

/* Reads a payload in one of the two layouts. 0, or -EBADMSG when it is none: its length must be exactly what its table
 * says and what fills up must be zero, so that one layout is hardly ever taken for the other. `ret_payload` holds
 * anything then. */
int amr_payload_read(const struct amr_kind *kind, bool is_octet_aligned, const uint8_t *bytes, size_t length,
		     struct amr_payload *ret_payload);
/* Bytes written, or -ENOBUFS. */
int amr_payload_write(const struct amr_kind *kind, bool is_octet_aligned, const struct amr_payload *payload,
		      uint8_t *bytes, size_t size);
