/* tests/fuzz/fuzz_dialog.c -- a dialog through its life: whatever comes, what our requests are made
 * of can be written, sent and read again, and the peer's numbers only rise. Input: messages, each
 * behind a line that says what they are for (see step); a NUL ends a message. */
#include "base/mem.h"
#include "sip/build.h"
#include "sip/dialog.h"
#include "sip/rack.h"
#include "sip/replaces.h"
#include "sip/session_expires.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
	struct sip_dialog d;
	struct sip_msg *ours; /* the request that we "sent" */
	bool made;
};

/* -- what must hold -- */

static void check_key(const struct sip_dialog *d)
{
	struct buf b = BUF_INIT(SIP_MESSAGE_MAX * 2);
	unsigned lines = 0;

	sip_dialog_key(&b, d->call_id, d->local_tag, d->remote_tag);
	assert(b.fail == 0);
	for (size_t i = 0; i < b.n; i++)
		lines += b.p[i] == '\n';
	assert(lines == 2);
	buf_done(&b);
}

/* A request within the dialog as its owner writes it. */
static void write_request(
	struct buf *b, const struct sip_dialog *d, const struct sip_dialog_route *r)
{
	sip_build_request(b, STR("INFO"), r->request_uri);
	sip_build_via(b, STR("UDP"), STR("192.0.2.1"), 5060, STR("z9hG4bKx"));
	for (unsigned i = 0; i < r->route_count; i++)
		sip_build_hdr(b, SIP_HDR_ROUTE, r->routes[i]);
	sip_build_hdr(b, SIP_HDR_FROM, d->local);
	sip_build_hdr(b, SIP_HDR_TO, d->remote);
	sip_build_hdr(b, SIP_HDR_CALL_ID, d->call_id);
	sip_build_hdr(b, SIP_HDR_CSEQ, STR("1 INFO"));
	sip_build_hdr(b, SIP_HDR_MAX_FORWARDS, STR("70"));
	sip_build_end(b, STR_EMPTY, STR_EMPTY);
}

static void check_parsed(
	const struct sip_msg *m, const struct sip_dialog *d, const struct sip_dialog_route *r)
{
	struct sip_list l = sip_msg_list(m, SIP_HDR_ROUTE);
	struct sip_nameaddr a;
	struct sip_uri u;
	unsigned n = 0;
	bool ok;

	assert(str_eq(m->request_uri, r->request_uri));
	assert(str_eq(sip_msg_from_tag(m), d->local_tag));
	assert(str_eq(sip_msg_to_tag(m), d->remote_tag));
	assert(str_eq(sip_msg_call_id(m), str_trim(d->call_id)));
	ok = sip_uri_parse(r->request_uri, &u);
	assert(ok && u.headers.n == 0);
	assert(u.scheme > SIP_URI_SIPS || !sip_uri_param(&u, "method", &u.text));
	for (; sip_list_nameaddr(&l, &a); n++)
		assert(n < r->route_count && str_eq(a.text, r->routes[n]) && a.brackets);
	assert(!l.bad && n == r->route_count);
}

static void check_route(const struct sip_dialog *d)
{
	struct buf b = BUF_INIT(64 * SIP_MESSAGE_MAX);
	const struct sip_limits limits = { .message = SIZE_MAX };
	struct sip_dialog_route r;
	struct sip_msg *m;
	struct sip_uri u;
	bool ok;

	sip_dialog_route(d, &r);
	/* A strict router gives its place to the remote target. */
	assert(r.route_count == d->route_count && r.route_count <= SIP_DIALOG_ROUTES);
	assert(r.next_hop.n > 0 && r.request_uri.n > 0 && d->remote_target.n > 0);
	ok = sip_uri_parse(r.next_hop, &u);
	assert(ok);
	ok = sip_uri_parse(d->remote_target, &u);
	assert(ok);
	/* 12.2.1.1: the remote target is in the Request-URI or in the last Route. */
	assert(str_eq(d->remote_target, d->strict.n ? str_sub(r.routes[r.route_count - 1], 1,
							      r.routes[r.route_count - 1].n - 1)
						    : r.request_uri));
	for (unsigned i = 0; i < r.route_count; i++)
		assert(sip_build_clean(r.routes[i]) && str_starts(r.routes[i], STR("<")) &&
			str_ends(r.routes[i], STR(">")));
	write_request(&b, d, &r);
	assert(b.fail == 0);
	ok = sip_msg_parse(buf_str(&b), &limits, &m, NULL) == 0;
	assert(ok);
	check_parsed(m, d, &r);
	sip_msg_unref(m);
	buf_done(&b);
}

static void check(const struct run *r)
{
	if (!r->made) {
		assert(!r->d.texts && !r->d.target && !r->d.routes && r->d.route_count == 0);
		return;
	}
	assert(sip_build_clean(r->d.local) && sip_build_clean(r->d.remote));
	assert(r->d.local_tag.n > 0 && r->d.call_id.n > 0);
	assert(!r->d.secure || str_istarts(r->d.remote_target, STR("sips:")));
	check_key(&r->d);
	check_route(&r->d);
}

/* -- the other header fields -- */

static void replaces(struct str value)
{
	struct buf b = BUF_INIT(SIP_MESSAGE_MAX), uri = BUF_INIT(8 * SIP_MESSAGE_MAX);
	struct buf out = BUF_INIT(8 * SIP_MESSAGE_MAX);
	struct sip_replaces x, y;
	struct sip_uri u;
	bool ok;

	if (sip_replaces_parse(value, &x)) {
		assert(x.call_id.n && x.to_tag.n && x.from_tag.n);
		sip_replaces_write(&b, &x);
		ok = sip_replaces_parse(buf_str(&b), &y);
		assert(ok && str_eq(x.call_id, y.call_id) && str_eq(x.to_tag, y.to_tag) &&
			str_eq(x.from_tag, y.from_tag) && x.early_only == y.early_only);
	}
	/* Any value goes through a URI and comes back, unless a control character is in it. */
	buf_add_str(&uri, STR("sip:h?A=&Replaces="));
	sip_uri_escape_header(&uri, value);
	ok = sip_uri_parse(buf_str(&uri), &u);
	assert(ok);
	if (sip_uri_header(&u, "replaces", &out))
		assert(str_eq(buf_str(&out), value) && sip_build_clean(value));
	else
		assert(out.n == 0 &&
			scan_past(value.p, value.p + value.n, CH_VISIBLE) != value.p + value.n);
	buf_done(&b);
	buf_done(&uri);
	buf_done(&out);
}

static void values(const struct sip_msg *m)
{
	struct sip_session_expires e;
	struct sip_rack rack;
	uint32_t n;

	for (unsigned i = 0; i < m->hdr_count; i++) {
		struct str v = m->hdrs[i].value;
		if (v.n)
			replaces(v);
		if (sip_rack_parse(v, &rack))
			assert(rack.rseq > 0 && rack.cseq <= INT32_MAX && rack.method.n > 0);
		if (sip_rseq_parse(v, &n))
			assert(n > 0);
		sip_session_expires_parse(v, &e);
		sip_min_se_parse(v, &n);
	}
}

/* -- one message after the other -- */

static void received(struct run *r, const struct sip_msg *m)
{
	struct sip_dialog before = r->d;
	unsigned status = sip_dialog_received(&r->d, m);

	assert(status == 0 || status == 400 || status == 500);
	assert(!before.has_remote_cseq ||
		(r->d.has_remote_cseq && r->d.remote_cseq >= before.remote_cseq));
	if (status)
		assert(r->d.has_remote_cseq == before.has_remote_cseq &&
			r->d.remote_cseq == before.remote_cseq);
}

static void refresh(struct run *r, const struct sip_msg *m)
{
	char *target = r->d.target;
	bool done = sip_dialog_refresh(&r->d, m);
	assert(done || r->d.target == target);
}

static void confirm(struct run *r, const struct sip_msg *m)
{
	enum sip_dialog_state before = r->d.state;
	int e = sip_dialog_confirm(&r->d, m, NULL);

	assert(e == 0 || e == -FAIL_PROTOCOL);
	assert(e == 0 || r->d.state == before);
	assert(e < 0 || r->d.state != SIP_DIALOG_EARLY);
}

/* The first byte: 'O' keeps the request as ours; 'A', 'U' (over TLS: 'T') and 'N' make the dialog
 * of it: as UAC, as UAS, by NOTIFY; 'C' confirms, 'F' refreshes; everything else arrives within the
 * dialog. */
static void step(struct run *r, char what, struct sip_msg *m)
{
	struct fail f = { 0 };

	if (what == 'O' && m->request) {
		sip_msg_unref(r->ours);
		r->ours = sip_msg_ref(m);
	} else if ((what == 'U' || what == 'T') && m->request) {
		r->made = sip_dialog_from_request(&r->d, m, STR("our-tag"), what == 'T', &f) == 0;
	} else if (what == 'A' && !m->request && r->ours) {
		r->made = sip_dialog_from_response(&r->d, r->ours, m, &f) == 0;
	} else if (what == 'N' && m->request && r->ours) {
		r->made = sip_dialog_from_notify(&r->d, r->ours, m, &f) == 0;
	} else if (r->made && what == 'C') {
		confirm(r, m->request ? NULL : m);
	} else if (r->made && what == 'F') {
		refresh(r, m);
	} else if (r->made && m->request) {
		received(r, m);
	}
	assert(f.code == 0 || f.text[0]);
	check(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { (const char *)data, size };
	struct run r;

	memset(&r, 0, sizeof(r));
	for (unsigned steps = 0; rest.n > 1 && steps < 64; steps++) {
		size_t end = str_find(rest, '\0');
		struct str wire = str_sub(rest, 0, end);
		struct sip_msg *m;
		size_t line = str_find(wire, '\n');
		if (line < wire.n &&
			sip_msg_parse(str_sub(wire, line + 1, wire.n), NULL, &m, NULL) == 0) {
			values(m);
			step(&r, wire.p[0], m);
			sip_msg_unref(m);
		}
		rest = str_sub(rest, end + 1, rest.n);
	}
	sip_dialog_done(&r.d);
	sip_msg_unref(r.ours);
	return 0;
}
