/* lib/base/trace.c -- handing events to the sink */
#include "base/trace.h"

#include <stdarg.h>
#include <stdio.h>

enum { NOTE_MAX = 500 };

void trace_emit(const struct trace *t, const struct trace_event *ev)
{
	if (trace_on(t, ev->kind))
		t->fn(t->arg, ev);
}

void trace_note(const struct trace *t, const char *fmt, ...)
{
	struct trace_event ev = { .kind = TRACE_NOTE };
	char text[NOTE_MAX + 1];
	va_list ap;
	int n;

	if (!trace_on(t, TRACE_NOTE))
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if (n > NOTE_MAX)
		n = NOTE_MAX;
	ev.note = (struct str){ text, (size_t)n };
	t->fn(t->arg, &ev);
}
