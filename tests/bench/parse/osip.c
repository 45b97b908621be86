/* tests/bench/parse/osip.c -- libosip2 */
#include "driver.h"

#include <osipparser2/osip_parser.h>
#include <osipparser2/osip_port.h>

#include <stdint.h>
#include <stdlib.h>

/* Cleared when they are looked at, not while time is taken. */
static struct fields fields;

static void init(void)
{
	parser_init();
}

static void address(osip_from_t *a, struct view *user, struct view *tag)
{
	osip_generic_param_t *p = NULL;

	if (!a || !a->url)
		return;
	*user = view_z(a->url->username);
	if (osip_uri_param_get_byname(&a->gen_params, (char *)(uintptr_t) "tag", &p) == 0 && p)
		*tag = view_z(p->gvalue);
}

static bool decode(osip_message_t *m, struct fields *f)
{
	osip_via_t *via = osip_list_get(&m->vias, 0);
	osip_contact_t *contact = osip_list_get(&m->contacts, 0);
	osip_generic_param_t *branch = NULL;
	osip_header_t *h = NULL;
	osip_body_t *body = osip_list_get(&m->bodies, 0);

	if (!via || !m->from || !m->to || !m->cseq || !m->call_id)
		return false;
	f->request = MSG_IS_REQUEST(m);
	f->status = m->status_code;
	f->vias = osip_list_size(&m->vias);
	f->record_routes = osip_list_size(&m->record_routes);
	f->body = body ? (long)body->length : 0;
	if (f->request) {
		f->method = view_z(m->sip_method);
		f->uri_user = view_z(m->req_uri->username);
		f->uri_host = view_z(m->req_uri->host);
	}
	osip_via_param_get_byname(via, (char *)(uintptr_t) "branch", &branch);
	f->via_host = view_z(via->host);
	f->via_branch = view_z(branch ? branch->gvalue : NULL);
	address(m->from, &f->from_user, &f->from_tag);
	address((osip_from_t *)m->to, &f->to_user, &f->to_tag);
	/* It splits a Call-ID at the '@', into two allocations. */
	f->call_id = view_z(m->call_id->number);
	f->cseq = strtol(m->cseq->number, NULL, 10);
	f->cseq_method = view_z(m->cseq->method);
	if (contact && contact->url) {
		f->contact_user = view_z(contact->url->username);
		f->contact_host = view_z(contact->url->host);
	}
	if (osip_message_header_get_byname(m, "max-forwards", 0, &h) >= 0 && h)
		f->max_forwards = strtol(h->hvalue, NULL, 10);
	if (m->content_length)
		f->content_length = strtol(m->content_length->value, NULL, 10);
	if (m->content_type) {
		f->type = view_z(m->content_type->type);
		f->subtype = view_z(m->content_type->subtype);
	}
	return true;
}

static osip_message_t *read_message(const char *p, size_t n)
{
	osip_message_t *m;

	if (osip_message_init(&m))
		return NULL;
	if (osip_message_parse(m, p, n) == 0)
		return m;
	osip_message_free(m);
	return NULL;
}

static bool parse(const char *p, size_t n, seen_fn *seen)
{
	osip_message_t *m = read_message(p, n);
	bool ok;

	if (seen)
		fields = no_fields;
	if (!m)
		return false;
	ok = decode(m, &fields);
	if (ok && seen)
		seen(&fields);
	osip_message_free(m);
	return ok;
}

static size_t serialise(const char *p, size_t n, char *out, size_t room)
{
	osip_message_t *m = read_message(p, n);
	char *text = NULL;
	size_t size = 0;

	if (!m)
		return 0;
	decode(m, &fields);
	osip_message_force_update(m);
	if (osip_message_to_str(m, &text, &size) == 0 && size < room)
		memcpy(out, text, size);
	osip_free(text);
	osip_message_free(m);
	return size;
}

__attribute__((visibility("default")))
const struct driver driver = { "libosip2", init, parse, serialise };
