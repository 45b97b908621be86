/* lib/sip/sdp.c -- session descriptions: reading them, RFC 8866 */
#include "sip/sdp.h"

#include "sip/sdp_line.h"

#include <string.h>

static const char *const directions[] = { "sendrecv", "sendonly", "recvonly", "inactive" };

const char *sdp_direction_name(enum sdp_direction d)
{
	return directions[d];
}

/* RFC 8866 5.13: names of attributes are compared with their case. */
bool sdp_direction_parse(struct str value, enum sdp_direction *out)
{
	for (unsigned i = 0; i < ARRAY_LEN(directions); i++) {
		if (str_eq(value, str_of(directions[i]))) {
			*out = (enum sdp_direction)i;
			return true;
		}
	}
	return false;
}

/* ---- what words are made of ---- */

/* token-char of RFC 8866 section 9, which is not SIP's */
static bool is_token(struct str s)
{
	/* a bit for each character: "!" "#$%&'" "*+" "-." DIGIT ALPHA "^_`" "{|}~" */
	static const uint64_t set[2] = { UINT64_C(0x03ff6cfa00000000),
		UINT64_C(0x7fffffffc7fffffe) };

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c > 127 || (set[c / 64] >> c % 64 & 1) == 0)
			return false;
	}
	return s.n > 0;
}

static bool is_digits(struct str s)
{
	return s.n > 0 && scan_past(s.p, s.p + s.n, CH_DIGIT) == s.p + s.n;
}

/* ttl ["/" numaddr] */
static bool is_numbers(struct str s)
{
	struct str part;

	while (str_cut(s, '/', &part, &s))
		if (!is_digits(part))
			return false;
	return is_digits(s);
}

/* non-ws-string */
static bool is_visible(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == ' ' || scan_is(s.p[i], CH_CONTROL))
			return false;
	return s.n > 0;
}

/* proto = token *("/" token); *rtp: its formats are payload types */
static bool is_proto(struct str s, bool *rtp)
{
	struct str part;

	*rtp = false;
	while (str_cut(s, '/', &part, &s)) {
		if (!is_token(part))
			return false;
		*rtp |= str_ieq(part, STR("RTP"));
	}
	return is_token(s);
}

/* RFC 8866 6.6: payload type, encoding name, clock rate, and for audio the channels */
static bool rtpmap_parse(struct str value, unsigned *payload, struct str *encoding)
{
	struct str number, e, name, rate, channels;
	uint32_t pt, n;

	if (!sdp_next_word(&value, &number) || !str_u32(number, &pt) || pt >= SDP_PAYLOADS ||
		!sdp_next_word(&value, &e) || str_trim(value).n > 0)
		return false;
	if (!str_cut(e, '/', &name, &rate) || !is_token(name))
		return false;
	if (str_cut(rate, '/', &rate, &channels) && !is_token(channels))
		return false;
	if (!str_u32(rate, &n) || n == 0)
		return false;
	*payload = pt;
	*encoding = e;
	return true;
}

/* ---- one line ---- */

struct parser {
	struct sdp s;
	struct str value; /* of the line */
	unsigned line;
	uint32_t seen; /* of the lines that a section has once: a bit for each letter */
	bool timed; /* there was a t= */
	bool directed; /* this section has a direction of its own */
	bool connected; /* and a c= */
	enum sdp_direction direction; /* the session's */
	struct fail *f;
	struct sdp_media media[SDP_MEDIA]; /* last: only what is used is initialised */
};

static int bad(const struct parser *p, const char *what)
{
	return fail_set(p->f, -FAIL_SYNTAX, "session description, line %u: %s", p->line, what);
}

static int too_many(const struct parser *p, const char *what, unsigned limit)
{
	return fail_set(p->f, -FAIL_LIMIT, "session description: more than %u %s", limit, what);
}

/* The stream that lines belong to now; NULL: the session. */
static struct sdp_media *section(struct parser *p)
{
	return p->s.media_count ? &p->media[p->s.media_count - 1] : NULL;
}

static int origin_line(struct parser *p)
{
	struct str rest = p->value, user, id, version, net, type, address, more;

	if (!sdp_next_word(&rest, &user) || !sdp_next_word(&rest, &id) ||
		!sdp_next_word(&rest, &version) || !sdp_next_word(&rest, &net) ||
		!sdp_next_word(&rest, &type) || !sdp_next_word(&rest, &address) ||
		sdp_next_word(&rest, &more) || !is_visible(user) || !is_digits(id) ||
		!is_digits(version) || !is_token(net) || !is_token(type) || !is_visible(address))
		return bad(p, "o= is malformed");
	p->s.origin = p->value;
	return 0;
}

static int connection_line(struct parser *p)
{
	struct str rest = p->value, net, type, address, ttl, more;
	struct sdp_media *m = section(p);
	bool ipv6;

	if (!sdp_next_word(&rest, &net) || !sdp_next_word(&rest, &type) ||
		!sdp_next_word(&rest, &address) || sdp_next_word(&rest, &more) || !is_token(net) ||
		!is_token(type) || !is_visible(address))
		return bad(p, "c= is malformed");
	/* A multicast address may have a TTL and a count behind it. */
	if (str_cut(address, '/', &address, &ttl) && (address.n == 0 || !is_numbers(ttl)))
		return bad(p, "the address of c= is malformed");
	ipv6 = str_ieq(type, STR("IP6"));
	if (m && !p->connected) { /* of several, for layers, the first */
		m->address = address;
		m->ipv6 = ipv6;
	} else if (!m) {
		p->s.address = address;
		p->s.ipv6 = ipv6;
	}
	p->connected = true;
	return 0;
}

static int time_line(struct parser *p)
{
	struct str rest = p->value, start, stop, more;

	if (!sdp_next_word(&rest, &start) || !sdp_next_word(&rest, &stop) ||
		sdp_next_word(&rest, &more) || !is_digits(start) || !is_digits(stop))
		return bad(p, "t= is malformed");
	p->timed = true;
	return 0;
}

static int bandwidth_line(const struct parser *p)
{
	struct str type, number;

	if (!str_cut(p->value, ':', &type, &number) || !is_token(type) ||
		!is_digits(str_trim(number)))
		return bad(p, "b= is malformed");
	return 0;
}

/* RFC 3605: a=rtcp:53020, or with an address behind it */
static int rtcp_attribute(struct parser *p, struct str value)
{
	struct sdp_media *m = section(p);
	struct str port;
	uint32_t n;

	if (!sdp_next_word(&value, &port) || !str_u32(port, &n) || n > UINT16_MAX)
		return bad(p, "a=rtcp without a port");
	if (m && m->rtcp_port == 0)
		m->rtcp_port = (uint16_t)n;
	return 0;
}

static int attribute_line(struct parser *p)
{
	struct str name = p->value, value = STR_EMPTY;
	struct sdp_media *m = section(p);
	enum sdp_direction d;
	unsigned payload;

	str_cut(p->value, ':', &name, &value);
	if (!is_token(name))
		return bad(p, "an attribute without a name");
	if (str_eq(name, STR("rtpmap")))
		return rtpmap_parse(value, &payload, &value) ? 0 : bad(p, "a=rtpmap is malformed");
	if (str_eq(name, STR("fmtp")) && value.n == 0)
		return bad(p, "a=fmtp without a value");
	if (str_eq(name, STR("rtcp")))
		return rtcp_attribute(p, value);
	if (p->directed || !sdp_direction_parse(p->value, &d))
		return 0;
	p->directed = true;
	*(m ? &m->direction : &p->direction) = d;
	return 0;
}

static int formats(const struct parser *p, struct str list, bool rtp)
{
	struct str format;
	unsigned count = 0;
	uint32_t n;

	while (sdp_next_word(&list, &format)) {
		if (++count > SDP_FORMATS)
			return too_many(p, "formats of one m= line", SDP_FORMATS);
		if (!is_token(format))
			return bad(p, "a format of m= is no token");
		if (rtp && (!str_u32(format, &n) || n >= SDP_PAYLOADS))
			return bad(p, "a payload type is not within 0 to 127");
	}
	return count > 0 ? 0 : bad(p, "m= without a format");
}

/* m= media SP port ["/" integer] SP proto 1*(SP fmt) */
static int media_line(struct parser *p)
{
	struct sdp_media m = {
		.address = p->s.address, .ipv6 = p->s.ipv6, .direction = p->direction
	};
	struct str rest = p->value, port, count;
	uint32_t n;
	bool rtp;
	int e;

	if (p->s.media_count == SDP_MEDIA)
		return too_many(p, "m= lines", SDP_MEDIA);
	if (!sdp_next_word(&rest, &m.type) || !is_token(m.type) || !sdp_next_word(&rest, &port) ||
		!sdp_next_word(&rest, &m.proto) || !is_proto(m.proto, &rtp))
		return bad(p, "m= is malformed");
	if (str_cut(port, '/', &port, &count) && (!str_u32(count, &n) || n == 0))
		return bad(p, "the number of ports of m= is malformed");
	if (!str_u32(port, &n) || n > UINT16_MAX)
		return bad(p, "the port of m= is malformed");
	m.port = (uint16_t)n;
	m.formats = str_trim(rest);
	if ((e = formats(p, m.formats, rtp)) != 0)
		return e;
	p->media[p->s.media_count++] = m;
	p->seen = 0;
	p->directed = p->connected = false;
	return 0;
}

/* What stands where, and how often (RFC 8866 section 9). */
static int placed(struct parser *p, char type)
{
	static const char first[] = "vos", session[] = "eptrz", once[] = "iuck";
	uint32_t bit;

	if (p->line <= 3)
		return type == first[p->line - 1]
			       ? 0
			       : bad(p, "v=, o= and s= are the first three lines, in this order");
	if (memchr(first, type, 3))
		return bad(p, "one more v=, o= or s=");
	if (p->s.media_count > 0 && (type == 'u' || memchr(session, type, sizeof(session) - 1)))
		return bad(p, "a line of the session behind m=");
	if (type == 'm' && !p->timed)
		return bad(p, "no t= before m=");
	if (!memchr(once, type, sizeof(once) - 1) || (type == 'c' && p->s.media_count > 0))
		return 0;
	bit = UINT32_C(1) << (type - 'a');
	if (p->seen & bit)
		return bad(p, "a line that a section has once only");
	p->seen |= bit;
	return 0;
}

static int line(struct parser *p, struct str l)
{
	int e;

	if (l.n < 2 || l.p[1] != '=' || !scan_is(l.p[0], CH_ALPHA))
		return bad(p, "not of the form TYPE=VALUE");
	if (memchr(l.p, '\0', l.n) || memchr(l.p, '\r', l.n))
		return bad(p, "NUL or CR inside of the line");
	p->value = str_sub(l, 2, l.n);
	if ((e = placed(p, l.p[0])) != 0)
		return e;
	switch (l.p[0]) {
	case 'v':
		return str_eq(p->value, STR("0")) ? 0 : bad(p, "another version than 0");
	case 'o':
		return origin_line(p);
	case 's': /* RFC 3264 section 10 leaves it empty */
		return 0;
	case 'c':
		return connection_line(p);
	case 't':
		return time_line(p);
	case 'b':
		return bandwidth_line(p);
	case 'a':
		return attribute_line(p);
	case 'm':
		return media_line(p);
	case 'i':
	case 'u':
	case 'e':
	case 'p':
	case 'r':
	case 'z':
	case 'k':
		return p->value.n > 0 ? 0 : bad(p, "a line without a value");
	default:
		return bad(p, "an unknown type of line");
	}
}

/* ---- the whole ---- */

/* Empty lines are nothing but what some senders put behind the description. */
static bool is_padding(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '\r' && s.p[i] != '\n')
			return false;
	return true;
}

static int lines(struct parser *p, struct str text)
{
	struct str rest = text, l;
	struct sdp_media *m;
	int e;

	while (sdp_next_line(&rest, &l) && (l.n > 0 || !is_padding(rest))) {
		p->line++;
		if (p->line > SDP_LINES)
			return too_many(p, "lines", SDP_LINES);
		if ((e = line(p, l)) != 0)
			return e;
		m = section(p);
		if (m && l.p[0] == 'm')
			m->lines.p = rest.p;
		else if (m)
			m->lines.n = (size_t)(rest.p - m->lines.p);
	}
	p->line++;
	if (p->line <= 3 || !p->timed)
		return bad(p, "it ends before its first t=");
	return 0;
}

int sdp_parse(struct str text, struct arena *a, struct sdp *out, struct fail *f)
{
	struct parser p;
	int e;

	memset(&p, 0, offsetof(struct parser, media)); /* a stream is written when it is there */
	p.s.text = text;
	p.f = f;
	e = lines(&p, text);
	if (e)
		return e;
	for (unsigned i = 0; i < p.s.media_count; i++)
		if (p.media[i].port && p.media[i].address.n == 0)
			return fail_set(f, -FAIL_SYNTAX,
				"session description: stream %u has no address", i + 1);
	p.s.media = arena_alloc(a, p.s.media_count * sizeof(*p.media));
	memcpy(p.s.media, p.media, p.s.media_count * sizeof(*p.media));
	*out = p.s;
	return 0;
}

/* RFC 3551 section 6, tables 4 and 5 */
static const char *const assigned[] = {
	[0] = "PCMU/8000",
	[3] = "GSM/8000",
	[4] = "G723/8000",
	[5] = "DVI4/8000",
	[6] = "DVI4/16000",
	[7] = "LPC/8000",
	[8] = "PCMA/8000",
	[9] = "G722/8000",
	[10] = "L16/44100/2",
	[11] = "L16/44100",
	[12] = "QCELP/8000",
	[13] = "CN/8000",
	[14] = "MPA/90000",
	[15] = "G728/8000",
	[16] = "DVI4/11025",
	[17] = "DVI4/22050",
	[18] = "G729/8000",
	[25] = "CelB/90000",
	[26] = "JPEG/90000",
	[28] = "nv/90000",
	[31] = "H261/90000",
	[32] = "MPV/90000",
	[33] = "MP2T/90000",
	[34] = "H263/90000",
};

void sdp_payloads(const struct sdp_media *m, struct str out[SDP_PAYLOADS])
{
	struct str rest = m->lines, l, encoding;
	bool mapped[SDP_PAYLOADS] = { false };
	unsigned payload;

	for (unsigned i = 0; i < SDP_PAYLOADS; i++)
		out[i] = i < ARRAY_LEN(assigned) ? str_of(assigned[i]) : STR_EMPTY;
	while (sdp_next_line(&rest, &l)) {
		if (!str_starts(l, STR("a=rtpmap:")) ||
			!rtpmap_parse(str_sub(l, 9, l.n), &payload, &encoding) || mapped[payload])
			continue;
		mapped[payload] = true;
		out[payload] = encoding;
	}
}

enum sdp_direction sdp_offered_direction(const struct sdp *s)
{
	for (unsigned i = 0; i < s->media_count; i++) {
		const struct sdp_media *m = &s->media[i];
		if (m->port)
			return str_eq(m->address, STR("0.0.0.0")) ? SDP_INACTIVE : m->direction;
	}
	return SDP_INACTIVE;
}
