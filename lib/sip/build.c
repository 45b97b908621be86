/* lib/sip/build.c -- writing messages, RFC 3261 sections 7, 8.1.1, 8.2.6, 9.1 and 17.1.1.3 */
#include "sip/build.h"

#include "base/fail.h"
#include "base/mem.h"
#include "base/scan.h"
#include "sip/param.h"
#include "sip/status.h"
#include "sip/uri.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool sip_build_clean(struct str value)
{
	unsigned bad = 0;

	/* Without a way out of the loop the compiler looks at many bytes at once. */
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];
		bad |= (unsigned)(c < 0x20) & (unsigned)(c != '\t');
		bad |= (unsigned)(c == 0x7f);
	}
	return bad == 0;
}

/* Every byte of every message but its body goes through here, or is a literal of this file. */
static void put(struct buf *b, struct str s)
{
	if (sip_build_clean(s))
		buf_add_str(b, s);
	else
		buf_fail(b, -FAIL_SYNTAX);
}

static void put_token(struct buf *b, struct str s)
{
	struct scan rest = scan_str(s);

	if (scan_run(&rest, CH_TOKEN, NULL) && scan_end(&rest))
		buf_add_str(b, s);
	else
		buf_fail(b, -FAIL_SYNTAX);
}

static void start_line(struct buf *b, struct str name)
{
	put_token(b, name);
	buf_add_str(b, STR(": "));
}

static void end_line(struct buf *b)
{
	buf_add_str(b, STR("\r\n"));
}

void sip_build_request(struct buf *b, struct str method, struct str request_uri)
{
	/* A blank in the URI would make another request line out of this one. */
	if (request_uri.n == 0 || str_find(request_uri, ' ') < request_uri.n ||
		str_find(request_uri, '\t') < request_uri.n)
		buf_fail(b, -FAIL_SYNTAX);
	put_token(b, method);
	buf_add_char(b, ' ');
	put(b, request_uri);
	buf_add_str(b, STR(" SIP/2.0\r\n"));
}

void sip_build_via(
	struct buf *b, struct str transport, struct str host, uint16_t port, struct str branch)
{
	if (!sip_uri_is_host(host))
		buf_fail(b, -FAIL_SYNTAX);
	buf_add_str(b, STR("Via: SIP/2.0/"));
	put_token(b, transport);
	buf_add_char(b, ' ');
	sip_uri_write_hostport(b, host, port);
	buf_add_str(b, STR(";branch="));
	put_token(b, branch);
	buf_add_str(b, STR(";rport\r\n"));
}

/* A whole line with a name that is known to be a token: most of what is written. */
static void put_line(struct buf *b, struct str name, struct str value)
{
	size_t n = name.n + 2 + value.n + 2;
	char *p;

	if (!sip_build_clean(value))
		buf_fail(b, -FAIL_SYNTAX);
	if (!buf_reserve(b, n))
		return;
	p = b->p + b->n;
	memcpy(p, name.p, name.n);
	memcpy(p + name.n, ": ", 2);
	if (value.n > 0)
		memcpy(p + name.n + 2, value.p, value.n);
	memcpy(p + n - 2, "\r\n", 2);
	buf_commit(b, n);
}

void sip_build_named(struct buf *b, struct str name, struct str value)
{
	struct scan rest = scan_str(name);

	if (!scan_run(&rest, CH_TOKEN, NULL) || !scan_end(&rest))
		buf_fail(b, -FAIL_SYNTAX);
	put_line(b, name, value);
}

void sip_build_hdr(struct buf *b, enum sip_hdr_id id, struct str value)
{
	assert(id != SIP_HDR_OTHER);
	put_line(b, sip_hdr_name(id), value);
}

void sip_build_hdrf(struct buf *b, enum sip_hdr_id id, const char *fmt, ...)
{
	va_list ap;
	char *text;
	int n;

	assert(fmt);
	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) { /* more than an int can count */
		buf_fail(b, -FAIL_LIMIT);
		return;
	}
	text = mem_alloc((size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(text, (size_t)n + 1, fmt, ap);
	va_end(ap);
	sip_build_hdr(b, id, (struct str){ text, (size_t)n });
	mem_free(text);
}

void sip_build_end(struct buf *b, struct str type, struct str body)
{
	if (type.n)
		sip_build_hdr(b, SIP_HDR_CONTENT_TYPE, type);
	buf_add_str(b, STR("Content-Length: "));
	buf_add_u32(b, (uint32_t)body.n);
	buf_add_str(b, STR("\r\n"));
	end_line(b);
	buf_add_str(b, body);
}

static void copy_all(struct buf *b, const struct sip_msg *m, enum sip_hdr_id id)
{
	for (const struct sip_hdr *h = sip_msg_hdr(m, id); h; h = sip_msg_hdr_next(m, h))
		sip_build_hdr(b, id, h->value);
}

static void copy_one(struct buf *b, const struct sip_msg *m, enum sip_hdr_id id)
{
	const struct sip_hdr *h = sip_msg_hdr(m, id);

	if (h)
		sip_build_hdr(b, id, h->value);
}

/* From or To, and a tag for it unless that is empty. RFC 3261 20.20: display names "do not affect
 * matching", so one with escaped controls (RFC 4475 3.1.1.2 has BEL and NUL) can be left out; the
 * URI and the parameters cannot. */
static void copy_address(struct buf *b, const struct sip_msg *m, enum sip_hdr_id id, struct str tag)
{
	const struct sip_hdr *h = sip_msg_hdr(m, id);
	struct sip_nameaddr a;

	if (!h)
		return;
	start_line(b, sip_hdr_name(id));
	if (sip_build_clean(h->value) || !sip_nameaddr_parse(h->value, &a)) {
		put(b, h->value);
	} else {
		buf_add_char(b, '<');
		put(b, a.uri.text);
		buf_add_char(b, '>');
		put(b, a.params);
	}
	if (tag.n) {
		buf_add_str(b, STR(";tag="));
		put_token(b, tag);
	}
	end_line(b);
}

/* The parameters of the topmost Via with ours in the place of those that the client wrote. */
static void put_via_params(struct buf *b, struct str params, const struct sip_response *r)
{
	struct str before = params, rest = params;
	struct sip_param p;

	for (; sip_param_next(&rest, &p); before = rest) {
		if (r->received.n && str_ieq(p.name, STR("received")))
			continue;
		if (r->rport && str_ieq(p.name, STR("rport"))) {
			buf_add_str(b, STR(";rport="));
			buf_add_u32(b, r->rport);
		} else {
			put(b, (struct str){ before.p, (size_t)(rest.p - before.p) });
		}
	}
	if (r->received.n) {
		buf_add_str(b, STR(";received="));
		put(b, r->received);
	}
}

/* RFC 3261 18.2.1: "the server MUST add a received parameter"; RFC 3581 4: "it MUST set the value
 * of the parameter to the source port of the request." A Via that cannot be read goes back as it
 * came. */
static void copy_top_via(struct buf *b, struct str value, const struct sip_response *r)
{
	struct scan s = scan_str(value);
	struct sip_via via;
	const char *params;

	start_line(b, sip_hdr_name(SIP_HDR_VIA));
	if ((r->received.n || r->rport) && sip_via_scan(&s, &via)) {
		params = via.params.n ? via.params.p : s.p;
		put(b, str_trim((struct str){ value.p, (size_t)(params - value.p) }));
		put_via_params(b, via.params, r);
	}
	put(b, scan_rest(&s));
	end_line(b);
}

void sip_build_response(struct buf *b, const struct sip_msg *m, const struct sip_response *r)
{
	const struct sip_hdr *via = sip_msg_hdr(m, SIP_HDR_VIA);
	bool tagged = r->status == 100 || sip_msg_to_tag(m).n > 0;

	assert(r->status >= 100 && r->status <= 699);
	buf_add_str(b, STR("SIP/2.0 "));
	buf_add_u32(b, r->status);
	buf_add_char(b, ' ');
	put(b, r->reason.n ? r->reason : sip_status_reason(r->status));
	end_line(b);
	if (via)
		copy_top_via(b, via->value, r);
	while (via && (via = sip_msg_hdr_next(m, via)) != NULL)
		sip_build_hdr(b, SIP_HDR_VIA, via->value);
	if (r->record_route)
		copy_all(b, m, SIP_HDR_RECORD_ROUTE);
	copy_address(b, m, SIP_HDR_FROM, STR_EMPTY);
	copy_address(b, m, SIP_HDR_TO, tagged ? STR_EMPTY : r->to_tag);
	copy_one(b, m, SIP_HDR_CALL_ID);
	copy_one(b, m, SIP_HDR_CSEQ);
	/* 8.2.6.1: "any Timestamp header field present in the request MUST be copied" */
	if (r->status == 100)
		copy_one(b, m, SIP_HDR_TIMESTAMP);
}

/* ACK and CANCEL take over what makes them match the INVITE and travel its path: "a single Via
 * header field, and this MUST be equal to the top Via header field of the original request", its
 * Route, and the number of its CSeq. */
static void derive(
	struct buf *b, const struct sip_msg *invite, const char *method, const struct sip_msg *to)
{
	const struct sip_hdr *via = sip_msg_hdr(invite, SIP_HDR_VIA);
	struct scan s = scan_str(via ? via->value : STR_EMPTY);
	struct sip_via top;
	struct sip_cseq cseq;

	if (!sip_via_scan(&s, &top) || !sip_msg_cseq(invite, &cseq) ||
		!sip_msg_hdr(to, SIP_HDR_TO)) {
		buf_fail(b, -FAIL_SYNTAX);
		return;
	}
	sip_build_request(b, str_of(method), invite->request_uri);
	sip_build_hdr(b, SIP_HDR_VIA,
		str_trim((struct str){ via->value.p, (size_t)(s.p - via->value.p) }));
	sip_build_hdr(b, SIP_HDR_MAX_FORWARDS, STR("70"));
	copy_all(b, invite, SIP_HDR_ROUTE);
	copy_address(b, invite, SIP_HDR_FROM, STR_EMPTY);
	copy_address(b, to, SIP_HDR_TO, STR_EMPTY);
	copy_one(b, invite, SIP_HDR_CALL_ID);
	sip_build_hdrf(b, SIP_HDR_CSEQ, "%u %s", cseq.number, method);
}

void sip_build_ack(struct buf *b, const struct sip_msg *invite, const struct sip_msg *response)
{
	derive(b, invite, "ACK", response);
}

void sip_build_cancel(struct buf *b, const struct sip_msg *invite)
{
	derive(b, invite, "CANCEL", invite);
}

void sip_build_via_from(struct buf *b, struct str value, struct str received, uint16_t rport)
{
	copy_top_via(b, value, &(struct sip_response){ .received = received, .rport = rport });
}
