/* lib/net/dns.c -- questions and answers. c-ares may call back before a call of it returns, so the
 * loop delivers (R2); it cannot cancel a single question, so it holds a token, not the query. */
#include "net/dns.h"

#include "base/mem.h"
#include "base/scan.h"
#include "net/dns_answer.h"
#include "net/dns_channel.h"
#include "net/dns_local.h"
#include "net/loop.h"

#include <arpa/nameser.h>
#include <assert.h>

enum {
	DEFAULT_TIMEOUT_MS = 2000,
	DEFAULT_TRIES = 2,
	SERVERS_MAX = 1024, /* bytes of the server list */
	TRACE_NOTE_MAX = 400,
};

#define HOSTS_FILE "/etc/hosts"

struct net_dns {
	struct ev_loop *loop;
	const struct trace *trace;
	struct buf servers; /* as c-ares reads them; empty: those of the system */
	size_t server_count;
	uint32_t timeout_ms;
	unsigned tries;
	bool no_hosts_file;
	struct net_dns_channel first; /* takes the first server's answer as it is */
	struct net_dns_channel others; /* after SERVFAIL and the like: goes on to the next server */
	unsigned waiting; /* tokens that still have a query */
};

struct net_dns_token {
	struct net_dns *dns;
	struct net_dns_query *q; /* NULL: forgotten, or answered by the deadline */
	ev_timer deadline;
	int refusal; /* what the first server said; 0: nothing bad */
};

static bool open_channel(struct net_dns *d, struct net_dns_channel *c)
{
	struct net_dns_channel_config config = {
		.servers = buf_cstr(&d->servers),
		.timeout_ms = d->timeout_ms,
		.tries = d->tries,
		.any_answer = c == &d->first,
	};

	if (c->ares)
		return true;
	if (!net_dns_channel_open(c, &config))
		return false;
	d->server_count = net_dns_channel_servers(c);
	return true;
}

/* When nobody waits any more, nothing of c-ares may keep the loop alive. */
static void cancel_orphans(struct net_dns *d)
{
	if (d->waiting > 0)
		return;
	net_dns_channel_cancel(&d->first);
	net_dns_channel_cancel(&d->others);
}

/* --- the answer ------------------------------------------------------------------------------ */

static const char *rcode_of(int status)
{
	switch (status) {
	case ARES_SUCCESS:
	case ARES_ENODATA:
		return "NOERROR";
	case ARES_ENOTFOUND:
		return "NXDOMAIN";
	case ARES_EFORMERR:
		return "FORMERR";
	case ARES_ESERVFAIL:
		return "SERVFAIL";
	case ARES_ENOTIMP:
		return "NOTIMP";
	case ARES_EREFUSED:
		return "REFUSED";
	case ARES_ETIMEOUT:
		return "TIMEOUT";
	case ARES_ECONNREFUSED:
		return "UNREACHABLE";
	case ARES_EBADRESP:
		return "MALFORMED";
	case ARES_EBADNAME:
		return "BADNAME";
	default:
		return "ERROR";
	}
}

static void trace_answer(const struct net_dns_query *q, const char *source)
{
	CLEANUP(buf_done) struct buf note = BUF_INIT(TRACE_NOTE_MAX);
	const struct trace *t = q->dns->trace;
	struct trace_event ev = { .kind = TRACE_DNS, .name = q->name, .ms = q->ms };

	if (!trace_on(t, TRACE_DNS))
		return;
	for (size_t i = 0; i < q->count; i++) {
		buf_addf(&note, "%s", i ? ", " : "");
		net_dns_answer_write(&note, q->type, &q->records[i]);
	}
	buf_addf(&note, "%s%s", note.n && *source ? " " : "", source);
	ev.from = str_of(net_dns_type_name(q->type));
	ev.to = str_of(q->rcode);
	ev.note = buf_str(&note); /* of a long answer what fits */
	trace_emit(t, &ev);
}

/* The answer is complete: the loop delivers it. source: where it is from, if not from a server. */
static void finish(struct net_dns_query *q, int status, const char *source)
{
	q->running = false;
	q->rcode = rcode_of(status);
	q->failed = status != ARES_SUCCESS && status != ARES_ENODATA && status != ARES_ENOTFOUND;
	q->ms = (double)(net_now_us() - q->started_us) / 1000;
	trace_answer(q, source);
	net_later(q->dns->loop, &q->done);
}

/* Cuts the token off from its query, which waits no more. */
static struct net_dns_query *release(struct net_dns_token *t)
{
	struct net_dns_query *q = t->q;

	ev_timer_stop(t->dns->loop, &t->deadline);
	t->q = NULL;
	q->token = NULL;
	t->dns->waiting--;
	return q;
}

static void on_answer(void *arg, int status, int timeouts, unsigned char *packet, int n);

/* May call on_answer, which may free t. */
static void ask(struct net_dns_channel *c, struct net_dns_token *t)
{
	static const int types[] = {
		[NET_DNS_A] = ns_t_a,
		[NET_DNS_AAAA] = ns_t_aaaa,
		[NET_DNS_SRV] = ns_t_srv,
		[NET_DNS_NAPTR] = ns_t_naptr,
	};
	const struct net_dns_query *q = t->q;
	bool address = q->type == NET_DNS_A || q->type == NET_DNS_AAAA;

	if (address && str_find(q->name, '.') == q->name.n)
		ares_search(c->ares, q->name.p, ns_c_in, types[q->type], on_answer, t);
	else
		ares_query(c->ares, q->name.p, ns_c_in, types[q->type], on_answer, t);
	net_dns_channel_rearm(c);
}

/* A server that refuses or fails says nothing about the name, so the next one is asked. c-ares does
 * so by itself, but 1.18 then forgets what was said and calls it a refused connection; therefore
 * the first channel takes any answer, and only for several servers there is the other one. */
static bool ask_others(struct net_dns_token *t, int status)
{
	struct net_dns *d = t->dns;

	if (status != ARES_ESERVFAIL && status != ARES_ENOTIMP && status != ARES_EREFUSED)
		return false;
	if (!t->q || t->refusal || d->server_count < 2 || !open_channel(d, &d->others))
		return false;
	t->refusal = status;
	ask(&d->others, t);
	return true;
}

static bool parse(struct net_dns_query *q, const unsigned char *packet, int n)
{
	struct str s = { (const char *)packet, (size_t)n };
	return net_dns_answer_parse(&q->arena, q->type, s, &q->records, &q->count);
}

static void on_answer(void *arg, int status, int timeouts, unsigned char *packet, int n)
{
	struct net_dns_token *t = arg;
	struct net_dns_query *q;

	(void)timeouts;
	if (ask_others(t, status))
		return;
	if (t->q) {
		if (status == ARES_ECONNREFUSED && t->refusal)
			status = t->refusal;
		q = release(t);
		if (status == ARES_SUCCESS && !parse(q, packet, n))
			status = ARES_EBADRESP;
		finish(q, status, "");
	}
	mem_free(t);
}

/* c-ares waits twice as long with each round of its servers. This keeps a dead server short. */
static void on_deadline(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct net_dns_token *t = CONTAINER_OF(w, struct net_dns_token, deadline);
	struct net_dns *d = t->dns;

	(void)loop;
	(void)revents;
	finish(release(t), t->refusal ? t->refusal : ARES_ETIMEOUT, "");
	cancel_orphans(d); /* else t stays until c-ares gives up */
}

/* --- the interface --------------------------------------------------------------------------- */

const char *net_dns_type_name(enum net_dns_type type)
{
	static const char *const names[] = {
		[NET_DNS_A] = "A",
		[NET_DNS_AAAA] = "AAAA",
		[NET_DNS_SRV] = "SRV",
		[NET_DNS_NAPTR] = "NAPTR",
	};
	return names[type];
}

/* "192.0.2.1", "192.0.2.1:53", "[2001:db8::1]", "[2001:db8::1]:53". No scope: c-ares 1.18 has no
 * place for it. */
static bool parse_server(struct str s, struct net_addr *out)
{
	bool ipv6 = str_starts(s, STR("["));
	struct str host = s, port = STR("53"), rest, none = STR_EMPTY;
	uint32_t n;

	if (!ipv6)
		str_cut(s, ':', &host, &port);
	else if (!str_cut(str_sub(s, 1, s.n), ']', &host, &rest) ||
		 (rest.n && !str_cut(rest, ':', &none, &port)))
		return false;
	return none.n == 0 && str_u32(port, &n) && n > 0 && n <= UINT16_MAX &&
	       str_find(host, '%') == host.n && net_addr_parse(host, (uint16_t)n, out) &&
	       net_addr_is_ipv6(out) == ipv6;
}

/* Writes the list as c-ares wants it. */
static int add_servers(struct buf *b, struct str list, struct fail *f)
{
	char text[NET_ADDR_TEXT];
	struct net_addr addr;
	struct str one, rest = list;

	for (bool more = list.n > 0; more;) {
		one = rest;
		more = str_cut(rest, ',', &one, &rest);
		one = str_trim(one);
		if (!parse_server(one, &addr))
			return fail_set(f, -FAIL_ARGUMENT,
				"not a DNS server: \"" STR_FMT "\" (ADDR[:PORT], IPv6 in brackets)",
				STR_ARG(one));
		buf_addf(b, "%s%s", b->n ? "," : "", net_addr_text(&addr, text));
	}
	return b->fail ? fail_set(f, -FAIL_ARGUMENT, "too many DNS servers") : 0;
}

int net_dns_new(const struct net_dns_config *config, struct net_dns **out, struct fail *f)
{
	struct net_dns *d = MEM_NEW(struct net_dns);
	int e;

	buf_init(&d->servers, SERVERS_MAX);
	d->loop = config->loop;
	d->trace = config->trace;
	d->timeout_ms = config->timeout_ms ? config->timeout_ms : DEFAULT_TIMEOUT_MS;
	d->tries = config->tries ? config->tries : DEFAULT_TRIES;
	d->no_hosts_file = config->no_hosts_file;
	net_dns_channel_init(&d->first, d->loop);
	net_dns_channel_init(&d->others, d->loop);
	if ((e = add_servers(&d->servers, config->servers, f)) != 0) {
		net_dns_free(d);
		return e;
	}
	*out = d;
	return 0;
}

void net_dns_free(struct net_dns *d)
{
	if (!d)
		return;
	assert(d->waiting == 0);
	net_dns_channel_done(&d->first);
	net_dns_channel_done(&d->others);
	buf_done(&d->servers);
	mem_free(d);
}

static bool askable(struct str name)
{
	struct scan s = scan_str(name);
	return scan_run(&s, CH_HOST, NULL) && scan_end(&s);
}

static void ask_server(struct net_dns *d, struct net_dns_query *q)
{
	size_t tries = d->server_count > d->tries ? d->server_count : d->tries;
	struct net_dns_token *t = MEM_NEW(struct net_dns_token);

	*t = (struct net_dns_token){ .dns = d, .q = q };
	ev_init(&t->deadline, on_deadline);
	net_timer_set(d->loop, &t->deadline, net_now_ms() + (uint64_t)tries * d->timeout_ms);
	q->token = t;
	d->waiting++;
	ask(&d->first, t);
}

void net_dns_ask(
	struct net_dns *d, struct net_dns_query *q, struct str name, enum net_dns_type type)
{
	assert(!q->dns); /* a query is forgotten before it is used again */
	q->dns = d;
	q->type = type;
	q->name = arena_str(&q->arena, name);
	q->started_us = net_now_us();
	q->running = true;
	if (!askable(name))
		finish(q, ARES_EBADNAME, "");
	else if (!d->no_hosts_file && net_dns_local_hosts(q, HOSTS_FILE))
		finish(q, ARES_SUCCESS, "(hosts file)");
	else if (net_dns_local_localhost(q))
		finish(q, q->count ? ARES_SUCCESS : ARES_ENOTFOUND, "(localhost)");
	else if (!open_channel(d, &d->first))
		finish(q, ARES_ENOTINITIALIZED, "");
	else
		ask_server(d, q);
}

void net_dns_forget(struct net_dns_query *q)
{
	struct net_dns *d = q->dns;
	ev_timer done;

	if (!d)
		return;
	ev_timer_stop(d->loop, &q->done);
	if (q->token) {
		release(q->token);
		cancel_orphans(d);
	}
	arena_done(&q->arena);
	done = q->done;
	*q = (struct net_dns_query){ .done = done };
}
