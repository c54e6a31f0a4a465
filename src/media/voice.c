#include "media/voice.h"
#include "crypto/random.h"
#include "media/noise.h"
#include "plugin/plugin.h"
#include <string.h>

#define FRAME_MS	20
#define PCM_HZ_WANTED	16000
#define PCM_SAMPLES_MAX (48 * TANDEM_CODEC_FRAME_MS_MAX)
#define BEHIND_US_MAX	(200 * INT64_C(1000)) /* later than that, what was missed is not made up for */
#define REST_AFTER_US	(500 * INT64_C(1000)) /* of silence: then the timer is not worth what it costs */

struct media_voice {
	struct media_voice_options options;
	const struct tandem_codec *codec;
	struct sdp_format format;
	uint8_t send_type;
	uint16_t frame_ms;
	uint32_t pcm_hz;
	void *encoder;
	unsigned n_reports;	  /* of the far end's, heard by the encoder */
	unsigned request;	  /* of its codec, likewise */
	enum media_effort effort; /* of the encoder */
	struct media_noise *noise; /* NULL: the far end knows none */
	struct rtp_packet packet; /* the next one's numbers */
	int64_t due_us, spoken_us;
	struct loop_timer timer;
};

static struct loop *loop_of(const struct media_voice *voice)
{
	return media_end_loop(voice->options.to->end);
}

bool media_voice_is_heard(const struct media_voice *voice)
{
	const struct media_stream *to = voice->options.to;

	return media_stream_sends(to) && to->end->state == MEDIA_END_CONNECTED;
}

uint32_t media_voice_pcm_hz(const struct media_voice *voice)
{
	return voice->pcm_hz;
}

/* --- speaking --- */

static void hear_losses(struct media_voice *voice)
{
	const struct media_far_report *far = &voice->options.to->far;

	if (!voice->codec->encoder_set_loss || far->n == voice->n_reports)
		return;
	voice->n_reports = far->n;
	voice->codec->encoder_set_loss(voice->encoder, far->fraction_lost * 100u / 256);
}

static void hear_wish(struct media_voice *voice)
{
	const struct media_wish *wish = &voice->options.to->wish;

	if (wish->codec != voice->codec || wish->request == voice->request)
		return;
	voice->request = wish->request;
	voice->codec->encoder_set_request(voice->encoder, wish->request);
}

static void obey_load(struct media_voice *voice)
{
	enum media_effort effort = voice->options.to->end->worker->effort.now;

	if (!voice->codec->encoder_set_complexity || effort == voice->effort)
		return;
	voice->effort = effort;
	voice->codec->encoder_set_complexity(voice->encoder, media_effort_complexity(effort));
}

static void send_payload(struct media_voice *voice, uint8_t *bytes, size_t length, uint8_t type)
{
	struct rtp_packet *packet = &voice->packet;

	packet->payload = bytes + RTP_HEADER_BYTES;
	packet->payload_bytes = length;
	voice->options.send(voice->options.to, packet, bytes, RTP_HEADER_BYTES + TANDEM_CODEC_PAYLOAD_BYTES_MAX + MEDIA_PACKET_ROOM,
			    type, voice->format.clock_hz);
	packet->sequence++;
}

static void say(struct media_voice *voice, const int16_t *pcm, size_t n_samples)
{
	uint8_t bytes[RTP_HEADER_BYTES + TANDEM_CODEC_PAYLOAD_BYTES_MAX + MEDIA_PACKET_ROOM];
	struct rtp_packet *packet = &voice->packet;
	int length = voice->codec->encode(voice->encoder, pcm, n_samples, bytes + RTP_HEADER_BYTES,
					  TANDEM_CODEC_PAYLOAD_BYTES_MAX);

	if (length > 0)
		send_payload(voice, bytes, (size_t)length, voice->send_type);
	packet->marker = length <= 0; /* silence that the codec leaves out */
}

/* The far end is told what silence is like, once: a line that is dead all at once sounds like a call that is lost. */
static void fall_silent(struct media_voice *voice)
{
	uint8_t bytes[RTP_HEADER_BYTES + TANDEM_CODEC_PAYLOAD_BYTES_MAX + MEDIA_PACKET_ROOM], type;
	size_t length = voice->noise && !voice->packet.marker
				? media_noise_describe(voice->noise, bytes + RTP_HEADER_BYTES, TANDEM_CODEC_PAYLOAD_BYTES_MAX, &type)
				: 0;

	if (length > 0)
		send_payload(voice, bytes, length, type);
	voice->packet.marker = true;
}

static void speak(struct media_voice *voice, int64_t now_us)
{
	int16_t pcm[PCM_SAMPLES_MAX];
	size_t n_samples = voice->pcm_hz * voice->frame_ms / 1000;

	if (!media_voice_is_heard(voice)) {
		voice->spoken_us = now_us;
	} else if (voice->options.fill(voice->options.data, pcm, n_samples)) {
		hear_losses(voice);
		hear_wish(voice);
		obey_load(voice);
		say(voice, pcm, n_samples);
		if (voice->noise)
			media_noise_note(voice->noise, pcm, n_samples);
		voice->spoken_us = now_us;
	} else {
		fall_silent(voice);
	}
}

static void on_time(void *data)
{
	struct media_voice *voice = data;
	int64_t now_us = loop_now_us(loop_of(voice));

	speak(voice, now_us);
	voice->packet.timestamp += voice->format.clock_hz * voice->frame_ms / 1000;
	voice->due_us += voice->frame_ms * INT64_C(1000);
	if (now_us - voice->spoken_us > REST_AFTER_US)
		return;
	if (now_us - voice->due_us > BEHIND_US_MAX)
		voice->due_us = now_us;
	loop_timer_start_us(&voice->timer, MAX(voice->due_us - now_us, 0));
}

void media_voice_wake(struct media_voice *voice)
{
	int64_t now_us = loop_now_us(loop_of(voice));

	if (loop_timer_is_running(&voice->timer))
		return;
	voice->packet.timestamp += (uint32_t)(MAX(now_us - voice->due_us, 0) * (voice->format.clock_hz / 1000) / 1000);
	voice->due_us = voice->spoken_us = now_us;
	loop_timer_start_us(&voice->timer, 0);
}

/* --- setting up --- */

/* The far end's most liked format that there is an encoder for. */
static const struct tandem_codec *choose_codec(const struct media_stream *to, size_t *ret_index)
{
	for (size_t i = 0; i < to->n_formats; i++) {
		const struct tandem_codec *codec = media_stream_codec(to, i);

		if (codec && !(codec->flags & TANDEM_CODEC_COMFORT_NOISE)) {
			*ret_index = i;
			return codec;
		}
	}
	return NULL;
}

/* The best that both know: then nothing stands between them. */
static uint32_t choose_rate(const struct tandem_codec *codec, const struct tandem_codec *origin)
{
	if (!origin)
		return plugin_codec_rate(codec, PCM_HZ_WANTED);
	for (const uint32_t *hz = codec->pcm_rates_hz; *hz; hz++)
		if (plugin_codec_rate(origin, *hz) == *hz)
			return *hz;
	return codec->pcm_rates_hz[0];
}

/* The nearest to what the far end asks for that is not longer. */
static uint16_t choose_frame(const struct tandem_codec *codec, const struct media_stream *to)
{
	uint16_t wanted_ms = to->ptime_ms ? to->ptime_ms : FRAME_MS, best_ms = 0;

	if (to->maxptime_ms > 0)
		wanted_ms = MIN(wanted_ms, to->maxptime_ms);
	for (const uint16_t *ms = codec->frame_durations_ms; *ms; ms++)
		if (*ms <= wanted_ms)
			best_ms = MAX(best_ms, *ms);
	return best_ms ? best_ms : codec->frame_durations_ms[0];
}

bool media_voice_fits(const struct media_voice *voice, const struct media_stream *to)
{
	size_t index = 0;

	return voice->options.to == to && choose_codec(to, &index) == voice->codec &&
	       voice->send_type == to->send_types[index] && voice->frame_ms == choose_frame(voice->codec, to) &&
	       sdp_format_same_codec(&voice->format, &to->formats[index]) &&
	       strcmp(voice->format.parameters, to->formats[index].parameters) == 0 &&
	       media_noise_fits(voice->noise, to, &voice->format, voice->pcm_hz);
}

static int make_encoder(struct media_voice *voice)
{
	struct tandem_codec_settings settings = {
		.pcm_hz = voice->pcm_hz,
		.pcm_channels = 1,
		.frame_ms = voice->frame_ms,
		.fmtp = voice->format.parameters,
	};

	if (voice->pcm_hz * voice->frame_ms / 1000 > PCM_SAMPLES_MAX)
		return -EINVAL;
	return voice->codec->encoder_new(&settings, &voice->encoder);
}

int media_voice_new(const struct media_voice_options *options, struct media_voice **ret_voice)
{
	struct media_stream *to = options->to;
	size_t index;
	const struct tandem_codec *codec = choose_codec(to, &index);
	struct media_voice *voice;

	if (!codec)
		return -ENOTSUP;
	voice = g_new0(struct media_voice, 1);
	voice->options = *options;
	voice->codec = codec;
	voice->format = to->formats[index];
	voice->send_type = to->send_types[index];
	voice->frame_ms = choose_frame(codec, to);
	voice->pcm_hz = choose_rate(codec, options->origin);
	voice->effort = MEDIA_EFFORT_NORMAL;
	voice->noise = media_noise_new(to, &voice->format, voice->pcm_hz);
	voice->packet.marker = true;
	voice->packet.ssrc = crypto_random_u32();
	loop_timer_init(&voice->timer, loop_of(voice), on_time, voice);
	if (make_encoder(voice) < 0) {
		log_warning(&to->end->log, "no encoder for %s", voice->format.encoding);
		media_voice_free(voice);
		return -ENOTSUP;
	}
	voice->due_us = loop_now_us(loop_of(voice));
	media_voice_wake(voice);
	*ret_voice = voice;
	return 0;
}

struct media_voice *media_voice_free(struct media_voice *voice)
{
	if (!voice)
		return NULL;
	loop_timer_stop(&voice->timer);
	media_noise_free(voice->noise);
	if (voice->encoder)
		voice->codec->encoder_free(voice->encoder);
	g_free(voice);
	return NULL;
}
