/* tests/bench/parse/re.c -- libre */
#include "driver.h"

#include <stdint.h>
#include <sys/socket.h>

/* re_types.h defines the types of C99 and POSIX itself unless it is told that they exist. */
#define HAVE_INTTYPES_H
#define HAVE_STDBOOL_H
#include <re.h>

/* Cleared when they are looked at, not while time is taken. */
static struct fields fields;

static struct mbuf *in, *written;

static void init(void)
{
	libre_init();
	in = mbuf_alloc(65536);
	written = mbuf_alloc(65536);
}

static struct view view(const struct pl *p)
{
	return view_of(p->p, p->l);
}

static bool count(const struct sip_hdr *h, const struct sip_msg *m, void *arg)
{
	(void)h;
	(void)m;
	++*(long *)arg;
	return false;
}

static bool decode(struct sip_msg *m, struct fields *f)
{
	const struct sip_hdr *contact = sip_msg_hdr(m, SIP_HDR_CONTACT);

	f->request = m->req;
	f->status = m->scode;
	f->cseq = m->cseq.num;
	f->body = (long)mbuf_get_left(m->mb);
	f->vias = f->record_routes = 0;
	/* It decodes the topmost Via alone, and counts rows. */
	sip_msg_hdr_apply(m, true, SIP_HDR_VIA, count, &f->vias);
	sip_msg_hdr_apply(m, true, SIP_HDR_RECORD_ROUTE, count, &f->record_routes);
	if (m->req) {
		f->method = view(&m->met);
		f->uri_user = view(&m->uri.user);
		f->uri_host = view(&m->uri.host);
	}
	f->via_host = view(&m->via.sentby); /* which is host and port to it */
	if (pl_strrchr(&m->via.sentby, ':') && m->via.sentby.p[0] != '[')
		f->via_host.n = (size_t)(pl_strrchr(&m->via.sentby, ':') - m->via.sentby.p);
	f->via_branch = view(&m->via.branch);
	f->from_user = view(&m->from.uri.user);
	f->from_tag = view(&m->from.tag);
	f->to_user = view(&m->to.uri.user);
	f->to_tag = view(&m->to.tag);
	f->call_id = view(&m->callid);
	f->cseq_method = view(&m->cseq.met);
	if (contact) {
		struct sip_addr a;
		if (sip_addr_decode(&a, &contact->val))
			return false;
		f->contact_user = view(&a.uri.user);
		f->contact_host = view(&a.uri.host);
	}
	if (pl_isset(&m->maxfwd))
		f->max_forwards = pl_u32(&m->maxfwd);
	if (pl_isset(&m->clen))
		f->content_length = pl_u32(&m->clen);
	f->type = view(&m->ctyp.type);
	f->subtype = view(&m->ctyp.subtype);
	return f->call_id.n > 0;
}

static struct sip_msg *read_message(const char *p, size_t n)
{
	struct sip_msg *m = NULL;

	in->pos = in->end = 0;
	if (mbuf_write_mem(in, (const uint8_t *)p, n))
		return NULL;
	in->pos = 0;
	return sip_msg_decode(&m, in) ? NULL : m;
}

static bool parse(const char *p, size_t n, seen_fn *seen)
{
	struct sip_msg *m = read_message(p, n);
	bool ok;

	if (seen)
		fields = no_fields;
	if (!m)
		return false;
	ok = decode(m, &fields);
	if (ok && seen)
		seen(&fields);
	mem_deref(m);
	return ok;
}

/* It has no writer for a message, so this is how its own code prints one. */
static size_t serialise(const char *p, size_t n, char *out, size_t room)
{
	struct sip_msg *m = read_message(p, n);

	if (!m)
		return 0;
	decode(m, &fields);
	written->pos = written->end = 0;
	if (m->req)
		mbuf_printf(written, "%r %r %r\r\n", &m->met, &m->ruri, &m->ver);
	else
		mbuf_printf(written, "%r %u %r\r\n", &m->ver, m->scode, &m->reason);
	for (struct le *le = list_head(&m->hdrl); le; le = le->next) {
		struct sip_hdr *h = le->data;
		mbuf_printf(written, "%r: %r\r\n", &h->name, &h->val);
	}
	mbuf_write_str(written, "\r\n");
	mbuf_write_mem(written, mbuf_buf(m->mb), mbuf_get_left(m->mb));
	if (written->end < room)
		memcpy(out, written->buf, written->end);
	mem_deref(m);
	return written->end;
}

__attribute__((visibility("default")))
const struct driver driver = { "libre", init, parse, serialise };
