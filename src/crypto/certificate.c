#include "crypto/certificate.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#define DAY_S		      (24L * 60 * 60)
#define VALID_DAYS	      365
#define SERIAL_BYTES	      16

struct crypto_certificate {
	X509 *x509;
	EVP_PKEY *key;
	char fingerprint[CRYPTO_FINGERPRINT_DIGITS_MAX]; /* sha-256 */
};

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FILE, fclose)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BIGNUM, BN_free)

struct crypto_certificate *crypto_certificate_free(struct crypto_certificate *certificate)
{
	if (!certificate)
		return NULL;
	X509_free(certificate->x509);
	EVP_PKEY_free(certificate->key);
	g_free(certificate);
	return NULL;
}

/* "AB:CD:..."; 0 or -EIO */
static int fingerprint_of(const X509 *x509, const EVP_MD *md, char ret_digits[static CRYPTO_FINGERPRINT_DIGITS_MAX])
{
	static const char digits[] = "0123456789ABCDEF";
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned length = 0;
	if (X509_digest(x509, md, digest, &length) != 1)
		return -EIO;
	char *out = ret_digits;
	for (unsigned i = 0; i < length; i++) {
		*out++ = digits[digest[i] >> 4];
		*out++ = digits[digest[i] & 15];
		*out++ = i + 1 < length ? ':' : '\0';
	}
	return 0;
}

static int fill_fingerprint(struct crypto_certificate *certificate)
{
	return fingerprint_of(certificate->x509, EVP_sha256(), certificate->fingerprint);
}

static bool set_random_serial(X509 *x509)
{
	uint8_t bytes[SERIAL_BYTES];
	crypto_random(bytes, sizeof bytes);
	bytes[0] = (bytes[0] & 0x7f) | 0x40; /* positive, and always of the same length (RFC 5280, section 4.1.2.2) */
	g_autoptr(BIGNUM) serial = BN_bin2bn(bytes, sizeof bytes, NULL);
	return serial && BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(x509));
}

static bool fill_self_signed(X509 *x509, EVP_PKEY *key)
{
	X509_NAME *name = X509_get_subject_name(x509);
	return X509_set_version(x509, X509_VERSION_3) == 1 && set_random_serial(x509) &&
	       X509_gmtime_adj(X509_getm_notBefore(x509), -DAY_S) &&
	       X509_gmtime_adj(X509_getm_notAfter(x509), VALID_DAYS * DAY_S) && X509_set_pubkey(x509, key) == 1 &&
	       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"WebRTC", -1, -1, 0) == 1 &&
	       X509_set_issuer_name(x509, name) == 1 && X509_sign(x509, key, EVP_sha256()) > 0;
}

int crypto_certificate_generate(struct crypto_certificate **ret_certificate)
{
	struct crypto_certificate *certificate = g_new0(struct crypto_certificate, 1);
	certificate->key = EVP_EC_gen("P-256");
	certificate->x509 = X509_new();
	if (!certificate->key || !certificate->x509 || !fill_self_signed(certificate->x509, certificate->key) ||
	    fill_fingerprint(certificate) < 0) {
		ERR_clear_error();
		crypto_certificate_free(certificate);
		return -EIO;
	}
	*ret_certificate = certificate;
	return 0;
}

/* No prompt on the terminal for an encrypted key */
static int refuse_passphrase(char *buffer, int size, int writing, void *user)
{
	return -1;
}

static int load_files(const char *certificate_path, const char *key_path, struct crypto_certificate *certificate)
{
	g_autoptr(FILE) certificate_file = fopen(certificate_path, "re");
	if (!certificate_file)
		return -errno;
	g_autoptr(FILE) key_file = fopen(key_path, "re");
	if (!key_file)
		return -errno;
	certificate->x509 = PEM_read_X509(certificate_file, NULL, refuse_passphrase, NULL);
	certificate->key = PEM_read_PrivateKey(key_file, NULL, refuse_passphrase, NULL);
	if (!certificate->x509 || !certificate->key)
		return -EBADMSG;
	if (X509_check_private_key(certificate->x509, certificate->key) != 1)
		return -EKEYREJECTED;
	return fill_fingerprint(certificate);
}

int crypto_certificate_load(const char *certificate_path, const char *key_path,
			    struct crypto_certificate **ret_certificate)
{
	struct crypto_certificate *certificate = g_new0(struct crypto_certificate, 1);
	int r = load_files(certificate_path, key_path, certificate);
	if (r < 0) {
		ERR_clear_error();
		crypto_certificate_free(certificate);
		return r;
	}
	*ret_certificate = certificate;
	return 0;
}

const char *crypto_certificate_fingerprint(const struct crypto_certificate *certificate)
{
	return certificate->fingerprint;
}

X509 *crypto_certificate_x509(const struct crypto_certificate *certificate)
{
	return certificate->x509;
}

EVP_PKEY *crypto_certificate_key(const struct crypto_certificate *certificate)
{
	return certificate->key;
}

bool crypto_fingerprint_matches(const X509 *peer, const char *algorithm, const char *digits)
{
	static const struct {
		const char *name;
		const EVP_MD *(*md)(void);
	} algorithms[] = {
	    {"sha-1", EVP_sha1},     {"sha-224", EVP_sha224}, {"sha-256", EVP_sha256},
	    {"sha-384", EVP_sha384}, {"sha-512", EVP_sha512},
	};
	if (!peer || !algorithm || !digits)
		return false;
	for (size_t i = 0; i < G_N_ELEMENTS(algorithms); i++) {
		char own[CRYPTO_FINGERPRINT_DIGITS_MAX];
		if (g_ascii_strcasecmp(algorithm, algorithms[i].name) != 0)
			continue;
		return fingerprint_of(peer, algorithms[i].md(), own) == 0 && g_ascii_strcasecmp(own, digits) == 0;
	}
	return false;
}
