/* tests/bench/parse/rte.c -- our own parser */
#include "driver.h"

#include "base/scan.h"
#include "sip/build.h"
#include "sip/msg.h"

/* Cleared when they are looked at, not while time is taken. */
static struct fields fields;

static struct view view(struct str s)
{
	return view_of(s.p, s.n);
}

static bool decode(const struct sip_msg *m, struct fields *f)
{
	struct sip_list l = sip_msg_list(m, SIP_HDR_VIA);
	struct sip_nameaddr from, to, a;
	struct sip_uri uri;
	struct sip_cseq cseq;
	struct sip_via via;
	struct str tag;
	uint32_t n;

	f->request = m->request;
	f->status = m->status;
	f->body = (long)m->body.n;
	f->vias = f->record_routes = 0;
	if (m->request) {
		if (!sip_uri_parse(m->request_uri, &uri))
			return false;
		f->method = view(m->method_name);
		f->uri_user = view(uri.user);
		f->uri_host = view(uri.host);
	}
	while (sip_list_via(&l, &via)) {
		if (f->vias++ == 0) {
			f->via_host = view(via.host);
			f->via_branch = view(via.branch);
		}
	}
	if (l.bad || !sip_msg_from(m, &from) || !sip_msg_to(m, &to) || !sip_msg_cseq(m, &cseq))
		return false;
	for (l = sip_msg_list(m, SIP_HDR_RECORD_ROUTE); sip_list_nameaddr(&l, &a);)
		f->record_routes++;
	f->from_user = view(from.uri.user);
	f->to_user = view(to.uri.user);
	if (sip_nameaddr_tag(&from, &tag))
		f->from_tag = view(tag);
	if (sip_nameaddr_tag(&to, &tag))
		f->to_tag = view(tag);
	f->call_id = view(sip_msg_call_id(m));
	f->cseq = cseq.number;
	f->cseq_method = view(cseq.name);
	l = sip_msg_list(m, SIP_HDR_CONTACT);
	if (sip_list_nameaddr(&l, &a)) {
		f->contact_user = view(a.uri.user);
		f->contact_host = view(a.uri.host);
	}
	if (sip_msg_seconds(m, SIP_HDR_MAX_FORWARDS, &n))
		f->max_forwards = n;
	if (sip_msg_seconds(m, SIP_HDR_CONTENT_LENGTH, &n))
		f->content_length = n;
	if (m->first[SIP_HDR_CONTENT_TYPE]) {
		struct scan s = scan_str(sip_msg_value(m, SIP_HDR_CONTENT_TYPE));
		struct str type, subtype;
		if (!scan_run(&s, CH_TOKEN, &type) || !scan_sep(&s, '/') ||
			!scan_run(&s, CH_TOKEN, &subtype))
			return false;
		f->type = view(type);
		f->subtype = view(subtype);
	}
	return true;
}

static bool parse(const char *p, size_t n, seen_fn *seen)
{
	struct sip_msg *m;
	bool ok;

	if (seen)
		fields = no_fields;
	if (sip_msg_parse((struct str){ p, n }, NULL, &m, NULL) < 0)
		return false;
	ok = decode(m, &fields);
	if (ok && seen)
		seen(&fields);
	sip_msg_unref(m);
	return ok;
}

static void write_all(struct buf *b, const struct sip_msg *m)
{
	if (m->request)
		sip_build_request(b, m->method_name, m->request_uri);
	else
		buf_addf(b, "SIP/2.0 %u " STR_FMT "\r\n", m->status, STR_ARG(m->reason));
	for (unsigned i = 0; i < m->hdr_count; i++) {
		const struct sip_hdr *h = &m->hdrs[i];
		if (h->id == SIP_HDR_OTHER)
			sip_build_named(b, h->name, h->value);
		else if (h->id != SIP_HDR_CONTENT_TYPE && h->id != SIP_HDR_CONTENT_LENGTH)
			sip_build_hdr(b, h->id, h->value);
	}
	sip_build_end(b, sip_msg_value(m, SIP_HDR_CONTENT_TYPE), m->body);
}

static size_t serialise(const char *p, size_t n, char *out, size_t room)
{
	struct buf b = BUF_INIT(room);
	struct sip_msg *m;
	size_t size = 0;

	if (sip_msg_parse((struct str){ p, n }, NULL, &m, NULL) < 0)
		return 0;
	if (decode(m, &fields)) {
		write_all(&b, m);
		if (!b.fail) {
			size = b.n;
			memcpy(out, b.p, size);
		}
	}
	buf_done(&b);
	sip_msg_unref(m);
	return size;
}

__attribute__((visibility("default")))
const struct driver driver = { "rte", NULL, parse, serialise };
