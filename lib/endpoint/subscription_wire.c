/* lib/endpoint/subscription_wire.c -- what a SUBSCRIBE says: RFC 6665 section 3.1, RFC 5839, RFC
 * 4662 section 4.1, RFC 5367; in dialect ocs [MS-SIP] 3.3 to 3.5 */
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

static bool is_ocs(const struct subscription *s)
{
	return s->endpoint->config.dialect == ENDPOINT_OCS;
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
	sip_build_hdrf(b, SIP_HDR_ACCEPT, "%s%s, multipart/related, application/rlmi+xml", type,
		is_ocs(s) && str_ieq(s->event.package, STR("presence")) ? ", text/xml+msrtc.pidf"
									: "");
	sip_build_hdr(b, SIP_HDR_SUPPORTED, STR("eventlist"));
}

static void put_extra(const struct subscription_extra *extra, struct buf *b)
{
	for (unsigned i = 0; i < extra->header_count; i++)
		if (extra->headers[i].change != ENDPOINT_HEADER_REMOVE)
			sip_build_named(b, extra->headers[i].name, extra->headers[i].value);
}

/* SB-16 and SB-17: notifications that need no answer, and the first one in the 2xx ([MS-SIP] 3.4
 * and 3.5). */
static void put_offers(const struct subscription *s, struct buf *b)
{
	sip_build_hdr(b, SIP_HDR_SUPPORTED, STR("ms-piggyback-first-notify"));
	if (s->plain)
		return;
	sip_build_hdr(b, SIP_HDR_SUPPORTED, STR("ms-benotify"));
	sip_build_hdr(b, SIP_HDR_PROXY_REQUIRE, STR("ms-benotify"));
}

static void put_common(struct subscription *s, struct net_flow *flow, bool secure, struct buf *b)
{
	dialog_contact(s->endpoint, flow, secure, b);
	sip_build_hdr(b, SIP_HDR_EVENT, s->config.event);
	put_accept(s, b);
	if (is_ocs(s))
		put_offers(s, b);
}

void subscription_write(void *arg, struct request *r, struct buf *b)
{
	struct subscription *s = arg;

	put_common(s, request_flow(r), dialog_is_sips(s->config.target), b);
	if (s->config.suppress.n > 0)
		sip_build_named(b, STR("Suppress-If-Match"), s->config.suppress);
	if (s->config.member_count > 0 && s->adhoclist) /* [MS-SIP] 3.3.4.1 */
		sip_build_hdr(b, SIP_HDR_REQUIRE, STR("adhoclist"));
	else if (s->config.member_count > 0) /* RFC 5367 section 4 */
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

struct str subscription_list_type(const struct subscription *s)
{
	return s->adhoclist ? STR("application/adrl+xml") : STR("application/resource-lists+xml");
}

/* [MS-SIP] 3.3.4.1 and 4.3: the list is named after who asks. */
static void write_adhoclist(const struct subscription *s, struct buf *b)
{
	struct str name = s->endpoint->config.aor.n ? s->endpoint->config.aor : s->config.target;

	buf_add_str(b, STR("<adhoclist xmlns=\"urn:ietf:params:xml:ns:adrl\" uri=\""));
	xml_text_write(b, name);
	buf_add_str(b, STR("\" name=\""));
	xml_text_write(b, name);
	buf_add_str(b, STR("\">\r\n<create xmlns=\"\">\r\n"));
	for (unsigned i = 0; i < s->config.member_count; i++) {
		buf_add_str(b, STR("<resource uri=\""));
		xml_text_write(b, s->config.members[i]);
		buf_add_str(b, STR("\"/>\r\n"));
	}
	buf_add_str(b, STR("</create>\r\n</adhoclist>\r\n"));
}

void subscription_write_list(const struct subscription *s, struct buf *b)
{
	if (s->adhoclist) {
		write_adhoclist(s, b);
		return;
	}
	buf_add_str(b, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
			   "<resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-lists\">\r\n"
			   "<list>\r\n"));
	for (unsigned i = 0; i < s->config.member_count; i++) {
		buf_add_str(b, STR("<entry uri=\""));
		xml_text_write(b, s->config.members[i]);
		buf_add_str(b, STR("\"/>\r\n"));
	}
	buf_add_str(b, STR("</list>\r\n</resource-lists>\r\n"));
}
