/* What a packet costs: one worker carries N calls, 50 packets a second and direction each, between an RTP leg and a WEBRTC leg
 * (-p: another RTP leg). The far ends and the phones live in a child process, whose time does not count.
 *	media_relay [-n CALLS] [-t SECONDS] [-p]
 * Prints packets per second, CPU microseconds per packet of this process, and what was lost. */
#include "media/media.h"
#include "net/udp.h"
#include "rtp/packet.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PACKET_BYTES 172
#define SLOTS	     80 /* of 250 us in 20 ms */
#define CALLS_MAX    2000

static int n_calls = 100, seconds = 5, is_plain, pipe_end;
static struct net_address host;

struct call {
	struct media_session *session;
	struct media_leg *near, *far; /* towards the phone, towards the other process */
	struct sdp_transport near_local, far_local;
};
static struct call *calls;
static struct loop *loop;
static struct media_engine *engine;
static size_t n_ready, n_connected;

static void must(bool condition, const char *what)
{
	if (condition)
		return;
	perror(what);
	exit(1);
}

static void give(const void *data, size_t size)
{
	for (const char *p = data; size > 0;) {
		ssize_t n = write(pipe_end, p, size);
		must(n > 0, "write");
		p += n;
		size -= (size_t)n;
	}
}

static void get(void *data, size_t size)
{
	for (char *p = data; size > 0;) {
		ssize_t n = read(pipe_end, p, size);
		must(n > 0, "read");
		p += n;
		size -= (size_t)n;
	}
}

/* --- calls --- */

static void on_ready(void *user, struct media_leg *leg, const struct sdp_transport *local, size_t n_transports)
{
	struct call *call = user;

	*(leg == call->near ? &call->near_local : &call->far_local) = *local;
	if (++n_ready == (size_t)n_calls * 2)
		loop_quit(loop);
}

static void on_connected(void *user, struct media_leg *leg)
{
	if (++n_connected == (size_t)n_calls * 2)
		loop_quit(loop);
}

static void on_failed(void *user, struct media_leg *leg, enum media_failure failure)
{
	fprintf(stderr, "a leg failed: %s\n", media_failure_text(failure));
	exit(1);
}

static const struct media_handler handler = {.leg_ready = on_ready, .leg_connected = on_connected, .leg_failed = on_failed};

static void make_calls(bool is_measured)
{
	struct media_settings settings = {.workers = 1, .first_port = is_measured ? 42000 : 50000,
					  .last_port = is_measured ? 49999 : 57999, .n_addresses = 1};
	struct media_leg_options rtp = {.kind = MEDIA_LEG_RTP, .name = "phone", .toward = host};
	struct media_leg_options web = {.kind = MEDIA_LEG_WEBRTC, .name = "browser", .controlling = is_measured};

	settings.addresses[0] = host;
	must(loop_new("bench", &loop) == 0, "loop");
	must(media_engine_new(loop, &settings, NULL, &engine) == 0, "engine");
	calls = g_new0(struct call, n_calls);
	for (int i = 0; i < n_calls; i++) {
		calls[i].session = media_session_new(engine, "bench", &handler, &calls[i]);
		calls[i].near = media_leg_new(calls[i].session, &rtp);
		calls[i].far = media_leg_new(calls[i].session, is_plain ? &rtp : &web);
		media_session_bridge(calls[i].session, calls[i].near, calls[i].far);
	}
	loop_run(loop);
}

static void apply(struct media_leg *leg, const struct sdp_transport *remote, bool is_client)
{
	struct sdp_stream_plan *stream = g_new0(struct sdp_stream_plan, 1);
	struct sdp_leg_plan plan = {.n_streams = 1, .streams = stream};

	stream->kind = SDP_KIND_AUDIO;
	stream->direction = SDP_SEND_RECEIVE;
	stream->n_formats = 1;
	stream->formats[0] = (struct sdp_format){.encoding = "PCMU", .clock_hz = 8000, .channels = 1};
	stream->remote = *remote;
	stream->we_are_dtls_client = is_client;
	media_leg_apply(leg, &plan);
	g_free(stream);
}

/* --- phones: in the child --- */

struct phone {
	int descriptor;
	struct net_address to;
	uint16_t sequence;
};
static struct phone *phones; /* of call i: 2 i at the measured process, 2 i + 1 at the other end */

static void open_phone(struct phone *phone, struct sdp_transport *ret_at)
{
	int size = 1 << 20;

	must(net_udp_open(&host, &phone->descriptor) == 0, "phone");
	setsockopt(phone->descriptor, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	memset(ret_at, 0, sizeof *ret_at);
	ret_at->rtcp_mux = true;
	net_local_address(phone->descriptor, &ret_at->rtp);
}

static void *keep_loop(void *data)
{
	loop_run(loop);
	return NULL;
}

/* Sends what is due in this slot. */
static uint64_t send_slot(int64_t slot)
{
	static uint8_t packet[PACKET_BYTES] = {0x80};
	uint64_t sent = 0;

	for (int i = 0; i < 2 * n_calls; i++) {
		struct phone *phone = &phones[i];

		if ((i / 2 * 7 + i % 2 * 37) % SLOTS != slot % SLOTS)
			continue;
		rtp_put_u16(packet + 2, phone->sequence);
		rtp_put_u32(packet + 4, phone->sequence++ * 160u);
		rtp_put_u32(packet + 8, (uint32_t)i + 1);
		sent += sendto(phone->descriptor, packet, sizeof packet, 0, &phone->to.any, phone->to.length) == PACKET_BYTES;
	}
	return sent;
}

/* Takes what has come to the phones of a slot; every phone's when `slot` is negative. */
static uint64_t receive_slot(int64_t slot)
{
	uint8_t in[2048];
	uint64_t received = 0;
	ssize_t n;

	for (int i = 0; i < 2 * n_calls; i++)
		if (slot < 0 || (i / 2 * 7 + i % 2 * 37) % SLOTS == slot % SLOTS)
			while ((n = recv(phones[i].descriptor, in, sizeof in, MSG_DONTWAIT)) > 0)
				received += rtp_classify(in, (size_t)n) == RTP_KIND_RTP;
	return received;
}

static void talk(void)
{
	uint64_t sent = 0, received = 0, more;
	int64_t begin_us = base_monotonic_us(), tick = 0, until_us = begin_us + (seconds + 2) * INT64_C(1000000);

	prctl(PR_SET_TIMERSLACK, 1000);
	for (int64_t now_us = begin_us; now_us < until_us; now_us = base_monotonic_us()) {
		for (; tick < (now_us - begin_us) / 250; tick++)
			sent += send_slot(tick);
		received += receive_slot(tick + SLOTS / 2);
		usleep(150);
	}
	do { /* until nothing has come for a while */
		usleep(500000);
		more = receive_slot(-1);
		received += more;
	} while (more > 0);
	give(&sent, sizeof sent);
	give(&received, sizeof received);
}

static void be_far_end(void)
{
	struct sdp_transport *theirs = g_new0(struct sdp_transport, 2), at;
	GThread *thread;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	phones = g_new0(struct phone, 2 * n_calls);
	if (!is_plain)
		make_calls(false);
	for (int i = 0; i < n_calls; i++) {
		get(theirs, 2 * sizeof *theirs); /* near, far */
		open_phone(&phones[2 * i], &at);
		phones[2 * i].to = theirs[0].rtp;
		give(&at, sizeof at);
		open_phone(&phones[2 * i + 1], &at);
		phones[2 * i + 1].to = is_plain ? theirs[1].rtp : calls[i].near_local.rtp;
		give(is_plain ? &at : &calls[i].far_local, sizeof at);
		if (is_plain)
			continue;
		apply(calls[i].near, &at, false);
		apply(calls[i].far, &theirs[1], true);
	}
	if (!is_plain) {
		loop_run(loop);
		thread = g_thread_new("loop", keep_loop, NULL);
		g_thread_unref(thread);
	}
	give("r", 1);
	talk();
	_exit(0);
}

/* --- the measured process --- */

static double cpu_s(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void measure(void)
{
	struct sdp_transport remote;
	uint64_t sent, received;
	double begin_s, used_s, rate;
	char go;

	make_calls(true);
	for (int i = 0; i < n_calls; i++) {
		give(&calls[i].near_local, sizeof remote);
		give(&calls[i].far_local, sizeof remote);
		get(&remote, sizeof remote);
		apply(calls[i].near, &remote, false);
		get(&remote, sizeof remote);
		apply(calls[i].far, &remote, false);
	}
	loop_run(loop);
	get(&go, 1);
	sleep(1);
	begin_s = cpu_s();
	sleep((unsigned)seconds);
	used_s = cpu_s() - begin_s;
	get(&sent, sizeof sent);
	get(&received, sizeof received);
	rate = (double)sent / (seconds + 2); /* less than it should be when the machine is busy */
	printf("calls %d, packets/s %.0f, us/packet %.2f, core %.1f %%, sent %llu, lost %lld\n", n_calls, rate,
	       used_s * 1e6 / (rate * seconds), 100 * used_s / seconds, (unsigned long long)sent,
	       (long long)(sent - received));
}

int main(int argc, char **argv)
{
	struct rlimit files;
	int ends[2], option;

	while ((option = getopt(argc, argv, "n:t:p")) != -1)
		switch (option) {
		case 'n':
			n_calls = CLAMP(atoi(optarg), 1, CALLS_MAX);
			break;
		case 't':
			seconds = CLAMP(atoi(optarg), 1, 300);
			break;
		case 'p':
			is_plain = 1;
			break;
		default:
			return 2;
		}
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	net_address_parse("127.0.0.1", 0, &host);
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
	if (fork() == 0) {
		pipe_end = ends[1];
		close(ends[0]);
		be_far_end();
	}
	pipe_end = ends[0];
	close(ends[1]);
	measure();
	fflush(stdout);
	_exit(0); /* the worker is still at work */
}
