#include "admin/socket.h"
#include "base/json.h"
#include "base/log.h"
#include "net/acceptor.h"
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define COMMAND_BYTES_MAX 64
#define CLIENTS_MAX	  8
#define IDLE_MS		  10000 /* to write a command, or to read some of the answer */

struct admin_client {
	struct admin_socket *socket;
	GList link;
	int descriptor;
	struct loop_watch *watch;
	struct loop_timer idle;
	char command[COMMAND_BYTES_MAX];
	size_t n_command;
	struct call_survey *survey; /* its answer is awaited; NULL */
	GString *answer;	    /* NULL: none yet */
	size_t n_written;
};

struct admin_socket {
	struct loop *loop;
	struct call_manager *calls;
	char *path;
	struct net_acceptor acceptor;
	GQueue clients;
};

static const struct config_option rows[] = {
	{.name = "socket", .type = CONFIG_PATH, .max = sizeof((struct sockaddr_un *)NULL)->sun_path - 1,
	 .help = "Unix socket for the operator: a line \"calls\" is answered with all calls and how they are heard, in JSON; \"record start CALL\" "
		 "and \"record stop CALL\" take the id of one."},
	{0},
};
const struct config_table admin_socket_options = {.group = "admin", .shape = CONFIG_GROUP, .options = rows};

/* --- one who asks --- */

static void client_free(struct admin_client *client)
{
	g_queue_unlink(&client->socket->clients, &client->link);
	call_survey_cancel(client->survey);
	loop_timer_stop(&client->idle);
	loop_watch_free(client->watch);
	close(client->descriptor);
	if (client->answer)
		g_string_free(client->answer, TRUE);
	g_free(client);
}

static void client_idle(void *data)
{
	client_free(data);
}

static void client_write(struct admin_client *client)
{
	ssize_t n = send(client->descriptor, client->answer->str + client->n_written,
			 client->answer->len - client->n_written, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n > 0)
		client->n_written += (size_t)n;
	if ((n < 0 && errno != EAGAIN && errno != EINTR) || client->n_written == client->answer->len) {
		client_free(client);
		return;
	}
	loop_watch_set_events(client->watch, EPOLLOUT);
	loop_timer_start_ms(&client->idle, IDLE_MS);
}

/* The client may be gone afterwards. */
static void client_answer(struct admin_client *client, json_t *answer)
{
	char *text = json_dumps(answer, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	json_decref(answer);
	client->answer = g_string_new(text);
	g_string_append_c(client->answer, '\n');
	free(text);
	client_write(client);
}

static json_t *describe_leg(const struct event_leg_media *leg)
{
	return json_pack("{s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I}", "name", base_json_text(leg->leg),
			 "codec", base_json_text(leg->encoding), "received", (json_int_t)leg->packets_received, "lost",
			 (json_int_t)leg->packets_lost, "refused", (json_int_t)leg->packets_refused, "sent",
			 (json_int_t)leg->packets_sent, "lost_by_far_end", (json_int_t)leg->far_packets_lost, "jitter_ms",
			 base_json_rounded(leg->jitter_us / 1e3), "round_trip_ms", base_json_rounded(leg->round_trip_us / 1e3), "mos",
			 base_json_score(leg->mos_received), "mos_worst", base_json_score(leg->mos_received_worst), "mos_far_end",
			 base_json_score(leg->mos_sent), "trouble", base_json_text(leg->trouble), "decoded",
			 (json_int_t)leg->packets_decoded, "concealed", (json_int_t)leg->packets_concealed, "jitter_buffer_ms",
			 (json_int_t)leg->jitter_buffer_ms);
}

static json_t *describe_call(const struct call_view *call)
{
	json_t *recording = call->recording
				    ? json_pack("{s:s, s:s}", "file", call->recording, "state", call->recording_state)
				    : json_null();
	json_t *legs = json_array();
	for (size_t i = 0; i < call->n_legs; i++)
		json_array_append_new(legs, describe_leg(&call->legs[i]));
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "id", call->id, "state", call->state, "caller",
			 base_json_text(call->caller), "called", base_json_text(call->called), "seconds", base_json_rounded((double)call->talking_us / 1e6), "legs", legs, "recording", recording);
}

static void client_surveyed(void *user, const struct call_view *calls, size_t n_calls)
{
	struct admin_client *client = user;
	json_t *list = json_array();
	client->survey = NULL;
	for (size_t i = 0; i < n_calls; i++)
		json_array_append_new(list, describe_call(&calls[i]));
	client_answer(client, json_pack("{s:o}", "calls", list));
}

static const char *recording_problem(int error)
{
	switch (error) {
	case -ENOENT:
		return "no call has this id";
	case -ENOTCONN:
		return "the call is not answered";
	case -ENOTSUP:
		return "there is no recording.directory";
	default:
		return "it is so already";
	}
}

static json_t *order_recording(struct call_manager *calls, const char *order)
{
	bool is_start = g_str_has_prefix(order, "start ");
	const char *id = strchr(order, ' '), *file;
	int error;
	if (!id || (!is_start && !g_str_has_prefix(order, "stop ")))
		return json_pack("{s:s}", "error", "what is meant? \"record start CALL\" or \"record stop CALL\"");
	error = (is_start ? call_manager_start_recording : call_manager_stop_recording)(calls, id + 1, &file);
	return error < 0 ? json_pack("{s:s}", "error", recording_problem(error)) : json_pack("{s:s}", "file", file);
}

static void client_run(struct admin_client *client)
{
	loop_watch_set_events(client->watch, 0);
	if (strcmp(client->command, "calls") == 0)
		client->survey = call_manager_survey(client->socket->calls, client_surveyed, client);
	else if (g_str_has_prefix(client->command, "record "))
		client_answer(client, order_recording(client->socket->calls, client->command + strlen("record ")));
	else
		client_answer(client, json_pack("{s:s}", "error", "unknown command; there are: calls, record start CALL, record stop CALL"));
}

static void client_ready(void *data, uint32_t events)
{
	struct admin_client *client = data;
	if (client->answer) {
		client_write(client);
		return;
	}
	if (client->survey) { /* it has hung up: nothing else is watched for */
		client_free(client);
		return;
	}
	ssize_t n = recv(client->descriptor, client->command + client->n_command, sizeof client->command - client->n_command,
			 MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	client->n_command += n > 0 ? (size_t)n : 0;
	char *end = memchr(client->command, '\n', client->n_command);
	if (!end && n == 0 && client->n_command > 0)
		end = client->command + client->n_command; /* there is room: the buffer was not full */
	if (!end && (n <= 0 || client->n_command == sizeof client->command)) {
		client_free(client);
	} else if (end) {
		*end = '\0';
		g_strchomp(client->command);
		client_run(client);
	}
}

/* --- the socket --- */

static void on_client(void *user, int descriptor, const struct net_address *remote)
{
	struct admin_socket *socket = user;
	struct admin_client *client = g_new0(struct admin_client, 1);
	if (socket->clients.length >= CLIENTS_MAX) /* the oldest makes room: it may have hung up, or have nothing to say */
		client_free(socket->clients.head->data);
	if (loop_watch_add(socket->loop, descriptor, EPOLLIN, client_ready, client, &client->watch) < 0) {
		close(descriptor);
		g_free(client);
		return;
	}
	client->socket = socket;
	client->descriptor = descriptor;
	client->link.data = client;
	g_queue_push_tail_link(&socket->clients, &client->link);
	loop_timer_init(&client->idle, socket->loop, client_idle, client);
	loop_timer_start_ms(&client->idle, IDLE_MS);
}

/* Never anything but a socket. */
static void remove_socket(const char *path)
{
	struct stat information;
	if (lstat(path, &information) == 0 && S_ISSOCK(information.st_mode))
		unlink(path);
}

/* What a process before us has left goes, but not what another one listens on. */
static int remove_old(const struct sockaddr_un *address)
{
	int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool is_served = probe >= 0 && (connect(probe, (const struct sockaddr *)address, sizeof *address) == 0 || errno == EAGAIN);
	if (probe >= 0)
		close(probe);
	if (is_served)
		return -EADDRINUSE;
	remove_socket(address->sun_path);
	return 0;
}

/* The descriptor, or -errno. */
static int open_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	base_copy_text(address.sun_path, sizeof address.sun_path, path);
	int error = remove_old(&address);
	if (error < 0)
		return error;
	int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (descriptor < 0)
		return -errno;
	/* fchmod() before bind(), so that there is no moment at which others may connect. */
	if (fchmod(descriptor, 0600) < 0 || bind(descriptor, (struct sockaddr *)&address, sizeof address) < 0 ||
	    listen(descriptor, CLIENTS_MAX) < 0) {
		error = -errno;
		close(descriptor);
		return error;
	}
	return descriptor;
}

int admin_socket_new(struct loop *loop, struct call_manager *calls, const struct config_snapshot *snapshot,
		     struct admin_socket **ret_socket)
{
	const char *path = config_string(snapshot, "admin", 0, "socket");
	*ret_socket = NULL;
	if (!path)
		return 0;
	struct admin_socket *admin = g_new0(struct admin_socket, 1);
	admin->loop = loop;
	admin->calls = calls;
	admin->path = g_strdup(path);
	int descriptor = open_socket(path);
	int error = descriptor < 0 ? descriptor
				   : net_acceptor_start(&admin->acceptor, loop, descriptor, CLIENTS_MAX, on_client, admin);
	if (error < 0) {
		log_error(NULL, "admin.socket %s: %s", path, g_strerror(-error));
		admin_socket_free(admin);
		return error;
	}
	*ret_socket = admin;
	return 0;
}

struct admin_socket *admin_socket_free(struct admin_socket *socket)
{
	if (!socket)
		return NULL;
	while (socket->clients.head)
		client_free(socket->clients.head->data);
	if (socket->acceptor.watch)
		remove_socket(socket->path);
	net_acceptor_stop(&socket->acceptor);
	g_free(socket->path);
	g_free(socket);
	return NULL;
}
