#include "media/convert.h"
#include "base/log.h"
#include "plugin/plugin.h"
#include <string.h>
#include <strings.h>

#define TYPE_DYNAMIC_FIRST 96
#define TYPE_DYNAMIC_LAST  127

struct media_convert {
	struct sdp_converter converter;
	size_t n;
	struct sdp_format formats[SDP_FORMATS_MAX];
	const struct tandem_codec *codecs[SDP_FORMATS_MAX];
};

/* The best first. Nearly every telephone has one of these. */
static const char *const usual[] = {"opus", "G722", "PCMU", "PCMA", "G729", NULL};

static bool is_listed(const struct media_convert *convert, const struct tandem_codec *codec)
{
	for (size_t i = 0; i < convert->n; i++)
		if (convert->codecs[i] == codec)
			return true;
	return false;
}

static uint8_t type_of(const struct media_convert *convert, const struct tandem_codec *codec)
{
	uint8_t type = TYPE_DYNAMIC_FIRST;

	if (codec->static_payload_type >= 0)
		return (uint8_t)codec->static_payload_type;
	for (size_t i = 0; i < convert->n; i++)
		if (convert->formats[i].payload_type >= type && convert->formats[i].payload_type < TYPE_DYNAMIC_LAST)
			type = convert->formats[i].payload_type + 1;
	return type;
}

static void add(struct media_convert *convert, const struct tandem_codec *codec)
{
	struct sdp_format *format = &convert->formats[convert->n];

	if (convert->n == SDP_FORMATS_MAX || is_listed(convert, codec) || (codec->flags & TANDEM_CODEC_COMFORT_NOISE))
		return;
	format->payload_type = type_of(convert, codec);
	format->clock_hz = codec->clock_hz;
	format->channels = codec->channels;
	base_copy_text(format->encoding, sizeof format->encoding, codec->encoding);
	if (codec->default_fmtp)
		base_copy_text(format->parameters, sizeof format->parameters, codec->default_fmtp);
	convert->codecs[convert->n++] = codec;
}

/* `name` NULL: any. */
static void add_named(struct media_convert *convert, const struct plugin_registry *codecs, const char *name)
{
	const struct tandem_codec *codec;

	for (size_t i = 0; (codec = plugin_codec_at(codecs, i)); i++)
		if (!name || strcasecmp(codec->encoding, name) == 0)
			add(convert, codec);
}

static void add_wanted(struct media_convert *convert, const struct plugin_registry *codecs, const char *name)
{
	size_t n_before = convert->n;

	add_named(convert, codecs, name);
	if (convert->n == n_before && strcasecmp(name, "off") != 0)
		log_warning(NULL, "media.transcode: no plugin encodes and decodes %s", name);
}

/* Its modes are the codec's affair. */
static bool is_of(const struct tandem_codec *codec, const struct sdp_format *format)
{
	return strcasecmp(codec->encoding, format->encoding) == 0 && codec->clock_hz == format->clock_hz &&
	       MAX(codec->channels, 1) == MAX(format->channels, 1);
}

static bool takes(const struct sdp_converter *converter, const struct sdp_format *format,
		  char ret_parameters[static SDP_PARAMETERS_BYTES_MAX])
{
	const struct media_convert *convert = converter->data;

	for (size_t i = 0; i < convert->n; i++) {
		const struct tandem_codec *codec = convert->codecs[i];
		char answer[TANDEM_CODEC_FMTP_BYTES_MAX];

		if (!is_of(codec, format))
			continue;
		base_copy_text(answer, sizeof answer, codec->default_fmtp ?: "");
		if (codec->negotiate_fmtp && codec->negotiate_fmtp(format->parameters, answer, sizeof answer) < 0)
			continue;
		base_copy_text(ret_parameters, SDP_PARAMETERS_BYTES_MAX, answer);
		return true;
	}
	return false;
}

static bool has_comfort_noise(const struct plugin_registry *codecs)
{
	const struct tandem_codec *codec;

	for (size_t i = 0; (codec = plugin_codec_at(codecs, i)); i++)
		if (codec->flags & TANDEM_CODEC_COMFORT_NOISE)
			return true;
	return false;
}

struct media_convert *media_convert_new(const struct plugin_registry *codecs, const char *const *wanted)
{
	struct media_convert *convert = g_new0(struct media_convert, 1);
	bool wants_all = !wanted || !wanted[0];
	size_t n_usual;

	for (const char *const *name = wanted; codecs && !wants_all && *name; name++)
		add_wanted(convert, codecs, *name);
	for (const char *const *name = usual; codecs && wants_all && *name; name++)
		add_named(convert, codecs, *name);
	n_usual = convert->n;
	if (codecs && wants_all)
		add_named(convert, codecs, NULL);
	convert->converter = (struct sdp_converter){
		.n_formats = convert->n,
		.formats = convert->formats,
		.n_usual = n_usual,
		.takes = takes,
		.data = convert,
		.has_comfort_noise = codecs && has_comfort_noise(codecs),
	};
	return convert;
}

struct media_convert *media_convert_free(struct media_convert *convert)
{
	g_free(convert);
	return NULL;
}

const struct sdp_converter *media_convert_converter(const struct media_convert *convert)
{
	return convert->n > 1 ? &convert->converter : NULL;
}
