/* lib/sip/msg_check.c -- what a receiver must do with a message: RFC 4475 and RFC 5118 */
#include "sip/msg.h"

#include "base/scan.h"
#include "sip/challenge.h"
#include "sip/delta.h"
#include "sip/event.h"
#include "sip/param.h"

enum { BAD_REQUEST = 400, BAD_VERSION = 505 };

/* -- the grammar of single values -- */

static bool vias(struct str value)
{
	struct sip_via v;

	do {
		if (!sip_via_parse(value, &v, &value))
			return false;
	} while (value.n);
	return true;
}

static bool address(struct str value)
{
	struct sip_nameaddr a;
	return sip_nameaddr_parse(value, &a);
}

static bool contact(const struct sip_nameaddr *a)
{
	struct str v;
	uint32_t seconds;
	unsigned q;

	return (!sip_param(a->params, "expires", &v) || sip_delta_parse(v, &seconds)) &&
	       (!sip_param(a->params, "q", &v) || sip_qvalue_parse(v, &q));
}

static bool contacts(struct str value)
{
	struct sip_nameaddr a;
	bool bad, any = false;

	for (; sip_nameaddr_next(&value, true, &a, &bad); any = true)
		if (!contact(&a) || (a.star && any))
			return false;
	return any && !bad;
}

/* rec-route = name-addr *( SEMI rr-param ). RFC 4028 prints routes without brackets, so an
 * addr-spec is taken, too. */
static bool routes(struct str value)
{
	struct sip_nameaddr a;
	bool bad, any = false;

	while (sip_nameaddr_next(&value, false, &a, &bad))
		any = true;
	return any && !bad;
}

/* callid = word [ "@" word ] */
static bool call_id(struct str value)
{
	struct scan s = scan_str(value);
	return scan_run(&s, CH_WORD, NULL) &&
	       (!scan_char(&s, '@') || scan_run(&s, CH_WORD, NULL)) && scan_end(&s);
}

/* Replaces: callid *( SEMI replaces-param ), RFC 3891 6.1 */
static bool replaces(struct str value)
{
	struct scan s = scan_str(value);
	struct str id;
	return scan_until(&s, ';', &id) && call_id(str_trim(id)) && sip_params_scan(&s, NULL) &&
	       scan_end(&s);
}

static bool cseq(struct str value)
{
	struct sip_cseq c;
	return sip_cseq_parse(value, &c);
}

static bool seconds(struct str value)
{
	uint32_t n;
	return sip_delta_parse(value, &n);
}

static bool seconds_params(struct str value)
{
	uint32_t n;
	return sip_retry_after_parse(value, &n);
}

/* RFC 3261 20.22: "The Max-Forwards value is an integer in the range 0-255" */
static bool hops(struct str value)
{
	uint32_t n;
	return str_u32(value, &n) && n <= 255;
}

static bool tokens(struct str value)
{
	struct scan s = scan_str(value);

	while (scan_run(&s, CH_TOKEN, NULL)) {
		if (scan_end(&s))
			return true;
		if (!scan_sep(&s, ','))
			return false;
	}
	return false;
}

static bool tokens_or_none(struct str value)
{
	return value.n == 0 || tokens(value);
}

/* media-type = m-type SLASH m-subtype *( SEMI m-parameter ) */
static bool media_type(struct str value)
{
	struct scan s = scan_str(value);
	return scan_run(&s, CH_TOKEN, NULL) && scan_sep(&s, '/') && scan_run(&s, CH_TOKEN, NULL) &&
	       sip_params_scan(&s, NULL) && scan_end(&s);
}

static bool event(struct str value)
{
	struct sip_event e;
	return sip_event_parse(value, &e);
}

static bool credentials(struct str value)
{
	struct sip_challenge c;
	return sip_challenge_parse(value, &c);
}

/* RAck: response-num LWS CSeq-num LWS Method, RFC 3262 10 */
static bool rack(struct str value)
{
	struct scan s = scan_str(value);
	return scan_u32(&s, UINT32_MAX, NULL) && scan_run(&s, CH_LWS, NULL) && cseq(scan_rest(&s));
}

/* No control characters but HTAB and what stands behind a backslash; CR not even there. */
static bool clean(struct str value)
{
	for (size_t i = 0; i < value.n; i++) {
		char c = value.p[i];
		if (scan_is(c, CH_CONTROL) && c != '\t' &&
			(c == '\r' || i == 0 || value.p[i - 1] != '\\'))
			return false;
	}
	return true;
}

/* What everybody asks for later is decoded here, once. */
static bool from_of(const struct sip_msg *m)
{
	struct sip_nameaddr a;
	return sip_msg_from(m, &a);
}

static bool to_of(const struct sip_msg *m)
{
	struct sip_nameaddr a;
	return sip_msg_to(m, &a);
}

static bool cseq_of(const struct sip_msg *m)
{
	struct sip_cseq c;
	return sip_msg_cseq(m, &c);
}

/* -- which headers are checked -- */

/* Nothing is gained by dropping a response because of a header that can be ignored, so responses
 * are held to less. Challenges are judged in lib/auth and Subscription-State by the subscription,
 * where a failure gets its name. What else is missing here (Date, Warning ...) is for the eye: RFC
 * 4475 3.1.2.12 wants it borne. */
enum { REQUEST = 1, RESPONSE = 2, BOTH = REQUEST | RESPONSE };

static const struct rule {
	bool (*ok)(struct str value);
	unsigned where;
} rules[SIP_HDR_COUNT] = {
	[SIP_HDR_VIA] = { vias, BOTH },
	[SIP_HDR_FROM] = { NULL, BOTH },
	[SIP_HDR_TO] = { NULL, BOTH },
	[SIP_HDR_CALL_ID] = { call_id, BOTH },
	[SIP_HDR_CSEQ] = { NULL, BOTH },
	[SIP_HDR_CONTENT_LENGTH] = { seconds, BOTH },
	[SIP_HDR_RECORD_ROUTE] = { routes, BOTH },
	[SIP_HDR_REQUIRE] = { tokens, BOTH },
	[SIP_HDR_RSEQ] = { seconds, BOTH },
	[SIP_HDR_CONTACT] = { contacts, REQUEST },
	[SIP_HDR_MAX_FORWARDS] = { hops, REQUEST },
	[SIP_HDR_ROUTE] = { routes, REQUEST },
	[SIP_HDR_PATH] = { routes, REQUEST },
	[SIP_HDR_CONTENT_TYPE] = { media_type, REQUEST },
	[SIP_HDR_EXPIRES] = { seconds, REQUEST },
	[SIP_HDR_PROXY_REQUIRE] = { tokens, REQUEST },
	[SIP_HDR_SUPPORTED] = { tokens_or_none, REQUEST },
	[SIP_HDR_ALLOW] = { tokens_or_none, REQUEST },
	[SIP_HDR_AUTHORIZATION] = { credentials, REQUEST },
	[SIP_HDR_PROXY_AUTHORIZATION] = { credentials, REQUEST },
	[SIP_HDR_EVENT] = { event, REQUEST },
	[SIP_HDR_ALLOW_EVENTS] = { tokens, REQUEST },
	[SIP_HDR_SIP_IF_MATCH] = { tokens, REQUEST },
	[SIP_HDR_REFER_TO] = { address, REQUEST },
	[SIP_HDR_REFERRED_BY] = { address, REQUEST },
	[SIP_HDR_REPLACES] = { replaces, REQUEST },
	[SIP_HDR_SESSION_EXPIRES] = { seconds_params, REQUEST },
	[SIP_HDR_MIN_SE] = { seconds_params, REQUEST },
	[SIP_HDR_RACK] = { rack, REQUEST },
};

/* Those without an ok above. */
static bool (*const typed[SIP_HDR_COUNT])(const struct sip_msg *m) = {
	[SIP_HDR_FROM] = from_of,
	[SIP_HDR_TO] = to_of,
	[SIP_HDR_CSEQ] = cseq_of,
};

/* Where the first element of a list that does not fit begins. */
static size_t bad_element(const struct sip_hdr *h)
{
	struct str rest = h->value;
	struct sip_nameaddr a;
	struct sip_via v;
	bool bad;

	if (h->id == SIP_HDR_VIA) {
		while (rest.n > 0 && sip_via_parse(rest, &v, &rest))
			continue;
	} else if (rules[h->id].ok == contacts || rules[h->id].ok == routes) {
		struct str before = rest;

		while (sip_nameaddr_next(&rest, h->id == SIP_HDR_CONTACT, &a, &bad) &&
			(h->id != SIP_HDR_CONTACT || contact(&a)))
			before = rest;
		rest = before;
	}
	return rest.n > 0 ? (size_t)(rest.p - h->value.p) : 0;
}

bool sip_msg_hdr_fits(const struct sip_hdr *h, size_t *at)
{
	struct sip_nameaddr a;
	struct sip_cseq c;

	for (*at = 0; *at < h->value.n; ++*at)
		if (!clean(str_sub(h->value, *at, *at + 1)) &&
			(*at == 0 || h->value.p[*at - 1] != '\\' || h->value.p[*at] == '\r'))
			return false;
	*at = 0;
	if (h->id == SIP_HDR_FROM || h->id == SIP_HDR_TO)
		return sip_nameaddr_parse(h->value, &a);
	if (h->id == SIP_HDR_CSEQ)
		return sip_cseq_parse(h->value, &c);
	if (!rules[h->id].ok || rules[h->id].ok(h->value))
		return true;
	*at = bad_element(h);
	return false;
}

static unsigned fault(struct fail *f, const char *what, const struct sip_hdr *h)
{
	struct str name = h->id == SIP_HDR_OTHER ? h->name : sip_hdr_name(h->id);
	fail_set(f, -FAIL_SYNTAX, "%s %.*s header", what, name.n < 64 ? (int)name.n : 64, name.p);
	return BAD_REQUEST;
}

/* Each of these gives 0, or a status and its reason in f. */
static unsigned check_values(const struct sip_msg *m, struct fail *f)
{
	for (unsigned i = 0; i < m->hdr_count; i++) {
		const struct sip_hdr *h = &m->hdrs[i];
		const struct rule *r = &rules[h->id];
		if (m->request && !clean(h->value))
			return fault(f, "malformed", h);
		if (!(r->where & (m->request ? REQUEST : RESPONSE)))
			continue;
		/* RFC 3261 7.3.1: more than one row only where the value is a comma list */
		if (sip_hdr_kind(h->id) == SIP_HDR_ONE && m->first[h->id] != i + 1)
			return fault(f, "repeated", h);
		if (!(r->ok ? r->ok(h->value) : typed[h->id](m)))
			return fault(f, "malformed", h);
	}
	return 0;
}

/* RFC 3261 8.1.1: To, From, CSeq, Call-ID, Max-Forwards and Via are mandatory; Max-Forwards is new
 * since RFC 2543, whose requests are still taken (RFC 4475 3.4.1). */
static unsigned check_mandatory(const struct sip_msg *m, struct fail *f)
{
	static const enum sip_hdr_id mandatory[] = { SIP_HDR_VIA, SIP_HDR_FROM, SIP_HDR_TO,
		SIP_HDR_CALL_ID, SIP_HDR_CSEQ };

	for (size_t i = 0; i < ARRAY_LEN(mandatory); i++)
		if (!m->first[mandatory[i]])
			return fault(f, "missing", &(struct sip_hdr){ .id = mandatory[i] });
	return 0;
}

/* Method SP Request-URI SP SIP-Version CRLF, and nothing else. */
static unsigned check_request_line(const struct sip_msg *m, struct fail *f)
{
	struct str uri = m->request_uri;
	struct sip_uri u;
	const char *end = m->version.p + m->version.n;

	if (uri.p != m->method_name.p + m->method_name.n + 1 || m->version.p != uri.p + uri.n + 1 ||
		uri.p[-1] != ' ' || m->version.p[-1] != ' ' || (*end != '\n' && *end != '\r') ||
		(*end == '\r' && end[1] != '\n')) {
		fail_set(f, -FAIL_SYNTAX, "malformed request line");
		return BAD_REQUEST;
	}
	/* RFC 3261 19.1.1 table 1: headers are not allowed in a Request-URI. */
	if (!sip_uri_parse(uri, &u) || u.headers.n) {
		fail_set(f, -FAIL_SYNTAX, "malformed Request-URI");
		return BAD_REQUEST;
	}
	return 0;
}

/* RFC 3261 8.1.1.5: "The method MUST match that of the request." */
static unsigned check_cseq_method(const struct sip_msg *m, struct fail *f)
{
	struct sip_cseq c;

	if (!m->request || !sip_msg_cseq(m, &c) || str_eq(c.name, m->method_name))
		return 0;
	fail_set(f, -FAIL_SYNTAX, "CSeq method %.*s does not match %.*s",
		c.name.n < 64 ? (int)c.name.n : 64, c.name.p,
		m->method_name.n < 64 ? (int)m->method_name.n : 64, m->method_name.p);
	return BAD_REQUEST;
}

/* RFC 3261 18.3: "If there is a Content-Length header field present, and the datagram ends before
 * the end of the message body, this is considered an error." */
static unsigned check_length(const struct sip_msg *m, bool datagram, struct fail *f)
{
	uint32_t length;

	if (!datagram || !str_u32(sip_msg_value(m, SIP_HDR_CONTENT_LENGTH), &length) ||
		length <= m->body.n)
		return 0;
	fail_set(f, -FAIL_SYNTAX, "Content-Length %u but a body of %zu bytes", length, m->body.n);
	return BAD_REQUEST;
}

static unsigned check_all(const struct sip_msg *m, bool datagram, struct fail *f)
{
	unsigned status;

	if (!str_ieq(m->version, STR("SIP/2.0"))) {
		fail_set(f, -FAIL_SYNTAX, "version " STR_FMT " is not supported",
			STR_ARG(str_sub(m->version, 0, 16)));
		return BAD_VERSION;
	}
	if (m->request && (status = check_request_line(m, f)))
		return status;
	if (m->cut) {
		fail_set(f, -FAIL_SYNTAX, "the end of the header fields is missing");
		return BAD_REQUEST;
	}
	if ((status = check_mandatory(m, f)) || (status = check_values(m, f)) ||
		(status = check_cseq_method(m, f)) || (status = check_length(m, datagram, f)))
		return status;
	return 0;
}

enum sip_verdict sip_msg_check(
	const struct sip_msg *m, bool datagram, unsigned *status, struct fail *f)
{
	unsigned found = check_all(m, datagram, f);
	struct scan top = scan_str(sip_msg_value(m, SIP_HDR_VIA));
	struct sip_via v;

	if (!found)
		return SIP_ACCEPT;
	/* RFC 3261 18.1.2 and 17.1.1.3: nobody waits for an answer to a response or an ACK. 18.2.2:
	 * the answer goes where the topmost Via says; without that there is none. */
	if (!m->request || m->method == SIP_ACK || !sip_via_sent_by(&top, &v))
		return SIP_DROP;
	*status = found;
	return SIP_REJECT;
}
