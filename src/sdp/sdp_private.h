/* What the files of the room share. */
#pragma once
#include "sdp/sdp.h"

/* An encoding with one name and number each way. */
struct sdp_name {
	int value;
	const char *text;
};
extern const struct sdp_name sdp_direction_names[], sdp_setup_names[], sdp_profile_names[], sdp_kind_names[];

/* The value of `text` among `names` (compared without case), or `otherwise`. */
int sdp_name_value(const struct sdp_name *names, const char *text, int otherwise);
/* NULL when there is none. */
const char *sdp_name_text(const struct sdp_name *names, int value);

/* The encoding of a static payload type (RFC 3551, section 6) into `format`; false when the type has none. */
bool sdp_format_fill_static(struct sdp_format *format);

/* A literal address, or none for names and what else is no address. */
struct net_address sdp_address(const char *host, uint16_t port);

/* The decimal number at *text, which is moved behind it. False without digits or over `maximum`. */
bool sdp_number(const char **text, uint64_t maximum, uint64_t *ret_number);
/* The next word of *text, ended in place; NULL when there is none. Words are parted by blanks. */
char *sdp_word(char **text);

/* The next line of *text, which is moved behind it, without its end and the blanks before that. 0; -E2BIG; -EBADMSG for control
 * characters, so that nothing printed from a model can hold a line of its own. */
int sdp_next_line(const char **text, const char *end, char ret_line[static SDP_LINE_BYTES_MAX + 1]);

/* Where the parser stands; for attributes. */
struct sdp_parser {
	unsigned line;
	const char *reason;
	struct sdp_session *session;
	size_t n_allocated;
	struct sdp_media *defaults; /* session level: every media begins as its copy */
	struct sdp_media *media;    /* the one being read; the defaults before the first m= */
	bool has_origin;
	bool has_bundle;
	bool has_own_fingerprint; /* the media's replace the session's */
	struct net_address session_connection, connection;
	bool has_rtcp;
	uint16_t rtcp_port;
	struct net_address rtcp_address;
	uint8_t format_index[128]; /* 1 + place in media->formats; 0: not listed */
};

/* Takes one a= line in; `value` is "" when there is none, and is cut up. 0, -EBADMSG, -E2BIG with parser->reason. */
int sdp_attribute_parse(struct sdp_parser *parser, const char *name, char *value);

/* --- crypto.c --- */

/* What stands behind "a=crypto:"; cut up. 0, or -EBADMSG for what is no such line, or one that has more than one key. */
int sdp_crypto_parse(char *value, struct sdp_crypto *ret_crypto);
void sdp_crypto_print(GString *out, const struct sdp_crypto *crypto);
