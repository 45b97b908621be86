/* tests/bench/parse/bench.c -- ns a message and the ratio to each peer
 *
 *   bench_parse [FILE ...]          time: runs of all drivers alternate; minimum and median of the
 * runs bench_parse check [FILE ...]    print what each driver decoded; exit 1 when they differ
 *   bench_parse scale               our parser on hostile text of 6 and of 60 KB: the time of a
 * byte bench_parse count OP N [FILE]   our parser N times, for callgrind; OP is parse or serialise
 */
#include "driver.h"
#include "messages.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { DRIVERS = 4, RUNS = 15, FILES = 64 };

static const struct driver *drivers[DRIVERS]; /* the first one is ours */
static size_t driver_count;

static void load(const char *name)
{
	char path[1024];
	void *lib, *symbol;

	snprintf(path, sizeof(path), BENCH_MODULES "/bench_parse_%s.so", name);
	lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	symbol = lib ? dlsym(lib, "driver") : NULL;
	if (!symbol) {
		fprintf(stderr, "not measured: %s: %s\n", name, dlerror());
		return;
	}
	drivers[driver_count] = symbol;
	if (drivers[driver_count]->init)
		drivers[driver_count]->init();
	driver_count++;
}

static double cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

enum op { PARSE, SERIALISE };
static const char *const op_names[] = { "parse", "serialise" };

static char out[1 << 17];

static double run(const struct driver *d, enum op op, const struct message *m, long n)
{
	double start = cpu_ns();

	for (long i = 0; i < n; i++)
		if (op == PARSE)
			d->parse(m->p, m->n, NULL);
		else
			d->serialise(m->p, m->n, out, sizeof(out));
	return (cpu_ns() - start) / (double)n;
}

static int order(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void time_message(enum op op, const struct message *m)
{
	double ns[DRIVERS][RUNS];
	long n[DRIVERS];

	for (size_t d = 0; d < driver_count; d++)
		n[d] = (long)(1.5e7 / run(drivers[d], op, m, 2000)) + 1;
	for (size_t r = 0; r < RUNS; r++)
		for (size_t d = 0; d < driver_count; d++)
			ns[d][r] = run(drivers[d], op, m, n[d]);
	for (size_t d = 0; d < driver_count; d++)
		qsort(ns[d], RUNS, sizeof(ns[d][0]), order);
	for (size_t d = 0; d < driver_count; d++)
		printf("%-10s %5zu  %-9s %-10s %8.0f %8.0f  %6.2f %6.2f\n", m->name, m->n,
			op_names[op], drivers[d]->name, ns[d][0], ns[d][RUNS / 2],
			ns[d][0] / ns[0][0], ns[d][RUNS / 2] / ns[0][RUNS / 2]);
}

static void time_all(const struct message *m, size_t count)
{
	printf("%-10s %5s  %-9s %-10s %8s %8s  %6s %6s\n", "message", "bytes", "what", "library",
		"min ns", "median", "x min", "x med");
	for (enum op op = PARSE; op <= SERIALISE; op++)
		for (size_t i = 0; i < count; i++)
			time_message(op, &m[i]);
}

/* -- check: what the drivers decoded, as text -- */

static char seen_text[4096];

static size_t put(size_t at, const char *key, struct view v)
{
	int n = snprintf(
		seen_text + at, sizeof(seen_text) - at, "%s=%.*s\n", key, (int)v.n, v.p ? v.p : "");
	return n > 0 && at + (size_t)n < sizeof(seen_text) ? at + (size_t)n : at;
}

static void seen(const struct fields *f)
{
	/* libosip2 keeps a Call-ID in two halves. */
	const char *at_sign = memchr(f->call_id.p, '@', f->call_id.n);
	struct view call_id =
		view_of(f->call_id.p, at_sign ? (size_t)(at_sign - f->call_id.p) : f->call_id.n);
	size_t at = (size_t)snprintf(seen_text, sizeof(seen_text),
		"request=%ld\nstatus=%ld\nvias=%ld\nrecord-routes=%ld\ncseq=%ld\nmax-forwards=%ld\n"
		"content-length=%ld\nbody=%ld\n",
		f->request, f->status, f->vias, f->record_routes, f->cseq, f->max_forwards,
		f->content_length, f->body);

	at = put(at, "method", f->method);
	at = put(at, "uri-user", f->uri_user);
	at = put(at, "uri-host", f->uri_host);
	at = put(at, "via-host", f->via_host);
	at = put(at, "via-branch", f->via_branch);
	at = put(at, "from-user", f->from_user);
	at = put(at, "from-tag", f->from_tag);
	at = put(at, "to-user", f->to_user);
	at = put(at, "to-tag", f->to_tag);
	at = put(at, "call-id", call_id);
	at = put(at, "cseq-method", f->cseq_method);
	at = put(at, "contact-user", f->contact_user);
	at = put(at, "contact-host", f->contact_host);
	at = put(at, "type", f->type);
	put(at, "subtype", f->subtype);
}

static int check(const struct message *m, size_t count)
{
	char ours[sizeof(seen_text)] = "";
	int differ = 0;

	for (size_t i = 0; i < count; i++) {
		for (size_t d = 0; d < driver_count; d++) {
			seen_text[0] = '\0';
			if (!drivers[d]->parse(m[i].p, m[i].n, seen))
				snprintf(seen_text, sizeof(seen_text), "not parsed\n");
			if (d == 0)
				memcpy(ours, seen_text, sizeof(ours));
			if (d > 0 && strcmp(ours, seen_text) == 0) {
				printf("%s: %s: the same\n", m[i].name, drivers[d]->name);
				continue;
			}
			differ |= d > 0;
			printf("%s: %s:\n%s", m[i].name, drivers[d]->name, seen_text);
		}
	}
	return differ;
}

/* -- scale: ten times the size may cost twelve times the time (attack A78) -- */

enum { SMALL = 6000, BIG = 60000 };

static struct message hostile(char *text, size_t size, const char *header, const char *filler)
{
	size_t n = (size_t)snprintf(
		text, 70000, "OPTIONS sip:a@b SIP/2.0\r\nCSeq: 1 OPTIONS\r\n%s", header);

	while (n < size) {
		memcpy(text + n, filler, strlen(filler));
		n += strlen(filler);
	}
	memcpy(text + n, "\r\n\r\n", 4);
	return (struct message){ "", text, n + 4 };
}

static void scale(void)
{
	static const char *const headers[] = { "Via: SIP/2.0/UDP h",
		"Via: SIP/2.0/UDP h\r\nFrom: ", "Via: SIP/2.0/UDP h\r\nFrom: sip:a@b\r\nTo: \"",
		"Via: SIP/2.0/UDP h\r\nFrom: sip:a@b\r\nTo: sip:a@b\r\nRecord-Route: <sip:a;lr>",
		"Via: SIP/2.0/UDP h\r\nFrom: sip:a@b\r\nTo: sip:a@b\r\nContact: sip:" };
	static const char *const fillers[] = { "(", "\"", ",", "<", " ", ";a", "\\\"", "\r\n ",
		"%41", ",<sip:a>", ",SIP/2.0/UDP h;a=b", ";a=\"b\"", "@", "a:", "\r\nX: y",
		"\r\nv: SIP/2.0/UDP h" };
	static char small[70000], big[70000];

	printf("%-7s %-20s %9s %9s %6s\n", "header", "filled with", "6 KB ns", "60 KB ns", "x");
	for (size_t h = 0; h < sizeof(headers) / sizeof(headers[0]); h++) {
		for (size_t f = 0; f < sizeof(fillers) / sizeof(fillers[0]); f++) {
			struct message s = hostile(small, SMALL, headers[h], fillers[f]);
			struct message b = hostile(big, BIG, headers[h], fillers[f]);
			double ns_s = 1e18, ns_b = 1e18;
			for (int i = 0; i < RUNS; i++) {
				double ts = run(drivers[0], PARSE, &s, 200),
				       tb = run(drivers[0], PARSE, &b, 20);
				ns_s = ts < ns_s ? ts : ns_s;
				ns_b = tb < ns_b ? tb : ns_b;
			}
			printf("%-7zu %-20s %9.0f %9.0f %6.2f%s\n", h,
				fillers[f][0] == '\r' ? fillers[f] + 2 : fillers[f], ns_s, ns_b,
				ns_b / ns_s, ns_b / ns_s > 12 ? "  not linear" : "");
		}
	}
}

static bool read_file(const char *path, struct message *m)
{
	const char *slash = strrchr(path, '/');
	FILE *f = fopen(path, "rb");
	char *p = malloc(1 << 16);

	if (!f) {
		perror(path);
		free(p);
		return false;
	}
	*m = (struct message){ slash ? slash + 1 : path, p, fread(p, 1, 1 << 16, f) };
	fclose(f);
	return true;
}

int main(int argc, char **argv)
{
	static const char *const names[DRIVERS] = { "rte", "sofia", "osip", "re" };
	struct message files[FILES];
	const struct message *m = files;
	const char *mode = argc > 1 ? argv[1] : "";
	size_t count = 0;
	bool check_mode = strcmp(mode, "check") == 0,
	     count_mode = strcmp(mode, "count") == 0 && argc > 3;
	bool scale_mode = strcmp(mode, "scale") == 0;

	for (size_t i = 0; i < (count_mode ? 1 : DRIVERS); i++)
		load(names[i]);
	if (driver_count == 0)
		return 1;
	if (scale_mode) {
		scale();
		return 0;
	}
	for (int i = count_mode ? 4 : check_mode ? 2 : 1; i < argc && count < FILES; i++)
		if (!read_file(argv[i], &files[count++]))
			return 1;
	if (count == 0) {
		m = messages;
		count = message_count;
	}
	if (check_mode)
		return check(m, count);
	if (count_mode)
		run(drivers[0], strcmp(argv[2], "parse") == 0 ? PARSE : SERIALISE, m,
			atol(argv[3]));
	else
		time_all(m, count);
	return 0;
}
