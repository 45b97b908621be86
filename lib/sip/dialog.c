/* lib/sip/dialog.c -- dialogs: RFC 3261 section 12 */
#include "sip/dialog.h"

#include "base/mem.h"
#include "sip/build.h"

#include <assert.h>
#include <string.h>

/* More than what can be written from one message. */
enum { TEXT_MAX = 2 * SIP_MESSAGE_MAX };

/* Writes s at *p, which moves behind it. */
static struct str put(char **p, struct str s)
{
	struct str copy = { *p, s.n };

	if (s.n)
		memcpy(*p, s.p, s.n);
	*p += s.n;
	return copy;
}

/* -- the id, From and To -- */

/* The value of a From or To as it came, name and parameters too, since peers of RFC 2543 compare
 * them; with our tag, unless tag is empty. Bare when it holds control characters (legal behind a
 * backslash, but never written here), or a tag that is not to stay. */
static void write_address(struct buf *b, struct str value, struct str tag)
{
	struct sip_nameaddr a;

	if (!sip_nameaddr_parse(value, &a)) {
		buf_fail(b, -FAIL_SYNTAX);
	} else if (sip_build_clean(value) && (tag.n == 0 || a.tag.n == 0)) {
		buf_add_str(b, value);
	} else {
		buf_addf(b, "<" STR_FMT ">", STR_ARG(a.uri.text));
		if (tag.n == 0)
			tag = a.tag;
	}
	if (tag.n)
		buf_addf(b, ";tag=" STR_FMT, STR_ARG(tag));
}

/* The tag in what we will send; false when that cannot be sent. */
static bool sent_tag(struct str value, struct str *tag)
{
	struct sip_nameaddr a;

	if (!sip_build_clean(value) || !sip_nameaddr_parse(value, &a))
		return false;
	*tag = a.tag;
	return true;
}

/* local and remote: values as received. local_tag: to be added to local, unless empty. */
static bool set_id(struct sip_dialog *d, struct str call_id, struct str local, struct str local_tag,
	struct str remote)
{
	struct buf a = BUF_INIT(TEXT_MAX), b = BUF_INIT(TEXT_MAX);
	bool ok;

	write_address(&a, local, local_tag);
	write_address(&b, remote, STR_EMPTY);
	ok = a.fail == 0 && b.fail == 0 && call_id.n > 0 && sip_build_clean(call_id);
	if (ok) {
		char *p = d->texts = mem_alloc(call_id.n + a.n + b.n);
		d->call_id = put(&p, call_id);
		d->local = put(&p, buf_str(&a));
		d->remote = put(&p, buf_str(&b));
		ok = sent_tag(d->local, &d->local_tag) && sent_tag(d->remote, &d->remote_tag);
	}
	buf_done(&a);
	buf_done(&b);
	return ok;
}

/* -- the remote target -- */

static void set_target(struct sip_dialog *d, const struct sip_uri *u)
{
	struct buf b = BUF_INIT(TEXT_MAX);
	char *p;

	buf_add_char(&b, '<');
	sip_uri_write_request(&b, u);
	buf_add_char(&b, '>');
	p = mem_alloc(b.n);
	mem_free(d->target);
	d->target = p;
	d->remote_target = str_sub(put(&p, buf_str(&b)), 1, b.n - 1);
	buf_done(&b);
}

/* The URI of the first Contact, if a dialog can use it. 12.1.1: "The URI provided in the Contact
 * header field MUST be a SIP or SIPS URI." */
static bool contact(const struct sip_dialog *d, const struct sip_msg *m, struct sip_uri *out)
{
	struct sip_list l = sip_msg_list(m, SIP_HDR_CONTACT);
	struct sip_nameaddr a;

	if (!sip_list_nameaddr(&l, &a) || a.star ||
		(a.uri.scheme != SIP_URI_SIPS && (d->secure || a.uri.scheme != SIP_URI_SIP)))
		return false;
	*out = a.uri;
	return true;
}

/* -- the route set -- */

struct routes {
	struct sip_uri uri[SIP_DIALOG_ROUTES];
	unsigned n;
};

/* rec-route is a name-addr, so what stands behind a bare URI was meant to be of it: RFC 4028
 * section 10 prints such ones. */
static bool route_uri(const struct sip_nameaddr *a, struct sip_uri *out)
{
	if (a->brackets)
		*out = a->uri;
	else if (!sip_uri_parse(a->text, out))
		return false;
	return out->scheme == SIP_URI_SIP || out->scheme == SIP_URI_SIPS;
}

/* What is wrong with the Record-Routes, or NULL. */
static const char *read_routes(const struct sip_msg *m, struct routes *r)
{
	struct sip_list l = sip_msg_list(m, SIP_HDR_RECORD_ROUTE);
	struct sip_nameaddr a;

	for (r->n = 0; sip_list_nameaddr(&l, &a); r->n++) {
		if (r->n == SIP_DIALOG_ROUTES)
			return "too many Record-Routes";
		if (!route_uri(&a, &r->uri[r->n]))
			return "Record-Route without a SIP URI";
	}
	return l.bad ? "malformed Record-Route" : NULL;
}

/* 12.1.2: "taken in reverse order", and 12.1.1: "taken in order", "preserving all URI parameters"
 */
static void set_routes(struct sip_dialog *d, const struct routes *r, bool reverse)
{
	struct buf first = BUF_INIT(TEXT_MAX); /* as a Request-URI, for a strict router */
	struct str none;
	size_t room = 0;
	char *p;

	mem_free(d->routes);
	d->routes = NULL;
	d->route_count = r->n;
	d->strict = STR_EMPTY;
	if (r->n == 0)
		return;
	for (unsigned i = 0; i < r->n; i++)
		room += r->uri[i].text.n + 2;
	if (!sip_uri_param(&r->uri[reverse ? r->n - 1 : 0], "lr", &none))
		sip_uri_write_request(&first, &r->uri[reverse ? r->n - 1 : 0]);
	d->routes = mem_alloc(r->n * sizeof(*d->routes) + room + first.n);
	p = (char *)(d->routes + r->n);
	for (unsigned i = 0; i < r->n; i++) {
		struct str uri = r->uri[reverse ? r->n - 1 - i : i].text;
		d->routes[i] = (struct str){ p, uri.n + 2 };
		put(&p, STR("<"));
		put(&p, uri);
		put(&p, STR(">"));
	}
	d->strict = put(&p, buf_str(&first));
	buf_done(&first);
}

/* -- making and ending one -- */

void sip_dialog_done(struct sip_dialog *d)
{
	mem_free(d->texts);
	mem_free(d->target);
	mem_free(d->routes);
	*d = (struct sip_dialog){ .state = SIP_DIALOG_EARLY };
}

/* n replaces what d held: only now, as local_tag may be of it. */
static int made(struct sip_dialog *d, struct sip_dialog *n)
{
	sip_dialog_done(d);
	*d = *n;
	return 0;
}

static int not_made(
	struct sip_dialog *d, struct sip_dialog *n, struct fail *f, int code, const char *why)
{
	sip_dialog_done(n);
	sip_dialog_done(d);
	return fail_set(f, code, "%s", why);
}

/* RFC 3261 26.2.2: a request for a sips URI goes over TLS only. */
static bool is_sips(const struct sip_msg *request)
{
	struct sip_uri u;
	return sip_uri_parse(request->request_uri, &u) && u.scheme == SIP_URI_SIPS;
}

/* 12.1.2 */
static const char *by_response(
	struct sip_dialog *n, const struct sip_msg *request, const struct sip_msg *response)
{
	struct sip_cseq cseq;
	struct routes r;
	struct sip_uri target;
	const char *wrong = read_routes(response, &r);

	if (wrong)
		return wrong;
	if (response->status <= 100 || response->status >= 300)
		return "no response that makes a dialog";
	if (!sip_msg_cseq(request, &cseq) ||
		!set_id(n, sip_msg_call_id(request), sip_msg_value(request, SIP_HDR_FROM),
			STR_EMPTY, sip_msg_value(response, SIP_HDR_TO)))
		return "malformed From, To, Call-ID or CSeq";
	if (n->local_tag.n == 0 || n->remote_tag.n == 0)
		return "no tag";
	n->initiator = true;
	n->secure = is_sips(request);
	n->state = response->status < 200 ? SIP_DIALOG_EARLY : SIP_DIALOG_CONFIRMED;
	n->local_cseq = cseq.number;
	if (!contact(n, response, &target) &&
		(n->state == SIP_DIALOG_CONFIRMED || !sip_uri_parse(request->request_uri, &target)))
		return "no usable Contact";
	set_target(n, &target);
	set_routes(n, &r, true);
	return NULL;
}

int sip_dialog_from_response(struct sip_dialog *d, const struct sip_msg *request,
	const struct sip_msg *response, struct fail *f)
{
	struct sip_dialog n = { .state = SIP_DIALOG_EARLY };
	const char *wrong = by_response(&n, request, response);
	return wrong ? not_made(d, &n, f, -FAIL_PROTOCOL, wrong) : made(d, &n);
}

/* 12.1.1, from their request. local and local_tag as for set_id. */
static const char *by_request(
	struct sip_dialog *n, const struct sip_msg *theirs, struct str local, struct str local_tag)
{
	struct sip_cseq cseq;
	struct routes r;
	struct sip_uri target;
	const char *wrong = read_routes(theirs, &r);

	if (wrong)
		return wrong;
	if (!sip_msg_cseq(theirs, &cseq) || !set_id(n, sip_msg_call_id(theirs), local, local_tag,
						    sip_msg_value(theirs, SIP_HDR_FROM)))
		return "malformed From, To, Call-ID or CSeq";
	if (!contact(n, theirs, &target))
		return sip_msg_hdr(theirs, SIP_HDR_CONTACT) ? "no usable Contact"
							    : "missing Contact";
	n->remote_cseq = cseq.number;
	n->has_remote_cseq = true;
	set_target(n, &target);
	set_routes(n, &r, false);
	return NULL;
}

int sip_dialog_from_request(struct sip_dialog *d, const struct sip_msg *request,
	struct str local_tag, bool secure, struct fail *f)
{
	struct sip_dialog n = { .secure = secure && is_sips(request) };
	const char *wrong;

	assert(local_tag.n > 0);
	wrong = by_request(&n, request, sip_msg_value(request, SIP_HDR_TO), local_tag);
	return wrong ? not_made(d, &n, f, -FAIL_SYNTAX, wrong) : made(d, &n);
}

int sip_dialog_from_notify(struct sip_dialog *d, const struct sip_msg *request,
	const struct sip_msg *notify, struct fail *f)
{
	struct sip_dialog n = {
		.state = SIP_DIALOG_CONFIRMED,
		.initiator = true,
		.secure = is_sips(request),
	};
	struct sip_cseq cseq;
	const char *wrong = by_request(&n, notify, sip_msg_value(request, SIP_HDR_FROM), STR_EMPTY);

	if (!wrong && (n.local_tag.n == 0 || n.remote_tag.n == 0))
		wrong = "no tag";
	if (!wrong && !sip_msg_cseq(request, &cseq))
		wrong = "malformed CSeq";
	if (wrong)
		return not_made(d, &n, f, -FAIL_SYNTAX, wrong);
	n.local_cseq = cseq.number;
	return made(d, &n);
}

/* -- its life -- */

int sip_dialog_confirm(struct sip_dialog *d, const struct sip_msg *response, struct fail *f)
{
	struct routes r;
	struct sip_uri target;
	const char *wrong;

	if (d->state != SIP_DIALOG_EARLY)
		return 0;
	if (response) {
		wrong = read_routes(response, &r);
		if (!wrong && !contact(d, response, &target))
			wrong = "no usable Contact";
		if (wrong)
			return fail_set(f, -FAIL_PROTOCOL, "%s", wrong);
		set_target(d, &target);
		set_routes(d, &r, true);
	}
	d->state = SIP_DIALOG_CONFIRMED;
	return 0;
}

/* RFC 6141 4.7: "If a UA receives an unreliable provisional response to a target-refresh request,
 * the UA MUST NOT refresh the dialog's remote target." */
static bool refreshes(const struct sip_msg *m)
{
	struct sip_cseq cseq;
	enum sip_method method = m->method;

	if (!m->request) {
		if (!sip_msg_cseq(m, &cseq) || m->status <= 100 || m->status >= 300 ||
			(m->status < 200 && !sip_msg_hdr(m, SIP_HDR_RSEQ)))
			return false;
		method = cseq.method;
	}
	return method == SIP_INVITE || method == SIP_UPDATE || method == SIP_SUBSCRIBE ||
	       method == SIP_NOTIFY || method == SIP_BENOTIFY || method == SIP_REFER;
}

bool sip_dialog_refresh(struct sip_dialog *d, const struct sip_msg *m)
{
	struct sip_uri u;

	if (!refreshes(m) || !contact(d, m, &u))
		return false;
	set_target(d, &u);
	return true;
}

unsigned sip_dialog_received(struct sip_dialog *d, const struct sip_msg *request)
{
	struct sip_cseq c;

	if (!sip_msg_cseq(request, &c) || !str_eq(c.name, request->method_name))
		return 400;
	if (c.method == SIP_ACK || c.method == SIP_CANCEL)
		return d->has_remote_cseq && c.number <= d->remote_cseq ? 0 : 400;
	/* A gap is no error (22.2): a proxy may have challenged what was between. */
	if (d->has_remote_cseq && c.number <= d->remote_cseq)
		return 500;
	d->remote_cseq = c.number;
	d->has_remote_cseq = true;
	return 0;
}

/* -- our requests -- */

void sip_dialog_route(const struct sip_dialog *d, struct sip_dialog_route *out)
{
	bool strict = d->strict.n > 0;
	unsigned n = 0;

	out->request_uri = strict ? d->strict : d->remote_target;
	for (unsigned i = strict; i < d->route_count; i++)
		out->routes[n++] = d->routes[i];
	if (strict) /* with its angle brackets */
		out->routes[n++] = (struct str){ d->target, d->remote_target.n + 2 };
	out->route_count = n;
	out->next_hop = out->request_uri;
	if (!strict && n)
		out->next_hop = str_sub(out->routes[0], 1, out->routes[0].n - 1);
}

void sip_dialog_key(struct buf *b, struct str call_id, struct str local_tag, struct str remote_tag)
{
	buf_add_str(b, call_id);
	buf_add_char(b, '\n');
	buf_add_str(b, local_tag);
	buf_add_char(b, '\n');
	buf_add_str(b, remote_tag);
}
