/* An INFO body of any bytes: what is taken is one digit within limits, and reads the same when written again. */
#include "sip/dtmf.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(enum sip_dtmf_kind kind, const char *body, size_t length)
{
	struct sip_dtmf dtmf, again;
	char written[SIP_DTMF_BODY_BYTES];
	int n;

	if (sip_dtmf_parse(kind, body, length, &dtmf) < 0)
		return;
	n = sip_dtmf_format(SIP_DTMF_RELAY, &dtmf, written);
	if (n <= 0 || n >= SIP_DTMF_BODY_BYTES || length > SIP_DTMF_BODY_BYTES_MAX ||
	    dtmf.duration_ms > SIP_DTMF_DURATION_MS_MAX ||
	    sip_dtmf_parse(SIP_DTMF_RELAY, written, (size_t)n, &again) < 0 || again.digit != dtmf.digit ||
	    again.duration_ms != dtmf.duration_ms)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	enum sip_dtmf_kind kind;

	check(SIP_DTMF_RELAY, (const char *)data, size);
	check(SIP_DTMF_BARE, (const char *)data, size);
	if (sip_dtmf_kind_of(text, &kind) == 0 &&
	    strncasecmp(text, "application/dtmf", strlen("application/dtmf")) != 0)
		abort();
	return 0;
}
