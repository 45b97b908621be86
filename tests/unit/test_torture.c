/* tests/unit/test_torture.c -- the verdicts of RFC 4475 and RFC 5118, the call flows of eight RFCs,
 * and every truncation of each message at the edge of readable memory. The messages are in the
 * corpus beside the checkout. */
#include "base/mem.h"
#include "sip_touch.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define CORPUS TEST_SOURCE_ROOT "/../shared/corpus/"

enum { FILE_MAX = 70000 };

static char file_bytes[FILE_MAX];

static struct str read_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f)
		return (struct str){ NULL, 0 };
	n = fread(file_bytes, 1, sizeof(file_bytes), f);
	fclose(f);
	assert_true(n < sizeof(file_bytes));
	return (struct str){ file_bytes, n };
}

/* Ruling 38: CI has the corpus, so there its absence is a failure. */
static void need_corpus(void)
{
	const char *ci = getenv("CI");

	if (access(CORPUS "README.md", R_OK) == 0)
		return;
	if (ci && strcmp(ci, "true") == 0)
		fail_msg("no corpus at %s, and CI=true", CORPUS);
	print_message("# DID NOT RUN: there is no corpus at %s\n", CORPUS);
	skip();
}

/* -- the tables of expected verdicts -- */

enum { ACCEPTED = 1, REJECTED = 2, DROPPED = 4 };

struct outcome {
	int verdict;
	unsigned status;
	char text[240];
};

static struct outcome judge(struct str wire)
{
	struct outcome o = { .verdict = DROPPED };
	struct sip_msg *m;
	struct fail f = { 0 };

	if (sip_msg_parse(wire, NULL, &m, &f) == 0) {
		enum sip_verdict v = sip_msg_check(m, true, &o.status, &f);
		o.verdict = v == SIP_ACCEPT ? ACCEPTED : v == SIP_REJECT ? REJECTED : DROPPED;
		sip_msg_unref(m);
	}
	memcpy(o.text, f.text, sizeof(o.text));
	return o;
}

/* The words of the column to the verdicts that it allows. What "must not break" leaves open is said
 * by what must be seen on the wire. */
static int allowed(const char *parser, const char *endpoint)
{
	int mask = 0;

	if (strstr(parser, "accept") || strstr(parser, "tolerate") || strstr(parser, "infer") ||
		strstr(parser, "ignore"))
		mask |= ACCEPTED;
	if (strstr(parser, "reject"))
		mask |= REJECTED;
	if (strstr(parser, "drop"))
		mask |= DROPPED;
	if (strstr(endpoint, "or drop"))
		mask |= DROPPED;
	if (!mask && strncmp(endpoint, "400", 3) == 0)
		mask = REJECTED | (strstr(endpoint, " or ") ? ACCEPTED : 0);
	return mask;
}

static const char *verdict_name(int verdict)
{
	return verdict == ACCEPTED ? "accept" : verdict == REJECTED ? "reject" : "drop";
}

struct count {
	int all, right, must, must_right;
};

static void compare(struct count *c, const char *file, const struct outcome *o, int mask,
	const char *endpoint, bool must)
{
	char status[16];
	bool right = (o->verdict & mask) != 0;

	/* A status that we would send has to be one that the table names. */
	snprintf(status, sizeof(status), "%u", o->status);
	if (o->verdict == REJECTED && !strstr(endpoint, status))
		right = false;
	c->all++;
	c->right += right;
	c->must += must;
	c->must_right += must && right;
	if (!right)
		print_message("# WRONG %s: %s %u \"%s\", expected: %s\n", file,
			verdict_name(o->verdict), o->status, o->text, endpoint);
}

/* Splits a line at its tabs, in place. */
static int columns(char *line, char **col, int max)
{
	int n = 0;

	line[strcspn(line, "\r\n")] = '\0';
	for (char *p = line; p && n < max; n++) {
		col[n] = p;
		p = strchr(p, '\t');
		if (p)
			*p++ = '\0';
	}
	return n;
}

/* Judges each message of a table; want tells where its columns are. */
static struct count judge_table(
	const char *table, const char *folder, int parser, int endpoint, int strength)
{
	struct count c = { 0 };
	char line[4096], path[8192], *col[8];
	FILE *f = fopen(table, "r");

	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f)); /* the heading */
	while (fgets(line, sizeof(line), f)) {
		struct outcome o;
		struct str wire;
		if (columns(line, col, 8) <= endpoint)
			continue;
		snprintf(path, sizeof(path), "%s%s", folder, col[0]);
		wire = read_file(path);
		assert_true(wire.n > 0);
		o = judge(wire);
		compare(&c, col[0], &o, allowed(col[parser], col[endpoint]), col[endpoint],
			strength >= 0 && strcmp(col[strength], "must") == 0);
	}
	fclose(f);
	return c;
}

static void report(const char *what, const struct count *c)
{
	print_message("# %s: %d messages, %d right; %d of %d \"must\"\n", what, c->all, c->right,
		c->must_right, c->must);
	assert_int_equal(c->must_right, c->must);
	assert_true(c->right * 100 >= c->all * 95);
}

static void rfc4475_verdicts(void **state)
{
	struct outcome o;
	struct count c;

	(void)state;
	need_corpus();
	c = judge_table(CORPUS "rfc4475/expected.tsv", CORPUS "rfc4475/msg/", 4, 5, 6);
	/* The archive's copy of this one lacks the blank line; both forms are judged. */
	o = judge(read_file(CORPUS "rfc4475/variants/baddn-terminated.dat"));
	compare(&c, "baddn-terminated.dat", &o, REJECTED, "400", false);
	report("RFC 4475", &c);
	assert_int_equal(c.all, 51);
}

static void rfc5118_verdicts(void **state)
{
	struct count c;

	(void)state;
	need_corpus();
	c = judge_table(CORPUS "rfc5118/expected.tsv", CORPUS "rfc5118/wire/", 2, 3, -1);
	report("RFC 5118", &c);
	assert_int_equal(c.right, 12);
}

/* -- what is in some of them -- */

static struct sip_msg *load(const char *path)
{
	struct str wire = read_file(path);
	struct sip_msg *m = NULL;

	assert_true(wire.n > 0);
	assert_int_equal(sip_msg_parse(wire, NULL, &m, NULL), 0);
	return m;
}

static unsigned count_vias(const struct sip_msg *m)
{
	struct sip_list l = sip_msg_list(m, SIP_HDR_VIA);
	struct sip_via v;
	unsigned n = 0;

	while (sip_list_via(&l, &v))
		n++;
	assert_false(l.bad);
	return n;
}

static void rfc4475_contents(void **state)
{
	struct sip_msg *m;
	struct sip_nameaddr a;
	struct sip_list l;
	struct sip_via v;
	struct sip_uri u;
	uint32_t n;

	(void)state;
	need_corpus();
	m = load(CORPUS "rfc4475/msg/wsinv.dat");
	assert_true(sip_msg_seconds(m, SIP_HDR_MAX_FORWARDS, &n) && n == 68);
	assert_true(str_eq(sip_msg_to_tag(m), STR("1918181833n")));
	assert_true(str_eq(sip_msg_from_tag(m), STR("98asjd8")));
	assert_int_equal(count_vias(m), 3);
	assert_true(sip_msg_via(m, &v) && str_eq(v.host, STR("192.0.2.2")) && !sip_via_cookie(&v));
	assert_true(m->first[SIP_HDR_SUBJECT] && sip_msg_value(m, SIP_HDR_SUBJECT).n == 0);
	l = sip_msg_list(m, SIP_HDR_CONTACT);
	assert_true(sip_list_nameaddr(&l, &a) && str_eq(a.display, STR("Quoted string \\\"\\\"")));
	sip_msg_unref(m);

	m = load(CORPUS "rfc4475/msg/esc02.dat");
	assert_int_equal(m->method, SIP_OTHER);
	for (l = sip_msg_list(m, SIP_HDR_CONTACT), n = 0; sip_list_nameaddr(&l, &a);)
		n++;
	assert_int_equal(n, 2);
	sip_msg_unref(m);

	m = load(CORPUS "rfc4475/msg/longreq.dat");
	assert_int_equal(count_vias(m), 34);
	sip_msg_unref(m);

	m = load(CORPUS "rfc4475/msg/dblreq.dat");
	assert_int_equal(m->body.n, 0);
	sip_msg_unref(m);

	m = load(CORPUS "rfc4475/msg/mpart01.dat");
	assert_int_equal(m->body.n, 553);
	sip_msg_unref(m);

	m = load(CORPUS "rfc4475/msg/semiuri.dat");
	assert_true(sip_uri_parse(m->request_uri, &u));
	assert_true(str_eq(u.user, STR("user;par=u%40example.net")) && u.params.n == 0);
	sip_msg_unref(m);

	m = load(CORPUS "rfc4475/msg/regescrt.dat");
	l = sip_msg_list(m, SIP_HDR_CONTACT);
	assert_true(sip_list_nameaddr(&l, &a));
	assert_true(str_eq(a.uri.headers, STR("Route=%3Csip:sip.example.com%3E")));
	sip_msg_unref(m);

	m = load(CORPUS "rfc5118/wire/port-ambiguous");
	assert_true(sip_uri_parse(m->request_uri, &u) && u.ipv6 && u.port == 0);
	assert_true(str_eq(u.host, STR("2001:db8::10:5070")));
	sip_msg_unref(m);

	m = load(CORPUS "rfc5118/wire/via-received-param-with-delim");
	assert_true(sip_msg_via(m, &v) && str_eq(v.received, STR("2001:db8::9:255")));
	sip_msg_unref(m);
}

/* -- the call flows -- */

/* Printed wrong or short in the RFC; see the README of the corpus. */
static const char *const exceptions[] = {
	"rfc3665/003.sip", /* no comma between two digest parameters */
	"rfc3261/015.sip", /* <bob@biloxi.com> without a scheme */
	"rfc3515/001.sip", "rfc3515/007.sip", /* Refer-To: (whatever URI) */
};

static bool is_exception(const char *file, const char *flags)
{
	for (size_t i = 0; i < ARRAY_LEN(exceptions); i++)
		if (strcmp(file, exceptions[i]) == 0)
			return true;
	return strstr(flags, "fragment") != NULL;
}

static void callflows(void **state)
{
	char line[4096], path[8192], *col[7];
	FILE *f;
	int accepted = 0, excepted = 0, wrong = 0;

	(void)state;
	need_corpus();
	f = fopen(CORPUS "callflows/manifest.tsv", "r");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	while (fgets(line, sizeof(line), f)) {
		struct outcome o;
		int n = columns(line, col, 7);
		assert_true(n >= 6);
		snprintf(path, sizeof(path), CORPUS "callflows/%s", col[0]);
		o = judge(read_file(path));
		accepted += o.verdict == ACCEPTED;
		if (o.verdict == ACCEPTED)
			continue;
		if (is_exception(col[0], n > 6 ? col[6] : "")) {
			excepted++;
			continue;
		}
		wrong++;
		print_message("# WRONG %s: %s\n", col[0], o.text);
	}
	fclose(f);
	print_message("# call flows: %d accepted, %d refused that are printed wrong or short\n",
		accepted, excepted);
	assert_int_equal(wrong, 0);
	assert_int_equal(accepted + excepted, 266);
}

/* The traces have bare LF; lengths are those of the wire. What is behind a body does not matter. */
static struct str with_crlf(struct str s)
{
	static char out[FILE_MAX];
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		assert_true(n + 6 < sizeof(out));
		if (s.p[i] == '\n')
			out[n++] = '\r';
		out[n++] = s.p[i];
	}
	memcpy(out + n, "\r\n\r\n", 4);
	return (struct str){ out, n + 4 };
}

/* A real client and a real server with their own habits: each message of the traces is taken. */
static void microsoft(void **state)
{
	static const char *const files[] = { "alice-krb5.sip.txt", "bob-ntlm.sip.txt",
		"carol-ntlm-wrongpw.sip.txt" };
	int count = 0, wrong = 0;

	(void)state;
	need_corpus();
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		char path[8192];
		struct str rest, head;
		snprintf(path, sizeof(path), CORPUS "microsoft/%s", files[i]);
		rest = read_file(path);
		/* "--> client TIME" or "<-- server TIME", then the message with bare LF. */
		while (rest.n && str_cut(rest, '\n', &head, &rest)) {
			size_t n = 0;
			if (!str_starts(head, STR("-->")) && !str_starts(head, STR("<--")))
				continue;
			while (n < rest.n && !str_starts(str_sub(rest, n, rest.n), STR("\n--> ")) &&
				!str_starts(str_sub(rest, n, rest.n), STR("\n<-- ")))
				n++;
			struct outcome o = judge(with_crlf(str_sub(rest, 0, n + 1)));
			count++;
			if (o.verdict == ACCEPTED)
				continue;
			wrong++;
			print_message("# WRONG %s message %d: %s\n", files[i], count, o.text);
		}
	}
	print_message("# Microsoft: %d messages\n", count);
	assert_int_equal(wrong, 0);
	assert_true(count > 20);
}

/* -- truncation -- */

static char *guard; /* the first byte that may not be read */

static int map_guard(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), n = (FILE_MAX / page + 1) * page;
	char *p = mmap(NULL, n + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	if (p == MAP_FAILED || mprotect(p + n, page, PROT_NONE))
		return -1;
	guard = p + n;
	return 0;
}

static struct str at_guard(struct str s)
{
	char *p = guard - s.n;

	if (s.n)
		memmove(p, s.p, s.n);
	return (struct str){ p, s.n };
}

/* Each beginning of the message, and each beginning of each of its values. */
static void truncate_message(struct str wire)
{
	struct sip_msg *m;

	for (size_t n = 0; n <= wire.n; n++)
		touch_wire(at_guard(str_sub(wire, 0, n)));
	if (sip_msg_parse(wire, NULL, &m, NULL) != 0)
		return;
	for (unsigned i = 0; i < m->hdr_count; i++) {
		struct str v = m->hdrs[i].value;
		for (size_t n = v.n < 2000 ? 0 : v.n - 2000; n <= v.n; n++)
			touch_value(at_guard(str_sub(v, 0, n)));
	}
	for (size_t n = 0; n <= m->request_uri.n; n++)
		touch_value(at_guard(str_sub(m->request_uri, 0, n)));
	sip_msg_unref(m);
}

static void truncation(void **state)
{
	static const char *const patterns[] = { "rfc4475/msg/*", "rfc4475/variants/*",
		"rfc5118/msg/*", "rfc5118/wire/*", "callflows/*/*.sip" };
	size_t count = 0;

	(void)state;
	need_corpus();
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
		char path[8192];
		glob_t g;
		snprintf(path, sizeof(path), CORPUS "%s", patterns[i]);
		assert_int_equal(glob(path, 0, NULL, &g), 0);
		for (size_t j = 0; j < g.gl_pathc; j++, count++)
			truncate_message(read_file(g.gl_pathv[j]));
		globfree(&g);
	}
	print_message("# every truncation of %zu messages\n", count);
	assert_int_equal(count, 50 + 1 + 12 + 12 + 266);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc4475_verdicts),
		cmocka_unit_test(rfc5118_verdicts),
		cmocka_unit_test(rfc4475_contents),
		cmocka_unit_test(callflows),
		cmocka_unit_test(microsoft),
		cmocka_unit_test(truncation),
	};
	return cmocka_run_group_tests(tests, map_guard, NULL);
}
