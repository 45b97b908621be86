/* lib/serve/state_reg.c -- registrations as reginfo documents, RFC 3680 section 5 */
#include "serve/events.h"

#include "sip/xml_text.h"

static void write_param(struct buf *b, const char *name, struct str value)
{
	buf_addf(b, "<unknown-param name=\"%s\">", name);
	xml_text_write(b, value);
	buf_add_str(b, STR("</unknown-param>"));
}

/* gone: its last words. */
static void write_contact(struct buf *b, const struct binding *c, const char *event, bool gone)
{
	uint64_t now = net_now_ms();

	buf_addf(b, "<contact id=\"c%u\" state=\"%s\" event=\"%s\"", c->id,
		gone ? "terminated" : "active", event);
	if (!gone)
		buf_addf(b, " expires=\"%u\"",
			c->expires_at > now ? (unsigned)((c->expires_at - now + 999) / 1000) : 0);
	if (c->q < 1000)
		buf_addf(b, " q=\"0.%03u\"", c->q);
	buf_add_str(b, STR(" callid=\""));
	xml_text_write(b, str_of(c->call_id));
	buf_addf(b, "\" cseq=\"%u\"><uri>", c->cseq);
	xml_text_write(b, str_of(c->contact));
	buf_add_str(b, STR("</uri>"));
	if (c->instance[0])
		write_param(b, "+sip.instance", str_of(c->instance));
	buf_add_str(b, STR("</contact>\n"));
}

void state_reg_bury(struct presentity *p, const struct binding *b, const char *cause)
{
	struct buf words = BUF_INIT(EVENTS_DOCUMENT);

	write_contact(&words, b, cause, true);
	presentity_bury(p, PACKAGE_REG, &words);
	buf_done(&words);
}

void state_reg_write(const struct view *v, struct state *st)
{
	struct presentity *p = v->who;
	struct record *r = registrar_record(p->events->serve, p->key);
	struct buf *b = &st->body;
	bool any = r && r->count > 0;

	buf_addf(b,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" version=\"%u\" state=\"%s\">\n"
		"<registration aor=\"",
		st->version, st->full ? "full" : "partial");
	xml_text_write(b, str_of(p->uri));
	buf_add_str(b, STR("\" id=\"r1\" state=\""));
	/* A view that has told of bindings knows better than "init". */
	buf_addf(b, "%s\">\n",
		any                                                    ? "active"
		: st->full && list_empty(&p->ghosts[PACKAGE_REG].list) ? "init"
								       : "terminated");
	if (any)
		LIST_EACH (it, &r->bindings) {
			const struct binding *c = CONTAINER_OF(it, struct binding, node);

			if (events_wanted(st, c->changed))
				write_contact(b, c, c->event, false);
		}
	presentity_write_ghosts(v, st);
	buf_add_str(b, STR("</registration>\n</reginfo>\n"));
}
