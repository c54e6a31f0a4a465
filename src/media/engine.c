#include "crypto/tls.h"
#include "media/convert.h"
#include "media/soundfile.h"
#include "media/worker.h"
#include <string.h>
#include <unistd.h>

static unsigned default_workers(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	return cores < 1 ? 1 : (unsigned)cores;
}

static int make_certificate(const struct media_settings *settings, struct crypto_certificate **ret_certificate)
{
	int error;

	if (!settings->dtls_certificate)
		return crypto_certificate_generate(ret_certificate);
	error = crypto_certificate_load(settings->dtls_certificate, settings->dtls_key, ret_certificate);
	if (error < 0)
		log_error(NULL, "media: certificate %s and key %s cannot be used: %s", settings->dtls_certificate, settings->dtls_key,
			  g_strerror(-error));
	return error;
}

static int make_turn_contexts(struct media_engine *engine)
{
	int error = 0;

	for (size_t i = 0; error == 0 && i < engine->settings.n_turn_servers; i++) {
		struct media_turn_server *server = &engine->settings.turn_servers[i];

		if (server->transport == MEDIA_TURN_TLS)
			error = crypto_tls_context_new(server->ca_file, &engine->turn_tls[i]);
		server->ca_file = NULL; /* only lent */
	}
	return error;
}

int media_engine_new(struct loop *signalling, const struct media_settings *settings,
		     const struct plugin_registry *codecs, struct media_engine **ret_engine)
{
	struct media_engine *engine = g_new0(struct media_engine, 1);
	unsigned wanted = settings->workers ? settings->workers : default_workers();
	int error;

	engine->signalling = signalling;
	engine->settings = *settings;
	engine->settings.dtls_certificate = engine->settings.dtls_key = NULL; /* only lent */
	engine->settings.music = NULL;
	engine->codecs = codecs;
	engine->convert = media_convert_new(codecs, settings->transcode);
	engine->settings.transcode = NULL;
	engine->has_chosen_addresses = engine->settings.n_addresses > 0;
	if (engine->settings.n_addresses == 0)
		engine->settings.n_addresses = net_interface_addresses(engine->settings.addresses,
								       G_N_ELEMENTS(engine->settings.addresses));
	error = net_port_pool_new(settings->first_port, settings->last_port, &engine->ports);
	if (error == 0 && settings->music)
		error = media_soundfile_load(settings->music, &engine->music);
	if (error == 0)
		error = make_certificate(settings, &engine->certificate);
	if (error == 0)
		error = crypto_dtls_context_new(engine->certificate, &engine->dtls);
	if (error == 0)
		error = make_turn_contexts(engine);
	wanted = MIN(wanted, MEDIA_WORKERS_MAX);
	for (unsigned i = 0; error == 0 && i < wanted; i++) {
		error = media_worker_new(engine, i, &engine->workers[i]);
		if (error == 0)
			engine->n_workers++;
	}
	if (error < 0) {
		media_engine_free(engine);
		return error;
	}
	*ret_engine = engine;
	return 0;
}

struct media_engine *media_engine_free(struct media_engine *engine)
{
	if (!engine)
		return NULL;
	/* All of them first: what one has still to do may be about a leg of another. */
	for (unsigned i = 0; i < engine->n_workers; i++)
		media_worker_stop(engine->workers[i]);
	for (unsigned i = 0; i < engine->n_workers; i++)
		engine->workers[i] = media_worker_free(engine->workers[i]);
	SSL_CTX_free(engine->dtls);
	for (size_t i = 0; i < MEDIA_TURN_SERVERS_MAX; i++)
		SSL_CTX_free(engine->turn_tls[i]);
	crypto_certificate_free(engine->certificate);
	net_port_pool_free(engine->ports);
	explicit_bzero(engine->settings.turn_servers, sizeof engine->settings.turn_servers);
	media_soundfile_unref(engine->music);
	media_convert_free(engine->convert);
	g_free(engine);
	return NULL;
}

const struct sdp_converter *media_engine_converter(const struct media_engine *engine)
{
	return media_convert_converter(engine->convert);
}

struct round {
	struct media_engine *engine;
	unsigned n_awaited; /* workers; signalling thread */
	void (*function)(void *data);
	void *data;
};

static void round_heard(void *data)
{
	struct round *round = data;

	if (--round->n_awaited > 0)
		return;
	round->function(round->data);
	g_free(round);
}

static void round_reached(void *data)
{
	struct round *round = data;

	loop_post(round->engine->signalling, round_heard, round);
}

void media_engine_await(struct media_engine *engine, void (*function)(void *data), void *data)
{
	struct round *round = g_new(struct round, 1);

	*round = (struct round){.engine = engine, .n_awaited = engine->n_workers, .function = function, .data = data};
	for (unsigned i = 0; i < engine->n_workers; i++)
		loop_post(engine->workers[i]->loop, round_reached, round);
}

bool media_engine_plays_on_hold(const struct media_engine *engine)
{
	return engine->settings.hold != MEDIA_HOLD_OFF;
}

static void count_worker(const struct media_worker *worker, struct media_counts *counts)
{
	struct loop_counts loop;

	loop_count(worker->loop, &loop);
	counts->legs += atomic_load(&worker->n_legs);
	counts->timers += loop.timers;
	counts->watches += loop.watches;
}

void media_engine_count(struct media_engine *engine, struct media_counts *ret_counts)
{
	*ret_counts = (struct media_counts){
		.sessions = atomic_load(&engine->n_sessions),
		.ice_agents = atomic_load(&engine->n_ice_agents),
		.ports = net_port_pool_in_use(engine->ports),
	};
	for (unsigned i = 0; i < engine->n_workers; i++)
		count_worker(engine->workers[i], ret_counts);
}

const char *media_failure_text(enum media_failure failure)
{
	switch (failure) {
	case MEDIA_FAILURE_NO_PORT:
		return "no media port or address free";
	case MEDIA_FAILURE_RELAY:
		return "no TURN server serves us, and media.relay_only allows no other way";
	case MEDIA_FAILURE_ICE:
		return "no network path found (ICE)";
	case MEDIA_FAILURE_ICE_CONSENT:
		return "network path lost (ICE consent)";
	case MEDIA_FAILURE_DTLS:
		return "encryption could not be set up (DTLS)";
	case MEDIA_FAILURE_KEYS:
		return "the keys of the description cannot be used";
	case MEDIA_FAILURE_FINGERPRINT:
		return "certificate is not the announced one (DTLS fingerprint)";
	case MEDIA_FAILURE_RTP_TIMEOUT:
		return "no media arrives";
	}
	return "unknown";
}
