/* tests/peers/sip_text.c -- SIP messages as the peers of the tests read them */
#include "sip_text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct view none = { NULL, 0 };

bool view_is(struct view v, const char *text)
{
	return v.p && strlen(text) == v.n && strncasecmp(v.p, text, v.n) == 0;
}

bool view_equal(struct view a, struct view b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static struct view view_of(const char *from, const char *to)
{
	while (from < to && (*from == ' ' || *from == '\t'))
		from++;
	while (to > from && (to[-1] == ' ' || to[-1] == '\t'))
		to--;
	return (struct view){ from, (size_t)(to - from) };
}

/* ---- messages */

size_t sip_text_whole(const char *p, size_t n)
{
	size_t ends = strspn(p, "\r\n"), length;
	struct view value;
	const char *body;

	if (ends > 0)
		return ends;
	body = strstr(p, "\r\n\r\n");
	if (!body)
		return 0;
	value = sip_text_field(p, "Content-Length", 0);
	length = (size_t)(body + 4 - p) + (value.p ? strtoul(value.p, NULL, 10) : 0);
	return length <= n ? length : 0;
}

bool sip_text_is_request(const char *m)
{
	return strncmp(m, "SIP/2.0 ", 8) != 0;
}

unsigned sip_text_status(const char *m)
{
	return sip_text_is_request(m) ? 0 : (unsigned)strtoul(m + 8, NULL, 10);
}

struct view sip_text_reason(const char *m)
{
	return view_of(m + 12, m + strcspn(m, "\r\n"));
}

static struct view cseq_number(const char *m)
{
	struct view v = sip_text_field(m, "CSeq", 0);

	if (v.p)
		v.n = strspn(v.p, "0123456789");
	return v;
}

static struct view cseq_method(const char *m)
{
	struct view v = sip_text_field(m, "CSeq", 0), number = cseq_number(m);

	return v.p ? view_of(number.p + number.n, v.p + v.n) : none;
}

struct view sip_text_method(const char *m)
{
	if (sip_text_is_request(m))
		return (struct view){ m, strcspn(m, " ") };
	return cseq_method(m);
}

/* Of the names that the peers ask for. */
static const char *compact(const char *name)
{
	static const char *const names[][2] = { { "Call-ID", "i" }, { "Content-Length", "l" },
		{ "From", "f" }, { "To", "t" }, { "Via", "v" }, { "Contact", "m" } };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcasecmp(names[i][0], name) == 0)
			return names[i][1];
	return name;
}

/* The value of the line when it has this name. */
static struct view line_value(const char *line, const char *end, const char *name)
{
	size_t n = strlen(name);
	const char *p = line + n;

	if ((size_t)(end - line) <= n || strncasecmp(line, name, n) != 0)
		return none;
	p += strspn(p, " \t");
	return *p == ':' ? view_of(p + 1, end) : none;
}

struct view sip_text_field(const char *m, const char *name, unsigned i)
{
	const char *line = strstr(m, "\r\n");

	while (line && line[2] != '\r' && line[2] != '\0') {
		const char *end = strstr(line + 2, "\r\n");
		struct view v;

		if (!end)
			break;
		v = line_value(line + 2, end, name);
		if (!v.p)
			v = line_value(line + 2, end, compact(name));
		if (v.p && i-- == 0)
			return v;
		line = end;
	}
	return none;
}

struct view sip_text_branch(const char *m)
{
	struct view via = sip_text_field(m, "Via", 0);

	for (size_t i = 0; i + 8 < via.n; i++)
		if (strncasecmp(via.p + i, ";branch=", 8) == 0) {
			const char *p = via.p + i + 8;

			return (struct view){ p, strcspn(p, ";, \t\r") };
		}
	return none;
}

/* ---- addresses */

/* Where a quoted string that begins at p[i] ends: behind its closing quote. */
static size_t behind_quotes(struct view v, size_t i)
{
	for (i++; i < v.n && v.p[i] != '"'; i++)
		if (v.p[i] == '\\')
			i++;
	return i < v.n ? i + 1 : v.n;
}

/* The `<` of a name-addr; v.n when it is a bare addr-spec. */
static size_t bracket(struct view v)
{
	for (size_t i = 0; i < v.n;) {
		if (v.p[i] == '<')
			return i;
		i = v.p[i] == '"' ? behind_quotes(v, i) : i + 1;
	}
	return v.n;
}

struct view sip_text_uri(struct view v)
{
	size_t i = bracket(v);
	const char *end;

	if (!v.p)
		return none;
	if (i == v.n) { /* what follows the ; of the bare form belongs to the field */
		end = memchr(v.p, ';', v.n);
		return view_of(v.p, end ? end : v.p + v.n);
	}
	end = memchr(v.p + i, '>', v.n - i);
	return view_of(v.p + i + 1, end ? end : v.p + v.n);
}

struct view sip_text_tag(struct view v)
{
	size_t i = bracket(v);
	const char *p, *end = v.p + v.n;

	if (!v.p)
		return none;
	p = i < v.n ? memchr(v.p + i, '>', v.n - i) : memchr(v.p, ';', v.n);
	for (; p && p < end; p++) {
		const char *q = p + 1 + strspn(p + 1, " \t");

		if (*p == ';' && end - q > 4 && strncasecmp(q, "tag=", 4) == 0) {
			size_t n = strcspn(q + 4, "; \t\r");

			return (struct view){ q + 4, n };
		}
	}
	return none;
}

/* One element of a list of identities: up to a comma outside of quotes and brackets. */
static struct view element(struct view *rest)
{
	bool within = false;
	size_t i = 0;
	struct view v;

	while (i < rest->n && (within || rest->p[i] != ',')) {
		if (rest->p[i] == '<')
			within = true;
		else if (rest->p[i] == '>')
			within = false;
		i = rest->p[i] == '"' ? behind_quotes(*rest, i) : i + 1;
	}
	v = view_of(rest->p, rest->p + i);
	i += i < rest->n;
	rest->p += i;
	rest->n -= i;
	return v;
}

static bool begins(struct view v, const char *text)
{
	return text && v.n > strlen(text) && strncasecmp(v.p, text, strlen(text)) == 0;
}

struct view sip_text_identity(const char *m, const char *field, const char *a, const char *b)
{
	for (unsigned i = 0;; i++) {
		struct view rest = sip_text_field(m, field, i);

		if (!rest.p)
			return none;
		while (rest.n > 0) {
			struct view one = element(&rest), uri = sip_text_uri(one);

			/* a bare tel: keeps its parameters */
			if (begins(uri, "tel:") && bracket(one) == one.n)
				uri = one;
			if (begins(uri, a) || begins(uri, b))
				return uri;
		}
	}
}

/* ---- credentials */

struct view sip_text_scheme(struct view v)
{
	return v.p ? (struct view){ v.p, strcspn(v.p, " \t\r") } : none;
}

struct view sip_text_param(struct view v, const char *name)
{
	size_t i = sip_text_scheme(v).n, n = strlen(name);

	while (i < v.n) {
		size_t value, end;

		i += strspn(v.p + i, " \t,");
		value = i + strcspn(v.p + i, "=,\r");
		end = value + 1;
		if (value >= v.n || v.p[value] != '=') {
			i = value + 1;
			continue;
		}
		end += strspn(v.p + end, " \t");
		if (v.p[end] == '"') {
			size_t inner = end + 1;

			end = behind_quotes(v, end);
			if (value - i == n && strncasecmp(v.p + i, name, n) == 0)
				return (struct view){ v.p + inner, end - inner - 1 };
		} else {
			size_t inner = end;

			end += strcspn(v.p + end, ", \t\r");
			if (value - i == n && strncasecmp(v.p + i, name, n) == 0)
				return (struct view){ v.p + inner, end - inner };
		}
		i = end;
	}
	return none;
}

static bool is_microsoft(struct view v)
{
	return view_is(sip_text_scheme(v), "NTLM") || view_is(sip_text_scheme(v), "Kerberos");
}

struct view sip_text_signer(const char *m)
{
	static const char *const names[] = { "Authorization", "Proxy-Authorization",
		"Authentication-Info", "Proxy-Authentication-Info" };

	for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
		for (unsigned i = 0;; i++) {
			struct view v = sip_text_field(m, names[k], i);

			if (!v.p)
				break;
			if (is_microsoft(v))
				return v;
		}
	return none;
}

struct view sip_text_challenge(const char *m, const char *scheme)
{
	static const char *const names[] = { "WWW-Authenticate", "Proxy-Authenticate" };

	for (size_t k = 0; k < 2; k++)
		for (unsigned i = 0;; i++) {
			struct view v = sip_text_field(m, names[k], i);

			if (!v.p)
				break;
			if (view_is(sip_text_scheme(v), scheme))
				return v;
		}
	return none;
}

size_t sip_text_replace(char *out, const char *m, size_t n, struct view old, const char *text)
{
	size_t at = (size_t)(old.p - m), k = strlen(text);

	if (n - old.n + k > SIP_TEXT_MAX)
		return 0;
	memcpy(out, m, at);
	memcpy(out + at, text, k);
	memcpy(out + at + k, old.p + old.n, n - at - old.n);
	n = n - old.n + k;
	out[n] = '\0';
	return n;
}

/* ---- the signature's input */

struct signed_items {
	struct view v[16];
	size_t n;
};

static void put(struct signed_items *s, struct view v)
{
	s->v[s->n++] = v;
}

/* As it is written, or as the other side has it. */
static struct view either(struct view signer, const char *client, const char *server)
{
	struct view v = sip_text_param(signer, client);

	return v.p ? v : sip_text_param(signer, server);
}

static void put_identity(struct signed_items *s, const char *m)
{
	const char *field = sip_text_field(m, "P-Asserted-Identity", 0).p ? "P-Asserted-Identity"
									  : "P-Preferred-Identity";

	put(s, sip_text_identity(m, field, "sip:", "sips:"));
	put(s, sip_text_identity(m, field, "tel:", NULL));
}

static void put_message(struct signed_items *s, const char *m, unsigned version)
{
	struct view from = sip_text_field(m, "From", 0), to = sip_text_field(m, "To", 0);

	put(s, sip_text_field(m, "Call-ID", 0));
	put(s, cseq_number(m));
	put(s, cseq_method(m));
	put(s, sip_text_uri(from));
	put(s, sip_text_tag(from));
	if (version > 2)
		put(s, sip_text_uri(to));
	put(s, sip_text_tag(to));
	if (version > 2)
		put_identity(s, m);
	put(s, sip_text_field(m, "Expires", 0));
	if (!sip_text_is_request(m))
		put(s, (struct view){ m + 8, 3 });
}

size_t sip_text_signed(char *out, size_t room, const char *m, unsigned version)
{
	struct view signer = sip_text_signer(m);
	struct signed_items s = { .n = 0 };
	size_t n = 0;

	if (!signer.p)
		return 0;
	put(&s, sip_text_scheme(signer));
	put(&s, either(signer, "crand", "srand"));
	put(&s, either(signer, "cnum", "snum"));
	put(&s, sip_text_param(signer, "realm"));
	put(&s, sip_text_param(signer, "targetname"));
	put_message(&s, m, version);
	for (size_t i = 0; i < s.n; i++) {
		if (n + s.v[i].n + 3 > room)
			return 0;
		n += (size_t)snprintf(out + n, room - n, "<" VIEW_FMT ">", VIEW_ARG(s.v[i]));
	}
	return n;
}
