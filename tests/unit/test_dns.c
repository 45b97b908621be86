/* tests/unit/test_dns.c -- lib/net/dns: answers, servers that misbehave, names of this machine,
 * cancelling */
#include "base/mem.h"
#include "net/dns.h"
#include "net/dns_answer.h"
#include "net/dns_local.h"
#include "net/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dns_rig.h"

/* --- helpers -----------------------------------------------------------------------------------
 */

static struct net_dns *dns_new(const char *servers, uint32_t timeout_ms, unsigned tries)
{
	struct net_dns_config config = {
		.loop = net_loop(),
		.servers = str_of(servers),
		.timeout_ms = timeout_ms,
		.tries = tries,
	};
	struct net_dns *d = NULL;

	assert_int_equal(net_dns_new(&config, &d, NULL), 0);
	return d;
}

static struct net_dns *dns_at(uint16_t port, uint32_t timeout_ms, unsigned tries)
{
	char servers[32];

	snprintf(servers, sizeof(servers), "127.0.0.1:%u", port);
	return dns_new(servers, timeout_ms, tries);
}

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
	fail_msg("no answer within 20 s");
}

static void run_for(double seconds)
{
	ev_timer t;

	ev_timer_init(&t, on_done, seconds, 0);
	ev_timer_start(net_loop(), &t);
	ev_run(net_loop(), 0);
	ev_timer_stop(net_loop(), &t);
}

/* Asks and waits; the answer never comes inside the call. */
static void ask(
	struct net_dns *d, struct net_dns_query *q, const char *name, enum net_dns_type type)
{
	ev_timer guard;

	*q = (struct net_dns_query){ .count = 0 };
	ev_init(&q->done, on_done);
	ev_timer_init(&guard, on_guard, 20, 0);
	ev_timer_start(net_loop(), &guard);
	net_dns_ask(d, q, str_of(name), type);
	ev_run(net_loop(), 0);
	ev_timer_stop(net_loop(), &guard);
	assert_false(q->running);
	assert_string_equal(q->name.p, name);
}

static void expect_rcode(
	struct net_dns *d, const char *name, enum net_dns_type type, const char *rcode)
{
	struct net_dns_query q;

	ask(d, &q, name, type);
	assert_string_equal(q.rcode, rcode);
	assert_int_equal(q.failed, strcmp(rcode, "NOERROR") != 0 && strcmp(rcode, "NXDOMAIN") != 0);
	assert_int_equal(q.count, 0);
	net_dns_forget(&q);
}

/* The records as text, one behind the other. */
static const char *records_of(const struct net_dns_query *q)
{
	static char text[4096];
	struct buf b = BUF_INIT(sizeof(text) - 1);

	for (size_t i = 0; i < q->count; i++) {
		buf_addf(&b, "%s", i ? "; " : "");
		net_dns_answer_write(&b, q->type, &q->records[i]);
	}
	snprintf(text, sizeof(text), "%s", buf_cstr(&b));
	buf_done(&b);
	return text;
}

static void expect(struct net_dns *d, const char *name, enum net_dns_type type, const char *records)
{
	struct net_dns_query q;

	ask(d, &q, name, type);
	assert_string_equal(q.rcode, "NOERROR");
	assert_false(q.failed);
	assert_string_equal(records_of(&q), records);
	net_dns_forget(&q);
}

/* Nothing of ours or of c-ares keeps the loop alive. */
static void expect_idle(void)
{
	assert_false(ev_run(net_loop(), EVRUN_NOWAIT));
}

/* --- packets -----------------------------------------------------------------------------------
 */

/* A packet for the parser: header, one question (_s._udp.t), answers. */
struct packet {
	unsigned char p[65535];
	size_t n;
};

static void put(struct packet *k, const void *p, size_t n)
{
	memcpy(k->p + k->n, p, n);
	k->n += n;
}

#define PUT(k, literal) put((k), (literal), sizeof(literal) - 1)

static void begin(struct packet *k, unsigned char type, unsigned answers)
{
	k->n = 0;
	PUT(k, "\x12\x34\x85\x80\x00\x01");
	put(k, (unsigned char[]){ (unsigned char)(answers >> 8), (unsigned char)answers }, 2);
	PUT(k, "\0\0\0\0\x02_s\x04_udp\x01t\0\0");
	put(k, &type, 1);
	PUT(k, "\0\x01");
}

/* A record of the question's name. */
static void record(struct packet *k, unsigned char type, const void *data, size_t n)
{
	PUT(k, "\xc0\x0c\0");
	put(k, &type, 1);
	PUT(k, "\0\x01\0\0\0\x05");
	put(k, (unsigned char[]){ (unsigned char)(n >> 8), (unsigned char)n }, 2);
	put(k, data, n);
}

#define RECORD(k, type, literal) record((k), (type), (literal), sizeof(literal) - 1)

enum { A = 1, AAAA = 28, SRV = 33, NAPTR = 35, CNAME = 5 };

/* From memory of exactly its size, so that a sanitizer sees any step over the end. */
static bool parse(const struct packet *k, enum net_dns_type type, struct net_dns_query *q)
{
	char *copy = mem_alloc(k->n);
	bool ok;

	*q = (struct net_dns_query){ .type = type };
	memcpy(copy, k->p, k->n);
	ok = net_dns_answer_parse(
		&q->arena, type, (struct str){ copy, k->n }, &q->records, &q->count);
	mem_free(copy);
	return ok;
}

static void expect_parsed(const struct packet *k, enum net_dns_type type, const char *records)
{
	struct net_dns_query q;

	assert_true(parse(k, type, &q));
	assert_string_equal(records_of(&q), records);
	arena_done(&q.arena);
}

static void expect_malformed(const struct packet *k, enum net_dns_type type)
{
	struct net_dns_query q;

	assert_false(parse(k, type, &q));
	assert_null(q.records);
	arena_done(&q.arena);
}

static void test_answers(void **state)
{
	static struct packet k;

	(void)state;
	begin(&k, SRV, 2);
	RECORD(&k, SRV, "\0\x0a\0\x3c\x13\xc5\x01h\x01t\0");
	RECORD(&k, SRV, "\0\x0a\0\x3c\x13\xc5\0"); /* the root */
	expect_parsed(&k, NET_DNS_SRV, "10 60 5061 h.t; 10 60 5061 .");

	begin(&k, NAPTR, 1);
	RECORD(&k, NAPTR, "\0\x0a\0\x32\x01s\x08SIPS+D2T\0\x05_sips\x04_tcp\x01t\0");
	expect_parsed(&k, NET_DNS_NAPTR, "10 50 \"s\" \"SIPS+D2T\" \"\" _sips._tcp.t");

	begin(&k, A, 2);
	RECORD(&k, A, "\xc0\0\x02\x01");
	RECORD(&k, A, "\xc0\0\x02\x02");
	expect_parsed(&k, NET_DNS_A, "192.0.2.1; 192.0.2.2");

	begin(&k, AAAA, 1);
	RECORD(&k, AAAA, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01");
	expect_parsed(&k, NET_DNS_AAAA, "2001:db8::1");

	/* only an alias, or records of other types: an answer, but without a record */
	begin(&k, A, 1);
	RECORD(&k, CNAME, "\x01h\x01t\0");
	expect_parsed(&k, NET_DNS_A, "");
	begin(&k, SRV, 1);
	RECORD(&k, CNAME, "\x01h\x01t\0");
	expect_parsed(&k, NET_DNS_SRV, "");
	begin(&k, NAPTR, 0);
	expect_parsed(&k, NET_DNS_NAPTR, "");
}

/* Names and texts that would go on into a question, a log or a terminal. */
static void test_strange_names(void **state)
{
	static struct packet k;

	(void)state;
	begin(&k, SRV, 5);
	RECORD(&k, SRV, "\0\x01\0\0\x13\xc4\x03h\x1b[\x01t\0");
	RECORD(&k, SRV, "\0\x02\0\0\x13\xc4\x03h t\x01t\0");
	RECORD(&k, SRV, "\0\x03\0\0\x13\xc4\x03h.t\x01t\0"); /* a dot within a label */
	RECORD(&k, SRV, "\0\x04\0\0\x13\xc4\x03h\0t\x01t\0");
	RECORD(&k, SRV, "\0\x05\0\0\x13\xc4\x03h_t\x01t\0");
	expect_parsed(&k, NET_DNS_SRV, "5 0 5060 h_t.t");

	begin(&k, NAPTR, 4);
	RECORD(&k, NAPTR, "\0\x01\0\0\x01\x07\x07SIP+D2U\0\x01h\0");
	RECORD(&k, NAPTR, "\0\x02\0\0\x01s\x07SIP+D2\x80\0\x01h\0");
	RECORD(&k, NAPTR, "\0\x03\0\0\x01s\x07SIP+D2U\x03!\x1b!\x01h\0");
	RECORD(&k, NAPTR, "\0\x04\0\0\x01s\x07SIP+D2U\x09!^( )$!x!\x01h\0");
	expect_parsed(&k, NET_DNS_NAPTR, "4 0 \"s\" \"SIP+D2U\" \"!^( )$!x!\" h");
}

/* A68 */
static void test_malformed(void **state)
{
	static struct packet k, cut;
	size_t whole;

	(void)state;
	begin(&k, SRV, 1);
	RECORD(&k, SRV, "\0\x01\0\0\x13\xc4\xc0\xff"); /* a pointer behind the end */
	expect_malformed(&k, NET_DNS_SRV);
	begin(&k, SRV, 1);
	RECORD(&k, SRV, "\0\x01\0\0\x13\xc4\xc0"); /* half a pointer at the end */
	expect_malformed(&k, NET_DNS_SRV);
	begin(&k, SRV, 1);
	RECORD(&k, SRV, "\0\x01\0\0\x13\xc4\xc0\x2f"); /* a pointer to itself */
	expect_malformed(&k, NET_DNS_SRV);
	begin(&k, SRV, 1);
	RECORD(&k, SRV, "\0\x01\0\0\x13\xc4\x01h\xc0\x2f"); /* a loop over a label */
	expect_malformed(&k, NET_DNS_SRV);
	begin(&k, NAPTR, 1);
	RECORD(&k, NAPTR,
		"\0\x01\0\0\xff"
		"s"); /* a text longer than the record */
	expect_malformed(&k, NET_DNS_NAPTR);
	begin(&k, SRV, 1);
	RECORD(&k, SRV, "\0\x01\0"); /* a record too short for its type */
	expect_malformed(&k, NET_DNS_SRV);

	/* every truncation of a good answer */
	begin(&k, NAPTR, 1);
	RECORD(&k, NAPTR, "\0\x0a\0\x32\x01s\x08SIPS+D2T\0\x05_sips\x04_tcp\xc0\x14");
	whole = k.n;
	cut = k;
	for (cut.n = 0; cut.n < whole; cut.n++)
		expect_malformed(&cut, NET_DNS_NAPTR);
	cut.n = whole;
	expect_parsed(&cut, NET_DNS_NAPTR, "10 50 \"s\" \"SIPS+D2T\" \"\" _sips._tcp.t");
}

static void test_limit(void **state)
{
	static struct packet k;
	struct net_dns_query q;
	const enum net_dns_type types[] = { NET_DNS_SRV, NET_DNS_NAPTR, NET_DNS_A, NET_DNS_AAAA };

	(void)state;
	for (size_t t = 0; t < ARRAY_LEN(types); t++) {
		unsigned char type = (unsigned char[]){ SRV, NAPTR, A, AAAA }[t];
		begin(&k, type, 1000);
		for (unsigned i = 0; i < 1000; i++) {
			if (type == SRV)
				RECORD(&k, SRV, "\0\x0a\0\x3c\x13\xc5\x01h\x01t\0");
			else if (type == NAPTR)
				RECORD(&k, NAPTR, "\0\x0a\0\x32\x01s\x01S\0\x01t\0");
			else if (type == A)
				RECORD(&k, A, "\xc0\0\x02\x01");
			else
				RECORD(&k, AAAA, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01");
		}
		assert_true(parse(&k, types[t], &q));
		assert_int_equal(q.count, NET_DNS_RECORDS);
		arena_done(&q.arena);
	}
}

/* --- servers -----------------------------------------------------------------------------------
 */

static void test_server_list(void **state)
{
	static const char *const good[] = { "", "192.0.2.1", "192.0.2.1:5353", "[::1]", "[::1]:53",
		"192.0.2.1, 192.0.2.2:54,[2001:db8::1]:55" };
	static const char *const bad[] = { "x", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536",
		"::1", "[::1", "[192.0.2.1]", "[::1]53", "[::1]:", "[::1]x:53", "[fe80::1%lo]",
		"dns.example.com", ",", "192.0.2.1,", "192.0.2.1,,192.0.2.2", "192.0.2.1 192.0.2.2",
		"[]" };
	struct net_dns_config config = { .loop = net_loop() };
	struct net_dns *d = NULL;
	struct fail f;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		config.servers = str_of(good[i]);
		assert_int_equal(net_dns_new(&config, &d, &f), 0);
		net_dns_free(d);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		d = NULL;
		config.servers = str_of(bad[i]);
		if (net_dns_new(&config, &d, &f) != -FAIL_ARGUMENT)
			fail_msg("taken: %s", bad[i]);
		assert_null(d);
		assert_non_null(strstr(f.text, "not a DNS server"));
	}
	net_dns_free(NULL);
}

static void test_unreachable(void **state)
{
	uint64_t start = net_now_ms();
	struct net_dns *d = dns_at(rig_free_port(), 0, 0);

	(void)state;
	expect_rcode(d, "example.com", NET_DNS_A, "UNREACHABLE");
	expect_rcode(d, "_sip._udp.example.com", NET_DNS_SRV, "UNREACHABLE");
	assert_in_range(net_now_ms() - start, 0, 3000);
	expect_idle();
	net_dns_free(d);
}

/* c-ares doubles its time-out; ours is timeout * tries, or one for each server when they are more
 */
static void test_timeout(void **state)
{
	struct rig_mock m = { .manner = RIG_SILENT };
	char servers[128];
	struct net_dns *d;
	uint64_t start;

	(void)state;
	rig_mock_start(&m);
	d = dns_at(m.port, 100, 4); /* for c-ares that would be 1.5 s */
	start = net_now_ms();
	expect_rcode(d, "example.com", NET_DNS_NAPTR, "TIMEOUT");
	assert_in_range(net_now_ms() - start, 390, 1400);
	assert_in_range(m.asked, 2, 4);
	ev_io_stop(net_loop(), &m.io); /* the mock itself keeps the loop alive */
	expect_idle();
	ev_io_start(net_loop(), &m.io);
	net_dns_free(d);

	snprintf(servers, sizeof(servers), "127.0.0.1:%u,127.0.0.1:%u,127.0.0.1:%u", m.port, m.port,
		m.port);
	d = dns_new(servers, 60, 1);
	start = net_now_ms();
	expect_rcode(d, "example.com", NET_DNS_A, "TIMEOUT");
	assert_in_range(net_now_ms() - start, 55, 3000);
	net_dns_free(d);
	rig_mock_stop(&m);
}

static void test_rcodes(void **state)
{
	static const struct {
		unsigned char rcode;
		const char *text;
	} all[] = { { 0, "NOERROR" }, { 1, "FORMERR" }, { 2, "SERVFAIL" }, { 3, "NXDOMAIN" },
		{ 4, "NOTIMP" }, { 5, "REFUSED" } };
	struct rig_mock m = { .manner = RIG_RCODE };
	struct net_dns *d;

	(void)state;
	rig_mock_start(&m);
	d = dns_at(m.port, 200, 2);
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		m.rcode = all[i].rcode;
		expect_rcode(d, "example.com", NET_DNS_SRV, all[i].text);
		expect_rcode(d, "example.com", NET_DNS_A, all[i].text);
	}
	net_dns_free(d);
	rig_mock_stop(&m);
}

/* A server that refuses says nothing about the name: the next one is asked; what was refused is
 * still told. */
static void test_next_server(void **state)
{
	struct rig_mock refuses = { .manner = RIG_RCODE, .rcode = 5 };
	struct rig_mock other = { .manner = RIG_PACKET, .record_count = 1 };
	char servers[64];
	struct net_dns *d;

	(void)state;
	rig_mock_start(&refuses);
	rig_mock_start(&other);
	other.records = STR("\xc0\x0c\0\x01\0\x01\0\0\0\x05\0\x04\xc0\0\x02\x07");
	snprintf(servers, sizeof(servers), "127.0.0.1:%u,127.0.0.1:%u", refuses.port, other.port);
	d = dns_new(servers, 500, 2);
	expect(d, "example.com", NET_DNS_A, "192.0.2.7");
	other.manner = RIG_RCODE;
	other.rcode = 3;
	expect_rcode(d, "example.com", NET_DNS_A, "NXDOMAIN");
	other.rcode = 2;
	expect_rcode(d, "example.com", NET_DNS_A, "REFUSED");
	net_dns_free(d);
	rig_mock_stop(&refuses);
	rig_mock_stop(&other);
}

/* A67: what is not the answer to our question is not taken. */
static void test_forged(void **state)
{
	struct rig_mock m = { .manner = RIG_FORGED };
	struct net_dns *d;

	(void)state;
	rig_mock_start(&m);
	d = dns_at(m.port, 500, 1);
	expect_rcode(d, "xxample.com", NET_DNS_A, "NXDOMAIN");
	m.manner = RIG_EMPTY; /* CVE-2023-32067: no bytes are no end of the connection */
	expect_rcode(d, "example.com", NET_DNS_A, "TIMEOUT");
	net_dns_free(d);
	rig_mock_stop(&m);
}

static void test_garbage(void **state)
{
	struct rig_mock m = { .manner = RIG_GARBAGE };
	struct net_dns *d;
	struct net_dns_query q;

	(void)state;
	rig_mock_start(&m);
	d = dns_at(m.port, 100, 2);
	for (enum net_dns_type t = NET_DNS_A; t <= NET_DNS_NAPTR; t++) {
		ask(d, &q, "example.com", t);
		assert_true(
			q.failed); /* MALFORMED; newer versions of c-ares wait for a better one */
		assert_int_equal(q.count, 0);
		net_dns_forget(&q);
	}
	net_dns_free(d);
	rig_mock_stop(&m);
}

/* --- names of this machine ---------------------------------------------------------------------
 */

static void test_bad_names(void **state)
{
	struct rig_mock m = { .manner = RIG_SILENT };
	struct net_dns *d;

	(void)state;
	rig_mock_start(&m);
	d = dns_at(m.port, 50, 1);
	expect_rcode(d, "", NET_DNS_A, "BADNAME");
	expect_rcode(d, "ex ample.com", NET_DNS_A, "BADNAME");
	expect_rcode(d, "ex\\046ample.com", NET_DNS_SRV, "BADNAME");
	expect_rcode(d,
		"b\xc3\xbc"
		"cher.example",
		NET_DNS_NAPTR, "BADNAME");
	expect_rcode(d, "a..example.com", NET_DNS_A, "BADNAME");
	expect_rcode(d,
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
		"x.y",
		NET_DNS_A, "BADNAME");
	assert_int_equal(m.asked, 0);
	net_dns_free(d);
	rig_mock_stop(&m);
}

static void test_localhost(void **state)
{
	struct net_dns_config config = {
		.loop = net_loop(), .servers = STR("127.0.0.1:9"), .no_hosts_file = true
	};
	struct net_dns *d = NULL;
	struct net_dns_query q;

	(void)state;
	assert_int_equal(net_dns_new(&config, &d, NULL), 0);
	expect(d, "localhost", NET_DNS_A, "127.0.0.1");
	expect(d, "LocalHost.", NET_DNS_AAAA, "::1");
	expect(d, "x.localhost", NET_DNS_A, "127.0.0.1");
	expect_rcode(d, "_sip._udp.localhost", NET_DNS_SRV, "NXDOMAIN");
	expect_rcode(d, "localhost", NET_DNS_NAPTR, "NXDOMAIN");
	expect_rcode(d, "notlocalhost.test", NET_DNS_A, "UNREACHABLE");
	net_dns_free(d);
	/* with the hosts file of this machine: at least one family, and no server */
	d = dns_new("127.0.0.1:9", 0, 0);
	ask(d, &q, "localhost", NET_DNS_A);
	assert_string_equal(q.rcode, "NOERROR");
	assert_true(q.count == 0 || net_addr_is_loopback(&q.records[0].addr));
	net_dns_forget(&q);
	net_dns_free(d);
}

static void test_hosts_file(void **state)
{
	static const char text[] = "# comment\n"
				   "\n"
				   "192.0.2.1\tone.test one\n"
				   "2001:db8::1 ONE # two\n"
				   "  192.0.2.2   two.test\tone  \r\n"
				   "nonsense one\n"
				   "192.0.2.3\n"
				   "192.0.2.4 onetwo #one\n"
				   "192.0.2.5 last";
	static const struct {
		const char *name;
		enum net_dns_type type;
		const char *records; /* NULL: not there */
	} all[] = {
		{ "one", NET_DNS_A, "192.0.2.1; 192.0.2.2" },
		{ "One", NET_DNS_AAAA, "2001:db8::1" },
		{ "one.test.", NET_DNS_A, "192.0.2.1" },
		{ "two.test", NET_DNS_AAAA, "" },
		{ "two", NET_DNS_A, NULL },
		{ "last", NET_DNS_A, "192.0.2.5" },
		{ "one", NET_DNS_SRV, NULL },
	};
	char path[] = "/tmp/rte-hosts-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0 && write(fd, text, sizeof(text) - 1) == sizeof(text) - 1);
	close(fd);
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct net_dns_query q = { .name = str_of(all[i].name), .type = all[i].type };
		assert_int_equal(net_dns_local_hosts(&q, path), all[i].records != NULL);
		assert_string_equal(records_of(&q), all[i].records ? all[i].records : "");
		arena_done(&q.arena);
	}
	unlink(path);
	assert_false(net_dns_local_hosts(&(struct net_dns_query){ .name = STR("one") }, path));
}

/* --- cancelling --------------------------------------------------------------------------------
 */

static void never(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)w;
	(void)revents;
	fail_msg("a forgotten query was answered");
}

static void test_forget(void **state)
{
	struct rig_mock m = { .manner = RIG_RCODE, .rcode = 3 };
	struct net_dns *d;

	(void)state;
	rig_mock_start(&m);
	d = dns_at(m.port, 100, 2);
	net_dns_forget(&(struct net_dns_query){ .count = 0 });
	/* from memory of their own, so that a sanitizer sees a late answer: one of two, then both
	 */
	for (int round = 0; round < 4; round++) {
		struct net_dns_query *one = MEM_NEW(struct net_dns_query),
				     *two = MEM_NEW(struct net_dns_query);
		ev_init(&one->done, never);
		ev_init(&two->done, round & 1 ? never : on_done);
		net_dns_ask(d, one, STR("one.example.com"), NET_DNS_A);
		net_dns_ask(d, two, STR("two.example.com"), NET_DNS_A);
		net_dns_forget(one);
		mem_free(one);
		if (round & 1) {
			net_dns_forget(two);
			mem_free(two);
			run_for(0.03);
		} else {
			run_for(1);
			assert_string_equal(two->rcode, "NXDOMAIN");
			net_dns_forget(two);
			mem_free(two);
		}
		ev_io_stop(net_loop(), &m.io);
		expect_idle();
		ev_io_start(net_loop(), &m.io);
	}
	net_dns_free(d);
	rig_mock_stop(&m);
}

/* An answer that is there, but not yet delivered. */
static void test_forget_local(void **state)
{
	struct net_dns *d = dns_new("127.0.0.1:9", 0, 0);

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct net_dns_query *q = MEM_NEW(struct net_dns_query);
		ev_init(&q->done, never);
		net_dns_ask(d, q, i ? STR("not a name") : STR("localhost"), NET_DNS_A);
		net_dns_forget(q);
		mem_free(q);
		expect_idle();
	}
	net_dns_free(d);
}

static void test_again(void **state)
{
	struct net_dns *d = dns_new("127.0.0.1:9", 0, 0);
	struct net_dns_query q = { .count = 0 };

	(void)state;
	ev_init(&q.done, on_done);
	for (int i = 0; i < 3; i++) {
		net_dns_ask(d, &q, STR("x.localhost"), NET_DNS_A);
		ev_run(net_loop(), 0);
		assert_string_equal(records_of(&q), "127.0.0.1");
		net_dns_forget(&q);
	}
	net_dns_free(d);
}

/* --- trace -------------------------------------------------------------------------------------
 */

static void on_trace(void *arg, const struct trace_event *ev)
{
	struct buf *log = arg;

	assert_int_equal(ev->kind, TRACE_DNS);
	assert_true(ev->ms >= 0);
	buf_addf(log, STR_FMT " " STR_FMT " " STR_FMT " <" STR_FMT ">\n", STR_ARG(ev->name),
		STR_ARG(ev->from), STR_ARG(ev->to), STR_ARG(ev->note));
}

static void test_trace(void **state)
{
	struct rig_mock m = { .manner = RIG_PACKET, .record_count = 2 };
	struct buf log = BUF_INIT(4096);
	struct trace trace = { on_trace, &log, 1U << TRACE_DNS };
	struct net_dns_config config = {
		.loop = net_loop(), .trace = &trace, .no_hosts_file = true
	};
	char server[32];
	struct net_dns_query q;
	struct net_dns *d;

	(void)state;
	rig_mock_start(&m);
	m.records = STR("\xc0\x0c\0\x21\0\x01\0\0\0\x05\0\x0b\0\x01\0\x02\x13\xc4\x01h\x01t\0"
			"\xc0\x0c\0\x21\0\x01\0\0\0\x05\0\x07\0\x01\0\x02\x13\xc4\0");
	snprintf(server, sizeof(server), "127.0.0.1:%u", m.port);
	config.servers = str_of(server);
	assert_int_equal(net_dns_new(&config, &d, NULL), 0);
	ask(d, &q, "_sip._udp.t", NET_DNS_SRV);
	net_dns_forget(&q);
	ask(d, &q, "localhost", NET_DNS_A);
	net_dns_forget(&q);
	ask(d, &q, "localhost", NET_DNS_NAPTR);
	net_dns_forget(&q);
	assert_string_equal(buf_cstr(&log), "_sip._udp.t SRV NOERROR <1 2 5060 h.t, 1 2 5060 .>\n"
					    "localhost A NOERROR <127.0.0.1 (localhost)>\n"
					    "localhost NAPTR NXDOMAIN <(localhost)>\n");
	net_dns_free(d);
	rig_mock_stop(&m);
	buf_done(&log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_strange_names),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_server_list),
		cmocka_unit_test(test_unreachable),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_rcodes),
		cmocka_unit_test(test_next_server),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_bad_names),
		cmocka_unit_test(test_localhost),
		cmocka_unit_test(test_hosts_file),
		cmocka_unit_test(test_forget),
		cmocka_unit_test(test_forget_local),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_trace),
	};
	return cmocka_run_group_tests_name("dns", tests, NULL, NULL);
}
