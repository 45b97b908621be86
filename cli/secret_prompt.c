#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* Signals that would leave the terminal without echo: caught while asking, raised again afterwards.
 */
static const int fatal[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
static volatile sig_atomic_t caught;

static void on_signal(int n)
{
	caught = n;
}

enum answer { MORE, DONE, GONE };

/* One key. Line editing is ours: with the terminal's own, Ctrl-C would come as a signal at any
 * point. */
static enum answer key(int tty, struct buf *out)
{
	struct pollfd p = { .fd = tty, .events = POLLIN };
	char c;

	/* the time bounds how long a signal between the check and poll stays unseen */
	if (poll(&p, 1, 200) <= 0)
		return caught ? GONE : MORE;
	if (read(tty, &c, 1) != 1)
		return errno == EINTR && !caught ? MORE : GONE;
	switch (c) {
	case '\r':
	case '\n':
		return DONE;
	case 3: /* Ctrl-C */
		caught = SIGINT;
		return GONE;
	case 4: /* Ctrl-D */
		return out->n ? MORE : GONE;
	case 21: /* Ctrl-U */
		out->n = 0;
		return MORE;
	case 8:
	case 127:
		/* a whole character of UTF-8 */
		while (out->n && ((unsigned char)out->p[--out->n] & 0xc0) == 0x80)
			;
		return MORE;
	default:
		buf_add_char(out, c);
		return MORE;
	}
}

static enum answer ask(int tty, struct buf *out)
{
	struct termios old, raw;
	struct sigaction was[ARRAY_LEN(fatal)];
	enum answer a = MORE;

	if (tcgetattr(tty, &old) != 0)
		return GONE;
	caught = 0;
	for (size_t i = 0; i < ARRAY_LEN(fatal); i++)
		sigaction(fatal[i], &(struct sigaction){ .sa_handler = on_signal }, &was[i]);
	raw = old;
	raw.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG | IEXTEN);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	tcsetattr(tty, TCSAFLUSH, &raw);
	while (a == MORE && !caught)
		a = key(tty, out);
	tcsetattr(tty, TCSAFLUSH, &old);
	for (size_t i = 0; i < ARRAY_LEN(fatal); i++)
		sigaction(fatal[i], &was[i], NULL);
	return a;
}

int secret_prompt(const char *what, struct buf *out, struct fail *f)
{
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	enum answer a;

	if (tty < 0)
		return fail_set(f, -FAIL_CREDENTIALS, "no terminal to ask on: %s", strerror(errno));
	buf_reserve(out, out->limit);
	dprintf(tty, "%s: ", what ? what : "Password");
	a = ask(tty, out);
	dprintf(tty, "\n");
	close(tty);
	if (caught)
		raise(caught);
	if (a != DONE || out->n == 0 || out->fail)
		return fail_set(f, -FAIL_CREDENTIALS, "no answer to the question for a password");
	return 0;
}
