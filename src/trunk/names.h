/* What DNS says of a SIP server (RFC 3263): answers read, and the addresses that come of them. Any thread. */
#pragma once
#include "net/address.h"
#include "sip/flow.h"

#define TRUNK_RECORDS_MAX	16 /* addresses of a name; further ones are left out */
#define TRUNK_SERVICES_MAX	8  /* SRV or NAPTR records of an answer that are looked at */
#define TRUNK_NAME_SIZE		256
#define TRUNK_TTL_MIN_S		5
#define TRUNK_TTL_MAX_S		3600
#define TRUNK_DATAGRAM_BYTES	1232 /* of answers that are taken in one piece; larger ones come by TCP */
#define TRUNK_QUERY_MS		2000 /* until it is sent again, to the next server */
#define TRUNK_QUERY_TRIES	2
#define TRUNK_RESOLVE_LIMIT_MS	15000 /* for all that has to be asked of one name */

/* An SRV record (RFC 2782). */
struct trunk_service {
	char target[TRUNK_NAME_SIZE];
	uint16_t port, priority, weight;
};

/* A NAPTR record that leads to SRV records of a transport we have (RFC 3263, section 4.1). */
struct trunk_pointer {
	char replacement[TRUNK_NAME_SIZE];
	enum sip_transport transport;
	uint16_t order, preference;
};

/* Both read a DNS message; the best record comes first. *ret_ttl_s is the least of the records' that were used to get there. 0; -EBADMSG;
 * -ENOENT: it holds none that can be used; -ENXIO: it says that the domain has no such service. */
int trunk_read_services(const uint8_t *message, size_t length, struct trunk_service services[static TRUNK_SERVICES_MAX],
			size_t *ret_n, uint32_t *ret_ttl_s);
int trunk_read_pointers(const uint8_t *message, size_t length, struct trunk_pointer pointers[static TRUNK_SERVICES_MAX],
			size_t *ret_n, uint32_t *ret_ttl_s);

struct trunk_question {
	const char *host;
	uint16_t port;	     /* 0: not written */
	bool is_transport_written;
	enum sip_transport transport;
	const char *servers; /* "192.0.2.53:53,[2001:db8::53]:53"; NULL: the system's */
};

/* An address of the name. */
struct trunk_record {
	struct net_address address;
	enum sip_transport transport;
	uint16_t priority, weight;
};

struct trunk_answer {
	const char *failure; /* in words, static; NULL: there are records */
	uint32_t ttl_s;	     /* within the limits */
	size_t n;
	struct trunk_record records[TRUNK_RECORDS_MAX]; /* by priority, then by weight */
};

/* Asks /etc/hosts and DNS. Blocks, for TRUNK_RESOLVE_LIMIT_MS at most or a little more. */
void trunk_resolve(const struct trunk_question *question, struct trunk_answer *ret_answer);
