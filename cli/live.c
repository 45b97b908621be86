#include "live.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "endpoint/endpoint.h"
#include "mask.h"

#include <ev.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
	COLUMNS = 80, /* of a terminal that does not say */
	SPARE = 3, /* at the end of a row: the last column wraps, and Ctrl-C is echoed as ^C */
	TEXT_MAX = 4096,
	SECOND_US = 1000000,
};

struct live {
	char who[256], text[256];
	struct live_state state; /* its text is the one above */
	uint64_t start_us;
	unsigned done, of, failed; /* of 0: no batch */
	bool due; /* the first second is over */
	bool drawn;
	ev_timer second;
	ev_prepare idle;
};

/* ---- the terminal ---- */

/* A job in the background leaves the terminal to the shell. Who has no job control there is never
 * in the background. */
static bool is_ours(void)
{
	pid_t group = tcgetpgrp(STDERR_FILENO);

	return group < 0 || group == getpgrp();
}

/* A terminal that was stopped with Ctrl-S would stop us, too. */
static bool put(struct str bytes)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLOUT) &&
	       write(STDERR_FILENO, bytes.p, bytes.n) > 0;
}

/* How much of a row there is for us. */
static size_t room(void)
{
	struct winsize w;
	size_t columns = COLUMNS;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
		columns = w.ws_col;
	return columns > SPARE ? columns - SPARE : 0;
}

/* No character takes more columns than it has bytes. s is well-formed UTF-8. */
static struct str cut(struct str s, size_t columns)
{
	size_t n = s.n < columns ? s.n : columns;

	while (n > 0 && n < s.n && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n--;
	return str_sub(s, 0, n);
}

/* ---- the text ---- */

/* "3 s", "2 min 5 s", "1 h 2 min" */
static void add_time(struct buf *b, uint64_t us)
{
	uint64_t s = (us + SECOND_US / 2) / SECOND_US; /* a timer is never quite on time */

	if (s < 60)
		buf_addf(b, "%u s", (unsigned)s);
	else if (s < 3600)
		buf_addf(b, "%u min %u s", (unsigned)(s / 60), (unsigned)(s % 60));
	else
		buf_addf(b, "%u h %u min", (unsigned)(s / 3600), (unsigned)(s / 60 % 60));
}

/* Roughly, since it is not before long: "40 s", "9 min", "23 h". */
static void add_time_left(struct buf *b, uint64_t us)
{
	uint64_t s = us / SECOND_US;

	if (s < 120)
		buf_addf(b, "%u s", (unsigned)s);
	else if (s < 7200)
		buf_addf(b, "%u min", (unsigned)(s / 60));
	else
		buf_addf(b, "%u h", (unsigned)(s / 3600));
}

static void add_state(struct buf *b, const struct live *l, uint64_t now)
{
	const struct live_state *s = &l->state;

	add_time(b, now - s->since_us);
	buf_addf(b, ", %s", l->text);
	if (s->refresh_us > now) {
		buf_addf(b, ", refresh in ");
		add_time_left(b, s->refresh_us - now);
	}
	if (s->limit_ms)
		buf_addf(b, " (of %g s)", (double)s->limit_ms / 1000);
}

static void write_text(struct buf *b, const struct live *l)
{
	uint64_t now = net_now_us();

	buf_addf(b, "%s: ", l->who);
	if (l->of) {
		buf_addf(b, "%u of %u, %u failed, ", l->done, l->of, l->failed);
		add_time(b, now - l->start_us);
	} else {
		add_state(b, l, now);
	}
}

static void draw(struct live *l)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(TEXT_MAX), plain = BUF_INIT(2 * TEXT_MAX);
	CLEANUP(buf_done) struct buf shown = BUF_INIT(8 * TEXT_MAX), row = BUF_INIT(8 * TEXT_MAX);

	if (!is_ours())
		return;
	write_text(&text, l);
	mask_add(&plain, buf_str(&text));
	utf8_show(&shown, buf_str(&plain));
	buf_addf(&row, "\r" STR_FMT "\x1b[K", STR_ARG(cut(buf_str(&shown), room())));
	if (put(buf_str(&row)))
		l->drawn = true;
}

void live_hide(struct live *l)
{
	if (l && l->drawn && is_ours())
		put(STR("\r\x1b[K"));
	if (l)
		l->drawn = false;
}

void live_show(struct live *l)
{
	if (l && l->due && !l->drawn)
		draw(l);
}

/* ---- what is told ---- */

void live_state(struct live *l, const struct live_state *s)
{
	if (!l)
		return;
	l->state = *s;
	if (s->since_us == 0)
		l->state.since_us = net_now_us();
	snprintf(l->text, sizeof(l->text), "%s", s->text);
	l->state.text = l->text;
}

void live_progress(struct live *l, unsigned done, unsigned of, unsigned failed)
{
	if (!l)
		return;
	l->done = done;
	l->of = of;
	l->failed = failed;
}

/* ---- life ---- */

static void on_second(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct live *l = w->data;

	(void)loop;
	(void)revents;
	l->due = true;
	draw(l);
}

static void on_idle(struct ev_loop *loop, ev_prepare *w, int revents)
{
	(void)loop;
	(void)revents;
	live_show(w->data);
}

static bool can_redraw(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && term && term[0] && strcmp(term, "dumb") != 0;
}

struct live *live_new(const char *who)
{
	struct ev_loop *loop = endpoint_loop();
	struct live *l;

	if (!can_redraw())
		return NULL;
	l = MEM_NEW(struct live);
	snprintf(l->who, sizeof(l->who), "%s", who);
	l->start_us = l->state.since_us = net_now_us();
	ev_timer_init(&l->second, on_second, 1, 1);
	ev_prepare_init(&l->idle, on_idle);
	ev_set_priority(&l->idle, EV_MINPRI); /* the others may have something to say */
	l->second.data = l->idle.data = l;
	ev_now_update(loop);
	ev_timer_start(loop, &l->second);
	ev_prepare_start(loop, &l->idle);
	ev_unref(loop);
	ev_unref(loop);
	return l;
}

void live_free(struct live *l)
{
	struct ev_loop *loop = endpoint_loop();

	if (!l)
		return;
	live_hide(l);
	ev_ref(loop);
	ev_ref(loop);
	ev_timer_stop(loop, &l->second);
	ev_prepare_stop(loop, &l->idle);
	mem_free(l);
}
