#include "media/binding.h"
#include "crypto/digest.h"
#include "rtp/packet.h"
#include <string.h>

#define INTEGRITY_BYTES	  20
#define FINGERPRINT_BYTES 4
#define FINGERPRINT_XOR	  0x5354554eu
#define BINDING		  0x0001
#define CLASS_MASK	  0x0110
#define COMPREHENSION_OPTIONAL 0x8000

enum attribute {
	USERNAME = 0x0006,
	MESSAGE_INTEGRITY = 0x0008,
	ERROR_CODE = 0x0009,
	XOR_MAPPED_ADDRESS = 0x0020,
	PRIORITY = 0x0024,
	USE_CANDIDATE = 0x0025,
	FINGERPRINT = 0x8028,
	ICE_CONTROLLED = 0x8029,
	ICE_CONTROLLING = 0x802a,
};

static const uint16_t classes[] = {
	[MEDIA_BINDING_REQUEST] = 0x0000,
	[MEDIA_BINDING_INDICATION] = 0x0010,
	[MEDIA_BINDING_SUCCESS] = 0x0100,
	[MEDIA_BINDING_ERROR] = 0x0110,
};

static uint64_t get_u64(const uint8_t *bytes)
{
	return (uint64_t)rtp_get_u32(bytes) << 32 | rtp_get_u32(bytes + 4);
}

static void put_u64(uint8_t *bytes, uint64_t value)
{
	rtp_put_u32(bytes, (uint32_t)(value >> 32));
	rtp_put_u32(bytes + 4, (uint32_t)value);
}

/* ITU V.42, four bits at a time. */
static uint32_t crc32_of(const uint8_t *bytes, size_t length)
{
	static const uint32_t of_nibble[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
		0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < length; i++) {
		crc = of_nibble[(crc ^ bytes[i]) & 15] ^ crc >> 4;
		crc = of_nibble[(crc ^ bytes[i] >> 4) & 15] ^ crc >> 4;
	}
	return ~crc;
}

/* --- reading --- */

static int read_header(const uint8_t *bytes, size_t length, struct media_binding *binding)
{
	uint16_t type;

	if (length > MEDIA_BINDING_READ_MAX || !media_stun_is_message(bytes, length))
		return -EBADMSG;
	type = rtp_get_u16(bytes);
	if ((type & ~CLASS_MASK) != BINDING)
		return -EBADMSG;
	for (size_t i = 0; i < G_N_ELEMENTS(classes); i++)
		if (classes[i] == (type & CLASS_MASK))
			binding->kind = (enum media_binding_kind)i;
	memcpy(binding->transaction, bytes + 8, MEDIA_STUN_TRANSACTION_BYTES);
	return 0;
}

static int read_role(struct media_binding *binding, enum media_binding_role role, const uint8_t *value, size_t value_bytes)
{
	if (value_bytes != 8)
		return -EBADMSG;
	binding->role = role;
	binding->tie_breaker = get_u64(value);
	return 0;
}

static int read_attribute(struct media_binding *binding, const struct media_stun_attribute *attribute)
{
	const uint8_t *value = attribute->value;
	size_t value_bytes = attribute->value_bytes;

	switch ((enum attribute)attribute->type) {
	case USERNAME:
		binding->username = (const char *)value;
		binding->username_bytes = value_bytes;
		return 0;
	case PRIORITY:
		binding->priority = value_bytes == 4 ? rtp_get_u32(value) : 0;
		return value_bytes == 4 ? 0 : -EBADMSG;
	case USE_CANDIDATE:
		binding->uses_candidate = true;
		return 0;
	case ICE_CONTROLLED:
		return read_role(binding, MEDIA_BINDING_CONTROLLED, value, value_bytes);
	case ICE_CONTROLLING:
		return read_role(binding, MEDIA_BINDING_CONTROLLING, value, value_bytes);
	case ERROR_CODE:
		binding->error_code = value_bytes < 4 ? 0 : (uint16_t)((value[2] & 7) * 100 + value[3]);
		return value_bytes < 4 ? -EBADMSG : 0;
	case XOR_MAPPED_ADDRESS: /* how the far end sees us: a host's own address is all we ever send from */
	case MESSAGE_INTEGRITY:
	case FINGERPRINT:
		return 0;
	}
	binding->has_unknown |= attribute->type < COMPREHENSION_OPTIONAL;
	return 0;
}

static bool is_fingerprint(const uint8_t *bytes, const struct media_stun_attribute *attribute)
{
	return attribute->value_bytes == FINGERPRINT_BYTES &&
	       rtp_get_u32(attribute->value) == (crc32_of(bytes, attribute->begin) ^ FINGERPRINT_XOR);
}

int media_binding_read(const uint8_t *bytes, size_t length, struct media_binding *ret_binding)
{
	struct media_stun_attribute attribute = {0};
	struct media_binding binding = {0};
	int error = read_header(bytes, length, &binding);
	int more = 0;

	while (error == 0 && (more = media_stun_next(bytes, length, &attribute)) == 1) {
		if (attribute.type == FINGERPRINT)
			error = is_fingerprint(bytes, &attribute) ? 0 : -EBADMSG;
		else if (attribute.type == MESSAGE_INTEGRITY && binding.covered_bytes == 0 &&
			 attribute.value_bytes == INTEGRITY_BYTES)
			binding.covered_bytes = attribute.begin;
		else if (binding.covered_bytes == 0)
			error = read_attribute(&binding, &attribute);
	}
	if (error < 0 || more < 0)
		return -EBADMSG;
	*ret_binding = binding;
	return 0;
}

bool media_binding_is_to(const struct media_binding *binding, const char *ufrag)
{
	size_t ufrag_bytes = strlen(ufrag);

	return binding->kind == MEDIA_BINDING_REQUEST && binding->username && binding->username_bytes > ufrag_bytes &&
	       memcmp(binding->username, ufrag, ufrag_bytes) == 0 && binding->username[ufrag_bytes] == ':';
}

/* The HMAC is of all before the attribute, with a length that ends with the attribute (RFC 8489, section 14.5). */
static bool make_integrity(const uint8_t *bytes, size_t covered_bytes, const char *password,
			   uint8_t ret_digest[static CRYPTO_DIGEST_BYTES_MAX])
{
	uint8_t covered[MEDIA_BINDING_READ_MAX];

	memcpy(covered, bytes, covered_bytes);
	rtp_put_u16(covered + 2, (uint16_t)(covered_bytes + MEDIA_STUN_ATTRIBUTE_BYTES + INTEGRITY_BYTES - MEDIA_STUN_HEADER_BYTES));
	return crypto_hmac(CRYPTO_SHA1, password, strlen(password), covered, covered_bytes, ret_digest) == 0;
}

bool media_binding_is_authentic(const struct media_binding *binding, const uint8_t *bytes, const char *password)
{
	uint8_t digest[CRYPTO_DIGEST_BYTES_MAX];

	return binding->covered_bytes > 0 && make_integrity(bytes, binding->covered_bytes, password, digest) &&
	       crypto_equal(digest, bytes + binding->covered_bytes + MEDIA_STUN_ATTRIBUTE_BYTES, INTEGRITY_BYTES);
}

/* --- writing --- */

struct writer {
	uint8_t *bytes;
	size_t length;
};

static struct writer begin(uint8_t *bytes, enum media_binding_kind kind, const uint8_t *transaction)
{
	media_stun_put_header(BINDING | classes[kind], transaction, bytes);
	return (struct writer){bytes, MEDIA_STUN_HEADER_BYTES};
}

/* Where the value is to be written; what pads it is zero. */
static uint8_t *add(struct writer *writer, enum attribute type, size_t value_bytes)
{
	uint8_t *at = writer->bytes + writer->length;
	size_t padded = MEDIA_STUN_PADDED(value_bytes);

	rtp_put_u16(at, (uint16_t)type);
	rtp_put_u16(at + 2, (uint16_t)value_bytes);
	memset(at + MEDIA_STUN_ATTRIBUTE_BYTES, 0, padded);
	writer->length += MEDIA_STUN_ATTRIBUTE_BYTES + padded;
	return at + MEDIA_STUN_ATTRIBUTE_BYTES;
}

static size_t finish(struct writer *writer, const char *password)
{
	uint8_t digest[CRYPTO_DIGEST_BYTES_MAX] = {0};
	size_t before;

	make_integrity(writer->bytes, writer->length, password, digest);
	memcpy(add(writer, MESSAGE_INTEGRITY, INTEGRITY_BYTES), digest, INTEGRITY_BYTES);
	before = writer->length;
	rtp_put_u16(writer->bytes + 2, (uint16_t)(before + MEDIA_STUN_ATTRIBUTE_BYTES + FINGERPRINT_BYTES - MEDIA_STUN_HEADER_BYTES));
	rtp_put_u32(add(writer, FINGERPRINT, FINGERPRINT_BYTES), crc32_of(writer->bytes, before) ^ FINGERPRINT_XOR);
	return writer->length;
}

size_t media_binding_write_request(const struct media_binding *binding, const char *username, const char *password,
				   uint8_t ret_bytes[static MEDIA_BINDING_WRITTEN_MAX])
{
	struct writer writer = begin(ret_bytes, MEDIA_BINDING_REQUEST, binding->transaction);
	size_t username_bytes = strlen(username);

	memcpy(add(&writer, USERNAME, username_bytes), username, username_bytes);
	rtp_put_u32(add(&writer, PRIORITY, 4), binding->priority);
	put_u64(add(&writer, binding->role == MEDIA_BINDING_CONTROLLING ? ICE_CONTROLLING : ICE_CONTROLLED, 8),
		binding->tie_breaker);
	if (binding->uses_candidate)
		add(&writer, USE_CANDIDATE, 0);
	return finish(&writer, password);
}

size_t media_binding_write_success(const uint8_t *transaction, const struct net_address *from, const char *password,
				   uint8_t ret_bytes[static MEDIA_BINDING_WRITTEN_MAX])
{
	struct writer writer = begin(ret_bytes, MEDIA_BINDING_SUCCESS, transaction);
	uint8_t mapped[MEDIA_STUN_ADDRESS_BYTES_MAX];
	size_t mapped_bytes = media_stun_put_address(ret_bytes, from, mapped);

	memcpy(add(&writer, XOR_MAPPED_ADDRESS, mapped_bytes), mapped, mapped_bytes);
	return finish(&writer, password);
}

size_t media_binding_write_conflict(const uint8_t *transaction, const char *password,
				    uint8_t ret_bytes[static MEDIA_BINDING_WRITTEN_MAX])
{
	static const char reason[] = "Role Conflict";
	struct writer writer = begin(ret_bytes, MEDIA_BINDING_ERROR, transaction);
	uint8_t *value = add(&writer, ERROR_CODE, 4 + sizeof reason - 1);

	value[2] = MEDIA_BINDING_ROLE_CONFLICT / 100;
	value[3] = MEDIA_BINDING_ROLE_CONFLICT % 100;
	memcpy(value + 4, reason, sizeof reason - 1);
	return finish(&writer, password);
}
