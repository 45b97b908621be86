/* lib/net/loop.c -- the one libev loop and monotonic time */
#include "net/loop.h"

#include "base/mem.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

/* kqueue is broken for some descriptors of some systems, so libev leaves it out there by default;
 * sockets and pipes are all we have, and they work. */
#if defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) || defined(__OpenBSD__)
#define BACKENDS (ev_recommended_backends() | EVBACKEND_KQUEUE)
#else
#define BACKENDS 0u
#endif

enum { YEAR_S = 365 * 86400, SLOW_MS = 50 };

static void *allocate(void *p, long n)
{
	if (n > 0)
		return mem_realloc(p, (size_t)n);
	mem_free(p);
	return NULL;
}

struct ev_loop *net_loop(void)
{
	if (EV_DEFAULT_UC)
		return EV_DEFAULT_UC;
	ev_set_allocator(allocate);
	/* OpenSSL writes with write(2), which cannot be told MSG_NOSIGNAL. */
	signal(SIGPIPE, SIG_IGN);
	if (!ev_default_loop(BACKENDS | EVFLAG_NOENV))
		abort();
	return EV_DEFAULT_UC;
}

/* What the loop runs when events are pending, timed: nothing here may block (R7). */
static void invoke(struct ev_loop *loop)
{
	const struct trace *trace = ev_userdata(loop);
	uint64_t start = trace_on(trace, TRACE_LOOP) ? net_now_us() : 0;
	double ms;

	ev_invoke_pending(loop);
	trace = ev_userdata(loop); /* a handler may have ended it */
	if (start == 0 || !trace_on(trace, TRACE_LOOP))
		return;
	ms = (double)(net_now_us() - start) / 1000;
	if (ms > SLOW_MS)
		trace_emit(trace, &(struct trace_event){ .kind = TRACE_LOOP, .ms = ms });
}

void net_loop_trace(struct ev_loop *loop, const struct trace *trace)
{
	ev_set_userdata(loop, (void *)(uintptr_t)trace);
	ev_set_invoke_pending_cb(loop, trace ? invoke : ev_invoke_pending);
}

uint64_t net_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t net_now_ms(void)
{
	return net_now_us() / 1000;
}

/* Deadlines come from net_now_ms, which cuts off: only when the whole of that millisecond is over
 * is nothing early. */
double net_seconds_until(uint64_t deadline_ms)
{
	uint64_t now = net_now_us();

	if (deadline_ms <= now / 1000)
		return 0.000001;
	if (deadline_ms - now / 1000 > YEAR_S * UINT64_C(1000))
		return YEAR_S;
	return (double)((deadline_ms + 1) * 1000 - now) / 1e6;
}

/* A timer of libev counts from when the loop last looked at its clock, not from now. */
static double staleness(struct ev_loop *loop)
{
	double s = ev_time() - ev_now(loop);

	return s > 0 && s < 1 ? s : 0; /* else somebody has set the clock */
}

void net_timer_set(struct ev_loop *loop, ev_timer *w, uint64_t deadline_ms)
{
	if (deadline_ms == UINT64_MAX) {
		ev_timer_stop(loop, w);
		return;
	}
	w->repeat = net_seconds_until(deadline_ms) + staleness(loop);
	ev_timer_again(loop, w);
}

void net_later(struct ev_loop *loop, ev_timer *w)
{
	ev_feed_event(loop, w, EV_TIMER);
}
