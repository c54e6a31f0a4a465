#include "codec_amr/payload.h"
#include <errno.h>
#include <string.h>

const struct amr_kind amr_narrow = {
    .hz = 8000,
    .mode_last = 7,
    .mode_usual = 7, /* 12.2 kbit/s */
    .type_noise = 8,
    .frame_bits = {95, 103, 118, 134, 148, 159, 204, 244, 39},
    .empty_types = 1 << AMR_TYPE_NO_DATA,
};

const struct amr_kind amr_wide = {
    .hz = 16000,
    .mode_last = 8,
    .mode_usual = 2, /* 12.65 kbit/s: the lowest with all of the wide sound, and what mobile networks use */
    .type_noise = 9,
    .frame_bits = {132, 177, 253, 285, 317, 365, 397, 461, 477, 40},
    .empty_types = 1 << AMR_TYPE_NO_DATA | 1 << 14 /* lost on its way */,
};

#define REQUEST_BITS		 4
#define ENTRY_BITS		 6
#define HEADER_OCTET(type, good) ((uint8_t)((type) << 3 | (good) << 2))

/* Bits, the most significant of an octet first. */
struct reader {
	const uint8_t *bytes;
	size_t at, end;
};

static bool reader_has(const struct reader *reader, size_t n)
{
	return reader->end - reader->at >= n;
}

static unsigned reader_take(struct reader *reader, unsigned n)
{
	unsigned value = 0;
	for (; n; n--, reader->at++)
		value = value << 1 | (reader->bytes[reader->at / 8] >> (7 - reader->at % 8) & 1);
	return value;
}

/* To the next octet. False: something stands in between. */
static bool reader_align(struct reader *reader)
{
	return reader_take(reader, (8 - reader->at % 8) % 8) == 0;
}

static int read_request(struct reader *reader, bool is_octet_aligned, uint8_t *ret_request)
{
	if (!reader_has(reader, REQUEST_BITS))
		return -EBADMSG;
	*ret_request = reader_take(reader, REQUEST_BITS);
	return is_octet_aligned && !reader_align(reader) ? -EBADMSG : 0;
}

static int read_table(struct reader *reader, bool is_octet_aligned, const struct amr_kind *kind,
		      struct amr_payload *payload)
{
	bool has_more = true;
	for (payload->n_frames = 0; has_more; payload->n_frames++) {
		if (payload->n_frames == AMR_FRAMES_MAX || !reader_has(reader, is_octet_aligned ? 8 : ENTRY_BITS))
			return -EBADMSG;
		struct amr_frame *frame = &payload->frames[payload->n_frames];
		has_more = reader_take(reader, 1);
		frame->type = reader_take(reader, 4);
		frame->is_good = reader_take(reader, 1);
		if (!kind->frame_bits[frame->type] && !(kind->empty_types >> frame->type & 1))
			return -EBADMSG;
		if (is_octet_aligned && !reader_align(reader))
			return -EBADMSG;
	}
	return 0;
}

static int read_frame(struct reader *reader, unsigned n_bits, struct amr_frame *frame)
{
	if (!reader_has(reader, n_bits))
		return -EBADMSG;
	memset(frame->octets, 0, sizeof frame->octets);
	frame->octets[0] = HEADER_OCTET(frame->type, frame->is_good);
	for (uint8_t *octet = frame->octets + 1; n_bits; octet++) {
		unsigned n = n_bits < 8 ? n_bits : 8;
		*octet = reader_take(reader, n) << (8 - n);
		n_bits -= n;
	}
	return 0;
}

int amr_payload_read(const struct amr_kind *kind, bool is_octet_aligned, const uint8_t *bytes, size_t length,
		     struct amr_payload *ret_payload)
{
	struct reader reader = {bytes, 0, 8 * length};
	if (read_request(&reader, is_octet_aligned, &ret_payload->request) < 0 ||
	    read_table(&reader, is_octet_aligned, kind, ret_payload) < 0)
		return -EBADMSG;
	for (size_t i = 0; i < ret_payload->n_frames; i++) {
		struct amr_frame *frame = &ret_payload->frames[i];
		if (read_frame(&reader, kind->frame_bits[frame->type], frame) < 0 ||
		    (is_octet_aligned && !reader_align(&reader)))
			return -EBADMSG;
	}
	return reader_align(&reader) && reader.at == reader.end ? 0 : -EBADMSG;
}

struct writer {
	uint8_t *bytes;
	size_t at, end;
};

static void writer_put(struct writer *writer, unsigned value, unsigned n)
{
	for (; n; writer->at++) {
		n--;
		if (writer->at >= writer->end)
			continue; /* counted, and told at the end */
		if (writer->at % 8 == 0)
			writer->bytes[writer->at / 8] = 0;
		writer->bytes[writer->at / 8] |= (value >> n & 1) << (7 - writer->at % 8);
	}
}

static void writer_align(struct writer *writer)
{
	writer_put(writer, 0, (8 - writer->at % 8) % 8);
}

int amr_payload_write(const struct amr_kind *kind, bool is_octet_aligned, const struct amr_payload *payload,
		      uint8_t *bytes, size_t size)
{
	struct writer writer = {bytes, 0, 8 * size};
	writer_put(&writer, payload->request, REQUEST_BITS);
	if (is_octet_aligned)
		writer_align(&writer);
	for (size_t i = 0; i < payload->n_frames; i++) {
		writer_put(&writer, i + 1 < payload->n_frames, 1);
		writer_put(&writer, payload->frames[i].type, 4);
		writer_put(&writer, payload->frames[i].is_good, 1);
		if (is_octet_aligned)
			writer_align(&writer);
	}
	for (size_t i = 0; i < payload->n_frames; i++) {
		const uint8_t *octet = payload->frames[i].octets + 1;
		for (unsigned n_bits = kind->frame_bits[payload->frames[i].type]; n_bits; octet++) {
			unsigned n = n_bits < 8 ? n_bits : 8;
			writer_put(&writer, *octet >> (8 - n), n);
			n_bits -= n;
		}
		if (is_octet_aligned)
			writer_align(&writer);
	}
	writer_align(&writer);
	return writer.at <= writer.end ? (int)(writer.at / 8) : -ENOBUFS;
}
