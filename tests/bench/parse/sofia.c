/* tests/bench/parse/sofia.c -- sofia-sip */
#include "driver.h"

#include <sofia-sip/su.h>
#include <sofia-sip/msg.h>
#include <sofia-sip/msg_addr.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_parser.h>

/* Cleared when they are looked at, not while time is taken. */
static struct fields fields;

static void init(void)
{
	su_init();
}

static bool decode(const sip_t *s, struct fields *f)
{
	if (!s->sip_via || !s->sip_from || !s->sip_to || !s->sip_call_id || !s->sip_cseq)
		return false;
	f->request = s->sip_request != NULL;
	f->body = s->sip_payload ? (long)s->sip_payload->pl_len : 0;
	f->vias = f->record_routes = 0;
	if (s->sip_request) {
		f->method = view_z(s->sip_request->rq_method_name);
		f->uri_user = view_z(s->sip_request->rq_url->url_user);
		f->uri_host = view_z(s->sip_request->rq_url->url_host);
	} else {
		f->status = s->sip_status->st_status;
	}
	for (const sip_via_t *v = s->sip_via; v; v = v->v_next)
		f->vias++;
	for (const sip_record_route_t *r = s->sip_record_route; r; r = r->r_next)
		f->record_routes++;
	f->via_host = view_z(s->sip_via->v_host);
	f->via_branch = view_z(s->sip_via->v_branch);
	f->from_user = view_z(s->sip_from->a_url->url_user);
	f->from_tag = view_z(s->sip_from->a_tag);
	f->to_user = view_z(s->sip_to->a_url->url_user);
	f->to_tag = view_z(s->sip_to->a_tag);
	f->call_id = view_z(s->sip_call_id->i_id);
	f->cseq = s->sip_cseq->cs_seq;
	f->cseq_method = view_z(s->sip_cseq->cs_method_name);
	if (s->sip_contact) {
		f->contact_user = view_z(s->sip_contact->m_url->url_user);
		f->contact_host = view_z(s->sip_contact->m_url->url_host);
	}
	if (s->sip_max_forwards)
		f->max_forwards = (long)s->sip_max_forwards->mf_count;
	if (s->sip_content_length)
		f->content_length = (long)s->sip_content_length->l_length;
	if (s->sip_content_type) {
		const char *slash = strchr(s->sip_content_type->c_type, '/');
		f->type = view_of(s->sip_content_type->c_type,
			slash ? (size_t)(slash - s->sip_content_type->c_type) : 0);
		f->subtype = view_z(s->sip_content_type->c_subtype);
	}
	return true;
}

static bool parse(const char *p, size_t n, seen_fn *seen)
{
	msg_t *m = msg_make(sip_default_mclass(), 0, p, (ssize_t)n);
	bool ok;

	if (seen)
		fields = no_fields;
	if (!m)
		return false;
	ok = sip_object(m) && decode(sip_object(m), &fields);
	if (ok && seen)
		seen(&fields);
	msg_destroy(m);
	return ok;
}

static size_t serialise(const char *p, size_t n, char *out, size_t room)
{
	msg_t *m = msg_make(sip_default_mclass(), 0, p, (ssize_t)n);
	size_t size = 0;

	if (!m)
		return 0;
	if (sip_object(m) && decode(sip_object(m), &fields)) {
		char *text = msg_as_string(msg_home(m), m, NULL, 0, &size);
		if (text && size < room)
			memcpy(out, text, size);
	}
	msg_destroy(m);
	return size;
}

__attribute__((visibility("default")))
const struct driver driver = { "sofia-sip", init, parse, serialise };
