/* tandem: the command line, signals, and the way out. */
#include "base/log.h"
#include "config.h"
#include "daemon/daemon.h"
#include <dlfcn.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* How long the last BYEs of a drain may wait for their answers. */
#define FAREWELL_MS 500

#define UNTOUCHED_BUFFER_BYTES 65536

static const char usage[] =
	"usage: tandem -c FILE        run the gateway\n"
	"       tandem -t -c FILE     check the configuration and say what is wrong with it\n"
	"       tandem route NUMBER --from USER [--trunk NAME] [--time \"2026-11-23 09:00\"] -c FILE\n"
	"                             say where a call would go, and why\n"
	"       tandem hash USER REALM   print what may stand in the configuration for the password on standard input\n"
	"       tandem --options      print every option of the configuration\n"
	"       tandem --presets      print the presets of trunks and what each stands for\n"
	"       tandem --version\n";

/* libnice and sofia-sip both export stun_message_length. With sofia's in front, every connectivity check of libnice is
 * built empty and no call ever has media; better not to start at all. */
static bool daemon_link_order_is_right(void)
{
	Dl_info information;
	void *function = dlsym(RTLD_DEFAULT, "stun_message_length");
	return !function || !dladdr(function, &information) || strstr(information.dli_fname, "libnice");
}

int daemon_read_config(const char *path, struct config_snapshot **ret_snapshot)
{
	struct config_errors *errors = NULL;
	int error = config_load(path, daemon_tables, ret_snapshot, &errors);
	for (const char *const *line = error == 0 ? config_warnings(*ret_snapshot) : NULL; line && *line; line++)
		fprintf(stderr, "%s (warning)\n", *line);
	if (error == 0)
		return 0;
	for (size_t i = 0; i < config_errors_count(errors); i++)
		fprintf(stderr, "%s\n", config_errors_line(errors, i));
	if (!errors)
		fprintf(stderr, "%s: %s\n", path, strerror(-error));
	config_errors_free(errors);
	return error;
}

static void daemon_farewell_over(void *data)
{
	struct daemon *daemon = data;
	loop_quit(daemon->loop);
}

static void daemon_drained(void *user)
{
	struct daemon *daemon = user;
	struct sip_stack_counts counts;
	sip_stack_count(daemon->stack, &counts);
	if (counts.client_transactions)
		loop_timer_start_ms(&daemon->farewell, FAREWELL_MS);
	else
		loop_quit(daemon->loop);
}

static void daemon_on_signal(void *data, uint32_t events)
{
	struct daemon *daemon = data;
	struct signalfd_siginfo information;
	if (read(daemon->signals, &information, sizeof information) != sizeof information)
		return;
	if (information.ssi_signo == SIGHUP) {
		daemon_reload(daemon);
	} else if (daemon->is_stopping) {
		log_info(NULL, "second signal, stopping at once");
		loop_quit(daemon->loop);
	} else {
		daemon->is_stopping = true;
		int64_t limit_ms = config_integer(daemon->snapshot, "shutdown", 0, "drain_seconds") * 1000;
		log_info(NULL, "stopping");
		upstream_unregister(daemon->upstream);
		trunks_unregister(daemon->trunks);
		call_manager_drain(daemon->calls, limit_ms, daemon_drained, daemon);
	}
}

/* Before any thread is made, so that all of them leave the signals to the loop. */
static int daemon_block_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a limit of a file's size is an error of writing it */
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* A call takes about five descriptors. */
static void daemon_raise_file_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* libnice gives each component two buffers of 64 kB that our calls never touch. From the heap they would take what others have
 * used and freed, so that each call kept 128 kB; pages of their own stay without memory until they are written to. */
static void daemon_set_up_heap(void)
{
	mallopt(M_MMAP_THRESHOLD, UNTOUCHED_BUFFER_BYTES);
}

static int daemon_run(const char *path)
{
	struct daemon daemon = {.config_path = path};
	enum log_level level;
	if (!daemon_link_order_is_right()) {
		fprintf(stderr, "tandem is linked with sofia-sip in front of libnice; ICE would fail silently\n");
		return EXIT_FAILURE;
	}
	if (daemon_read_config(path, &daemon.snapshot) < 0)
		return EXIT_FAILURE;
	if (log_level_from_name(config_string(daemon.snapshot, "log", 0, "level"), &level) == 0)
		log_set_level(level);
	daemon_set_up_heap();
	daemon.signals = daemon_block_signals();
	daemon_raise_file_limit();
	if (daemon_start(&daemon) < 0) {
		config_unref(daemon.snapshot);
		return EXIT_FAILURE;
	}
	loop_timer_init(&daemon.farewell, daemon.loop, daemon_farewell_over, &daemon);
	loop_watch_add(daemon.loop, daemon.signals, EPOLLIN, daemon_on_signal, &daemon, &daemon.signal_watch);
	log_info(NULL, "tandem " PACKAGE_VERSION " is ready");
	loop_run(daemon.loop);
	loop_timer_stop(&daemon.farewell);
	loop_watch_free(daemon.signal_watch);
	daemon_stop(&daemon);
	config_unref(daemon.snapshot);
	close(daemon.signals);
	log_info(NULL, "stopped");
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	const char *path = NULL;
	bool only_check = false;
	if (argc > 1 && !strcmp(argv[1], "route"))
		return daemon_route_command(argc - 1, argv + 1);
	if (argc == 4 && !strcmp(argv[1], "hash"))
		return daemon_hash(argv[2], argv[3]) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--version")) {
			puts("tandem " PACKAGE_VERSION);
			return EXIT_SUCCESS;
		}
		bool is_presets = !strcmp(argv[i], "--presets");
		if (is_presets || !strcmp(argv[i], "--options")) {
			g_autofree char *text = is_presets ? config_describe_presets(daemon_tables) : config_describe(daemon_tables);
			fputs(text, stdout);
			return EXIT_SUCCESS;
		}
		if (!strcmp(argv[i], "-t")) {
			only_check = true;
		} else if (!strcmp(argv[i], "-c") && i + 1 < argc) {
			path = argv[++i];
		} else {
			fputs(usage, stderr);
			return !strcmp(argv[i], "--help") || !strcmp(argv[i], "-h") ? EXIT_SUCCESS : 2;
		}
	}
	if (!path) {
		fputs(usage, stderr);
		return 2;
	}
	if (!only_check)
		return daemon_run(path);
	struct config_snapshot *snapshot = NULL;
	if (daemon_read_config(path, &snapshot) < 0)
		return EXIT_FAILURE;
	config_unref(snapshot);
	printf("%s: the configuration is right\n", path);
	return EXIT_SUCCESS;
}
