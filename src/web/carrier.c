#include "web/carrier.h"
#include "base/log.h"
#include <libwebsockets.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <uv.h>

#define READ_BYTES 16384	/* a TLS record */
#define DESCRIPTORS_MAX 262144	/* the library keeps a table with a place for each that the process could open */
#define HANDSHAKE_SECONDS_MAX 30 /* the library's own limit; the connection's is shorter */

#define ROUNDS_MAX 16	 /* of libuv's loop at once, then ours goes on */
#define LAST_ROUNDS_MAX 1000 /* to let the library close what it has open */

/* libuv's loop is a guest of ours: its epoll descriptor is watched, and one timer stands for all its own. Unlike a GLib
 * context it costs nothing for connections where nothing happens. */
struct web_carrier {
	struct loop *loop;
	uv_loop_t guest;
	bool has_guest;
	bool is_in_guest; /* inside uv_run(), which will see what is changed */
	struct loop_watch *watch;
	struct loop_timer timer;
	struct lws_context *context; /* set to NULL by the library when it is gone */
	struct lws_vhost *vhost;
	char *certificate, *key;
};

struct web_link {
	struct web_carrier *carrier;
	struct lws *wsi;
	const struct web_link_handler *handler;
	void *data;
	bool is_adopted; /* a link that fails before is freed by web_link_new() */
	bool is_paused;	 /* nothing is read until what was written has gone out */
};

static void run_guest(struct web_carrier *carrier)
{
	int timeout_ms = 0;
	carrier->is_in_guest = true;
	for (int i = 0; i < ROUNDS_MAX && !timeout_ms; i++) {
		uv_run(&carrier->guest, UV_RUN_NOWAIT);
		timeout_ms = uv_backend_timeout(&carrier->guest);
	}
	carrier->is_in_guest = false;
	if (timeout_ms < 0)
		loop_timer_stop(&carrier->timer);
	else
		loop_timer_start_ms(&carrier->timer, timeout_ms);
}

static void on_guest_ready(void *data, uint32_t events)
{
	run_guest(data);
}

static void on_guest_due(void *data)
{
	run_guest(data);
}

/* After calls into the library from outside its callbacks: libuv tells epoll of what is wanted when its loop runs. */
static void touch_guest(struct web_carrier *carrier)
{
	if (!carrier->is_in_guest)
		loop_timer_start_ms(&carrier->timer, 0);
}

static void link_gone(struct web_link *link)
{
	link->wsi = NULL;
	if (!link->is_adopted)
		return;
	link->handler->closed(link->data);
	g_free(link);
}

/* With output waiting the library's raw role leaves the input unread but goes on asking for it, which would spin. A peer
 * that does not read is not read from. */
static void pause_or_resume(struct web_link *link)
{
	bool is_full = lws_partial_buffered(link->wsi);
	if (is_full == link->is_paused)
		return;
	link->is_paused = is_full;
	lws_rx_flow_control(link->wsi, !is_full);
	touch_guest(link->carrier);
}

static int carry(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length)
{
	struct web_link *link = wsi ? lws_get_opaque_user_data(wsi) : NULL;
	if (!link)
		return 0;
	switch (reason) {
	case LWS_CALLBACK_RAW_RX:
		lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0); /* TLS is up; from here our own timers watch */
		link->handler->received(link->data, in, length);
		break;
	case LWS_CALLBACK_RAW_WRITEABLE:
		link->handler->writable(link->data);
		pause_or_resume(link);
		break;
	case LWS_CALLBACK_RAW_CLOSE:
		lws_set_opaque_user_data(wsi, NULL);
		link_gone(link);
		break;
	default:
		break;
	}
	return 0;
}

static void emit_log(int level, const char *line)
{
	log_debug(NULL, "libwebsockets: %.*s", (int)strcspn(line, "\n"), line);
}

/* With "unlimited" descriptors, as some containers have it, the library would ask for gigabytes. */
static struct lws_context *create_context(const struct lws_context_creation_info *info)
{
	struct rlimit limit;
	bool is_high = !getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur > DESCRIPTORS_MAX;
	if (is_high)
		setrlimit(RLIMIT_NOFILE, &(struct rlimit){DESCRIPTORS_MAX, limit.rlim_max});
	struct lws_context *context = lws_create_context(info);
	if (is_high)
		setrlimit(RLIMIT_NOFILE, &limit);
	return context;
}

static int create_vhost(struct web_carrier *carrier, const struct lws_protocols *protocols)
{
	struct lws_context_creation_info info = {
		.vhost_name = "tandem",
		.port = CONTEXT_PORT_NO_LISTEN_SERVER,
		.protocols = protocols,
		.gid = (gid_t)-1,
		.uid = (uid_t)-1,
	};
	if (carrier->certificate) {
		info.ssl_cert_filepath = carrier->certificate;
		info.ssl_private_key_filepath = carrier->key;
		info.ssl_options_set = SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_RENEGOTIATION;
		info.alpn = "http/1.1";
		info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
	}
	carrier->vhost = lws_create_vhost(carrier->context, &info);
	return carrier->vhost ? 0 : -EINVAL;
}

static int start_guest(struct web_carrier *carrier)
{
	int error = uv_loop_init(&carrier->guest);
	if (error)
		return error;
	carrier->has_guest = true;
	loop_timer_init(&carrier->timer, carrier->loop, on_guest_due, carrier);
	return loop_watch_add(carrier->loop, uv_backend_fd(&carrier->guest), EPOLLIN, on_guest_ready, carrier,
			      &carrier->watch);
}

static int start_library(struct web_carrier *carrier)
{
	static const struct lws_protocols protocols[] = {
		{.name = "tandem", .callback = carry, .rx_buffer_size = READ_BYTES},
		{0},
	};
	void *foreign_loops[] = {&carrier->guest};
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN,
		.protocols = protocols,
		.foreign_loops = foreign_loops,
		.pcontext = &carrier->context,
		.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
			   LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
		.pt_serv_buf_size = READ_BYTES,
		.timeout_secs = HANDSHAKE_SECONDS_MAX,
		.gid = (gid_t)-1,
		.uid = (uid_t)-1,
	};
	lws_set_log_level(LLL_ERR | LLL_WARN, emit_log);
	carrier->context = create_context(&info);
	if (!carrier->context) {
		log_error(NULL, "web: libwebsockets with its libuv event loop cannot be started");
		return -EIO;
	}
	int error = create_vhost(carrier, protocols);
	if (error)
		log_error(NULL, "web: certificate %s and key %s cannot be used", carrier->certificate, carrier->key);
	return error;
}

int web_carrier_new(const struct web_carrier_parameters *parameters, struct web_carrier **ret_carrier)
{
	struct web_carrier *carrier = g_new0(struct web_carrier, 1);
	carrier->loop = parameters->loop;
	carrier->certificate = g_strdup(parameters->certificate);
	carrier->key = g_strdup(parameters->key);
	int error = start_guest(carrier);
	if (!error)
		error = start_library(carrier);
	if (error) {
		web_carrier_free(carrier);
		return error;
	}
	touch_guest(carrier);
	*ret_carrier = carrier;
	return 0;
}

/* The library closes its handles in libuv's loop. Told to go on before all are closed, it would free what they are part
 * of, and unload the code that they call. */
static void stop_guest(struct web_carrier *carrier)
{
	if (carrier->context)
		lws_context_destroy(carrier->context);
	for (int i = 0; i < LAST_ROUNDS_MAX; i++) {
		if (uv_run(&carrier->guest, UV_RUN_NOWAIT))
			continue;
		if (carrier->context)
			lws_context_destroy(carrier->context);
		else if (!uv_loop_close(&carrier->guest))
			return;
	}
	log_warning(NULL, "web: libwebsockets did not close all it had open");
}

struct web_carrier *web_carrier_free(struct web_carrier *carrier)
{
	if (!carrier)
		return NULL;
	loop_timer_stop(&carrier->timer);
	loop_watch_free(carrier->watch);
	if (carrier->has_guest)
		stop_guest(carrier);
	g_free(carrier->certificate);
	g_free(carrier->key);
	g_free(carrier);
	return NULL;
}

void web_carrier_reload(struct web_carrier *carrier)
{
	if (carrier->certificate)
		lws_tls_cert_updated(carrier->context, carrier->certificate, carrier->key, NULL, 0, NULL, 0);
}

int web_link_new(struct web_carrier *carrier, int descriptor, const struct web_link_handler *handler, void *data,
		 struct web_link **ret_link)
{
	struct web_link *link = g_new0(struct web_link, 1);
	link->carrier = carrier;
	link->handler = handler;
	link->data = data;
	lws_adopt_desc_t adoption = {
		.vh = carrier->vhost,
		.type = LWS_ADOPT_SOCKET | LWS_ADOPT_ALLOW_SSL,
		.fd.sockfd = descriptor,
		.vh_prot_name = "tandem",
		.opaque = link,
	};
	link->wsi = lws_adopt_descriptor_vhost_via_info(&adoption);
	touch_guest(carrier);
	if (!link->wsi) {
		g_free(link);
		return -EIO;
	}
	link->is_adopted = true;
	*ret_link = link;
	return 0;
}

void web_link_close(struct web_link *link)
{
	struct web_carrier *carrier = link->carrier;
	lws_set_timeout(link->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
	touch_guest(carrier);
}

void web_link_want_write(struct web_link *link)
{
	if (!link->wsi)
		return;
	lws_callback_on_writable(link->wsi);
	touch_guest(link->carrier);
}

int web_link_write(struct web_link *link, const uint8_t *bytes, size_t length)
{
	/* The raw role neither changes the bytes nor writes before them. */
	if (lws_write(link->wsi, (unsigned char *)bytes, length, LWS_WRITE_RAW) < 0)
		return -EPIPE;
	pause_or_resume(link);
	return 0;
}

bool web_link_is_drained(const struct web_link *link)
{
	return !lws_partial_buffered(link->wsi);
}
