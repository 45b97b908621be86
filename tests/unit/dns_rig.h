/* tests/unit/dns_rig.h -- name servers for tests: knot with the zone of tests/data/dns, and one in
 * the process that misbehaves. Errors abort: this is the rig, not the thing under test. */
#ifndef DNS_RIG_H
#define DNS_RIG_H

#include "net/dns.h"
#include "net/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <unistd.h>

#define RIG_SIP_PORT "15060" /* what the SRV records of the zone say; nothing listens there */
#define RIG_TLS_PORT "15061"

static inline void rig_check(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "dns_rig: %s: %s\n", what, strerror(errno));
		abort();
	}
}

/* --- a socket that nobody reads, or that the mock reads ----------------------------------------
 */

/* Bound to a free port of 127.0.0.1. */
static inline int rig_socket(int type, uint16_t *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(*port) };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	rig_check(fd >= 0, "socket");
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
		getsockname(fd, (struct sockaddr *)&a, &n) != 0) {
		close(fd);
		return -1;
	}
	*port = ntohs(a.sin_port);
	return fd;
}

/* A port that is free for UDP and TCP. */
static inline uint16_t rig_free_port(void)
{
	for (int i = 0; i < 100; i++) {
		uint16_t port = 0;
		int udp = rig_socket(SOCK_DGRAM, &port), tcp = rig_socket(SOCK_STREAM, &port);
		if (udp >= 0)
			close(udp);
		if (tcp >= 0)
			close(tcp);
		if (udp >= 0 && tcp >= 0)
			return port;
	}
	rig_check(false, "no free port");
	return 0;
}

enum rig_manner {
	RIG_SILENT, /* reads, says nothing */
	RIG_RCODE, /* the question with `rcode` */
	RIG_EMPTY, /* a datagram of no bytes, then nothing */
	RIG_GARBAGE, /* the header of the answer, then 200 bytes of 0xc0 */
	RIG_FORGED, /* NXDOMAIN with a wrong id, then for another question, then NXDOMAIN for the
		       right one */
	RIG_PACKET, /* `packet` behind the id and the question of the asker */
};

struct rig_mock {
	uint16_t port;
	enum rig_manner manner;
	unsigned char rcode;
	struct str records; /* RIG_PACKET: answer section */
	unsigned record_count;
	unsigned asked;
	int fd;
	ev_io io;
};

static inline void rig_send(
	struct rig_mock *m, const struct sockaddr_in *to, const unsigned char *p, size_t n)
{
	if (sendto(m->fd, p, n, 0, (const struct sockaddr *)to, sizeof(*to)) < 0)
		rig_check(errno == ECONNREFUSED, "sendto");
}

static inline void rig_answer(
	struct rig_mock *m, const struct sockaddr_in *to, unsigned char *p, size_t n)
{
	size_t end = 12;

	while (end < n && p[end])
		end += p[end] + 1U;
	if (end + 5 > n)
		return;
	n = end + 5; /* the question alone: no OPT, and no number of additional records */
	p[10] = p[11] = 0;
	p[2] |= 0x80; /* a response */
	p[3] = (unsigned char)((p[3] & 0xf0) | m->rcode);
	switch (m->manner) {
	case RIG_SILENT:
		break;
	case RIG_RCODE:
		rig_send(m, to, p, n);
		break;
	case RIG_EMPTY:
		rig_send(m, to, p, 0);
		break;
	case RIG_GARBAGE:
		p[7] = 5; /* five answers, they say */
		memset(p + n, 0xc0, 200);
		rig_send(m, to, p, n + 200);
		break;
	case RIG_FORGED:
		p[3] = (unsigned char)((p[3] & 0xf0) | 3);
		p[0] ^= 1;
		rig_send(m, to, p, n);
		p[0] ^= 1;
		p[13] ^= 1;
		m->rcode = 0;
		rig_send(m, to, p, n);
		p[13] ^= 1;
		rig_send(m, to, p, n);
		break;
	case RIG_PACKET:
		p[6] = (unsigned char)(m->record_count >> 8);
		p[7] = (unsigned char)m->record_count;
		memcpy(p + n, m->records.p, m->records.n);
		rig_send(m, to, p, n + m->records.n);
		break;
	}
}

static inline void rig_on_read(struct ev_loop *loop, ev_io *w, int revents)
{
	struct rig_mock *m = CONTAINER_OF(w, struct rig_mock, io);
	static unsigned char p[65536];
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(m->fd, p, 512, 0, (struct sockaddr *)&from, &len);

	(void)loop;
	(void)revents;
	if (n < 12)
		return;
	m->asked++;
	rig_answer(m, &from, p, (size_t)n);
}

static inline void rig_mock_start(struct rig_mock *m)
{
	m->port = 0;
	m->fd = rig_socket(SOCK_DGRAM, &m->port);
	rig_check(m->fd >= 0, "bind");
	ev_io_init(&m->io, rig_on_read, m->fd, EV_READ);
	ev_io_start(net_loop(), &m->io);
}

static inline void rig_mock_stop(struct rig_mock *m)
{
	ev_io_stop(net_loop(), &m->io);
	close(m->fd);
}

/* --- knot --------------------------------------------------------------------------------------
 */

static struct rig_knot {
	pid_t pid; /* 0: there is none */
	uint16_t port;
	char dir[64];
} rig_knot;

static inline bool rig_knot_there(void)
{
	return system("PATH=$PATH:/usr/sbin; command -v knotd >/dev/null") == 0;
}

static inline void rig_knot_exec(const char *port)
{
	char dir[80];
	int log;

#ifdef __linux__
	prctl(PR_SET_PDEATHSIG, SIGTERM); /* an aborted test leaves no server behind */
#endif
	snprintf(dir, sizeof(dir), "%s/log", rig_knot.dir);
	log = open(dir, O_WRONLY | O_CREAT, 0600);
	dup2(log, 1);
	dup2(log, 2);
	setenv("DNS_DATA", TEST_SOURCE_ROOT "/tests/data/dns", 1);
	execl("/bin/sh", "sh", "-ec",
		". \"$1\"; dns_conf \"$2\" \"$3\" \"$4\" \"$5\"; exec knotd -c \"$2/knot.conf\"",
		"sh", TEST_SOURCE_ROOT "/tests/interop/dns.sh", rig_knot.dir, port, RIG_SIP_PORT,
		RIG_TLS_PORT, (char *)NULL);
	_exit(127);
}

static inline void rig_on_ready(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)w;
	(void)revents;
	ev_break(loop, EVBREAK_ONE);
}

/* Asks until it answers, or is gone. */
static inline bool rig_knot_ready(struct net_dns *d)
{
	bool ready = false;

	for (int i = 0; i < 500 && !ready && waitpid(rig_knot.pid, NULL, WNOHANG) == 0; i++) {
		struct net_dns_query q = { .count = 0 };
		ev_init(&q.done, rig_on_ready);
		net_dns_ask(d, &q, STR("rte.test"), NET_DNS_A);
		ev_run(net_loop(), 0);
		ready = q.count == 1;
		net_dns_forget(&q);
		if (!ready)
			usleep(20000);
	}
	return ready;
}

/* False when it is not installed. */
static inline bool rig_knot_start(void)
{
	for (int i = 0; i < 3; i++) {
		struct net_dns_config config = { .loop = net_loop(), .no_hosts_file = true };
		struct net_dns *d;
		char port[8], servers[32];
		bool ready;
		if (!rig_knot_there())
			return false;
		rig_knot.port = rig_free_port();
		snprintf(rig_knot.dir, sizeof(rig_knot.dir), "/tmp/rte-dns-XXXXXX");
		rig_check(mkdtemp(rig_knot.dir) != NULL, "mkdtemp");
		snprintf(port, sizeof(port), "%u", rig_knot.port);
		snprintf(servers, sizeof(servers), "127.0.0.1:%u", rig_knot.port);
		config.servers = str_of(servers);
		rig_check((rig_knot.pid = fork()) >= 0, "fork");
		if (rig_knot.pid == 0)
			rig_knot_exec(port);
		rig_check(net_dns_new(&config, &d, NULL) == 0, "net_dns_new");
		ready = rig_knot_ready(d);
		net_dns_free(d);
		if (ready)
			return true;
	}
	rig_check(false, "knotd does not start");
	return false;
}

/* Says that it is not there; true when that is a failure, with CI=true. */
static inline bool rig_knot_missing(void)
{
	const char *ci = getenv("CI");

	printf("# knotd is not installed: the tests against it do not run\n");
	return ci && strcmp(ci, "true") == 0;
}

static inline void rig_knot_stop(void)
{
	char command[96];

	if (rig_knot.pid == 0)
		return;
	kill(rig_knot.pid, SIGTERM);
	waitpid(rig_knot.pid, NULL, 0);
	snprintf(command, sizeof(command), "rm -rf %s", rig_knot.dir);
	rig_check(system(command) == 0, "rm");
}

#endif
