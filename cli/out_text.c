/* cli/out_text.c -- records as lines for people (cli.md section 10.1) */
#include "out_impl.h"

#include "base/text.h"
#include "endpoint/decode.h"
#include "exit.h"
#include "out_tree.h"

#include <stdio.h>
#include <string.h>

/* ---- parts of lines ---- */

const char *out_hop_text(const struct endpoint_hop *h, bool transport, char text[96])
{
	bool v6 = str_find(h->address, ':') < h->address.n;

	snprintf(text, 96, "%s%s%s%.64s%s:%u", transport ? h->transport : "", transport ? " " : "",
		v6 ? "[" : "", h->address.n ? h->address.p : "", v6 ? "]" : "", h->port);
	return text;
}

const char *out_ms_text(double ms, char text[24])
{
	snprintf(text, 24, ms < 1 ? "%.2f ms" : ms < 100 ? "%.1f ms" : "%.0f ms", ms);
	return text;
}

static const char *time_text(double ms, char text[24])
{
	snprintf(text, 24, ms < 9.95 ? "%.1f ms" : "%.0f ms", ms);
	return text;
}

/* 5 s, 500 ms */
static const char *seconds_text(uint64_t ms, char text[24])
{
	snprintf(text, 24, ms < 1000 ? "%.0f ms" : "%g s",
		ms < 1000 ? (double)ms : (double)ms / 1000);
	return text;
}

static bool is(const char *a, const char *b)
{
	return a && strcmp(a, b) == 0;
}

/* ---- what later lines need ---- */

static void remember_hosts(struct out_seen *seen, const struct endpoint_resolved *r)
{
	seen->resolve_ms = r->ms;
	seen->host_count = 0;
	for (unsigned i = 0; i < r->target_count && i < OUT_HOSTS; i++) {
		const struct endpoint_target *t = &r->targets[i];

		out_hop_text(&t->hop, true, seen->hosts[i].hop);
		snprintf(seen->hosts[i].host, sizeof(seen->hosts[i].host), STR_FMT,
			STR_ARG(t->host));
		seen->host_count++;
	}
}

static void remember_response(struct out_seen *seen, const struct endpoint_msg *m)
{
	if (m->sent || m->status_code < 200 || m->status_code > 299)
		return;
	snprintf(seen->status, sizeof(seen->status), "%u " STR_FMT, m->status_code,
		STR_ARG(m->reason_phrase));
	out_hop_text(&m->remote, true, seen->hop);
	seen->host[0] = '\0';
	for (unsigned i = 0; i < seen->host_count; i++)
		if (is(seen->hop, seen->hosts[i].hop))
			snprintf(seen->host, sizeof(seen->host), "%s", seen->hosts[i].host);
	if (seen->host[0] && strstr(seen->hop, seen->host))
		seen->host[0] = '\0'; /* it is numeric */
}

static void remember_flow(struct out_seen *seen, const struct endpoint_flow *f)
{
	if (f->incoming)
		return;
	seen->connect_ms = f->connect_ms;
	seen->tls_ms = f->tls ? f->tls_ms : -1;
	snprintf(seen->tls, sizeof(seen->tls), "%s", f->tls ? f->tls->version : "");
}

static void upper(char *p, size_t n)
{
	for (; n > 0 && *p; p++, n--)
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
}

/* "Digest SHA-256 realm example.com", "NTLM v4 realm SIP Communications Service" */
static void remember_auth(struct out_seen *seen, const struct endpoint_auth *a)
{
	const char *chosen = a->chosen ? a->chosen : "";

	snprintf(seen->auth, sizeof(seen->auth), "%s%s%s realm " STR_FMT, a->scheme,
		chosen[0] ? " " : "", chosen, STR_ARG(a->realm));
	upper(seen->auth, strcmp(a->scheme, "ntlm") == 0 ? 4 : 1);
	if (chosen[0] && !a->step) /* an algorithm, not a version */
		upper(seen->auth + strlen(a->scheme) + 1, strlen(chosen));
}

/* ---- events ---- */

static void resolved_note(struct out *o, const struct endpoint_resolved *r)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 16);
	char hop[96];

	buf_addf(&b, "resolve " STR_FMT ":", STR_ARG(r->uri));
	for (unsigned i = 0; i < r->query_count; i++)
		buf_addf(&b, "%s %s " STR_FMT " %s", i ? "," : "", r->queries[i].rrtype,
			STR_ARG(r->queries[i].name),
			is(r->queries[i].rcode, "NOERROR") ? "found" : r->queries[i].rcode);
	for (unsigned i = 0; i < r->target_count; i++)
		buf_addf(&b, "%s %s", i ? "," : " ->", out_hop_text(&r->targets[i].hop, true, hop));
	out_put_note(o, STR_FMT, STR_ARG(buf_str(&b)));
}

static void auth_note(struct out *o, const struct endpoint_auth *a)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 12);

	for (unsigned i = 0; i < a->offered_count; i++)
		buf_addf(&b, " %s", a->offered[i]);
	out_put_note(o,
		"auth %s %s%s%s realm \"" STR_FMT "\" user \"" STR_FMT
		"\", password from %s; offered:" STR_FMT "%s",
		a->scheme, a->chosen, a->qop ? " qop " : "", a->qop ? a->qop : "",
		STR_ARG(a->realm), STR_ARG(a->user), a->source ? a->source : "?",
		STR_ARG(buf_str(&b)), a->stale ? " (the last nonce was stale)" : "");
}

static void contact_line(struct out *o, const struct endpoint_contact *c)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 16);

	buf_addf(&b, STR_FMT "  expires %u", STR_ARG(c->uri), c->expires);
	if (c->q <= 1000)
		buf_addf(&b, "  q %.3g", (double)c->q / 1000);
	if (c->reg_id)
		buf_addf(&b, "  reg-id %u", c->reg_id);
	if (c->instance.n)
		buf_addf(&b, "  instance " STR_FMT, STR_ARG(c->instance));
	if (c->pub_gruu.n)
		buf_addf(&b, "  gruu " STR_FMT, STR_ARG(c->pub_gruu));
	if (c->temp_gruu.n)
		buf_addf(&b, "  temp-gruu " STR_FMT, STR_ARG(c->temp_gruu));
	out_detail(o, c->own ? "contact" : "other", buf_str(&b));
}

static void list_line(struct out *o, const char *name, const struct str *list, unsigned n)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 16);

	for (unsigned i = 0; i < n; i++)
		buf_addf(&b, "%s" STR_FMT, i ? ", " : "", STR_ARG(list[i]));
	out_detail(o, name, buf_str(&b));
}

/* How it came there. */
static void via_line(struct out *o)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 12);
	const struct out_seen *s = o->seen;

	buf_addf(&b, "%s%s%s%s%s%s%s", s->hop, s->host[0] ? "  " : "", s->host,
		s->tls[0] ? "  " : "", s->tls, s->auth[0] ? "  auth " : "", s->auth);
	out_detail(o, "via", buf_str(&b));
}

static void add_time(struct buf *b, const char *name, double ms)
{
	char text[24];

	if (ms >= 0.05) /* less is nothing: a numeric host was not resolved */
		buf_addf(b, "%s%s %s", b->n ? "  " : "", name, time_text(ms, text));
}

void out_times(struct out *o, const struct endpoint_times *t)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 12);
	const struct out_seen *s;

	o = out_speak(o);
	s = o->seen;
	add_time(&b, "dns", t ? t->resolve : s->resolve_ms);
	add_time(&b, "connect", t ? t->connect : s->connect_ms);
	add_time(&b, "tls", t ? t->tls : s->tls_ms);
	add_time(&b, "total", t ? t->total : out_elapsed_ms(o));
	out_detail(o, "time", buf_str(&b));
}

/* 4141 User disabled */
static void diagnostics(const struct endpoint_msg *m, struct buf *b)
{
	if (m->ms_diagnostics_id && m->ms_diagnostics_reason.n)
		buf_addf(b, "%u " STR_FMT, m->ms_diagnostics_id, STR_ARG(m->ms_diagnostics_reason));
	else
		buf_add_str(b, m->ms_diagnostics);
}

static void registration_lines(struct out *o, const struct endpoint_registration *r)
{
	bool answered = r->active || is(r->cause, "unregistered");
	CLEANUP(buf_done) struct buf diag = BUF_INIT(1 << 16);
	char expires[40] = "", reg_id[32] = "";

	if (is(r->cause, "connection-dropped"))
		return; /* the line of the flow has said it */
	if (r->expires)
		snprintf(expires, sizeof(expires), "  expires %u", r->expires);
	if (r->reg_id)
		snprintf(reg_id, sizeof(reg_id), "  reg-id %u", r->reg_id);
	out_put(o, answered ? OUT_GREEN : OUT_YELLOW, "%-10s  " STR_FMT "%s%s%s%s", r->cause,
		STR_ARG(r->aor), answered ? "  " : "", answered ? o->seen->status : "", expires,
		reg_id);
	if (is(r->cause, "refreshed"))
		return;
	for (unsigned i = 0; i < r->contact_count; i++)
		contact_line(o, &r->contacts[i]);
	list_line(o, "path", r->path, r->path_count);
	list_line(o, "route", r->service_route, r->service_route_count);
	out_detail(o, "note", str_of(r->detail));
	if (r->msg)
		diagnostics(r->msg, &diag);
	out_detail(o, "reason", buf_str(&diag));
	if (r->active)
		via_line(o);
}

static void flow_lost(struct out *o, const struct endpoint_flow *f)
{
	char hop[96];
	struct str detail = f->detail, peer = str_of(out_hop_text(&f->remote, false, hop));

	if (is(f->action, "none"))
		return;
	/* "192.0.2.10:5061 tls: reset by peer": the peer stands there anyway */
	if (str_starts(detail, peer) && str_find(detail, ' ') < detail.n) {
		detail = str_sub(detail, peer.n, detail.n);
		str_cut(detail, ':', &peer, &detail);
		detail = str_trim(detail);
	}
	if (detail.n == 0)
		detail = str_of(f->cause);
	out_put(o, OUT_YELLOW, "%-10s  %s  " STR_FMT, "dropped",
		out_hop_text(&f->remote, true, hop), STR_ARG(detail));
}

static void retry_note(struct out *o, const struct endpoint_retry *r)
{
	char wait[24], of[40] = "";

	if (r->attempt && r->of)
		snprintf(of, sizeof(of), " (attempt %u of %u)", r->attempt, r->of);
	out_put_note(o, "trying again in %s: " STR_FMT "%s",
		seconds_text((uint64_t)r->wait_ms, wait),
		STR_ARG(r->detail.n ? r->detail : str_of(r->because)), of);
}

static void malformed_line(struct out *o, const struct endpoint_malformed *m)
{
	char hop[96];

	if (m->sent) {
		out_put_note(o, "what is sent is no SIP message: %s", m->why);
		return;
	}
	out_put(o, OUT_RED, "%-10s  from %s  %zu bytes  %s", "malformed",
		out_hop_text(&m->remote, false, hop), m->wire.n, m->why);
}

void out_text_event(struct out *o, const struct endpoint_event *ev)
{
	char hop[96];

	switch (ev->type) {
	case ENDPOINT_RESOLVED:
		remember_hosts(o->seen, ev->resolved);
		resolved_note(o, ev->resolved);
		break;
	case ENDPOINT_CONNECTED:
		remember_flow(o->seen, ev->flow);
		break;
	case ENDPOINT_DISCONNECTED:
		flow_lost(o, ev->flow);
		break;
	case ENDPOINT_RESPONSE:
		remember_response(o->seen, ev->msg);
		break;
	case ENDPOINT_CHALLENGED:
		remember_auth(o->seen, ev->auth);
		auth_note(o, ev->auth);
		break;
	case ENDPOINT_RETRY:
		retry_note(o, ev->retry);
		break;
	case ENDPOINT_REGISTRATION:
		registration_lines(o, ev->registration);
		break;
	case ENDPOINT_UNMATCHED:
		out_put_note(o, STR_FMT " from %s is not for us: answered %u",
			STR_ARG(ev->msg->method), out_hop_text(&ev->msg->remote, true, hop),
			ev->msg->replied);
		break;
	case ENDPOINT_LISTENER_LOST:
		out_put(o, OUT_YELLOW, "%-10s  %s  " STR_FMT, "not listening",
			out_hop_text(&ev->flow->local, true, hop), STR_ARG(ev->flow->detail));
		break;
	case ENDPOINT_SESSION:
		out_text_session(o, ev->session);
		break;
	case ENDPOINT_SESSION_TIMER:
		out_text_session_timer(o, ev->session_timer);
		break;
	case ENDPOINT_TRANSFER:
		out_text_transfer(o, ev->transfer);
		break;
	case ENDPOINT_SUBSCRIPTION:
		out_text_subscription(o, ev->subscription);
		break;
	case ENDPOINT_NOTIFY:
		out_text_notification(o, ev->notify);
		break;
	case ENDPOINT_PUBLICATION:
		out_text_publication(o, ev->publication);
		break;
	case ENDPOINT_MALFORMED:
		malformed_line(o, ev->malformed);
		break;
	case ENDPOINT_INCOMING: /* whoever takes it tells */
	case ENDPOINT_ANSWERED:
	case ENDPOINT_REQUEST: /* the trace has them */
	case ENDPOINT_DONE:
	case ENDPOINT_FAILED:
	case ENDPOINT_CLOSED:
		break;
	}
}

void out_text_endpoint(struct out *o, const struct out_endpoint *e)
{
	bool server = is(e->kind, "server");
	const char *next = server ? e->home_server : e->proxy;

	out_put_note(o, "endpoint %s%s%s%s%s%s%s, %s manager%s%s",
		server ? "server based" : "peer to peer", e->aor ? ", " : "", e->aor ? e->aor : "",
		next ? (server ? ", home server " : ", proxy ") : "", next ? next : "",
		e->epid ? ", epid " : "", e->epid ? e->epid : "", e->manager,
		e->transport ? ", transport " : "", e->transport ? e->transport : "");
}

void out_text_listening(struct out *o, const struct endpoint_hop *local, unsigned count)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 14);
	char hop[96];

	for (unsigned i = 0; i < count; i++)
		buf_addf(&b, "%s%s", i ? ", " : "", out_hop_text(&local[i], true, hop));
	out_put(o, OUT_GREEN, "%-10s  " STR_FMT, "listening", STR_ARG(buf_str(&b)));
	if (o->has_seed)
		out_put(o, OUT_PLAIN, "%-10s  %u", "seed", o->seed);
}

/* ---- errors ---- */

const char *out_way_out(const struct endpoint_msg *m, struct buf *b)
{
	const char *name = NULL;
	struct str value;

	if (m->status_code / 100 == 3)
		name = "contact";
	else if (m->status_code == 420)
		name = "unsupported";
	else if (m->status_code == 421)
		name = "require";
	else if (m->status_code == 489)
		name = "allow-events";
	for (unsigned i = 0; name && endpoint_msg_header(m, str_of(name), i, &value); i++)
		buf_addf(b, "%s" STR_FMT, b->n ? ", " : "", STR_ARG(value));
	return b->n ? name : NULL;
}

static void error_detail(struct out *o, const char *name, struct str text)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 16);

	if (text.n == 0)
		return;
	buf_addf(&b, "  %-14s  " STR_FMT, name, STR_ARG(text));
	out_write_line(o, &o->story, OUT_PLAIN, buf_str(&b));
}

void out_text_error(struct out *o, const char *text, int code, const struct endpoint_result *r)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 16), way = BUF_INIT(1 << 16);
	CLEANUP(buf_done) struct buf diag = BUF_INIT(1 << 16);
	const struct endpoint_msg *m = r ? r->response : NULL;
	const char *about = o->party ? o->party : o->config.target, *way_name;
	char number[24] = "";

	buf_addf(&b, "rte: %s%s%s: %s", o->config.command, about ? " " : "", about ? about : "",
		text);
	if (o->config.verbose)
		buf_addf(&b, " (exit %d)", code);
	out_write_line(o, &o->story, OUT_RED, buf_str(&b));
	if (!m)
		return;
	if (m->has_retry_after)
		snprintf(number, sizeof(number), "%u s", m->retry_after);
	error_detail(o, "warning", m->warning);
	error_detail(o, "reason", m->reason);
	error_detail(o, "retry-after", str_of(number));
	diagnostics(m, &diag);
	error_detail(o, "ms-diagnostics", buf_str(&diag));
	if ((way_name = out_way_out(m, &way)) != NULL)
		error_detail(o, way_name, buf_str(&way));
}

/* ---- options ---- */

/* A failure in the place of the status: what is left of "127.0.0.1:9 udp: connection refused" is
 * its end. */
static struct str short_cause(const struct endpoint_result *r)
{
	struct str text = str_of(fail_show(&r->fail)), before, after;
	size_t gap = str_find(text, ' ');

	if (r->fail.code == -FAIL_TIMEOUT)
		return STR("no response");
	if (gap > 0 && gap < text.n && str_cut(str_sub(text, gap, text.n), ':', &before, &after) &&
		after.n > 1 && str_find(str_trim(before), ' ') == str_trim(before).n)
		return str_trim(after);
	return text;
}

void out_text_probe(struct out *o, const struct out_probe *p)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 16);
	const struct endpoint_msg *m = p->result->response;
	bool ok = p->code == EXIT_ok, silent = !m && p->result->fail.code == -FAIL_TIMEOUT;
	char hop[96], ms[24];

	if (p->hop)
		buf_addf(&b, "%2u  ", p->hop);
	if (m)
		buf_addf(&b, "%u " STR_FMT "  from %s %s", m->status_code,
			STR_ARG(m->reason_phrase), out_hop_text(&m->remote, false, hop),
			m->remote.transport);
	else
		buf_addf(&b, "%-24.*s", STR_ARG(short_cause(p->result)));
	if (p->seq)
		buf_addf(&b, "  seq %u", p->seq);
	if (silent)
		buf_addf(&b, "  timeout %s", seconds_text(p->timeout_ms, ms));
	else if (p->ms >= 0)
		buf_addf(&b, "  %s", out_ms_text(p->ms, ms));
	if (m && p->with_server && m->server.n)
		buf_addf(&b, "  " STR_FMT, STR_ARG(m->server));
	if (m && p->hop && m->warning.n)
		buf_addf(&b, "  " STR_FMT, STR_ARG(m->warning));
	if (p->target)
		buf_addf(&b, "  %s", p->target);
	out_put(o, ok ? OUT_GREEN : OUT_YELLOW, STR_FMT, STR_ARG(buf_str(&b)));
}

void out_text_summary(struct out *o, const struct out_summary *s)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 12);
	int digits = s->max < 10 ? 2 : 1;
	unsigned answered = 0;
	double lost;

	for (size_t i = 0; i < ARRAY_LEN(s->by_status); i++)
		answered += s->by_status[i];
	lost = s->sent ? 100.0 * (s->sent - answered) / s->sent : 0;
	buf_addf(&b, "%u sent, %u answered, %.0f %% lost", s->sent, answered, lost);
	if (answered)
		buf_addf(&b, ", min/avg/max %.*f/%.*f/%.*f ms, p50/p95/p99 %.*f/%.*f/%.*f ms",
			digits, s->min, digits, s->mean, digits, s->max, digits, s->p50, digits,
			s->p95, digits, s->p99);
	out_put(o, OUT_PLAIN, STR_FMT, STR_ARG(buf_str(&b)));
}

/* ---- resolve ---- */

static void query_lines(struct out *o, const struct out_query *q)
{
	struct str rest = q->answer, one;
	char ms[24];

	out_put(o, OUT_PLAIN, "  %-5s  %-44.*s  %s  %s", q->query.rrtype, STR_ARG(q->query.name),
		q->query.rcode, out_ms_text(q->query.ms, ms));
	while (rest.n) {
		if (!str_cut(rest, ',', &one, &rest)) {
			one = rest;
			rest = STR_EMPTY;
		}
		out_put(o, OUT_PLAIN, "           " STR_FMT, STR_ARG(str_trim(one)));
	}
}

void out_text_resolved(struct out *o, const struct out_resolved *r)
{
	char hop[96], numbers[48] = "";

	out_put(o, OUT_PLAIN, STR_FMT, STR_ARG(r->uri));
	for (unsigned i = 0; i < r->query_count; i++)
		query_lines(o, &r->queries[i]);
	for (unsigned i = 0; i < r->target_count; i++) {
		const struct endpoint_target *t = &r->targets[i];

		numbers[0] = '\0';
		if (t->srv)
			snprintf(numbers, sizeof(numbers), "  priority %u  weight %u", t->priority,
				t->weight);
		out_put(o, OUT_PLAIN, "  %2u  %-26s  " STR_FMT "%s", i + 1,
			out_hop_text(&t->hop, true, hop), STR_ARG(t->host), numbers);
	}
}

/* ---- checks ---- */

void out_text_check(struct out *o, const struct out_check *c)
{
	bool step = c->found.n > 0 && str_eq(c->found, str_of(c->wanted));

	if (step)
		out_put(o, OUT_GREEN, "%-10s  %s  %s", "passed", c->name, c->wanted);
	else
		out_put(o, c->passed ? OUT_GREEN : OUT_YELLOW, "%-10s  %s  %s  found %.*s",
			c->passed ? "passed" : "failed", c->name, c->wanted,
			c->found.n ? (int)c->found.n : 7, c->found.n ? c->found.p : "nothing");
}

/* ---- serve ---- */

void out_text_step(struct out *o, const struct out_step *s)
{
	char ms[24];

	if (s->state == OUT_STEP_OK)
		out_put(o, OUT_GREEN, "ok  %3u  %s  %s", s->line, s->text, out_ms_text(s->ms, ms));
	else
		out_put(o, OUT_RED, "failed  %u  %s", s->line, s->text);
}

void out_text_binding(struct out *o, const struct out_binding *b)
{
	out_put(o, OUT_GREEN, "%-10s  " STR_FMT "  " STR_FMT "  expires %u%s" STR_FMT, b->cause,
		STR_ARG(b->aor), STR_ARG(b->contact), b->expires, b->user_agent.n ? "  " : "",
		STR_ARG(b->user_agent));
}

void out_text_request(struct out *o, const struct endpoint_msg *m)
{
	char hop[96], status[24] = "passed on";

	if (m->replied)
		snprintf(status, sizeof(status), "answered %u", m->replied);
	out_put_note(o, STR_FMT " " STR_FMT " from %s: %s", STR_ARG(m->method),
		STR_ARG(m->request_uri), out_hop_text(&m->remote, true, hop), status);
}

/* "200 OK  OPTIONS  from 192.0.2.1:5060 udp  1.2 ms" */
void out_text_received(struct out *o, const struct endpoint_msg *m)
{
	char hop[96], rtt[32] = "", text[24];
	enum out_color color = m->status_code < 200   ? OUT_YELLOW
			       : m->status_code < 300 ? OUT_GREEN
						      : OUT_RED;

	if (m->status_code == 0) {
		out_put(o, OUT_CYAN, STR_FMT "  " STR_FMT "  from %s %s", STR_ARG(m->method),
			STR_ARG(m->request_uri), out_hop_text(&m->remote, false, hop),
			m->remote.transport);
		return;
	}
	if (m->rtt_ms >= 0)
		snprintf(rtt, sizeof(rtt), "  %s", out_ms_text(m->rtt_ms, text));
	out_put(o, color, "%u " STR_FMT "  " STR_FMT "  from %s %s%s", m->status_code,
		STR_ARG(m->reason_phrase), STR_ARG(m->method), out_hop_text(&m->remote, false, hop),
		m->remote.transport, rtt);
}

void out_text_discarded(struct out *o, const struct endpoint_msg *m, struct str why)
{
	char hop[96], status[24] = "";

	if (m->status_code)
		snprintf(status, sizeof(status), "%u to ", m->status_code);
	out_put(o, OUT_YELLOW, "%-10s  %s" STR_FMT " from %s  " STR_FMT, "discarded", status,
		STR_ARG(m->method), out_hop_text(&m->remote, true, hop), STR_ARG(why));
}

/* ---- listen ---- */

static void base64_lines(struct out *o, struct str body)
{
	enum { LINE = 57 };

	out_put(o, OUT_PLAIN, "  base64");
	for (size_t at = 0; at < body.n; at += LINE) {
		CLEANUP(buf_done) struct buf line = BUF_INIT(2 * LINE);

		text_base64_encode(&line, str_sub(body, at, at + LINE));
		out_put(o, OUT_PLAIN, "  " STR_FMT, STR_ARG(buf_str(&line)));
	}
}

void out_text_body(struct out *o, struct str body)
{
	struct str line;

	if (!out_body_is_text(body)) {
		base64_lines(o, body);
		return;
	}
	while (body.n > 0) {
		if (!str_cut(body, '\n', &line, &body)) {
			line = body;
			body = STR_EMPTY;
		}
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		out_put(o, OUT_PLAIN, "  " STR_FMT, STR_ARG(line));
	}
}

static const char *replied_text(const struct endpoint_msg *m, char text[24])
{
	snprintf(text, 24, m->replied ? "%u" : "not answered", m->replied);
	return text;
}

/* What a notification says: decoded where that is possible, else as it came, and why. */
static void notified_body(struct out *o, struct str type, struct str body)
{
	struct arena arena = { 0 };
	struct tree *t = NULL;
	struct fail f = { 0 };
	int e = body.n ? endpoint_decode(type, body, &arena, &t, &f) : 0;

	if (t)
		out_text_tree(o, t);
	else
		out_text_body(o, body);
	if (e != 0)
		out_detail(o, "malformed", str_of(f.text));
	arena_done(&arena);
}

void out_text_notify(struct out *o, const struct endpoint_msg *m)
{
	struct str event = STR_EMPTY;
	char replied[24];

	endpoint_msg_header(m, STR("Event"), 0, &event);
	out_put(o, OUT_GREEN, "%-11s  " STR_FMT "  " STR_FMT "  %s%s" STR_FMT, "notify",
		STR_ARG(event), STR_ARG(m->from.uri), replied_text(m, replied),
		m->content_type.n ? "  " : "", STR_ARG(m->content_type));
	notified_body(o, m->content_type, m->body);
}

void out_text_answered(struct out *o, const struct endpoint_msg *m, struct str reason)
{
	char replied[24];

	if (o->config.quiet)
		return;
	out_put(o, m->replied < 300 ? OUT_GREEN : OUT_YELLOW,
		"%-11s  " STR_FMT "  " STR_FMT "  %s%s" STR_FMT, "request", STR_ARG(m->method),
		STR_ARG(m->from.uri), replied_text(m, replied), reason.n ? " " : "",
		STR_ARG(reason));
}

void out_text_unsent(struct out *o, struct str wire)
{
	struct str line;

	while (wire.n > 0) {
		if (!str_cut(wire, '\n', &line, &wire)) {
			line = wire;
			wire = STR_EMPTY;
		}
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		out_put(o, OUT_PLAIN, STR_FMT, STR_ARG(line));
	}
}
