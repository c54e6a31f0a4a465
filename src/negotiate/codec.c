#include "negotiate/negotiate_private.h"

#include <string.h>
#include <strings.h>

const char *const negotiate_full_offer[] = {"opus", "G722", "PCMU", "PCMA", NULL};

static const struct known_codec {
	enum sdp_kind kind;
	struct sdp_format format;
} known_codecs[] = {
    {SDP_KIND_AUDIO, {111, "opus", 48000, 2, "minptime=10;useinbandfec=1"}},
    {SDP_KIND_AUDIO, {0, "PCMU", 8000, 1, ""}},
    {SDP_KIND_AUDIO, {8, "PCMA", 8000, 1, ""}},
    {SDP_KIND_AUDIO, {9, "G722", 8000, 1, ""}},
    {SDP_KIND_AUDIO, {3, "GSM", 8000, 1, ""}},
    {SDP_KIND_AUDIO, {4, "G723", 8000, 1, ""}},
    {SDP_KIND_AUDIO, {18, "G729", 8000, 1, "annexb=no"}},
    {SDP_KIND_AUDIO, {99, "G726-32", 8000, 1, ""}},
    {SDP_KIND_AUDIO, {98, "iLBC", 8000, 1, "mode=30"}},
    {SDP_KIND_VIDEO, {96, "VP8", 90000, 1, ""}},
    {SDP_KIND_VIDEO, {97, "H264", 90000, 1, "profile-level-id=42e01f;packetization-mode=1"}},
};

static const char *const video_codecs[] = {"VP8", "VP9", "AV1", "H264", "H265", "H263", "H263-1998", "H263-2000", NULL};

/* No codecs. What is not carried from leg to leg either: NSE is a telephone maker's own, and redundancy,
 * retransmission and error correction are each leg's affair. */
static const char *const not_codecs[] = {"telephone-event", "CN",      "NSE",	     "X-NSE",	  "red",  "rtx",
					 "ulpfec",	    "flexfec", "flexfec-03", "parityfec", "tone", NULL};

static bool has_name(const char *const *names, const char *name)
{
	for (; names && *names; names++) {
		if (!strcasecmp(*names, name))
			return true;
	}
	return false;
}

bool negotiate_list_has(const char *const *names, const struct sdp_format *format)
{
	return has_name(names, format->encoding);
}

bool negotiate_converts(const struct negotiate_profile *profile, const struct sdp_format *format, char *ret_parameters)
{
	char parameters[SDP_PARAMETERS_BYTES_MAX];
	const struct sdp_converter *converter = profile->converter;
	if (!converter || !converter->takes(converter, format, parameters))
		return false;
	if (ret_parameters)
		memcpy(ret_parameters, parameters, sizeof parameters);
	return true;
}

bool negotiate_converts_any(const struct negotiate_profile *profile, const struct negotiate_agreed *agreed)
{
	for (size_t i = 0; i < agreed->n; i++) {
		if (negotiate_converts(profile, agreed->local[i], NULL))
			return true;
	}
	return false;
}

bool negotiate_is_codec(const struct sdp_format *format)
{
	return format->encoding[0] && !negotiate_list_has(not_codecs, format);
}

bool negotiate_is_retransmission(const struct sdp_format *format)
{
	return !strcasecmp(format->encoding, "rtx");
}

const char *const *negotiate_codecs(const struct negotiate_profile *profile, enum sdp_kind kind)
{
	for (const char *const *name = profile->codecs; name && *name; name++) {
		if (has_name(video_codecs, *name) == (kind == SDP_KIND_VIDEO))
			return profile->codecs;
	}
	return NULL;
}

bool negotiate_known_format(const char *encoding, enum sdp_kind kind, struct sdp_format *ret_format)
{
	for (size_t i = 0; i < G_N_ELEMENTS(known_codecs); i++) {
		if (known_codecs[i].kind != kind || strcasecmp(known_codecs[i].format.encoding, encoding))
			continue;
		*ret_format = known_codecs[i].format;
		return true;
	}
	return false;
}

bool negotiate_formats_add(struct negotiate_formats *formats, const struct sdp_format *format)
{
	if (formats->n == SDP_FORMATS_MAX)
		return false;
	formats->items[formats->n++] = *format;
	return true;
}

const struct sdp_format *negotiate_formats_find(const struct sdp_format *items, size_t n,
						const struct sdp_format *wanted)
{
	for (size_t i = 0; i < n; i++) {
		if (sdp_format_same_codec(&items[i], wanted))
			return &items[i];
	}
	return NULL;
}

bool negotiate_clock_in_use(const struct negotiate_formats *formats, uint32_t clock_hz)
{
	for (size_t i = 0; i < formats->n; i++) {
		if (negotiate_is_codec(&formats->items[i]) && formats->items[i].clock_hz == clock_hz)
			return true;
	}
	return false;
}

void negotiate_formats_order(struct negotiate_formats *formats, const char *const *names)
{
	if (!names)
		return;
	struct negotiate_formats *ordered = g_new0(struct negotiate_formats, 1);
	for (; *names; names++) {
		for (size_t i = 0; i < formats->n; i++) {
			if (!strcasecmp(formats->items[i].encoding, *names))
				negotiate_formats_add(ordered, &formats->items[i]);
		}
	}
	*formats = *ordered;
	g_free(ordered);
}
