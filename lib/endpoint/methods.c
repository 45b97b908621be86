/* lib/endpoint/methods.c -- what an endpoint takes and knows, for Allow, Supported and Unsupported:
 * RFC 3261 sections 8.2.1, 8.2.2.3 and 20.5 */
#include "endpoint/impl.h"

#include "sip/build.h"

uint64_t endpoint_methods(struct str names)
{
	uint64_t set = 0;
	struct str name;

	while (names.n > 0) {
		if (!str_cut(names, ',', &name, &names)) {
			name = names;
			names = STR_EMPTY;
		}
		name = str_trim(name);
		if (str_eq(name, STR("*")))
			return UINT64_MAX;
		set |= (uint64_t)1 << sip_method_of(name);
	}
	return set & ~((uint64_t)1 << SIP_OTHER);
}

/* With sessions come the methods of their dialogs. */
static uint64_t allowed(const struct endpoint *ep)
{
	static const enum sip_method within[] = { SIP_ACK, SIP_CANCEL, SIP_BYE, SIP_PRACK,
		SIP_UPDATE, SIP_INFO, SIP_MESSAGE, SIP_REFER, SIP_NOTIFY };
	uint64_t set = ep ? ep->methods : 0;

	if (set & (uint64_t)1 << SIP_INVITE)
		for (unsigned i = 0; i < ARRAY_LEN(within); i++)
			set |= (uint64_t)1 << within[i];
	return set | (uint64_t)1 << SIP_OPTIONS;
}

void endpoint_allow(const struct endpoint *ep, struct buf *b)
{
	uint64_t set = allowed(ep);
	bool any = false;

	buf_add_str(b, STR("Allow: "));
	for (unsigned i = SIP_OTHER + 1; i < SIP_METHOD_COUNT; i++) {
		if ((set >> i & 1) == 0 || i == SIP_REGISTER)
			continue;
		buf_addf(b, "%s" STR_FMT, any ? ", " : "",
			STR_ARG(sip_method_name((enum sip_method)i)));
		any = true;
	}
	buf_add_str(b, STR("\r\n"));
}

/* The first three are a registration's, then a subscription's, the others a session's. */
static const char *const tags[] = { "path", "outbound", "gruu", "eventlist", "100rel", "timer",
	"replaces", "norefersub" };
enum { WITHOUT_SESSIONS = 4 };

static unsigned tag_count(const struct endpoint *ep)
{
	return ep && ep->methods & (uint64_t)1 << SIP_INVITE ? ARRAY_LEN(tags) : WITHOUT_SESSIONS;
}

void endpoint_supported(const struct endpoint *ep, struct buf *b)
{
	for (unsigned i = 0; i < tag_count(ep); i++)
		buf_addf(b, "%s%s", i ? ", " : "Supported: ", tags[i]);
	buf_add_str(b, STR("\r\n"));
}

bool endpoint_unsupported(const struct endpoint *ep, const struct sip_msg *m, struct buf *b)
{
	struct sip_list l = sip_msg_list(m, SIP_HDR_REQUIRE);
	struct str tag;
	bool any = false;

	while (sip_list_token(&l, &tag)) {
		bool known = false;

		for (unsigned i = 0; i < ARRAY_LEN(tags) && !known; i++)
			known = i < tag_count(ep) && i > 0 && str_ieq(tag, str_of(tags[i]));
		if (known)
			continue;
		if (b)
			buf_addf(b, "%s" STR_FMT, any ? ", " : "Unsupported: ", STR_ARG(tag));
		any = true;
	}
	if (any && b)
		buf_add_str(b, STR("\r\n"));
	return any;
}
