/* lib/endpoint/media.c -- what sessions say about media: offers and answers, RFC 3264 */
#include "endpoint/media.h"

#include "base/mem.h"
#include "base/text.h"
#include "endpoint/dispatch.h"
#include "endpoint/media_rtp.h"

#include <string.h>

enum { TEXT_MAX = 65535 };

struct media {
	struct media_config config; /* texts live in the arena */
	struct arena arena;
	struct media_rtp rtp;
};

/* ---- media ---- */

/* Is it a description at all? What it says is the user's matter. */
static int check_given(struct str text, struct fail *f)
{
	struct arena a = { 0 };
	struct fail why = { 0 };
	struct sdp s;
	int e = sdp_parse(text, &a, &s, &why);

	arena_done(&a);
	return e ? fail_set(f, -FAIL_ARGUMENT, "%s", fail_show(&why)) : 0;
}

int media_new(const struct media_config *config, struct media **out, struct fail *f)
{
	struct media *m;
	int e;

	if (config->kind == MEDIA_GIVEN && (e = check_given(config->given, f)) != 0)
		return e;
	for (unsigned i = 0; i < config->codec_count; i++)
		if (!sdp_codec_known(config->codecs[i]))
			return fail_set(f, -FAIL_ARGUMENT, "unknown codec \"" STR_FMT "\"",
				STR_ARG(config->codecs[i]));
	m = MEM_NEW(struct media);
	m->config = *config;
	m->config.given = arena_str(&m->arena, config->given);
	m->config.codecs = arena_strs(&m->arena, config->codecs, config->codec_count);
	media_rtp_init(&m->rtp, config->manager);
	*out = m;
	return 0;
}

void media_free(struct media *m)
{
	if (!m)
		return;
	media_rtp_done(&m->rtp);
	arena_done(&m->arena);
	mem_free(m);
}

bool media_is_none(const struct media *m)
{
	return m->config.kind == MEDIA_NONE;
}

/* ---- one call ---- */

void media_call_init(struct media_call *c, struct media *m)
{
	*c = (struct media_call){ .media = m };
	list_init(&c->node);
	/* RFC 3264 5: within 63 bits. RFC 8866 5.2: unique, which randomness is, too. */
	text_random(&c->id, sizeof(c->id));
	c->id >>= 2;
}

void media_call_done(struct media_call *c)
{
	if (!c->media)
		return;
	media_rtp_ignore(&c->media->rtp, c);
	mem_free(c->local);
	mem_free(c->remote);
	mem_free(c->offered);
	mem_free(c->withdrawn);
	mem_free(c->given);
	*c = (struct media_call){ 0 };
}

static void replace(char **text, struct str s)
{
	char *copy = mem_strndup(s.p, s.n); /* s may be a view of *text */

	mem_free(*text);
	*text = copy;
}

static void drop(char **text)
{
	mem_free(*text);
	*text = NULL;
}

/* The stream that both want: whose packets are ours. A name would have to be looked up, and an
 * address of 0.0.0.0 (RFC 3264 8.4) sends nothing. */
static struct net_addr rtp_of(const struct sdp *local, const struct sdp *remote)
{
	struct net_addr a = { 0 };

	for (unsigned i = 0; i < local->media_count && i < remote->media_count; i++) {
		const struct sdp_media *m = &remote->media[i];
		if (!local->media[i].port || !m->port)
			continue;
		if (!net_addr_parse(m->address, m->port, &a) || net_addr_is_any(&a))
			a = (struct net_addr){ 0 };
		break;
	}
	return a;
}

/* Both are in force now. The local text is ours already. */
static void in_force(
	struct media_call *c, const struct sdp *local, const struct sdp *remote, struct str codec)
{
	enum sdp_direction d = sdp_offered_direction(remote);
	struct net_addr rtp = rtp_of(local, remote);

	replace(&c->remote, remote->text);
	drop(&c->withdrawn);
	c->peer = d;
	c->held = d == SDP_SENDONLY || d == SDP_INACTIVE;
	codec = str_sub(codec, 0, sizeof(c->codec) - 1);
	memcpy(c->codec, codec.p, codec.n);
	c->codec[codec.n] = '\0';
	media_rtp_count(&c->media->rtp, c, &rtp);
}

/* ---- what we say of ourselves ---- */

/* --advertise when it is an address of the same kind, else the flow's own. */
static struct net_addr shown_address(const struct media *m, const struct net_addr *local)
{
	struct buf host = BUF_INIT(256);
	struct net_addr a = { 0 };
	uint16_t port = 0;

	if (endpoint_manager_options(m->config.manager)->advertise.n > 0)
		dispatch_advertised(m->config.manager, &host, &port);
	if (!net_addr_parse(buf_str(&host), 0, &a) ||
		net_addr_is_ipv6(&a) != net_addr_is_ipv6(local))
		a = *local;
	buf_done(&host);
	return a;
}

enum { DRY_PORT = 9 }; /* of a dry run, which has no flow and binds nothing */

/* text: storage for the address. */
static int describe(struct media_call *c, struct net_flow *flow, char text[NET_ADDR_TEXT],
	struct sdp_local *out, struct fail *f)
{
	const struct net_addr *local = flow ? &net_flow_info(flow)->local : NULL;
	struct net_addr shown = { 0 };
	uint16_t port = DRY_PORT;
	int e = local ? media_rtp_port(&c->media->rtp, local, &port, f) : 0;

	if (e)
		return e;
	if (local)
		shown = shown_address(c->media, local);
	*out = (struct sdp_local){
		.address = local ? str_of(net_addr_host(&shown, text)) : STR("local.invalid"),
		.ipv6 = local && net_addr_is_ipv6(&shown),
		.port = port,
		.rtcp_port = (uint16_t)(port + 1),
		.id = c->id,
		.direction = c->wanted,
		.codecs = c->media->config.codecs,
		.codec_count = c->media->config.codec_count,
	};
	/* The scope of a link-local address is nobody's matter but ours. */
	out->address.n = str_find(out->address, '%');
	return 0;
}

/* What is in force, with the direction d and this version. */
static int repeat(
	struct media_call *c, enum sdp_direction d, uint32_t version, struct buf *b, struct fail *f)
{
	struct arena a = { 0 };
	struct sdp s;
	int e = sdp_parse(str_of(c->local), &a, &s, f);

	if (!e)
		sdp_rewrite(b, &s, d, version - c->local_version);
	arena_done(&a);
	return e;
}

/* Is this, which has the version of the last one that we sent, the same text? Then it keeps that;
 * else it has one more, also when that was refused (RFC 3264 8, RFC 6337 5.2.5). */
static bool said_last(const struct media_call *c, const struct buf *b)
{
	return str_eq(buf_str(b), str_of(c->withdrawn ? c->withdrawn : c->local));
}

/* ---- offers of ours ---- */

/* With this version: the streams of before, or the first offer. */
static int offer_at(struct media_call *c, struct net_flow *flow, uint32_t version, struct buf *b,
	struct fail *f)
{
	char text[NET_ADDR_TEXT];
	struct sdp_local l;
	int e;

	/* RFC 6337 5.3: we offer what we want, whatever we had to answer before. */
	if (c->local)
		return repeat(c, c->wanted, version, b, f);
	if ((e = describe(c, flow, text, &l, f)) != 0)
		return e;
	l.version = version;
	sdp_write_offer(b, &l);
	return 0;
}

static int write_offer(struct media_call *c, struct net_flow *flow, struct buf *b,
	uint32_t *version, struct fail *f)
{
	const struct media_config *config = &c->media->config;
	int e;

	*version = c->version + 1;
	if (c->given) {
		if ((e = check_given(str_of(c->given), f)) == 0)
			buf_add_str(b, str_of(c->given));
		return e;
	}
	if (c->local && c->local_given && c->wanted == c->local_wanted) {
		buf_add_str(b, str_of(c->local));
		*version = c->local_version;
		return 0;
	}
	if (!c->local && config->kind == MEDIA_GIVEN) {
		buf_add_str(b, config->given);
		return 0;
	}
	if ((e = offer_at(c, flow, c->version, b, f)) != 0)
		return e;
	if (said_last(c, b)) {
		*version = c->version;
		return 0;
	}
	buf_clear(b);
	return offer_at(c, flow, *version, b, f);
}

int media_offer(struct media_call *c, struct net_flow *flow, struct buf *out, struct fail *f)
{
	struct buf b = BUF_INIT(TEXT_MAX);
	uint32_t version;
	int e;

	if (media_is_none(c->media) && !c->given && !c->local)
		return 0;
	e = write_offer(c, flow, &b, &version, f);
	if (!e && b.fail)
		e = fail_set(f, b.fail, "the session description is too long");
	if (!e) {
		replace(&c->offered, buf_str(&b));
		c->offered_wanted = c->wanted;
		c->offered_given = c->given || (c->local ? c->local_given
							 : c->media->config.kind == MEDIA_GIVEN);
		c->offered_version = version;
		if (version > c->version)
			c->version = version;
		drop(&c->given);
		buf_add_str(out, buf_str(&b));
	}
	buf_done(&b);
	return e;
}

static int answered(struct media_call *c, struct str text, struct arena *a, struct fail *f)
{
	struct sdp offer, answer;
	struct str codec;
	int e;

	if ((e = sdp_parse(text, a, &answer, f)) != 0 ||
		(e = sdp_parse(str_of(c->offered), a, &offer, f)) != 0 ||
		(e = sdp_check_answer(&offer, &answer, a, &codec, f)) != 0)
		return e;
	in_force(c, &offer, &answer, codec);
	mem_free(c->local);
	c->local = c->offered;
	c->offered = NULL;
	c->local_version = c->offered_version;
	c->local_wanted = c->offered_wanted;
	c->local_given = c->offered_given;
	return 0;
}

int media_answered(struct media_call *c, struct str answer, struct fail *f)
{
	struct arena a = { 0 };
	int e;

	if (!c->offered)
		return media_is_none(c->media)
			       ? 0
			       : fail_set(f, -FAIL_STATE, "an answer without an offer");
	e = answered(c, answer, &a, f);
	arena_done(&a);
	if (e)
		media_withdraw(c);
	return e;
}

void media_withdraw(struct media_call *c)
{
	if (!c->offered || (c->local && c->offered_version == c->local_version)) {
		drop(&c->offered);
		return;
	}
	drop(&c->withdrawn);
	c->withdrawn = c->offered;
	c->offered = NULL;
}

bool media_waits(const struct media_call *c)
{
	return c->offered != NULL;
}

void media_give(struct media_call *c, struct str text)
{
	replace(&c->given, text);
}

/* ---- offers of the peer ---- */

/* That of its first stream with a port. RFC 6337 5.4: an address of 0.0.0.0 changes nothing. */
static enum sdp_direction direction_of(const struct sdp *s)
{
	for (unsigned i = 0; i < s->media_count; i++)
		if (s->media[i].port)
			return s->media[i].direction;
	return SDP_INACTIVE;
}

/* The user's text; once it is in force it follows when one of us changes the direction. */
static int answer_given(struct media_call *c, const struct sdp *offer, struct arena *a,
	struct buf *b, uint32_t *version, struct fail *f)
{
	enum sdp_direction d = direction_of(offer);
	struct sdp before;
	int e;

	if (!c->local) {
		buf_add_str(b, c->media->config.given);
		*version = c->version + 1;
		return 0;
	}
	*version = c->local_version;
	if ((e = sdp_parse(str_of(c->remote), a, &before, f)) != 0)
		return e;
	if (c->wanted == c->local_wanted && d == direction_of(&before)) {
		buf_add_str(b, str_of(c->local));
		return 0;
	}
	*version = c->version;
	d = sdp_answer_direction(d, c->wanted);
	if ((e = repeat(c, d, *version, b, f)) != 0 || said_last(c, b))
		return e;
	buf_clear(b);
	return repeat(c, d, ++*version, b, f);
}

static int answer_built_in(struct media_call *c, struct net_flow *flow, const struct sdp *offer,
	struct arena *a, struct buf *b, uint32_t *version, struct str *codec, struct fail *f)
{
	char text[NET_ADDR_TEXT];
	struct sdp_local l;
	int e = describe(c, flow, text, &l, f);

	if (e)
		return e;
	*version = l.version = c->version;
	if ((e = sdp_write_answer(b, offer, &l, a, codec, f)) != 0 || said_last(c, b))
		return e;
	buf_clear(b);
	*version = ++l.version;
	return sdp_write_answer(b, offer, &l, a, codec, f);
}

int media_answer(struct media_call *c, struct net_flow *flow, struct str offer, struct buf *out,
	struct fail *f)
{
	bool given = c->media->config.kind == MEDIA_GIVEN;
	struct buf b = BUF_INIT(TEXT_MAX);
	struct arena a = { 0 };
	struct str codec = STR_EMPTY;
	struct sdp theirs, ours;
	uint32_t version;
	int e;

	if (media_is_none(c->media))
		return 0;
	if ((e = sdp_parse(offer, &a, &theirs, f)) != 0)
		goto done;
	e = given ? answer_given(c, &theirs, &a, &b, &version, f)
		  : answer_built_in(c, flow, &theirs, &a, &b, &version, &codec, f);
	if (!e && b.fail)
		e = fail_set(f, b.fail, "the session description is too long");
	if (e || (e = sdp_parse(buf_str(&b), &a, &ours, f)) != 0)
		goto done;
	if (given) /* fit or not, it is the user's */
		(void)sdp_check_answer(&theirs, &ours, &a, &codec, NULL);
	in_force(c, &ours, &theirs, codec);
	replace(&c->local, buf_str(&b));
	c->local_version = version;
	if (version > c->version)
		c->version = version;
	c->local_wanted = c->wanted;
	c->local_given = given;
	buf_add_str(out, buf_str(&b));
done:
	arena_done(&a);
	buf_done(&b);
	return e;
}

void media_decline(struct media_call *c, struct net_flow *flow, struct str offer, struct buf *out)
{
	char text[NET_ADDR_TEXT];
	struct arena a = { 0 };
	struct sdp_local l;
	struct sdp theirs;
	struct fail f;

	if (sdp_parse(offer, &a, &theirs, &f) == 0 && describe(c, flow, text, &l, &f) == 0) {
		l.version = ++c->version;
		sdp_write_declined(out, &theirs, &l);
	}
	arena_done(&a);
}

bool media_is_held(const struct media_call *c)
{
	return c->held;
}

enum sdp_direction media_direction(const struct media_call *c)
{
	return sdp_answer_direction(c->peer, c->wanted);
}
