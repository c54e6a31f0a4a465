/* What the room's own files know of a message. */
#pragma once
#include "sip/sofia.h"

#include "net/address.h"
#include "sip/gate.h"
#include "sip/message.h"

/* Sofia's printers drop the last parameter when the room is less than two bytes more than they need, and say nothing; and
 * its own sip_header_as_string() and msg_as_string() run into that. Nothing here uses them. */
#define SIP_PRINT_SLACK 64

struct sip_message {
	msg_t *msg; /* owns everything below: texts live in its home */
	sip_t *sip;
	unsigned references;
	enum sip_method method;
	const char *request_uri, *from_uri, *to_uri, *via_sent_by;
	GString *text; /* NULL: to be printed */
};

/* As sip_message_parse(), with the gate's mode. */
int sip_message_parse_as(const char *text, size_t length, enum sip_gate_mode mode, struct sip_message **ret_message,
			 struct sip_refusal *ret_refusal);
/* Takes `msg` over and fills in what accessors need at once. NULL when its start line, or a part of it, is missing. */
struct sip_message *sip_message_wrap(msg_t *msg);
/* Calls su_init() once, and makes an empty message. */
msg_t *sip_message_msg_new(void);
void sip_message_init_sofia(void);

/* Writes what section 18.2.1 and RFC 3581 ask for into the topmost Via of a request that has just come in. */
void sip_message_stamp_via(struct sip_message *message, const struct net_address *source);
/* Port of the topmost Via, 0 when there is none; and whether it asks for rport. */
uint16_t sip_message_via_port(const struct sip_message *message);
bool sip_message_via_has_rport(const struct sip_message *message);
void sip_message_set_to_tag(struct sip_message *message, const char *tag);
/* The topmost Via of a request of ours. */
int sip_message_set_via(struct sip_message *message, const char *transport, const char *sent_by, const char *branch);
/* The same Via, Route, Call-ID, From and CSeq number as the INVITE's: its ACK (section 17.1.1.3) or CANCEL (9.1). `to`
 * is the message whose To is taken. */
struct sip_message *sip_message_new_like_invite(const struct sip_message *invite, enum sip_method method,
						const struct sip_message *to);
/* To and From of a built or received message as name-addr text without the tag; a new string. */
char *sip_message_from_without_tag(const struct sip_message *message);
char *sip_message_to_without_tag(const struct sip_message *message);
enum sip_method sip_method_from_name(const char *name);
