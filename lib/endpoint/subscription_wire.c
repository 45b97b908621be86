/* lib/endpoint/subscription_wire.c -- what a SUBSCRIBE says: RFC 6665 section 3.1, RFC 5839, RFC
 * 4662 section 4.1, RFC 5367 */
#include "endpoint/subscription_impl.h"

#include "sip/build.h"
#include "sip/xml_text.h"

/* What a package's notifications are, of those that are decoded. */
static const struct {
	const char *package, *type;
} types[] = {
	{ "presence", "application/pidf+xml" },
	{ "dialog", "application/dialog-info+xml" },
	{ "reg", "application/reginfo+xml" },
	{ "conference", "application/conference-info+xml" },
	{ "message-summary", "application/simple-message-summary" },
	{ "refer", "message/sipfrag" },
};

static const char *type_of(struct str package)
{
	if (str_ends(package, STR(".winfo"))) /* RFC 3857 4.4: a template of any package */
		return "application/watcherinfo+xml";
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_ieq(package, str_of(types[i].package)))
			return types[i].type;
	return NULL;
}

/* An Accept that leaves out what a package cannot do without would be refused, so that there is
 * none for a package that is not known here: then its default counts (RFC 6665 3.1.3). RFC
 * 4662 4.1: who takes lists says so in Supported and in Accept. */
static void put_accept(const struct subscription *s, struct buf *b)
{
	const struct subscription_config *c = &s->config;
	const char *type = type_of(s->event.package);

	for (unsigned i = 0; i < c->accept_count; i++)
		sip_build_hdr(b, SIP_HDR_ACCEPT, c->accept[i]);
	/* RFC 5367 4: a list cannot do without. */
	if (c->member_count > 0 && (c->accept_count > 0 || !type))
		sip_build_hdr(b, SIP_HDR_SUPPORTED, STR("eventlist"));
	if (c->accept_count > 0 || !type)
		return;
	sip_build_hdrf(b, SIP_HDR_ACCEPT, "%s, multipart/related, application/rlmi+xml", type);
	sip_build_hdr(b, SIP_HDR_SUPPORTED, STR("eventlist"));
}

static void put_extra(const struct subscription_extra *extra, struct buf *b)
{
	for (unsigned i = 0; i < extra->header_count; i++)
		if (extra->headers[i].change != ENDPOINT_HEADER_REMOVE)
			sip_build_named(b, extra->headers[i].name, extra->headers[i].value);
}

static void put_common(struct subscription *s, struct net_flow *flow, bool secure, struct buf *b)
{
	dialog_contact(s->endpoint, flow, secure, b);
	sip_build_hdr(b, SIP_HDR_EVENT, s->config.event);
	put_accept(s, b);
}

void subscription_write(void *arg, struct request *r, struct buf *b)
{
	struct subscription *s = arg;

	put_common(s, request_flow(r), dialog_is_sips(s->config.target), b);
	if (s->config.suppress.n > 0)
		sip_build_named(b, STR("Suppress-If-Match"), s->config.suppress);
	if (s->config.member_count > 0) /* RFC 5367 section 4 */
		buf_add_str(b, STR("Require: recipient-list-subscribe\r\n"
				   "Content-Disposition: recipient-list\r\n"));
	put_extra(&s->config.extra[SUBSCRIPTION_SUBSCRIBE], b);
}

void subscription_leg_write(void *arg, struct request *r, struct buf *b)
{
	struct subscription_leg *l = arg;
	struct subscription *s = l->subscription;

	put_common(s, request_flow(r), l->dialog.sip.secure, b);
	if (l->etag && l->kind != SUBSCRIPTION_UPDATE && !l->want_all)
		sip_build_named(b, STR("Suppress-If-Match"), str_of(l->etag));
	put_extra(l->kind == SUBSCRIPTION_UPDATE ? &l->update : &s->config.extra[l->kind], b);
}

void subscription_write_list(const struct str *members, unsigned count, struct buf *b)
{
	buf_add_str(b, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
			   "<resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-lists\">\r\n"
			   "<list>\r\n"));
	for (unsigned i = 0; i < count; i++) {
		buf_add_str(b, STR("<entry uri=\""));
		xml_text_write(b, members[i]);
		buf_add_str(b, STR("\"/>\r\n"));
	}
	buf_add_str(b, STR("</list>\r\n</resource-lists>\r\n"));
}
