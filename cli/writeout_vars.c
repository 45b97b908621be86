/* cli/writeout_vars.c -- the variables of --write-out. What is not known is empty, never 0. */
#include "writeout_impl.h"

#include "base/utf8.h"
#include "endpoint/endpoint.h"
#include "exit.h"
#include "mask.h"

#include <jansson.h>

typedef void variable_fn(const struct writeout *w, const struct writeout_end *e, struct buf *b);

static void status_code(const struct writeout *w, const struct writeout_end *e, struct buf *b)
{
	(void)e;
	if (w->res)
		buf_addf(b, "%u", w->res->status_code);
}

static void reason_phrase(const struct writeout *w, const struct writeout_end *e, struct buf *b)
{
	(void)e;
	if (w->res)
		buf_add_str(b, w->res->reason_phrase);
}

static const struct endpoint_msg *either(const struct writeout *w)
{
	return w->req ? w->req : w->res;
}

static void method(const struct writeout *w, const struct writeout_end *e, struct buf *b)
{
	(void)e;
	if (either(w))
		buf_add_str(b, either(w)->method);
}

static void cseq(const struct writeout *w, const struct writeout_end *e, struct buf *b)
{
	(void)e;
	if (either(w))
		buf_addf(b, "%u", either(w)->cseq);
}

static void request_uri(const struct writeout *w, const struct writeout_end *e, struct buf *b)
{
	(void)e;
	if (w->req)
		buf_add_str(b, w->req->request_uri);
}

static void call_id(const struct writeout *w, const struct writeout_end *e, struct buf *b)
{
	(void)e;
	if (either(w))
		buf_add_str(b, either(w)->call_id);
}

static void from_tag(const struct writeout *w, const struct writeout_end *e, struct buf *b)
{
	(void)e;
	if (either(w))
		buf_add_str(b, either(w)->from.tag);
}

static void to_tag(const struct writeout *w, const struct writeout_end *e, struct buf *b)
{
	(void)e;
	if (w->res)
		buf_add_str(b, w->res->to.tag);
}

/* Behind the address, in From. */
/* A parameter of From. */
static void epid(const struct writeout *w, const struct writeout_end *e, struct buf *b)
{
	struct str rest, parameter;

	(void)e;
	if (!w->req || !endpoint_msg_header(w->req, STR("From"), 0, &rest))
		return;
	while (rest.n > 0) {
		if (!str_cut(rest, ';', &parameter, &rest)) {
			parameter = rest;
			rest = STR_EMPTY;
		}
		if (str_istarts(parameter, STR("epid=")))
			buf_add_str(b, str_sub(parameter, 5, parameter.n));
	}
}

/* <sip:a@b>;expires=1, "A" <sip:a@b> or sip:a@b;expires=1 */
static struct str uri_of(struct str value)
{
	struct str before, uri, rest;

	if (str_cut(value, '<', &before, &uri) && str_cut(uri, '>', &uri, &rest))
		return uri;
	return str_cut(value, ';', &uri, &rest) ? uri : value;
}

static void contact(const struct writeout *w, const struct writeout_end *e, struct buf *b)
{
	struct str value;

	(void)e;
	if (w->contact)
		buf_add_str(b, str_of(w->contact));
	else if (w->res && endpoint_msg_header(w->res, STR("Contact"), 0, &value))
		buf_add_str(b, uri_of(value));
}

static void expires(const struct writeout *w, const struct writeout_end *e, struct buf *b)
{
	struct str value;

	(void)e;
	if (w->has_expires)
		buf_addf(b, "%u", w->expires);
	else if (w->res && endpoint_msg_header(w->res, STR("Expires"), 0, &value))
		buf_add_str(b, value);
}

static void remote_address(const struct writeout *w, const struct writeout_end *e, struct buf *b)
{
	(void)e;
	buf_add_str(b, str_of(w->remote));
}

static void remote_port(const struct writeout *w, const struct writeout_end *e, struct buf *b)
{
	(void)e;
	if (w->remote[0])
		buf_addf(b, "%u", w->remote_port);
}

static void local_address(const struct writeout *w, const struct writeout_end *e, struct buf *b)
{
	(void)e;
	buf_add_str(b, str_of(w->local));
}

static void local_port(const struct writeout *w, const struct writeout_end *e, struct buf *b)
{
	(void)e;
	if (w->local[0])
		buf_addf(b, "%u", w->local_port);
}

static void transport(const struct writeout *w, const struct writeout_end *e, struct buf *b)
{
	(void)e;
	buf_add_str(b, str_of(w->transport));
}

static void add_seconds(struct buf *b, double ms)
{
	if (ms >= 0)
		buf_addf(b, "%.6f", ms / 1000.0);
}

static void time_resolve(const struct writeout *w, const struct writeout_end *e, struct buf *b)
{
	(void)e;
	add_seconds(b, w->times.resolve);
}

static void time_connect(const struct writeout *w, const struct writeout_end *e, struct buf *b)
{
	(void)e;
	add_seconds(b, w->times.connect);
}

static void time_tls(const struct writeout *w, const struct writeout_end *e, struct buf *b)
{
	(void)e;
	add_seconds(b, w->times.tls);
}

static void time_first_response(
	const struct writeout *w, const struct writeout_end *e, struct buf *b)
{
	(void)e;
	add_seconds(b, w->times.first_response);
}

static void time_total(const struct writeout *w, const struct writeout_end *e, struct buf *b)
{
	(void)w;
	add_seconds(b, e->total_ms);
}

static void retransmissions(const struct writeout *w, const struct writeout_end *e, struct buf *b)
{
	(void)e;
	buf_addf(b, "%u", w->counts.retransmissions);
}

static void redirects(const struct writeout *w, const struct writeout_end *e, struct buf *b)
{
	(void)e;
	buf_addf(b, "%u", w->counts.redirects);
}

static void retries(const struct writeout *w, const struct writeout_end *e, struct buf *b)
{
	(void)e;
	buf_addf(b, "%u", w->counts.retries);
}

static void exit_code(const struct writeout *w, const struct writeout_end *e, struct buf *b)
{
	(void)w;
	buf_addf(b, "%d", e->exit_code);
}

static void name_of_exit(const struct writeout *w, const struct writeout_end *e, struct buf *b)
{
	(void)w;
	buf_add_str(b, str_of(exit_name(e->exit_code)));
}

static void error_text(const struct writeout *w, const struct writeout_end *e, struct buf *b)
{
	(void)e;
	if (w->error)
		buf_add_str(b, str_of(w->error));
}

static void json(const struct writeout *w, const struct writeout_end *e, struct buf *b)
{
	(void)w;
	buf_add_str(b, e->json);
}

static json_t *clean_text(struct str s)
{
	CLEANUP(buf_done)
	struct buf masked = BUF_INIT(WRITEOUT_VALUE), clean = BUF_INIT(3 * WRITEOUT_VALUE);

	mask_add(&masked, s);
	utf8_clean(&clean, buf_str(&masked));
	return json_stringn(clean.p ? clean.p : "", clean.n);
}

static int append(const char *bytes, size_t n, void *arg)
{
	buf_add(arg, bytes, n);
	return 0;
}

static void lower(struct str name, char out[128])
{
	size_t n = name.n < 127 ? name.n : 127;

	for (size_t i = 0; i < n; i++)
		out[i] = name.p[i] >= 'A' && name.p[i] <= 'Z' ? (char)(name.p[i] + 32) : name.p[i];
	out[n] = '\0';
}

/* Of all header fields: names in lower case, each with the array of its values. */
static void header_json(const struct writeout *w, const struct writeout_end *e, struct buf *b)
{
	json_t *all = json_object();
	struct str name, value;

	(void)e;
	for (unsigned i = 0; w->res && endpoint_msg_field(w->res, i, &name, &value); i++) {
		json_t *values;
		char key[128];

		lower(name, key);
		values = json_object_get(all, key);
		if (!values)
			json_object_set_new(all, key, values = json_array());
		json_array_append_new(values, clean_text(value));
	}
	json_dump_callback(all, append, b, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
	json_decref(all);
}

/* exact: as it is; the others are of the wire, and are shown as all text is. */
static const struct {
	const char *name;
	variable_fn *fn;
	bool exact;
} variables[] = {
	{ "status_code", status_code, false },
	{ "reason_phrase", reason_phrase, false },
	{ "method", method, false },
	{ "call_id", call_id, false },
	{ "cseq", cseq, false },
	{ "from_tag", from_tag, false },
	{ "to_tag", to_tag, false },
	{ "request_uri", request_uri, false },
	{ "remote_address", remote_address, false },
	{ "remote_port", remote_port, false },
	{ "local_address", local_address, false },
	{ "local_port", local_port, false },
	{ "transport", transport, false },
	{ "expires", expires, false },
	{ "contact", contact, false },
	{ "epid", epid, false },
	{ "header_json", header_json, true },
	{ "json", json, true },
	{ "num_retransmissions", retransmissions, false },
	{ "num_redirects", redirects, false },
	{ "num_retries", retries, false },
	{ "time_resolve", time_resolve, false },
	{ "time_connect", time_connect, false },
	{ "time_tls", time_tls, false },
	{ "time_first_response", time_first_response, false },
	{ "time_total", time_total, false },
	{ "exit_code", exit_code, false },
	{ "exit_name", name_of_exit, false },
	{ "error", error_text, false },
};

bool writeout_variable(struct str name, unsigned *out)
{
	for (unsigned i = 0; i < ARRAY_LEN(variables); i++)
		if (str_eq(name, str_of(variables[i].name))) {
			*out = i;
			return true;
		}
	return false;
}

/* As all text is shown. */
static void show(struct buf *b, struct str s)
{
	CLEANUP(buf_done) struct buf plain = BUF_INIT(WRITEOUT_VALUE);

	mask_add(&plain, s);
	utf8_show(b, buf_str(&plain));
}

void writeout_value(
	const struct writeout *w, unsigned variable, const struct writeout_end *e, struct buf *b)
{
	CLEANUP(buf_done) struct buf value = BUF_INIT(WRITEOUT_VALUE);

	variables[variable].fn(w, e, &value);
	if (variables[variable].exact)
		buf_add_str(b, buf_str(&value));
	else
		show(b, buf_str(&value));
}

void writeout_header(const struct writeout *w, struct str name, struct buf *b)
{
	struct str value;

	for (unsigned i = 0; w->res && endpoint_msg_header(w->res, name, i, &value); i++) {
		buf_add_str(b, i ? STR(", ") : STR_EMPTY);
		show(b, value);
	}
}
