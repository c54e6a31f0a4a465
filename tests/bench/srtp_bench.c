/* What SRTP costs: nanoseconds per protect and unprotect of one voice packet, many contexts in turn as in a busy
 * gateway, for both backends. Usage: srtp_bench [payload bytes [contexts [rounds [backend]]]]. Processor time; the best
 * of five passes. */
#include "media/srtp_backend.h"
#include "rtp/packet.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PASSES	   5
#define PACKET_MAX 2048

struct bench {
	size_t payload_bytes, contexts, rounds;
	struct media_srtp **send, **receive;
	uint8_t (*packets)[PACKET_MAX]; /* of one round */
	uint16_t sequence;
};

static double processor_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void must(int r, const char *what)
{
	if (r == 0)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(-r));
	exit(1);
}

static void fill(struct bench *bench)
{
	bench->sequence++;
	for (size_t i = 0; i < bench->contexts; i++) {
		uint8_t *packet = bench->packets[i];
		memset(packet, 0x55, RTP_HEADER_BYTES + bench->payload_bytes);
		packet[0] = 0x80;
		packet[1] = 0;
		rtp_put_u16(packet + 2, bench->sequence);
		rtp_put_u32(packet + 8, (uint32_t)i + 1);
	}
}

static void run_pass(struct bench *bench, double *best_protect_ns, double *best_unprotect_ns)
{
	double protect_ns = 0, unprotect_ns = 0, n = (double)(bench->contexts * bench->rounds);
	g_autofree size_t *lengths = g_new(size_t, bench->contexts);
	for (size_t round = 0; round < bench->rounds; round++) {
		fill(bench);
		double start = processor_ns();
		for (size_t i = 0; i < bench->contexts; i++) {
			lengths[i] = RTP_HEADER_BYTES + bench->payload_bytes;
			must(media_srtp_protect(bench->send[i], bench->packets[i], &lengths[i], PACKET_MAX), "protect");
		}
		double middle = processor_ns();
		for (size_t i = 0; i < bench->contexts; i++)
			must(media_srtp_unprotect(bench->receive[i], bench->packets[i], &lengths[i]), "unprotect");
		unprotect_ns += processor_ns() - middle;
		protect_ns += middle - start;
	}
	*best_protect_ns = MIN(*best_protect_ns, protect_ns / n);
	*best_unprotect_ns = MIN(*best_unprotect_ns, unprotect_ns / n);
}

static void run(struct bench *bench, const struct media_srtp_backend *backend, enum media_srtp_profile profile)
{
	double protect_ns = 1e18, unprotect_ns = 1e18, start = processor_ns();
	for (size_t i = 0; i < bench->contexts; i++) {
		uint8_t key[MEDIA_SRTP_KEY_BYTES_MAX];
		memset(key, (int)i, sizeof key);
		size_t bytes = media_srtp_key_bytes(profile) + media_srtp_salt_bytes(profile);
		must(media_srtp_new_with(backend, profile, key, bytes, MEDIA_SRTP_SEND, &bench->send[i]), "new");
		must(media_srtp_new_with(backend, profile, key, bytes, MEDIA_SRTP_RECEIVE, &bench->receive[i]), "new");
	}
	double new_us = (processor_ns() - start) / (double)(2 * bench->contexts) / 1000;
	for (int pass = 0; pass < PASSES; pass++)
		run_pass(bench, &protect_ns, &unprotect_ns);
	printf("%-10s %-26s %9.0f %10.0f %9.1f\n", backend->name, media_srtp_profile_name(profile), protect_ns,
	       unprotect_ns, new_us);
	for (size_t i = 0; i < bench->contexts; i++) {
		media_srtp_free(bench->send[i]);
		media_srtp_free(bench->receive[i]);
	}
}

static size_t argument(int argc, char **argv, int at, size_t otherwise)
{
	return argc > at ? strtoul(argv[at], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
	struct bench bench = {
	    .payload_bytes = argument(argc, argv, 1, 160),
	    .contexts = argument(argc, argv, 2, 500),
	    .rounds = argument(argc, argv, 3, 60),
	};
	if (bench.payload_bytes > PACKET_MAX - RTP_HEADER_BYTES - MEDIA_SRTP_TRAILER_MAX || bench.contexts == 0 ||
	    bench.contexts > 100000 || bench.rounds == 0) {
		fprintf(stderr, "usage: %s [payload bytes [contexts [rounds [openssl|libsrtp2]]]]\n", argv[0]);
		return 2;
	}
	bench.send = g_new0(struct media_srtp *, bench.contexts);
	bench.receive = g_new0(struct media_srtp *, bench.contexts);
	bench.packets = g_malloc_n(bench.contexts, sizeof *bench.packets);
	printf("%zu bytes of payload, %zu contexts in turn\n", bench.payload_bytes, bench.contexts);
	printf("%-10s %-26s %9s %10s %9s\n", "backend", "profile", "protect", "unprotect", "new");
	printf("%-10s %-26s %9s %10s %9s\n", "", "", "ns", "ns", "us");
	static const struct media_srtp_backend *const backends[] = {&media_srtp_openssl, &media_srtp_libsrtp2};
	for (size_t i = 0; i < G_N_ELEMENTS(backends); i++) {
		if (argc > 4 && strcmp(argv[4], backends[i]->name) != 0)
			continue;
		for (unsigned profile = 0; profile < MEDIA_SRTP_PROFILES; profile++)
			run(&bench, backends[i], (enum media_srtp_profile)profile);
	}
	g_free(bench.packets);
	g_free(bench.send);
	g_free(bench.receive);
	return 0;
}
