/* tests/peers/between.h -- somebody between SIP clients and a server, over TCP: every connection of
 * a client has one to the server, and every whole message is shown to the program. */
#ifndef BETWEEN_H
#define BETWEEN_H

#include "sip_text.h"

#include <stdbool.h>
#include <stddef.h>

enum direction { TO_SERVER, TO_CLIENT };
enum { BETWEEN_PAIRS = 64 };

struct pair {
	unsigned number; /* from 1, in the order of their beginning */
	int fd[2]; /* fd[TO_SERVER] is the server's */
	size_t n[2]; /* of what came from the other side of that direction */
	char *in[2];
	void *state; /* the program's, NULL at first */
};

/* m is whole and ends with a NUL, or is line ends. Nothing goes on but by between_send. */
typedef void between_fn(struct pair *p, enum direction d, char *m, size_t n);
typedef void between_end_fn(struct pair *p);

struct between {
	const char *port, *server; /* PORT or 0; HOST:PORT */
	unsigned seconds; /* it lives at most */
	between_fn *on_message;
	between_end_fn *on_end; /* frees the state */
};

void between_send(const struct pair *p, enum direction d, const char *m, size_t n);

/* Prints `ready PORT` and returns at SIGTERM or SIGINT (true), or when the time is over. */
bool between_run(const struct between *b);

#endif
