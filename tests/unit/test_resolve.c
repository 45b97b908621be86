/* tests/unit/test_resolve.c -- lib/endpoint/resolve: RFC 3263 against knot with the zone of
 * tests/data/dns, against servers that misbehave, and without any */
#include "base/mem.h"
#include "endpoint/resolve.h"
#include "endpoint/resolve_order.h"
#include "endpoint/resolve_override.h"
#include "net/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dns_rig.h"

/* --- orders ------------------------------------------------------------------------------------
 */

static const char *order_of(const struct net_dns_record *r, size_t n)
{
	static char text[256];
	struct buf b = BUF_INIT(sizeof(text) - 1);

	for (size_t i = 0; i < n; i++)
		buf_add_str(&b, r[i].target);
	snprintf(text, sizeof(text), "%s", buf_cstr(&b));
	buf_done(&b);
	return text;
}

static void test_naptr_order(void **state)
{
	struct net_dns_record r[] = {
		{ .order = 20, .preference = 1, .target = STR("d") },
		{ .order = 10, .preference = 20, .target = STR("b") },
		{ .order = 20, .preference = 1, .target = STR("e") },
		{ .order = 10, .preference = 10, .target = STR("a") },
		{ .order = 10, .preference = 65535, .target = STR("c") },
		{ .order = 65535, .preference = 0, .target = STR("f") },
	};

	(void)state;
	resolve_order_naptr(r, ARRAY_LEN(r));
	assert_string_equal(order_of(r, ARRAY_LEN(r)), "abcdef");
	resolve_order_naptr(NULL, 0);
}

static void test_srv_order(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++) {
		struct net_dns_record r[] = {
			{ .priority = 65535, .weight = 1, .target = STR("e") },
			{ .priority = 2, .weight = 0, .target = STR("b") },
			{ .priority = 1, .weight = 9, .target = STR("a") },
			{ .priority = 2, .weight = 0, .target = STR("c") },
			{ .priority = 3, .weight = 65535, .target = STR("d") },
		};
		/* no weights, no choice: they stay as the server sent them */
		resolve_order_srv(r, ARRAY_LEN(r));
		assert_string_equal(order_of(r, ARRAY_LEN(r)), "abcde");
	}
	resolve_order_srv(NULL, 0);
}

/* How often each of four came first, against what is due, within five standard deviations. */
static void expect_share(const unsigned counts[4], const double due[4], unsigned draws)
{
	for (int i = 0; i < 4; i++) {
		double mean = draws * due[i], off = counts[i] - mean;
		if (off * off > 25 * mean * (1 - due[i]))
			fail_msg("number %d came first %u times of %u, due are %.0f", i, counts[i],
				draws, mean);
	}
}

/* RFC 2782: a number between 0 and 100 chooses, so that weight 0 has a chance of one in 101. */
static const double weights_due[4] = { 1 / 101.0, 10 / 101.0, 30 / 101.0, 60 / 101.0 };

static void test_weights(void **state)
{
	unsigned first[4] = { 0 }, second_after_3[4] = { 0 }, after_3 = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct net_dns_record r[] = {
			{ .priority = 1, .weight = 60, .target = STR("3") },
			{ .priority = 1, .weight = 10, .target = STR("1") },
			{ .priority = 1, .weight = 30, .target = STR("2") },
			{ .priority = 1, .weight = 0, .target = STR("0") },
			{ .priority = 2, .weight = 60000, .target = STR("4") },
		};
		unsigned seen = 0;
		resolve_order_srv(r, ARRAY_LEN(r));
		for (size_t k = 0; k < ARRAY_LEN(r); k++)
			seen |= 1U << (r[k].target.p[0] - '0');
		assert_int_equal(seen, 31); /* each is there, none twice */
		assert_int_equal(r[4].target.p[0], '4');
		first[r[0].target.p[0] - '0']++;
		if (r[0].target.p[0] == '3') {
			after_3++;
			second_after_3[r[1].target.p[0] - '0']++;
		}
	}
	expect_share(first, weights_due, 1000);
	expect_share(second_after_3, (double[]){ 1 / 41.0, 10 / 41.0, 30 / 41.0, 0 }, after_3);
}

/* The greatest weights and numbers there can be. */
static void test_weights_limit(void **state)
{
	static struct net_dns_record r[NET_DNS_RECORDS];
	unsigned sum = 0;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(r); i++)
		r[i] = (struct net_dns_record){ .weight = UINT16_MAX, .port = (uint16_t)i };
	resolve_order_srv(r, ARRAY_LEN(r));
	for (unsigned i = 0; i < ARRAY_LEN(r); i++)
		sum += r[i].port;
	assert_int_equal(sum, ARRAY_LEN(r) * (ARRAY_LEN(r) - 1) / 2);
}

static struct net_addr addr(const char *text, uint16_t port)
{
	struct net_addr a;

	assert_true(net_addr_parse(str_of(text), port, &a));
	return a;
}

static bool have_ipv6(void)
{
	struct net_addr loopback = addr("::1", 1), own;
	return net_addr_local_for(&loopback, &own) == 0;
}

static void test_addr_order(void **state)
{
	struct net_addr a[] = { addr("fe80::1", 5060), /* no scope: no way there */
		addr("127.0.0.2", 5060), addr("::1", 5060), addr("127.0.0.1", 5060) };
	bool ipv6 = have_ipv6();
	char text[NET_ADDR_TEXT];

	(void)state;
	resolve_order_addrs(a, ARRAY_LEN(a));
	assert_string_equal(net_addr_host(&a[ipv6 ? 0 : 2], text), ipv6 ? "::1" : "::1");
	assert_string_equal(net_addr_host(&a[ipv6 ? 1 : 0], text), "127.0.0.2");
	assert_string_equal(net_addr_host(&a[ipv6 ? 2 : 1], text), "127.0.0.1");
	assert_string_equal(net_addr_host(&a[3], text), "fe80::1");
	resolve_order_addrs(a, 0);
}

/* --- dead targets ------------------------------------------------------------------------------
 */

static void test_dead(void **state)
{
	struct resolve_dead *d = resolve_dead_new();
	struct net_addr one = addr("192.0.2.1", 5060), other = addr("192.0.2.1", 5061);

	(void)state;
	resolve_dead_add(d, NET_UDP, &one, 1000);
	assert_true(resolve_dead_has(d, NET_UDP, &one, 1000));
	assert_true(resolve_dead_has(d, NET_UDP, &one, 600999));
	assert_false(resolve_dead_has(d, NET_UDP, &one, 601000)); /* ten minutes later */
	assert_false(resolve_dead_has(d, NET_TCP, &one, 1000));
	assert_false(resolve_dead_has(d, NET_UDP, &other, 1000));
	resolve_dead_add(d, NET_UDP, &one, 5000);
	assert_true(resolve_dead_has(d, NET_UDP, &one, 601000));
	resolve_dead_del(d, NET_UDP, &other);
	resolve_dead_del(d, NET_UDP, &one);
	assert_false(resolve_dead_has(d, NET_UDP, &one, 5000));
	resolve_dead_free(d);
	resolve_dead_free(NULL);
}

static void test_dead_limit(void **state)
{
	struct resolve_dead *d = resolve_dead_new();
	struct net_addr a = addr("192.0.2.1", 0);

	(void)state;
	for (uint16_t port = 1; port <= 300; port++) {
		net_addr_set_port(&a, port);
		resolve_dead_add(d, NET_TCP, &a, port);
	}
	for (uint16_t port = 1; port <= 300; port++) { /* the oldest have gone */
		net_addr_set_port(&a, port);
		assert_int_equal(resolve_dead_has(d, NET_TCP, &a, 300), port > 44);
	}
	resolve_dead_free(d);
}

static void test_dead_order(void **state)
{
	struct resolve_target t[RESOLVE_TARGETS] = { { .weight = 0 } };

	(void)state;
	for (uint16_t i = 0; i < ARRAY_LEN(t); i++)
		t[i] = (struct resolve_target){ .weight = i, .dead = i % 2 == 0 };
	resolve_order_dead(t, ARRAY_LEN(t));
	for (uint16_t i = 0; i < 32; i++) {
		assert_int_equal(t[i].weight, 2 * i + 1);
		assert_int_equal(t[32 + i].weight, 2 * i);
	}
}

/* --- overrides ---------------------------------------------------------------------------------
 */

static void test_override_syntax(void **state)
{
	static const char *const bad[] = { "", ":", "::", "h", "h:5060", "h:5060:", "h::127.0.0.1",
		":5060:127.0.0.1", "h:0:127.0.0.1", "h:65536:127.0.0.1", "h:5060:x",
		"h:5060:127.0.0.1,", "h:5060:,127.0.0.1", "h:5060:127.0.0.1,,::1",
		"h:5060:127.0.0.1 ", " h:5060:127.0.0.1", "h:5060:127.0.0.1:5060",
		"[::1]5060:127.0.0.1", "[::1:5060:127.0.0.1", "::1:5060:127.0.0.1",
		"[h]:5060:127.0.0.1", "[127.0.0.1]:5060:::1", "*x:5060:127.0.0.1", "h:*:127.0.0.1",
		"h:5060:[::1", "h:5060:example.com", "h:+5:127.0.0.1" };
	static const struct {
		const char *text, *host;
		uint16_t port;
		const char *addrs;
	} good[] = {
		{ "example.com:5060:127.0.0.1", "example.com", 5060, "127.0.0.1" },
		{ "*:1:127.0.0.1,127.0.0.2", "*", 1, "127.0.0.1,127.0.0.2" },
		{ "[2001:db8::1]:65535:[::1],::2,127.0.0.1", "2001:db8::1", 65535,
			"[::1],::2,127.0.0.1" },
		{ "192.0.2.1:5061:::1", "192.0.2.1", 5061, "::1" },
	};
	struct str host = STR("-"), addrs = STR("-");
	uint16_t port = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (resolve_override_parse(str_of(bad[i]), &host, &port, &addrs))
			fail_msg("taken: %s", bad[i]);
	assert_true(str_eq(host, STR("-")) && str_eq(addrs, STR("-")) && port == 7);
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_true(resolve_override_parse(str_of(good[i].text), &host, &port, &addrs));
		assert_true(
			str_eq(host, str_of(good[i].host)) && str_eq(addrs, str_of(good[i].addrs)));
		assert_int_equal(port, good[i].port);
	}
}

static void test_override_find(void **state)
{
	static const char *const list[] = { "a.test:5060:127.0.0.1", "A.TEST:5061:127.0.0.2",
		"[2001:DB8:0::1]:5060:127.0.0.3", "nonsense", "*:5060:127.0.0.4",
		"b.test:5060:127.0.0.5", NULL };
	static const struct {
		const char *host;
		uint16_t port;
		const char *addrs;
	} all[] = {
		{ "A.Test", 5060, "127.0.0.1" },
		{ "a.test", 5061, "127.0.0.2" },
		{ "a.test", 5062, NULL },
		{ "2001:db8::1", 5060, "127.0.0.3" },
		{ "b.test", 5060, "127.0.0.4" }, /* the first that fits */
		{ "192.0.2.1", 5060, "127.0.0.4" },
		{ "b.test", 5061, NULL },
	};
	struct str addrs;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		bool found = resolve_override_find(list, str_of(all[i].host), all[i].port, &addrs);
		assert_int_equal(found, all[i].addrs != NULL);
		assert_true(!found || str_eq(addrs, str_of(all[i].addrs)));
	}
	assert_false(resolve_override_find(NULL, STR("a"), 1, &addrs));
}

/* --- running one -------------------------------------------------------------------------------
 */

/* What a case asks for beside the URI; zeroed, it is IPv4, no -t, udp preferred. */
struct wish {
	const char *t; /* -t */
	enum net_transport preferred;
	enum { IPV4, IPV6, BOTH } family;
	enum resolve_from from;
	bool all, no_udp;
	const char *overrides[4];
	struct resolve_dead *dead;
};

static void on_done(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)w;
	(void)revents;
	ev_break(loop, EVBREAK_ONE);
}

static void on_guard(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)w;
	(void)revents;
	fail_msg("not finished within 30 s");
}

static void begin(struct resolve *r, struct net_dns *dns, const char *text, const struct wish *w)
{
	static const int families[] = { [IPV4] = AF_INET, [IPV6] = AF_INET6, [BOTH] = AF_UNSPEC };
	struct sip_uri uri;
	struct resolve_config config = {
		.loop = net_loop(),
		.dns = dns,
		.uri = &uri,
		.transport = -1,
		.preferred = w->preferred,
		.family = families[w->family],
		.overrides = w->overrides,
		.from = w->from,
		.all = w->all,
		.no_udp = w->no_udp,
		.dead = w->dead,
	};
	enum net_transport t;
	char *copy = mem_strndup(text, strlen(text));

	if (w->t) {
		assert_true(net_transport_parse(str_of(w->t), &t));
		config.transport = (int)t;
	}
	assert_true(sip_uri_parse(str_of(copy), &uri));
	*r = (struct resolve){ .count = 0 };
	ev_init(&r->done, on_done);
	resolve_start(r, &config);
	mem_free(copy); /* the URI is copied */
}

static void run(struct resolve *r, struct net_dns *dns, const char *text, const struct wish *w)
{
	ev_timer guard;

	ev_timer_init(&guard, on_guard, 30, 0);
	ev_timer_start(net_loop(), &guard);
	begin(r, dns, text, w); /* if it called back now, the loop would run on */
	ev_run(net_loop(), 0);
	ev_timer_stop(net_loop(), &guard);
	assert_true(r->ms >= 0);
}

/* "tls 127.0.0.1:15061 sip.rte.test 0/0; ...", the numbers only of SRV records; or the failure */
static const char *result_of(const struct resolve *r)
{
	static char text[8192];
	char to[NET_ADDR_TEXT];
	struct buf b = BUF_INIT(sizeof(text) - 1);

	for (size_t i = 0; i < r->count; i++) {
		const struct resolve_target *t = &r->targets[i];
		buf_addf(&b, "%s%s%s %s " STR_FMT, i ? "; " : "", t->dead ? "dead " : "",
			net_transport_name(t->transport), net_addr_text(&t->addr, to),
			STR_ARG(t->host));
		if (t->srv)
			buf_addf(&b, " %u/%u", t->priority, t->weight);
	}
	assert_int_equal(r->fail.code == 0, r->count > 0);
	if (r->count == 0)
		buf_addf(&b, "%s", r->fail.text);
	snprintf(text, sizeof(text), "%s", buf_cstr(&b));
	buf_done(&b);
	return text;
}

static const char *queries_of(const struct resolve *r)
{
	static char text[8192];
	struct buf b = BUF_INIT(sizeof(text) - 1);

	for (size_t i = 0; i < r->query_count; i++)
		buf_addf(&b, "%s%s " STR_FMT " %s", i ? "; " : "", r->queries[i].rrtype,
			STR_ARG(r->queries[i].name), r->queries[i].rcode);
	snprintf(text, sizeof(text), "%s", buf_cstr(&b));
	buf_done(&b);
	return text;
}

static void expect(struct net_dns *dns, const char *uri, struct wish w, const char *result)
{
	struct resolve r;

	run(&r, dns, uri, &w);
	if (strcmp(result_of(&r), result) != 0)
		fail_msg("%s: %s\nbut should be: %s\nqueries: %s", uri, result_of(&r), result,
			queries_of(&r));
	resolve_done(&r);
}

#define WISH(...) ((struct wish){ __VA_ARGS__ })
#define NO_WISH ((struct wish){ .t = NULL })

static struct net_dns *dns_at(uint16_t port, uint32_t timeout_ms, unsigned tries)
{
	struct net_dns_config config = {
		.loop = net_loop(), .timeout_ms = timeout_ms, .tries = tries, .no_hosts_file = true
	};
	struct net_dns *d = NULL;
	char servers[32];

	snprintf(servers, sizeof(servers), "127.0.0.1:%u", port);
	config.servers = str_of(servers);
	assert_int_equal(net_dns_new(&config, &d, NULL), 0);
	return d;
}

/* --- without DNS -------------------------------------------------------------------------------
 */

static void test_numeric(void **state)
{
	(void)state;
	expect(NULL, "sip:127.0.0.1", NO_WISH, "udp 127.0.0.1:5060 127.0.0.1");
	expect(NULL, "sips:127.0.0.1", NO_WISH, "tls 127.0.0.1:5061 127.0.0.1");
	expect(NULL, "sip:a@[::1]:7000", WISH(.family = BOTH), "udp [::1]:7000 ::1");
	expect(NULL, "sip:[::1]", WISH(.family = IPV6), "udp [::1]:5060 ::1");
	expect(NULL, "sip:127.0.0.1;transport=tcp", NO_WISH, "tcp 127.0.0.1:5060 127.0.0.1");
	expect(NULL, "sip:127.0.0.1;transport=TLS", NO_WISH, "tls 127.0.0.1:5061 127.0.0.1");
	expect(NULL, "sips:127.0.0.1:7000;transport=tcp", NO_WISH, "tls 127.0.0.1:7000 127.0.0.1");
	expect(NULL, "sips:127.0.0.1;transport=tls", NO_WISH, "tls 127.0.0.1:5061 127.0.0.1");
	expect(NULL, "sip:127.0.0.1", WISH(.t = "tcp"), "tcp 127.0.0.1:5060 127.0.0.1");
	expect(NULL, "sips:127.0.0.1", WISH(.t = "tcp"), "tls 127.0.0.1:5061 127.0.0.1");
	expect(NULL, "sip:127.0.0.1;transport=tls", WISH(.t = "udp"),
		"tls 127.0.0.1:5061 127.0.0.1");
	expect(NULL, "sip:127.0.0.1", WISH(.preferred = NET_TLS), "tls 127.0.0.1:5061 127.0.0.1");
	expect(NULL, "sip:127.0.0.1:7000", WISH(.preferred = NET_TLS),
		"tls 127.0.0.1:7000 127.0.0.1");
	expect(NULL, "sip:example.com;maddr=127.0.0.2", NO_WISH, "udp 127.0.0.2:5060 127.0.0.2");
	expect(NULL, "sip:example.com:7000;maddr=[::1]", WISH(.family = BOTH),
		"udp [::1]:7000 ::1");
	expect(NULL, "sip:127.0.0.1", WISH(.from = RESOLVE_FROM_NAPTR),
		"udp 127.0.0.1:5060 127.0.0.1");
	expect(NULL, "sip:127.0.0.1", WISH(.family = IPV6), "127.0.0.1 is not an IPv6 address");
	expect(NULL, "sip:[::1]", WISH(.family = IPV4), "::1 is not an IPv4 address");
}

static void test_arguments(void **state)
{
	static const char *const all[][2] = {
		{ "tel:+15551234",
			"no server can be found for tel:+15551234: not a sip or sips URI" },
		{ "mailto:a@example.com",
			"no server can be found for mailto:a@example.com: not a sip or sips URI" },
		{ "sip:127.0.0.1;transport=sctp", "transport sctp is not supported" },
		{ "sip:127.0.0.1;transport=ws", "transport ws is not supported" },
		{ "sip:127.0.0.1;transport", "transport  is not supported" },
		{ "sips:127.0.0.1;transport=udp",
			"a sips URI cannot be reached over udp, which has no TLS" },
		{ "sip:127.0.0.1;maddr=-_", "maddr=-_ is not a host" },
	};
	struct resolve r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		run(&r, NULL, all[i][0], &NO_WISH);
		assert_string_equal(result_of(&r), all[i][1]);
		assert_int_equal(r.fail.code, -FAIL_ARGUMENT);
		resolve_done(&r);
	}
	expect(NULL, "sips:127.0.0.1", WISH(.t = "udp"),
		"a sips URI cannot be reached over udp, which has no TLS");
}

static void test_overrides(void **state)
{
	struct wish w = { .overrides = { "example.com:5060:127.0.0.2,127.0.0.1,::1",
				  "example.com:7000:127.0.0.3", "*:5061:127.0.0.4" } };

	(void)state;
	expect(NULL, "sip:Example.com", w,
		"udp 127.0.0.2:5060 Example.com; udp 127.0.0.1:5060 Example.com");
	expect(NULL, "sip:example.com:7000;transport=tcp", w, "tcp 127.0.0.3:7000 example.com");
	expect(NULL, "sips:a.test", w, "tls 127.0.0.4:5061 a.test");
	expect(NULL, "sips:192.0.2.1", w, "tls 127.0.0.4:5061 192.0.2.1");
	w.family = IPV6;
	expect(NULL, "sip:example.com", w, "udp [::1]:5060 example.com");
	expect(NULL, "sip:example.com:7000", w, "example.com: --resolve gives no IPv6 address");
	w.family = BOTH; /* in the user's order */
	expect(NULL, "sip:example.com", w,
		"udp 127.0.0.2:5060 example.com; udp 127.0.0.1:5060 example.com; udp [::1]:5060 "
		"example.com");
}

static void test_localhost(void **state)
{
	struct net_dns *d = dns_at(9, 0, 0);

	(void)state;
	expect(d, "sip:localhost", NO_WISH, "udp 127.0.0.1:5060 localhost");
	expect(d, "sips:localhost", NO_WISH, "tls 127.0.0.1:5061 localhost");
	expect(d, "sip:localhost:7000;transport=tcp", NO_WISH, "tcp 127.0.0.1:7000 localhost");
	net_dns_free(d);
}

/* --- servers that misbehave --------------------------------------------------------------------
 */

static void test_dead_server(void **state)
{
	struct rig_mock m = { .manner = RIG_SILENT };
	struct net_dns *d = dns_at(rig_free_port(), 0, 0);
	struct resolve r;
	uint64_t start = net_now_ms();

	(void)state;
	run(&r, d, "sip:example.com", &NO_WISH);
	assert_string_equal(
		result_of(&r), "example.com: no DNS server can be reached (A example.com)");
	assert_int_equal(r.fail.code, -FAIL_DNS);
	assert_in_range(net_now_ms() - start, 0, 3000);
	resolve_done(&r);
	net_dns_free(d);

	rig_mock_start(&m);
	d = dns_at(m.port, 60, 2);
	start = net_now_ms();
	run(&r, d, "sip:example.com", &WISH(.family = BOTH));
	assert_string_equal(
		result_of(&r), "example.com: the DNS server did not answer (A example.com)");
	assert_string_equal(queries_of(&r),
		"NAPTR example.com TIMEOUT; SRV _sip._udp.example.com TIMEOUT; "
		"SRV _sip._tcp.example.com TIMEOUT; SRV _sips._tcp.example.com TIMEOUT; "
		"A example.com TIMEOUT; AAAA example.com TIMEOUT");
	assert_in_range(net_now_ms() - start, 355, 3000); /* three times two tries */
	resolve_done(&r);
	net_dns_free(d);
	rig_mock_stop(&m);
}

static void test_refusing_server(void **state)
{
	struct rig_mock m = { .manner = RIG_RCODE, .rcode = 5 };
	struct net_dns *d;

	(void)state;
	rig_mock_start(&m);
	d = dns_at(m.port, 500, 1);
	expect(d, "sip:example.com", NO_WISH,
		"example.com: NAPTR, SRV and A questions gave no answer (A example.com: REFUSED)");
	m.rcode = 3;
	expect(d, "sips:example.com", WISH(.family = BOTH),
		"example.com: NAPTR, SRV, A and AAAA questions gave no answer (A example.com: "
		"NXDOMAIN)");
	expect(d, "sip:example.com:5060", NO_WISH,
		"example.com: A question gave no answer (A example.com: NXDOMAIN)");
	m.rcode = 0;
	expect(d, "sip:example.com;transport=udp", NO_WISH,
		"example.com: SRV and A questions gave no answer (A example.com: no records)");
	net_dns_free(d);
	rig_mock_stop(&m);
}

/* A68: many records of no use cost a bounded number of questions; see also test_big. */
static void test_bounded(void **state)
{
	static const char naptr[] =
		"\xc0\x0c\0\x23\0\x01\0\0\0\x05\0\x1c\0\x0a\0\x32\x01s\x07SIP+D2U\0"
		"\x04_sip\x04_udp\x01t"; /* and the root, its terminator */
	struct rig_mock m = { .manner = RIG_PACKET, .record_count = 11 };
	struct buf b = BUF_INIT(512);
	struct net_dns *d;
	struct resolve r;

	(void)state;
	rig_mock_start(&m);
	d = dns_at(m.port, 500, 1);
	for (unsigned i = 0; i < m.record_count; i++)
		buf_add(&b, naptr, sizeof(naptr));
	m.records = buf_str(&b);
	run(&r, d, "sip:example.com", &WISH(.all = true));
	assert_int_equal(r.fail.code, -FAIL_DNS);
	assert_int_equal(m.asked, 1 + 8 + 1); /* NAPTR, SRV, the fall-back */
	resolve_done(&r);
	net_dns_free(d);
	rig_mock_stop(&m);
	buf_done(&b);
}

/* --- against knot ------------------------------------------------------------------------------
 */

static struct net_dns *knot;

#define SIP "127.0.0.1:" RIG_SIP_PORT
#define TLS "127.0.0.1:" RIG_TLS_PORT

static void test_naptr(void **state)
{
	struct resolve r;

	(void)state;
	expect(knot, "sip:rte.test", NO_WISH, "tls " TLS " sip.rte.test 0/0");
	expect(knot, "sip:alice@RTE.Test", NO_WISH, "tls " TLS " sip.rte.test 0/0");
	expect(knot, "sips:rte.test", NO_WISH, "tls " TLS " sip.rte.test 0/0");
	expect(knot, "sip:rte.test", WISH(.all = true),
		"tls " TLS " sip.rte.test 0/0; tcp " SIP " sip.rte.test 0/0; udp " SIP
		" sip.rte.test 0/0");
	expect(knot, "sips:rte.test", WISH(.all = true), "tls " TLS " sip.rte.test 0/0");
	expect(knot, "sip:mixed.rte.test", NO_WISH, "tcp " SIP " live.rte.test 0/0");
	expect(knot, "sip:prefer.rte.test", NO_WISH, "tcp " SIP " live.rte.test 0/0");
	expect(knot, "sip:aflag.rte.test", NO_WISH, "udp 127.0.0.1:5060 live.rte.test");
	expect(knot, "sip:plain.rte.test", NO_WISH,
		"udp 127.0.0.1:1 dead.rte.test 10/0; udp " SIP " live.rte.test 20/0");
	expect(knot, "sips:plain.rte.test", NO_WISH, "tls " TLS " live.rte.test 0/0");
	expect(knot, "sip:useless.rte.test", NO_WISH, "udp 127.0.0.1:5060 useless.rte.test");
	/* RFC 3263 4.2: no SRV; the transport stays, the address is the domain's own */
	expect(knot, "sip:broken.rte.test", NO_WISH, "tcp 127.0.0.1:5060 broken.rte.test");
	expect(knot, "sip:halfbroken.rte.test", NO_WISH, "tcp " SIP " live.rte.test 0/0");
	expect(knot, "sips:halfbroken.rte.test", NO_WISH,
		"halfbroken.rte.test: SRV and A questions gave no answer (A halfbroken.rte.test: "
		"no records)");

	run(&r, knot, "sip:rte.test", &NO_WISH);
	assert_string_equal(queries_of(&r),
		"NAPTR rte.test NOERROR; SRV _sips._tcp.rte.test NOERROR; "
		"A sip.rte.test NOERROR");
	resolve_done(&r);
	run(&r, knot, "sip:rte.test", &WISH(.all = true)); /* one host: asked once */
	assert_string_equal(queries_of(&r),
		"NAPTR rte.test NOERROR; SRV _sips._tcp.rte.test NOERROR; "
		"SRV _sip._tcp.rte.test NOERROR; SRV _sip._udp.rte.test NOERROR; "
		"A sip.rte.test NOERROR");
	resolve_done(&r);
}

static void test_srv(void **state)
{
	struct resolve r;

	(void)state;
	expect(knot, "sip:rte.test;transport=tcp", NO_WISH, "tcp " SIP " sip.rte.test 0/0");
	expect(knot, "sip:rte.test;transport=tls", NO_WISH, "tls " TLS " sip.rte.test 0/0");
	expect(knot, "sip:rte.test", WISH(.t = "udp"), "udp " SIP " sip.rte.test 0/0");
	expect(knot, "sip:rte.test;transport=tcp", WISH(.t = "udp"),
		"tcp " SIP " sip.rte.test 0/0");
	expect(knot, "sips:rte.test;transport=tcp", NO_WISH, "tls " TLS " sip.rte.test 0/0");
	expect(knot, "sip:failover.rte.test", NO_WISH,
		"udp 127.0.0.1:1 dead.rte.test 10/0; udp " SIP " live.rte.test 20/0");
	expect(knot, "sip:failover.rte.test", WISH(.preferred = NET_TLS),
		"tls 127.0.0.1:1 dead.rte.test 10/0; tls " TLS " live.rte.test 20/0");
	expect(knot, "sips:failover.rte.test", NO_WISH,
		"tls 127.0.0.1:1 dead.rte.test 10/0; tls " TLS " live.rte.test 20/0");
	expect(knot, "sip:srvalias.rte.test", NO_WISH,
		"udp 127.0.0.1:1 dead.rte.test 10/0; udp " SIP " live.rte.test 20/0");
	expect(knot, "sip:blackhole.rte.test", NO_WISH,
		"udp 192.0.2.123:5060 hole.rte.test 10/0; udp " SIP " live.rte.test 20/0");
	expect(knot, "sip:none.rte.test", NO_WISH,
		"none.rte.test: the service is not offered (SRV _sip._udp.none.rte.test: \".\")");
	expect(knot, "sip:none.rte.test;transport=tcp", NO_WISH,
		"tcp 127.0.0.1:5060 none.rte.test");
	expect(knot, "sip:noudp.rte.test", NO_WISH, "tcp " SIP " live.rte.test 0/0");
	expect(knot, "sip:lost.rte.test", NO_WISH,
		"lost.rte.test: NAPTR and A questions gave no answer (A nowhere.rte.test: "
		"NXDOMAIN)");
	/* dialect ocs: whatever NAPTR and SRV records there are */
	expect(knot, "sip:rte.test", WISH(.all = true, .preferred = NET_TLS, .no_udp = true),
		"tls " TLS " sip.rte.test 0/0; tcp " SIP " sip.rte.test 0/0");
	expect(knot, "sip:rte.test",
		WISH(.from = RESOLVE_FROM_SRV, .preferred = NET_TLS, .no_udp = true),
		"tls " TLS " sip.rte.test 0/0");
	expect(knot, "sip:noudp.rte.test", WISH(.preferred = NET_TLS, .no_udp = true),
		"tcp " SIP " live.rte.test 0/0");
	/* --from-srv, --from-naptr */
	expect(knot, "sip:rte.test", WISH(.from = RESOLVE_FROM_SRV),
		"udp " SIP " sip.rte.test 0/0");
	expect(knot, "sip:rte.test:7000", WISH(.from = RESOLVE_FROM_SRV),
		"udp " SIP " sip.rte.test 0/0");
	expect(knot, "sip:rte.test:7000;transport=tcp", WISH(.from = RESOLVE_FROM_NAPTR),
		"tcp " SIP " sip.rte.test 0/0");

	run(&r, knot, "sip:failover.rte.test", &NO_WISH); /* what was not needed is not told */
	assert_string_equal(queries_of(&r),
		"NAPTR failover.rte.test NOERROR; SRV _sip._udp.failover.rte.test NOERROR; "
		"A dead.rte.test NOERROR; A live.rte.test NOERROR");
	resolve_done(&r);
}

static void test_address(void **state)
{
	bool ipv6 = have_ipv6();
	struct resolve r;

	(void)state;
	expect(knot, "sip:rte.test:7000", NO_WISH, "udp 127.0.0.1:7000 rte.test");
	expect(knot, "sip:rte.test:5060", NO_WISH,
		"udp 127.0.0.1:5060 rte.test"); /* 5060 too is explicit */
	expect(knot, "sips:rte.test:7000", NO_WISH, "tls 127.0.0.1:7000 rte.test");
	expect(knot, "sip:rte.test:7000", WISH(.preferred = NET_TLS),
		"tls 127.0.0.1:7000 rte.test");
	expect(knot, "sip:rte.test:7000", WISH(.family = IPV6), "udp [::1]:7000 rte.test");
	expect(knot, "sip:rte.test:7000", WISH(.family = BOTH),
		ipv6 ? "udp [::1]:7000 rte.test; udp 127.0.0.1:7000 rte.test"
		     : "udp 127.0.0.1:7000 rte.test; udp [::1]:7000 rte.test");
	expect(knot, "sip:multi.rte.test", NO_WISH,
		"udp 127.0.0.1:5060 multi.rte.test; udp 127.0.0.21:5060 multi.rte.test");
	expect(knot, "sip:multi.rte.test", WISH(.t = "tls"),
		"tls 127.0.0.1:5061 multi.rte.test; tls 127.0.0.21:5061 multi.rte.test");
	expect(knot, "sip:v6only.rte.test", WISH(.family = BOTH), "udp [::1]:5060 v6only.rte.test");
	expect(knot, "sip:v6only.rte.test", NO_WISH,
		"v6only.rte.test: NAPTR, SRV and A questions gave no answer (A v6only.rte.test: no "
		"records)");
	expect(knot, "sip:v4only.rte.test;transport=tcp", WISH(.family = IPV6),
		"v4only.rte.test: SRV and AAAA questions gave no answer (AAAA v4only.rte.test: no "
		"records)");
	expect(knot, "sip:alias.rte.test", NO_WISH, "udp 127.0.0.1:5060 alias.rte.test");
	expect(knot, "sip:example.com;maddr=v4only.rte.test", NO_WISH,
		"udp 127.0.0.1:5060 v4only.rte.test");
	expect(knot, "sip:nx.rte.test", WISH(.family = BOTH),
		"nx.rte.test: NAPTR, SRV, A and AAAA questions gave no answer (A nx.rte.test: "
		"NXDOMAIN)");
	expect(knot, "sip:elsewhere.example", NO_WISH,
		"elsewhere.example: NAPTR, SRV and A questions gave no answer (A "
		"elsewhere.example: REFUSED)");
	expect(knot, "sip:rte.test",
		WISH(.overrides = { "sip.rte.test:" RIG_TLS_PORT ":127.0.0.9" }),
		"tls 127.0.0.9:" RIG_TLS_PORT " sip.rte.test 0/0");

	run(&r, knot, "sip:v4only.rte.test", &NO_WISH);
	assert_string_equal(queries_of(&r),
		"NAPTR v4only.rte.test NOERROR; SRV _sip._udp.v4only.rte.test NXDOMAIN; "
		"SRV _sip._tcp.v4only.rte.test NXDOMAIN; "
		"SRV _sips._tcp.v4only.rte.test NXDOMAIN; A v4only.rte.test NOERROR");
	resolve_done(&r);
	run(&r, knot, "sip:v4only.rte.test:7000", &WISH(.family = BOTH));
	assert_string_equal(
		queries_of(&r), "A v4only.rte.test NOERROR; AAAA v4only.rte.test NOERROR");
	resolve_done(&r);
}

/* A server with an IPv6 address; names as people write them. */
static void test_other_ways(void **state)
{
	struct net_dns_config config = { .loop = net_loop(), .no_hosts_file = true };
	struct net_dns *d;
	char servers[32];

	(void)state;
	expect(knot, "sip:rte.test.", NO_WISH, "tls " TLS " sip.rte.test 0/0");
	expect(knot, "sip:zero.rte.test", NO_WISH,
		"zero.rte.test: its records have no address or no port");
	expect(knot, "sip:any.rte.test", NO_WISH,
		"any.rte.test: its records have no address or no port");
	snprintf(servers, sizeof(servers), "[::1]:%u", rig_knot.port);
	config.servers = str_of(servers);
	setenv("LOCALDOMAIN", "rte.test", 1); /* the search list of resolv.conf */
	assert_int_equal(net_dns_new(&config, &d, NULL), 0);
	if (have_ipv6()) {
		expect(d, "sip:live:7000", NO_WISH, "udp 127.0.0.1:7000 live");
		expect(d, "sip:mixed.rte.test", NO_WISH, "tcp " SIP " live.rte.test 0/0");
	}
	unsetenv("LOCALDOMAIN");
	net_dns_free(d);
}

/* More than UDP carries, and than we want: over TCP, the first 64 in their order. */
static void test_big(void **state)
{
	struct resolve r;

	(void)state;
	run(&r, knot, "sip:big.rte.test;transport=tcp", &WISH(.family = BOTH));
	assert_int_equal(r.count, RESOLVE_TARGETS);
	for (size_t i = 0; i < r.count; i++)
		assert_int_equal(r.targets[i].priority, i + 1);
	assert_int_equal(r.query_count, 1 + 2 * RESOLVE_TARGETS);
	resolve_done(&r);
}

static void test_live_weights(void **state)
{
	unsigned first[4] = { 0 };
	struct resolve r;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		run(&r, knot, "sip:weight.rte.test;transport=udp", &NO_WISH);
		assert_int_equal(r.count, 4);
		first[r.targets[0].host.p[1] - '0']++;
		resolve_done(&r);
	}
	expect_share(first, weights_due, 1000);
}

static void test_live_dead(void **state)
{
	struct wish w = { .dead = resolve_dead_new() };
	struct net_addr a = addr("127.0.0.1", 1);

	(void)state;
	resolve_dead_add(w.dead, NET_UDP, &a, net_now_ms());
	expect(knot, "sip:failover.rte.test", w,
		"udp " SIP " live.rte.test 20/0; dead udp 127.0.0.1:1 dead.rte.test 10/0");
	expect(knot, "sip:failover.rte.test;transport=tcp", w,
		"tcp 127.0.0.1:1 dead.rte.test 10/0; tcp " SIP " live.rte.test 20/0");
	expect(knot, "sip:127.0.0.1:1", w,
		"dead udp 127.0.0.1:1 127.0.0.1"); /* there is no other */
	resolve_dead_del(w.dead, NET_UDP, &a);
	expect(knot, "sip:failover.rte.test", w,
		"udp 127.0.0.1:1 dead.rte.test 10/0; udp " SIP " live.rte.test 20/0");
	resolve_dead_free(w.dead);
}

/* --- cancelling --------------------------------------------------------------------------------
 */

static void never(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)w;
	(void)revents;
	fail_msg("a cancelled resolve has finished");
}

/* After every number of loop passes, from before the first answer to after the last. */
static void test_cancel(void **state)
{
	static const char *const uris[] = { "sip:rte.test", "sip:big.rte.test;transport=tcp",
		"sip:127.0.0.1", "sip:nx.rte.test", "tel:1" };

	(void)state;
	for (size_t u = 0; u < ARRAY_LEN(uris); u++)
		for (int passes = 0; passes < 12; passes++) {
			struct resolve *r = MEM_NEW(struct resolve);
			begin(r, knot, uris[u], &WISH(.family = BOTH, .all = true));
			for (int i = 0; i < passes && r->ms <= 0; i++)
				ev_run(net_loop(), EVRUN_ONCE);
			ev_set_cb(&r->done, never);
			resolve_done(r);
			resolve_done(r); /* again: nothing */
			assert_null(r->targets);
			mem_free(r);
			assert_false(ev_run(net_loop(), EVRUN_NOWAIT));
		}
}

static void test_cancel_silent(void **state)
{
	struct rig_mock m = { .manner = RIG_SILENT };
	struct resolve *r = MEM_NEW(struct resolve);
	struct net_dns *d;

	(void)state;
	rig_mock_start(&m);
	d = dns_at(m.port, 1000, 2);
	begin(r, d, "sip:example.com", &NO_WISH);
	while (m.asked == 0)
		ev_run(net_loop(), EVRUN_ONCE);
	ev_set_cb(&r->done, never);
	resolve_done(r);
	mem_free(r);
	net_dns_free(d); /* nothing of the resolve is left in it */
	rig_mock_stop(&m);
	assert_false(ev_run(net_loop(), EVRUN_NOWAIT));
	resolve_done(&(struct resolve){ .count = 0 });
}

static int tear_down(void **state)
{
	(void)state;
	net_dns_free(knot);
	rig_knot_stop();
	return 0;
}

/* clang-format off */
#define WITHOUT_KNOT \
	cmocka_unit_test(test_naptr_order), \
	cmocka_unit_test(test_srv_order), \
	cmocka_unit_test(test_weights), \
	cmocka_unit_test(test_weights_limit), \
	cmocka_unit_test(test_addr_order), \
	cmocka_unit_test(test_dead), \
	cmocka_unit_test(test_dead_limit), \
	cmocka_unit_test(test_dead_order), \
	cmocka_unit_test(test_override_syntax), \
	cmocka_unit_test(test_override_find), \
	cmocka_unit_test(test_numeric), \
	cmocka_unit_test(test_arguments), \
	cmocka_unit_test(test_overrides), \
	cmocka_unit_test(test_localhost), \
	cmocka_unit_test(test_dead_server), \
	cmocka_unit_test(test_refusing_server), \
	cmocka_unit_test(test_bounded), \
	cmocka_unit_test(test_cancel_silent)
/* clang-format on */

int main(void)
{
	const struct CMUnitTest without[] = { WITHOUT_KNOT };
	const struct CMUnitTest all[] = {
		WITHOUT_KNOT,
		cmocka_unit_test(test_naptr),
		cmocka_unit_test(test_srv),
		cmocka_unit_test(test_address),
		cmocka_unit_test(test_other_ways),
		cmocka_unit_test(test_big),
		cmocka_unit_test(test_live_weights),
		cmocka_unit_test(test_live_dead),
		cmocka_unit_test(test_cancel),
	};

	if (!rig_knot_start())
		return rig_knot_missing()
			       ? 1
			       : cmocka_run_group_tests_name("resolve", without, NULL, NULL);
	knot = dns_at(rig_knot.port, 0, 0);
	return cmocka_run_group_tests_name("resolve", all, NULL, tear_down);
}
