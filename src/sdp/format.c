#include "sdp/sdp_private.h"

#include <string.h>
#include <strings.h>

const struct sdp_name sdp_direction_names[] = {
    {SDP_INACTIVE, "inactive"},
    {SDP_SEND_ONLY, "sendonly"},
    {SDP_RECEIVE_ONLY, "recvonly"},
    {SDP_SEND_RECEIVE, "sendrecv"},
    {0, NULL},
};

const struct sdp_name sdp_setup_names[] = {
    {SDP_SETUP_ACTIVE, "active"},
    {SDP_SETUP_PASSIVE, "passive"},
    {SDP_SETUP_ACTPASS, "actpass"},
    {SDP_SETUP_HOLDCONN, "holdconn"},
    {0, NULL},
};

const struct sdp_name sdp_profile_names[] = {
    {SDP_RTP_AVP, "RTP/AVP"},
    {SDP_RTP_AVPF, "RTP/AVPF"},
    {SDP_RTP_SAVP, "RTP/SAVP"},
    {SDP_RTP_SAVPF, "RTP/SAVPF"},
    {SDP_DTLS_SAVP, "UDP/TLS/RTP/SAVP"},
    {SDP_DTLS_SAVPF, "UDP/TLS/RTP/SAVPF"},
    {0, NULL},
};

const struct sdp_name sdp_kind_names[] = {
    {SDP_KIND_AUDIO, "audio"},
    {SDP_KIND_VIDEO, "video"},
    {0, NULL},
};

static const struct sdp_name feedback_names[] = {
    {SDP_FEEDBACK_NACK, "nack"},
    {SDP_FEEDBACK_PLI, "nack pli"},
    {SDP_FEEDBACK_FIR, "ccm fir"},
    {SDP_FEEDBACK_REMB, "goog-remb"},
    {SDP_FEEDBACK_TRANSPORT_CC, "transport-cc"},
    {0, NULL},
};

static const char *const extension_uris[SDP_EXTENSION_KINDS] = {
    [SDP_EXTENSION_MID] = "urn:ietf:params:rtp-hdrext:sdes:mid",
    [SDP_EXTENSION_AUDIO_LEVEL] = "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    [SDP_EXTENSION_ABS_SEND_TIME] = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    [SDP_EXTENSION_TRANSPORT_CC] = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
};

int sdp_name_value(const struct sdp_name *names, const char *text, int otherwise)
{
	for (; names->text; names++) {
		if (!strcasecmp(names->text, text))
			return names->value;
	}
	return otherwise;
}

const char *sdp_name_text(const struct sdp_name *names, int value)
{
	for (; names->text; names++) {
		if (names->value == value)
			return names->text;
	}
	return NULL;
}

const char *sdp_direction_name(enum sdp_direction direction)
{
	return sdp_name_text(sdp_direction_names, direction & SDP_SEND_RECEIVE);
}

unsigned sdp_feedback_kind(const char *value)
{
	return sdp_name_value(feedback_names, value, 0);
}

const char *sdp_feedback_value(enum sdp_feedback_kind kind)
{
	return sdp_name_text(feedback_names, kind);
}

const char *sdp_extension_uri(enum sdp_extension_kind kind)
{
	return extension_uris[kind];
}

const struct sdp_extension *sdp_media_find_extension(const struct sdp_media *media, enum sdp_extension_kind kind)
{
	for (size_t i = 0; i < media->n_extensions; i++)
		if (!strcmp(media->extensions[i].uri, extension_uris[kind]))
			return &media->extensions[i];
	return NULL;
}

enum sdp_direction sdp_direction_reverse(enum sdp_direction direction)
{
	return (direction & SDP_SEND_ONLY ? SDP_RECEIVE_ONLY : 0) | (direction & SDP_RECEIVE_ONLY ? SDP_SEND_ONLY : 0);
}

struct static_type {
	uint8_t payload_type;
	uint8_t channels;
	uint32_t clock_hz;
	const char *encoding;
};

/* RFC 3551, tables 4 and 5; 2 is reserved there, but telephones mean what RFC 1890 meant by it. */
static const struct static_type static_types[] = {
    {0, 1, 8000, "PCMU"},   {2, 1, 8000, "G726-32"}, {3, 1, 8000, "GSM"},    {4, 1, 8000, "G723"},
    {5, 1, 8000, "DVI4"},   {6, 1, 16000, "DVI4"},   {7, 1, 8000, "LPC"},    {8, 1, 8000, "PCMA"},
    {9, 1, 8000, "G722"},   {10, 2, 44100, "L16"},   {11, 1, 44100, "L16"},  {12, 1, 8000, "QCELP"},
    {13, 1, 8000, "CN"},    {14, 1, 90000, "MPA"},   {15, 1, 8000, "G728"},  {16, 1, 11025, "DVI4"},
    {17, 1, 22050, "DVI4"}, {18, 1, 8000, "G729"},   {25, 1, 90000, "CelB"}, {26, 1, 90000, "JPEG"},
    {28, 1, 90000, "nv"},   {31, 1, 90000, "H261"},  {32, 1, 90000, "MPV"},  {33, 1, 90000, "MP2T"},
    {34, 1, 90000, "H263"},
};

bool sdp_format_fill_static(struct sdp_format *format)
{
	for (size_t i = 0; i < G_N_ELEMENTS(static_types); i++) {
		const struct static_type *type = &static_types[i];
		if (type->payload_type != format->payload_type)
			continue;
		base_copy_text(format->encoding, sizeof format->encoding, type->encoding);
		format->clock_hz = type->clock_hz;
		format->channels = type->channels;
		return true;
	}
	return false;
}

const struct sdp_format *sdp_media_find_format(const struct sdp_media *media, uint8_t payload_type)
{
	for (size_t i = 0; i < media->n_formats; i++) {
		if (media->formats[i].payload_type == payload_type)
			return &media->formats[i];
	}
	return NULL;
}

bool sdp_format_parameter(const struct sdp_format *format, const char *name, char *value, size_t size)
{
	size_t name_length = strlen(name);
	for (const char *at = format->parameters; *at;) {
		at += strspn(at, " \t;");
		size_t length = strcspn(at, ";");
		const char *next = at + length;
		while (length && g_ascii_isspace(at[length - 1]))
			length--;
		if (length >= name_length && !strncasecmp(at, name, name_length)) {
			const char *rest = at + name_length + strspn(at + name_length, " \t");
			if (rest < at + length && *rest == '=') {
				rest++;
				rest += strspn(rest, " \t");
				size_t n = rest < at + length ? (size_t)(at + length - rest) : 0;
				if (n >= size)
					return false;
				memcpy(value, rest, n);
				value[n] = 0;
				return true;
			}
		}
		at = next;
	}
	return false;
}

/* Formats of one encoding are different codecs when a mode of the bit stream differs; `initial` is what an absent
 * parameter means, `significant` how much of the value decides (0: all). */
static const struct codec_mode {
	const char *encoding, *parameter, *initial;
	size_t significant;
} codec_modes[] = {
    {"AMR", "octet-align", "0", 0},
    {"AMR-WB", "octet-align", "0", 0},
    {"iLBC", "mode", "30", 0},
    {"G7221", "bitrate", "", 0},
    {"H264", "profile-level-id", "42E01F", 2},
    {"H264", "packetization-mode", "0", 0},
    {"VP9", "profile-id", "0", 0},
    {"AV1", "profile", "0", 0},
    {"rtx", "apt", "", 0},
};

static bool same_mode(const struct codec_mode *mode, const struct sdp_format *a, const struct sdp_format *b)
{
	char value_a[64], value_b[64];
	if (!sdp_format_parameter(a, mode->parameter, value_a, sizeof value_a))
		base_copy_text(value_a, sizeof value_a, mode->initial);
	if (!sdp_format_parameter(b, mode->parameter, value_b, sizeof value_b))
		base_copy_text(value_b, sizeof value_b, mode->initial);
	return mode->significant ? !strncasecmp(value_a, value_b, mode->significant) : !strcasecmp(value_a, value_b);
}

bool sdp_format_same_codec(const struct sdp_format *a, const struct sdp_format *b)
{
	if (!a->encoding[0] || strcasecmp(a->encoding, b->encoding) || a->clock_hz != b->clock_hz ||
	    MAX(a->channels, 1) != MAX(b->channels, 1))
		return false;
	for (size_t i = 0; i < G_N_ELEMENTS(codec_modes); i++) {
		if (!strcasecmp(codec_modes[i].encoding, a->encoding) && !same_mode(&codec_modes[i], a, b))
			return false;
	}
	return true;
}

bool sdp_format_is_telephone_event(const struct sdp_format *format)
{
	return !strcasecmp(format->encoding, "telephone-event");
}

const struct sdp_format *sdp_media_find_retransmission(const struct sdp_media *media, uint8_t payload_type)
{
	for (size_t i = 0; i < media->n_formats; i++) {
		const struct sdp_format *format = &media->formats[i];
		char apt[8];
		const char *number = apt;
		uint64_t type;
		if (!strcasecmp(format->encoding, "rtx") && sdp_format_parameter(format, "apt", apt, sizeof apt) &&
		    sdp_number(&number, 127, &type) && !*number && type == payload_type)
			return format;
	}
	return NULL;
}
