#include "registrar/internal.h"
#include "sip/options.h"
#include <string.h>

static const char *const authentication_names[] = {
	[REGISTRAR_AUTHENTICATION_DIGEST] = "digest",
	[REGISTRAR_AUTHENTICATION_NONE] = "none",
	NULL,
};

static const char *const media_names[] = {
	[REGISTRAR_MEDIA_AUTO] = "auto",
	[REGISTRAR_MEDIA_WEBRTC] = "webrtc",
	[REGISTRAR_MEDIA_SDES] = "sdes",
	NULL,
};

static const struct config_option registrar_options[] = {
	{.name = "authentication",
	 .type = CONFIG_ENUM,
	 .names = authentication_names,
	 .fallback = "digest",
	 .help = "How users prove themselves; \"none\" takes any user at his word, for closed test networks."},
	{.name = "expires_seconds",
	 .type = CONFIG_INTEGER,
	 .min = 10,
	 .max = 86400,
	 .fallback = "600",
	 .help = "How long a registration holds when the client does not say."},
	{.name = "expires_min_seconds",
	 .type = CONFIG_INTEGER,
	 .min = 1,
	 .max = 3600,
	 .fallback = "30",
	 .help = "A shorter registration is refused with 423."},
	{.name = "expires_max_seconds",
	 .type = CONFIG_INTEGER,
	 .min = 10,
	 .max = 86400,
	 .fallback = "3600",
	 .help = "A longer registration is cut to this."},
	{.name = "bindings_per_user",
	 .type = CONFIG_INTEGER,
	 .min = 1,
	 .max = 256,
	 .fallback = G_STRINGIFY(REGISTRAR_BINDINGS_PER_USER_MAX),
	 .help = "Devices that a user may have registered at a time."},
	{.name = "upstream",
	 .type = CONFIG_STRING,
	 .max = 64,
	 .help = "The trunk whose peer knows the users that have no password here: they prove themselves there."},
	{.name = "grace_seconds",
	 .type = CONFIG_INTEGER,
	 .min = 0,
	 .max = 3600,
	 .fallback = "30",
	 .help = "How long a registration holds after its connection has closed, for a client that comes back; a call "
		 "that comes meanwhile waits calls.grace_seconds for it."},
	{0},
};

static const struct config_option token_options[] = {
	{.name = "key_file",
	 .type = CONFIG_PATH,
	 .help = "Public keys of who signs the tokens that users may show in place of a password: PEM, or a JWK set. Read again by SIGHUP."},
	{.name = "jwks_url",
	 .type = CONFIG_STRING,
	 .min = 1,
	 .max = 1024,
	 .help = "In place of key_file: where their owner keeps them as a JWK set, an https URL. Fetched at the start, when a token has an unknown "
		 "key, and from time to time."},
	{.name = "jwks_ca_file", .type = CONFIG_PATH, .help = "Who vouches for that server (PEM); the system's CAs when it is not written."},
	{.name = "jwks_seconds",
	 .type = CONFIG_INTEGER,
	 .min = 60,
	 .max = 86400,
	 .fallback = "3600",
	 .help = "After how long they are fetched again."},
	{.name = "issuer", .type = CONFIG_STRING, .min = 1, .help = "What the claim iss must be; any when it is not written."},
	{.name = "audience", .type = CONFIG_STRING, .min = 1, .help = "What the claim aud must be or hold."},
	{.name = "user_claim", .type = CONFIG_STRING, .min = 1, .max = 64, .fallback = "sub", .help = "Which claim is the user's name."},
	{.name = "leeway_seconds",
	 .type = CONFIG_INTEGER,
	 .min = 0,
	 .max = 600,
	 .fallback = "30",
	 .help = "How far the clocks of here and there may differ."},
	{.name = "authorization_server",
	 .type = CONFIG_STRING,
	 .min = 1,
	 .max = 1024,
	 .help = "Where clients get tokens, an https URL: told in challenges (RFC 8898)."},
	{0},
};

static const struct config_option user_options[] = {
	{.name = "name",
	 .type = CONFIG_STRING,
	 .is_required = true,
	 .is_key = true,
	 .min = 1,
	 .max = 64,
	 .help = "The user part of the user's address."},
	{.name = "password",
	 .type = CONFIG_STRING,
	 .is_secret = true,
	 .min = 1,
	 .max = 256,
	 .help = "What the user proves himself with."},
	{.name = "ha1_md5",
	 .type = CONFIG_STRING,
	 .is_secret = true,
	 .min = 32,
	 .max = 32,
	 .help = "In place of password: its hash for name and domain (\"tandem hash\" makes it). Browsers prove themselves by this one."},
	{.name = "ha1_sha256", .type = CONFIG_STRING, .is_secret = true, .min = 64, .max = 64, .help = "The same for SHA-256."},
	{.name = "media",
	 .type = CONFIG_ENUM,
	 .names = media_names,
	 .fallback = "auto",
	 .help = "How the user's browsers encrypt media: \"webrtc\" (DTLS), \"sdes\" (keys in the SDP, as browsers of before "
		 "2014 do), or as each of them shows."},
	{.name = "record", .type = CONFIG_BOOLEAN, .fallback = "false", .help = "His calls are recorded, into recording.directory."},
	{.name = "codecs",
	 .type = CONFIG_STRING,
	 .is_list = true,
	 .min = 1,
	 .max = 31,
	 .help = "Encoding names, the most liked first: what the user's browsers speak, even where it has to be converted; "
		 "( \"opus\" ) for networks that lose packets. By default what both sides have."},
	{.name = "upstream",
	 .type = CONFIG_STRING,
	 .max = 64,
	 .help = "The trunk with whose peer the user is registered while he is here."},
	{.name = "upstream_username",
	 .type = CONFIG_STRING,
	 .min = 1,
	 .max = 255,
	 .help = "Who he is there; his name when it is not written."},
	{.name = "upstream_password",
	 .type = CONFIG_STRING,
	 .is_secret = true,
	 .min = 1,
	 .max = 255,
	 .help = "For the peer, kept here; without it he has no password here either, and proves himself to the peer."},
	{.name = "upstream_ha1_md5",
	 .type = CONFIG_STRING,
	 .is_secret = true,
	 .min = 32,
	 .max = 32,
	 .help = "In place of upstream_password: its hash for who he is there and the trunk's realm, which must be written (\"tandem hash\" makes it)."},
	{.name = "upstream_ha1_sha256", .type = CONFIG_STRING, .is_secret = true, .min = 64, .max = 64, .help = "The same for SHA-256."},
	{.name = "display_name", .type = CONFIG_STRING, .max = 128, .help = "As shown to people, whatever his client says."},
	{.name = "caller_id",
	 .type = CONFIG_STRING,
	 .is_list = true,
	 .min = 1,
	 .max = 63,
	 .help = "The numbers he may present to trunks: the first, or which of them his client asks for "
		 "(P-Preferred-Identity). His name when it is not written."},
	{0},
};

static void check_registrar(const struct config_snapshot *snapshot, struct config_report *report)
{
	const char *upstream = config_string(snapshot, "registrar", 0, "upstream");
	if (upstream && config_find(snapshot, "trunks", upstream) < 0)
		config_complain(report, "registrar", 0, "upstream", "is no trunk");
	int64_t least = config_integer(snapshot, "registrar", 0, "expires_min_seconds");
	int64_t usual = config_integer(snapshot, "registrar", 0, "expires_seconds");
	int64_t most = config_integer(snapshot, "registrar", 0, "expires_max_seconds");
	if (least > most)
		config_complain(report, "registrar", 0, "expires_min_seconds", "is more than expires_max_seconds");
	else if (usual < least || usual > most)
		config_complain(report, "registrar", 0, "expires_seconds",
				"is not between expires_min_seconds and expires_max_seconds (%lld to %lld)",
				(long long)least, (long long)most);
}

static bool has_proof(const struct config_snapshot *snapshot, size_t i, enum registrar_proof proof)
{
	struct sip_credentials unused;
	return registrar_read_proof(snapshot, i, proof, &unused);
}

static void check_hashes(const struct config_snapshot *snapshot, struct config_report *report, size_t i)
{
	static const struct {
		const char *name, *password;
		enum sip_digest_algorithm algorithm;
	} rows[] = {
		{"ha1_md5", "password", SIP_DIGEST_MD5},
		{"ha1_sha256", "password", SIP_DIGEST_SHA256},
		{"upstream_ha1_md5", "upstream_password", SIP_DIGEST_MD5},
		{"upstream_ha1_sha256", "upstream_password", SIP_DIGEST_SHA256},
	};
	for (size_t k = 0; k < G_N_ELEMENTS(rows); k++) {
		bool has_hash = sip_check_ha1(snapshot, report, "users", i, rows[k].name, rows[k].algorithm);
		if (has_hash && config_string(snapshot, "users", i, rows[k].password))
			config_complain(report, "users", i, rows[k].name, "stands there beside %s: one of both is enough", rows[k].password);
	}
}

/* A hash is good for one realm only, the trunk's. */
static void check_realm(const struct config_snapshot *snapshot, struct config_report *report, size_t i, const char *upstream)
{
	ssize_t trunk = config_find(snapshot, "trunks", upstream);
	bool has_hash = has_proof(snapshot, i, REGISTRAR_PROOF_UPSTREAM) && !config_string(snapshot, "users", i, "upstream_password");
	if (has_hash && trunk >= 0 && !config_string(snapshot, "trunks", (size_t)trunk, "realm"))
		config_complain(report, "users", i, "upstream", "is a trunk without a realm: a hash is good for one realm only");
}

static void check_upstream(const struct config_snapshot *snapshot, struct config_report *report, size_t i)
{
	const char *upstream = config_string(snapshot, "users", i, "upstream");
	bool has_password = has_proof(snapshot, i, REGISTRAR_PROOF_HERE);
	bool has_theirs = has_proof(snapshot, i, REGISTRAR_PROOF_UPSTREAM);
	if (upstream && config_find(snapshot, "trunks", upstream) < 0)
		config_complain(report, "users", i, "upstream", "is no trunk");
	if (!upstream && has_theirs)
		config_complain(report, "users", i, NULL, "has a password for an upstream, and needs an upstream");
	if (!has_theirs && config_string(snapshot, "users", i, "upstream_username"))
		config_complain(report, "users", i, "upstream_username", "needs an upstream_password");
	if (upstream && has_password && !has_theirs)
		config_complain(report, "users", i, "upstream",
				"needs an upstream_password; or leave out password, and he proves himself there");
	if (upstream)
		check_realm(snapshot, report, i, upstream);
}

static void check_user_texts(const struct config_snapshot *snapshot, struct config_report *report, size_t i)
{
	const char *display_name = config_string(snapshot, "users", i, "display_name");
	const char *const *numbers = config_strings(snapshot, "users", i, "caller_id");
	for (const char *c = display_name; c && *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f || *c == '"' || *c == '\\') {
			config_complain(report, "users", i, "display_name", "holds a quotation mark, a backslash or a line break");
			break;
		}
	for (size_t j = 0; numbers[j]; j++)
		if (strpbrk(numbers[j], "@:;?<>\" \t"))
			config_complain(report, "users", i, "caller_id", "holds \"%s\", which is no number", numbers[j]);
}

static void check_users(const struct config_snapshot *snapshot, struct config_report *report)
{
	bool is_open = config_enum(snapshot, "registrar", 0, "authentication") == REGISTRAR_AUTHENTICATION_NONE;
	bool has_upstream = config_string(snapshot, "registrar", 0, "upstream");
	for (size_t i = 0; i < config_count(snapshot, "users"); i++) {
		const char *name = config_string(snapshot, "users", i, "name");
		bool is_proven_there = has_upstream || (config_string(snapshot, "users", i, "upstream") &&
							!has_proof(snapshot, i, REGISTRAR_PROOF_UPSTREAM));
		if (name && strpbrk(name, "@:;?<>\" \t"))
			config_complain(report, "users", i, "name",
					"is only the part before the '@' of an address, without blanks");
		check_user_texts(snapshot, report, i);
		config_check_encodings(snapshot, report, "users", i, "codecs");
		if (!is_open && !is_proven_there && !has_proof(snapshot, i, REGISTRAR_PROOF_HERE))
			config_complain(report, "users", i, NULL,
					"needs a password (or registrar.authentication = \"none\")");
		check_hashes(snapshot, report, i);
		check_upstream(snapshot, report, i);
	}
}

const struct config_table registrar_config_table = {
	.group = "registrar",
	.shape = CONFIG_GROUP,
	.options = registrar_options,
	.check = check_registrar,
};

const struct config_table registrar_tokens_config_table = {
	.group = "tokens",
	.shape = CONFIG_GROUP,
	.options = token_options,
	.check = registrar_tokens_check,
};

const struct config_table registrar_users_config_table = {
	.group = "users",
	.shape = CONFIG_LIST,
	.options = user_options,
	.check = check_users,
};
