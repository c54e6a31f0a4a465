/* tandem hash USER REALM: a password from standard input becomes the lines that a configuration may hold in its place. */
#include "daemon/daemon.h"
#include "sip/digest.h"
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define PASSWORD_BYTES_MAX 256

/* The line without its end; what is typed is not shown. */
static bool read_password(char password[static PASSWORD_BYTES_MAX + 2])
{
	struct termios shown, hidden;
	bool is_typed = tcgetattr(STDIN_FILENO, &shown) == 0;
	if (is_typed) {
		hidden = shown;
		hidden.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
		fputs("password: ", stderr);
	}
	bool is_read = fgets(password, PASSWORD_BYTES_MAX + 2, stdin);
	if (is_typed) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
		fputs("\n", stderr);
	}
	if (is_read)
		password[strcspn(password, "\r\n")] = '\0';
	return is_read && *password && strlen(password) <= PASSWORD_BYTES_MAX;
}

int daemon_hash(const char *user, const char *realm)
{
	static const struct {
		enum sip_digest_algorithm algorithm;
		const char *option;
	} rows[] = {{SIP_DIGEST_MD5, "ha1_md5"}, {SIP_DIGEST_SHA256, "ha1_sha256"}};
	char password[PASSWORD_BYTES_MAX + 2] = "", hex[CRYPTO_DIGEST_HEX_MAX];
	if (strchr(user, ':') || !read_password(password)) {
		fprintf(stderr, "wanted: a user without a colon, and a password of at most %d bytes on standard input\n",
			PASSWORD_BYTES_MAX);
		crypto_wipe(password, sizeof password);
		return -EINVAL;
	}
	int error = 0;
	for (size_t i = 0; i < G_N_ELEMENTS(rows) && !error; i++) {
		error = sip_digest_ha1(rows[i].algorithm, user, realm, password, hex);
		if (!error)
			printf("%s = \"%s\";%s", rows[i].option, hex, i + 1 < G_N_ELEMENTS(rows) ? " " : "\n");
	}
	crypto_wipe(hex, sizeof hex);
	crypto_wipe(password, sizeof password);
	return error;
}
