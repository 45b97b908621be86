/* lib/endpoint/keepalive.c -- keep-alive of a registered flow: CRLF on streams, STUN or OPTIONS on
 * UDP, RFC 5626 section 4.4. A flow whose probe is not answered has failed and is closed: its loss
 * is then the registration's matter. The CRLFs of [MS-CONMGMT], which dialect ocs agrees on, have
 * no answer. */
#include "endpoint/registration_impl.h"

#include "base/text.h"

#include <string.h>

static void arm(struct keepalive *k)
{
	/* 4.4: "a random number between 80% and 100%" of the upper bound, so that clients do not
	 * beat in time. */
	uint64_t wait = k->interval_ms * (80 + text_random_u32() % 21) / 100;

	k->waiting = false;
	k->tries = 0;
	net_timer_set(endpoint_loop(), &k->timer, net_now_ms() + wait);
}

/* [MS-CONMGMT] 3.4.2: the timer begins anew with everything that is sent. */
static void arm_idle(struct keepalive *k)
{
	uint64_t sent = net_flow_info(k->flow)->sent_ms, now = net_now_ms();

	k->waiting = false;
	net_timer_set(endpoint_loop(), &k->timer, (sent ? sent : now) + k->interval_ms);
}

static void failed(struct keepalive *k, const char *why)
{
	struct net_flow *flow = net_flow_ref(k->flow);

	trace_note(endpoint_manager_trace(k->registration->endpoint->manager),
		"the keep-alive had no answer: %s", why);
	keepalive_stop(k);
	net_flow_close(flow);
	net_flow_unref(flow);
}

/* ---- STUN, RFC 8489: a binding request and what its success response maps to ---- */

static void send_stun(struct keepalive *k)
{
	unsigned char m[20] = { 0x00, 0x01, 0x00, 0x00, 0x21, 0x12, 0xa4, 0x42 };

	if (k->tries == 0)
		text_random(k->id, sizeof(k->id));
	memcpy(m + 8, k->id, sizeof(k->id));
	net_flow_send(k->flow, (struct str){ (const char *)m, sizeof(m) });
}

/* The XOR-MAPPED-ADDRESS attribute; false when the message is not the answer to ours. */
static bool read_stun(const struct keepalive *k, struct str bytes, struct str *mapped)
{
	const unsigned char *p = (const unsigned char *)bytes.p;
	size_t at = 20;

	if (bytes.n < 20 || p[0] != 0x01 || p[1] != 0x01 ||
		memcmp(p + 8, k->id, sizeof(k->id)) != 0)
		return false;
	*mapped = STR_EMPTY;
	while (at + 4 <= bytes.n) {
		size_t type = (size_t)p[at] << 8 | p[at + 1],
		       len = (size_t)p[at + 2] << 8 | p[at + 3];

		if (at + 4 + len > bytes.n)
			return false;
		if (type == 0x0020)
			*mapped = str_sub(bytes, at + 4, at + 4 + len);
		at += 4 + ((len + 3) & ~(size_t)3);
	}
	return true;
}

/* The server's side (RFC 5626 8, RFC 8489 6.3.1): a Binding request is answered with the address
 * that it came from, XORed with the magic cookie and the transaction id (14.2). */
void keepalive_answer(struct net_flow *flow, struct str bytes)
{
	const struct net_addr *a = &net_flow_info(flow)->remote;
	bool v6 = net_addr_is_ipv6(a);
	size_t len = v6 ? 16 : 4;
	const void *addr =
		v6 ? (const void *)&a->u.in6.sin6_addr : (const void *)&a->u.in4.sin_addr;
	unsigned char m[20 + 8 + 16] = { 0x01, 0x01, 0x00, (unsigned char)(8 + len) };

	if (bytes.n < 20 || bytes.p[0] != 0 || bytes.p[1] != 1)
		return; /* not a Binding request */
	memcpy(m + 4, bytes.p + 4, 16); /* cookie and id */
	m[21] = 0x20;
	m[23] = (unsigned char)(4 + len);
	m[25] = v6 ? 2 : 1;
	m[26] = (unsigned char)((net_addr_port(a) >> 8) ^ m[4]);
	m[27] = (unsigned char)((net_addr_port(a) & 0xff) ^ m[5]);
	memcpy(m + 28, addr, len);
	for (size_t i = 0; i < len; i++)
		m[28 + i] ^= m[4 + i];
	net_flow_send(flow, (struct str){ (const char *)m, 28 + len });
}

static void got_stun(struct keepalive *k, struct str bytes)
{
	struct str mapped;

	if (!k->waiting || !read_stun(k, bytes, &mapped))
		return;
	/* 4.4.2: "if the client detects that the XOR-MAPPED-ADDRESS has changed, it MUST treat the
	 * flow as failed". XOR with the transaction id touches IPv6 addresses, so only IPv4 ones
	 * compare as bytes. */
	if (mapped.n == 8 && k->mapped_len == 8 && memcmp(mapped.p, k->mapped, 8) != 0) {
		failed(k, "the address that the server sees has changed");
		return;
	}
	if (mapped.n == 8) {
		memcpy(k->mapped, mapped.p, 8);
		k->mapped_len = 8;
	}
	arm(k);
}

/* ---- OPTIONS ---- */

static void on_options(void *arg, const struct endpoint_event *ev)
{
	struct keepalive *k = arg;
	struct fail f;
	bool answered;

	if (ev->type != ENDPOINT_DONE && ev->type != ENDPOINT_FAILED)
		return;
	answered = ev->result->response != NULL; /* any answer proves the path */
	f = ev->result->fail;
	request_free(k->probe);
	k->probe = NULL;
	if (answered)
		arm(k);
	else
		failed(k, f.text);
}

static void send_options(struct keepalive *k)
{
	const struct registration *r = k->registration;
	struct fail f;
	const struct request_config config = {
		.endpoint = r->endpoint,
		.method = STR("OPTIONS"),
		.target = r->registrar,
		.max_forwards = -1,
		.timeout_ms = 10000,
		.fixed_target = true,
		.keep_flow = true,
		.flow_index = k->index,
		.on_event = on_options,
		.arg = k,
	};

	if (request_start(&config, &k->probe, &f) != 0)
		failed(k, f.text);
}

/* ---- the timer ---- */

static void probe(struct keepalive *k)
{
	uint64_t wait = 10000; /* 4.4.1: "does not receive a pong within 10 seconds" */

	k->waiting = true;
	switch (k->kind) {
	case REGISTRATION_KEEPALIVE_CRLF:
		net_flow_send(k->flow, STR("\r\n\r\n"));
		if (net_flow_info(k->flow)->transport == NET_UDP) {
			arm(k); /* nobody answers CRLF over UDP: it only keeps a NAT binding open */
			return;
		}
		break;
	case REGISTRATION_KEEPALIVE_MS:
		net_flow_send(k->flow, STR("\r\n\r\n"));
		arm_idle(k);
		return;
	case REGISTRATION_KEEPALIVE_STUN:
		send_stun(k);
		wait = 500ULL << (k->tries < 5 ? k->tries
					       : 5); /* RFC 8489 6.2.1: the interval doubles */
		break;
	default:
		send_options(k);
		return;
	}
	net_timer_set(endpoint_loop(), &k->timer, net_now_ms() + wait);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct keepalive *k = CONTAINER_OF(w, struct keepalive, timer);

	(void)revents;
	ev_timer_stop(loop, w);
	if (k->kind == REGISTRATION_KEEPALIVE_MS &&
		net_now_ms() < net_flow_info(k->flow)->sent_ms + k->interval_ms)
		arm_idle(k);
	else if (!k->waiting)
		probe(k);
	else if (k->kind == REGISTRATION_KEEPALIVE_STUN &&
		 ++k->tries < 7) /* RFC 8489 6.2.1: Rc is 7 */
		probe(k);
	else
		failed(k, "no answer in time");
}

static void on_flow(void *arg, enum flow_news news, const struct net_event *ev)
{
	struct keepalive *k = arg;

	if (news == FLOW_CLOSED)
		keepalive_stop(k);
	else if (news == FLOW_PONG && ev->bytes.n > 0)
		got_stun(k, ev->bytes);
	else if (news == FLOW_PONG && k->waiting && k->kind == REGISTRATION_KEEPALIVE_CRLF)
		arm(k);
}

/* As it is configured, or as it is usual with this registrar. */
static enum registration_keepalive kind_of(
	const struct keepalive *k, const struct registration_answer *a, bool outbound, bool udp)
{
	enum registration_keepalive kind = k->registration->config.keepalive;

	if (kind != REGISTRATION_KEEPALIVE_AUTO)
		return kind;
	if (a->keepalive > 0)
		return REGISTRATION_KEEPALIVE_MS;
	return !outbound ? REGISTRATION_KEEPALIVE_NONE
	       : udp     ? REGISTRATION_KEEPALIVE_STUN
			 : REGISTRATION_KEEPALIVE_CRLF;
}

/* 4.4: Flow-Timer says how long the server waits; without it 120 s on streams and 29 s over UDP at
 * most. [MS-CONMGMT] 3.4.2: two thirds of what was agreed on. */
static uint64_t interval_of(
	const struct keepalive *k, const struct registration_answer *a, bool udp)
{
	if (k->registration->config.keepalive_ms)
		return k->registration->config.keepalive_ms;
	if (k->kind == REGISTRATION_KEEPALIVE_MS)
		return (uint64_t)a->keepalive * 2000 / 3;
	return a->flow_timer ? (uint64_t)a->flow_timer * 1000 : udp ? 29000 : 120000;
}

void keepalive_start(struct keepalive *k, const struct registration_answer *a, bool outbound)
{
	struct registration *r = k->registration;
	struct net_flow *flow = r->endpoint->ops->flow(r->endpoint, k->index);
	bool udp = flow && net_flow_info(flow)->transport == NET_UDP;

	keepalive_stop(k);
	k->kind = kind_of(k, a, outbound, udp);
	if (!flow || k->kind == REGISTRATION_KEEPALIVE_NONE)
		return;
	k->interval_ms = interval_of(k, a, udp);
	k->flow = net_flow_ref(flow);
	k->watch = (struct flow_watch){ .fn = on_flow, .arg = k };
	flow_watch_start(r->endpoint->manager, flow, &k->watch);
	ev_init(&k->timer, on_timer);
	k->mapped_len = 0;
	if (k->kind == REGISTRATION_KEEPALIVE_MS)
		arm_idle(k);
	else
		arm(k);
}

void keepalive_stop(struct keepalive *k)
{
	ev_timer_stop(endpoint_loop(), &k->timer);
	flow_watch_stop(&k->watch);
	request_free(k->probe);
	k->probe = NULL;
	net_flow_unref(k->flow);
	k->flow = NULL;
	k->waiting = false;
}
