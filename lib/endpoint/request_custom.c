/* lib/endpoint/request_custom.c -- a message that the user writes: a template with its fields
 * filled in, the user's changes of header fields, and what is put right in it; or bytes as they
 * are. The order of the lines stays, since it may be what somebody wants to reproduce. */
#include "endpoint/request_impl.h"

#include "sip/build.h"

#include <string.h>

bool request_fixes(const struct request *r)
{
	return !r->config.custom || !r->config.custom->no_fix;
}

/* One line with its line break; false at the end. */
static bool take_line(struct str *rest, struct str *line)
{
	size_t n = str_find(*rest, '\n');

	if (rest->n == 0)
		return false;
	n = n < rest->n ? n + 1 : n;
	*line = str_sub(*rest, 0, n);
	*rest = str_sub(*rest, n, rest->n);
	return true;
}

static struct str without_break(struct str line)
{
	if (str_ends(line, STR("\n")))
		line.n--;
	if (str_ends(line, STR("\r")))
		line.n--;
	return line;
}

/* A header field with its folded lines (RFC 3261 7.3.1). */
static bool take_field(struct str *rest, struct str *field)
{
	struct str line;

	if (!take_line(rest, field))
		return false;
	while (rest->n > 0 && (rest->p[0] == ' ' || rest->p[0] == '\t') && take_line(rest, &line))
		field->n += line.n;
	return true;
}

static struct str name_of(struct str field)
{
	return str_trim(str_sub(field, 0, str_find(field, ':')));
}

/* Lines as they are, or each with CR LF at its end. */
static void put_lines(const struct request *r, struct buf *b, struct str text)
{
	struct str line;

	if (!request_fixes(r)) {
		buf_add_str(b, text);
		return;
	}
	while (take_line(&text, &line)) {
		buf_add_str(b, without_break(line));
		buf_add_str(b, STR("\r\n"));
	}
}

/* The parts of a message; `blank` is the empty line between them, and may be missing. */
struct parts {
	struct str start, fields, blank, body;
};

static struct parts split(struct str text)
{
	struct parts p = { STR_EMPTY, STR_EMPTY, STR_EMPTY, STR_EMPTY };
	struct str rest, line;

	take_line(&text, &p.start);
	rest = p.fields = text;
	while (take_line(&rest, &line)) {
		if (without_break(line).n > 0)
			continue;
		p.fields.n = (size_t)(line.p - text.p);
		p.blank = line;
		p.body = rest;
		break;
	}
	return p;
}

static bool has(const struct request *r, struct str fields, enum sip_hdr_id id)
{
	const struct request_config *c = &r->config;
	struct str field, name = sip_hdr_name(id);

	if (request_is_changed(c->headers, c->header_count, name)) {
		for (unsigned i = 0; i < c->header_count; i++)
			if (sip_hdr_id(c->headers[i].name) == id &&
				c->headers[i].change != ENDPOINT_HEADER_REMOVE)
				return true;
		return false;
	}
	while (take_field(&fields, &field))
		if (sip_hdr_id(name_of(field)) == id)
			return true;
	return false;
}

/* The body of a description has CR LF, too (RFC 4566 section 5); any other stays as it is. */
static bool is_sdp(struct str fields)
{
	struct str field, value;

	while (take_field(&fields, &field))
		if (sip_hdr_id(name_of(field)) == SIP_HDR_CONTENT_TYPE &&
			str_cut(field, ':', &value, &value))
			return str_istarts(str_trim(value), STR("application/sdp"));
	return false;
}

/* What the user sets in the place of this field, once. */
static void put_set(const struct request *r, struct buf *b, struct str name)
{
	const struct request_config *c = &r->config;

	for (unsigned i = c->header_count; i > 0; i--) {
		const struct endpoint_header *h = &c->headers[i - 1];

		if (h->change == ENDPOINT_HEADER_ADD || !request_is_changed(h, 1, name))
			continue;
		if (h->change == ENDPOINT_HEADER_SET)
			sip_build_named(b, h->name, h->value);
		return;
	}
}

/* Was it set where a field of the template stood? */
static bool stood_there(struct str fields, struct str name)
{
	const struct endpoint_header one = { .change = ENDPOINT_HEADER_SET, .name = name };
	struct str field;

	while (take_field(&fields, &field))
		if (request_is_changed(&one, 1, name_of(field)))
			return true;
	return false;
}

static void put_missing_via(
	const struct request *r, const struct template_facts *facts, struct buf *b)
{
	(void)r;
	buf_addf(b, "Via: SIP/2.0/" STR_FMT " " STR_FMT ";branch=" STR_FMT ";rport\r\n",
		STR_ARG(facts->transport), STR_ARG(facts->local), STR_ARG(facts->branch));
}

static void put_fields(const struct request *r, const struct template_facts *facts,
	const struct parts *p, size_t body, struct buf *b)
{
	const struct request_config *c = &r->config;
	struct str rest = p->fields, field;

	if (request_fixes(r) && !has(r, p->fields, SIP_HDR_VIA))
		put_missing_via(r, facts, b);
	while (take_field(&rest, &field)) {
		struct str name = name_of(field);
		struct str before = { p->fields.p, (size_t)(field.p - p->fields.p) };

		if (sip_hdr_id(name) == SIP_HDR_CONTENT_LENGTH && request_fixes(r))
			sip_build_hdrf(b, SIP_HDR_CONTENT_LENGTH, "%zu", body);
		else if (!request_is_changed(c->headers, c->header_count, name))
			put_lines(r, b, field);
		else if (!stood_there(before, name))
			put_set(r, b, name);
	}
}

/* What the user adds, and sets where nothing stood. */
static void put_more(const struct request *r, const struct parts *p, struct buf *b)
{
	const struct request_config *c = &r->config;

	for (unsigned i = 0; i < c->header_count; i++) {
		const struct endpoint_header *h = &c->headers[i];

		if (sip_hdr_id(h->name) == SIP_HDR_CONTENT_LENGTH && request_fixes(r))
			continue;
		if (h->change == ENDPOINT_HEADER_ADD ||
			(h->change == ENDPOINT_HEADER_SET && !stood_there(p->fields, h->name) &&
				!request_is_changed(h + 1, c->header_count - i - 1, h->name)))
			sip_build_named(b, h->name, h->value);
	}
}

/* The method and the Request-URI that the user wrote are those of the request. */
static void adopt(struct request *r, struct str start)
{
	struct str method, rest;

	start = without_break(start);
	if (!str_cut(start, ' ', &method, &rest) || !endpoint_check_token(method))
		return;
	if (!str_eq(method, r->config.method))
		r->config.method = arena_str(&r->arena, method);
}

static struct str start_uri(struct str start, struct str otherwise)
{
	struct str method, uri;

	if (!str_cut(start, ' ', &method, &uri))
		return otherwise;
	return str_sub(uri, 0, str_find(uri, ' '));
}

static int compose(
	struct request *r, const struct template_facts *facts, struct str text, struct fail *f)
{
	struct parts p = split(text);
	struct auth *auth = r->endpoint->ops->auth(r->endpoint);
	struct buf body = BUF_INIT(r->wire.limit), *b = &r->wire;
	bool fix = request_fixes(r);
	int e = 0;

	adopt(r, p.start);
	if (fix && is_sdp(p.fields))
		put_lines(r, &body, p.body);
	else
		buf_add_str(&body, p.body);
	put_lines(r, b, p.start);
	put_fields(r, facts, &p, body.n, b);
	if (fix && !has(r, p.fields, SIP_HDR_MAX_FORWARDS))
		sip_build_hdr(b, SIP_HDR_MAX_FORWARDS, STR("70"));
	if (fix && !has(r, p.fields, SIP_HDR_CSEQ))
		sip_build_hdrf(
			b, SIP_HDR_CSEQ, "%u " STR_FMT, facts->seq, STR_ARG(r->config.method));
	put_more(r, &p, b);
	if (auth && !b->fail)
		e = auth_authorize(auth, r->exchange,
			&(struct auth_request){
				r->config.method, start_uri(p.start, r->target), buf_str(&body) },
			b, f);
	if (fix && !stood_there(p.fields, STR("Content-Length")))
		sip_build_hdrf(b, SIP_HDR_CONTENT_LENGTH, "%zu", body.n);
	if (fix)
		buf_add_str(b, STR("\r\n"));
	else
		buf_add_str(b, p.blank);
	buf_add_str(b, buf_str(&body));
	buf_done(&body);
	return e;
}

int request_custom_build(struct request *r, const struct template_facts *facts, struct fail *f)
{
	const struct request_custom *custom = r->config.custom;
	struct buf text = BUF_INIT(r->wire.limit);
	int e = 0;

	if (custom->is_raw) {
		buf_add_str(&r->wire, custom->raw);
	} else {
		template_expand(custom->form, facts, &text);
		if (text.fail)
			buf_fail(&r->wire, text.fail);
		e = compose(r, facts, buf_str(&text), f);
	}
	buf_done(&text);
	if (e == 0 && r->wire.fail)
		e = fail_set(f, r->wire.fail,
			r->wire.fail == -FAIL_LIMIT ? "the message is too large"
						    : "a value has control characters");
	return e;
}
