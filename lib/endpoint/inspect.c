/* lib/endpoint/inspect.c -- a message under the parsers of the stack, one part after the other */
#include "endpoint/inspect.h"

#include "base/scan.h"
#include "base/utf8.h"
#include "endpoint/dispatch.h"
#include "sip/body.h"
#include "sip/sdp.h"
#include "sip/uri.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_MAX = 16 << 20, HEADERS_MAX = 10000 };

/* One that looks at a message. */
struct reader {
	struct inspect *i;
	struct str text; /* the whole of it */
	struct sip_msg *m;
};

/* ---- findings ---- */

static void locate(const struct reader *r, struct inspect_finding *f)
{
	f->line = f->column = 1;
	for (size_t k = 0; k < f->offset && k < r->text.n; k++) {
		f->column++;
		if (r->text.p[k] == '\n') {
			f->line++;
			f->column = 1;
		}
	}
}

static void found(struct reader *r, bool error, size_t offset, struct str header, const char *fmt,
	...) PRINTF_LIKE(5, 6);

static void found(
	struct reader *r, bool error, size_t offset, struct str header, const char *fmt, ...)
{
	struct inspect *i = r->i;
	struct inspect_finding *f;
	char text[400];
	va_list ap;

	if (error)
		i->error_count++;
	if (i->finding_count == INSPECT_FINDINGS) {
		i->left_off++;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	f = &i->findings[i->finding_count++];
	*f = (struct inspect_finding){
		.error = error,
		.offset = offset,
		.header = header,
		.text = arena_str(&i->arena, str_of(text)),
	};
	locate(r, f);
}

/* Our copy of the bytes has folds undone byte by byte, so that places are the same. */
static size_t offset_of(const struct reader *r, const char *p)
{
	return r->i->offset + (size_t)(p - r->m->wire.p);
}

static struct str name_of(const struct sip_hdr *h)
{
	return h->id == SIP_HDR_OTHER ? h->name : sip_hdr_name(h->id);
}

static void header_found(struct reader *r, bool error, const struct sip_hdr *h, const char *text)
{
	found(r, error, offset_of(r, h->value.p ? h->value.p : h->name.p), name_of(h), "%s", text);
}

/* ---- what cannot be read ---- */

static struct str line_at(struct str text, size_t at)
{
	struct str line = str_sub(text, at, text.n);

	line = str_sub(line, 0, str_find(line, '\n'));
	if (str_ends(line, STR("\r")))
		line.n--;
	return line;
}

/* RFC 3261 7.1, 7.2: which part of the start line is missing. */
static const char *start_line_fault(struct str line, size_t *at)
{
	struct scan s = scan_str(line), word;
	struct str rest;
	size_t blank;

	*at = 0;
	if (line.n == 0)
		return "there is no message";
	if (str_istarts(line, STR("SIP/"))) {
		*at = str_find(line, ' ');
		return *at == line.n ? "a status line ends behind its version"
				     : "the status code is not three digits from 100 to 699";
	}
	if (!scan_run(&s, CH_TOKEN, NULL))
		return "no start line: it begins with neither a method nor SIP/2.0";
	*at = (size_t)(s.p - line.p);
	if (!scan_run(&s, CH_LWS, NULL))
		return scan_end(&s) ? "no Request-URI behind the method"
				    : "no start line: a byte that no method has";
	rest = str_trim(scan_rest(&s));
	*at = (size_t)(s.p - line.p);
	if (rest.n == 0)
		return "no Request-URI behind the method";
	for (blank = rest.n; blank > 0 && !scan_is(rest.p[blank - 1], CH_LWS); blank--)
		continue;
	*at = (size_t)(rest.p + blank - line.p);
	word = scan_str(str_sub(rest, blank, rest.n));
	if (blank == 0)
		return "no SIP version behind the Request-URI";
	return scan_lit(&word, "SIP/") ? "the SIP version is not digits around a dot"
				       : "the request line does not end in a SIP version";
}

static bool is_header_line(struct str line)
{
	struct str name, value;
	struct scan s;

	if (!str_cut(line, ':', &name, &value))
		return false;
	while (name.n > 0 && scan_is(name.p[name.n - 1], CH_LWS))
		name.n--;
	s = scan_str(name);
	return scan_run(&s, CH_TOKEN, NULL) && scan_end(&s);
}

/* The byte that makes a line none of a header field. */
static size_t bad_name_byte(struct str line)
{
	struct scan s = scan_str(line);

	scan_run(&s, CH_TOKEN, NULL);
	return (size_t)(s.p - line.p);
}

static size_t next_line(struct str text, size_t at)
{
	size_t n = str_find(str_sub(text, at, text.n), '\n');

	return at + n < text.n ? at + n + 1 : text.n;
}

/* All header lines that are none. */
static void header_faults(struct reader *r, size_t at)
{
	while (at < r->text.n) {
		struct str line = line_at(r->text, at);

		if (line.n == 0 && next_line(r->text, at) > at + (r->text.p[at] == '\r'))
			return;
		if (line.n > 0 && !scan_is(line.p[0], CH_LWS) && !is_header_line(line))
			found(r, true, at + bad_name_byte(line), STR_EMPTY,
				"a header line without a name and a colon");
		at = next_line(r->text, at);
	}
	found(r, true, r->text.n, STR_EMPTY,
		"the header fields do not end: there is no blank line behind them");
}

static void unreadable(struct reader *r, size_t start, const struct fail *why)
{
	unsigned before = r->i->error_count;
	struct str line = line_at(r->text, start);
	struct sip_msg *m;
	struct buf b = BUF_INIT(1 << 20);
	size_t at;

	/* would the start line do for a message? */
	buf_add_str(&b, line);
	buf_add_str(&b, STR("\r\n\r\n"));
	if (b.fail == 0 && sip_msg_parse(buf_str(&b), NULL, &m, NULL) == 0) {
		sip_msg_unref(m);
		header_faults(r, next_line(r->text, start));
	} else {
		const char *text = start_line_fault(line, &at);

		found(r, true, start + at, STR_EMPTY, "%s", text);
	}
	buf_done(&b);
	if (r->i->error_count == before)
		found(r, true, start, STR_EMPTY, "%s", fail_show(why));
}

/* ---- the parts of a message ---- */

/* RFC 3261 7.1: Method SP Request-URI SP SIP-Version CRLF */
static void check_start(struct reader *r)
{
	const struct sip_msg *m = r->m;
	struct sip_uri u;
	size_t uri = offset_of(r, m->request ? m->request_uri.p : m->version.p);

	if (!str_ieq(m->version, STR("SIP/2.0")))
		found(r, true, offset_of(r, m->version.p), STR_EMPTY,
			"the version is not SIP/2.0 (a server answers 505)");
	if (!m->request)
		return;
	if (!sip_uri_parse(m->request_uri, &u))
		found(r, true, uri, STR_EMPTY, "malformed Request-URI");
	else if (u.headers.n)
		found(r, true, offset_of(r, u.headers.p), STR_EMPTY,
			"a Request-URI has no headers (RFC 3261 19.1.1)");
	if (m->request_uri.p != m->method_name.p + m->method_name.n + 1 ||
		m->version.p != m->request_uri.p + m->request_uri.n + 1)
		found(r, true, offset_of(r, m->method_name.p + m->method_name.n), STR_EMPTY,
			"more than one blank between the parts of the request line");
	else if (m->method_name.p[m->method_name.n] == '\t' || m->version.p[-1] == '\t')
		found(r, true, offset_of(r, m->method_name.p + m->method_name.n), STR_EMPTY,
			"a tab between the parts of the request line");
}

/* Is this line end bare? */
static void check_line_ends(struct reader *r, size_t start, size_t end)
{
	size_t first = 0;
	unsigned bare = 0;

	for (size_t k = start; k < end; k++) {
		char c = r->text.p[k];

		if (c == '\n' && (k == start || r->text.p[k - 1] != '\r') && bare++ == 0)
			first = k;
	}
	if (bare > 0)
		found(r, false, first, STR_EMPTY,
			"%u line%s of the start line and the header fields end%s in LF alone, "
			"not in CRLF",
			bare, bare == 1 ? "" : "s", bare == 1 ? "s" : "");
}

static void check_mandatory(struct reader *r)
{
	static const enum sip_hdr_id all[] = { SIP_HDR_VIA, SIP_HDR_FROM, SIP_HDR_TO,
		SIP_HDR_CALL_ID, SIP_HDR_CSEQ };
	const struct sip_msg *m = r->m;

	for (size_t k = 0; k < ARRAY_LEN(all); k++)
		if (!sip_msg_hdr(m, all[k]))
			found(r, true, r->i->offset, sip_hdr_name(all[k]),
				"no " STR_FMT " header (RFC 3261 8.1.1)",
				STR_ARG(sip_hdr_name(all[k])));
	if (m->request && !sip_msg_hdr(m, SIP_HDR_MAX_FORWARDS))
		found(r, false, r->i->offset, STR("Max-Forwards"),
			"no Max-Forwards header (RFC 3261 8.1.1.6)");
	if (m->request && m->method == SIP_INVITE && !sip_msg_hdr(m, SIP_HDR_CONTACT))
		found(r, true, r->i->offset, STR("Contact"),
			"an INVITE without a Contact header (RFC 3261 8.1.1.8)");
}

static void check_via(struct reader *r, const struct sip_hdr *h)
{
	struct str rest = h->value;
	struct sip_via v;

	while (rest.n > 0) {
		const char *p = rest.p;

		if (!sip_via_parse(rest, &v, &rest))
			return;
		if (v.branch.n == 0)
			found(r, r->m->request, offset_of(r, p), STR("Via"),
				"a Via without a branch (RFC 3261 8.1.1.7)");
		else if (!sip_via_cookie(&v))
			found(r, false, offset_of(r, v.branch.p), STR("Via"),
				"a branch that does not begin with z9hG4bK is of RFC 2543");
	}
}

/* RFC 3261 8.1.1.3, 8.2.6.2. */
static void check_tag(struct reader *r, const struct sip_hdr *h)
{
	const struct sip_msg *m = r->m;
	struct sip_nameaddr a;

	if (!sip_nameaddr_parse(h->value, &a) || a.tag.n > 0)
		return;
	if (h->id == SIP_HDR_FROM)
		header_found(r, true, h, "a From without a tag (RFC 3261 8.1.1.3)");
	else if (!m->request && m->status > 100)
		header_found(r, false, h, "a response without a tag in To (RFC 3261 8.2.6.2)");
}

/* RFC 3261 8.1.1.5 */
static void check_cseq(struct reader *r, const struct sip_hdr *h)
{
	struct sip_cseq c;

	if (r->m->request && sip_cseq_parse(h->value, &c) && !str_eq(c.name, r->m->method_name))
		found(r, true, offset_of(r, c.name.p), STR("CSeq"),
			"the method of CSeq is not that of the request");
}

static void check_header(struct reader *r, unsigned index)
{
	const struct sip_hdr *h = &r->m->hdrs[index];
	size_t at;

	if (!sip_msg_hdr_fits(h, &at))
		found(r, true, offset_of(r, h->value.p ? h->value.p : h->name.p) + at, name_of(h),
			at < h->value.n && scan_is(h->value.p[at], CH_CONTROL)
				? "a control character in a header field"
				: "malformed " STR_FMT " header",
			STR_ARG(name_of(h)));
	if (h->id != SIP_HDR_OTHER && sip_hdr_kind(h->id) == SIP_HDR_ONE &&
		r->m->first[h->id] != index + 1)
		header_found(r, true, h, "a header field that may be there once (RFC 3261 7.3.1)");
	if (!utf8_valid(h->value))
		header_found(r, false, h, "a value that is not UTF-8 (RFC 3261 7.3.1)");
	if (h->id == SIP_HDR_VIA)
		check_via(r, h);
	else if (h->id == SIP_HDR_FROM || h->id == SIP_HDR_TO)
		check_tag(r, h);
	else if (h->id == SIP_HDR_CSEQ)
		check_cseq(r, h);
}

/* ---- the body ---- */

/* The byte of "line L" and "column C" in what a parser says of a body. */
static size_t body_place(struct str body, const char *text)
{
	const char *p = strstr(text, "line ");
	uint32_t line = 1, column = 1;
	struct scan s;
	size_t at = 0;

	if (!p)
		return 0;
	s = scan_str(str_of(p));
	if (!scan_lit(&s, "line ") || !scan_u32(&s, UINT32_MAX, &line) || line == 0)
		return 0;
	if (scan_lit(&s, " column ") && (!scan_u32(&s, UINT32_MAX, &column) || column == 0))
		column = 1;
	while (--line > 0 && at < body.n)
		at = next_line(body, at);
	at += column - 1;
	return at < body.n ? at : body.n;
}

static void check_sdp(struct reader *r)
{
	struct sdp sdp;
	struct fail f = { 0 };

	if (sdp_parse(r->m->body, &r->i->arena, &sdp, &f) != 0)
		found(r, true, offset_of(r, r->m->body.p) + body_place(r->m->body, f.text),
			STR_EMPTY, "%s", fail_show(&f));
}

static void check_body(struct reader *r)
{
	const struct sip_hdr *type = sip_msg_hdr(r->m, SIP_HDR_CONTENT_TYPE);
	struct tree *tree = NULL;
	struct fail f = { 0 };
	struct str plain;

	if (r->m->body.n == 0)
		return;
	if (!type) {
		found(r, true, offset_of(r, r->m->body.p), STR("Content-Type"),
			"a body without a Content-Type header (RFC 3261 20.15)");
		return;
	}
	plain = str_trim(str_sub(type->value, 0, str_find(type->value, ';')));
	if (str_ieq(plain, STR("application/sdp")))
		check_sdp(r);
	else if (body_decode(type->value, r->m->body, &r->i->arena, &tree, &f) != 0)
		found(r, true, offset_of(r, r->m->body.p) + body_place(r->m->body, f.text),
			STR_EMPTY, "body: %s", fail_show(&f));
}

/* RFC 3261 18.3: a body that is too short is an error, what is behind it is not part of the
 * message, and on a stream the length must be said. */
static size_t check_length(struct reader *r)
{
	const struct sip_hdr *h = sip_msg_hdr(r->m, SIP_HDR_CONTENT_LENGTH);
	const struct str body = r->m->body;
	size_t end = offset_of(r, body.p) + body.n, there = r->text.n;
	struct sip_msg *next;
	uint32_t length;

	if (!h) {
		found(r, false, r->i->offset, STR("Content-Length"),
			"no Content-Length header: over TCP and TLS nobody knows where it ends "
			"(RFC 3261 20.14)");
		return there;
	}
	if (!str_u32(h->value, &length))
		return there;
	if (length > body.n) {
		header_found(r, true, h,
			arena_fmt(&r->i->arena, "Content-Length is %u, but the body has %zu bytes",
				length, body.n)
				.p);
		return there;
	}
	while (end < there && (r->text.p[end] == '\r' || r->text.p[end] == '\n'))
		end++;
	if (end == there)
		return there;
	if (sip_msg_parse(str_sub(r->text, end, there), NULL, &next, NULL) == 0) {
		sip_msg_unref(next);
		return end;
	}
	found(r, true, offset_of(r, body.p) + body.n, STR("Content-Length"),
		"Content-Length is %u, but %zu more bytes follow", length,
		there - offset_of(r, body.p) - body.n);
	return there;
}

/* ---- the whole ---- */

static void keep_headers(struct reader *r)
{
	struct inspect *i = r->i;

	i->header_count = r->m->hdr_count;
	i->headers = arena_zalloc(&i->arena, (i->header_count + 1) * sizeof(*i->headers));
	for (unsigned k = 0; k < i->header_count; k++)
		i->headers[k] = (struct inspect_header){ r->m->hdrs[k].name, r->m->hdrs[k].value,
			offset_of(r, r->m->hdrs[k].name.p) };
}

/* What the stack says, which must not know a fault that is not told here. */
static void judge(struct reader *r)
{
	static const enum inspect_verdict of[] = { [SIP_ACCEPT] = INSPECT_ACCEPT,
		[SIP_REJECT] = INSPECT_REJECT,
		[SIP_DROP] = INSPECT_DROP };
	struct fail f = { 0 };
	unsigned status = 0;
	enum sip_verdict v = sip_msg_check(r->m, true, &status, &f);

	r->i->verdict = of[v];
	r->i->status = v == SIP_REJECT ? status : 0;
	if (v != SIP_ACCEPT && r->i->error_count == 0)
		found(r, true, r->i->offset, STR_EMPTY, "%s", fail_show(&f));
}

/* In the order of the bytes, errors before what is worth a look. */
static void sort(struct inspect *i)
{
	for (unsigned k = 1; k < i->finding_count; k++) {
		struct inspect_finding one = i->findings[k];
		unsigned at = k;

		for (; at > 0 && i->findings[at - 1].offset > one.offset; at--)
			i->findings[at] = i->findings[at - 1];
		i->findings[at] = one;
	}
}

static size_t inspect_parsed(struct reader *r, size_t start)
{
	struct inspect *i = r->i;
	size_t end;

	i->readable = true;
	i->version = r->m->version;
	dispatch_describe_msg(r->m, NULL, NULL, &i->msg);
	keep_headers(r);
	check_start(r);
	check_line_ends(r, start,
		r->m->cut ? r->text.n : offset_of(r, r->m->body.p ? r->m->body.p : r->m->wire.p));
	check_mandatory(r);
	for (unsigned k = 0; k < r->m->hdr_count; k++)
		check_header(r, k);
	if (r->m->cut) {
		found(r, true, r->text.n, STR_EMPTY,
			"the header fields do not end: there is no blank line behind them");
		end = r->text.n;
	} else {
		end = check_length(r);
		check_body(r);
	}
	judge(r);
	return end;
}

size_t inspect_message(struct str text, size_t offset, struct inspect *out)
{
	const struct sip_limits limits = { .message = MESSAGE_MAX, .headers = HEADERS_MAX };
	struct reader r = { .i = out, .text = text };
	size_t start = offset, end = text.n;
	struct fail f = { 0 };

	*out = (struct inspect){ .offset = offset, .verdict = INSPECT_DROP };
	out->findings = arena_zalloc(&out->arena, INSPECT_FINDINGS * sizeof(*out->findings));
	while (start < text.n && (text.p[start] == '\r' || text.p[start] == '\n'))
		start++;
	if (sip_msg_parse(str_sub(text, offset, text.n), &limits, &out->parsed, &f) != 0) {
		out->parsed = NULL;
		unreadable(&r, start, &f);
	} else {
		r.m = out->parsed;
		end = inspect_parsed(&r, start);
	}
	sort(out);
	out->bytes = end - offset;
	return end;
}

void inspect_done(struct inspect *i)
{
	sip_msg_unref(i->parsed);
	arena_done(&i->arena);
	i->parsed = NULL;
}

const char *inspect_verdict_name(enum inspect_verdict v)
{
	static const char *const names[] = { "accept", "reject", "drop" };

	return names[v];
}
