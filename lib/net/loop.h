/* lib/net/loop.h -- the one libev loop and monotonic time; glue, not a layer */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include "base/trace.h"

#include <ev.h>
#include <stdint.h>

/* "Not at all", where a time of 0 would mean the default. */
#define NET_NEVER UINT64_MAX

/* Of the watchers of our sockets. libev runs what is due highest priority first and, within one, a
 * timer before a socket: after a pause of this process a transaction would repeat its request, or
 * time out, with the answer already there. */
enum { NET_IO_PRIORITY = 1 };

/* The default loop (ev_child works on no other); made at the first call. Never NULL: a system
 * without any backend aborts. The first call also ignores SIGPIPE: children that are started need
 * it back. LIBEV_FLAGS is not read. */
struct ev_loop *net_loop(void);
/* Tells the sink (borrowed; NULL ends it) of every pass that took over 50 ms. */
void net_loop_trace(struct ev_loop *loop, const struct trace *trace);
/* Monotonic milliseconds: the time that is passed into lib/sip and lib/auth. */
uint64_t net_now_ms(void);
/* The same in microseconds, for measuring. */
uint64_t net_now_us(void);
/* From now to a deadline in ms, for ev_timer; never below 0.000001, since a repeat of 0 would stop
 * the timer. For UINT64_MAX a year. */
double net_seconds_until(uint64_t deadline_ms);
/* (Re)arms a timer for a deadline; UINT64_MAX stops it. */
void net_timer_set(struct ev_loop *loop, ev_timer *w, uint64_t deadline_ms);
/* Delivers the watcher's callback after the running callback has returned; ev_timer_stop withdraws
 * it. */
void net_later(struct ev_loop *loop, ev_timer *w);

#endif
