/* lib/sip/frame.c -- messages out of a byte stream, RFC 3261 7.5 and 18.3, RFC 5626 3.5.1 */
#include "sip/frame.h"

#include "base/scan.h"
#include "sip/hdr.h"

#include <assert.h>

void sip_frame_init(struct sip_frame *f, const struct sip_limits *limits)
{
	*f = (struct sip_frame){ 0 };
	f->limit = limits && limits->message ? limits->message : SIP_MESSAGE_MAX;
	assert(f->limit <= UINT32_MAX);
	buf_init(&f->in, f->limit + SIP_FRAME_FEED_MAX);
}

void sip_frame_done(struct sip_frame *f)
{
	buf_done(&f->in);
}

void sip_frame_feed(struct sip_frame *f, struct str bytes)
{
	if (f->broken)
		return;
	/* What is left is a part of the last feed: moving it costs no more than that feed did. */
	buf_consume(&f->in, f->taken);
	f->taken = 0;
	buf_add_str(&f->in, bytes);
}

/* What has not been handed out. */
static struct str left(const struct sip_frame *f)
{
	return str_sub(buf_str(&f->in), f->taken, f->in.n);
}

static void take(struct sip_frame *f, size_t n)
{
	f->taken += n;
	f->scanned = f->line = f->need = 0;
}

/* CRLFs between messages: PING, PONG, MORE, or MESSAGE when something else begins. */
static enum sip_frame_result keep_alive(struct sip_frame *f)
{
	struct str in = left(f), crlf = STR("\r\n");
	struct str awaited = f->pings ? STR("\r\n\r\n") : crlf;

	if (str_starts(in, awaited)) {
		take(f, awaited.n);
		return f->pings ? SIP_FRAME_PING : SIP_FRAME_PONG;
	}
	if (str_starts(awaited, in))
		return SIP_FRAME_MORE;
	/* RFC 3261 7.5: "MUST ignore any CRLF appearing before the start-line" */
	if (str_starts(in, crlf))
		take(f, crlf.n);
	return SIP_FRAME_MESSAGE;
}

/* The bytes of the start line from `from` on, as far as they are there: a method or version begins
 * it, and no control character is in it. TLS, STUN, RTP and NULs end here at once. */
static bool is_text(struct str in, size_t from)
{
	if (from == 0 && in.n && !scan_is(in.p[0], CH_TOKEN))
		return false;
	for (size_t i = from; i < in.n && in.p[i] != '\n'; i++)
		if (scan_is(in.p[i], CH_CONTROL) && in.p[i] != '\t' && in.p[i] != '\r')
			return false;
	return true;
}

/* "SIP/2.0 200 OK" or "OPTIONS sip:example.com SIP/2.0", of any version: which one is not asked
 * here. */
static bool is_start_line(struct str line)
{
	struct str last = str_trim(line);
	struct str sip = STR("SIP/");

	if (str_istarts(last, sip))
		return true;
	while (str_cut(last, ' ', NULL, &last))
		;
	return str_istarts(last, sip);
}

/* One line without its LF. A CR or LF of its own would be a line end to some readers and none to
 * others, who then see other header fields, so it ends the stream. */
static int check_line(struct str line, bool first, struct fail *fail)
{
	if (line.n == 0 || str_find(line, '\r') != line.n - 1)
		return fail_set(fail, -FAIL_SYNTAX, "a line that does not end in CR LF");
	if (first && !is_start_line(line))
		return fail_set(fail, -FAIL_SYNTAX, "not SIP");
	return 0;
}

/* Takes a line with the lines that continue it (RFC 3261 7.3.1). */
static struct str next_line(struct str *rest)
{
	struct str line;
	size_t n = 0;

	do
		n += str_find(str_sub(*rest, n, rest->n), '\n') + 1;
	while (n < rest->n && scan_is(rest->p[n], CH_LWS));
	line = str_sub(*rest, 0, n);
	*rest = str_sub(*rest, n, rest->n);
	return line;
}

/* RFC 3261 18.3: "The Content-Length header field MUST be used with stream oriented transports."
 * Without one, or with two that differ, the end of the message would be a guess. */
static int content_length(struct str head, uint32_t *out, struct fail *fail)
{
	struct str rest = head, name, value;
	unsigned found = 0;
	uint32_t n, length = 0;

	next_line(&rest); /* the start line */
	while (rest.n) {
		struct str line = next_line(&rest);
		if (!str_cut(line, ':', &name, &value) ||
			sip_hdr_id(str_trim(name)) != SIP_HDR_CONTENT_LENGTH)
			continue;
		if (!str_u32(str_trim(value), &n))
			return fail_set(fail, -FAIL_SYNTAX, "Content-Length is not a length");
		if (found++ && n != length)
			return fail_set(fail, -FAIL_SYNTAX, "two different Content-Length");
		length = n;
	}
	if (!found)
		return fail_set(fail, -FAIL_SYNTAX, "no Content-Length");
	*out = length;
	return 0;
}

static int too_large(const struct sip_frame *f, struct fail *fail)
{
	return fail_set(fail, -FAIL_LIMIT, "a message of more than %zu bytes", f->limit);
}

/* Searches on for the blank line, never twice through the same bytes and never beyond the limit.
 * f->need is set when the headers are whole. */
static int scan_head(struct sip_frame *f, struct fail *fail)
{
	struct str in = str_sub(left(f), 0, f->limit);
	uint32_t length = 0;
	int e;

	if (f->line == 0 && !is_text(in, f->scanned))
		return fail_set(fail, -FAIL_SYNTAX, "not SIP");
	while (f->scanned < in.n) {
		size_t at = f->scanned + str_find(str_sub(in, f->scanned, in.n), '\n');
		struct str line = str_sub(in, f->line, at);
		if (at == in.n)
			break;
		if ((e = check_line(line, f->line == 0, fail)) != 0)
			return e;
		f->scanned = f->line = at + 1;
		if (line.n > 1)
			continue;
		if ((e = content_length(str_sub(in, 0, at + 1), &length, fail)) != 0)
			return e;
		if (length > f->limit - (at + 1)) /* before any sum is made of it */
			return too_large(f, fail);
		f->need = at + 1 + length;
		return 0;
	}
	f->scanned = in.n;
	return in.n == f->limit ? too_large(f, fail) : 0;
}

static enum sip_frame_result give_up(struct sip_frame *f, int code)
{
	f->broken = code;
	buf_done(&f->in);
	f->taken = 0;
	return SIP_FRAME_ERROR;
}

enum sip_frame_result sip_frame_next(struct sip_frame *f, struct str *message, struct fail *fail)
{
	enum sip_frame_result r;
	int e;

	if (f->broken) {
		fail_set(fail, f->broken, "%s", fail_text(f->broken));
		return SIP_FRAME_ERROR;
	}
	if (f->in.fail)
		return give_up(f, fail_set(fail, f->in.fail, "more than %d bytes at once",
					  SIP_FRAME_FEED_MAX));
	if (!f->scanned && (r = keep_alive(f)) != SIP_FRAME_MESSAGE)
		return r;
	if (!f->need && (e = scan_head(f, fail)) != 0)
		return give_up(f, e);
	if (!f->need || left(f).n < f->need)
		return SIP_FRAME_MORE;
	*message = str_sub(left(f), 0, f->need);
	take(f, f->need);
	return SIP_FRAME_MESSAGE;
}

bool sip_frame_partial(const struct sip_frame *f)
{
	return f->scanned > 0;
}
