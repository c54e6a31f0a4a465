#include "media/reuseport.h"
#include "base/base.h"
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* RFC 7983, section 7. */
#define DTLS_FIRST 20
#define DTLS_LAST  63
#define RTP_FIRST  128
#define RTP_LAST   191

/* The program sees the UDP payload from its first byte on; an empty one ends it with 0, the first socket. */
static int attach_demultiplexer(int descriptor)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, DTLS_FIRST, 0, 4),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, DTLS_LAST, 0, 2),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, RTP_FIRST, 0, 2),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, RTP_LAST, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {G_N_ELEMENTS(code), code};

	return setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program) < 0 ? -errno : 0;
}

/* Without the same values as the first socket's the two form no group. */
static int copy_option(int from, int to, int level, int option)
{
	int value = 0;
	socklen_t length = sizeof value;

	if (getsockopt(from, level, option, &value, &length) < 0)
		return 0;
	return setsockopt(to, level, option, &value, sizeof value) < 0 ? -errno : 0;
}

static int bind_beside(int first, int second, const struct sockaddr_storage *address, socklen_t length)
{
	int yes = 1;
	int error = 0;

	if (setsockopt(second, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes) < 0)
		return -errno;
	if (address->ss_family == AF_INET6) {
		error = copy_option(first, second, IPPROTO_IPV6, IPV6_V6ONLY);
		if (error == 0)
			error = copy_option(first, second, IPPROTO_IPV6, IPV6_UNICAST_IF);
	} else {
		error = copy_option(first, second, IPPROTO_IP, IP_UNICAST_IF);
	}
	if (error < 0)
		return error;
	return bind(second, (const struct sockaddr *)address, length) < 0 ? -errno : attach_demultiplexer(second);
}

int media_reuseport_join(int first)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof address;
	int yes = 1;
	int second, error;

	if (setsockopt(first, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes) < 0 ||
	    getsockname(first, (struct sockaddr *)&address, &length) < 0)
		return -errno;
	second = socket(address.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (second < 0)
		return -errno;
	error = bind_beside(first, second, &address, length);
	if (error == 0)
		return second;
	close(second);
	return error;
}
