/* cli/out_json.c -- records as NDJSON (cli.md sections 10.3 and 10.4; the table is events.def) */
#include "out_impl.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/utf8.h"
#include "endpoint/decode.h"
#include "endpoint/endpoint.h"
#include "exit.h"
#include "mask.h"
#include "out_tree.h"
#include "secret.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TEXT_MAX = 64 << 20 };

/* ---- values ---- */

/* Text of the wire: masked, and well-formed UTF-8. */
static json_t *text(struct str s)
{
	CLEANUP(buf_done) struct buf plain = BUF_INIT(TEXT_MAX), clean = BUF_INIT(TEXT_MAX);

	mask_add(&plain, s);
	utf8_clean(&clean, buf_str(&plain));
	return json_stringn(buf_cstr(&clean), clean.n);
}

/* Microseconds are enough, and 0.1 + 0.2 is 0.3. */
static json_t *ms(double value)
{
	return json_real(round(value * 1000) / 1000);
}

/* What is not known is absent. */
static void put_text(json_t *o, const char *key, struct str s)
{
	if (s.n > 0)
		json_object_set_new(o, key, text(s));
}

static void put_word(json_t *o, const char *key, const char *word)
{
	put_text(o, key, str_of(word));
}

static void put_ms(json_t *o, const char *key, double value)
{
	if (value >= 0)
		json_object_set_new(o, key, ms(value));
}

static void put_number(json_t *o, const char *key, bool known, unsigned value)
{
	if (known)
		json_object_set_new(o, key, json_integer(value));
}

static json_t *hop(const struct endpoint_hop *h)
{
	return json_pack("{s:s, s:o, s:i}", "transport", h->transport, "address", text(h->address),
		"port", (int)h->port);
}

static json_t *hops(const struct endpoint_hop *list, unsigned n)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < n; i++)
		json_array_append_new(a, hop(&list[i]));
	return a;
}

static json_t *texts(const struct str *list, unsigned n)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < n; i++)
		json_array_append_new(a, text(list[i]));
	return a;
}

static json_t *name_addr(const struct endpoint_address *a)
{
	json_t *o = json_pack("{s:o}", "uri", text(a->uri));

	put_text(o, "display_name", a->display_name);
	put_text(o, "tag", a->tag);
	return o;
}

/* ---- a record ---- */

static json_t *utc(void)
{
	struct timespec now;
	struct tm t;
	char stamp[80];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &t);
	snprintf(stamp, sizeof(stamp), "%04d-%02d-%02dT%02d:%02d:%02d.%06ldZ", t.tm_year + 1900,
		t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, now.tv_nsec / 1000);
	return json_string(stamp);
}

static json_t *record(struct out *o, const char *type)
{
	if (o->seq == 0)
		json_set_alloc_funcs(mem_alloc, mem_free);
	return json_pack("{s:i, s:s, s:i, s:o, s:o, s:s}", "v", 1, "type", type, "seq",
		(int)++o->seq, "time", utc(), "elapsed_ms", ms(out_elapsed_ms(o)), "command",
		o->config.command);
}

/* Jansson takes DEL for printable, a terminal does not. */
static int append(const char *bytes, size_t n, void *arg)
{
	struct buf *line = arg;
	struct str rest = { bytes, n }, before;

	while (str_cut(rest, 0x7f, &before, &rest)) {
		buf_add_str(line, before);
		buf_add_str(line, STR("\\u007f"));
	}
	buf_add_str(line, rest);
	return line->fail ? -1 : 0;
}

/* Frees r. The line fails, and is empty, when r does not fit: a part of a record is none. */
static void add_line(json_t *r, struct buf *line)
{
	json_dump_callback(r, append, line,
		JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15));
	json_decref(r);
	buf_add_char(line, '\n');
	if (line->fail)
		line->n = 0;
}

static void emit(struct out *o, json_t *r)
{
	CLEANUP(buf_done) struct buf line = BUF_INIT(TEXT_MAX);

	add_line(r, &line);
	if (line.fail && o->result.failed == 0)
		o->result.failed = EFBIG;
	out_write(&o->result, buf_str(&line));
}

void out_json_start(struct out *o, const char *aor)
{
	json_t *r = record(o, "start");

	json_object_set_new(r, "pid", json_integer(getpid()));
	json_object_set_new(r, "version", json_string(RTE_VERSION));
	put_word(r, "aor", aor);
	emit(o, r);
}

void out_json_endpoint(struct out *o, const struct out_endpoint *e)
{
	json_t *r = record(o, "endpoint");

	put_word(r, "kind", e->kind);
	put_word(r, "manager", e->manager);
	put_word(r, "dialect", e->dialect);
	put_word(r, "aor", e->aor);
	put_word(r, "epid", e->epid);
	put_word(r, "home_server", e->home_server);
	put_word(r, "proxy", e->proxy);
	put_word(r, "transport", e->transport);
	emit(o, r);
}

void out_json_listening(struct out *o, const struct endpoint_hop *local, unsigned count)
{
	json_t *r = record(o, "listening");

	json_object_set_new(r, "local", hops(local, count));
	put_number(r, "seed", o->has_seed, o->seed);
	emit(o, r);
}

/* ---- server location ---- */

static json_t *query(const struct endpoint_query *q, struct str answer)
{
	json_t *o = json_pack("{s:o, s:s, s:s, s:o}", "name", text(q->name), "rrtype", q->rrtype,
		"rcode", q->rcode, "elapsed_ms", ms(q->ms));

	put_text(o, "answer", answer);
	return o;
}

static json_t *targets(const struct endpoint_target *list, unsigned n)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < n; i++) {
		const struct endpoint_target *t = &list[i];
		json_t *o = hop(&t->hop);

		json_object_set_new(o, "host", text(t->host));
		put_number(o, "priority", t->srv, t->priority);
		put_number(o, "weight", t->srv, t->weight);
		json_array_append_new(a, o);
	}
	return a;
}

static void resolved(struct out *o, const struct endpoint_resolved *e)
{
	json_t *r = record(o, "resolved"), *queries = json_array();

	for (unsigned i = 0; i < e->query_count; i++)
		json_array_append_new(queries, query(&e->queries[i], STR_EMPTY));
	json_object_set_new(r, "uri", text(e->uri));
	json_object_set_new(r, "queries", queries);
	json_object_set_new(r, "targets", targets(e->targets, e->target_count));
	emit(o, r);
}

void out_json_resolved(struct out *o, const struct out_resolved *e)
{
	json_t *r = record(o, "resolved"), *queries = json_array();

	for (unsigned i = 0; i < e->query_count; i++)
		json_array_append_new(queries, query(&e->queries[i].query, e->queries[i].answer));
	json_object_set_new(r, "uri", text(e->uri));
	json_object_set_new(r, "queries", queries);
	json_object_set_new(r, "targets", targets(e->targets, e->target_count));
	emit(o, r);
}

/* ---- flows ---- */

static json_t *tls(const struct endpoint_tls *t)
{
	json_t *o = json_pack("{s:s, s:s, s:b, s:b}", "version", t->version, "cipher", t->cipher,
		"verified", t->verified, "resumed", t->resumed);

	put_word(o, "server_name", t->server_name);
	put_word(o, "identity", t->identity);
	put_word(o, "not_after", t->not_after);
	put_word(o, "spki_sha256", t->spki_sha256);
	return o;
}

static json_t *flow_record(struct out *o, const char *type, const struct endpoint_flow *f)
{
	json_t *r = record(o, type);

	json_object_set_new(r, "local", hop(&f->local));
	json_object_set_new(r, "remote", hop(&f->remote));
	if (f->incoming)
		json_object_set_new(r, "incoming", json_true());
	return r;
}

static void connected(struct out *o, const struct endpoint_flow *f)
{
	json_t *r = flow_record(o, "connected", f);

	if (f->tls)
		json_object_set_new(r, "tls", tls(f->tls));
	emit(o, r);
}

static void disconnected(struct out *o, const struct endpoint_flow *f)
{
	json_t *r = flow_record(o, "disconnected", f);

	put_word(r, "cause", f->cause);
	put_word(r, "action", f->action);
	put_text(r, "detail", f->detail);
	emit(o, r);
}

/* ---- messages ---- */

/* -v: the whole message, as bytes where it is no text. */
static void put_raw(struct out *o, json_t *r, struct str wire)
{
	CLEANUP(buf_done) struct buf plain = BUF_INIT(TEXT_MAX), base64 = BUF_INIT(TEXT_MAX);

	if (wire.n == 0)
		return;
	mask_add(&plain, wire);
	if (utf8_valid(buf_str(&plain))) {
		json_object_set_new(r, "raw", json_stringn(buf_cstr(&plain), plain.n));
		return;
	}
	text_base64_encode(&base64, buf_str(&plain));
	json_object_set_new(r, "raw_base64", json_stringn(buf_cstr(&base64), base64.n));
	(void)o;
}

/* The number in a header field; false when it is absent or none. */
static bool header_number(const struct endpoint_msg *m, struct str name, uint32_t *out)
{
	struct str value;

	return endpoint_msg_header(m, name, 0, &value) && str_u32(str_trim(value), out);
}

static json_t *request_record(struct out *o, const struct endpoint_msg *m)
{
	json_t *r = record(o, "request");
	uint32_t hops_left = 0;
	bool has_hops = header_number(m, STR("Max-Forwards"), &hops_left);

	json_object_set_new(r, "direction", json_string(m->sent ? "sent" : "received"));
	json_object_set_new(r, "method", text(m->method));
	json_object_set_new(r, "request_uri", text(m->request_uri));
	json_object_set_new(r, "call_id", text(m->call_id));
	json_object_set_new(r, "cseq", json_integer(m->cseq));
	json_object_set_new(r, "branch", text(m->branch));
	json_object_set_new(r, "from", name_addr(&m->from));
	json_object_set_new(r, "to", name_addr(&m->to));
	json_object_set_new(r, "bytes", json_integer((json_int_t)m->bytes));
	json_object_set_new(r, "retransmissions", json_integer(m->retransmissions));
	put_number(r, "max_forwards", has_hops, hops_left);
	put_number(r, "replied", m->replied > 0, m->replied);
	if (m->remote.address.n)
		json_object_set_new(r, "remote", hop(&m->remote));
	return r;
}

static void request(struct out *o, const struct endpoint_msg *m)
{
	json_t *r = request_record(o, m);

	if (o->config.verbose)
		put_raw(o, r, m->wire);
	emit(o, r);
}

static void put_diagnostics(json_t *r, const struct endpoint_msg *m)
{
	put_text(r, "ms_diagnostics", m->ms_diagnostics);
	put_number(r, "ms_diagnostics_id", m->ms_diagnostics_id > 0, m->ms_diagnostics_id);
	put_text(r, "ms_diagnostics_reason", m->ms_diagnostics_reason);
}

/* What a peer said about its failure. */
static void put_reasons(json_t *r, const struct endpoint_msg *m)
{
	CLEANUP(buf_done) struct buf way = BUF_INIT(1 << 16);
	const char *name = out_way_out(m, &way);

	put_text(r, "warning", m->warning);
	put_text(r, "reason", m->reason);
	put_number(r, "retry_after", m->has_retry_after, m->retry_after);
	put_diagnostics(r, m);
	if (name)
		put_text(r, strcmp(name, "allow-events") == 0 ? "allow_events" : name,
			buf_str(&way));
}

static void response(struct out *o, const struct endpoint_msg *m)
{
	json_t *r = record(o, "response");

	json_object_set_new(r, "direction", json_string(m->sent ? "sent" : "received"));
	json_object_set_new(r, "method", text(m->method));
	json_object_set_new(r, "status_code", json_integer(m->status_code));
	json_object_set_new(r, "reason_phrase", text(m->reason_phrase));
	json_object_set_new(r, "call_id", text(m->call_id));
	json_object_set_new(r, "cseq", json_integer(m->cseq));
	put_ms(r, "rtt_ms", m->rtt_ms);
	put_text(r, "server", m->server);
	put_reasons(r, m);
	if (m->remote.address.n)
		json_object_set_new(r, "remote", hop(&m->remote));
	if (o->config.verbose)
		put_raw(o, r, m->wire);
	emit(o, r);
}

/* A body is text where it can be, else its bytes (ME-08). */
static void put_body(json_t *r, struct str type, struct str body)
{
	CLEANUP(buf_done) struct buf base64 = BUF_INIT(TEXT_MAX);

	put_text(r, "content_type", type);
	if (out_body_is_text(body)) {
		json_object_set_new(r, "body", text(body));
		return;
	}
	text_base64_encode(&base64, body);
	put_text(r, "body_base64", buf_str(&base64));
}

/* The same of a notification: decoded where that is possible. */
static void put_decoded(json_t *r, struct str type, struct str body)
{
	struct arena arena = { 0 };
	struct tree *t = NULL;
	struct fail f = { 0 };
	int e = body.n ? endpoint_decode(type, body, &arena, &t, &f) : 0;

	if (body.n > 0)
		put_body(r, type, body);
	if (t)
		json_object_set_new(r, "body", out_json_tree(t));
	if (e != 0)
		put_word(r, "body_error", f.text);
	arena_done(&arena);
}

/* All but the body. */
static json_t *notify_head(struct out *o, const struct endpoint_msg *m)
{
	json_t *r = record(o, "notify");
	struct str event = STR_EMPTY, state;

	endpoint_msg_header(m, STR("Event"), 0, &event);
	json_object_set_new(r, "event", text(str_trim(str_sub(event, 0, str_find(event, ';')))));
	if (endpoint_msg_header(m, STR("Subscription-State"), 0, &state))
		put_text(
			r, "subscription_state", str_trim(str_sub(state, 0, str_find(state, ';'))));
	json_object_set_new(r, "from", name_addr(&m->from));
	json_object_set_new(r, "to", name_addr(&m->to));
	put_number(r, "replied", m->replied > 0, m->replied);
	return r;
}

static json_t *notify_record(struct out *o, const struct endpoint_msg *m)
{
	json_t *r = notify_head(o, m);

	put_decoded(r, m->content_type, m->body);
	return r;
}

void out_json_notify(struct out *o, const struct endpoint_msg *m)
{
	json_t *r = notify_record(o, m);

	if (o->config.verbose)
		put_raw(o, r, m->wire);
	emit(o, r);
}

void out_json_answered(struct out *o, const struct endpoint_msg *m, struct str reason)
{
	json_t *r = record(o, "response");

	json_object_set_new(r, "direction", json_string("sent"));
	json_object_set_new(r, "method", text(m->method));
	json_object_set_new(r, "status_code", json_integer(m->replied));
	json_object_set_new(r, "reason_phrase", text(reason));
	json_object_set_new(r, "call_id", text(m->call_id));
	json_object_set_new(r, "cseq", json_integer(m->cseq));
	if (m->remote.address.n)
		json_object_set_new(r, "remote", hop(&m->remote));
	emit(o, r);
}

static json_t *message_record(struct out *o, const struct out_message *m);

void out_request_json(struct out *o, const struct endpoint_msg *m, struct buf *line)
{
	unsigned seq = o->seq;
	json_t *r;

	if (str_eq(m->method, STR("MESSAGE")) || str_eq(m->method, STR("INFO")))
		r = message_record(o, &(struct out_message){ .method = m->method,
					      .from = &m->from,
					      .to = &m->to,
					      .content_type = m->content_type,
					      .body = m->body });
	else if (str_eq(m->method, STR("NOTIFY")) || str_eq(m->method, STR("BENOTIFY")))
		r = notify_record(o, m);
	else
		r = request_record(o, m);
	put_raw(o, r, m->wire);
	o->seq = seq; /* it is not one of ours */
	add_line(r, line);
}

/* Bytes that are no message are shown whatever -v says: nothing else tells of them. */
static void malformed(struct out *o, const struct endpoint_malformed *m)
{
	json_t *r = record(o, "malformed");

	json_object_set_new(r, "direction", json_string(m->sent ? "sent" : "received"));
	json_object_set_new(r, "bytes", json_integer((json_int_t)m->wire.n));
	json_object_set_new(r, "detail", text(str_of(m->why)));
	if (m->remote.address.n)
		json_object_set_new(r, "remote", hop(&m->remote));
	put_raw(o, r, m->wire);
	emit(o, r);
}

static void unsent(void *arg, const struct endpoint_event *ev)
{
	struct out *o = arg;
	json_t *r = request_record(o, ev->msg);

	json_object_set_new(r, "unsent", json_true());
	put_raw(o, r, ev->msg->wire);
	emit(o, r);
}

void out_json_unsent(struct out *o, struct str wire)
{
	if (!endpoint_describe(wire, unsent, o))
		malformed(o, &(struct endpoint_malformed){
				     .sent = true, .wire = wire, .why = "not a SIP request" });
}

/* ---- messages in files ---- */

static json_t *findings(const struct inspect *i)
{
	json_t *a = json_array();

	for (unsigned k = 0; k < i->finding_count; k++) {
		const struct inspect_finding *f = &i->findings[k];
		json_t *o = json_pack("{s:s, s:I, s:i, s:i, s:o}", "severity",
			f->error ? "error" : "warning", "offset", (json_int_t)f->offset, "line",
			(int)f->line, "column", (int)f->column, "detail", text(f->text));

		put_text(o, "header", f->header);
		json_array_append_new(a, o);
	}
	return a;
}

static json_t *header_fields(const struct inspect *i)
{
	json_t *a = json_array();

	for (unsigned k = 0; k < i->header_count; k++)
		json_array_append_new(
			a, json_pack("{s:o, s:o, s:I}", "name", text(i->headers[k].name), "value",
				   text(i->headers[k].value), "offset",
				   (json_int_t)i->headers[k].offset));
	return a;
}

/* Under the names that the records of messages have. */
static void put_message(json_t *r, const struct inspect *i)
{
	const struct endpoint_msg *m = &i->msg;

	put_text(r, "method", m->method);
	put_text(r, "request_uri", m->request_uri);
	put_number(r, "status_code", m->status_code > 0, m->status_code);
	put_text(r, "reason_phrase", m->reason_phrase);
	put_text(r, "version", i->version);
	put_text(r, "call_id", m->call_id);
	put_number(r, "cseq", m->cseq > 0, m->cseq);
	put_text(r, "branch", m->branch);
	if (m->from.uri.n)
		json_object_set_new(r, "from", name_addr(&m->from));
	if (m->to.uri.n)
		json_object_set_new(r, "to", name_addr(&m->to));
	json_object_set_new(r, "header", header_fields(i));
	if (m->body.n)
		put_body(r, m->content_type, m->body);
}

void out_json_option(struct out *o, const struct out_option *option)
{
	json_t *r = record(o, "option");

	put_word(r, "name", option->name);
	put_word(r, "value", option->value);
	put_word(r, "origin", option->origin);
	put_word(r, "layer", option->layer);
	emit(o, r);
}

void out_json_credential(struct out *o, const struct out_credential *c)
{
	json_t *r = record(o, "credential");

	put_word(r, "file", c->file);
	put_number(r, "line", c->entry->line > 0, c->entry->line);
	json_object_set_new(r, "realm", text(c->entry->realm));
	json_object_set_new(r, "user", text(c->entry->user));
	put_word(r, "kind", c->entry->kind);
	put_word(r, "algorithm", c->entry->algorithm);
	put_word(r, "state", c->state);
	emit(o, r);
}

void out_json_parsed(struct out *o, const struct out_parsed *p)
{
	const struct inspect *i = p->message;
	json_t *r = record(o, "parsed");

	json_object_set_new(r, "file", text(str_of(p->file)));
	put_number(r, "index", true, p->index);
	json_object_set_new(r, "offset", json_integer((json_int_t)i->offset));
	json_object_set_new(r, "bytes", json_integer((json_int_t)i->bytes));
	json_object_set_new(r, "valid", json_boolean(i->error_count == 0));
	json_object_set_new(r, "verdict", json_string(inspect_verdict_name(i->verdict)));
	put_number(r, "answer", i->status > 0, i->status);
	if (i->readable)
		put_message(r, i);
	json_object_set_new(r, "finding", findings(i));
	put_number(r, "left_off", i->left_off > 0, i->left_off);
	if (o->config.verbose)
		put_raw(o, r, str_sub(p->text, i->offset, i->offset + i->bytes));
	emit(o, r);
}

/* ---- operations ---- */

static void challenged(struct out *o, const struct endpoint_auth *a)
{
	json_t *r = record(o, "auth"), *offered = json_array();

	for (unsigned i = 0; i < a->offered_count; i++)
		json_array_append_new(offered, json_string(a->offered[i]));
	json_object_set_new(r, "offered", offered);
	json_object_set_new(r, "scheme", json_string(a->scheme));
	json_object_set_new(r, "chosen", json_string(a->chosen));
	json_object_set_new(r, "realm", text(a->realm));
	json_object_set_new(r, "user", text(a->user));
	json_object_set_new(r, "source", json_string(a->source ? a->source : ""));
	json_object_set_new(r, "stale", json_boolean(a->stale));
	put_word(r, "qop", a->qop);
	put_word(r, "step", a->step);
	put_text(r, "target", a->target);
	put_number(r, "version", a->version > 0, a->version);
	emit(o, r);
}

static void retry(struct out *o, const struct endpoint_retry *e)
{
	json_t *r = record(o, "retry");

	json_object_set_new(r, "because", json_string(e->because));
	json_object_set_new(r, "detail", text(e->detail));
	json_object_set_new(r, "wait_ms", ms(e->wait_ms));
	put_number(r, "attempt", e->attempt > 0, e->attempt);
	put_number(r, "of", e->of > 0, e->of);
	emit(o, r);
}

static json_t *contact(const struct endpoint_contact *c)
{
	json_t *o = json_pack("{s:o, s:I, s:b}", "uri", text(c->uri), "expires",
		(json_int_t)c->expires, "own", c->own);

	if (c->q <= 1000)
		json_object_set_new(o, "q", json_real((double)c->q / 1000));
	put_text(o, "instance", c->instance);
	put_number(o, "reg_id", c->reg_id > 0, c->reg_id);
	put_text(o, "pub_gruu", c->pub_gruu);
	put_text(o, "temp_gruu", c->temp_gruu);
	return o;
}

static void registration(struct out *o, const struct endpoint_registration *e)
{
	json_t *r = record(o, "registration"), *contacts = json_array();

	json_object_set_new(r, "aor", text(e->aor));
	json_object_set_new(r, "state", json_string(e->active ? "active" : "terminated"));
	json_object_set_new(r, "cause", json_string(e->cause));
	for (unsigned i = 0; i < e->contact_count; i++)
		json_array_append_new(contacts, contact(&e->contacts[i]));
	if (e->active || e->contact_count > 0)
		json_object_set(r, "contact", contacts);
	if (e->active) {
		json_object_set_new(r, "path", texts(e->path, e->path_count));
		json_object_set_new(
			r, "service_route", texts(e->service_route, e->service_route_count));
		json_object_set_new(r, "outbound", json_boolean(e->outbound));
	}
	json_decref(contacts);
	put_number(r, "expires", e->expires > 0, e->expires);
	put_number(r, "refresh_in", e->refresh_in > 0, e->refresh_in);
	put_number(r, "reg_id", e->reg_id > 0, e->reg_id);
	put_word(r, "detail", e->detail);
	if (e->msg)
		put_diagnostics(r, e->msg);
	emit(o, r);
}

/* ---- calls ---- */

static void put_dialog(json_t *r, unsigned id)
{
	char name[16];

	snprintf(name, sizeof(name), "d%u", id);
	if (id)
		json_object_set_new(r, "dialog", json_string(name));
}

static void session(struct out *o, const struct endpoint_session *s)
{
	json_t *r = record(o, "dialog");

	put_dialog(r, s->id);
	json_object_set_new(r, "state", json_string(s->state));
	json_object_set_new(r, "direction", json_string(s->initiator ? "initiator" : "recipient"));
	put_word(r, "cause", s->cause);
	put_word(r, "change", s->news);
	if (s->extra)
		json_object_set_new(r, "extra", json_true());
	if (s->peer.uri.n)
		json_object_set_new(r, "peer", name_addr(&s->peer));
	put_text(r, "call_id", s->call_id);
	put_text(r, "local_tag", s->local_tag);
	put_text(r, "remote_tag", s->remote_tag);
	put_text(r, "remote_target", s->remote_target);
	if (strcmp(s->state, "confirmed") == 0)
		json_object_set_new(r, "route_set", texts(s->route_set, s->route_count));
	put_number(r, "status_code", s->status_code > 0, s->status_code);
	put_text(r, "reason_phrase", s->reason_phrase);
	put_text(r, "reason", s->reason);
	put_text(r, "warning", s->warning);
	put_ms(r, "setup_ms", s->setup_ms);
	put_ms(r, "duration_ms", s->duration_ms);
	put_word(r, "codec", s->codec);
	put_word(r, "media_direction", s->direction);
	if (strcmp(s->state, "terminated") == 0)
		json_object_set_new(r, "rtp_received", json_integer((json_int_t)s->rtp_received));
	emit(o, r);
}

static void session_timer(struct out *o, const struct endpoint_session_timer *t)
{
	json_t *r = record(o, "session_timer");

	put_dialog(r, t->id);
	json_object_set_new(r, "action", json_string(t->action));
	put_word(r, "method", t->method);
	put_word(r, "refresher", t->refresher);
	if (t->refresher && t->refresher[0])
		json_object_set_new(r, "local", json_boolean(t->local));
	put_number(r, "session_expires", t->session_expires > 0, t->session_expires);
	emit(o, r);
}

static void transfer(struct out *o, const struct endpoint_transfer *t)
{
	json_t *r = record(o, "transfer");

	put_dialog(r, t->id);
	json_object_set_new(r, "direction", json_string(t->received ? "received" : "sent"));
	json_object_set_new(r, "state", json_string(t->state));
	json_object_set_new(r, "refer_to", text(t->refer_to));
	put_text(r, "referred_by", t->referred_by);
	put_text(r, "method", t->method);
	put_text(r, "sipfrag", str_trim(t->sipfrag));
	put_number(r, "status_code", t->status_code > 0, t->status_code);
	put_text(r, "reason", t->reason);
	emit(o, r);
}

/* ---- event state ---- */

static void subscription(struct out *o, const struct endpoint_subscription *e)
{
	json_t *r = record(o, "subscription");

	put_dialog(r, e->id);
	json_object_set_new(r, "uri", text(e->uri));
	json_object_set_new(r, "event", text(e->event));
	json_object_set_new(r, "state", json_string(e->state));
	json_object_set_new(r, "cause", json_string(e->cause));
	put_text(r, "reason", e->reason);
	put_number(r, "expires", e->expires > 0, e->expires);
	put_number(r, "refresh_in", e->refresh_in > 0, e->refresh_in);
	put_number(r, "retry_after", e->has_retry_after, e->retry_after);
	put_text(r, "call_id", e->call_id);
	emit(o, r);
}

static void notification(struct out *o, const struct endpoint_notify *n)
{
	json_t *r = notify_head(o, n->msg);

	if (n->msg->body.n > 0)
		put_body(r, n->msg->content_type, n->msg->body);
	if (n->body)
		json_object_set_new(r, "body", out_json_tree(n->body));
	if (n->malformed)
		put_word(r, "body_error", n->malformed->text);
	if (n->whole)
		json_object_set_new(r, "state", out_json_tree(n->whole));
	put_dialog(r, n->id);
	json_object_set_new(r, "uri", text(n->uri));
	put_text(r, "reason", n->reason);
	put_number(r, "expires", n->has_expires, n->expires);
	put_text(r, "sip_etag", n->etag);
	put_word(r, "note", n->note);
	if (o->config.verbose)
		put_raw(o, r, n->msg->wire);
	emit(o, r);
}

static void publication(struct out *o, const struct endpoint_publication *e)
{
	json_t *r = record(o, "publication");

	json_object_set_new(r, "aor", text(e->aor));
	json_object_set_new(r, "event", text(e->event));
	json_object_set_new(r, "state", json_string(e->state));
	json_object_set_new(r, "cause", json_string(e->cause));
	put_number(r, "expires", e->expires > 0, e->expires);
	put_number(r, "refresh_in", e->refresh_in > 0, e->refresh_in);
	put_text(r, "sip_etag", e->etag);
	emit(o, r);
}

void out_json_event(struct out *o, const struct endpoint_event *ev)
{
	switch (ev->type) {
	case ENDPOINT_RESOLVED:
		resolved(o, ev->resolved);
		break;
	case ENDPOINT_CONNECTED:
		connected(o, ev->flow);
		break;
	case ENDPOINT_DISCONNECTED:
		disconnected(o, ev->flow);
		break;
	case ENDPOINT_REQUEST:
	case ENDPOINT_UNMATCHED:
		request(o, ev->msg);
		break;
	case ENDPOINT_RESPONSE:
		response(o, ev->msg);
		break;
	case ENDPOINT_CHALLENGED:
		challenged(o, ev->auth);
		break;
	case ENDPOINT_RETRY:
		retry(o, ev->retry);
		break;
	case ENDPOINT_REGISTRATION:
		registration(o, ev->registration);
		break;
	case ENDPOINT_SESSION:
		session(o, ev->session);
		break;
	case ENDPOINT_SESSION_TIMER:
		session_timer(o, ev->session_timer);
		break;
	case ENDPOINT_TRANSFER:
		transfer(o, ev->transfer);
		break;
	case ENDPOINT_SUBSCRIPTION:
		subscription(o, ev->subscription);
		break;
	case ENDPOINT_NOTIFY:
		notification(o, ev->notify);
		break;
	case ENDPOINT_PUBLICATION:
		publication(o, ev->publication);
		break;
	case ENDPOINT_MALFORMED:
		malformed(o, ev->malformed);
		break;
	case ENDPOINT_LISTENER_LOST: /* `disconnected` has a peer */
	case ENDPOINT_INCOMING: /* whoever takes it tells */
	case ENDPOINT_ANSWERED:
	case ENDPOINT_DONE:
	case ENDPOINT_FAILED:
	case ENDPOINT_CLOSED:
		break;
	}
}

static json_t *message_record(struct out *o, const struct out_message *m)
{
	json_t *r = record(o, "message");

	json_object_set_new(r, "direction", json_string(m->sent ? "sent" : "received"));
	json_object_set_new(r, "method", text(m->method));
	put_body(r, m->content_type, m->body);
	put_dialog(r, m->dialog);
	if (m->from)
		json_object_set_new(r, "from", name_addr(m->from));
	if (m->to)
		json_object_set_new(r, "to", name_addr(m->to));
	put_number(r, m->sent ? "status_code" : "replied", m->status > 0, m->status);
	if (m->sent)
		put_text(r, "reason_phrase", m->reason_phrase);
	return r;
}

void out_json_message(struct out *o, const struct out_message *m)
{
	emit(o, message_record(o, m));
}

void out_json_binding(struct out *o, const struct out_binding *b)
{
	json_t *r = record(o, "binding");

	json_object_set_new(r, "aor", text(b->aor));
	json_object_set_new(r, "contact", text(b->contact));
	json_object_set_new(r, "cause", json_string(b->cause));
	json_object_set_new(r, "expires", json_integer(b->expires));
	put_text(r, "user_agent", b->user_agent);
	emit(o, r);
}

void out_json_discarded(struct out *o, const struct endpoint_msg *m, struct str why)
{
	json_t *r = record(o, "discarded");

	json_object_set_new(r, "why", text(why));
	json_object_set_new(r, "method", text(m->method));
	put_number(r, "status_code", m->status_code > 0, m->status_code);
	json_object_set_new(r, "call_id", text(m->call_id));
	json_object_set_new(r, "cseq", json_integer(m->cseq));
	json_object_set_new(r, "from", name_addr(&m->from));
	json_object_set_new(r, "to", name_addr(&m->to));
	json_object_set_new(r, "remote", hop(&m->remote));
	emit(o, r);
}

/* ---- the end ---- */

void out_json_error(struct out *o, const struct out_json_error *e)
{
	const struct endpoint_result *result = e->result;
	json_t *r = record(o, "error");

	json_object_set_new(r, "detail", text(str_of(e->text)));
	json_object_set_new(r, "exit_code", json_integer(e->code));
	json_object_set_new(r, "exit_name", json_string(exit_name(e->code)));
	put_word(r, "uri", e->uri);
	if (result) {
		put_word(r, "cause", result->cause);
		put_number(r, "targets_known", result->counts.targets_known > 0,
			result->counts.targets_known);
		put_number(r, "targets_tried", result->counts.targets_tried > 0,
			result->counts.targets_tried);
	}
	if (result && result->response) {
		put_number(r, "status_code", true, result->response->status_code);
		put_reasons(r, result->response);
	}
	emit(o, r);
}

void out_json_check(struct out *o, const struct out_check *c)
{
	json_t *r = record(o, "check");

	json_object_set_new(r, "check", json_string(c->name));
	json_object_set_new(r, "wanted", text(str_of(c->wanted)));
	put_text(r, "found", c->found);
	json_object_set_new(r, "passed", json_boolean(c->passed));
	emit(o, r);
}

void out_json_summary(struct out *o, const struct out_summary *s)
{
	json_t *r = record(o, "summary"), *by_status = json_object(), *by_exit = json_object();
	char status[16];

	for (unsigned i = 0; i < ARRAY_LEN(s->by_status); i++) {
		snprintf(status, sizeof(status), "%u", i);
		put_number(by_status, status, s->by_status[i] > 0, s->by_status[i]);
	}
	for (unsigned i = 0; i < ARRAY_LEN(s->by_exit); i++)
		put_number(by_exit, exit_name((int)i), s->by_exit[i] > 0, s->by_exit[i]);
	put_number(r, "sent", true, s->sent);
	put_number(r, "ok", true, s->ok);
	put_number(r, "failed", true, s->failed);
	if (json_object_size(by_status) > 0)
		json_object_set_new(r, "rtt_ms",
			json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "min", ms(s->min), "mean",
				ms(s->mean), "max", ms(s->max), "p50", ms(s->p50), "p95",
				ms(s->p95), "p99", ms(s->p99)));
	json_object_set_new(r, "by_status", by_status);
	json_object_set_new(r, "by_exit", by_exit);
	emit(o, r);
}

static json_t *times(const struct endpoint_times *t)
{
	json_t *o = json_object();

	put_ms(o, "resolve", t->resolve);
	put_ms(o, "connect", t->connect);
	put_ms(o, "tls", t->tls);
	put_ms(o, "first_response", t->first_response);
	put_ms(o, "total", t->total);
	return o;
}

void out_json_end(struct out *o, int code, const struct endpoint_result *last,
	const struct endpoint_counts *counts, struct buf *line)
{
	static const struct endpoint_counts none;
	const struct endpoint_counts *c = counts ? counts : &none;
	json_t *r = record(o, "end");

	json_object_set_new(r, "exit_code", json_integer(code));
	json_object_set_new(r, "exit_name", json_string(exit_name(code)));
	put_number(r, "sent", true, c->sent);
	put_number(r, "received", true, c->received);
	put_number(r, "retransmissions", true, c->retransmissions);
	put_number(r, "discarded", c->discarded + o->discarded > 0, c->discarded + o->discarded);
	if (last && last->response)
		put_number(r, "status_code", true, last->response->status_code);
	if (last)
		json_object_set_new(r, "time_ms", times(&last->times));
	if (o->reachable >= 0)
		json_object_set_new(r, "reachable", json_boolean(o->reachable));
	add_line(r, line);
}
