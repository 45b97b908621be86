/* lib/base/fail.c -- texts and properties of failure codes */
#include "base/fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *text;
	bool retryable;
} ours[] = {
#define FAIL(id, text, retryable) { text, retryable },
#include "base/fail.def"
#undef FAIL
};

/* The row of one of our codes, or -1. */
static int row(int code)
{
	return code < -FAIL_FIRST && code > -FAIL_END ? -code - FAIL_FIRST - 1 : -1;
}

int fail_set(struct fail *f, int code, const char *fmt, ...)
{
	char text[sizeof(f->text)];
	va_list ap;

	if (!f)
		return code;
	/* Not into f at once: when a failure is wrapped, an argument may be f->text itself. */
	va_start(ap, fmt);
	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	memcpy(f->text, text, sizeof(text));
	f->code = code;
	return code;
}

const char *fail_text(int code)
{
	if (row(code) >= 0)
		return ours[row(code)].text;
	return code <= -FAIL_FIRST || code > 0 ? "unknown failure" : strerror(-code);
}

const char *fail_show(const struct fail *f)
{
	return f->text[0] ? f->text : fail_text(f->code);
}

bool fail_retryable(int code)
{
	if (row(code) >= 0)
		return ours[row(code)].retryable;
	switch (code <= 0 && code > -FAIL_FIRST ? -code : 0) {
	case EAGAIN:
	case EINTR:
	case ENOBUFS:
	case ENETDOWN:
	case ENETUNREACH:
	case ENETRESET:
	case EHOSTDOWN:
	case EHOSTUNREACH:
	case ECONNREFUSED:
	case ECONNABORTED:
	case ECONNRESET:
	case ENOTCONN:
	case ETIMEDOUT:
	case EPIPE:
		return true;
	default:
		return false;
	}
}
