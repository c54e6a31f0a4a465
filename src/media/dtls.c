#include "media/dtls.h"
#include "crypto/digest.h"
#include "metrics/metrics.h"
#include <openssl/err.h>
#include <string.h>

METRICS_GAUGE(associations, "tandem_dtls_associations", "DTLS associations, those being made too.");

#define EXPORTER_LABEL "EXTRACTOR-dtls_srtp"
#define FAREWELL_BYTES_MAX 128 /* an alert, in any cipher suite */

enum dtls_state {
	DTLS_WAITING,	/* for a path */
	DTLS_HANDSHAKE,
	DTLS_CONNECTED, /* the far end may have to hear our last flight again */
	DTLS_SETTLED,	/* both sides have everything: nothing is left of it but the farewell */
	DTLS_CLOSED,	/* the far end has said close_notify; keys go on until signalling ends the call */
	DTLS_FAILED,
};

struct media_dtls {
	struct media_end *end;
	SSL *ssl; /* NULL once settled */
	bool we_are_client;
	enum dtls_state state;
	size_t n_fingerprints;
	struct sdp_fingerprint fingerprints[SDP_FINGERPRINTS_MAX];
	char tls_id[256];
	struct net_address remote; /* where the path led when it was started; length 0: not yet */
	struct loop_timer retransmit_timer, deadline_timer;
	size_t farewell_bytes;
	uint8_t farewell[FAREWELL_BYTES_MAX]; /* our close_notify, encrypted */
	const uint8_t *datagram; /* being read; NULL: none */
	size_t datagram_bytes;
};

static const char *state_name(enum dtls_state state)
{
	static const char *const names[] = {"waiting", "handshake", "connected", "settled", "closed", "failed"};

	return names[state];
}

static void set_state(struct media_dtls *dtls, enum dtls_state state)
{
	log_debug(&dtls->end->log, "DTLS %s -> %s", state_name(dtls->state), state_name(state));
	dtls->state = state;
}

/* --- the BIO: one datagram in, each write a datagram out --- */

static int bio_write(BIO *bio, const char *bytes, int length)
{
	struct media_dtls *dtls = BIO_get_data(bio);

	if (dtls->state == DTLS_SETTLED) {
		dtls->farewell_bytes = MIN((size_t)length, sizeof dtls->farewell);
		memcpy(dtls->farewell, bytes, dtls->farewell_bytes);
		return length;
	}
	/* What cannot be sent is as good as lost on the way: the timer repeats it. */
	media_end_send_raw(dtls->end, (const uint8_t *)bytes, (size_t)length);
	return length;
}

static int bio_read(BIO *bio, char *bytes, int size)
{
	struct media_dtls *dtls = BIO_get_data(bio);
	size_t length = MIN(dtls->datagram_bytes, (size_t)size);

	BIO_clear_retry_flags(bio);
	if (!dtls->datagram) {
		BIO_set_retry_read(bio);
		return -1;
	}
	memcpy(bytes, dtls->datagram, length);
	dtls->datagram = NULL;
	return (int)length;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
	struct media_dtls *dtls = BIO_get_data(bio);

	switch (command) {
	case BIO_CTRL_FLUSH:
		return 1;
	case BIO_CTRL_PENDING:
		return dtls->datagram ? (long)dtls->datagram_bytes : 0;
	case BIO_CTRL_DGRAM_QUERY_MTU:
	case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
		return CRYPTO_DTLS_MTU_BYTES;
	default:
		return 0;
	}
}

static int bio_create(BIO *bio)
{
	BIO_set_init(bio, 1);
	return 1;
}

static gpointer make_bio_method(gpointer unused)
{
	BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "media datagrams");

	if (!method || !BIO_meth_set_write(method, bio_write) || !BIO_meth_set_read(method, bio_read) ||
	    !BIO_meth_set_ctrl(method, bio_control) || !BIO_meth_set_create(method, bio_create))
		g_error("out of memory");
	return method;
}

static BIO_METHOD *bio_method(void)
{
	static GOnce once = G_ONCE_INIT;

	return g_once(&once, make_bio_method, NULL);
}

/* --- the handshake --- */

/* OpenSSL's first second of waiting is long for a call. */
static unsigned retransmit_after_us(SSL *ssl, unsigned previous_us)
{
	return previous_us == 0 ? MEDIA_DTLS_RETRANSMIT_MS * 1000u
				: MIN(previous_us * 2, MEDIA_DTLS_RETRANSMIT_MAX_MS * 1000u);
}

static void fail(struct media_dtls *dtls, enum media_failure failure, const char *reason)
{
	loop_timer_stop(&dtls->retransmit_timer);
	loop_timer_stop(&dtls->deadline_timer);
	set_state(dtls, DTLS_FAILED);
	log_warning(&dtls->end->log, "DTLS: %s", reason);
	media_end_fail(dtls->end, failure);
}

static bool is_announced(const struct media_dtls *dtls)
{
	X509 *peer = SSL_get1_peer_certificate(dtls->ssl);
	bool is_match = false;

	for (size_t i = 0; peer && !is_match && i < dtls->n_fingerprints; i++)
		is_match = crypto_fingerprint_matches(peer, dtls->fingerprints[i].algorithm,
						      dtls->fingerprints[i].digits);
	X509_free(peer);
	return is_match;
}

static int make_contexts(struct media_dtls *dtls, struct media_srtp **ret_send, struct media_srtp **ret_receive)
{
	const SRTP_PROTECTION_PROFILE *selected = SSL_get_selected_srtp_profile(dtls->ssl);
	uint8_t material[2 * MEDIA_SRTP_KEY_BYTES_MAX];
	uint8_t send[MEDIA_SRTP_KEY_BYTES_MAX], receive[MEDIA_SRTP_KEY_BYTES_MAX];
	enum media_srtp_profile profile;
	size_t bytes;
	int error;

	if (!selected || media_srtp_profile_from_dtls(selected->id, &profile) < 0)
		return -ENOTSUP;
	bytes = media_srtp_key_bytes(profile) + media_srtp_salt_bytes(profile);
	if (SSL_export_keying_material(dtls->ssl, material, 2 * bytes, EXPORTER_LABEL, strlen(EXPORTER_LABEL), NULL, 0,
				       0) != 1)
		return -EIO;
	media_srtp_split_exported(profile, material, dtls->we_are_client, send, receive);
	error = media_srtp_new(profile, send, bytes, MEDIA_SRTP_SEND, ret_send);
	if (error == 0) {
		error = media_srtp_new(profile, receive, bytes, MEDIA_SRTP_RECEIVE, ret_receive);
		if (error < 0)
			BASE_CLEAR(ret_send, media_srtp_free);
	}
	crypto_wipe(material, sizeof material);
	crypto_wipe(send, sizeof send);
	crypto_wipe(receive, sizeof receive);
	return error;
}

/* OpenSSL keeps 70 kB for an association, which is all there is to a call otherwise. What it could still be needed for is one
 * close_notify: that is written now, to be sent at the end. */
static void settle(struct media_dtls *dtls)
{
	loop_timer_stop(&dtls->retransmit_timer);
	loop_timer_stop(&dtls->deadline_timer);
	set_state(dtls, DTLS_SETTLED);
	SSL_shutdown(dtls->ssl);
	ERR_clear_error();
	SSL_free(dtls->ssl);
	dtls->ssl = NULL;
}

/* The server speaks last, and its last word may be lost (RFC 6347, section 4.2.4). A client has heard it. */
static void linger(struct media_dtls *dtls)
{
	if (dtls->we_are_client)
		settle(dtls);
	else
		loop_timer_start_ms(&dtls->deadline_timer, MEDIA_DTLS_LINGER_MS);
}

void media_dtls_confirm(struct media_dtls *dtls)
{
	if (dtls->state == DTLS_CONNECTED)
		settle(dtls);
}

static void finish(struct media_dtls *dtls)
{
	struct media_srtp *send, *receive;

	loop_timer_stop(&dtls->deadline_timer);
	if (!is_announced(dtls)) {
		fail(dtls, MEDIA_FAILURE_FINGERPRINT, "the certificate is not the announced one");
	} else if (make_contexts(dtls, &send, &receive) < 0) {
		fail(dtls, MEDIA_FAILURE_DTLS, "no common SRTP profile");
	} else {
		set_state(dtls, DTLS_CONNECTED);
		media_end_keys_ready(dtls->end, send, receive);
		linger(dtls);
	}
}

static void arm_retransmission(struct media_dtls *dtls)
{
	struct timeval left;

	/* Also after the handshake: its last flight may have to be said again. */
	if (DTLSv1_get_timeout(dtls->ssl, &left))
		loop_timer_start_us(&dtls->retransmit_timer, left.tv_sec * INT64_C(1000000) + left.tv_usec);
	else
		loop_timer_stop(&dtls->retransmit_timer);
}

static void proceed(struct media_dtls *dtls)
{
	int result;

	ERR_clear_error();
	result = SSL_do_handshake(dtls->ssl);
	if (result == 1) {
		arm_retransmission(dtls);
		finish(dtls);
		return;
	}
	switch (SSL_get_error(dtls->ssl, result)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		arm_retransmission(dtls);
		break;
	default:
		fail(dtls, MEDIA_FAILURE_DTLS, ERR_reason_error_string(ERR_peek_error()) ?: "handshake failed");
		break;
	}
	ERR_clear_error();
}

/* After the handshake: alerts, and the far end's last flight again when ours was lost. */
static void read_on(struct media_dtls *dtls)
{
	char unused[256];

	ERR_clear_error();
	while (SSL_read(dtls->ssl, unused, sizeof unused) > 0)
		;
	if (SSL_get_shutdown(dtls->ssl) & SSL_RECEIVED_SHUTDOWN)
		set_state(dtls, DTLS_CLOSED);
	ERR_clear_error();
}

static void on_retransmit(void *data)
{
	struct media_dtls *dtls = data;

	if (dtls->state != DTLS_HANDSHAKE)
		return;
	ERR_clear_error();
	if (DTLSv1_handle_timeout(dtls->ssl) < 0) {
		ERR_clear_error();
		fail(dtls, MEDIA_FAILURE_DTLS, "no answer to the handshake");
		return;
	}
	arm_retransmission(dtls);
}

static void on_deadline(void *data)
{
	struct media_dtls *dtls = data;

	if (dtls->state == DTLS_HANDSHAKE)
		fail(dtls, MEDIA_FAILURE_DTLS, "the handshake took too long");
	else
		media_dtls_confirm(dtls);
}

int media_dtls_new(struct media_end *end, const struct sdp_transport *remote, bool we_are_client,
		   struct media_dtls **ret_dtls)
{
	struct media_dtls *dtls = g_new0(struct media_dtls, 1);
	BIO *bio;

	metrics_add(&associations, 1);
	dtls->end = end;
	dtls->we_are_client = we_are_client;
	dtls->n_fingerprints = remote->n_fingerprints;
	memcpy(dtls->fingerprints, remote->fingerprints, sizeof dtls->fingerprints);
	base_copy_text(dtls->tls_id, sizeof dtls->tls_id, remote->tls_id);
	loop_timer_init(&dtls->retransmit_timer, media_end_loop(end), on_retransmit, dtls);
	loop_timer_init(&dtls->deadline_timer, media_end_loop(end), on_deadline, dtls);
	dtls->ssl = SSL_new(end->worker->engine->dtls);
	bio = dtls->ssl ? BIO_new(bio_method()) : NULL;
	if (!bio) {
		media_dtls_free(dtls);
		return -ENOMEM;
	}
	BIO_set_data(bio, dtls);
	SSL_set_bio(dtls->ssl, bio, bio);
	SSL_set_mtu(dtls->ssl, CRYPTO_DTLS_MTU_BYTES);
	DTLS_set_timer_cb(dtls->ssl, retransmit_after_us);
	if (we_are_client)
		SSL_set_connect_state(dtls->ssl);
	else
		SSL_set_accept_state(dtls->ssl);
	*ret_dtls = dtls;
	return 0;
}

struct media_dtls *media_dtls_free(struct media_dtls *dtls)
{
	if (!dtls)
		return NULL;
	loop_timer_stop(&dtls->retransmit_timer);
	loop_timer_stop(&dtls->deadline_timer);
	media_dtls_confirm(dtls);
	if (dtls->state == DTLS_SETTLED)
		media_end_send_raw(dtls->end, dtls->farewell, dtls->farewell_bytes);
	SSL_free(dtls->ssl);
	g_free(dtls);
	metrics_add(&associations, -1);
	return NULL;
}

static bool has_moved(const struct media_dtls *dtls, const struct sdp_transport *remote)
{
	bool is_hold = net_address_is_wildcard(&remote->rtp);

	return !remote->has_ice && !is_hold && dtls->remote.length > 0 && !net_address_equal(&dtls->remote, &remote->rtp);
}

bool media_dtls_is_for(const struct media_dtls *dtls, const struct sdp_transport *remote, bool we_are_client)
{
	if (remote->tls_id[0] == '\0' && has_moved(dtls, remote))
		return false;
	if (dtls->we_are_client != we_are_client || dtls->n_fingerprints != remote->n_fingerprints ||
	    strcmp(dtls->tls_id, remote->tls_id) != 0)
		return false;
	for (size_t i = 0; i < remote->n_fingerprints; i++)
		if (g_ascii_strcasecmp(dtls->fingerprints[i].algorithm, remote->fingerprints[i].algorithm) != 0 ||
		    g_ascii_strcasecmp(dtls->fingerprints[i].digits, remote->fingerprints[i].digits) != 0)
			return false;
	return true;
}

void media_dtls_start(struct media_dtls *dtls)
{
	if (dtls->state != DTLS_WAITING)
		return;
	set_state(dtls, DTLS_HANDSHAKE);
	dtls->remote = dtls->end->rtp_remote;
	loop_timer_start_ms(&dtls->deadline_timer, MEDIA_DTLS_TIMEOUT_MS);
	if (dtls->we_are_client)
		proceed(dtls);
}

void media_dtls_receive(struct media_dtls *dtls, const uint8_t *bytes, size_t length)
{
	dtls->datagram = bytes;
	dtls->datagram_bytes = length;
	switch (dtls->state) {
	case DTLS_HANDSHAKE:
		proceed(dtls);
		break;
	case DTLS_CONNECTED:
		read_on(dtls);
		break;
	case DTLS_WAITING:
	case DTLS_SETTLED:
	case DTLS_CLOSED:
	case DTLS_FAILED:
		break;
	}
	dtls->datagram = NULL;
}
