/* lib/base/trace.h -- typed trace events. lib/ never prints: whoever wants to see, sets a sink. The
 * mask is tested before an event is built: if (trace_on(t, TRACE_DNS)) trace_emit(t, &(struct
 * trace_event){ ... }). */
#ifndef BASE_TRACE_H
#define BASE_TRACE_H

#include "base/base.h"
#include "base/str.h"

enum trace_kind {
	TRACE_MSG_OUT, /* bytes, local, remote, transport; secret parts are masked by the sink */
	TRACE_MSG_IN,
	TRACE_TX, /* name: branch; from, to: states; note: why */
	TRACE_FLOW, /* name: opened, shared, closed ...; local, remote, transport; note: why */
	TRACE_DNS, /* name: what was asked; from: type; to: rcode; note: answers; ms: time it took
		    */
	TRACE_TLS, /* name: version; from: cipher; to: identity of the peer; note: verify result */
	TRACE_AUTH, /* name: scheme; from: realm; to: step; never a secret */
	TRACE_LOOP, /* ms: how long a pass of the loop took, when over 50 */
	TRACE_NOTE, /* note: one sentence */
};

struct trace_event {
	enum trace_kind kind;
	struct str bytes;
	struct str local, remote; /* "192.0.2.1:5060" */
	const char *transport; /* "udp" "tcp" "tls", or NULL */
	struct str name, from, to, note;
	double ms;
	bool unexpected; /* a retransmission, or a message nobody waited for */
};

typedef void trace_fn(void *arg, const struct trace_event *ev);

struct trace {
	trace_fn *fn;
	void *arg;
	unsigned mask; /* bits 1 << enum trace_kind */
};

/* NULL is a trace that is off. */
static inline bool trace_on(const struct trace *t, enum trace_kind kind)
{
	return t && t->fn && (t->mask & (1U << kind)) != 0;
}

/* Calls the sink if the event's kind is wanted. */
void trace_emit(const struct trace *t, const struct trace_event *ev);
/* TRACE_NOTE from a printf format, at most 500 bytes. */
void trace_note(const struct trace *t, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
