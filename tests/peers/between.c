/* tests/peers/between.c -- somebody between SIP clients and a server, over TCP */
#include "between.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { IN_MAX = 4 * SIP_TEXT_MAX, TICK_MS = 50 };

struct hub {
	const struct between *b;
	int listener;
	struct pair pairs[BETWEEN_PAIRS];
	size_t count;
	unsigned numbered;
};

static volatile sig_atomic_t over;

static void on_signal(int signal)
{
	(void)signal;
	over = 1;
}

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static struct sockaddr_in address_of(const char *text)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const char *colon = strrchr(text, ':');
	char host[64];

	a.sin_port = htons((uint16_t)strtoul(colon ? colon + 1 : text, NULL, 10));
	if (colon) {
		snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
		if (inet_pton(AF_INET, host, &a.sin_addr) != 1) {
			fprintf(stderr, "no address: %s\n", text);
			exit(2);
		}
	}
	return a;
}

static void open_listener(struct hub *h)
{
	struct sockaddr_in a = address_of(h->b->port);
	socklen_t size = sizeof(a);
	int on = 1;

	h->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(h->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (h->listener < 0 || bind(h->listener, (struct sockaddr *)&a, size) < 0 ||
		listen(h->listener, BETWEEN_PAIRS) < 0 ||
		getsockname(h->listener, (struct sockaddr *)&a, &size) < 0)
		die("listen");
	printf("ready %u\n", ntohs(a.sin_port));
}

static char *room(void)
{
	char *p = malloc(IN_MAX + 1);

	if (!p)
		exit(70);
	p[0] = '\0';
	return p;
}

static void take_client(struct hub *h)
{
	struct sockaddr_in a = address_of(h->b->server);
	int client = accept(h->listener, NULL, NULL), on = 1,
	    server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct pair *p = &h->pairs[h->count];

	if (client < 0 || server < 0 || h->count == BETWEEN_PAIRS ||
		connect(server, (struct sockaddr *)&a, sizeof(a)) < 0) {
		close(client);
		close(server);
		return;
	}
	setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	*p = (struct pair){ .number = ++h->numbered, .fd = { server, client } };
	p->in[TO_SERVER] = room();
	p->in[TO_CLIENT] = room();
	h->count++;
	printf("connection %u\n", p->number);
}

static void end_pair(struct hub *h, size_t i)
{
	struct pair *p = &h->pairs[i];

	printf("end %u\n", p->number);
	h->b->on_end(p);
	for (int d = 0; d < 2; d++) {
		close(p->fd[d]);
		free(p->in[d]);
	}
	h->pairs[i] = h->pairs[--h->count];
}

void between_send(const struct pair *p, enum direction d, const char *m, size_t n)
{
	while (n > 0) {
		ssize_t k = send(p->fd[d], m, n, MSG_NOSIGNAL);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0) /* its end is read soon */
			return;
		m += k;
		n -= (size_t)k;
	}
}

/* Shows the whole messages; the program may not look beyond one. */
static void show_messages(const struct hub *h, struct pair *p, enum direction d)
{
	char *in = p->in[d];
	size_t at = 0, k;

	while ((k = sip_text_whole(in + at, p->n[d] - at)) > 0) {
		char next = in[at + k];

		in[at + k] = '\0';
		h->b->on_message(p, d, in + at, k);
		in[at + k] = next;
		at += k;
	}
	memmove(in, in + at, p->n[d] - at + 1);
	p->n[d] -= at;
}

/* What goes in direction d comes from the socket of the other one. False: it has ended. */
static bool take_bytes(const struct hub *h, struct pair *p, enum direction d)
{
	char *in = p->in[d];
	ssize_t k = recv(p->fd[!d], in + p->n[d], IN_MAX - p->n[d], MSG_DONTWAIT);

	if (k < 0)
		return errno == EAGAIN || errno == EINTR;
	if (k == 0)
		return false;
	p->n[d] += (size_t)k;
	in[p->n[d]] = '\0';
	show_messages(h, p, d);
	return true;
}

static void pass(struct hub *h)
{
	struct pollfd p[1 + 2 * BETWEEN_PAIRS] = { { .fd = h->listener, .events = POLLIN } };
	size_t count = h->count;

	for (size_t i = 0; i < count; i++)
		for (size_t d = 0; d < 2; d++)
			p[1 + 2 * i + d] =
				(struct pollfd){ .fd = h->pairs[i].fd[!d], .events = POLLIN };
	if (poll(p, 1 + 2 * (nfds_t)count, TICK_MS) <= 0)
		return;
	for (size_t i = count; i-- > 0;) {
		bool lives = true;

		for (size_t d = 0; d < 2; d++)
			if (lives && p[1 + 2 * i + d].revents)
				lives = take_bytes(h, &h->pairs[i], (enum direction)d);
		if (!lives)
			end_pair(h, i);
	}
	if (p[0].revents)
		take_client(h);
}

bool between_run(const struct between *b)
{
	struct hub h = { .b = b };
	struct sigaction action = { .sa_handler = on_signal };
	time_t end = time(NULL) + (time_t)b->seconds;

	setvbuf(stdout, NULL, _IOLBF, 0);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	open_listener(&h);
	while (!over && time(NULL) < end)
		pass(&h);
	while (h.count > 0)
		end_pair(&h, h.count - 1);
	close(h.listener);
	return over;
}
