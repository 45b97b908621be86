/* tests/unit/test_kerberos.c -- what needs no KDC: names, the bytes of a ticket, the child that
 * asks and what becomes of it. The rest is in tests/interop/kerberos.bats. */
#include "auth/kerberos.h"
#include "base/mem.h"
#include "endpoint/ticket.h"
#include "net/child.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "net_rig.h"

/* Is this the build without Kerberos? */
static bool absent(void)
{
	struct kerberos *k = NULL;

	return kerberos_import(STR("x"), &k, NULL) == -FAIL_NOT_BUILT;
}

/* ---- names ---- */

static void test_targets(void **state)
{
	static const char *const good[] = { "sip/server.example.com", "sip/127.0.0.1", "sip/a",
		"sip/LYNC2013-SERVER.lync.loc", "sip/server_1.example.com", "sip/1.example" };
	static const char *const bad[] = { "", "sip", "sip/", "sip//", "host/a", "SIP/a", "sips/a",
		"sip@a", "sip/a/b", "sip/a b", " sip/a", "sip/a ", "sip/a@", "sip/@B", "sip/a@B@C",
		"sip/a@B", "sip/a\\b", "sip/-a", "sip/.a", "sip/a:5060", "sip/[::1]",
		"sip/\xc3\xa9", "sip/a\n" };
	char long_one[KERBEROS_NAME_MAX + 2];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (!kerberos_target_is_good(str_of(good[i])))
			fail_msg("<%s> is refused", good[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (kerberos_target_is_good(str_of(bad[i])))
			fail_msg("<%s> is taken", bad[i]);
	assert_false(kerberos_target_is_good((struct str){ "sip/a\0b", 7 }));
	memset(long_one, 'a', sizeof(long_one));
	memcpy(long_one, "sip/", 4);
	assert_true(kerberos_target_is_good((struct str){ long_one, KERBEROS_NAME_MAX }));
	assert_false(kerberos_target_is_good((struct str){ long_one, KERBEROS_NAME_MAX + 1 }));
}

static void test_principals(void **state)
{
	static const struct {
		const char *name, *principal;
		bool whole;
	} rows[] = {
		{ "alice", "alice", false },
		{ "alice@EXAMPLE.COM", "alice@EXAMPLE.COM", true },
		{ "alice@example.com", "alice@example.com", true },
		{ "alice/admin@EXAMPLE.COM", "alice/admin@EXAMPLE.COM", true },
		{ "alice\\@example.com@EXAMPLE.COM", "alice\\@example.com@EXAMPLE.COM", true },
		{ "CORP\\alice", "alice@CORP", false },
		{ "corp.example.com\\alice", "alice@CORP.EXAMPLE.COM", false },
		{ "corp\\j\xc3\xbcrgen", "j\xc3\xbcrgen@CORP", false },
		{ "\\alice", "\\alice", false },
		{ "CORP\\", "CORP\\", false },
		{ "alice@", "alice@", false },
		{ "@EXAMPLE.COM", "@EXAMPLE.COM", false },
		{ "", "", false },
	};
	struct buf b = BUF_INIT(KERBEROS_NAME_MAX);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_clear(&b);
		assert_int_equal(kerberos_principal_of(str_of(rows[i].name), &b), rows[i].whole);
		assert_string_equal(buf_cstr(&b), rows[i].principal);
	}
	buf_done(&b);
}

/* ---- bytes ---- */

static void fill(struct buf *b, char c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_add_char(b, (char)(c + (char)(i % 7)));
}

static struct kerberos_ticket sized(size_t reason, size_t token, size_t context, size_t principal)
{
	struct kerberos_ticket t;

	kerberos_ticket_init(&t);
	fill(&t.reason, 'r', reason);
	fill(&t.token, '\0', token);
	fill(&t.context, 'c', context);
	fill(&t.principal, 'p', principal);
	t.cause = context ? KERBEROS_NO_CAUSE : KERBEROS_SKEW;
	t.life_s = 0x80012345;
	return t;
}

static void assert_same(const struct kerberos_ticket *a, const struct kerberos_ticket *b)
{
	assert_int_equal(a->cause, b->cause);
	assert_int_equal(a->life_s, b->life_s);
	assert_true(str_eq(buf_str(&a->reason), buf_str(&b->reason)));
	assert_true(str_eq(buf_str(&a->token), buf_str(&b->token)));
	assert_true(str_eq(buf_str(&a->context), buf_str(&b->context)));
	assert_true(str_eq(buf_str(&a->principal), buf_str(&b->principal)));
}

static void goes_through(struct kerberos_ticket t)
{
	struct buf bytes = BUF_INIT(KERBEROS_TICKET_MAX);
	struct kerberos_ticket got;
	char *first;

	assert_int_equal(t.reason.fail | t.token.fail | t.context.fail | t.principal.fail, 0);
	assert_true(buf_reserve(&bytes, 1));
	kerberos_ticket_write(&t, &bytes);
	assert_int_equal(bytes.fail, 0);
	first = bytes.p;
	assert_int_equal(kerberos_ticket_read(buf_str(&bytes), &got), 0);
	assert_ptr_equal(first, bytes.p);
	assert_same(&t, &got);
	kerberos_ticket_done(&got);
	kerberos_ticket_done(&t);
	assert_true(!t.context.p && !t.token.p);
	buf_wipe(&bytes);
}

static void test_bytes(void **state)
{
	struct kerberos_ticket zeroed = { 0 };

	(void)state;
	goes_through(sized(0, 700, 656, 14));
	goes_through(sized(0, 0, 174, 14));
	goes_through(sized(40, 0, 0, 0));
	goes_through(sized(0, 0, 0, 0));
	goes_through(sized(
		KERBEROS_REASON_MAX, KERBEROS_TOKEN_MAX, KERBEROS_CONTEXT_MAX, KERBEROS_NAME_MAX));
	kerberos_ticket_done(&zeroed);
}

static void test_malformed(void **state)
{
	struct kerberos_ticket t = sized(5, 20, 30, 8), got;
	struct buf bytes = BUF_INIT(KERBEROS_TICKET_MAX);
	const size_t lengths[] = { 9, 9 + 4 + 5, 9 + 4 + 5 + 4 + 20, 9 + 4 + 5 + 4 + 20 + 4 + 30 };

	(void)state;
	kerberos_ticket_write(&t, &bytes);
	for (size_t n = 0; n < bytes.n; n++)
		assert_int_equal(
			kerberos_ticket_read((struct str){ bytes.p, n }, &got), -FAIL_PROTOCOL);
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		for (unsigned bit = 0; bit < 32; bit++) {
			bytes.p[lengths[i] + bit / 8] ^= (char)(1 << bit % 8);
			assert_int_equal(
				kerberos_ticket_read(buf_str(&bytes), &got), -FAIL_PROTOCOL);
			bytes.p[lengths[i] + bit / 8] ^= (char)(1 << bit % 8);
		}
	}
	for (int c = KERBEROS_OTHER; c >= 1; c--) { /* a cause, and yet a context */
		bytes.p[4] = (char)c;
		assert_int_equal(kerberos_ticket_read(buf_str(&bytes), &got), -FAIL_PROTOCOL);
	}
	bytes.p[4] = KERBEROS_OTHER + 1;
	assert_int_equal(kerberos_ticket_read(buf_str(&bytes), &got), -FAIL_PROTOCOL);
	bytes.p[4] = KERBEROS_NO_CAUSE;
	bytes.p[0] = 'R';
	assert_int_equal(kerberos_ticket_read(buf_str(&bytes), &got), -FAIL_PROTOCOL);
	bytes.p[0] = 'r';
	buf_add_char(&bytes, 'x'); /* more than that */
	assert_int_equal(kerberos_ticket_read(buf_str(&bytes), &got), -FAIL_PROTOCOL);
	kerberos_ticket_done(&t);
	t = sized(0, 0, 0, 0); /* granted, and yet nothing */
	t.cause = KERBEROS_NO_CAUSE;
	buf_clear(&bytes);
	kerberos_ticket_write(&t, &bytes);
	assert_int_equal(kerberos_ticket_read(buf_str(&bytes), &got), -FAIL_PROTOCOL);
	kerberos_ticket_done(&t);
	buf_wipe(&bytes);
}

/* A buffer that is too small for any ticket is left as it is. */
static void test_write_limit(void **state)
{
	struct kerberos_ticket t = sized(1, 1, 1, 1);
	struct buf bytes = BUF_INIT(KERBEROS_TICKET_MAX - 1);

	(void)state;
	kerberos_ticket_write(&t, &bytes);
	assert_int_equal(bytes.fail, -FAIL_LIMIT);
	assert_int_equal(bytes.n, 0);
	buf_done(&bytes);
	kerberos_ticket_done(&t);
}

/* ---- doors ---- */

static void test_import_of_anything(void **state)
{
	struct kerberos *k = NULL;
	struct fail f = { 0 };
	struct buf big = BUF_INIT(KERBEROS_CONTEXT_MAX + 1);
	const int want = absent() ? -FAIL_NOT_BUILT : -FAIL_PROTOCOL;

	(void)state;
	fill(&big, 'x', KERBEROS_CONTEXT_MAX + 1);
	assert_int_equal(kerberos_import(STR_EMPTY, &k, &f), want);
	assert_int_equal(kerberos_import(STR("nonsense"), &k, &f), want);
	assert_int_equal(
		kerberos_import(
			(struct str){ "\0\0\0\x0b*\x86H\x86\xf7\x12\x01\x02\x02", 13 }, &k, &f),
		want);
	assert_int_equal(kerberos_import(buf_str(&big), &k, &f), want);
	assert_null(k);
	assert_true(f.text[0]);
	kerberos_free(NULL);
	kerberos_acceptor_free(NULL);
	buf_done(&big);
}

static void test_no_keytab(void **state)
{
	struct kerberos_acceptor *a = NULL;
	struct fail f = { 0 };

	(void)state;
	assert_int_equal(kerberos_acceptor_new("/nonexistent/keytab", &a, &f),
		absent() ? -FAIL_NOT_BUILT : -FAIL_LOCAL);
	assert_non_null(strstr(f.text, absent() ? "not in this build" : "/nonexistent/keytab"));
	assert_int_equal(
		kerberos_acceptor_new(__FILE__, &a, &f), absent() ? -FAIL_NOT_BUILT : -FAIL_LOCAL);
	assert_null(a);
}

/* ---- the child ---- */

struct asked {
	struct ticket *ticket; /* in the heap, so that it can be freed in the handler */
	unsigned told;
	enum kerberos_cause cause;
	char reason[KERBEROS_REASON_MAX + 1];
	unsigned again; /* that many more, from the handler */
	uint64_t timeout_ms;
	struct kerberos_wish wish;
};

static void on_ticket(void *arg, const struct kerberos_ticket *t)
{
	struct asked *a = arg;

	a->told++;
	a->cause = t->cause;
	snprintf(a->reason, sizeof(a->reason), STR_FMT, STR_ARG(buf_str(&t->reason)));
	if (a->again) {
		a->again--;
		assert_int_equal(
			ticket_start(a->ticket, &a->wish, a->timeout_ms, on_ticket, a, NULL), 0);
		return;
	}
	mem_free(a->ticket);
	a->ticket = NULL;
}

static struct asked start(struct kerberos_wish w, uint64_t timeout_ms)
{
	struct asked a = { .ticket = MEM_NEW(struct ticket), .timeout_ms = timeout_ms, .wish = w };

	return a;
}

static void go(struct asked *a)
{
	assert_int_equal(ticket_start(a->ticket, &a->wish, a->timeout_ms, on_ticket, a, NULL), 0);
	assert_int_equal(a->told, 0);
}

static void assert_childless(void)
{
	siginfo_t who;
	unsigned tries = 0;

	while (waitid(P_ALL, 0, &who, WEXITED | WNOHANG | WNOWAIT) == 0 && tries++ < RIG_MS / 5)
		rig_idle(5);
	assert_int_equal(errno, ECHILD);
	assert_true(tries < RIG_MS / 5);
}

static char conf[] = "/tmp/test_kerberos.XXXXXX";

static int make_conf(void **state)
{
	int fd = mkstemp(conf);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int remove_conf(void **state)
{
	(void)state;
	return unlink(conf);
}

/* Its KDC is at this port, and the cache does not exist. */
static void environment(uint16_t port)
{
	FILE *f = fopen(conf, "w");

	assert_non_null(f);
	fprintf(f,
		"[libdefaults]\n default_realm = RTE.TEST\n dns_lookup_kdc = false\n"
		" dns_canonicalize_hostname = false\n rdns = false\n udp_preference_limit = 1\n"
		"[realms]\n RTE.TEST = {\n  kdc = 127.0.0.1:%u\n }\n",
		port);
	fclose(f);
	setenv("KRB5_CONFIG", conf, 1);
	setenv("KRB5CCNAME", "FILE:/nonexistent/cache", 1);
}

static const struct kerberos_wish by_cache = { .target = { "sip/rte.test", 12 } };
static const struct kerberos_wish by_password = { .principal = { "alice", 5 },
	.password = { "pw-alice", 8 } };

static void test_no_cache(void **state)
{
	struct asked a = start(by_cache, 5000);

	(void)state;
	environment(1);
	a.again = 2;
	go(&a);
	rig_wait(a.told, 3);
	if (absent()) {
		assert_int_equal(a.cause, KERBEROS_OTHER);
		assert_string_equal(a.reason, "Kerberos is not in this build");
	} else {
		assert_int_equal(a.cause, KERBEROS_NO_CREDENTIAL);
		assert_non_null(strstr(a.reason, "/nonexistent/cache"));
	}
	assert_null(a.ticket);
	assert_childless();
}

static void test_bad_wishes(void **state)
{
	const struct kerberos_wish wishes[] = {
		{ .principal = { "a\0b", 3 }, .password = STR("x") },
		{ .principal = STR("alice"), .password = { "x\0y", 3 } },
		{ .credential = STR("nonsense") },
		{ .credential = STR("nonsense"), .target = STR("sip/rte.test") },
	};

	(void)state;
	environment(1);
	for (size_t i = 0; i < ARRAY_LEN(wishes); i++) {
		struct asked a = start(wishes[i], 5000);
		go(&a);
		rig_wait(a.told, 1);
		assert_int_not_equal(a.cause, KERBEROS_NO_CAUSE);
		assert_true(a.reason[0]);
	}
	assert_childless();
}

/* The queue of a listener takes the connection, and that is all. */
static void test_silent(void **state)
{
	struct net_addr addr;
	int kdc = peer_bound(AF_INET, SOCK_STREAM, &addr);
	struct asked a = start(by_password, 300);
	uint64_t began;

	(void)state;
	environment(net_addr_port(&addr));
	if (absent()) {
		mem_free(a.ticket);
		close(kdc);
		return; /* nothing waits there */
	}
	began = net_now_ms();
	go(&a);
	assert_false(rig_run(&a.told, 1, 150)); /* and the loop went on */
	assert_int_equal(a.told, 0);
	rig_wait(a.told, 1);
	assert_true(net_now_ms() - began >= 300 && net_now_ms() - began < 1300);
	assert_int_equal(a.cause, KERBEROS_UNREACHABLE);
	assert_string_equal(a.reason, "no answer from a KDC within 0.3 s");
	assert_childless();
	close(kdc);
}

static void test_stopped(void **state)
{
	struct net_addr addr;
	int kdc = peer_bound(AF_INET, SOCK_STREAM, &addr);
	struct asked a = start(by_password, NET_NEVER);

	(void)state;
	environment(net_addr_port(&addr));
	ticket_stop(a.ticket); /* idle is fine */
	go(&a);
	ticket_stop(a.ticket); /* at once */
	go(&a);
	rig_idle(50);
	if (!absent()) {
		assert_int_equal(a.told, 0);
		ticket_stop(a.ticket);
		ticket_stop(a.ticket);
	}
	mem_free(a.ticket);
	rig_idle(50);
	assert_int_equal(a.told, absent());
	assert_childless();
	close(kdc);
}

static void test_child_dies(void **state)
{
	struct net_addr addr;
	int kdc = peer_bound(AF_INET, SOCK_STREAM, &addr);
	struct asked a = start(by_password, NET_NEVER);

	(void)state;
	environment(net_addr_port(&addr));
	if (absent()) {
		mem_free(a.ticket);
		close(kdc);
		return; /* nothing waits there */
	}
	go(&a);
	kill(a.ticket->child, SIGKILL);
	rig_wait(a.told, 1);
	assert_int_equal(a.cause, KERBEROS_OTHER);
	assert_string_equal(a.reason, "the process that asked for a ticket died of signal 9");
	assert_childless();
	close(kdc);
}

static void test_no_process(void **state)
{
	struct asked a = start(by_cache, 1000);
	struct rlimit before, none;
	struct fail f = { 0 };

	(void)state;
	net_loop();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(ticket_start(a.ticket, &a.wish, 1000, on_ticket, &a, &f), -EMFILE);
	setrlimit(RLIMIT_NOFILE, &before);
	assert_non_null(strstr(f.text, "no process to ask for a Kerberos ticket: "));
	assert_int_equal(a.ticket->child, 0);
	ticket_stop(a.ticket);
	mem_free(a.ticket);
	assert_childless();
}

static void chatter(const void *arg, int fd)
{
	ssize_t n = write(STDOUT_FILENO, "out", 3);

	n += write(STDERR_FILENO, "err", 3);
	n += write(fd, arg, strlen(arg));
	(void)n;
}

/* Without a standard stream, whose numbers the pipe then has: nothing gets into it. */
static int bare(const char *text)
{
	char got[64];
	size_t n = 0;
	ssize_t more;
	pid_t child;
	int fd;

	for (fd = 0; fd < 3; fd++)
		close(fd);
	if (net_child_start(chatter, text, &child, &fd) != 0)
		return 1;
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		if (poll(&p, 1, RIG_MS) <= 0)
			return 2;
		more = read(fd, got + n, sizeof(got) - n);
		if (more <= 0)
			break;
		n += (size_t)more;
	}
	return n == strlen(text) && memcmp(got, text, n) == 0 ? 0 : 3;
}

static void test_no_standard_streams(void **state)
{
	int status = -1;
	pid_t us;

	(void)state;
	fflush(NULL);
	us = fork();
	if (us == 0)
		_exit(bare("what it found"));
	assert_int_equal(waitpid(us, &status, 0), us);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_principals),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_write_limit),
		cmocka_unit_test(test_import_of_anything),
		cmocka_unit_test(test_no_keytab),
		cmocka_unit_test(test_no_cache),
		cmocka_unit_test(test_bad_wishes),
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_child_dies),
		cmocka_unit_test(test_no_process),
		cmocka_unit_test(test_no_standard_streams),
	};

	return cmocka_run_group_tests_name("kerberos", tests, make_conf, remove_conf);
}
