/* lib/sip/sdp_rewrite.c -- a session description once more, with another direction */
#include "sip/sdp.h"

#include "sip/sdp_line.h"

#include <inttypes.h>

/* username SP sess-id SP sess-version SP ...: RFC 3264 8 changes nothing but the version. */
static void write_origin(struct buf *b, struct str origin, unsigned raise)
{
	struct str rest = origin, word = STR_EMPTY;
	uint64_t version;

	for (int i = 0; i < 3; i++)
		sdp_next_word(&rest, &word);
	if (raise == 0 || !str_u64(word, &version) || version > INT64_MAX - (uint64_t)raise) {
		buf_add_str(b, origin);
		return;
	}
	buf_add(b, origin.p, (size_t)(word.p - origin.p));
	buf_addf(b, "%" PRIu64, version + raise);
	buf_add_str(b, rest);
}

/* Where the rewriting is. */
struct rewrite {
	struct buf *b;
	enum sdp_direction d;
	const char *eol;
	const struct sdp_media *media; /* NULL: in the session's part */
	bool session_has, media_has; /* a direction attribute */
};

/* A stream ends that says nothing of its direction: it has the session's, which is d by now, or
 * else sends and receives. */
static void end_stream(const struct rewrite *r)
{
	if (!r->media || !r->media->port || r->media_has || r->session_has || r->d == SDP_SENDRECV)
		return;
	if (r->b->n > 0 && r->b->p[r->b->n - 1] != '\n')
		buf_add_str(r->b, str_of(r->eol));
	buf_addf(r->b, "a=%s%s", sdp_direction_name(r->d), r->eol);
}

/* True when the line was a direction, which d has replaced. */
static bool replace_direction(struct rewrite *r, struct str l)
{
	enum sdp_direction was;

	if (!str_starts(l, STR("a=")) || !sdp_direction_parse(str_sub(l, 2, l.n), &was) ||
		(r->media && !r->media->port))
		return false;
	*(r->media ? &r->media_has : &r->session_has) = true;
	buf_addf(r->b, "a=%s", sdp_direction_name(r->d));
	return true;
}

void sdp_rewrite(struct buf *b, const struct sdp *s, enum sdp_direction d, unsigned raise)
{
	bool crlf = str_starts(s->text, STR("v=0\r\n"));
	struct rewrite r = { .b = b, .d = d, .eol = crlf ? "\r\n" : "\n" };
	struct str rest = s->text, before = rest, l;
	const struct sdp_media *next = s->media;

	while (sdp_next_line(&rest, &l) && l.n > 0) {
		if (l.p[0] == 'm') {
			end_stream(&r);
			r.media = next++;
			r.media_has = false;
		}
		if (l.p[0] == 'o') {
			buf_add_str(b, STR("o="));
			write_origin(b, s->origin, raise);
		} else if (!replace_direction(&r, l)) {
			buf_add_str(b, l);
		}
		/* the end of the line as it is */
		buf_add(b, l.p + l.n, (size_t)(rest.p - (l.p + l.n)));
		before = rest;
	}
	end_stream(&r);
	buf_add_str(b, before); /* padding */
}
