/* cli/out_json.c -- records as NDJSON (cli.md sections 10.3 and 10.4; the table is events.def) */
#include "out_json.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "endpoint/endpoint.h"
#include "exit.h"
#include "out_tree.h"
#include "secret.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void out_json_start(struct out *o, const char *aor)
{
	json_t *r = record_new(o, "start");

	json_object_set_new(r, "pid", json_integer(getpid()));
	json_object_set_new(r, "version", json_string(RTE_VERSION));
	record_put_word(r, "aor", aor);
	record_emit(o, r);
}

void out_json_endpoint(struct out *o, const struct out_endpoint *e)
{
	json_t *r = record_new(o, "endpoint");

	record_put_word(r, "kind", e->kind);
	record_put_word(r, "manager", e->manager);
	record_put_word(r, "dialect", e->dialect);
	record_put_word(r, "aor", e->aor);
	record_put_word(r, "epid", e->epid);
	record_put_word(r, "home_server", e->home_server);
	record_put_word(r, "proxy", e->proxy);
	record_put_word(r, "transport", e->transport);
	record_emit(o, r);
}

void out_json_listening(struct out *o, const struct endpoint_hop *local, unsigned count)
{
	json_t *r = record_new(o, "listening");

	json_object_set_new(r, "local", record_hops(local, count));
	record_put_number(r, "seed", o->has_seed, o->seed);
	record_emit(o, r);
}

/* ---- server location ---- */

static json_t *query(const struct endpoint_query *q, struct str answer)
{
	json_t *o = json_pack("{s:o, s:s, s:s, s:o}", "name", record_text(q->name), "rrtype",
		q->rrtype, "rcode", q->rcode, "elapsed_ms", record_ms(q->ms));

	record_put_text(o, "answer", answer);
	return o;
}

static json_t *targets(const struct endpoint_target *list, unsigned n)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < n; i++) {
		const struct endpoint_target *t = &list[i];
		json_t *o = record_hop(&t->hop);

		json_object_set_new(o, "host", record_text(t->host));
		record_put_number(o, "priority", t->srv, t->priority);
		record_put_number(o, "weight", t->srv, t->weight);
		json_array_append_new(a, o);
	}
	return a;
}

static void resolved(struct out *o, const struct endpoint_resolved *e)
{
	json_t *r = record_new(o, "resolved"), *queries = json_array();

	for (unsigned i = 0; i < e->query_count; i++)
		json_array_append_new(queries, query(&e->queries[i], STR_EMPTY));
	json_object_set_new(r, "uri", record_text(e->uri));
	json_object_set_new(r, "queries", queries);
	json_object_set_new(r, "targets", targets(e->targets, e->target_count));
	record_emit(o, r);
}

void out_json_resolved(struct out *o, const struct out_resolved *e)
{
	json_t *r = record_new(o, "resolved"), *queries = json_array();

	for (unsigned i = 0; i < e->query_count; i++)
		json_array_append_new(queries, query(&e->queries[i].query, e->queries[i].answer));
	json_object_set_new(r, "uri", record_text(e->uri));
	json_object_set_new(r, "queries", queries);
	json_object_set_new(r, "targets", targets(e->targets, e->target_count));
	record_emit(o, r);
}

/* ---- flows ---- */

static json_t *tls(const struct endpoint_tls *t)
{
	json_t *o = json_pack("{s:s, s:s, s:b, s:b}", "version", t->version, "cipher", t->cipher,
		"verified", t->verified, "resumed", t->resumed);

	record_put_word(o, "server_name", t->server_name);
	record_put_word(o, "identity", t->identity);
	record_put_word(o, "not_after", t->not_after);
	record_put_word(o, "spki_sha256", t->spki_sha256);
	return o;
}

static json_t *flow_record(struct out *o, const char *type, const struct endpoint_flow *f)
{
	json_t *r = record_new(o, type);

	json_object_set_new(r, "local", record_hop(&f->local));
	json_object_set_new(r, "remote", record_hop(&f->remote));
	if (f->incoming)
		json_object_set_new(r, "incoming", json_true());
	return r;
}

static void connected(struct out *o, const struct endpoint_flow *f)
{
	json_t *r = flow_record(o, "connected", f);

	if (f->tls)
		json_object_set_new(r, "tls", tls(f->tls));
	record_emit(o, r);
}

static void disconnected(struct out *o, const struct endpoint_flow *f)
{
	json_t *r = flow_record(o, "disconnected", f);

	record_put_word(r, "cause", f->cause);
	record_put_word(r, "action", f->action);
	record_put_text(r, "detail", f->detail);
	record_emit(o, r);
}

/* ---- messages in files ---- */

static json_t *findings(const struct inspect *i)
{
	json_t *a = json_array();

	for (unsigned k = 0; k < i->finding_count; k++) {
		const struct inspect_finding *f = &i->findings[k];
		json_t *o = json_pack("{s:s, s:I, s:i, s:i, s:o}", "severity",
			f->error ? "error" : "warning", "offset", (json_int_t)f->offset, "line",
			(int)f->line, "column", (int)f->column, "detail", record_text(f->text));

		record_put_text(o, "header", f->header);
		json_array_append_new(a, o);
	}
	return a;
}

static json_t *header_fields(const struct inspect *i)
{
	json_t *a = json_array();

	for (unsigned k = 0; k < i->header_count; k++)
		json_array_append_new(
			a, json_pack("{s:o, s:o, s:I}", "name", record_text(i->headers[k].name),
				   "value", record_text(i->headers[k].value), "offset",
				   (json_int_t)i->headers[k].offset));
	return a;
}

/* Under the names that the records of messages have. */
static void put_message(json_t *r, const struct inspect *i)
{
	const struct endpoint_msg *m = &i->msg;

	record_put_text(r, "method", m->method);
	record_put_text(r, "request_uri", m->request_uri);
	record_put_number(r, "status_code", m->status_code > 0, m->status_code);
	record_put_text(r, "reason_phrase", m->reason_phrase);
	record_put_text(r, "version", i->version);
	record_put_text(r, "call_id", m->call_id);
	record_put_number(r, "cseq", m->cseq > 0, m->cseq);
	record_put_text(r, "branch", m->branch);
	if (m->from.uri.n)
		json_object_set_new(r, "from", record_name_addr(&m->from));
	if (m->to.uri.n)
		json_object_set_new(r, "to", record_name_addr(&m->to));
	json_object_set_new(r, "header", header_fields(i));
	if (m->body.n)
		out_json_put_body(r, m->content_type, m->body);
}

void out_json_option(struct out *o, const struct out_option *option)
{
	json_t *r = record_new(o, "option");

	record_put_word(r, "name", option->name);
	record_put_word(r, "value", option->value);
	record_put_word(r, "origin", option->origin);
	record_put_word(r, "layer", option->layer);
	record_emit(o, r);
}

void out_json_credential(struct out *o, const struct out_credential *c)
{
	json_t *r = record_new(o, "credential");

	record_put_word(r, "file", c->file);
	record_put_number(r, "line", c->entry->line > 0, c->entry->line);
	json_object_set_new(r, "realm", record_text(c->entry->realm));
	json_object_set_new(r, "user", record_text(c->entry->user));
	record_put_word(r, "kind", c->entry->kind);
	record_put_word(r, "algorithm", c->entry->algorithm);
	record_put_word(r, "state", c->state);
	record_emit(o, r);
}

void out_json_parsed(struct out *o, const struct out_parsed *p)
{
	const struct inspect *i = p->message;
	json_t *r = record_new(o, "parsed");

	json_object_set_new(r, "file", record_text(str_of(p->file)));
	record_put_number(r, "index", true, p->index);
	json_object_set_new(r, "offset", json_integer((json_int_t)i->offset));
	json_object_set_new(r, "bytes", json_integer((json_int_t)i->bytes));
	json_object_set_new(r, "valid", json_boolean(i->error_count == 0));
	json_object_set_new(r, "verdict", json_string(inspect_verdict_name(i->verdict)));
	record_put_number(r, "answer", i->status > 0, i->status);
	if (i->readable)
		put_message(r, i);
	json_object_set_new(r, "finding", findings(i));
	record_put_number(r, "left_off", i->left_off > 0, i->left_off);
	if (o->config.verbose)
		out_json_put_raw(o, r, str_sub(p->text, i->offset, i->offset + i->bytes));
	record_emit(o, r);
}

/* ---- operations ---- */

static void challenged(struct out *o, const struct endpoint_auth *a)
{
	json_t *r = record_new(o, "auth"), *offered = json_array();

	for (unsigned i = 0; i < a->offered_count; i++)
		json_array_append_new(offered, json_string(a->offered[i]));
	json_object_set_new(r, "offered", offered);
	json_object_set_new(r, "scheme", json_string(a->scheme));
	json_object_set_new(r, "chosen", json_string(a->chosen));
	json_object_set_new(r, "realm", record_text(a->realm));
	json_object_set_new(r, "user", record_text(a->user));
	json_object_set_new(r, "source", json_string(a->source ? a->source : ""));
	json_object_set_new(r, "stale", json_boolean(a->stale));
	record_put_word(r, "qop", a->qop);
	record_put_word(r, "step", a->step);
	record_put_text(r, "target", a->target);
	record_put_number(r, "version", a->version > 0, a->version);
	record_emit(o, r);
}

static void retry(struct out *o, const struct endpoint_retry *e)
{
	json_t *r = record_new(o, "retry");

	json_object_set_new(r, "because", json_string(e->because));
	json_object_set_new(r, "detail", record_text(e->detail));
	json_object_set_new(r, "wait_ms", record_ms(e->wait_ms));
	record_put_number(r, "attempt", e->attempt > 0, e->attempt);
	record_put_number(r, "of", e->of > 0, e->of);
	record_emit(o, r);
}

static json_t *contact(const struct endpoint_contact *c)
{
	json_t *o = json_pack("{s:o, s:I, s:b}", "uri", record_text(c->uri), "expires",
		(json_int_t)c->expires, "own", c->own);

	if (c->q <= 1000)
		json_object_set_new(o, "q", json_real((double)c->q / 1000));
	record_put_text(o, "instance", c->instance);
	record_put_number(o, "reg_id", c->reg_id > 0, c->reg_id);
	record_put_text(o, "pub_gruu", c->pub_gruu);
	record_put_text(o, "temp_gruu", c->temp_gruu);
	return o;
}

static void registration(struct out *o, const struct endpoint_registration *e)
{
	json_t *r = record_new(o, "registration"), *contacts = json_array();

	json_object_set_new(r, "aor", record_text(e->aor));
	json_object_set_new(r, "state", json_string(e->active ? "active" : "terminated"));
	json_object_set_new(r, "cause", json_string(e->cause));
	for (unsigned i = 0; i < e->contact_count; i++)
		json_array_append_new(contacts, contact(&e->contacts[i]));
	if (e->active || e->contact_count > 0)
		json_object_set(r, "contact", contacts);
	if (e->active) {
		json_object_set_new(r, "path", record_texts(e->path, e->path_count));
		json_object_set_new(
			r, "service_route", record_texts(e->service_route, e->service_route_count));
		json_object_set_new(r, "outbound", json_boolean(e->outbound));
	}
	json_decref(contacts);
	record_put_number(r, "expires", e->expires > 0, e->expires);
	record_put_number(r, "refresh_in", e->refresh_in > 0, e->refresh_in);
	record_put_number(r, "reg_id", e->reg_id > 0, e->reg_id);
	record_put_word(r, "detail", e->detail);
	if (e->msg)
		out_json_put_diagnostics(r, e->msg);
	record_emit(o, r);
}

/* ---- calls ---- */

void out_json_put_dialog(json_t *r, unsigned id)
{
	char name[16];

	snprintf(name, sizeof(name), "d%u", id);
	if (id)
		json_object_set_new(r, "dialog", json_string(name));
}

static void session(struct out *o, const struct endpoint_session *s)
{
	json_t *r = record_new(o, "dialog");

	out_json_put_dialog(r, s->id);
	json_object_set_new(r, "state", json_string(s->state));
	json_object_set_new(r, "direction", json_string(s->initiator ? "initiator" : "recipient"));
	record_put_word(r, "cause", s->cause);
	record_put_word(r, "change", s->news);
	if (s->extra)
		json_object_set_new(r, "extra", json_true());
	if (s->peer.uri.n)
		json_object_set_new(r, "peer", record_name_addr(&s->peer));
	record_put_text(r, "call_id", s->call_id);
	record_put_text(r, "local_tag", s->local_tag);
	record_put_text(r, "remote_tag", s->remote_tag);
	record_put_text(r, "remote_target", s->remote_target);
	if (strcmp(s->state, "confirmed") == 0)
		json_object_set_new(r, "route_set", record_texts(s->route_set, s->route_count));
	record_put_number(r, "status_code", s->status_code > 0, s->status_code);
	record_put_text(r, "reason_phrase", s->reason_phrase);
	record_put_text(r, "reason", s->reason);
	record_put_text(r, "warning", s->warning);
	record_put_ms(r, "setup_ms", s->setup_ms);
	record_put_ms(r, "duration_ms", s->duration_ms);
	record_put_word(r, "codec", s->codec);
	record_put_word(r, "media_direction", s->direction);
	if (strcmp(s->state, "terminated") == 0)
		json_object_set_new(r, "rtp_received", json_integer((json_int_t)s->rtp_received));
	record_emit(o, r);
}

static void session_timer(struct out *o, const struct endpoint_session_timer *t)
{
	json_t *r = record_new(o, "session_timer");

	out_json_put_dialog(r, t->id);
	json_object_set_new(r, "action", json_string(t->action));
	record_put_word(r, "method", t->method);
	record_put_word(r, "refresher", t->refresher);
	if (t->refresher && t->refresher[0])
		json_object_set_new(r, "local", json_boolean(t->local));
	record_put_number(r, "session_expires", t->session_expires > 0, t->session_expires);
	record_emit(o, r);
}

static void transfer(struct out *o, const struct endpoint_transfer *t)
{
	json_t *r = record_new(o, "transfer");

	out_json_put_dialog(r, t->id);
	json_object_set_new(r, "direction", json_string(t->received ? "received" : "sent"));
	json_object_set_new(r, "state", json_string(t->state));
	json_object_set_new(r, "refer_to", record_text(t->refer_to));
	record_put_text(r, "referred_by", t->referred_by);
	record_put_text(r, "method", t->method);
	record_put_text(r, "sipfrag", str_trim(t->sipfrag));
	record_put_number(r, "status_code", t->status_code > 0, t->status_code);
	record_put_text(r, "reason", t->reason);
	record_emit(o, r);
}

/* ---- event state ---- */

static void subscription(struct out *o, const struct endpoint_subscription *e)
{
	json_t *r = record_new(o, "subscription");

	out_json_put_dialog(r, e->id);
	json_object_set_new(r, "uri", record_text(e->uri));
	json_object_set_new(r, "event", record_text(e->event));
	json_object_set_new(r, "state", json_string(e->state));
	json_object_set_new(r, "cause", json_string(e->cause));
	record_put_text(r, "reason", e->reason);
	record_put_number(r, "expires", e->expires > 0, e->expires);
	record_put_number(r, "refresh_in", e->refresh_in > 0, e->refresh_in);
	record_put_number(r, "retry_after", e->has_retry_after, e->retry_after);
	record_put_text(r, "call_id", e->call_id);
	record_emit(o, r);
}

static void notification(struct out *o, const struct endpoint_notify *n)
{
	json_t *r = out_json_notify_head(o, n->msg);

	if (n->msg->body.n > 0)
		out_json_put_body(r, n->msg->content_type, n->msg->body);
	if (n->body)
		json_object_set_new(r, "body", out_json_tree(n->body));
	if (n->malformed)
		record_put_word(r, "body_error", n->malformed->text);
	if (n->whole)
		json_object_set_new(r, "state", out_json_tree(n->whole));
	out_json_put_dialog(r, n->id);
	json_object_set_new(r, "uri", record_text(n->uri));
	record_put_text(r, "reason", n->reason);
	record_put_number(r, "expires", n->has_expires, n->expires);
	record_put_text(r, "sip_etag", n->etag);
	record_put_word(r, "note", n->note);
	if (o->config.verbose)
		out_json_put_raw(o, r, n->msg->wire);
	record_emit(o, r);
}

static void publication(struct out *o, const struct endpoint_publication *e)
{
	json_t *r = record_new(o, "publication");

	json_object_set_new(r, "aor", record_text(e->aor));
	json_object_set_new(r, "event", record_text(e->event));
	json_object_set_new(r, "state", json_string(e->state));
	json_object_set_new(r, "cause", json_string(e->cause));
	record_put_number(r, "expires", e->expires > 0, e->expires);
	record_put_number(r, "refresh_in", e->refresh_in > 0, e->refresh_in);
	record_put_text(r, "sip_etag", e->etag);
	record_emit(o, r);
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
		out_json_request(o, ev->msg);
		break;
	case ENDPOINT_RESPONSE:
		out_json_response(o, ev->msg);
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
		out_json_malformed(o, ev->malformed);
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

void out_json_binding(struct out *o, const struct out_binding *b)
{
	json_t *r = record_new(o, "binding");

	json_object_set_new(r, "aor", record_text(b->aor));
	json_object_set_new(r, "contact", record_text(b->contact));
	json_object_set_new(r, "cause", json_string(b->cause));
	json_object_set_new(r, "expires", json_integer(b->expires));
	record_put_text(r, "user_agent", b->user_agent);
	record_emit(o, r);
}

void out_json_discarded(struct out *o, const struct endpoint_msg *m, struct str why)
{
	json_t *r = record_new(o, "discarded");

	json_object_set_new(r, "why", record_text(why));
	json_object_set_new(r, "method", record_text(m->method));
	record_put_number(r, "status_code", m->status_code > 0, m->status_code);
	json_object_set_new(r, "call_id", record_text(m->call_id));
	json_object_set_new(r, "cseq", json_integer(m->cseq));
	json_object_set_new(r, "from", record_name_addr(&m->from));
	json_object_set_new(r, "to", record_name_addr(&m->to));
	json_object_set_new(r, "remote", record_hop(&m->remote));
	record_emit(o, r);
}

/* ---- the end ---- */

void out_json_error(struct out *o, const struct out_json_error *e)
{
	const struct endpoint_result *result = e->result;
	json_t *r = record_new(o, "error");

	json_object_set_new(r, "detail", record_text(str_of(e->text)));
	json_object_set_new(r, "exit_code", json_integer(e->code));
	json_object_set_new(r, "exit_name", json_string(exit_name(e->code)));
	record_put_word(r, "uri", e->uri);
	if (result) {
		record_put_word(r, "cause", result->cause);
		record_put_number(r, "targets_known", result->counts.targets_known > 0,
			result->counts.targets_known);
		record_put_number(r, "targets_tried", result->counts.targets_tried > 0,
			result->counts.targets_tried);
	}
	if (result && result->response) {
		record_put_number(r, "status_code", true, result->response->status_code);
		out_json_put_reasons(r, result->response);
	}
	record_emit(o, r);
}

void out_json_check(struct out *o, const struct out_check *c)
{
	json_t *r = record_new(o, "check");

	json_object_set_new(r, "check", json_string(c->name));
	json_object_set_new(r, "wanted", record_text(str_of(c->wanted)));
	record_put_text(r, "found", c->found);
	json_object_set_new(r, "passed", json_boolean(c->passed));
	record_emit(o, r);
}

void out_json_step(struct out *o, const struct out_step *s)
{
	json_t *r = record_new(o, "step");

	record_put_word(r, "file", s->file);
	json_object_set_new(r, "line", json_integer(s->line));
	record_put_word(r, "step", s->text);
	record_put_word(r, "party", s->party);
	json_object_set_new(r, "passed", json_boolean(s->state == OUT_STEP_OK));
	record_put_word(r, "detail", s->why);
	record_put_ms(r, "took_ms", s->ms);
	record_emit(o, r);
}

void out_json_summary(struct out *o, const struct out_summary *s)
{
	json_t *r = record_new(o, "summary"), *by_status = json_object(), *by_exit = json_object();
	char status[16];

	for (unsigned i = 0; i < ARRAY_LEN(s->by_status); i++) {
		snprintf(status, sizeof(status), "%u", i);
		record_put_number(by_status, status, s->by_status[i] > 0, s->by_status[i]);
	}
	for (unsigned i = 0; i < ARRAY_LEN(s->by_exit); i++)
		record_put_number(by_exit, exit_name((int)i), s->by_exit[i] > 0, s->by_exit[i]);
	record_put_number(r, "sent", true, s->sent);
	record_put_number(r, "ok", true, s->ok);
	record_put_number(r, "failed", true, s->failed);
	if (json_object_size(by_status) > 0)
		json_object_set_new(r, "rtt_ms",
			json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "min", record_ms(s->min),
				"mean", record_ms(s->mean), "max", record_ms(s->max), "p50",
				record_ms(s->p50), "p95", record_ms(s->p95), "p99",
				record_ms(s->p99)));
	json_object_set_new(r, "by_status", by_status);
	json_object_set_new(r, "by_exit", by_exit);
	record_emit(o, r);
}

/* total is the command's, whatever its last request took. */
static json_t *times(const struct endpoint_times *t, double total)
{
	json_t *o = json_object();

	record_put_ms(o, "resolve", t->resolve);
	record_put_ms(o, "connect", t->connect);
	record_put_ms(o, "tls", t->tls);
	record_put_ms(o, "first_response", t->first_response);
	record_put_ms(o, "total", total);
	return o;
}

void out_json_end(struct out *o, int code, const struct endpoint_result *last,
	const struct endpoint_counts *counts, struct buf *line)
{
	static const struct endpoint_counts none;
	const struct endpoint_counts *c = counts ? counts : &none;
	json_t *r = record_new(o, "end");

	json_object_set_new(r, "exit_code", json_integer(code));
	json_object_set_new(r, "exit_name", json_string(exit_name(code)));
	record_put_number(r, "sent", true, c->sent);
	record_put_number(r, "received", true, c->received);
	record_put_number(r, "retransmissions", true, c->retransmissions);
	record_put_number(
		r, "discarded", c->discarded + o->discarded > 0, c->discarded + o->discarded);
	if (last && last->response)
		record_put_number(r, "status_code", true, last->response->status_code);
	if (last)
		json_object_set_new(r, "time_ms", times(&last->times, out_elapsed_ms(o)));
	if (o->reachable >= 0)
		json_object_set_new(r, "reachable", json_boolean(o->reachable));
	record_line(r, line);
}
