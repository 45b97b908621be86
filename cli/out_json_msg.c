/* cli/out_json_msg.c -- records of messages: requests, responses, notifications, bodies */
#include "out_json.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/utf8.h"
#include "endpoint/decode.h"
#include "endpoint/endpoint.h"
#include "mask.h"
#include "out_tree.h"

#include <stdio.h>
#include <string.h>

/* -v: the whole message, as bytes where it is no text. */
void out_json_put_raw(struct out *o, json_t *r, struct str wire)
{
	CLEANUP(buf_done) struct buf plain = BUF_INIT(RECORD_TEXT), base64 = BUF_INIT(RECORD_TEXT);

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
	json_t *r = record_new(o, "request");
	uint32_t hops_left = 0;
	bool has_hops = header_number(m, STR("Max-Forwards"), &hops_left);

	json_object_set_new(r, "direction", json_string(m->sent ? "sent" : "received"));
	json_object_set_new(r, "method", record_text(m->method));
	json_object_set_new(r, "request_uri", record_text(m->request_uri));
	json_object_set_new(r, "call_id", record_text(m->call_id));
	json_object_set_new(r, "cseq", json_integer(m->cseq));
	json_object_set_new(r, "branch", record_text(m->branch));
	json_object_set_new(r, "from", record_name_addr(&m->from));
	json_object_set_new(r, "to", record_name_addr(&m->to));
	json_object_set_new(r, "bytes", json_integer((json_int_t)m->bytes));
	json_object_set_new(r, "retransmissions", json_integer(m->retransmissions));
	record_put_number(r, "max_forwards", has_hops, hops_left);
	record_put_number(r, "replied", m->replied > 0, m->replied);
	if (m->remote.address.n)
		json_object_set_new(r, "remote", record_hop(&m->remote));
	return r;
}

void out_json_request(struct out *o, const struct endpoint_msg *m)
{
	json_t *r = request_record(o, m);

	if (o->config.verbose)
		out_json_put_raw(o, r, m->wire);
	record_emit(o, r);
}

void out_json_put_diagnostics(json_t *r, const struct endpoint_msg *m)
{
	record_put_text(r, "ms_diagnostics", m->ms_diagnostics);
	record_put_number(r, "ms_diagnostics_id", m->ms_diagnostics_id > 0, m->ms_diagnostics_id);
	record_put_text(r, "ms_diagnostics_reason", m->ms_diagnostics_reason);
}

/* What a peer said about its failure. */
void out_json_put_reasons(json_t *r, const struct endpoint_msg *m)
{
	CLEANUP(buf_done) struct buf way = BUF_INIT(1 << 16);
	const char *name = out_way_out(m, &way);

	record_put_text(r, "warning", m->warning);
	record_put_text(r, "reason", m->reason);
	record_put_number(r, "retry_after", m->has_retry_after, m->retry_after);
	out_json_put_diagnostics(r, m);
	if (name)
		record_put_text(r, strcmp(name, "allow-events") == 0 ? "allow_events" : name,
			buf_str(&way));
}

void out_json_response(struct out *o, const struct endpoint_msg *m)
{
	json_t *r = record_new(o, "response");

	json_object_set_new(r, "direction", json_string(m->sent ? "sent" : "received"));
	json_object_set_new(r, "method", record_text(m->method));
	json_object_set_new(r, "status_code", json_integer(m->status_code));
	json_object_set_new(r, "reason_phrase", record_text(m->reason_phrase));
	json_object_set_new(r, "call_id", record_text(m->call_id));
	json_object_set_new(r, "cseq", json_integer(m->cseq));
	record_put_ms(r, "rtt_ms", m->rtt_ms);
	record_put_text(r, "server", m->server);
	out_json_put_reasons(r, m);
	if (m->remote.address.n)
		json_object_set_new(r, "remote", record_hop(&m->remote));
	if (o->config.verbose)
		out_json_put_raw(o, r, m->wire);
	record_emit(o, r);
}

/* A body is text where it can be, else its bytes (ME-08). */
void out_json_put_body(json_t *r, struct str type, struct str body)
{
	CLEANUP(buf_done) struct buf base64 = BUF_INIT(RECORD_TEXT);

	record_put_text(r, "content_type", type);
	if (out_body_is_text(body)) {
		json_object_set_new(r, "body", record_text(body));
		return;
	}
	text_base64_encode(&base64, body);
	record_put_text(r, "body_base64", buf_str(&base64));
}

/* The same of a notification: decoded where that is possible. */
static void put_decoded(json_t *r, struct str type, struct str body)
{
	struct arena arena = { 0 };
	struct tree *t = NULL;
	struct fail f = { 0 };
	int e = body.n ? endpoint_decode(type, body, &arena, &t, &f) : 0;

	if (body.n > 0)
		out_json_put_body(r, type, body);
	if (t)
		json_object_set_new(r, "body", out_json_tree(t));
	if (e != 0)
		record_put_word(r, "body_error", f.text);
	arena_done(&arena);
}

/* All but the body. */
json_t *out_json_notify_head(struct out *o, const struct endpoint_msg *m)
{
	json_t *r = record_new(o, "notify");
	struct str event = STR_EMPTY, state;

	endpoint_msg_header(m, STR("Event"), 0, &event);
	json_object_set_new(
		r, "event", record_text(str_trim(str_sub(event, 0, str_find(event, ';')))));
	if (endpoint_msg_header(m, STR("Subscription-State"), 0, &state))
		record_put_text(
			r, "subscription_state", str_trim(str_sub(state, 0, str_find(state, ';'))));
	json_object_set_new(r, "from", record_name_addr(&m->from));
	json_object_set_new(r, "to", record_name_addr(&m->to));
	record_put_number(r, "replied", m->replied > 0, m->replied);
	return r;
}

static json_t *notify_record(struct out *o, const struct endpoint_msg *m)
{
	json_t *r = out_json_notify_head(o, m);

	put_decoded(r, m->content_type, m->body);
	return r;
}

void out_json_notify(struct out *o, const struct endpoint_msg *m)
{
	json_t *r = notify_record(o, m);

	if (o->config.verbose)
		out_json_put_raw(o, r, m->wire);
	record_emit(o, r);
}

void out_json_answered(struct out *o, const struct endpoint_msg *m, struct str reason)
{
	json_t *r = record_new(o, "response");

	json_object_set_new(r, "direction", json_string("sent"));
	json_object_set_new(r, "method", record_text(m->method));
	json_object_set_new(r, "status_code", json_integer(m->replied));
	json_object_set_new(r, "reason_phrase", record_text(reason));
	json_object_set_new(r, "call_id", record_text(m->call_id));
	json_object_set_new(r, "cseq", json_integer(m->cseq));
	if (m->remote.address.n)
		json_object_set_new(r, "remote", record_hop(&m->remote));
	record_emit(o, r);
}

static json_t *message_record(struct out *o, const struct out_message *m);

void out_request_json(struct out *o, const struct endpoint_msg *m, struct buf *line)
{
	unsigned seq;
	json_t *r;

	o = out_speak(o);
	seq = o->seq;
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
	out_json_put_raw(o, r, m->wire);
	o->seq = seq; /* it is not one of ours */
	record_line(r, line);
}

/* Bytes that are no message are shown whatever -v says: nothing else tells of them. */
void out_json_malformed(struct out *o, const struct endpoint_malformed *m)
{
	json_t *r = record_new(o, "malformed");

	json_object_set_new(r, "direction", json_string(m->sent ? "sent" : "received"));
	json_object_set_new(r, "bytes", json_integer((json_int_t)m->wire.n));
	json_object_set_new(r, "detail", record_text(str_of(m->why)));
	if (m->remote.address.n)
		json_object_set_new(r, "remote", record_hop(&m->remote));
	out_json_put_raw(o, r, m->wire);
	record_emit(o, r);
}

static void unsent(void *arg, const struct endpoint_event *ev)
{
	struct out *o = arg;
	json_t *r = request_record(o, ev->msg);

	json_object_set_new(r, "unsent", json_true());
	out_json_put_raw(o, r, ev->msg->wire);
	record_emit(o, r);
}

void out_json_unsent(struct out *o, struct str wire)
{
	if (!endpoint_describe(wire, unsent, o))
		out_json_malformed(
			o, &(struct endpoint_malformed){
				   .sent = true, .wire = wire, .why = "not a SIP request" });
}

static json_t *message_record(struct out *o, const struct out_message *m)
{
	json_t *r = record_new(o, "message");

	json_object_set_new(r, "direction", json_string(m->sent ? "sent" : "received"));
	json_object_set_new(r, "method", record_text(m->method));
	out_json_put_body(r, m->content_type, m->body);
	out_json_put_dialog(r, m->dialog);
	if (m->from)
		json_object_set_new(r, "from", record_name_addr(m->from));
	if (m->to)
		json_object_set_new(r, "to", record_name_addr(m->to));
	record_put_number(r, m->sent ? "status_code" : "replied", m->status > 0, m->status);
	if (m->sent)
		record_put_text(r, "reason_phrase", m->reason_phrase);
	return r;
}

void out_json_message(struct out *o, const struct out_message *m)
{
	record_emit(o, message_record(o, m));
}
