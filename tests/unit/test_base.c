/* tests/unit/test_base.c -- lib/base, module by module */
#include "base/arena.h"
#include "base/buf.h"
#include "base/fail.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/scan.h"
#include "base/str.h"
#include "base/text.h"
#include "base/trace.h"
#include "base/utf8.h"

#include <errno.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define NONE ((struct str){ NULL, 0 })
#define assert_str(s, literal) assert_bytes((s), STR(literal), __LINE__)

static void assert_bytes(struct str got, struct str want, int line)
{
	if (!str_eq(got, want))
		fail_msg("line %d: got <" STR_FMT ">, want <" STR_FMT ">", line, STR_ARG(got),
			STR_ARG(want));
}

/* The same sequence in each run: xorshift64. */
static uint32_t dice(uint32_t sides)
{
	static uint64_t x = 88172645463325252;
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 32) % sides;
}

/* A random string in memory of exactly its size, so that sanitizers see a read behind its end. */
static char *random_bytes(size_t n, const char *alphabet)
{
	char *p = mem_alloc(n);
	for (size_t i = 0; i < n; i++)
		p[i] = alphabet && dice(16) ? alphabet[dice((uint32_t)strlen(alphabet))]
					    : (char)dice(256);
	return p;
}

/* ---- mem ---- */

static jmp_buf oom_jump;

static void on_oom(void)
{
	longjmp(oom_jump, 1);
}

/* Each way to ask for too much ends in the hook. */
static void test_mem_oom(void **state)
{
	volatile int hooks = 0;
	volatile size_t huge = SIZE_MAX;
	(void)state;

	mem_set_oom_hook(on_oom);
	if (setjmp(oom_jump))
		hooks++;
	switch (hooks) {
	case 0:
		mem_alloc(huge);
		break;
	case 1:
		mem_zalloc(huge / 2, 3);
		break;
	case 2:
		mem_zalloc(huge, huge);
		break;
	case 3:
		mem_realloc(NULL, huge);
		break;
	case 4:
		mem_strndup("", huge);
		break;
	case 5: {
		struct arena a = { 0 };
		arena_alloc(&a, huge - 3);
		break;
	}
	default:
		break;
	}
	mem_set_oom_hook(NULL);
	assert_int_equal(hooks, 6);
}

static void test_mem(void **state)
{
	struct pair {
		int a;
		void *p;
	} *pair = MEM_NEW(struct pair);
	unsigned char *z = mem_zalloc(100, 7);
	char *s = mem_strndup("ab\0cd", 5);
	void *none[] = { mem_alloc(0), mem_zalloc(0, 8), mem_zalloc(8, 0), mem_realloc(NULL, 0) };
	(void)state;

	assert_int_equal(pair->a, 0);
	assert_null(pair->p);
	for (size_t i = 0; i < 700; i++)
		assert_int_equal(z[i], 0);
	assert_memory_equal(s, "ab\0cd", 6);
	s = mem_realloc(s, 1000);
	assert_memory_equal(s, "ab\0cd", 6);
	mem_wipe(s, 4);
	assert_memory_equal(s, "\0\0\0\0d", 6);
	mem_wipe(NULL, 0);
	for (size_t i = 0; i < ARRAY_LEN(none); i++) {
		assert_non_null(none[i]);
		mem_free(none[i]);
	}
	s = mem_realloc(s, 0);
	assert_non_null(s);
	mem_free(s);
	mem_free(z);
	mem_free(pair);
	mem_free(NULL);
	s = mem_strndup(NULL, 0);
	assert_string_equal(s, "");
	mem_free(s);
}

/* ---- arena ---- */

/* Every block is aligned, keeps its content, and overlaps no other. */
static void test_arena_blocks(void **state)
{
	enum { COUNT = 3000 };
	struct arena a = { 0 };
	unsigned char *p[COUNT];
	size_t n[COUNT];
	(void)state;

	for (int i = 0; i < COUNT; i++) {
		n[i] = i % 100 == 99 ? 5000 + dice(100000) : dice(200);
		p[i] = i % 2 ? arena_zalloc(&a, n[i]) : arena_alloc(&a, n[i]);
		assert_non_null(p[i]);
		assert_int_equal((uintptr_t)p[i] % _Alignof(max_align_t), 0);
		for (size_t k = 0; i % 2 && k < n[i]; k++)
			assert_int_equal(p[i][k], 0);
		if (n[i])
			memset(p[i], i % 251, n[i]);
		if (i % 7 == 0) /* what is not aligned in between */
			assert_str(arena_str(&a, STR("odd")), "odd");
	}
	for (int i = 0; i < COUNT; i++)
		for (size_t k = 0; k < n[i]; k++)
			assert_int_equal(p[i][k], i % 251);
	arena_done(&a);
	assert_null(a.head);
	assert_non_null(ARENA_NEW(&a, struct arena));
	arena_done(&a);
	arena_done(&a);
}

/* A big block does not cost the room of the current one. */
static void test_arena_big(void **state)
{
	struct arena a = { 0 };
	char *p = arena_alloc(&a, 16), *q;
	(void)state;

	memset(arena_alloc(&a, 1 << 20), 1, 1 << 20);
	q = arena_alloc(&a, 16);
	assert_ptr_equal(q, p + 16);
	arena_done(&a);

	memset(arena_alloc(&a, 1 << 20), 1, 1 << 20); /* also as the first one */
	memset(arena_alloc(&a, 100), 1, 100);
	arena_done(&a);
}

static void test_arena_text(void **state)
{
	struct arena a = { 0 };
	char bytes[] = { 'a', 'b', 'c', 'd' };
	struct str s = arena_str(&a, (struct str){ bytes, 3 });
	struct str empty = arena_str(&a, NONE);
	struct str f = arena_fmt(&a, "%s=%d", "n", 42);
	(void)state;

	bytes[0] = 'X';
	assert_str(s, "abc");
	assert_int_equal(s.p[3], '\0');
	assert_int_equal(empty.n, 0);
	assert_int_equal(empty.p[0], '\0');
	assert_str(f, "n=42");
	assert_int_equal(f.p[f.n], '\0');
	assert_int_equal(arena_fmt(&a, "%s", "").n, 0);
	for (int n = 0; n < 5000; n += 97) {
		f = arena_fmt(&a, "%*d", n, 7);
		assert_int_equal(f.n, n ? n : 1);
		assert_int_equal(f.p[f.n - 1], '7');
		assert_int_equal(f.p[f.n], '\0');
	}
	assert_str(s, "abc");
	arena_done(&a);
}

/* ---- buf ---- */

static void test_buf_write(void **state)
{
	struct buf b = BUF_INIT(1000);
	(void)state;

	assert_string_equal(buf_cstr(&b), "");
	assert_int_equal(buf_str(&b).n, 0);
	buf_add(&b, NULL, 0);
	buf_add_str(&b, NONE);
	assert_int_equal(b.fail, 0);
	buf_add(&b, "ab", 2);
	buf_add_str(&b, STR("cd"));
	buf_add_char(&b, 'e');
	buf_addf(&b, "%d-%s", 7, "x");
	buf_addf(&b, "%s", "");
	assert_str(buf_str(&b), "abcde7-x");
	assert_string_equal(buf_cstr(&b), "abcde7-x");
	buf_consume(&b, 0);
	buf_consume(&b, 3);
	assert_string_equal(buf_cstr(&b), "de7-x");
	assert_true(buf_reserve(&b, 3));
	memcpy(b.p + b.n, "xyz", 3);
	buf_commit(&b, 2);
	assert_string_equal(buf_cstr(&b), "de7-xxy");
	buf_consume(&b, 7);
	assert_string_equal(buf_cstr(&b), "");
	buf_done(&b);
	assert_null(b.p);
	assert_int_equal(b.limit, 1000);
	buf_addf(&b, "%s", "again");
	assert_str(buf_str(&b), "again");
	buf_wipe(&b);
	assert_null(b.p);
	assert_int_equal(b.n, 0);
	buf_wipe(&b);
	buf_init(&b, 5);
	assert_int_equal(b.limit, 5);
}

static void add_one_of(struct buf *b, int writer, size_t n)
{
	static const char a[600];
	char text[600];

	memset(text, 'a', sizeof(text));
	switch (writer) {
	case 0:
		buf_add(b, text, n);
		break;
	case 1:
		buf_add_str(b, (struct str){ a, n });
		break;
	case 2:
		buf_addf(b, "%.*s", (int)n, text);
		break;
	default:
		if (buf_reserve(b, n))
			memset(b->p + b->n, 'a', n);
		buf_commit(b, b->fail ? 0 : n);
		break;
	}
}

/* Each writer fills up to each limit exactly, and one byte more latches and adds nothing. */
static void test_buf_limit(void **state)
{
	(void)state;
	for (int writer = 0; writer < 4; writer++) {
		for (size_t limit = 0; limit < 300; limit++) {
			struct buf b = BUF_INIT(limit);
			size_t first = limit / 3;

			add_one_of(&b, writer, first);
			add_one_of(&b, writer, limit - first);
			assert_int_equal(b.fail, 0);
			assert_int_equal(b.n, limit);
			assert_int_equal(buf_cstr(&b)[limit], '\0');
			assert_true(b.cap <= limit + 1);
			add_one_of(&b, writer, 1);
			assert_int_equal(b.fail, -FAIL_LIMIT);
			assert_int_equal(b.n, limit);
			assert_true(b.cap <= limit + 1);
			buf_done(&b);

			add_one_of(&b, writer, limit + 1); /* at one go */
			assert_int_equal(b.fail, -FAIL_LIMIT);
			assert_int_equal(b.n, 0);
			buf_done(&b);
			assert_int_equal(b.fail, 0);
		}
	}
}

static void test_buf_latch(void **state)
{
	struct buf b = BUF_INIT(8);
	(void)state;

	buf_add_str(&b, STR("12345"));
	buf_addf(&b, "%s", "6789");
	assert_int_equal(b.fail, -FAIL_LIMIT);
	buf_add_char(&b, 'x'); /* would fit, but comes behind a failure */
	buf_add(&b, "x", 1);
	buf_add_str(&b, STR("x"));
	buf_addf(&b, "%c", 'x');
	assert_false(buf_reserve(&b, 0));
	buf_commit(&b, 1);
	buf_fail(&b, -FAIL_SYNTAX);
	assert_int_equal(b.fail, -FAIL_LIMIT);
	assert_str(buf_str(&b), "12345");
	assert_string_equal(buf_cstr(&b), "12345");
	buf_clear(&b);
	assert_int_equal(b.fail, 0);
	assert_int_equal(b.n, 0);
	assert_non_null(b.p);
	buf_fail(&b, -FAIL_SYNTAX);
	buf_add_char(&b, 'x');
	assert_int_equal(b.fail, -FAIL_SYNTAX);
	assert_int_equal(b.n, 0);
	buf_done(&b);

	buf_init(&b, SIZE_MAX);
	buf_add_char(&b, 'x');
	assert_false(buf_reserve(&b, SIZE_MAX - 1));
	assert_int_equal(b.fail, -FAIL_LIMIT);
	buf_done(&b);
}

/* Whatever the sequence of calls, the content is that of a plain model. */
static void test_buf_model(void **state)
{
	static char model[4096 + 64];
	(void)state;

	for (int round = 0; round < 300; round++) {
		struct buf b = BUF_INIT(dice(4096));
		size_t n = 0;
		bool latched = false;

		for (int step = 0; step < 100; step++) {
			size_t k = dice(64);
			char *piece = random_bytes(64, NULL);

			if (dice(8) == 0) {
				k = k < n ? k : n;
				buf_consume(&b, k);
				n -= k;
				memmove(model, model + k, n);
			} else {
				latched = latched || n + k > b.limit;
				buf_add(&b, piece, k);
				if (!latched) {
					memcpy(model + n, piece, k);
					n += k;
				}
			}
			mem_free(piece);
			assert_int_equal(b.fail, latched ? -FAIL_LIMIT : 0);
			assert_bytes(buf_str(&b), (struct str){ model, n }, __LINE__);
			assert_int_equal(buf_cstr(&b)[n], '\0');
		}
		buf_done(&b);
	}
}

/* ---- fail ---- */

static void test_fail_codes(void **state)
{
	(void)state;
	for (int code = FAIL_FIRST + 1; code < FAIL_END; code++) {
		const char *text = fail_text(-code);
		assert_true(strlen(text) > 0);
		assert_int_not_equal(text[strlen(text) - 1], '.');
		assert_string_not_equal(text, fail_text(-FAIL_FIRST));
		for (int other = FAIL_FIRST + 1; other < code; other++)
			assert_string_not_equal(text, fail_text(-other));
	}
#define FAIL(id, text, retryable)                                                                  \
	assert_string_equal(fail_text(-FAIL_##id), text);                                          \
	assert_int_equal(fail_retryable(-FAIL_##id), (retryable));
#include "base/fail.def"
#undef FAIL
	assert_int_equal(FAIL_FIRST + 1, 10000);
	assert_string_equal(fail_text(-ENOENT), strerror(ENOENT));
	for (size_t i = 0; i < 200; i++)
		assert_true(strlen(fail_text(-(int)i)) > 0);
	assert_true(strlen(fail_text(-FAIL_FIRST)) > 0);
	assert_true(strlen(fail_text(-FAIL_END)) > 0);
	assert_true(strlen(fail_text(INT32_MIN)) > 0);
	assert_true(strlen(fail_text(INT32_MAX)) > 0);
}

static void test_fail_retryable(void **state)
{
	(void)state;
	assert_true(fail_retryable(-ECONNREFUSED));
	assert_true(fail_retryable(-ETIMEDOUT));
	assert_true(fail_retryable(-ENETUNREACH));
	assert_false(fail_retryable(-EACCES));
	assert_false(fail_retryable(-EINVAL));
	assert_false(fail_retryable(0));
	assert_false(fail_retryable(ECONNREFUSED)); /* not a code */
	assert_false(fail_retryable(-FAIL_END));
	assert_false(fail_retryable(INT32_MIN));
}

static void test_fail_set(void **state)
{
	struct fail f = { 0 };
	char longer[500];
	(void)state;

	assert_int_equal(fail_set(NULL, -FAIL_DNS, "%s", "nobody sees it"), -FAIL_DNS);
	f.code = -FAIL_TIMEOUT;
	assert_string_equal(fail_show(&f), fail_text(-FAIL_TIMEOUT));
	assert_int_equal(fail_set(&f, -FAIL_DNS, "no address of %s", "example.com"), -FAIL_DNS);
	assert_int_equal(f.code, -FAIL_DNS);
	assert_string_equal(fail_show(&f), "no address of example.com");
	fail_set(&f, -FAIL_CONNECT, "proxy: %s", f.text); /* wrapping itself */
	assert_string_equal(f.text, "proxy: no address of example.com");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	fail_set(&f, -FAIL_CONNECT, "%s", longer);
	assert_int_equal(strlen(f.text), sizeof(f.text) - 1);
	assert_memory_equal(f.text, longer, sizeof(f.text) - 1);
}

/* ---- hash ---- */

/* For the whole program, since OpenSSL reads its configuration once: one as hostile as FIPS can be,
 * in which the default library context has no digest at all. */
static int hash_setup(void **state)
{
	static const char cnf[] = "openssl_conf = init\n[init]\nproviders = list\n"
				  "[list]\nnull = empty\n[empty]\nactivate = 1\n";
	char path[] = "/tmp/rte-test-XXXXXX";
	int fd = mkstemp(path);
	EVP_MD *md;

	(void)state;
	if (fd < 0 || write(fd, cnf, sizeof(cnf) - 1) != sizeof(cnf) - 1)
		return -1;
	close(fd);
	setenv("OPENSSL_CONF", path, 1);
	md = EVP_MD_fetch(NULL, "MD5", NULL); /* reads it */
	EVP_MD_free(md);
	unlink(path);
	return md ? -1 : 0;
}

static const struct {
	enum hash_kind kind;
	const char *text, *hex;
} digests[] = {
	{ HASH_MD5, "", "d41d8cd98f00b204e9800998ecf8427e" },
	{ HASH_MD5, "abc", "900150983cd24fb0d6963f7d28e17f72" },
	{ HASH_MD5, "message digest", "f96b697d7cb7938d525a2f31aaf161d0" },
	{ HASH_SHA1, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
	{ HASH_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
	{ HASH_SHA256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ HASH_SHA256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ HASH_SHA512_256, "", "c672b8d1ef56ed28ab87c3622c5114069bdd3ad7b8f9737498d0c01ecef0967a" },
	{ HASH_SHA512_256, "abc",
		"53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23" },
};

/* However the text is cut into parts, the digest is the known one. */
static void test_hash_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(digests); i++) {
		struct str all = str_of(digests[i].text);
		for (size_t cut = 0; cut <= all.n; cut++) {
			struct str parts[] = { str_sub(all, 0, cut), NONE,
				str_sub(all, cut, all.n) };
			char hex[2 * HASH_MAX + 1];
			unsigned char sum[HASH_MAX], back[HASH_MAX];

			hash_hex(digests[i].kind, parts, ARRAY_LEN(parts), hex);
			assert_string_equal(hex, digests[i].hex);
			hash_parts(digests[i].kind, parts, ARRAY_LEN(parts), sum);
			assert_true(text_unhex(str_of(hex), back, hash_len(digests[i].kind)));
			assert_memory_equal(sum, back, hash_len(digests[i].kind));
		}
	}
}

static void test_hash_long(void **state)
{
	char *a = mem_alloc(1000);
	struct str parts[1000];
	char hex[2 * HASH_MAX + 1];
	(void)state;

	memset(a, 'a', 1000);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		parts[i] = (struct str){ a, 1000 };
	hash_hex(HASH_SHA256, parts, ARRAY_LEN(parts), hex);
	assert_string_equal(
		hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	hash_hex(HASH_MD5, NULL, 0, hex);
	assert_string_equal(hex, "d41d8cd98f00b204e9800998ecf8427e");
	mem_free(a);
}

static void test_hash_equal(void **state)
{
	(void)state;
	assert_true(hash_equal(NONE, STR("")));
	assert_true(hash_equal(STR("abc"), STR("abc")));
	assert_false(hash_equal(STR("abc"), STR("abd")));
	assert_false(hash_equal(STR("abc"), STR("Abc")));
	assert_false(hash_equal(STR("abc"), STR("ab")));
	assert_false(hash_equal(STR("abc"), NONE));
}

/* ---- list ---- */

struct item {
	int n;
	struct list link;
};

static void test_list(void **state)
{
	struct item items[10];
	struct list l;
	int want = 0;
	(void)state;

	list_init(&l);
	assert_true(list_empty(&l));
	assert_null(list_first(&l));
	for (int i = 0; i < 10; i++) {
		items[i].n = i;
		list_add(&l, &items[i].link);
	}
	assert_false(list_empty(&l));
	assert_ptr_equal(CONTAINER_OF(list_first(&l), struct item, link), &items[0]);
	LIST_EACH (it, &l) {
		struct item *item = CONTAINER_OF(it, struct item, link);
		assert_int_equal(item->n, want++);
		if (item->n % 2)
			list_del(it);
	}
	assert_int_equal(want, 10);
	want = 0;
	LIST_EACH (it, &l) {
		assert_int_equal(CONTAINER_OF(it, struct item, link)->n, want);
		want += 2;
	}
	assert_int_equal(want, 10);
	list_del(&items[1].link); /* twice is fine */
	list_add(&l, &items[1].link);
	assert_ptr_equal(l.prev, &items[1].link);
	while (!list_empty(&l))
		list_del(list_first(&l));
	assert_ptr_equal(items[4].link.next, &items[4].link);
	LIST_EACH (it, &l)
		fail_msg("a node in an empty list");
}

/* ---- map ---- */

enum { NODES = 10000 };

struct entry {
	struct map_node node;
	char name[16];
	int seen;
};

static struct entry *entries_new(struct map *m)
{
	struct entry *e = mem_zalloc(NODES, sizeof(*e));
	for (int i = 0; i < NODES; i++) {
		snprintf(e[i].name, sizeof(e[i].name), "n%d", i);
		map_set(m, &e[i].node, str_of(e[i].name));
		assert_int_equal(m->count, i + 1);
		assert_true(m->count * 4 <= m->size * 3);
		assert_int_equal(m->size & (m->size - 1), 0);
	}
	return e;
}

static void test_map_set_get_del(void **state)
{
	struct map m = { 0 };
	struct entry *e;
	(void)state;

	assert_null(map_get(&m, STR("n1")));
	assert_null(map_any(&m));
	e = entries_new(&m);
	for (int i = 0; i < NODES; i++) {
		char name[16]; /* the bytes count, not where they are */
		memcpy(name, e[i].name, sizeof(name));
		assert_ptr_equal(map_get(&m, str_of(name)), &e[i].node);
	}
	assert_null(map_get(&m, STR("n10000")));
	assert_null(map_get(&m, STR("")));
	assert_null(map_get(&m, STR("N1")));
	for (int i = 1; i < NODES; i += 2)
		map_del(&m, &e[i].node);
	assert_int_equal(m.count, NODES / 2);
	for (int i = 0; i < NODES; i++)
		assert_ptr_equal(map_get(&m, str_of(e[i].name)), i % 2 ? NULL : &e[i].node);
	for (int i = 1; i < NODES; i += 2)
		map_set(&m, &e[i].node, str_of(e[i].name));
	assert_int_equal(m.count, NODES);
	map_del(&m, &e[0].node);
	map_set(&m, &e[0].node, NONE); /* the empty name is one, too */
	assert_ptr_equal(map_get(&m, STR("")), &e[0].node);
	for (size_t left = NODES; left > 0; left--) {
		struct map_node *any = map_any(&m);
		assert_non_null(any);
		assert_int_equal(m.count, left);
		map_del(&m, any);
	}
	assert_null(map_any(&m));
	assert_null(map_get(&m, STR("n1")));
	map_done(&m);
	assert_null(m.slots);
	map_done(&m);
	mem_free(e);
}

/* Each node is seen once, whether or not the visited ones are removed (and freed) meanwhile. */
static void test_map_iterate(void **state)
{
	struct map m = { 0 };
	struct map_iter it = map_iter(&m);
	struct map_node *node;
	struct entry *e;
	size_t left = 0;
	(void)state;

	assert_null(map_next(&it));
	e = entries_new(&m);
	it = map_iter(&m);
	while ((node = map_next(&it)) != NULL) {
		struct entry *at = CONTAINER_OF(node, struct entry, node);
		at->seen++;
		if ((at - e) % 3 == 0) {
			map_del(&m, node);
			memset(&at->node, 0xee, sizeof(at->node));
		} else {
			left++;
		}
	}
	assert_null(map_next(&it));
	for (int i = 0; i < NODES; i++)
		assert_int_equal(e[i].seen, 1);
	assert_int_equal(m.count, left);
	it = map_iter(&m);
	while ((node = map_next(&it)) != NULL) {
		assert_int_not_equal((CONTAINER_OF(node, struct entry, node) - e) % 3, 0);
		map_del(&m, node);
		left--;
	}
	assert_int_equal(left, 0);
	assert_int_equal(m.count, 0);
	map_done(&m);
	mem_free(e);
}

/* The hash is a function of all bytes and of the length, and half its bits flip with each bit. */
static void test_map_hash(void **state)
{
	char zeros[64] = { 0 };
	uint64_t seen[64];
	(void)state;

	for (size_t n = 0; n < 64; n++) {
		seen[n] = map_hash((struct str){ zeros, n });
		assert_true(seen[n] == map_hash((struct str){ zeros, n }));
		for (size_t i = 0; i < n; i++)
			assert_true(seen[i] != seen[n]);
	}
	assert_true(map_hash(NONE) == seen[0]);
	for (size_t n = 1; n < 64; n++) {
		int flips = 0;
		for (size_t bit = 0; bit < 8 * n; bit++) {
			uint64_t h;
			zeros[bit / 8] = (char)(1 << bit % 8);
			h = map_hash((struct str){ zeros, n }) ^ seen[n];
			zeros[bit / 8] = 0;
			assert_true(h != 0);
			flips += __builtin_popcountll(h);
		}
		/* the mean of 8n draws of 64 coins: 32, with a deviation below 4/sqrt(8n) */
		assert_in_range(flips, 8 * n * 22, 8 * n * 42);
	}
}

/* ---- scan ---- */

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define ALNUM LOWER UPPER DIGITS
#define MARK "-_.!~*'()"

/* As RFC 3261 section 25.1 has them, in its order. */
static const struct {
	unsigned class;
	const char *bytes;
} classes[] = {
	{ CH_ALPHA, LOWER UPPER },
	{ CH_DIGIT, DIGITS },
	{ CH_HEX, DIGITS "abcdefABCDEF" },
	{ CH_LWS, " \t" },
	{ CH_TOKEN, ALNUM "-.!%*_+`'~" },
	{ CH_WORD, ALNUM "-.!%*_+`'~()<>:\\\"/[]?{}" },
	{ CH_HOST, ALNUM "-._" },
	{ CH_UNRESERVED, ALNUM MARK },
	{ CH_USER, ALNUM MARK "&=+$,;?/" },
	{ CH_PARAM, ALNUM MARK "[]/:&+$" },
	{ CH_HEADER, ALNUM MARK "[]/?:+$" },
	{ CH_PASSWORD, ALNUM MARK "&=+$," },
	{ CH_IPV6, DIGITS "abcdefABCDEF:." },
	{ CH_BASE64, ALNUM "+/=" },
};

static void test_scan_class(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
			bool in = c && strchr(classes[i].bytes, c);
			if (scan_is((char)c, classes[i].class) != in)
				fail_msg("byte 0x%02x, class %zu", (unsigned)c, i);
		}
		assert_int_equal(scan_is((char)c, CH_CONTROL), c < 0x20 || c == 0x7f);
		assert_int_equal(scan_is((char)c, CH_VISIBLE), c > 0x20 && c < 0x7f);
		assert_int_equal(scan_is((char)c, CH_ALPHA | CH_DIGIT), c && strchr(ALNUM, c));
	}
}

/* Which function a fuzzed call takes, and what it must have done. */
enum {
	SCAN_CHAR,
	SCAN_LIT,
	SCAN_RUN,
	SCAN_UNTIL,
	SCAN_LWS,
	SCAN_SEP,
	SCAN_U32,
	SCAN_QUOTED,
	SCANS
};

static const char *const literals[] = { "", "a", "SIP", "sip/2.0", ";" };

static size_t span(struct str s, unsigned class)
{
	size_t n = 0;
	while (n < s.n && scan_is(s.p[n], class))
		n++;
	return n;
}

/* The length of a quoted string at the start of s, written after the grammar; 0: none. */
static size_t quoted_span(struct str s)
{
	bool escaped = false;

	if (s.n == 0 || s.p[0] != '"')
		return 0;
	for (size_t i = 1; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (escaped ? c == '\r' || c == '\n' || c > 127 : (c < 32 && c != 9) || c == 127)
			return 0;
		if (!escaped && c == '"')
			return i + 1;
		escaped = !escaped && c == '\\';
	}
	return 0;
}

/* What call `which` takes off s, or -1 when it must fail; *out is what it must give. */
static long model(int which, struct str s, unsigned arg, uint32_t max, struct str *out)
{
	size_t n, blanks = span(s, CH_LWS);
	long double value = 0; /* exact beyond 2^32, and never wraps */

	switch (which) {
	case SCAN_CHAR:
		return s.n && s.p[0] == (char)arg ? 1 : -1;
	case SCAN_LIT:
		return str_istarts(s, str_of(literals[arg])) ? (long)strlen(literals[arg]) : -1;
	case SCAN_RUN:
		n = span(s, arg);
		*out = str_sub(s, 0, n);
		return n ? (long)n : -1;
	case SCAN_UNTIL:
		n = str_find(s, (char)arg);
		*out = str_sub(s, 0, n);
		return n < s.n ? (long)n : -1;
	case SCAN_LWS:
		return (long)blanks;
	case SCAN_SEP:
		if (blanks == s.n || s.p[blanks] != (char)arg)
			return -1;
		return (long)(blanks + 1 + span(str_sub(s, blanks + 1, s.n), CH_LWS));
	case SCAN_U32:
		n = span(s, CH_DIGIT);
		for (size_t i = 0; i < n; i++)
			value = value * 10 + (s.p[i] - '0');
		return n && value <= (long double)max ? (long)n : -1;
	default:
		n = quoted_span(s);
		*out = n ? str_sub(s, 1, n - 1) : NONE;
		return n ? (long)n : -1;
	}
}

static bool call(
	int which, struct scan *s, unsigned arg, uint32_t max, struct str *out, uint32_t *n)
{
	switch (which) {
	case SCAN_CHAR:
		return scan_char(s, (char)arg);
	case SCAN_LIT:
		return scan_lit(s, literals[arg]);
	case SCAN_RUN:
		return scan_run(s, arg, out);
	case SCAN_UNTIL:
		return scan_until(s, (char)arg, out);
	case SCAN_LWS:
		return scan_lws(s);
	case SCAN_SEP:
		return scan_sep(s, (char)arg);
	case SCAN_U32:
		return scan_u32(s, max, n);
	default:
		return scan_quoted(s, out);
	}
}

/* The cursor moves by exactly what was taken, or not at all; outputs are whole or untouched. */
static void test_scan_fuzz(void **state)
{
	static const char *const alphabets[] = {
		"\"\"\\\\ab\t ",
		"0123456789 ",
		"99990000",
		" \t;:,=/",
		"sSiIpP/2.0",
		"aB0-.!%*_+`'~()<>:\\\"/[]?{}&=$,;@^|# ",
		NULL,
	};
	int hits[SCANS] = { 0 }, misses[SCANS] = { 0 };
	(void)state;

	for (int round = 0; round < 200000; round++) {
		int which = (int)dice(SCANS);
		struct str s = { NULL, dice(24) }, want = NONE, untouched = { "untouched", 9 };
		char *bytes = random_bytes(s.n, alphabets[dice(ARRAY_LEN(alphabets))]);
		unsigned arg = (unsigned char)" ;a/\"0="[dice(7)];
		uint32_t max = dice(3) ? UINT32_MAX >> dice(32) : UINT32_MAX, n = 77;
		struct str out = untouched;
		struct scan cursor, blind;
		long taken;
		bool ok;

		s.p = bytes;
		if (which == SCAN_LIT)
			arg = dice(ARRAY_LEN(literals));
		else if (which == SCAN_RUN)
			arg = 1U << dice(16) | 1U << dice(16);
		cursor = blind = scan_str(s);
		taken = model(which, s, arg, max, &want);
		ok = call(which, &cursor, arg, max, &out, &n);
		assert_int_equal(ok, taken >= 0);
		assert_ptr_equal(cursor.p, s.p + (taken > 0 ? taken : 0));
		assert_ptr_equal(cursor.end, s.p + s.n);
		if (!ok || !want.p) {
			assert_ptr_equal(out.p, untouched.p);
			assert_int_equal(out.n, untouched.n);
		} else {
			assert_ptr_equal(out.p, want.p);
			assert_int_equal(out.n, want.n);
		}
		if (ok && which == SCAN_U32) {
			uint32_t value;
			assert_true(str_u32(str_sub(s, 0, (size_t)taken), &value));
			assert_int_equal(n, value);
		} else {
			assert_int_equal(n, 77);
		}
		/* without outputs it does the same */
		assert_int_equal(call(which, &blind, arg, max, NULL, NULL), ok);
		assert_ptr_equal(blind.p, cursor.p);
		ok ? hits[which]++ : misses[which]++;
		mem_free(bytes);
	}
	for (int which = 0; which < SCANS; which++) { /* the dice have seen both sides */
		assert_true(hits[which] > 100);
		assert_true(misses[which] > 100 || which == SCAN_LWS);
	}
}

static void test_scan_chain(void **state)
{
	struct scan s = scan_str(STR("SIP / 2.0/UDP \t host:5060 ; x"));
	struct str transport = NONE, host = NONE;
	uint32_t port = 0;
	(void)state;

	assert_true(scan_lit(&s, "sip") && scan_sep(&s, '/') && scan_lit(&s, "2.0") &&
		    scan_sep(&s, '/') && scan_run(&s, CH_TOKEN, &transport) &&
		    scan_run(&s, CH_LWS, NULL) && scan_run(&s, CH_HOST, &host) &&
		    scan_char(&s, ':') && scan_u32(&s, UINT16_MAX, &port) && scan_sep(&s, ';'));
	assert_str(transport, "UDP");
	assert_str(host, "host");
	assert_int_equal(port, 5060);
	assert_str(scan_rest(&s), "x");
	assert_int_equal(scan_peek(&s), 'x');
	assert_false(scan_end(&s));
	assert_true(scan_char(&s, 'x'));
	assert_true(scan_end(&s));
	assert_int_equal(scan_peek(&s), 0);
	assert_int_equal(scan_rest(&s).n, 0);
}

static void test_scan_empty(void **state)
{
	struct scan s = scan_str(NONE);
	(void)state;

	assert_true(scan_end(&s));
	assert_int_equal(scan_peek(&s), 0);
	assert_int_equal(scan_rest(&s).n, 0);
	assert_true(scan_lws(&s));
	assert_true(scan_lit(&s, ""));
	assert_false(scan_char(&s, '\0'));
	assert_false(scan_lit(&s, "a"));
	assert_false(scan_run(&s, 0xffff, NULL));
	assert_false(scan_until(&s, '\0', NULL));
	assert_false(scan_sep(&s, '\0'));
	assert_false(scan_u32(&s, 9, NULL));
	assert_false(scan_quoted(&s, NULL));
	assert_ptr_equal(s.p, s.end);
}

static void test_scan_u32(void **state)
{
	static const struct {
		const char *text;
		uint32_t max;
		bool ok;
		uint32_t value;
	} rows[] = {
		{ "0", 0, true, 0 },
		{ "1", 0, false, 0 },
		{ "65535", 65535, true, 65535 },
		{ "65536", 65535, false, 0 },
		{ "4294967295", UINT32_MAX, true, UINT32_MAX },
		{ "4294967296", UINT32_MAX, false, 0 },
		{ "99999999999999999999999999", UINT32_MAX, false, 0 },
		{ "18446744073709551617", UINT32_MAX, false, 0 }, /* 2^64 + 1 */
		{ "0000000000000000000000000012", 12, true, 12 },
		{ "12a", 99, true, 12 },
		{ "+1", 99, false, 0 },
		{ "-1", 99, false, 0 },
		{ " 1", 99, false, 0 },
		{ "", 99, false, 0 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct scan s = scan_str(str_of(rows[i].text));
		uint32_t n = 0;
		assert_int_equal(scan_u32(&s, rows[i].max, &n), rows[i].ok);
		assert_int_equal(n, rows[i].value);
	}
}

static void test_scan_quoted(void **state)
{
	static const struct {
		struct str text;
		bool ok;
		struct str inside;
	} rows[] = {
		{ { "\"\"", 2 }, true, { "", 0 } },
		{ { "\"a b\tc\"x", 8 }, true, { "a b\tc", 5 } },
		{ { "\"a\\\"b\"", 6 }, true, { "a\\\"b", 4 } },
		{ { "\"\\\\\"", 4 }, true, { "\\\\", 2 } },
		{ { "\"\\\0\"", 4 }, true, { "\\\0", 2 } },
		{ { "\"\\\x7f\"", 4 }, true, { "\\\x7f", 2 } },
		{ { "\"\xc3\xa9\xff\"", 5 }, true, { "\xc3\xa9\xff", 3 } },
		{ { "\"abc", 4 }, false, { NULL, 0 } },
		{ { "\"abc\\", 5 }, false, { NULL, 0 } },
		{ { "\"abc\\\"", 6 }, false, { NULL, 0 } },
		{ { "\"a\\\r\"", 5 }, false, { NULL, 0 } },
		{ { "\"a\\\n\"", 5 }, false, { NULL, 0 } },
		{ { "\"a\\\x80\"", 5 }, false, { NULL, 0 } },
		{ { "\"a\rb\"", 5 }, false, { NULL, 0 } },
		{ { "\"a\nb\"", 5 }, false, { NULL, 0 } },
		{ { "\"a\0b\"", 5 }, false, { NULL, 0 } },
		{ { "\"a\x7f\"", 4 }, false, { NULL, 0 } },
		{ { "\"", 1 }, false, { NULL, 0 } },
		{ { " \"\"", 3 }, false, { NULL, 0 } },
		{ { "a\"\"", 3 }, false, { NULL, 0 } },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct scan s = scan_str(rows[i].text);
		struct str out = NONE;
		assert_int_equal(scan_quoted(&s, &out), rows[i].ok);
		assert_bytes(out, rows[i].inside, (int)i);
		assert_ptr_equal(s.p, rows[i].text.p + (rows[i].ok ? out.n + 2 : 0));
	}
}

/* ---- str ---- */

static void test_str_compare(void **state)
{
	(void)state;
	assert_int_equal(str_of(NULL).n, 0);
	assert_str(str_of("ab"), "ab");
	assert_true(str_eq(NONE, STR("")));
	assert_true(str_eq((struct str){ "a\0b", 3 }, (struct str){ "a\0b", 3 }));
	assert_false(str_eq((struct str){ "a\0b", 3 }, (struct str){ "a\0c", 3 }));
	assert_false(str_eq(STR("a"), STR("A")));
	assert_true(str_ieq(STR("Via-@[`{"), STR("vIA-@[`{")));
	assert_false(str_ieq(STR("@"), STR("`"))); /* 0x20 apart, but no letters */
	assert_false(str_ieq(STR("["), STR("{")));
	assert_false(str_ieq(STR("\xc4"), STR("\xe4")));
	assert_false(str_ieq(STR("a"), STR("ab")));
	assert_true(str_starts(STR("sip:x"), STR("sip:")));
	assert_false(str_starts(STR("SIP:x"), STR("sip:")));
	assert_true(str_istarts(STR("SIP:x"), STR("sip:")));
	assert_false(str_istarts(STR("si"), STR("sip")));
	assert_true(str_starts(NONE, NONE));
	assert_true(str_ends(STR("a.wav"), STR(".wav")));
	assert_false(str_ends(STR("wav"), STR(".wav")));
	assert_true(str_ends(STR("a"), NONE));
	assert_true(str_ends(NONE, NONE));
	assert_true(str_cmp(STR("a"), STR("b")) < 0);
	assert_true(str_cmp(STR("a"), STR("ab")) < 0);
	assert_true(str_cmp(STR("ab"), STR("a")) > 0);
	assert_true(str_cmp(STR("\xff"), STR("a")) > 0);
	assert_int_equal(str_cmp(STR("a"), STR("a")), 0);
	assert_int_equal(str_cmp(NONE, STR("")), 0);
	assert_true(str_cmp(NONE, STR("a")) < 0);
	for (int c = -128; c < 128; c++) {
		bool upper = c >= 'A' && c <= 'Z';
		assert_int_equal(str_lower((char)c), upper ? c + 32 : c);
	}
}

static void test_str_parts(void **state)
{
	struct str s = STR("hello"), a = STR("x"), b = STR("y");
	(void)state;

	assert_str(str_sub(s, 1, 3), "el");
	assert_str(str_sub(s, 0, 99), "hello");
	assert_str(str_sub(s, 99, 100), "");
	assert_str(str_sub(s, 3, 1), "");
	assert_str(str_sub(s, 2, SIZE_MAX), "llo");
	assert_ptr_equal(str_sub(s, 5, 5).p, s.p + 5);
	assert_ptr_equal(str_sub(NONE, 3, 9).p, NULL);
	assert_int_equal(str_find(s, 'l'), 2);
	assert_int_equal(str_find(s, 'z'), 5);
	assert_int_equal(str_find(NONE, 'z'), 0);
	assert_int_equal(str_find((struct str){ "a\0b", 3 }, '\0'), 1);
	assert_false(str_cut(s, 'z', &a, &b));
	assert_str(a, "x");
	assert_str(b, "y");
	assert_true(str_cut(s, 'l', &a, &b));
	assert_str(a, "he");
	assert_str(b, "lo");
	assert_true(str_cut(STR("="), '=', &a, &b));
	assert_int_equal(a.n + b.n, 0);
	assert_true(str_cut(s, 'o', NULL, NULL));
	assert_str(str_trim(STR(" \t\r\n a b\r\n\t ")), "a b");
	assert_str(str_trim(STR("a")), "a");
	assert_int_equal(str_trim(STR(" \t ")).n, 0);
	assert_int_equal(str_trim(NONE).n, 0);
	assert_str(str_trim(STR("\v a \f")), "\v a \f");
}

static void test_str_numbers(void **state)
{
	static const char *const bad[] = { "", " ", "+1", "-1", " 1", "1 ", "1a", "0x1", "1.0",
		"\xb2", "/", ":" };
	uint32_t n = 77;
	uint64_t big = 77;
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_false(str_u32(str_of(bad[i]), &n));
		assert_false(str_u64(str_of(bad[i]), &big));
	}
	assert_false(str_u32((struct str){ "1\0", 2 }, &n));
	assert_false(str_u32(STR("4294967296"), &n));
	assert_false(str_u64(STR("18446744073709551616"), &big));
	assert_false(str_u64(STR("18446744073709551620"), &big));
	assert_false(str_u64(STR("99999999999999999999"), &big));
	assert_false(str_u64(STR("184467440737095516150"), &big));
	assert_int_equal(n, 77);
	assert_int_equal(big, 77);
	assert_true(str_u32(STR("0"), &n));
	assert_int_equal(n, 0);
	assert_true(str_u32(STR("4294967295"), &n));
	assert_int_equal(n, UINT32_MAX);
	assert_true(str_u32(STR("00000000000000000000000000000007"), &n));
	assert_int_equal(n, 7);
	assert_true(str_u64(STR("18446744073709551615"), &big));
	assert_true(big == UINT64_MAX);
	for (int i = 0; i < 10000; i++) {
		uint64_t want = ((uint64_t)dice(UINT32_MAX) << 32 | dice(UINT32_MAX)) >> dice(64);
		char text[32];
		snprintf(text, sizeof(text), "%llu", (unsigned long long)want);
		assert_true(str_u64(str_of(text), &big));
		assert_true(big == want);
		assert_int_equal(str_u32(str_of(text), &n), want <= UINT32_MAX);
	}
}

/* ---- text ---- */

static void test_text_base64(void **state)
{
	static const struct {
		const char *plain, *coded;
	} rows[] = {
		/* RFC 4648 section 10 */
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
		{ "\xfb\xff\xbf", "+/+/" },
	};
	static const char *const bad[] = { "Z", "Zg", "Zg=", "Zg===", "=",
		"====", "Z===", "Zg==Zg==", "Zm8=Zm8=", "Zm 9", " Zm9v", "Zm9v\n", "Zm9v\n\n\n\n",
		"Zm-_", "Zh==", "Zm9=", "Zm=v", "=m9v", "Z=9v", "Zg=a", "Zm9v\xff\xff\xff\xff" };
	struct buf b = BUF_INIT(100);
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_clear(&b);
		text_base64_encode(&b, str_of(rows[i].plain));
		assert_bytes(buf_str(&b), str_of(rows[i].coded), __LINE__);
		buf_clear(&b);
		assert_true(text_base64_decode(&b, str_of(rows[i].coded)));
		assert_bytes(buf_str(&b), str_of(rows[i].plain), __LINE__);
	}
	buf_clear(&b);
	buf_add_char(&b, '>');
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (text_base64_decode(&b, str_of(bad[i])))
			fail_msg("accepted <%s>", bad[i]);
		assert_str(buf_str(&b), ">");
		assert_int_equal(b.fail, 0);
	}
	assert_false(text_base64_decode(&b, (struct str){ "Zm9\0", 4 }));
	buf_done(&b);
}

static void test_text_base64_round(void **state)
{
	(void)state;
	for (int round = 0; round < 2000; round++) {
		size_t n = dice(200);
		char *bytes = random_bytes(n, NULL);
		struct buf coded = BUF_INIT(4 * ((n + 2) / 3)), plain = BUF_INIT(n);

		text_base64_encode(&coded, (struct str){ bytes, n });
		assert_int_equal(coded.fail, 0);
		assert_int_equal(coded.n, coded.limit);
		assert_true(text_base64_decode(&plain, buf_str(&coded)));
		assert_bytes(buf_str(&plain), (struct str){ bytes, n }, __LINE__);
		if (n) {
			struct buf small = BUF_INIT(n - 1), tight = BUF_INIT(coded.limit - 1);
			assert_false(text_base64_decode(&small, buf_str(&coded)));
			assert_int_equal(small.fail, -FAIL_LIMIT);
			assert_int_equal(small.n, 0);
			text_base64_encode(&tight, (struct str){ bytes, n });
			assert_int_equal(tight.fail, -FAIL_LIMIT);
			assert_int_equal(tight.n, 0);
			buf_done(&small);
			buf_done(&tight);
		}
		buf_done(&coded);
		buf_done(&plain);
		mem_free(bytes);
	}
}

static void test_text_hex(void **state)
{
	unsigned char all[256], back[256];
	char out[513];
	(void)state;

	for (size_t i = 0; i < 256; i++)
		all[i] = (unsigned char)i;
	text_hex(out, "\x00\x9f\xff", 3);
	assert_string_equal(out, "009fff");
	text_hex(out, NULL, 0);
	assert_string_equal(out, "");
	text_hex(out, all, sizeof(all));
	assert_int_equal(strlen(out), 512);
	assert_true(text_unhex(str_of(out), back, sizeof(back)));
	assert_memory_equal(all, back, sizeof(all));
	assert_true(text_unhex(STR("aBCdEf"), back, 3));
	assert_memory_equal(back, "\xab\xcd\xef", 3);
	assert_true(text_unhex(NONE, NULL, 0));
	memset(back, 7, sizeof(back));
	assert_false(text_unhex(STR("0102"), back, 1));
	assert_false(text_unhex(STR("0102"), back, 3));
	assert_false(text_unhex(STR("010"), back, 1));
	assert_false(text_unhex(STR("010g"), back, 2));
	assert_false(text_unhex(STR("0 02"), back, 2));
	assert_false(text_unhex(STR("0x02"), back, 2));
	assert_memory_equal(back, "\7\7\7\7", 4);
}

/* Every bit of every byte comes both ways, at sizes below, at and above that of the pool. */
static void test_text_random(void **state)
{
	static const size_t sizes[] = { 1, 7, 16, 511, 512, 513, 5000 };
	uint32_t ones = 0, zeros = 0;
	(void)state;

	for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
		size_t n = sizes[k];
		unsigned char *p = mem_alloc(n), *ones_in = mem_zalloc(n, 1),
			      *zeros_in = mem_zalloc(n, 1);

		for (int round = 0; round < 100; round++) {
			text_random(p, n);
			for (size_t i = 0; i < n; i++) {
				ones_in[i] |= p[i];
				zeros_in[i] |= (unsigned char)~p[i];
			}
		}
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(ones_in[i], 0xff);
			assert_int_equal(zeros_in[i], 0xff);
		}
		mem_free(p);
		mem_free(ones_in);
		mem_free(zeros_in);
	}
	text_random(NULL, 0);
	for (int i = 0; i < 100; i++) {
		uint32_t n = text_random_u32();
		ones |= n;
		zeros |= ~n;
	}
	assert_int_equal(ones & zeros, UINT32_MAX);
}

struct token {
	struct map_node node;
	char text[17];
};

static void test_text_token(void **state)
{
	enum { COUNT = 100000 };
	struct token *t = mem_zalloc(COUNT, sizeof(*t));
	struct map m = { 0 };
	size_t seen[256] = { 0 };
	char one[2] = "x";
	(void)state;

	for (size_t i = 0; i < COUNT; i++) {
		text_token(t[i].text, 16);
		assert_int_equal(strlen(t[i].text), 16);
		assert_null(map_get(&m, str_of(t[i].text)));
		map_set(&m, &t[i].node, str_of(t[i].text));
		for (size_t k = 0; k < 16; k++)
			seen[(unsigned char)t[i].text[k]]++;
	}
	for (int c = 0; c < 256; c++) {
		bool in = (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7');
		/* 50,000 each, with a deviation of about 220 */
		assert_in_range(seen[c], in ? 47500 : 0, in ? 52500 : 0);
	}
	text_token(one, 0);
	assert_string_equal(one, "");
	map_done(&m);
	mem_free(t);
}

static void test_text_uuid(void **state)
{
	char last[TEXT_UUID_LEN + 1] = "";
	unsigned variants = 0;
	(void)state;

	for (int round = 0; round < 200; round++) {
		char id[TEXT_UUID_LEN + 1];
		text_uuid(id);
		assert_int_equal(strlen(id), TEXT_UUID_LEN);
		for (size_t i = 0; i < TEXT_UUID_LEN; i++) {
			if (i == 8 || i == 13 || i == 18 || i == 23)
				assert_int_equal(id[i], '-');
			else
				assert_non_null(strchr("0123456789abcdef", id[i]));
		}
		assert_int_equal(id[14], '4');
		assert_non_null(strchr("89ab", id[19]));
		variants |= 1U << (strchr("89ab", id[19]) - "89ab");
		assert_string_not_equal(id, last);
		memcpy(last, id, sizeof(last));
	}
	assert_int_equal(variants, 15);
}

/* ---- trace ---- */

struct sink {
	int calls;
	enum trace_kind kind;
	char note[600];
	size_t n;
};

static void on_trace(void *arg, const struct trace_event *ev)
{
	struct sink *sink = arg;
	sink->calls++;
	sink->kind = ev->kind;
	sink->n = ev->note.n;
	if (ev->note.n)
		memcpy(sink->note, ev->note.p, ev->note.n);
	sink->note[ev->note.n] = '\0';
}

static void test_trace(void **state)
{
	struct sink sink = { 0 };
	struct trace t = { on_trace, &sink, 1U << TRACE_NOTE | 1U << TRACE_DNS };
	struct trace silent = { NULL, NULL, ~0U };
	char longer[1000];
	(void)state;

	assert_true(trace_on(&t, TRACE_DNS));
	assert_false(trace_on(&t, TRACE_MSG_OUT));
	assert_false(trace_on(NULL, TRACE_DNS));
	assert_false(trace_on(&silent, TRACE_DNS));
	trace_emit(&t, &(struct trace_event){ .kind = TRACE_DNS, .note = STR("x") });
	assert_int_equal(sink.calls, 1);
	assert_int_equal(sink.kind, TRACE_DNS);
	assert_string_equal(sink.note, "x");
	trace_emit(&t, &(struct trace_event){ .kind = TRACE_TLS });
	trace_emit(NULL, &(struct trace_event){ .kind = TRACE_DNS });
	trace_note(NULL, "%d", 1);
	trace_note(&silent, "%d", 1);
	assert_int_equal(sink.calls, 1);
	trace_note(&t, "%d of %s", 7, "x");
	assert_int_equal(sink.calls, 2);
	assert_int_equal(sink.kind, TRACE_NOTE);
	assert_string_equal(sink.note, "7 of x");
	memset(longer, 'y', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	trace_note(&t, "%s", longer);
	assert_int_equal(sink.n, 500);
	assert_int_equal(strlen(sink.note), 500);
	trace_note(&t, "%.500s", longer);
	assert_int_equal(sink.n, 500);
	t.mask = 1U << TRACE_DNS;
	trace_note(&t, "%d", 1);
	assert_int_equal(sink.calls, 4);
}

/* ---- utf8 ---- */

#define BAD "\xef\xbf\xbd"

static const struct {
	struct str text;
	bool valid;
	const char *clean, *show;
} utf8[] = {
	{ { NULL, 0 }, true, "", "" },
	{ { "plain ~", 7 }, true, "plain ~", "plain ~" },
	{ { "a\\x41", 5 }, true, "a\\x41", "a\\x41" },
	{ { "\xc2\xa0", 2 }, true, "\xc2\xa0", "\xc2\xa0" }, /* U+00A0 */
	{ { "\xdf\xbf", 2 }, true, "\xdf\xbf", "\xdf\xbf" }, /* U+07FF */
	{ { "\xe0\xa0\x80", 3 }, true, "\xe0\xa0\x80", "\xe0\xa0\x80" }, /* U+0800 */
	{ { "\xed\x9f\xbf", 3 }, true, "\xed\x9f\xbf", "\xed\x9f\xbf" }, /* U+D7FF */
	{ { "\xee\x80\x80", 3 }, true, "\xee\x80\x80", "\xee\x80\x80" }, /* U+E000 */
	{ { "\xef\xbf\xbf", 3 }, true, "\xef\xbf\xbf", "\xef\xbf\xbf" }, /* U+FFFF */
	{ { "\xf0\x90\x80\x80", 4 }, true, "\xf0\x90\x80\x80", "\xf0\x90\x80\x80" },
	{ { "\xf4\x8f\xbf\xbf", 4 }, true, "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf" },
	/* overlong */
	{ { "\xc0\xaf", 2 }, false, BAD BAD, "\\xc0\\xaf" },
	{ { "\xc1\xbf", 2 }, false, BAD BAD, "\\xc1\\xbf" },
	{ { "\xe0\x9f\xbf", 3 }, false, BAD BAD BAD, "\\xe0\\x9f\\xbf" },
	{ { "\xf0\x8f\xbf\xbf", 4 }, false, BAD BAD BAD BAD, "\\xf0\\x8f\\xbf\\xbf" },
	/* surrogates, above U+10FFFF, five and six bytes */
	{ { "\xed\xa0\x80", 3 }, false, BAD BAD BAD, "\\xed\\xa0\\x80" },
	{ { "\xed\xbf\xbf", 3 }, false, BAD BAD BAD, "\\xed\\xbf\\xbf" },
	{ { "\xf4\x90\x80\x80", 4 }, false, BAD BAD BAD BAD, "\\xf4\\x90\\x80\\x80" },
	{ { "\xf5\x80\x80\x80", 4 }, false, BAD BAD BAD BAD, "\\xf5\\x80\\x80\\x80" },
	{ { "\xf8\x88\x80\x80\x80", 5 }, false, BAD BAD BAD BAD BAD, "\\xf8\\x88\\x80\\x80\\x80" },
	{ { "\xff\xfe", 2 }, false, BAD BAD, "\\xff\\xfe" },
	/* cut off, interrupted, alone */
	{ { "a\xc3", 2 }, false, "a" BAD, "a\\xc3" },
	{ { "\xe2\x82", 2 }, false, BAD BAD, "\\xe2\\x82" },
	{ { "\xf0\x90\x80", 3 }, false, BAD BAD BAD, "\\xf0\\x90\\x80" },
	{ { "\xe2\x82z", 3 }, false, BAD BAD "z", "\\xe2\\x82z" },
	{ { "\xc3\xc3\xa9", 3 }, false, BAD "\xc3\xa9", "\\xc3\xc3\xa9" },
	{ { "\x80", 1 }, false, BAD, "\\x80" },
	/* controls are text, but not fit for a terminal */
	{ { "a\tb\r\n", 5 }, true, "a\tb\r\n", "a\\x09b\\x0d\\x0a" },
	{ { "\x1b[2J\x7f", 5 }, true, "\x1b[2J\x7f", "\\x1b[2J\\x7f" },
	{ { "\xc2\x80\xc2\x9b\xc2\x9f", 6 }, true, "\xc2\x80\xc2\x9b\xc2\x9f",
		"\\xc2\\x80\\xc2\\x9b\\xc2\\x9f" },
	/* U+2027, U+2028, U+202A, U+202E, U+202F: the outer two are text for a terminal, too */
	{ { "\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xaa\xe2\x80\xae\xe2\x80\xaf", 15 }, true,
		"\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xaa\xe2\x80\xae\xe2\x80\xaf",
		"\xe2\x80\xa7\\xe2\\x80\\xa8\\xe2\\x80\\xaa\\xe2\\x80\\xae\xe2\x80\xaf" },
	/* U+2065, U+2066, U+2069, U+206A */
	{ { "\xe2\x81\xa5\xe2\x81\xa6\xe2\x81\xa9\xe2\x81\xaa", 12 }, true,
		"\xe2\x81\xa5\xe2\x81\xa6\xe2\x81\xa9\xe2\x81\xaa",
		"\xe2\x81\xa5\\xe2\\x81\\xa6\\xe2\\x81\\xa9\xe2\x81\xaa" },
};

static void test_utf8_table(void **state)
{
	struct buf b = BUF_INIT(100);
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(utf8); i++) {
		assert_int_equal(utf8_valid(utf8[i].text), utf8[i].valid);
		buf_clear(&b);
		utf8_clean(&b, utf8[i].text);
		assert_bytes(buf_str(&b), str_of(utf8[i].clean), (int)i);
		buf_clear(&b);
		utf8_show(&b, utf8[i].text);
		assert_bytes(buf_str(&b), str_of(utf8[i].show), (int)i);
	}
	buf_clear(&b);
	utf8_show(&b, (struct str){ "\0x", 2 });
	assert_str(buf_str(&b), "\\x00x");
	buf_done(&b);
}

/* Every code point is valid in its one encoding, and only there. */
static void test_utf8_code_points(void **state)
{
	(void)state;
	for (uint32_t c = 0; c < 0x120000; c++) {
		char four[] = { (char)(0xf0 | c >> 18), (char)(0x80 | (c >> 12 & 63)),
			(char)(0x80 | (c >> 6 & 63)), (char)(0x80 | (c & 63)) };
		char three[] = { (char)(0xe0 | c >> 12), four[2], four[3] };
		char two[] = { (char)(0xc0 | c >> 6), four[3] };

		assert_int_equal(utf8_valid((struct str){ four, 4 }), c > 0xffff && c < 0x110000);
		if (c <= 0xffff)
			assert_int_equal(utf8_valid((struct str){ three, 3 }),
				c > 0x7ff && (c < 0xd800 || c > 0xdfff));
		if (c <= 0x7ff)
			assert_int_equal(utf8_valid((struct str){ two, 2 }), c > 0x7f);
	}
}

/* Whatever goes in, what comes out is valid, and fit for a terminal; valid text stays as it is. */
static void test_utf8_fuzz(void **state)
{
	struct buf b = BUF_INIT(1000);
	(void)state;

	for (int round = 0; round < 50000; round++) {
		size_t n = dice(24);
		char *bytes = random_bytes(n, "a\xc2\x80\xe2\x82\xac\xf0\x90\xed\xa0\x1b\n\x9f");
		struct str s = { bytes, n };

		buf_clear(&b);
		utf8_clean(&b, s);
		assert_int_equal(b.fail, 0);
		assert_true(utf8_valid(buf_str(&b)));
		if (utf8_valid(s))
			assert_bytes(buf_str(&b), s, __LINE__);
		buf_clear(&b);
		utf8_show(&b, s);
		assert_int_equal(b.fail, 0);
		assert_true(utf8_valid(buf_str(&b)));
		for (size_t i = 0; i < b.n; i++) {
			assert_false(scan_is(b.p[i], CH_CONTROL));
			if (i > 0 && b.p[i - 1] == '\xc2')
				assert_true((unsigned char)b.p[i] > 0x9f);
		}
		mem_free(bytes);
	}
	buf_done(&b);
}

/* One group only: a TAP stream has one plan. */
int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mem),
		cmocka_unit_test(test_mem_oom),
		cmocka_unit_test(test_arena_blocks),
		cmocka_unit_test(test_arena_big),
		cmocka_unit_test(test_arena_text),
		cmocka_unit_test(test_buf_write),
		cmocka_unit_test(test_buf_limit),
		cmocka_unit_test(test_buf_latch),
		cmocka_unit_test(test_buf_model),
		cmocka_unit_test(test_fail_codes),
		cmocka_unit_test(test_fail_retryable),
		cmocka_unit_test(test_fail_set),
		cmocka_unit_test(test_hash_vectors),
		cmocka_unit_test(test_hash_long),
		cmocka_unit_test(test_hash_equal),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_map_set_get_del),
		cmocka_unit_test(test_map_iterate),
		cmocka_unit_test(test_map_hash),
		cmocka_unit_test(test_scan_class),
		cmocka_unit_test(test_scan_fuzz),
		cmocka_unit_test(test_scan_chain),
		cmocka_unit_test(test_scan_empty),
		cmocka_unit_test(test_scan_u32),
		cmocka_unit_test(test_scan_quoted),
		cmocka_unit_test(test_str_compare),
		cmocka_unit_test(test_str_parts),
		cmocka_unit_test(test_str_numbers),
		cmocka_unit_test(test_text_base64),
		cmocka_unit_test(test_text_base64_round),
		cmocka_unit_test(test_text_hex),
		cmocka_unit_test(test_text_random),
		cmocka_unit_test(test_text_token),
		cmocka_unit_test(test_text_uuid),
		cmocka_unit_test(test_trace),
		cmocka_unit_test(test_utf8_table),
		cmocka_unit_test(test_utf8_code_points),
		cmocka_unit_test(test_utf8_fuzz),
	};
	return cmocka_run_group_tests_name("base", tests, hash_setup, NULL);
}
