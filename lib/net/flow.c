/* lib/net/flow.c -- what flows of all transports share: references, deadlines, events, the end */
#include "net/flow.h"

#include "base/mem.h"
#include "net/flow_impl.h"
#include "net/manager_impl.h"
#include "net/socket.h"
#include "net/tcp.h"
#include "net/udp.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* How long a peer that does not read may hold up an orderly end. */
enum { FLUSH_MS = 5000 };

static const char *const transports[NET_TRANSPORTS] = {
	[NET_UDP] = "udp",
	[NET_TCP] = "tcp",
	[NET_TLS] = "tls",
};

const char *net_transport_name(enum net_transport t)
{
	return transports[t];
}

bool net_transport_parse(struct str s, enum net_transport *out)
{
	for (enum net_transport t = 0; t < NET_TRANSPORTS; t++) {
		if (str_ieq(s, str_of(transports[t]))) {
			*out = t;
			return true;
		}
	}
	return false;
}

const char *net_cause_name(enum net_cause c)
{
	static const char *const names[] = {
		[NET_CAUSE_PEER] = "peer",
		[NET_CAUSE_ERROR] = "error",
		[NET_CAUSE_TLS] = "tls",
		[NET_CAUSE_NOT_ALLOWED] = "not-allowed",
		[NET_CAUSE_IDLE] = "idle",
		[NET_CAUSE_LINGER] = "linger",
		[NET_CAUSE_FIRST_MESSAGE] = "first-message",
		[NET_CAUSE_LOCAL] = "local",
	};
	return names[c];
}

/* ---- deadlines ---- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t idle_at(const struct net_flow *f)
{
	return net_flow_after(f->active_ms, f->idle_ms);
}

static uint64_t deadline(const struct net_flow *f)
{
	uint64_t at = earlier(f->flush_at, f->first_at);

	if (f->state == NET_FLOW_DEAD)
		return NET_NEVER;
	if (f->state < NET_FLOW_OPEN)
		return earlier(at, f->connect_at);
	return earlier(at, earlier(idle_at(f), f->linger_at));
}

void net_flow_rearm(struct net_flow *f)
{
	net_timer_set(f->loop, &f->timer, deadline(f));
}

static void connect_too_late(struct net_flow *f)
{
	const char *what = f->state == NET_FLOW_CONNECTING ? "connection" : "TLS handshake";
	enum net_cause cause = f->state == NET_FLOW_CONNECTING ? NET_CAUSE_ERROR : NET_CAUSE_TLS;
	char remote[NET_ADDR_TEXT];
	struct fail why;

	fail_set(&why, -FAIL_TIMEOUT, "%s %s: no %s within %g s",
		net_addr_text(&f->info.remote, remote), net_transport_name(f->info.transport), what,
		(double)f->manager->config.connect_ms / 1000);
	net_flow_end(f, cause, &why);
}

/* Traffic and references move deadlines without touching the timer, so it may come early: then it
 * is set again. */
static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct net_flow *f = CONTAINER_OF(w, struct net_flow, timer);
	uint64_t now = net_now_ms();

	(void)loop;
	(void)revents;
	if (now < deadline(f))
		net_flow_rearm(f);
	else if (now >= f->flush_at)
		net_flow_end(f, f->cause, &f->fail);
	else if (now >= f->first_at)
		net_flow_stop(f, NET_CAUSE_FIRST_MESSAGE);
	else if (f->state < NET_FLOW_OPEN)
		connect_too_late(f);
	else if (now >= idle_at(f))
		net_flow_stop(f, NET_CAUSE_IDLE);
	else
		net_flow_stop(f, NET_CAUSE_LINGER);
}

void net_flow_active(struct net_flow *f)
{
	f->active_ms = net_now_ms();
	if (!list_empty(&f->evictable)) {
		list_del(&f->evictable);
		list_add(&f->manager->evictable, &f->evictable);
	}
}

/* ---- events ---- */

/* A ref that lives only as long as the handler runs is no use of the flow: it goes on to linger
 * where it was. */
static void tell(struct net_flow *f, struct net_event *ev)
{
	uint64_t linger_at = f->linger_at;

	ev->flow = f;
	ev->local = &f->info.local;
	ev->remote = &f->info.remote;
	f->manager->config.on_event(f->manager->config.arg, ev);
	if (f->state == NET_FLOW_DEAD || f->info.refs > 0 || f->linger_at == linger_at ||
		linger_at == NET_NEVER)
		return;
	f->linger_at = linger_at;
	net_flow_rearm(f);
}

void net_flow_tell_opened(struct net_flow *f)
{
	struct net_event ev = { .type = NET_OPENED };

	f->tell_open = false;
	if (f->state != NET_FLOW_OPEN || f->closing)
		return;
	f->untold = false;
	tell(f, &ev);
}

void net_flow_received(struct net_flow *f, struct str bytes)
{
	struct net_event ev = { .type = NET_RECEIVED, .bytes = bytes };

	net_flow_active(f);
	tell(f, &ev);
}

void net_flow_unreachable(struct net_flow *f, int err)
{
	struct fail why;
	struct net_event ev = { .type = NET_UNREACHABLE, .cause = NET_CAUSE_ERROR, .fail = &why };

	if (f->state != NET_FLOW_OPEN)
		return;
	net_flow_fail(f, err, &why);
	net_flow_trace(f, "unreachable", why.text);
	tell(f, &ev);
}

/* The manager lets go of it. */
static void forget(struct net_flow *f)
{
	list_del(&f->in_manager);
	f->manager = NULL;
	net_flow_release(f);
}

/* A connection that was never announced ends as it lived, but CM-13 wants failed handshakes to be
 * known. */
static void tell_end(struct net_flow *f)
{
	struct net_manager *m = f->manager;
	struct net_event ev = {
		.type = f->untold ? NET_TLS_FAILED : NET_CLOSED,
		.flow = f->untold ? NULL : f,
		.cause = f->cause,
		.fail = &f->fail,
		.local = &f->info.local,
		.remote = &f->info.remote,
	};

	forget(f);
	if (f->info.transport == NET_TLS || !f->untold)
		m->config.on_event(m->config.arg, &ev);
}

static void on_later(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct net_flow *f = CONTAINER_OF(w, struct net_flow, later);
	int icmp = f->icmp;

	(void)loop;
	(void)revents;
	f->icmp = 0;
	net_flow_hold(f);
	if (f->tell_open)
		net_flow_tell_opened(f);
	if (icmp)
		net_flow_unreachable(f, icmp);
	if (f->state == NET_FLOW_DEAD && f->manager)
		tell_end(f);
	net_flow_release(f);
}

/* ---- life ---- */

struct net_flow *net_flow_new(struct net_manager *m, enum net_transport t,
	const struct net_addr *remote, struct str host, bool incoming)
{
	struct net_flow *f = MEM_NEW(struct net_flow);

	f->manager = m;
	f->loop = m->config.loop;
	f->holds = 1;
	f->fd = -1;
	f->host = mem_strndup(host.p, host.n);
	f->info = (struct net_flow_info){
		.transport = t,
		.remote = *remote,
		.incoming = incoming,
		.host = { f->host, host.n },
	};
	f->untold = incoming && t != NET_UDP;
	buf_init(&f->out, m->config.queue_bytes);
	list_init(&f->in_pool);
	list_init(&f->evictable);
	list_init(&f->same_remote);
	ev_init(&f->timer, on_timer);
	ev_init(&f->later, on_later);
	f->started_us = net_now_us();
	f->active_ms = net_now_ms();
	f->idle_ms = net_manager_idle(m, f);
	f->connect_at = net_flow_after(f->active_ms, m->config.connect_ms);
	f->first_at =
		f->untold ? net_flow_after(f->active_ms, m->config.first_message_ms) : NET_NEVER;
	f->linger_at = f->flush_at = NET_NEVER;
	net_manager_add(m, f);
	net_flow_rearm(f);
	return f;
}

void net_flow_opened(struct net_flow *f)
{
	struct net_manager *m = f->manager;
	uint64_t now = net_now_us();

	f->state = NET_FLOW_OPEN;
	f->info.open = true;
	if (f->info.transport == NET_TLS)
		f->info.tls_ms = (double)(now - f->connected_us) / 1000;
	else
		f->connected_us = now;
	if (!f->info.incoming) {
		f->info.connect_ms = (double)(f->connected_us - f->started_us) / 1000;
		m->stats.opened++;
	} else {
		m->stats.accepted++;
	}
	f->active_ms = now / 1000;
	if (!f->closing)
		net_manager_add_remote(m, f);
	net_flow_rearm(f);
	net_flow_trace(f, f->info.incoming ? "accepted" : "opened", NULL);
}

static void mark_dead(struct net_flow *f, bool orderly)
{
	struct net_manager *m = f->manager;

	net_manager_retire(m, f);
	f->state = NET_FLOW_DEAD;
	f->info.open = false;
	f->info.closed = true;
	ev_timer_stop(f->loop, &f->timer);
	ev_timer_stop(f->loop, &f->later);
	if (f->info.transport == NET_UDP)
		net_udp_done(f);
	else
		net_tcp_done(f, orderly);
	m->stats.flows--;
	m->stats.incoming -= f->info.incoming;
	m->udp_incoming -= f->info.incoming && f->info.transport == NET_UDP;
}

void net_flow_end(struct net_flow *f, enum net_cause cause, const struct fail *why)
{
	if (f->state == NET_FLOW_DEAD)
		return;
	f->cause = cause;
	f->fail = *why;
	mark_dead(f, cause != NET_CAUSE_ERROR);
	f->manager->stats.closed++;
	net_flow_trace(f, "closed", f->fail.text);
	net_later(f->loop, &f->later);
}

void net_flow_end_errno(struct net_flow *f, int err)
{
	struct fail why;

	net_flow_fail(f, err, &why);
	net_flow_end(f, NET_CAUSE_ERROR, &why);
}

void net_flow_stop(struct net_flow *f, enum net_cause cause)
{
	static const char *const words[] = {
		[NET_CAUSE_PEER] = "closed by the peer",
		[NET_CAUSE_IDLE] = "idle for too long",
		[NET_CAUSE_LINGER] = "not used any more",
		[NET_CAUSE_FIRST_MESSAGE] = "no valid message in time",
		[NET_CAUSE_LOCAL] = "closed here",
	};
	char remote[NET_ADDR_TEXT];

	if (f->state == NET_FLOW_DEAD || f->closing)
		return;
	f->cause = cause;
	fail_set(&f->fail, -FAIL_CONNECT, "%s %s: %s", net_addr_text(&f->info.remote, remote),
		net_transport_name(f->info.transport), words[cause]);
	if (f->out.n == 0 || cause == NET_CAUSE_PEER) {
		net_flow_end(f, cause, &f->fail);
		return;
	}
	f->closing = true;
	f->flush_at = net_now_ms() + FLUSH_MS;
	net_manager_retire(f->manager, f);
	net_flow_rearm(f);
}

void net_flow_abandon(struct net_flow *f)
{
	if (f->state != NET_FLOW_DEAD)
		mark_dead(f, true);
	ev_timer_stop(f->loop, &f->later); /* what is left of it: its NET_CLOSED */
	forget(f);
}

void net_flow_hold(struct net_flow *f)
{
	f->holds++;
}

void net_flow_release(struct net_flow *f)
{
	if (--f->holds > 0 || f->info.refs > 0)
		return;
	mem_free(f->host);
	mem_free(f);
}

int net_flow_fail(const struct net_flow *f, int err, struct fail *out)
{
	int code =
		err == ETIMEDOUT && f->state == NET_FLOW_CONNECTING ? -FAIL_TIMEOUT : -FAIL_CONNECT;
	char remote[NET_ADDR_TEXT], words[64];

	return fail_set(out, code, "%s %s: %s", net_addr_text(&f->info.remote, remote),
		net_transport_name(f->info.transport), net_socket_words(err, words));
}

void net_flow_trace_event(
	const struct trace *t, const struct net_flow_info *info, struct trace_event *ev)
{
	char local[NET_ADDR_TEXT], remote[NET_ADDR_TEXT];
	struct str rest;

	if (!trace_on(t, ev->kind))
		return;
	ev->local = str_of(net_addr_text(&info->local, local));
	ev->remote = str_of(net_addr_text(&info->remote, remote));
	ev->transport = net_transport_name(info->transport);
	/* The text of a failure begins with the peer, which the event has anyway. */
	if (str_starts(ev->note, ev->remote) && str_cut(ev->note, ' ', &rest, &ev->note))
		str_cut(ev->note, ' ', &rest, &ev->note);
	trace_emit(t, ev);
}

void net_flow_trace(const struct net_flow *f, const char *what, const char *why)
{
	struct trace_event ev = {
		.kind = TRACE_FLOW,
		.name = str_of(what),
		.note = str_of(why),
	};

	net_flow_trace_event(f->manager->config.trace, &f->info, &ev);
}

/* ---- for the users ---- */

const struct net_flow_info *net_flow_info(const struct net_flow *f)
{
	return &f->info;
}

struct net_flow *net_flow_ref(struct net_flow *f)
{
	f->info.refs++;
	f->linger_at = NET_NEVER;
	list_del(&f->evictable);
	return f;
}

void net_flow_unref(struct net_flow *f)
{
	if (!f)
		return;
	assert(f->info.refs > 0);
	if (--f->info.refs > 0)
		return;
	if (f->state == NET_FLOW_DEAD) {
		net_flow_hold(f);
		net_flow_release(f);
	} else if (!f->info.incoming) {
		f->linger_at = net_flow_after(net_now_ms(), f->manager->config.linger_ms);
		net_flow_rearm(f);
	} else if (f->info.transport == NET_UDP) {
		list_add(&f->manager->evictable, &f->evictable);
	}
}

int net_flow_send(struct net_flow *f, struct str bytes)
{
	if (f->state == NET_FLOW_DEAD || f->closing)
		return -FAIL_CONNECT;
	f->info.sent_ms = net_now_ms();
	return f->info.transport == NET_UDP ? net_udp_send(f, bytes) : net_tcp_send(f, bytes);
}

void net_flow_close(struct net_flow *f)
{
	net_flow_stop(f, NET_CAUSE_LOCAL);
}

void net_flow_valid(struct net_flow *f)
{
	f->first_at = NET_NEVER;
}

int net_flow_set_idle(struct net_flow *f, uint64_t ms)
{
	if (f->state == NET_FLOW_DEAD)
		return 0;
	if (f->manager->config.kind == NET_CLIENT)
		return -FAIL_STATE;
	f->idle_ms = ms ? ms : net_manager_idle(f->manager, f);
	net_flow_rearm(f);
	return 0;
}

void net_flow_set_user(struct net_flow *f, void *user)
{
	f->user = user;
}

void *net_flow_user(const struct net_flow *f)
{
	return f->user;
}
