/* tests/peers/notifier.c -- a notifier that does little else than notify: tests/interop/mass.bats
 * and tests/bench/subscriptions.sh
 *
 *   notifier udp|tcp PORT SUBSCRIPTIONS RATE SECONDS
 *
 * Grants every SUBSCRIBE at 127.0.0.1:PORT (0: a free one) and sends a first NOTIFY. When there are
 * as many as SUBSCRIPTIONS it sends each of them RATE notifications a second for SECONDS, spread
 * evenly, and takes the answers. Over TCP there may be several connections; a subscription belongs
 * to the one it came over. Prints
 *
 *   ready PORT
 *   subscribed N                     all are there
 *   sent N answered N refused N      the last notification is out; the answers so far are to all
 *   answered N refused N ended N late N repeated N
 *                                    every subscription has ended, or ten seconds of silence
 *
 * and ends 0 when every notification had its 200, but for last ones that came too late. Over UDP
 * what is not answered is repeated (RFC 3261 17.1.2.2), and the next one waits for it. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	T1_MS = 500, /* RFC 3261 17.1.2.2: a NOTIFY over UDP is repeated */
	T2_MS = 4000,
	MESSAGE_MAX = 8192,
	CONNECTION_MAX = 64,
	TICK_MS = 5,
	SILENCE_MS = 10000,
	FIELD_MAX = 512,
};

static const char body[] =
	"<?xml version=\"1.0\"?>\r\n"
	"<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"sip:resource@rte.test\">"
	"<tuple "
	"id=\"a\"><status><basic>open</basic></status><note>here</note></tuple></presence>\r\n";

struct subscription {
	char call_id[FIELD_MAX], head[4 * FIELD_MAX]; /* of its NOTIFYs, up to the CSeq */
	char event[FIELD_MAX];
	struct sockaddr_in to; /* UDP */
	int fd;
	unsigned cseq; /* of the last NOTIFY */
	bool waits; /* for the answer to it */
	bool over, last_due; /* unsubscribed; the terminated one is still to be sent */
	unsigned owed; /* notifications that became due meanwhile */
	double again_ms, interval_ms;
};

struct connection {
	int fd;
	size_t n;
	char in[4 * MESSAGE_MAX];
};

struct notifier {
	bool tcp;
	int listener; /* UDP: the socket */
	unsigned port, wanted, rate, seconds;
	struct subscription *subscriptions;
	unsigned count, ended;
	struct connection connections[CONNECTION_MAX];
	unsigned connection_count;
	unsigned long sent, answered, refused, late, repeated, due_total, due;
	double began_ms, heard_ms;
};

struct message {
	const char *p; /* ends with a NUL behind its header */
	size_t n;
	struct sockaddr_in from;
	int fd;
};

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* The value of a header field, and what stands behind it; NULL when there is none. */
static const char *field(const struct message *m, const char *name, char out[FIELD_MAX])
{
	size_t n = strlen(name);

	out[0] = '\0';
	for (const char *line = strstr(m->p, "\r\n"); line && line[2] != '\r';
		line = strstr(line + 2, "\r\n")) {
		const char *p = line + 2;

		if (strncasecmp(p, name, n) != 0 || p[n] != ':')
			continue;
		p += n + 1;
		p += strspn(p, " \t");
		snprintf(out, FIELD_MAX, "%.*s", (int)strcspn(p, "\r\n"), p);
		return p;
	}
	return NULL;
}

/* Which subscription the tag of this field names: ours are n0, n1 ...; -1 without one. */
static long tagged(const struct message *m, const char *name)
{
	char value[FIELD_MAX];
	const char *tag;

	field(m, name, value);
	tag = strstr(value, ";tag=n");
	return tag ? strtol(tag + 6, NULL, 10) : -1;
}

static void send_bytes(
	const struct notifier *n, const struct subscription *s, const char *p, size_t len)
{
	while (len > 0) {
		ssize_t k = n->tcp ? send(s->fd, p, len, MSG_NOSIGNAL)
				   : sendto(n->listener, p, len, 0, (const struct sockaddr *)&s->to,
					     sizeof(s->to));

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0) /* it stays unanswered */
			return;
		p += k;
		len -= (size_t)k;
	}
}

/* The NOTIFY with the CSeq of now, for the first time or again. */
static void write_notify(const struct notifier *n, const struct subscription *s)
{
	char out[MESSAGE_MAX], digits[11];
	int k = snprintf(out, sizeof(out),
		"%sCSeq: %u NOTIFY\r\nEvent: %s\r\nSubscription-State: %s\r\n"
		"Content-Type: application/pidf+xml\r\nContent-Length: %zu\r\n\r\n%s",
		s->head, s->cseq, s->event,
		s->over && !s->last_due ? "terminated;reason=timeout" : "active;expires=3600",
		sizeof(body) - 1, body);
	/* ten digits in the head have room for a branch of its own */
	char *branch = strstr(out, "z9hG4bK-");

	snprintf(digits, sizeof(digits), "%010u", s->cseq);
	memcpy(branch + 8, digits, 10);
	send_bytes(n, s, out, (size_t)k);
}

/* One after the other, so that a repeated one is never behind a newer one. */
static void notify(struct notifier *n, struct subscription *s)
{
	if (s->waits || (s->owed == 0 && !s->last_due))
		return;
	if (s->owed > 0)
		s->owed--;
	else
		s->last_due = false;
	s->cseq++;
	s->waits = true;
	s->interval_ms = T1_MS;
	s->again_ms = now_ms() + T1_MS;
	n->sent++;
	write_notify(n, s);
}

static void repeat_unanswered(struct notifier *n)
{
	double now = now_ms();

	for (unsigned i = 0; i < n->count; i++) {
		struct subscription *s = &n->subscriptions[i];

		if (!s->waits || s->again_ms > now)
			continue;
		s->interval_ms = s->interval_ms * 2 < T2_MS ? s->interval_ms * 2 : T2_MS;
		s->again_ms = now + s->interval_ms;
		n->repeated++;
		write_notify(n, s);
	}
}

static void take_answer(struct notifier *n, const struct message *m)
{
	char cseq[FIELD_MAX];
	long index = tagged(m, "From");
	struct subscription *s;

	field(m, "CSeq", cseq);
	if (index < 0 || index >= (long)n->count)
		return;
	s = &n->subscriptions[index];
	if (!s->waits || strtoul(cseq, NULL, 10) != s->cseq)
		return; /* to one that was repeated */
	s->waits = false;
	if (m->p[8] == '2')
		n->answered++;
	else if (s->over) /* the subscriber has left without waiting for it */
		n->late++;
	else
		n->refused++;
	notify(n, s);
}

static void answer(
	const struct notifier *n, const struct message *m, long index, const char *expires)
{
	const struct subscription *s = &n->subscriptions[index];
	char via[FIELD_MAX], from[FIELD_MAX], to[FIELD_MAX], call_id[FIELD_MAX], cseq[FIELD_MAX],
		out[MESSAGE_MAX], tag[32] = "";
	int k;

	field(m, "Via", via);
	field(m, "From", from);
	field(m, "To", to);
	field(m, "Call-ID", call_id);
	field(m, "CSeq", cseq);
	if (!strstr(to, ";tag="))
		snprintf(tag, sizeof(tag), ";tag=n%ld", index);
	k = snprintf(out, sizeof(out),
		"SIP/2.0 200 OK\r\nVia: %s\r\nFrom: %s\r\nTo: %s%s\r\nCall-ID: %s\r\nCSeq: %s\r\n"
		"Contact: <sip:notifier@127.0.0.1:%u%s>\r\nExpires: %s\r\nContent-Length: "
		"0\r\n\r\n",
		via, from, to, tag, call_id, cseq, n->port, n->tcp ? ";transport=tcp" : "",
		expires);
	send_bytes(n, s, out, (size_t)k);
}

/* Its SUBSCRIBE may have come twice; -1: not known. */
static long known(const struct notifier *n, const char *call_id)
{
	for (unsigned i = n->count; i > 0; i--)
		if (strcmp(n->subscriptions[i - 1].call_id, call_id) == 0)
			return (long)i - 1;
	return -1;
}

static void subscribe(struct notifier *n, const struct message *m)
{
	struct subscription *s = &n->subscriptions[n->count];
	char contact[FIELD_MAX], from[FIELD_MAX], to[FIELD_MAX], expires[FIELD_MAX];
	const char *uri;

	field(m, "Contact", contact);
	field(m, "From", from);
	field(m, "To", to);
	field(m, "Event", s->event);
	field(m, "Expires", expires);
	field(m, "Call-ID", s->call_id);
	uri = strchr(contact, '<');
	uri = uri ? uri + 1 : contact;
	snprintf(s->head, sizeof(s->head),
		"NOTIFY %.*s SIP/2.0\r\nVia: SIP/2.0/%s "
		"127.0.0.1:%u;branch=z9hG4bK-0000000000-%u\r\n"
		"Max-Forwards: 70\r\nFrom: %s;tag=n%u\r\nTo: %s\r\nCall-ID: %s\r\n"
		"Contact: <sip:notifier@127.0.0.1:%u%s>\r\n",
		(int)strcspn(uri, ">"), uri, n->tcp ? "TCP" : "UDP", n->port, n->count, to,
		n->count, from, s->call_id, n->port, n->tcp ? ";transport=tcp" : "");
	s->to = m->from;
	s->fd = m->fd;
	n->count++;
	answer(n, m, (long)n->count - 1, expires);
	s->owed = 1;
	notify(n, s);
	if (n->count == n->wanted) {
		printf("subscribed %u\n", n->count);
		n->began_ms = now_ms();
	}
}

static void within(struct notifier *n, const struct message *m, long index)
{
	struct subscription *s = &n->subscriptions[index];
	char expires[FIELD_MAX];

	field(m, "Expires", expires);
	answer(n, m, index, expires);
	if (strtoul(expires, NULL, 10) == 0 && !s->over) {
		s->over = s->last_due = true;
		s->owed = 0;
		n->ended++;
		notify(n, s);
	}
}

static void take(struct notifier *n, const struct message *m)
{
	char call_id[FIELD_MAX];
	long index;

	n->heard_ms = now_ms();
	if (strncmp(m->p, "SIP/2.0 ", 8) == 0)
		take_answer(n, m);
	if (strncmp(m->p, "SUBSCRIBE ", 10) != 0)
		return;
	index = tagged(m, "To");
	field(m, "Call-ID", call_id);
	if (index >= 0 && index < (long)n->count)
		within(n, m, index);
	else if ((index = known(n, call_id)) >= 0)
		answer(n, m, index, "3600");
	else if (n->count < n->wanted)
		subscribe(n, m);
}

static void take_datagrams(struct notifier *n)
{
	char in[MESSAGE_MAX + 1];
	struct message m = { .p = in, .fd = -1 };

	for (;;) {
		socklen_t size = sizeof(m.from);
		ssize_t k = recvfrom(n->listener, in, MESSAGE_MAX, MSG_DONTWAIT,
			(struct sockaddr *)&m.from, &size);

		if (k < 0)
			return;
		in[k] = '\0';
		take(n, &m);
	}
}

/* All whole messages of a stream. Their bodies are of no interest. */
static void take_messages(struct notifier *n, struct connection *c)
{
	size_t at = 0;

	for (;;) {
		struct message m = { .p = c->in + at, .fd = c->fd };
		char length[FIELD_MAX], *end;
		size_t whole;

		at += strspn(c->in + at, "\r\n");
		m.p = c->in + at;
		end = strstr(c->in + at, "\r\n\r\n");
		if (!end)
			break;
		field(&m, "Content-Length", length);
		whole = (size_t)(end + 4 - m.p) + strtoul(length, NULL, 10);
		if (at + whole > c->n)
			break;
		take(n, &m);
		at += whole;
	}
	memmove(c->in, c->in + at, c->n - at + 1);
	c->n -= at;
}

static void take_stream(struct notifier *n, struct connection *c)
{
	ssize_t k = recv(c->fd, c->in + c->n, sizeof(c->in) - 1 - c->n, MSG_DONTWAIT);

	if (k <= 0) {
		if (k == 0 || (errno != EAGAIN && errno != EINTR)) {
			close(c->fd);
			c->fd = -1;
		}
		return;
	}
	c->n += (size_t)k;
	c->in[c->n] = '\0';
	take_messages(n, c);
}

static void take_connection(struct notifier *n)
{
	int fd = accept(n->listener, NULL, NULL), on = 1;

	if (fd < 0)
		return;
	if (n->connection_count == CONNECTION_MAX) {
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	n->connections[n->connection_count++].fd = fd;
}

static void open_socket(struct notifier *n)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)n->port) };
	socklen_t size = sizeof(a);
	int on = 1, room = 8 << 20;

	n->listener = socket(AF_INET, n->tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
	if (n->listener < 0)
		die("socket");
	setsockopt(n->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(n->listener, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if (bind(n->listener, (struct sockaddr *)&a, size) < 0 ||
		(n->tcp && listen(n->listener, CONNECTION_MAX) < 0) ||
		getsockname(n->listener, (struct sockaddr *)&a, &size) < 0)
		die("bind");
	n->port = ntohs(a.sin_port);
	printf("ready %u\n", n->port);
}

static void wait_for_something(struct notifier *n)
{
	struct pollfd p[CONNECTION_MAX + 1] = { { .fd = n->listener, .events = POLLIN } };

	for (unsigned i = 0; i < n->connection_count; i++)
		p[i + 1] = (struct pollfd){ .fd = n->connections[i].fd, .events = POLLIN };
	if (poll(p, n->connection_count + 1, TICK_MS) < 0 && errno != EINTR)
		die("poll");
	for (unsigned i = n->connection_count; i > 0; i--)
		if (p[i].revents)
			take_stream(n, &n->connections[i - 1]);
	if (p[0].revents && n->tcp)
		take_connection(n);
	else if (p[0].revents)
		take_datagrams(n);
}

/* What is due by now, one subscription after the other. */
static void notify_due(struct notifier *n)
{
	double due = (now_ms() - n->began_ms) / 1e3 * n->rate * n->wanted;

	while (n->due < n->due_total && (double)n->due < due) {
		struct subscription *s = &n->subscriptions[n->due++ % n->wanted];

		if (!s->over) {
			s->owed++;
			notify(n, s);
		}
		if (n->due == n->due_total)
			printf("sent %lu answered %lu refused %lu\n", n->due, n->answered,
				n->refused);
	}
}

static bool finished(const struct notifier *n)
{
	if (now_ms() - n->heard_ms > SILENCE_MS)
		return true;
	for (unsigned i = 0; i < n->wanted; i++)
		if (!n->subscriptions[i].over || n->subscriptions[i].waits)
			return false;
	return true;
}

int main(int argc, char **argv)
{
	static struct notifier n;

	if (argc != 6 || (strcmp(argv[1], "udp") != 0 && strcmp(argv[1], "tcp") != 0) ||
		strtoul(argv[3], NULL, 10) == 0) {
		fprintf(stderr, "usage: notifier udp|tcp PORT SUBSCRIPTIONS RATE SECONDS\n");
		return 2;
	}
	n.tcp = strcmp(argv[1], "tcp") == 0;
	n.port = (unsigned)strtoul(argv[2], NULL, 10);
	n.wanted = (unsigned)strtoul(argv[3], NULL, 10);
	n.rate = (unsigned)strtoul(argv[4], NULL, 10);
	n.seconds = (unsigned)strtoul(argv[5], NULL, 10);
	n.due_total = (unsigned long)n.wanted * n.rate * n.seconds;
	n.subscriptions = calloc(n.wanted, sizeof(*n.subscriptions));
	if (!n.subscriptions)
		die("calloc");
	setvbuf(stdout, NULL, _IOLBF, 0);
	open_socket(&n);
	n.heard_ms = now_ms();
	while (!finished(&n)) {
		wait_for_something(&n);
		if (!n.tcp)
			repeat_unanswered(&n);
		if (n.count == n.wanted)
			notify_due(&n);
	}
	printf("answered %lu refused %lu ended %u late %lu repeated %lu\n", n.answered, n.refused,
		n.ended, n.late, n.repeated);
	free(n.subscriptions);
	return n.answered + n.late != n.sent || n.ended != n.wanted;
}
