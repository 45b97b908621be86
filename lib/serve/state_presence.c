/* lib/serve/state_presence.c -- presence (RFC 3856, RFC 3863): what was published last, as it is;
 * without a publication open while somebody is registered there, and closed else */
#include "serve/events.h"

#include "sip/xml_text.h"

void state_presence_write(const struct view *v, struct state *st)
{
	const struct presentity *p = v->who;
	const struct record *r = registrar_record(p->events->serve, p->key);
	bool open = r && r->count > 0;

	if (publisher_write(p, st))
		return;
	events_wanted(st, open ? 2 : 1); /* no serials: these are counted up */
	buf_add_str(&st->body, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
				   "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\""));
	xml_text_write(&st->body, str_of(p->uri));
	buf_addf(&st->body,
		"\">\n<tuple id=\"registration\"><status><basic>%s</basic></status></tuple>\n"
		"</presence>\n",
		open ? "open" : "closed");
}
