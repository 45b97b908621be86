/* cli/writeout.c -- the format of --write-out: literal text, variables, and where it goes */
#include "writeout_impl.h"

#include "base/mem.h"
#include "endpoint/endpoint.h"
#include "file.h"
#include "value.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FORMAT_MAX = 1 << 16 };

/* ---- parsing ---- */

static int refuse(struct str at, struct fail *f)
{
	char text[64], shown[VALUE_SHOWN];

	snprintf(text, sizeof(text), "%.*s", (int)(at.n < 40 ? at.n : 40), at.p);
	return fail_set(f, -FAIL_ARGUMENT, "--write-out: %s is not a variable of it",
		value_show(text, shown));
}

/* NAME{TEXT}: s stands behind "%", or behind "%{"; what follows the brace goes to *rest. */
static bool take_braced(struct str s, const char *name, struct str *text, struct str *rest)
{
	size_t n = strlen(name);

	if (s.n <= n || memcmp(s.p, name, n) != 0 || s.p[n] != '{')
		return false;
	return str_cut(str_sub(s, n + 1, s.n), '}', text, rest) && text->n > 0;
}

static bool parse_output(struct writeout_piece *p, struct str path)
{
	p->kind = TO_FILE;
	p->append = str_starts(path, STR(">>"));
	p->text = p->append ? str_sub(path, 2, path.n) : path;
	return p->text.n > 0;
}

/* %{NAME} */
static bool parse_variable(struct writeout_piece *p, struct str name)
{
	if (str_eq(name, STR("stdout")) || str_eq(name, STR("stderr"))) {
		p->kind = str_eq(name, STR("stdout")) ? TO_STDOUT : TO_STDERR;
		return true;
	}
	p->kind = VARIABLE;
	return writeout_variable(name, &p->variable);
}

/* What begins with "%". */
static bool parse_percent(struct writeout_piece *p, struct str *s)
{
	struct str at = str_sub(*s, 1, s->n), text;

	if (str_starts(at, STR("%"))) {
		*p = (struct writeout_piece){ .kind = LITERAL, .text = str_sub(at, 0, 1) };
		*s = str_sub(at, 1, at.n);
		return true;
	}
	if (take_braced(at, "output", &text, s))
		return parse_output(p, text);
	if (str_starts(at, STR("{")) &&
		take_braced(str_sub(at, 1, at.n), "header", &p->text, &text) &&
		str_starts(text, STR("}"))) {
		p->kind = HEADER;
		*s = str_sub(text, 1, text.n);
		return true;
	}
	return take_braced(at, "", &text, s) && parse_variable(p, text);
}

static void parse_literal(struct writeout_piece *p, struct str *s)
{
	static const char *const escapes = "n\nt\tr\r\\\\";
	size_t n = 0;

	p->kind = LITERAL;
	if (s->n > 1 && s->p[0] == '\\')
		for (const char *e = escapes; *e; e += 2)
			if (s->p[1] == e[0]) {
				p->text = (struct str){ e + 1, 1 };
				*s = str_sub(*s, 2, s->n);
				return;
			}
	do
		n++;
	while (n < s->n && s->p[n] != '%' && s->p[n] != '\\');
	p->text = str_sub(*s, 0, n);
	*s = str_sub(*s, n, s->n);
}

static int parse(struct writeout *w, struct str s, struct fail *f)
{
	w->pieces = arena_alloc(&w->arena, (s.n + 1) * sizeof(*w->pieces));
	while (s.n > 0) {
		struct writeout_piece *p = &w->pieces[w->count++];
		struct str at = s;

		*p = (struct writeout_piece){ .kind = LITERAL };
		if (s.p[0] != '%')
			parse_literal(p, &s);
		else if (!parse_percent(p, &s))
			return refuse(at, f);
	}
	return 0;
}

int writeout_new(const char *format, struct writeout **out, struct fail *f)
{
	struct writeout *w = MEM_NEW(struct writeout);
	struct str s;
	int e = value_data("--write-out", format, &w->arena, &s, f);

	buf_init(&w->latest, WRITEOUT_VALUE);
	buf_init(&w->answer, WRITEOUT_VALUE);
	buf_init(&w->request, WRITEOUT_VALUE);
	buf_init(&w->response, WRITEOUT_VALUE);
	w->times = (struct endpoint_times){ -1, -1, -1, -1, -1 };
	if (e == 0 && s.n > FORMAT_MAX)
		e = fail_set(f, -FAIL_ARGUMENT, "--write-out: more than %d bytes", FORMAT_MAX);
	if (e == 0)
		e = parse(w, s, f);
	if (e != 0) {
		writeout_free(w);
		return e;
	}
	*out = w;
	return 0;
}

void writeout_free(struct writeout *w)
{
	if (!w)
		return;
	buf_done(&w->latest);
	buf_done(&w->answer);
	buf_done(&w->request);
	buf_done(&w->response);
	mem_free(w->contact);
	mem_free(w->error);
	arena_done(&w->arena);
	mem_free(w);
}

bool writeout_to_stdout(const struct writeout *w)
{
	enum writeout_kind to = TO_STDOUT;

	for (unsigned i = 0; i < w->count; i++) {
		enum writeout_kind kind = w->pieces[i].kind;

		if (kind >= TO_STDOUT)
			to = kind;
		else if (to == TO_STDOUT)
			return true;
	}
	return false;
}

/* ---- what happens ---- */

static void keep_text(char **to, struct str s)
{
	mem_free(*to);
	*to = mem_strndup(s.p, s.n);
}

static void keep_message(struct buf *to, struct str wire)
{
	buf_clear(to);
	buf_add_str(to, wire);
}

static void keep_hops(struct writeout *w, const struct endpoint_msg *m)
{
	snprintf(w->local, sizeof(w->local), STR_FMT, STR_ARG(m->local.address));
	snprintf(w->remote, sizeof(w->remote), STR_FMT, STR_ARG(m->remote.address));
	snprintf(w->transport, sizeof(w->transport), "%s",
		m->remote.transport ? m->remote.transport : "");
	w->local_port = m->local.port;
	w->remote_port = m->remote.port;
}

static void keep_registration(struct writeout *w, const struct endpoint_registration *r)
{
	w->has_expires = r->active;
	w->expires = r->expires;
	for (unsigned i = 0; i < r->contact_count; i++)
		if (r->contacts[i].own)
			keep_text(&w->contact, r->contacts[i].uri);
}

void writeout_event(struct writeout *w, const struct endpoint_event *ev)
{
	const struct endpoint_msg *m = ev->msg;

	if (!w)
		return;
	if (ev->type == ENDPOINT_REGISTRATION)
		keep_registration(w, ev->registration);
	if (ev->type == ENDPOINT_REQUEST && m->sent && m->to.tag.n == 0 &&
		!str_eq(m->method, STR("CANCEL"))) {
		keep_hops(w, m);
		keep_message(&w->latest, m->wire);
		buf_clear(&w->answer);
	} else if (ev->type == ENDPOINT_RESPONSE && !m->sent && m->status_code >= 200 &&
		   w->answer.n == 0) {
		keep_message(&w->answer, m->wire);
	}
}

void writeout_result(struct writeout *w, const struct endpoint_result *r)
{
	if (!w)
		return;
	w->has_result = true;
	w->times = r->times;
	w->counts = r->counts;
	keep_message(&w->request, buf_str(&w->latest));
	if (r->response && r->response->wire.n > 0) {
		keep_hops(w, r->response);
		keep_message(&w->response, r->response->wire);
	} else {
		keep_message(&w->response, r->response ? buf_str(&w->answer) : STR_EMPTY);
	}
}

void writeout_error(struct writeout *w, const char *text)
{
	if (w && !w->error)
		keep_text(&w->error, str_of(text));
}

/* ---- printing ---- */

static void add_piece(const struct writeout *w, const struct writeout_piece *p,
	const struct writeout_end *e, struct buf *b)
{
	if (p->kind == LITERAL)
		buf_add_str(b, p->text);
	else if (p->kind == HEADER)
		writeout_header(w, p->text, b);
	else
		writeout_value(w, p->variable, e, b);
}

static int to_file(const struct writeout_piece *p, struct str bytes, struct fail *f)
{
	CLEANUP(buf_done) struct buf path = BUF_INIT(FORMAT_MAX);
	int fd, e;

	buf_add_str(&path, p->text);
	fd = open(buf_cstr(&path),
		O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | (p->append ? O_APPEND : O_TRUNC), 0666);
	e = fd < 0 ? -errno : file_write_fd(fd, bytes);
	if (fd >= 0 && close(fd) != 0 && e == 0)
		e = -errno;
	return e ? fail_set(f, -FAIL_LOCAL, "--write-out: %s: %s", buf_cstr(&path), strerror(-e))
		 : 0;
}

/* The pieces from at up to the next change of direction. */
static int print_part(const struct writeout *w, unsigned *at, const struct writeout_piece *to,
	const struct writeout_end *e, struct fail *f)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(8 * WRITEOUT_VALUE);

	while (*at < w->count && w->pieces[*at].kind < TO_STDOUT)
		add_piece(w, &w->pieces[(*at)++], e, &b);
	if (to->kind == TO_FILE)
		return to_file(to, buf_str(&b), f);
	if (b.n > 0)
		e->put(e->arg, to->kind == TO_STDOUT ? WRITEOUT_STDOUT : WRITEOUT_STDERR,
			buf_str(&b));
	return 0;
}

static void print(struct writeout *w)
{
	static const struct writeout_piece out = { .kind = TO_STDOUT };
	const struct writeout_piece *to = &out;
	unsigned at = 0;

	/* nothing but the request that it answers may speak for the response */
	if (w->req && w->res && !str_eq(w->req->call_id, w->res->call_id))
		w->req = NULL;
	while (at < w->count && w->failed == 0) {
		if (w->pieces[at].kind >= TO_STDOUT)
			to = &w->pieces[at++];
		w->failed = print_part(w, &at, to, w->end, w->f);
	}
}

static void with_response(void *arg, const struct endpoint_event *ev)
{
	struct writeout *w = arg;

	w->res = ev->msg;
	print(w);
}

static void with_request(void *arg, const struct endpoint_event *ev)
{
	struct writeout *w = arg;

	w->req = ev->msg;
	if (w->response.n == 0 || !endpoint_describe(buf_str(&w->response), with_response, w))
		print(w);
}

int writeout_print(struct writeout *w, const struct writeout_end *e, struct fail *f)
{
	if (!w->has_result) /* a signal, or --max-time, came first */
		keep_message(&w->request, buf_str(&w->latest));
	w->end = e;
	w->f = f;
	w->failed = 0;
	if ((w->request.n == 0 || !endpoint_describe(buf_str(&w->request), with_request, w)) &&
		(w->response.n == 0 || !endpoint_describe(buf_str(&w->response), with_response, w)))
		print(w);
	w->req = w->res = NULL;
	return w->failed;
}
