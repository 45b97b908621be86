/* lib/serve/state_winfo.c -- who watches presence, as watcherinfo documents: RFC 3857, RFC 3858 */
#include "serve/events.h"

#include "sip/xml_text.h"

static void write_watcher(
	struct buf *b, const struct view *v, const char *status, const char *event)
{
	const struct notifier *n = v->owner;
	uint64_t now = net_now_ms();

	buf_addf(b, "<watcher id=\"w%u\" status=\"%s\" event=\"%s\"", v->id, status, event);
	buf_addf(b, " duration-subscribed=\"%u\"", (unsigned)((now - n->began_at) / 1000));
	if (n->expires_at > now)
		buf_addf(b, " expiration=\"%u\"", (unsigned)((n->expires_at - now + 999) / 1000));
	buf_add_char(b, '>');
	xml_text_write(b, str_of(n->watcher));
	buf_add_str(b, STR("</watcher>\n"));
}

void state_winfo_bury(const struct view *watcher, const char *reason)
{
	struct buf words = BUF_INIT(EVENTS_DOCUMENT);

	write_watcher(&words, watcher, "terminated", reason);
	presentity_bury(watcher->who, PACKAGE_WINFO, &words);
	buf_done(&words);
}

void state_winfo_write(const struct view *v, struct state *st)
{
	struct buf *b = &st->body;

	buf_addf(b,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<watcherinfo xmlns=\"urn:ietf:params:xml:ns:watcherinfo\" version=\"%u\" "
		"state=\"%s\">\n<watcher-list resource=\"",
		st->version, st->full ? "full" : "partial");
	xml_text_write(b, str_of(v->who->uri));
	buf_add_str(b, STR("\" package=\"presence\">\n"));
	LIST_EACH (it, &v->who->views) {
		const struct view *w = CONTAINER_OF(it, struct view, node);

		if (w->package == PACKAGE_PRESENCE && events_wanted(st, w->began))
			write_watcher(b, w, "active", "subscribe");
	}
	presentity_write_ghosts(v, st);
	buf_add_str(b, STR("</watcher-list>\n</watcherinfo>\n"));
}
