/* lib/sip/uri.h -- sip, sips and tel URIs, RFC 3261 section 19.1 and RFC 3966; other schemes as
 * they are */
#ifndef SIP_URI_H
#define SIP_URI_H

#include "base/buf.h"
#include "base/scan.h"

enum sip_uri_scheme { SIP_URI_SIP, SIP_URI_SIPS, SIP_URI_TEL, SIP_URI_OTHER };

struct sip_uri {
	enum sip_uri_scheme scheme;
	struct str text; /* the whole URI as written, without angle brackets */
	struct str user; /* escapes as on the wire; for tel the number; empty when !has_user */
	struct str password; /* empty when absent */
	struct str host; /* IPv6 without brackets; empty for tel and others */
	struct str params; /* from the first ';' on, or empty */
	struct str headers; /* behind '?', or empty */
	uint16_t port; /* 0: absent */
	bool has_user, ipv6;
};

/* The whole of s is one URI. For SIP_URI_OTHER only scheme and text are set, and the scheme's
 * syntax is checked. */
bool sip_uri_parse(struct str s, struct sip_uri *out);
/* Takes the URI at the front of s, for parsers of what has a URI in it: after a failure s stands
 * anywhere and *u is garbage. What a URI may not hold ends it, so the caller looks at what is
 * behind. */
bool sip_uri_scan(struct scan *s, struct sip_uri *u);
/* RFC 3261 19.1.4: escapes, case, defaults, parameters and headers as it says. tel: RFC 3966
 * section 4. */
bool sip_uri_equal(const struct sip_uri *a, const struct sip_uri *b);
/* The value of a URI parameter (transport, lr, maddr, ttl, user, method, ob, gr); "" for a flag. */
bool sip_uri_param(const struct sip_uri *u, const char *name, struct str *value);
/* Takes one character of a component and undoes its escape; -1 at the end. *escaped: it stood as
 * %HH. */
int sip_uri_char(struct str *rest, bool *escaped);
/* A key under which equal addresses of record are equal bytes: scheme, user unescaped where it may
 * be, host in lower case, port; no parameters (RFC 3261 10.3 step 5). */
void sip_uri_aor_key(struct buf *b, const struct sip_uri *u);
/* host and port as they stand in a URI or Via: brackets around IPv6, ":port" unless 0. */
void sip_uri_write_hostport(struct buf *b, struct str host, uint16_t port);
/* A user part: what the grammar forbids is written as %HH. */
void sip_uri_write_user(struct buf *b, struct str user);
/* The URI as it may stand in a Request-URI: without headers and method parameter (RFC 3261 19.1.1
 * table 1, 19.1.5). */
void sip_uri_write_request(struct buf *b, const struct sip_uri *u);
/* Appends the value of a header of the URI ("?Replaces=..."), unescaped. False, and nothing is
 * appended, when it is absent or there twice, when an escape is malformed, or when a control
 * character is in the value. */
bool sip_uri_header(const struct sip_uri *u, const char *name, struct buf *out);
/* A value for a header of a URI (hvalue): what the grammar forbids is written as %HH. */
void sip_uri_escape_header(struct buf *b, struct str value);
/* A host as RFC 3261 25.1 has it: hostname, IPv4address, or (without brackets) IPv6address. */
bool sip_uri_is_host(struct str s);
bool sip_uri_is_ipv4(struct str s);
bool sip_uri_is_ipv6(struct str s);

#endif
