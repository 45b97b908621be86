/* tests/peers/kerberos_probe.c -- lib/auth/kerberos.h and lib/endpoint/ticket.h against a real KDC,
 * with MIT's own GSSAPI as the other side: tests/interop/kerberos.bats
 *
 *   kerberos_probe ask [OPTION...] [TARGET]     what the wish came to; no TARGET: the TGT alone
 *   kerberos_probe mics [OPTION...] TARGET      and every MIC of both directions, judged by MIT
 *   kerberos_probe accept KEYTAB SERVICE        our acceptor, MIT's initiator with the default
 * cache kerberos_probe alone TARGET                 what the child holds open while it waits
 *   kerberos_probe wiped [OPTION...] TARGET     what of the secrets is left in memory at the end
 *
 *   -u USER  of this user, "DOMAIN\user" too    -p  whose password is the first line of stdin
 *   -c       TARGET by a credential that was had without a target before
 *   -t MS    the time-out (10000)                -x MS  stopped then; told of nothing
 *
 * Prints "name value" lines, and "ok WHAT" or "not ok WHAT" for each thing that must hold. Ends 0
 * when all held. */
#include "kerberos_mit.h"

#include "base/mem.h"
#include "endpoint/ticket.h"

#include <errno.h>
#include <fcntl.h>
#include <gssapi/gssapi.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TICK_MS = 10, SECRET_MAX = 256 };

struct options {
	const char *user, *target;
	bool password, credential;
	uint64_t timeout_ms, stop_ms;
};

struct probe {
	struct options o;
	char password[SECRET_MAX];
	size_t password_n;
	struct ticket ticket;
	struct kerberos_ticket got;
	unsigned told, ticks;
	uint64_t last_tick, worst;
	bool over;
};

static unsigned bad;

static void check(bool good, const char *what)
{
	printf("%s %s\n", good ? "ok" : "not ok", what);
	bad += !good;
}

static void die(const char *what, const struct fail *f)
{
	fprintf(stderr, "kerberos_probe: %s: %s\n", what, f ? fail_show(f) : strerror(errno));
	exit(1);
}

/* ---- asking ---- */

static const char *const causes[] = { "granted", "no-credential", "expired", "wrong-password",
	"unknown-principal", "unknown-service", "skew", "unreachable", "other" };

static void on_tick(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct probe *p = w->data;
	uint64_t now = net_now_ms();

	(void)loop;
	(void)revents;
	p->ticks++;
	if (p->last_tick && now - p->last_tick > p->worst)
		p->worst = now - p->last_tick;
	p->last_tick = now;
}

static void on_over(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct probe *p = w->data;

	(void)loop;
	(void)revents;
	ticket_stop(&p->ticket);
	ticket_stop(&p->ticket); /* idle is fine */
	p->over = true;
}

static void on_ticket(void *arg, const struct kerberos_ticket *t)
{
	struct probe *p = arg;
	struct buf bytes = BUF_INIT(KERBEROS_TICKET_MAX);

	p->told++;
	kerberos_ticket_write(t, &bytes);
	if (kerberos_ticket_read(buf_str(&bytes), &p->got) != 0)
		abort();
	buf_wipe(&bytes);
	/* what the owner of a ticket may do: it is idle, and its memory is his */
	ticket_stop(&p->ticket);
	memset(&p->ticket, 0, sizeof(p->ticket));
	p->over = true;
}

static bool childless(void)
{
	siginfo_t who;

	return waitid(P_ALL, 0, &who, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD;
}

/* Without a wait of ours: the loop has to reap it. */
static void no_children(void)
{
	uint64_t end = net_now_ms() + 1000;

	ev_ref(net_loop());
	while (!childless() && net_now_ms() < end)
		ev_run(net_loop(), EVRUN_NOWAIT);
	ev_unref(net_loop());
	check(childless(), "no child is left");
}

/* Runs the loop until p->over, or for so long. */
static void run(struct probe *p, uint64_t ms)
{
	struct ev_loop *loop = net_loop();
	uint64_t end = net_now_ms() + ms;
	ev_timer tick;

	ev_timer_init(&tick, on_tick, TICK_MS / 1000.0, TICK_MS / 1000.0);
	tick.data = p;
	ev_now_update(loop);
	ev_timer_start(loop, &tick);
	while (!p->over && net_now_ms() < end)
		ev_run(loop, EVRUN_ONCE);
	ev_timer_stop(loop, &tick);
}

static void ask(struct probe *p, const struct kerberos_wish *w)
{
	struct fail f = { 0 };
	ev_timer stop;
	uint64_t began = net_now_ms();

	kerberos_ticket_done(&p->got);
	p->over = false;
	p->told = p->ticks = 0;
	p->last_tick = p->worst = 0;
	if (ticket_start(&p->ticket, w, p->o.timeout_ms, on_ticket, p, &f) != 0)
		die("ticket_start", &f);
	if (p->told)
		die("told at once", &f);
	ev_timer_init(&stop, on_over, (double)p->o.stop_ms / 1000, 0);
	stop.data = p;
	if (p->o.stop_ms)
		ev_timer_start(net_loop(), &stop);
	run(p, 60000);
	ev_timer_stop(net_loop(), &stop);
	printf("took %llu\nticks %u\nworst %llu\n", (unsigned long long)(net_now_ms() - began),
		p->ticks, (unsigned long long)p->worst);
}

static void show(const struct probe *p)
{
	const struct kerberos_ticket *t = &p->got;

	printf("cause %s\nreason " STR_FMT "\nprincipal " STR_FMT "\nlife %u\n", causes[t->cause],
		STR_ARG(buf_str(&t->reason)), STR_ARG(buf_str(&t->principal)), t->life_s);
	printf("token %zu\ncontext %zu\n", t->token.n, t->context.n);
}

static void ask_as_told(struct probe *p)
{
	struct buf user = BUF_INIT(KERBEROS_NAME_MAX), credential = BUF_INIT(KERBEROS_CONTEXT_MAX);
	struct kerberos_wish w = { .password = { p->password, p->password_n } };

	if (p->o.user)
		kerberos_principal_of(str_of(p->o.user), &user);
	w.principal = buf_str(&user);
	if (p->o.credential) {
		ask(p, &w);
		printf("first %s\n", causes[p->got.cause]);
		buf_reserve(&credential, p->got.context.n);
		buf_add_str(&credential, buf_str(&p->got.context));
		w = (struct kerberos_wish){ .credential = buf_str(&credential) };
	}
	w.target = str_of(p->o.target);
	ask(p, &w);
	buf_wipe(&credential);
	buf_done(&user);
}

static int cmd_ask(struct probe *p)
{
	ask_as_told(p);
	if (p->o.stop_ms) {
		p->over = false;
		run(p, 300);
		printf("told %u\n", p->told);
	} else {
		show(p);
	}
	no_children();
	kerberos_ticket_done(&p->got);
	return 0;
}

/* ---- MICs ---- */

static struct mit_bytes bytes_of(const struct buf *b)
{
	return (struct mit_bytes){ b->p, b->n };
}

static struct str str_of_bytes(struct mit_bytes b)
{
	return (struct str){ b.p, b.n };
}

static const char *const texts[] = { "<Kerberos><0a0b0c0d><1><SIP Communications Service>", "",
	"\xc3\xa9",
	"<Kerberos><0a0b0c0d><2><SIP Communications Service><sip/rte.test><><4><MESSAGE>" };

static void ours_by_mit(struct kerberos *ours, struct mit *theirs)
{
	struct buf mics[ARRAY_LEN(texts)];
	struct fail f = { 0 };
	bool good = true, flipped = false;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		buf_init(&mics[i], 4096);
		good = good && kerberos_sign(ours, str_of(texts[i]), &mics[i], &f) == 0;
	}
	/* in another order than they were made, and one twice */
	for (size_t i = ARRAY_LEN(texts); i-- > 0;)
		good = good && mit_verify(theirs, texts[i], bytes_of(&mics[i]));
	check(good && mit_verify(theirs, texts[0], bytes_of(&mics[0])), "MIT verifies our MICs");
	for (size_t i = 0; i < mics[0].n; i++) {
		mics[0].p[i] = (char)(mics[0].p[i] ^ 1);
		flipped = flipped || mit_verify(theirs, texts[0], bytes_of(&mics[0]));
		mics[0].p[i] = (char)(mics[0].p[i] ^ 1);
	}
	check(!flipped, "MIT refuses ours with a bit flipped");
	check(!mit_verify(theirs, texts[1], bytes_of(&mics[0])),
		"MIT refuses ours of another text");
	printf("mic %zu\n", mics[0].n);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		buf_done(&mics[i]);
}

static void theirs_by_us(struct kerberos *ours, struct mit *theirs)
{
	struct mit_bytes mics[ARRAY_LEN(texts)];
	bool good = true, flipped = false;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		mics[i] = mit_sign(theirs, texts[i]);
	for (size_t i = ARRAY_LEN(texts); i-- > 0;)
		good = good && kerberos_verify(ours, str_of(texts[i]), str_of_bytes(mics[i]));
	check(good, "we verify MIT's MICs");
	check(kerberos_verify(ours, str_of(texts[0]), str_of_bytes(mics[0])),
		"order and repetition are the association's matter");
	for (size_t i = 0; i < mics[0].n; i++) {
		mics[0].p[i] = (char)(mics[0].p[i] ^ 1);
		flipped = flipped || kerberos_verify(ours, str_of(texts[0]), str_of_bytes(mics[0]));
		mics[0].p[i] = (char)(mics[0].p[i] ^ 1);
		flipped = flipped ||
			  kerberos_verify(ours, str_of(texts[0]), (struct str){ mics[0].p, i });
	}
	check(!flipped, "we refuse MIT's with a bit flipped, or cut short");
	check(!kerberos_verify(ours, str_of(texts[1]), str_of_bytes(mics[0])),
		"we refuse MIT's of another text");
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(mics[i].p);
}

static int cmd_mics(struct probe *p)
{
	struct kerberos *k = NULL;
	struct fail f = { 0 };
	struct mit *m;
	struct buf own = BUF_INIT(4096);

	ask_as_told(p);
	show(p);
	if (p->got.cause != KERBEROS_NO_CAUSE)
		return 1;
	if (kerberos_import(buf_str(&p->got.context), &k, &f) != 0)
		die("import", &f);
	m = mit_accept(bytes_of(&p->got.token));
	check(m != NULL, "MIT accepts our token, and has nothing to answer");
	if (m) {
		check(strcmp(mit_peer(m), buf_cstr(&p->got.principal)) == 0, "it is ours");
		ours_by_mit(k, m);
		theirs_by_us(k, m);
	}
	check(kerberos_sign(k, STR("x"), &own, &f) == 0 &&
			!kerberos_verify(k, STR("x"), buf_str(&own)),
		"our own MIC sent back to us is refused");
	buf_done(&own);
	mit_free(m);
	kerberos_free(k);
	kerberos_ticket_done(&p->got);
	no_children();
	return 0;
}

/* ---- the acceptor ---- */

static bool accepts(struct kerberos_acceptor *a, struct str token, struct kerberos **k,
	struct buf *who, uint32_t *life, struct fail *f)
{
	struct kerberos *made = NULL;

	buf_clear(who);
	if (kerberos_accept(a, token, &made, who, life, f) != 0)
		return false;
	if (k)
		*k = made;
	else
		kerberos_free(made);
	return true;
}

/* The same with 16 bytes more behind it, of which the frame knows (RFC 2743 3.1). In static memory.
 */
static struct str longer(struct mit_bytes token)
{
	static char out[4096];
	size_t n = token.n + 16 - 4;

	if (token.n + 16 > sizeof(out) || token.p[1] != (char)0x82)
		die("the frame of the token", &(struct fail){ .code = -FAIL_PROTOCOL });
	memset(out, 'A', sizeof(out));
	memcpy(out, token.p, token.n);
	out[2] = (char)(n >> 8);
	out[3] = (char)n;
	return (struct str){ out, token.n + 16 };
}

/* A token that was accepted: what changes nothing that is protected is the same token still. */
static void damage(struct kerberos_acceptor *a, struct mit_bytes token)
{
	struct buf who = BUF_INIT(KERBEROS_NAME_MAX);
	bool cut = false, changed = false;
	uint32_t life;

	for (size_t n = 0; n < token.n; n++)
		cut = cut || accepts(a, (struct str){ token.p, n }, NULL, &who, &life, NULL);
	check(!cut, "a token cut short is refused, at every length");
	for (size_t i = 0; i < token.n; i++) {
		token.p[i] = (char)(token.p[i] ^ 0x10);
		changed = changed || accepts(a, str_of_bytes(token), NULL, &who, &life, NULL);
		token.p[i] = (char)(token.p[i] ^ 0x10);
	}
	check(!changed, "a token with a changed byte is refused, at every place");
	check(!accepts(a, longer(token), NULL, &who, &life, NULL), "and one with more behind it");
	buf_done(&who);
}

/* What GSSAPI would hand to other mechanisms. */
static void strangers(struct kerberos_acceptor *a)
{
	static const struct str tokens[] = {
		{ "NTLMSSP\0\x01\0\0\0\x97\x82\x08\xe2", 16 },
		{ "\x60\x0a\x06\x06\x2b\x06\x01\x05\x05\x02\xa0\x00", 12 }, /* SPNEGO */
		{ "\x6e\x82\x02\xc1\x30\x82\x02\xbd\xa0\x03\x02\x01\x05", 13 }, /* a bare AP-REQ */
		{ "\x60\x84", 2 },
		{ "\x60\xff\x06\x09", 4 },
	};
	struct buf who = BUF_INIT(KERBEROS_NAME_MAX);
	struct fail f = { 0 };
	bool good = true;
	uint32_t life;

	for (size_t i = 0; i < ARRAY_LEN(tokens); i++)
		good = good && !accepts(a, tokens[i], NULL, &who, &life, &f) &&
		       strcmp(f.text, "Kerberos: the token is of another mechanism") == 0;
	check(good, "tokens of other mechanisms are refused");
	buf_done(&who);
}

static void accept_flags(struct kerberos_acceptor *a, const char *service)
{
	struct buf who = BUF_INIT(KERBEROS_NAME_MAX);
	struct mit_bytes token = { 0 };
	struct kerberos *k = NULL;
	struct fail f = { 0 };
	uint32_t life;
	struct mit *m = mit_initiate(service, GSS_C_MUTUAL_FLAG, &token);

	check(m && !accepts(a, str_of_bytes(token), NULL, &who, &life, &f), "MUTUAL is refused");
	printf("mutual %s\n", f.text);
	mit_free(m);
	free(token.p);
	m = mit_initiate(service, GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG, &token);
	if (m && accepts(a, str_of_bytes(token), &k, &who, &life, &f))
		theirs_by_us(k, m);
	else
		check(false, "a client that wants sequence detection is accepted");
	kerberos_free(k);
	mit_free(m);
	free(token.p);
	buf_done(&who);
}

static int cmd_accept(const char *keytab, const char *service)
{
	struct buf who = BUF_INIT(KERBEROS_NAME_MAX);
	struct kerberos_acceptor *a = NULL;
	struct mit_bytes token = { 0 };
	struct kerberos *k = NULL;
	struct fail f = { 0 };
	uint32_t life = 0;
	struct mit *m;

	if (kerberos_acceptor_new(keytab, &a, &f) != 0) {
		printf("keytab %d %s\n", f.code == -FAIL_LOCAL, f.text);
		return 1;
	}
	m = mit_initiate(service, 0, &token);
	if (!m)
		return 1;
	if (!accepts(a, str_of_bytes(token), &k, &who, &life, &f)) {
		printf("refused %d %s\n", f.code == -FAIL_AUTH, f.text);
	} else {
		printf("principal %s\nlife %u\n", buf_cstr(&who), life);
		ours_by_mit(k, m);
		theirs_by_us(k, m);
		kerberos_free(k);
		check(!accepts(a, str_of_bytes(token), NULL, &who, &life, &f), "once only");
		printf("again %s\n", f.text);
		damage(a, token);
		strangers(a);
		accept_flags(a, service);
	}
	mit_free(m);
	free(token.p);
	kerberos_acceptor_free(a);
	buf_done(&who);
	return 0;
}

/* ---- alone ---- */

static bool link_of(pid_t pid, int fd, char out[256])
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
	n = readlink(path, out, 255);
	out[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* How many descriptors of the child are ours, too, but for the pipe, whose ends have one name;
 * /dev/null and standard error are nobody's. */
static unsigned shared(pid_t child, int pipe)
{
	char theirs[256], ours[256], own_pipe[256];
	unsigned count = 0;

	link_of(getpid(), pipe, own_pipe);
	for (int fd = 0; fd < 1024; fd++) {
		if (fd == 2 || !link_of(child, fd, theirs) || strcmp(theirs, "/dev/null") == 0 ||
			strcmp(theirs, own_pipe) == 0)
			continue;
		for (int own = 0; own < 1024; own++)
			count += link_of(getpid(), own, ours) && strcmp(ours, theirs) == 0;
	}
	return count;
}

static void connection(int *ours, int *peer)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t n = sizeof(a);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	*peer = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&a, n) != 0 || listen(listener, 1) != 0 ||
		getsockname(listener, (struct sockaddr *)&a, &n) != 0 ||
		connect(*peer, (struct sockaddr *)&a, n) != 0 ||
		(*ours = accept(listener, NULL, NULL)) < 0)
		die("a connection", NULL);
}

static void at_exit(void)
{
	printf("atexit\n");
}

/* Our descriptors are not even close-on-exec; nothing is flushed before the child is made. */
static int cmd_alone(struct probe *p)
{
	struct kerberos_wish w = { .target = str_of(p->o.target) };
	struct fail f = { 0 };
	int ours, peer;
	char byte;
	pid_t child;

	atexit(at_exit);
	printf("pending\n");
	connection(&ours, &peer);
	if (ticket_start(&p->ticket, &w, p->o.timeout_ms, on_ticket, p, &f) != 0)
		die("ticket_start", &f);
	child = p->ticket.child;
	run(p, 300); /* long enough for its start */
	check(!p->over && kill(child, 0) == 0, "the child waits");
	printf("shared %u\n", shared(child, p->ticket.fd));
	fcntl(peer, F_SETFL, O_NONBLOCK);
	close(ours);
	check(read(peer, &byte, 1) == 0, "what we close is closed");
	/* handlers of ours do nothing there, and what a terminal sends is for us */
	kill(child, SIGINT);
	kill(child, SIGQUIT);
	run(p, 100);
	check(!p->over && kill(child, 0) == 0, "it is ours alone to end");
	kill(child, SIGTERM);
	run(p, 5000);
	check(p->told == 1 && p->got.cause == KERBEROS_OTHER, "a child that dies is told");
	show(p);
	no_children();
	kerberos_ticket_done(&p->got);
	return 0;
}

/* ---- wiped ---- */

enum { MASK = 0x5a };

/* How often the masked bytes are in memory that can be written. They are compared in place: a copy
 * would be found, too. */
__attribute__((no_sanitize("address"))) static unsigned search(const char *masked, size_t n)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512], mode[8];
	unsigned long from, to;
	unsigned found = 0;

	while (maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3 ||
			strncmp(mode, "rw", 2) != 0 || to - from > (256ul << 20))
			continue;
		for (const volatile char *at = (const char *)from; at + n <= (const char *)to;
			at++) {
			size_t i = 0;
			while (i < n && (at[i] ^ MASK) == masked[i])
				i++;
			found += i == n;
		}
	}
	if (maps)
		fclose(maps);
	return found;
}

static size_t mask(char *out, const char *secret, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (char)(secret[i] ^ MASK);
	return n;
}

/* MIT's side tells what the key is. */
static size_t session_key(struct probe *p, char *out)
{
	struct mit *m = mit_accept(bytes_of(&p->got.token));
	struct mit_bytes key = m ? mit_key(m) : (struct mit_bytes){ NULL, 0 };
	size_t n = key.n <= SECRET_MAX ? mask(out, key.p, key.n) : 0;

	mem_wipe(key.p, key.n);
	free(key.p);
	mit_free(m);
	return n;
}

/* What the dead frames of MIT's side hold is not the question. */
__attribute__((noinline)) static void scrub_stack(void)
{
	volatile char frames[128 << 10];

	for (size_t i = 0; i < sizeof(frames); i++)
		frames[i] = 0;
}

static int cmd_wiped(struct probe *p)
{
	char key[SECRET_MAX], password[SECRET_MAX];
	size_t n, password_n = mask(password, p->password, p->password_n);
	struct buf mic = BUF_INIT(4096);
	struct kerberos *k = NULL;
	struct fail f = { 0 };

	ask_as_told(p);
	show(p);
	if (p->got.cause != KERBEROS_NO_CAUSE || !(n = session_key(p, key)))
		die("a context", &f);
	scrub_stack();
	if (kerberos_import(buf_str(&p->got.context), &k, &f) != 0 ||
		kerberos_sign(k, STR("text"), &mic, &f) != 0)
		die("a context", &f);
	printf("key %zu\n", n);
	check(search(key, n) > 0, "the search finds the key while it is used");
	kerberos_ticket_done(&p->got);
	check(search(key, n) > 0, "and where the ticket is gone");
	kerberos_free(k);
	check(search(key, n) == 0, "but not when the context is freed");
	if (password_n) {
		check(search(password, password_n) == 1, "the password is where its owner put it");
		mem_wipe(p->password, sizeof(p->password));
		check(search(password, password_n) == 0, "and not when the owner has wiped it");
	}
	buf_done(&mic);
	return 0;
}

/* ---- the line ---- */

static uint64_t number(const char *text)
{
	uint64_t n;

	if (!str_u64(str_of(text), &n))
		die(text, &(struct fail){ .code = -FAIL_ARGUMENT });
	return n;
}

/* Not by stdio, whose buffer would keep it. */
static void read_password(struct probe *p)
{
	ssize_t n = read(STDIN_FILENO, p->password, sizeof(p->password));
	size_t end = n > 0 ? str_find((struct str){ p->password, (size_t)n }, '\n') : 0;

	mem_wipe(p->password + end, sizeof(p->password) - end);
	p->password_n = end;
}

static void read_options(struct probe *p, int argc, char **argv)
{
	int c;

	p->o.timeout_ms = 10000;
	while ((c = getopt(argc, argv, "u:pct:x:")) >= 0) {
		if (c == 'u')
			p->o.user = optarg;
		else if (c == 'p')
			p->o.password = true;
		else if (c == 'c')
			p->o.credential = true;
		else if (c == 't')
			p->o.timeout_ms = number(optarg);
		else if (c == 'x')
			p->o.stop_ms = number(optarg);
		else
			exit(2);
	}
	p->o.target = argv[optind] ? argv[optind] : "";
	if (p->o.password)
		read_password(p);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(struct probe *p);
	} commands[] = { { "ask", cmd_ask }, { "mics", cmd_mics }, { "alone", cmd_alone },
		{ "wiped", cmd_wiped } };
	struct probe p = { 0 };
	int e = 2;

	if (argc == 4 && strcmp(argv[1], "accept") == 0)
		return cmd_accept(argv[2], argv[3]) || bad;
	if (argc < 2)
		return 2;
	read_options(&p, argc - 1, argv + 1);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			e = commands[i].run(&p);
	return e || bad;
}
