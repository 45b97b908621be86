/* lib/serve/ocs.c -- what Office Communications Server's registrar writes: instances and GRUUs by
 * epid, its header fields, and the notice that a registration has ended */
#include "serve/ocs.h"

#include "base/text.h"
#include "endpoint/epid.h"
#include "serve/proxy.h"
#include "sip/build.h"
#include "sip/param.h"

#include <stdio.h>
#include <string.h>

#define KEEP_ALIVE_S 300

/* ---- instances ---- */

static struct str instance_of(const struct sip_nameaddr *contact)
{
	struct str v;

	return sip_param(contact->params, "+sip.instance", &v) ? v : STR_EMPTY;
}

bool ocs_is_foreign(const struct sip_nameaddr *contact, struct str epid)
{
	char uuid[TEXT_UUID_LEN + 1], wanted[TEXT_UUID_LEN + 12];
	struct str is = instance_of(contact);

	epid_uuid(epid, uuid);
	snprintf(wanted, sizeof(wanted), "<urn:uuid:%s>", uuid);
	return is.n > 0 && !str_ieq(is, str_of(wanted));
}

void ocs_write_instance(const struct sip_nameaddr *contact, struct str epid, struct buf *out)
{
	struct str is = instance_of(contact);
	char uuid[TEXT_UUID_LEN + 1];

	for (size_t i = 0; i < is.n; i++)
		buf_add_char(out, str_lower(is.p[i]));
	if (is.n > 0 || epid.n == 0)
		return;
	epid_uuid(epid, uuid);
	buf_addf(out, "<urn:uuid:%s>", uuid);
}

void ocs_write_contact(
	const struct sip_nameaddr *contact, const struct net_flow *flow, struct buf *out)
{
	const struct net_addr *from = &net_flow_info(flow)->remote;
	const struct sip_uri *u = &contact->uri;
	char host[NET_ADDR_TEXT];
	struct str proxy;

	if (!sip_param(contact->params, "proxy", &proxy) || !str_ieq(proxy, STR("replace"))) {
		buf_add_str(out, u->text);
		return;
	}
	buf_add_str(out, u->scheme == SIP_URI_SIPS ? STR("sips:") : STR("sip:"));
	if (u->has_user)
		buf_addf(out, STR_FMT "@", STR_ARG(u->user));
	sip_uri_write_hostport(out, str_of(net_addr_host(from, host)), net_addr_port(from));
	buf_add_str(out, u->params);
}

/* ---- GRUUs ---- */

/* 6.2: the GUID in its little-endian form and two zeroes, in the alphabet of URLs. */
static bool write_opaque(struct str instance, struct buf *out)
{
	static const unsigned char from[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14,
		15 };
	unsigned char bytes[16];
	char hex[33], guid[18] = { 0 };
	size_t n = 0, start = out->n;

	if (!str_starts(instance, STR("<urn:uuid:")))
		return false;
	for (size_t i = 10; i < instance.n && instance.p[i] != '>'; i++)
		if (instance.p[i] != '-' && n < sizeof(hex))
			hex[n++] = instance.p[i];
	if (!text_unhex((struct str){ hex, n }, bytes, n == 32 ? 16 : 0))
		return false;
	for (size_t i = 0; i < 16; i++)
		guid[i] = (char)bytes[from[i]];
	text_base64_encode(out, (struct str){ guid, sizeof(guid) });
	for (size_t i = start; i < out->n; i++)
		out->p[i] = (char)(out->p[i] == '+' ? '-' : out->p[i] == '/' ? '_' : out->p[i]);
	return true;
}

bool ocs_write_gruu(const struct binding *b, struct buf *out)
{
	struct buf opaque = BUF_INIT(64);
	bool good = write_opaque(str_of(b->instance), &opaque);

	if (good)
		buf_addf(out, "%s;opaque=user:epid:" STR_FMT ";gruu", b->record->aor,
			STR_ARG(buf_str(&opaque)));
	buf_done(&opaque);
	return good;
}

static bool has_gruu(const struct binding *b, const struct sip_uri *uri)
{
	struct buf text = BUF_INIT(1 << 16);
	struct sip_uri own;
	struct str theirs, ours;
	bool is = ocs_write_gruu(b, &text) && sip_uri_parse(buf_str(&text), &own) &&
		  sip_uri_param(&own, "opaque", &ours) && sip_uri_param(uri, "opaque", &theirs) &&
		  str_eq(ours, theirs);

	buf_done(&text);
	return is;
}

struct binding *ocs_find(
	struct record *r, const struct sip_uri *uri, const struct sip_msg *m, bool *named)
{
	struct str gruu, epid = STR_EMPTY;
	struct sip_nameaddr to;
	bool has_gruu_param = sip_uri_param(uri, "gruu", &gruu);

	if (!has_gruu_param && sip_msg_to(m, &to) && !sip_param(to.params, "epid", &epid))
		epid = STR_EMPTY;
	*named = has_gruu_param || epid.n > 0;
	if (r && *named)
		LIST_EACH (it, &r->bindings) {
			struct binding *b = CONTAINER_OF(it, struct binding, node);

			if (has_gruu_param ? has_gruu(b, uri) : str_ieq(epid, str_of(b->epid)))
				return b;
		}
	return NULL;
}

/* ---- the answer to REGISTER ---- */

/* [MS-CONMGMT] 2.2.1: UAC;hop-hop=yes */
static bool wants_keep_alive(const struct sip_msg *m)
{
	const struct sip_hdr *h = sip_msg_hdr_named(m, STR("ms-keep-alive"));
	struct scan s = scan_str(h ? h->value : STR_EMPTY);
	struct str role, params, hop;

	return scan_run(&s, CH_TOKEN, &role) && str_ieq(role, STR("UAC")) && scan_lws(&s) &&
	       sip_params_scan(&s, &params) && scan_end(&s) &&
	       (!sip_param(params, "hop-hop", &hop) || !str_ieq(hop, STR("no")));
}

void ocs_write_registered(const struct ocs_registered *r, struct buf *h)
{
	buf_addf(h, "Expires: %u\r\n", r->expires);
	if (r->action)
		buf_addf(h, "presence-state: register-action=\"%s\"\r\n", r->action);
	if (wants_keep_alive(r->m))
		buf_addf(h, "ms-keep-alive: UAS; tcp=no; hop-hop=yes; end-end=no; timeout=%u\r\n",
			KEEP_ALIVE_S);
	buf_add_str(h, STR("Supported: adhoclist\r\n"));
}

/* ---- its end ---- */

static const struct {
	const char *cause, *as, *reason;
	unsigned id; /* of ms-diagnostics-public */
} causes[] = {
	{ "unregistered", "unregistered", "User's endpoint was unregistered: too many endpoints",
		4140 },
	{ "rejected", "rejected", "User is disabled", 4141 },
	{ "deactivated", "deactivated", "User was moved to another server", 4142 },
	{ "userservices-unavailable", "probation", "User services are not available", 4165 },
	{ "preferred-registrar-change", "deactivated", "Another registrar is preferred", 4166 },
};

bool ocs_cause(struct str word, const char **cause, const char **as)
{
	for (unsigned i = 0; i < ARRAY_LEN(causes); i++)
		if (str_eq(word, str_of(causes[i].cause))) {
			*cause = causes[i].cause;
			*as = causes[i].as;
			return true;
		}
	return false;
}

/* Nobody waits for the answer. */
static void on_notified(void *arg, struct transaction *t, const struct transaction_event *ev)
{
	(void)arg;
	if (ev->type != TRANSACTION_RESPONSE || ev->msg->status >= 200)
		transaction_free(t);
}

/* [MS-SIPREGE] 2.2.1.13: in the dialog that REGISTER with "Event: registration" made. */
static void write_notify(struct serve *s, const struct binding *b, struct net_flow *flow,
	const char *cause, struct buf *w)
{
	static const char *const vias[] = { "UDP", "TCP", "TLS" };
	struct buf host = BUF_INIT(512), body = BUF_INIT(256);
	char branch[TRANSACTION_BRANCH];
	uint16_t port;

	dispatch_sent_by(s->manager, flow, &host, &port);
	transaction_branch(branch);
	sip_build_request(w, STR("NOTIFY"), str_of(b->contact));
	sip_build_via(w, str_of(vias[net_flow_info(flow)->transport]), buf_str(&host), port,
		str_of(branch));
	sip_build_hdrf(w, SIP_HDR_MAX_FORWARDS, "%u", 70);
	sip_build_hdrf(w, SIP_HDR_FROM, "<%s>;tag=%s", b->record->aor, b->to_tag);
	sip_build_hdrf(w, SIP_HDR_TO, "<%s>;tag=%s;epid=%s", b->record->aor, b->from_tag, b->epid);
	sip_build_hdrf(w, SIP_HDR_CALL_ID, "%s", b->call_id);
	buf_add_str(w, STR("CSeq: 1 NOTIFY\r\nEvent: registration-notify\r\n"
			   "Subscription-State: terminated;expires=0\r\n"));
	for (unsigned i = 0; i < ARRAY_LEN(causes); i++)
		if (strcmp(cause, causes[i].cause) == 0)
			buf_addf(w, "ms-diagnostics-public: %u;reason=\"%s\"\r\n", causes[i].id,
				causes[i].reason);
	buf_addf(&body, "deregistered;event=%s\r\n", cause);
	sip_build_end(w, STR("text/registration-event"), buf_str(&body));
	buf_done(&host);
	buf_done(&body);
}

void ocs_deregister(struct serve *s, const struct binding *b, const char *cause)
{
	struct net_flow *flow = proxy_flow_of(s, b);
	struct buf wire = BUF_INIT(1 << 17);
	struct transaction_config config = {
		.manager = s->manager, .flow = flow, .fn = on_notified
	};
	struct transaction *t;

	if (!flow)
		return;
	write_notify(s, b, flow, cause, &wire);
	if (wire.fail == 0)
		transaction_send(&config, buf_str(&wire), &t, NULL);
	buf_done(&wire);
	net_flow_unref(flow);
}
