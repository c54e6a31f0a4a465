/* Why something ended: the Reason header (RFC 3326, RFC 6432) with causes of the telephone network (ITU-T Q.850), Warning (RFC 3261, section
 * 20.43), and how these causes go with SIP's codes (RFC 3398). Pure. */
#pragma once
#include "sip/message.h"

#define SIP_CAUSE_TEXT_BYTES 128
#define SIP_CAUSE_VALUES_MAX 4 /* values of Reason that are looked at */

struct sip_cause {
	unsigned status;		 /* of protocol SIP; 0: not said */
	unsigned q850;			 /* 1 to 127; 0: not said */
	char text[SIP_CAUSE_TEXT_BYTES]; /* what was said in words, cleaned; "" */
	bool is_text_of_status;		 /* not of q850 */
};

/* What a message's Reason says, and a response's Warning of its status. False: nothing of use, and *ret_cause is empty. */
bool sip_cause_read(const struct sip_message *message, struct sip_cause *ret_cause);
/* As values of Reason, a new string; NULL when it is empty. First what matters more where both are there, since many read no further: an
 * answer elsewhere (SIP, 200), else Q.850. */
char *sip_cause_write(const struct sip_cause *cause);
/* For people, of a final response: "403 Forbidden (caller id not allowed)", from the reason phrase and what Warning or Reason say more. A
 * new string. */
char *sip_cause_explain(const struct sip_message *response);

/* "unallocated number"; NULL: it has no name here. */
const char *sip_cause_words(unsigned q850);
/* What a failure's status is called over there (RFC 3398, section 8.2.6.1); 0: nothing fits. */
unsigned sip_cause_of_status(unsigned status);
/* The status that says what such a failure was (section 7.2.4.1); 0: none does. */
unsigned sip_cause_status(unsigned q850);
