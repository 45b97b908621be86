/* lib/net/tcp.c -- the stream transports: connect, handshake, input and output, TLS as a layer */
#include "net/tcp.h"

#include "net/manager_impl.h"
#include "net/socket.h"

#include <errno.h>
#include <unistd.h>

enum {
	READ_SIZE = 16384, /* a whole TLS record, so that none waits unseen inside of OpenSSL */
	READS = 4, /* in one pass, so that one peer cannot keep the others waiting */
	KEEP_QUEUE = 65536 /* memory an empty queue may hold on to */
};

#if !defined(MSG_NOSIGNAL)
#define MSG_NOSIGNAL 0 /* SIGPIPE is ignored, see net_loop */
#endif

/* ---- one step, with or without TLS ---- */

static enum net_io again(struct net_flow *f, enum net_io wait, struct fail *why)
{
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
		return wait;
	net_flow_fail(f, errno, why);
	return NET_IO_FAILED;
}

/* An error of the socket below TLS reads as it does without TLS. */
static enum net_io of_tls(const struct net_flow *f, enum net_io io, struct fail *why)
{
	if (io == NET_IO_FAILED && why->code < 0 && why->code > -FAIL_FIRST)
		net_flow_fail(f, -why->code, why);
	return io;
}

static enum net_io step_read(struct net_flow *f, void *p, size_t cap, size_t *n, struct fail *why)
{
	ssize_t r;

	if (f->tls)
		return of_tls(f, net_tls_read(f->tls, p, cap, n, why), why);
	r = recv(f->fd, p, cap, 0);
	if (r < 0)
		return again(f, NET_IO_READ, why);
	*n = (size_t)r;
	return r > 0 ? NET_IO_DONE : NET_IO_CLOSED;
}

static enum net_io step_write(
	struct net_flow *f, const void *p, size_t len, size_t *n, struct fail *why)
{
	ssize_t r;

	if (f->tls)
		return of_tls(f, net_tls_write(f->tls, p, len, n, why), why);
	r = send(f->fd, p, len, MSG_NOSIGNAL);
	if (r < 0)
		return again(f, NET_IO_WRITE, why);
	*n = (size_t)r;
	return NET_IO_DONE;
}

/* ---- what the socket waits for ---- */

static int wanted(const struct net_flow *f)
{
	switch (f->state) {
	case NET_FLOW_CONNECTING:
		return EV_WRITE;
	case NET_FLOW_HANDSHAKE:
		return f->read_wants;
	case NET_FLOW_OPEN:
		return f->read_wants | (f->out.n && !f->write_failed ? f->write_wants : 0);
	case NET_FLOW_DEAD:
		break;
	}
	return 0;
}

static void watch(struct net_flow *f)
{
	int events = wanted(f);

	if (f->state == NET_FLOW_DEAD ||
		(ev_is_active(&f->io) && (f->io.events & (EV_READ | EV_WRITE)) == events))
		return;
	ev_io_stop(f->loop, &f->io);
	ev_io_set(&f->io, f->fd, events);
	ev_io_start(f->loop, &f->io);
}

/* ---- open ---- */

static void trace_tls(const struct net_flow *f, const struct net_tls_info *tls, const char *note)
{
	struct trace_event ev = {
		.kind = TRACE_TLS,
		.name = str_of(tls ? tls->version : NULL),
		.from = str_of(tls ? tls->cipher : NULL),
		.to = str_of(tls ? tls->identity : NULL),
		.note = str_of(note),
		.ms = f->info.tls_ms,
	};

	net_flow_trace_event(f->manager->config.trace, &f->info, &ev);
}

static void refused(struct net_flow *f, const struct fail *why)
{
	bool denied = net_tls_reason(f->tls) == NET_TLS_NOT_ALLOWED;

	trace_tls(f, NULL, why->text);
	net_flow_end(f, denied ? NET_CAUSE_NOT_ALLOWED : NET_CAUSE_TLS, why);
}

static void handshake(struct net_flow *f)
{
	char remote[NET_ADDR_TEXT];
	struct fail why;
	enum net_io io = net_tls_handshake(f->tls, net_addr_text(&f->info.remote, remote), &why);

	if (io == NET_IO_READ || io == NET_IO_WRITE) {
		f->read_wants = io == NET_IO_READ ? EV_READ : EV_WRITE;
		return;
	}
	if (io != NET_IO_DONE) {
		refused(f, &why);
		return;
	}
	f->read_wants = EV_READ;
	f->info.tls = net_tls_conn_info(f->tls);
	net_flow_opened(f);
	trace_tls(f, f->info.tls, f->info.tls->verified ? "verified" : "not verified");
	net_flow_tell_opened(f);
}

static void connected(struct net_flow *f)
{
	int err = 0;
	socklen_t n = sizeof(err);

	if (getsockopt(f->fd, SOL_SOCKET, SO_ERROR, &err, &n) < 0)
		err = errno;
	f->info.local = net_socket_local(f->fd);
	/* The port chosen for us can be the very port where nobody listens: it meets itself. */
	if (!err && net_addr_equal(&f->info.local, &f->info.remote))
		err = ECONNREFUSED;
	if (err) {
		net_flow_end_errno(f, err);
		return;
	}
	f->read_wants = EV_READ;
	if (!f->tls) {
		net_flow_opened(f);
		net_flow_tell_opened(f);
		return;
	}
	f->connected_us = net_now_us();
	f->info.connect_ms = (double)(f->connected_us - f->started_us) / 1000;
	f->state = NET_FLOW_HANDSHAKE;
	handshake(f);
}

/* ---- input and output ---- */

/* The other side is done, or the connection is broken. */
static void gone(struct net_flow *f, const struct fail *why)
{
	if (f->write_failed && !f->closing)
		why = &f->fail;
	if (f->closing)
		net_flow_end(f, f->cause, &f->fail);
	else if (why)
		net_flow_end(f, why->code == -FAIL_TLS ? NET_CAUSE_TLS : NET_CAUSE_ERROR, why);
	else
		net_flow_stop(f, NET_CAUSE_PEER);
}

/* False when there is no more to read for now. */
static bool receive(struct net_flow *f)
{
	char bytes[READ_SIZE];
	size_t n = 0;
	struct fail why;

	switch (step_read(f, bytes, sizeof(bytes), &n, &why)) {
	case NET_IO_DONE:
		f->read_wants = EV_READ;
		if (!f->closing)
			net_flow_received(f, (struct str){ bytes, n });
		return f->tls || n == sizeof(bytes);
	case NET_IO_READ:
		f->read_wants = EV_READ;
		return false;
	case NET_IO_WRITE:
		f->read_wants = EV_WRITE;
		return false;
	case NET_IO_CLOSED:
		gone(f, NULL);
		return false;
	case NET_IO_FAILED:
		gone(f, &why);
		return false;
	}
	return false;
}

static void write_queue(struct net_flow *f)
{
	enum net_io io = NET_IO_DONE;
	size_t done = 0;
	struct fail why;

	while (done < f->out.n && io == NET_IO_DONE) {
		size_t n = 0;
		io = step_write(f, f->out.p + done, f->out.n - done, &n, &why);
		if (io == NET_IO_DONE)
			done += n;
	}
	if (done > 0)
		net_flow_active(f);
	buf_consume(&f->out, done);
	f->write_wants = io == NET_IO_READ ? EV_READ : EV_WRITE;
	if (f->out.n == 0 && f->out.cap > KEEP_QUEUE)
		buf_done(&f->out);
	if (io != NET_IO_CLOSED && io != NET_IO_FAILED)
		return;
	if (io == NET_IO_CLOSED)
		net_flow_fail(f, EPIPE, &why);
	if (!f->closing)
		f->fail = why;
	f->write_failed = true;
	/* Not the end yet: what the peer said before it broke off is still to be read. */
	ev_feed_event(f->loop, &f->io, EV_READ);
}

static void transfer(struct net_flow *f)
{
	int reads = 0;

	while (f->state == NET_FLOW_OPEN && reads++ < READS && receive(f))
		;
	if (f->state == NET_FLOW_OPEN && !f->write_failed)
		write_queue(f);
	if (f->state == NET_FLOW_OPEN && f->write_failed)
		gone(f, &f->fail);
	else if (f->state == NET_FLOW_OPEN && f->closing && f->out.n == 0)
		net_flow_end(f, f->cause, &f->fail);
}

static void on_io(struct ev_loop *loop, ev_io *w, int revents)
{
	struct net_flow *f = CONTAINER_OF(w, struct net_flow, io);

	(void)loop;
	(void)revents;
	net_flow_hold(f);
	if (f->state == NET_FLOW_CONNECTING)
		connected(f);
	else if (f->state == NET_FLOW_HANDSHAKE)
		handshake(f);
	if (f->state == NET_FLOW_OPEN)
		transfer(f);
	watch(f);
	net_flow_release(f);
}

/* ---- life ---- */

int net_tcp_connect(struct net_flow *f, struct fail *fail)
{
	const struct net_manager_config *c = &f->manager->config;
	int e;

	ev_init(&f->io, on_io);
	ev_set_priority(&f->io, NET_IO_PRIORITY);
	f->write_wants = EV_WRITE;
	if (f->info.transport == NET_TLS && !c->tls_client)
		return fail_set(fail, -FAIL_TLS, "no TLS settings for outgoing connections");
	f->fd = net_socket_outgoing(SOCK_STREAM, &f->info.remote, &c->local, c->interface, fail);
	if (f->fd < 0)
		return f->fd;
	if (f->info.transport == NET_TLS &&
		(e = net_tls_conn_new(c->tls_client, f->fd, f->info.host, &f->tls, fail)) < 0)
		return e;
	if (connect(f->fd, &f->info.remote.u.sa, net_addr_len(&f->info.remote)) < 0 &&
		errno != EINPROGRESS && errno != EINTR) {
		net_flow_end_errno(f, errno);
		return 0;
	}
	f->info.local = net_socket_local(f->fd);
	watch(f);
	return 0;
}

void net_tcp_accepted(
	struct net_manager *m, enum net_transport t, int fd, const struct net_addr *peer)
{
	struct net_flow *f = net_flow_new(m, t, peer, STR_EMPTY, true);
	struct fail why;

	ev_init(&f->io, on_io);
	ev_set_priority(&f->io, NET_IO_PRIORITY);
	f->read_wants = EV_READ;
	f->write_wants = EV_WRITE;
	f->fd = fd;
	f->info.local = net_socket_local(fd);
	if (t == NET_TCP) {
		net_flow_opened(f);
		f->tell_open = true;
		net_later(f->loop, &f->later);
	} else if (net_tls_conn_new(m->config.tls_server, fd, STR_EMPTY, &f->tls, &why) < 0) {
		net_flow_end(f, NET_CAUSE_TLS, &why);
	} else {
		f->connected_us = f->started_us;
		f->state = NET_FLOW_HANDSHAKE;
	}
	watch(f);
}

int net_tcp_send(struct net_flow *f, struct str bytes)
{
	if (bytes.n > f->out.limit - f->out.n)
		return -FAIL_LIMIT;
	buf_add_str(&f->out, bytes);
	if (f->state == NET_FLOW_OPEN && !f->write_failed)
		write_queue(f);
	watch(f);
	return 0;
}

/* What has come in and is thrown away: unread, the kernel would answer it with a reset, which could
 * take from the peer what we have just sent. */
static void drain(int fd)
{
	char bytes[READ_SIZE];

	for (int i = 0; i < READS && recv(fd, bytes, sizeof(bytes), 0) > 0; i++)
		;
}

void net_tcp_done(struct net_flow *f, bool orderly)
{
	if (f->fd < 0)
		return;
	ev_io_stop(f->loop, &f->io);
	if (f->info.tls && orderly)
		net_tls_goodbye(f->tls);
	net_tls_conn_free(f->tls);
	f->tls = NULL;
	f->info.tls = NULL;
	buf_done(&f->out);
	if (orderly) {
		shutdown(f->fd, SHUT_WR);
		drain(f->fd);
	}
	close(f->fd);
	f->fd = -1;
}
