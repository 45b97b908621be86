/* lib/net/tls_names.c -- which hosts a certificate is for: RFC 5922 section 7.1, compared as in 7.2
 */
#include "net/tls_impl.h"

#include "base/scan.h"
#include "base/utf8.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/socket.h>

#define SHOWN 150 /* bytes of a list of names in a failure */

struct str net_tls_host(struct str s)
{
	struct scan in = scan_str(s);
	struct str inner;

	if (scan_char(&in, '[') && scan_until(&in, ']', &inner))
		s = inner;
	if (str_find(s, ':') < s.n)
		s = str_sub(s, 0, str_find(s, '%'));
	return s.n && s.p[s.n - 1] == '.' ? str_sub(s, 0, s.n - 1) : s;
}

bool net_tls_host_is_name(struct str s)
{
	char before = '.';
	for (size_t i = 0; i < s.n; i++) {
		if (!scan_is(s.p[i], CH_HOST) || (s.p[i] == '.' && before == '.'))
			return false;
		before = s.p[i];
	}
	return before != '.' && s.n <= 255;
}

size_t net_tls_host_ip(struct str s, unsigned char out[16])
{
	char z[INET6_ADDRSTRLEN];

	if (s.n >= sizeof(z) || str_find(s, '\0') < s.n)
		return 0;
	memcpy(z, s.n ? s.p : "", s.n);
	z[s.n] = '\0';
	if (inet_pton(AF_INET, z, out) == 1)
		return 4;
	return inet_pton(AF_INET6, z, out) == 1 ? 16 : 0;
}

static struct str asn1_str(const ASN1_STRING *s)
{
	return (struct str){ (const char *)ASN1_STRING_get0_data(s),
		(size_t)ASN1_STRING_length(s) };
}

/* RFC 5922 section 7.1: "If the scheme of the URI value is "sip", and there is no userinfo
 * component in the URI (there is no '@'), then the implementation MUST accept the hostpart".
 * Taken as it is, wildcards and NULs included: nobody wants such a host, and it keeps dNSName
 * entries of the same certificate from counting. */
static bool sip_domain(struct str uri, struct str *host)
{
	struct scan s = scan_str(uri);
	struct str rest;
	size_t end = 0;

	if (!scan_lit(&s, "sip:") || str_find(uri, '@') < uri.n)
		return false;
	rest = scan_rest(&s);
	if (scan_char(&s, '[') && scan_until(&s, ']', host))
		return true;
	while (end < rest.n && rest.p[end] != ':' && rest.p[end] != ';' && rest.p[end] != '?')
		end++;
	*host = str_sub(rest, 0, end);
	return true;
}

static bool is_uri(const GENERAL_NAME *g, struct str *host)
{
	return g->type == GEN_URI && sip_domain(asn1_str(g->d.uniformResourceIdentifier), host);
}

static void add(struct net_tls_names *out, enum net_tls_name_kind kind, struct str text)
{
	out->list[out->count++] = (struct net_tls_name){ kind, arena_str(&out->arena, text) };
}

static void from_alt_names(const GENERAL_NAMES *alt, struct net_tls_names *out)
{
	int n = sk_GENERAL_NAME_num(alt);
	struct str text;
	bool dns = true;

	out->list = arena_zalloc(&out->arena, (size_t)n * sizeof(*out->list));
	/* "An implementation MUST accept a domain name system identifier as a SIP domain identity
	 * if and only if no other identity is found that matches the "sip" URI type" */
	for (int i = 0; i < n; i++)
		dns = dns && !is_uri(sk_GENERAL_NAME_value(alt, i), &text);
	for (int i = 0; i < n; i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(alt, i);
		if (is_uri(g, &text))
			add(out, NET_TLS_URI, text);
		else if (g->type == GEN_DNS && dns)
			add(out, NET_TLS_DNS, asn1_str(g->d.dNSName));
		else if (g->type == GEN_IPADD &&
			 (g->d.iPAddress->length == 4 || g->d.iPAddress->length == 16))
			add(out, NET_TLS_IP, asn1_str(g->d.iPAddress));
	}
}

static void from_common_name(X509 *cert, struct net_tls_names *out)
{
	const X509_NAME *subject = X509_get_subject_name(cert);
	int i = -1, n = X509_NAME_entry_count(subject);

	out->list = arena_zalloc(&out->arena, (size_t)n * sizeof(*out->list));
	while ((i = X509_NAME_get_index_by_NID(subject, NID_commonName, i)) >= 0) {
		struct str cn = asn1_str(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i)));
		/* "If a valid DNS name is found there, the implementation MAY accept this value" */
		if (net_tls_host_is_name(cn))
			add(out, NET_TLS_CN, cn);
	}
}

void net_tls_names_get(X509 *cert, bool incoming, struct net_tls_names *out)
{
	int found;
	GENERAL_NAMES *alt = X509_get_ext_d2i(cert, NID_subject_alt_name, &found, NULL);

	*out = (struct net_tls_names){ 0 };
	if (alt)
		from_alt_names(alt, out);
	/* "If and only if the subjectAltName does not appear in the certificate": -1, while a
	 * malformed one has 0 or 1, and two of them -2 */
	else if (incoming && found == -1)
		from_common_name(cert, out);
	GENERAL_NAMES_free(alt);
}

void net_tls_names_done(struct net_tls_names *n)
{
	arena_done(&n->arena);
	*n = (struct net_tls_names){ 0 };
}

/* RFC 5922 section 7.2: "Implementations MUST match the values in their entirety", case
 * insensitive, and "MUST NOT match any form of wildcard". */
const struct net_tls_name *net_tls_names_find(const struct net_tls_names *n, struct str wanted)
{
	unsigned char ip[16];
	size_t ip_len = net_tls_host_ip(wanted, ip);

	for (size_t i = 0; i < n->count; i++) {
		const struct net_tls_name *name = &n->list[i];
		if (wanted.n == 0 || (ip_len > 0) != (name->kind == NET_TLS_IP))
			continue;
		if (ip_len ? str_eq(name->text, (struct str){ (char *)ip, ip_len })
			   : str_ieq(name->text, wanted))
			return name;
	}
	return NULL;
}

void net_tls_name_write(struct buf *b, const struct net_tls_name *n)
{
	static const char *const prefix[] = { [NET_TLS_URI] = "URI:sip:",
		[NET_TLS_DNS] = "DNS:",
		[NET_TLS_IP] = "IP:",
		[NET_TLS_CN] = "CN:" };
	char ip[INET6_ADDRSTRLEN];

	buf_add_str(b, str_of(prefix[n->kind]));
	if (n->kind != NET_TLS_IP)
		utf8_show(b, n->text);
	else if (inet_ntop(n->text.n == 4 ? AF_INET : AF_INET6, n->text.p, ip, sizeof(ip)))
		buf_add_str(b, str_of(ip));
}

void net_tls_names_write(struct buf *b, const struct net_tls_names *n)
{
	size_t start = b->n;
	for (size_t i = 0; i < n->count; i++) {
		size_t before = b->n;
		if (i)
			buf_add_str(b, STR(", "));
		net_tls_name_write(b, &n->list[i]);
		if (b->n - start > SHOWN) {
			b->n = i ? before : start + SHOWN;
			buf_add_str(b, i ? STR(", ...") : STR("..."));
			return;
		}
	}
}
