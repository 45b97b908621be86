/* lib/sip/sdp_write.c -- session descriptions: our offers and answers, RFC 3264 */
#include "sip/sdp.h"

#include "sip/sdp_line.h"

#include <inttypes.h>

/* What can be named. The payload types are those of RFC 3551, dynamic ones as most others choose
 * them. */
static const struct codec {
	const char *encoding;
	unsigned payload;
	const char *fmtp; /* NULL: none */
} codecs[] = {
	{ "PCMU/8000", 0, NULL },
	{ "PCMA/8000", 8, NULL },
	{ "G722/8000", 9, NULL },
	{ "G729/8000", 18, NULL },
	{ "GSM/8000", 3, NULL },
	{ "opus/48000/2", 96, NULL },
	{ "telephone-event/8000", 101, "0-16" },
};
enum { CODECS = ARRAY_LEN(codecs), EVENTS = CODECS - 1 /* no codec: it goes with one */ };

/* Which of them, in order of preference. */
struct choice {
	unsigned count;
	unsigned order[CODECS];
	bool has[CODECS];
};

/* The codec that is called so, or CODECS. */
static unsigned by_name(struct str name)
{
	unsigned i = 0;

	while (i < CODECS) {
		struct str e = str_of(codecs[i].encoding);
		if (str_ieq(name, str_sub(e, 0, str_find(e, '/'))))
			break;
		i++;
	}
	return i;
}

/* The codec that an rtpmap means, or CODECS. One channel may be said or not. */
static unsigned by_encoding(struct str encoding)
{
	unsigned i = 0;

	if (str_ends(encoding, STR("/1")))
		encoding.n -= 2;
	while (i < CODECS && !str_ieq(encoding, str_of(codecs[i].encoding)))
		i++;
	return i;
}

bool sdp_codec_known(struct str name)
{
	return by_name(name) < CODECS;
}

static void choose(struct choice *c, unsigned codec)
{
	if (codec == CODECS || c->has[codec])
		return;
	c->has[codec] = true;
	c->order[c->count++] = codec;
}

static struct choice choice_of(const struct sdp_local *l)
{
	static const char *const usual[] = { "pcmu", "pcma", "telephone-event" };
	struct choice c = { 0 };

	for (unsigned i = 0; i < l->codec_count; i++)
		choose(&c, by_name(l->codecs[i]));
	for (unsigned i = 0; l->codec_count == 0 && i < ARRAY_LEN(usual); i++)
		choose(&c, by_name(str_of(usual[i])));
	return c;
}

/* ---- writing ---- */

static void write_session(struct buf *b, const struct sdp_local *l)
{
	const char *type = l->ipv6 ? "IP6" : "IP4";

	buf_addf(b, "v=0\r\no=- %" PRIu64 " %" PRIu32 " IN %s " STR_FMT "\r\n", l->id, l->version,
		type, STR_ARG(l->address));
	/* RFC 3264 5: a subject of one character, and no time. */
	buf_addf(b, "s=-\r\nc=IN %s " STR_FMT "\r\nt=0 0\r\n", type, STR_ARG(l->address));
}

/* The taken stream: each codec under its payload type. */
static void write_stream(struct buf *b, const struct sdp_local *l, const struct choice *c,
	const unsigned *payloads, enum sdp_direction d)
{
	buf_addf(b, "m=audio %u RTP/AVP", l->port);
	for (unsigned i = 0; i < c->count; i++)
		buf_addf(b, " %u", payloads[i]);
	buf_add_str(b, STR("\r\n"));
	for (unsigned i = 0; i < c->count; i++) {
		const struct codec *k = &codecs[c->order[i]];
		buf_addf(b, "a=rtpmap:%u %s\r\n", payloads[i], k->encoding);
		if (k->fmtp)
			buf_addf(b, "a=fmtp:%u %s\r\n", payloads[i], k->fmtp);
	}
	buf_addf(b, "a=%s\r\n", sdp_direction_name(d));
	if (l->rtcp_port && l->rtcp_port != l->port + 1)
		buf_addf(b, "a=rtcp:%u\r\n", l->rtcp_port);
}

void sdp_write_offer(struct buf *b, const struct sdp_local *l)
{
	struct choice c = choice_of(l);
	unsigned payloads[CODECS];

	for (unsigned i = 0; i < c.count; i++)
		payloads[i] = codecs[c.order[i]].payload;
	write_session(b, l);
	if (c.count > 0)
		write_stream(b, l, &c, payloads, l->direction);
}

/* ---- the answer ---- */

/* The codecs of the offer that are ours, in its order (RFC 3264 6.1), with its payload types. */
static struct choice common(
	const struct sdp_media *m, const struct choice *ours, unsigned payloads[CODECS])
{
	struct str encodings[SDP_PAYLOADS], rest = m->formats, format;
	struct choice c = { 0 };
	uint32_t payload;

	sdp_payloads(m, encodings);
	while (sdp_next_word(&rest, &format)) {
		unsigned codec = CODECS;
		if (str_u32(format, &payload) && payload < SDP_PAYLOADS)
			codec = by_encoding(encodings[payload]);
		if (codec == CODECS || !ours->has[codec] || c.has[codec])
			continue;
		payloads[c.count] = payload;
		choose(&c, codec);
	}
	if (c.count == 1 && c.has[EVENTS] && ours->count > 1)
		c.count = 0;
	return c;
}

/* RFC 3264 6.2: a multicast stream has one address for everybody, which is not ours. */
static bool is_multicast(const struct sdp_media *m)
{
	struct scan s = scan_str(m->address);
	uint32_t n;

	if (m->ipv6)
		return str_istarts(m->address, STR("ff")) &&
		       str_find(m->address, ':') < m->address.n;
	return scan_u32(&s, 255, &n) && n >= 224 && n <= 239 && scan_char(&s, '.');
}

static bool is_ours(const struct sdp_media *m)
{
	return m->port && str_eq(m->type, STR("audio")) && str_ieq(m->proto, STR("RTP/AVP")) &&
	       !is_multicast(m);
}

/* What each direction means for its speaker. */
enum { SENDS = 1, RECEIVES = 2 };

static unsigned parts_of(enum sdp_direction d)
{
	return d == SDP_SENDRECV   ? SENDS | RECEIVES
	       : d == SDP_SENDONLY ? SENDS
	       : d == SDP_RECVONLY ? RECEIVES
				   : 0;
}

enum sdp_direction sdp_answer_direction(enum sdp_direction offered, enum sdp_direction wanted)
{
	static const enum sdp_direction of_parts[] = {
		[0] = SDP_INACTIVE,
		[SENDS] = SDP_SENDONLY,
		[RECEIVES] = SDP_RECVONLY,
		[SENDS | RECEIVES] = SDP_SENDRECV,
	};
	unsigned theirs = parts_of(offered);
	unsigned allowed = (theirs & SENDS ? RECEIVES : 0) | (theirs & RECEIVES ? SENDS : 0);

	return of_parts[allowed & parts_of(wanted)];
}

static void write_declined(struct buf *b, const struct sdp_media *m)
{
	struct str rest = m->formats, format = STR_EMPTY;

	sdp_next_word(&rest, &format);
	buf_addf(b, "m=" STR_FMT " 0 " STR_FMT " " STR_FMT "\r\n", STR_ARG(m->type),
		STR_ARG(m->proto), STR_ARG(format));
}

static struct str first_codec(const struct choice *c)
{
	unsigned i = c->order[0] == EVENTS && c->count > 1 ? 1 : 0;

	return c->count > 0 ? str_of(codecs[c->order[i]].encoding) : STR_EMPTY;
}

int sdp_write_answer(struct buf *b, const struct sdp *offer, const struct sdp_local *l,
	struct arena *a, struct str *codec, struct fail *f)
{
	struct choice ours = choice_of(l), c = { 0 };
	unsigned payloads[CODECS], taken = 0, wanted = 0;

	for (; taken < offer->media_count; taken++) {
		const struct sdp_media *m = &offer->media[taken];
		wanted += m->port != 0;
		if (is_ours(m) && (c = common(m, &ours, payloads)).count > 0)
			break;
	}
	if (wanted && taken == offer->media_count)
		return fail_set(f, -FAIL_MEDIA,
			"the offer has no audio stream over RTP/AVP with a codec of ours");
	write_session(b, l);
	for (unsigned i = 0; i < offer->media_count; i++) {
		const struct sdp_media *m = &offer->media[i];
		if (i == taken)
			write_stream(b, l, &c, payloads,
				sdp_answer_direction(m->direction, l->direction));
		else
			write_declined(b, m);
	}
	*codec = arena_str(a, first_codec(&c));
	return 0;
}

void sdp_write_declined(struct buf *b, const struct sdp *offer, const struct sdp_local *l)
{
	write_session(b, l);
	for (unsigned i = 0; i < offer->media_count; i++)
		write_declined(b, &offer->media[i]);
}

/* ---- the peer's answer ---- */

/* The first format of a stream taken. The mapping of a dynamic payload type is in the answer, or
 * at least in the offer. */
static struct str name_codec(const struct sdp_media *offered, const struct sdp_media *answered)
{
	struct str encodings[SDP_PAYLOADS], rest = answered->formats, format = STR_EMPTY;
	uint32_t payload;

	sdp_next_word(&rest, &format);
	if (!str_istarts(answered->proto, STR("RTP/")) || !str_u32(format, &payload) ||
		payload >= SDP_PAYLOADS)
		return format;
	sdp_payloads(answered, encodings);
	if (encodings[payload].n == 0)
		sdp_payloads(offered, encodings);
	return encodings[payload].n ? encodings[payload] : format;
}

int sdp_check_answer(const struct sdp *offer, const struct sdp *answer, struct arena *a,
	struct str *codec, struct fail *f)
{
	struct str found = STR_EMPTY;

	if (answer->media_count != offer->media_count)
		return fail_set(f, -FAIL_MEDIA, "the answer has %u streams, the offer has %u",
			answer->media_count, offer->media_count);
	for (unsigned i = 0; i < offer->media_count; i++) {
		const struct sdp_media *o = &offer->media[i], *w = &answer->media[i];
		if (!str_ieq(o->type, w->type) || !str_ieq(o->proto, w->proto))
			return fail_set(f, -FAIL_MEDIA,
				"stream %u of the answer is of another kind than that of the offer",
				i + 1);
		if (!o->port && w->port)
			return fail_set(f, -FAIL_MEDIA,
				"the answer takes stream %u, which the offer declines", i + 1);
		if (w->port && found.n == 0)
			found = name_codec(o, w);
	}
	*codec = arena_str(a, found);
	return 0;
}
