/* lib/sip/msg.c -- splitting a message into lines, and looking header fields up */
#include "sip/msg.h"

#include "base/mem.h"
#include "base/scan.h"
#include "sip/delta.h"

#include <string.h>

enum {
	HEADERS_MAX = 256,
	HEADERS_END = UINT16_MAX - 1, /* what first[] can count */
	HEADERS_INLINE = 32,
};

/* One allocation for nearly every message: more header lines than these go to the arena. */
struct block {
	struct sip_msg msg;
	struct sip_msg_typed typed;
	struct sip_hdr hdrs[HEADERS_INLINE];
	char wire[];
};

/* SIP-Version = "SIP" "/" 1*DIGIT "." 1*DIGIT */
static bool scan_version(struct scan *s, struct str *out)
{
	const char *start = s->p;

	if (s->end - start >= 7 && memcmp(start, "SIP/2.0", 7) == 0)
		s->p += 7;
	else if (!scan_lit(s, "SIP/") || !scan_run(s, CH_DIGIT, NULL) || !scan_char(s, '.') ||
		 !scan_run(s, CH_DIGIT, NULL))
		return false;
	*out = (struct str){ start, (size_t)(s->p - start) };
	return true;
}

/* Status-Line = SIP-Version SP Status-Code SP Reason-Phrase. The blank before an empty phrase is
 * often forgotten. */
static bool status_line(struct str line, struct sip_msg *m)
{
	struct scan s = scan_str(line);
	struct str code;
	uint32_t status;

	if (!scan_version(&s, &m->version) || !scan_run(&s, CH_LWS, NULL) ||
		!scan_run(&s, CH_DIGIT, &code) || code.n != 3 || !str_u32(code, &status) ||
		status < 100 || status > 699 || (!scan_end(&s) && !scan_run(&s, CH_LWS, NULL)))
		return false;
	m->status = status;
	m->reason = str_trim(scan_rest(&s));
	return true;
}

/* Method SP Request-URI SP SIP-Version, whatever the blanks: sip_msg_check tells a line that is
 * out of order, since a request with a bad line can be answered (RFC 4475 3.1.2.7 to 3.1.2.11). */
static bool request_line(struct str line, struct sip_msg *m)
{
	struct scan s = scan_str(line), version;
	struct str rest;
	size_t at;

	if (!scan_run(&s, CH_TOKEN, &m->method_name) || !scan_run(&s, CH_LWS, NULL))
		return false;
	rest = str_trim(scan_rest(&s));
	for (at = rest.n; at > 0 && !scan_is(rest.p[at - 1], CH_LWS); at--)
		continue;
	m->request_uri = str_trim(str_sub(rest, 0, at));
	version = scan_str(str_sub(rest, at, rest.n));
	m->request = true;
	m->method = sip_method_of(m->method_name);
	return m->request_uri.n > 0 && scan_version(&version, &m->version) && scan_end(&version);
}

/* The end of the line that begins at p, its LF; NULL when there is none. With it a fold becomes
 * blanks: RFC 3261 7.3.1 "The line break and the whitespace at the beginning of the next line are
 * treated as a single SP". */
static char *find_lf(char *p, const char *end)
{
	char *lf = memchr(p, '\n', (size_t)(end - p));

	while (lf && lf + 1 < end && scan_is(lf[1], CH_LWS)) {
		if (lf[-1] == '\r')
			lf[-1] = ' ';
		*lf = ' ';
		lf = memchr(lf + 1, '\n', (size_t)(end - lf - 1));
	}
	return lf;
}

/* header-name HCOLON, HCOLON = *( SP / HTAB ) ":" SWS: no other byte may stand between the name and
 * the colon. The colon, or NULL. */
static const char *header_name(const char *p, const char *line_end, struct sip_hdr *h)
{
	const char *colon = memchr(p, ':', (size_t)(line_end - p)), *end = colon;

	if (!colon)
		return NULL;
	while (end > p && scan_is(end[-1], CH_LWS))
		end--;
	h->name = (struct str){ p, (size_t)(end - p) };
	h->id = sip_hdr_id(h->name);
	if (h->id == SIP_HDR_OTHER && (end == p || scan_past(p, end, CH_TOKEN) != end))
		return NULL;
	return colon;
}

/* end is the end of the line, room that of the message. */
static bool header_line(const char *p, const char *end, const char *room, struct sip_hdr *h)
{
	size_t n = sip_hdr_match(p, (size_t)(room - p), &h->id);

	if (n) {
		h->name = (struct str){ p, n };
		p += n;
	} else {
		p = header_name(p, end, h);
		if (!p)
			return false;
	}
	for (p++; p < end && scan_is(*p, CH_LWS); p++)
		continue;
	while (end > p && scan_is(end[-1], CH_LWS))
		end--;
	h->value = (struct str){ p, (size_t)(end - p) };
	return true;
}

/* Room for one more than there are. */
static void grow(struct sip_msg *m, unsigned *cap)
{
	struct sip_hdr *more;

	if (m->hdr_count < *cap)
		return;
	*cap *= 2;
	more = arena_alloc(&m->arena, *cap * sizeof(*more));
	memcpy(more, m->hdrs, m->hdr_count * sizeof(*more));
	m->hdrs = more;
}

/* The header lines from p on. *body: what is behind the blank line, or NULL when there is none. */
static int headers(struct sip_msg *m, char *p, const char *end, unsigned limit, const char **body,
	struct fail *f)
{
	unsigned cap = HEADERS_INLINE;

	for (char *lf; p < end; p = lf + 1) {
		size_t blank = *p == '\r';
		struct sip_hdr *h;
		if (p + blank < end && p[blank] == '\n') {
			*body = p + blank + 1;
			return 0;
		}
		lf = find_lf(p, end);
		if (!lf)
			break;
		if (m->hdr_count == limit)
			return fail_set(f, -FAIL_LIMIT, "more than %u header lines", limit);
		grow(m, &cap);
		h = &m->hdrs[m->hdr_count++];
		if (!header_line(p, lf[-1] == '\r' ? lf - 1 : lf, end, h))
			return fail_set(f, -FAIL_SYNTAX, "header line %u has no name and colon",
				m->hdr_count);
		if (!m->first[h->id])
			m->first[h->id] = (uint16_t)m->hdr_count;
	}
	*body = NULL;
	return 0;
}

/* Can the lines of a request that was cut off still be answered (RFC 3261 8.2.6.2)? */
static bool answerable(const struct sip_msg *m)
{
	return m->request && m->first[SIP_HDR_VIA] && m->first[SIP_HDR_FROM] &&
	       m->first[SIP_HDR_TO] && m->first[SIP_HDR_CALL_ID] && m->first[SIP_HDR_CSEQ];
}

static bool start_line(struct sip_msg *m, const char *p, const char *lf)
{
	struct str line = { p, (size_t)(lf - p) };

	line.n -= line.n > 0 && lf[-1] == '\r';
	return str_istarts(line, STR("SIP/")) ? status_line(line, m) : request_line(line, m);
}

static int split(struct sip_msg *m, unsigned limit, struct fail *f)
{
	char *p = (char *)m->wire.p, *lf;
	const char *end = p + m->wire.n, *body;
	uint32_t length;
	int e;

	/* RFC 3261 7.5: "Implementations processing SIP messages over stream-oriented transports
	 * MUST ignore any CRLF appearing before the start-line". */
	while (p < end && (*p == '\r' || *p == '\n'))
		p++;
	lf = memchr(p, '\n', (size_t)(end - p));
	if (!lf || !start_line(m, p, lf))
		return fail_set(f, -FAIL_SYNTAX, "no start line of a SIP message");
	e = headers(m, lf + 1, end, limit, &body, f);
	if (e < 0)
		return e;
	m->cut = !body;
	if (m->cut)
		return answerable(m) ? 0
				     : fail_set(f, -FAIL_SYNTAX, "the header fields do not end");
	m->body = (struct str){ body, (size_t)(end - body) };
	if (sip_msg_seconds(m, SIP_HDR_CONTENT_LENGTH, &length))
		m->body = str_sub(m->body, 0, length);
	return 0;
}

int sip_msg_parse(
	struct str wire, const struct sip_limits *limits, struct sip_msg **out, struct fail *f)
{
	size_t max = limits && limits->message ? limits->message : SIP_MESSAGE_MAX;
	unsigned lines = limits && limits->headers ? limits->headers : HEADERS_MAX;
	struct block *b;
	int e;

	if (wire.n > max)
		return fail_set(f, -FAIL_LIMIT, "a message of %zu bytes, limit %zu", wire.n, max);
	b = mem_alloc(sizeof(*b) + wire.n);
	memset(&b->msg, 0, sizeof(b->msg));
	if (wire.n)
		memcpy(b->wire, wire.p, wire.n);
	b->msg.refs = 1;
	b->msg.hdrs = b->hdrs;
	b->msg.typed = &b->typed;
	b->typed.via_is = b->typed.from_is = b->typed.to_is = b->typed.cseq_is = SIP_NOT_YET;
	b->msg.wire = (struct str){ b->wire, wire.n };
	e = split(&b->msg, lines < HEADERS_END ? lines : HEADERS_END, f);
	if (e < 0)
		sip_msg_unref(&b->msg);
	else
		*out = &b->msg;
	return e;
}

struct sip_msg *sip_msg_ref(struct sip_msg *m)
{
	m->refs++;
	return m;
}

void sip_msg_unref(struct sip_msg *m)
{
	if (!m || --m->refs > 0)
		return;
	arena_done(&m->arena);
	mem_free(m); /* the first member of its block */
}

const struct sip_hdr *sip_msg_hdr(const struct sip_msg *m, enum sip_hdr_id id)
{
	return m->first[id] ? &m->hdrs[m->first[id] - 1] : NULL;
}

/* The next one behind h with h's id, and with this name when the id is SIP_HDR_OTHER. */
static const struct sip_hdr *next_named(
	const struct sip_msg *m, const struct sip_hdr *h, struct str name)
{
	const struct sip_hdr *end = m->hdrs + m->hdr_count;
	enum sip_hdr_id id = h->id;

	for (h++; h < end; h++)
		if (h->id == id && (id != SIP_HDR_OTHER || str_ieq(h->name, name)))
			return h;
	return NULL;
}

const struct sip_hdr *sip_msg_hdr_next(const struct sip_msg *m, const struct sip_hdr *h)
{
	return next_named(m, h, h->name);
}

struct str sip_msg_value(const struct sip_msg *m, enum sip_hdr_id id)
{
	const struct sip_hdr *h = sip_msg_hdr(m, id);
	return h ? h->value : STR_EMPTY;
}

const struct sip_hdr *sip_msg_hdr_named(const struct sip_msg *m, struct str name)
{
	const struct sip_hdr *h = sip_msg_hdr(m, sip_hdr_id(name));

	if (h && h->id == SIP_HDR_OTHER && !str_ieq(h->name, name))
		h = next_named(m, h, name);
	return h;
}

static enum sip_decoded decoded(bool good)
{
	return good ? SIP_GOOD : SIP_BAD;
}

bool sip_msg_via(const struct sip_msg *m, struct sip_via *out)
{
	struct sip_msg_typed *t = m->typed;

	if (t->via_is == SIP_NOT_YET)
		t->via_is = decoded(sip_via_parse(sip_msg_value(m, SIP_HDR_VIA), &t->via, NULL));
	if (t->via_is == SIP_GOOD)
		*out = t->via;
	return t->via_is == SIP_GOOD;
}

static const struct sip_nameaddr *from_of(const struct sip_msg *m)
{
	struct sip_msg_typed *t = m->typed;

	if (t->from_is == SIP_NOT_YET)
		t->from_is = decoded(sip_nameaddr_parse(sip_msg_value(m, SIP_HDR_FROM), &t->from));
	return t->from_is == SIP_GOOD ? &t->from : NULL;
}

static const struct sip_nameaddr *to_of(const struct sip_msg *m)
{
	struct sip_msg_typed *t = m->typed;

	if (t->to_is == SIP_NOT_YET)
		t->to_is = decoded(sip_nameaddr_parse(sip_msg_value(m, SIP_HDR_TO), &t->to));
	return t->to_is == SIP_GOOD ? &t->to : NULL;
}

bool sip_msg_from(const struct sip_msg *m, struct sip_nameaddr *out)
{
	const struct sip_nameaddr *a = from_of(m);

	if (a)
		*out = *a;
	return a != NULL;
}

bool sip_msg_to(const struct sip_msg *m, struct sip_nameaddr *out)
{
	const struct sip_nameaddr *a = to_of(m);

	if (a)
		*out = *a;
	return a != NULL;
}

bool sip_msg_cseq(const struct sip_msg *m, struct sip_cseq *out)
{
	struct sip_msg_typed *t = m->typed;

	if (t->cseq_is == SIP_NOT_YET)
		t->cseq_is = decoded(sip_cseq_parse(sip_msg_value(m, SIP_HDR_CSEQ), &t->cseq));
	if (t->cseq_is == SIP_GOOD)
		*out = t->cseq;
	return t->cseq_is == SIP_GOOD;
}

bool sip_msg_seconds(const struct sip_msg *m, enum sip_hdr_id id, uint32_t *out)
{
	struct str value = sip_msg_value(m, id);

	/* Retry-After, Session-Expires and Min-SE have parameters. */
	if (id == SIP_HDR_RETRY_AFTER || id == SIP_HDR_SESSION_EXPIRES || id == SIP_HDR_MIN_SE)
		return sip_retry_after_parse(value, out);
	return sip_delta_parse(value, out);
}

struct str sip_msg_call_id(const struct sip_msg *m)
{
	return sip_msg_value(m, SIP_HDR_CALL_ID);
}

static struct str tag_of(const struct sip_nameaddr *a)
{
	struct str tag = STR_EMPTY;

	if (a)
		sip_nameaddr_tag(a, &tag);
	return tag;
}

struct str sip_msg_from_tag(const struct sip_msg *m)
{
	return tag_of(from_of(m));
}

struct str sip_msg_to_tag(const struct sip_msg *m)
{
	return tag_of(to_of(m));
}

struct sip_list sip_msg_list(const struct sip_msg *m, enum sip_hdr_id id)
{
	return (struct sip_list){
		.m = m,
		.hdr = sip_msg_hdr(m, id),
		.rest = sip_msg_value(m, id),
	};
}

bool sip_msg_has_token(const struct sip_msg *m, enum sip_hdr_id id, const char *token)
{
	struct sip_list l = sip_msg_list(m, id);
	struct str t;

	while (sip_list_token(&l, &t))
		if (str_ieq(t, str_of(token)))
			return true;
	return false;
}
