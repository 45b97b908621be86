#include "out_impl.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "endpoint/endpoint.h"
#include "exit.h"
#include "mask.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 1 << 20 };

/* ---- streams ---- */

/* A reader that does not read holds us up for as long as it likes, until a signal says that we are
 * to end: then each stream has this long. */
enum { HURRY_MS = 500 };
static volatile sig_atomic_t hurried;

void out_hurry(void)
{
	hurried = 1;
}

static bool is_stuck(int fd)
{
	return hurried && poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, HURRY_MS) == 0;
}

void out_write(struct out_stream *s, struct str bytes)
{
	while (s->fd >= 0 && s->failed == 0 && bytes.n > 0) {
		/* a pipe that is ready takes so much without waiting */
		size_t most = hurried && bytes.n > PIPE_BUF ? PIPE_BUF : bytes.n;
		ssize_t n;

		if (is_stuck(s->fd)) {
			s->failed = ETIMEDOUT;
			break;
		}
		n = write(s->fd, bytes.p, most);
		if (n >= 0)
			bytes = str_sub(bytes, (size_t)n, bytes.n);
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			poll(&(struct pollfd){ .fd = s->fd, .events = POLLOUT }, 1, -1);
		else if (errno != EINTR)
			s->failed = errno;
	}
}

/* A closed standard descriptor would be given to the next socket, and what is meant for people
 * would go to the peer. What is put in its place fails with EBADF, as it should. */
static void guard_standard_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			while (open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) < 0 &&
				errno == EINTR)
				;
}

static bool wants_color(const char *when, int fd)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (when && strcmp(when, "always") == 0)
		return true;
	if (when && strcmp(when, "never") == 0)
		return false;
	return fd >= 0 && isatty(fd) && (!no || no[0] == '\0') && term && strcmp(term, "dumb") != 0;
}

static int open_stream(struct out_stream *s, const char *option, const char *name,
	const char *color, struct fail *f)
{
	s->fd = STDOUT_FILENO;
	if (strcmp(name, "%") == 0) {
		s->fd = STDERR_FILENO;
	} else if (strcmp(name, "-") != 0) {
		s->fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
		s->own = true;
	}
	if (s->fd < 0)
		return fail_set(f, -FAIL_LOCAL, "%s: %s: %s", option, name, strerror(errno));
	s->color = wants_color(color, s->fd);
	return 0;
}

static void close_stream(struct out_stream *s)
{
	if (s->own && s->fd >= 0 && close(s->fd) != 0 && s->failed == 0 && errno != EINTR)
		s->failed = errno;
	s->fd = -1;
}

/* ---- lines ---- */

double out_elapsed_ms(const struct out *o)
{
	return (double)(net_now_us() - o->start_us) / 1000.0;
}

void out_clock(char text[24])
{
	struct timespec now;
	struct tm local;

	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &local);
	snprintf(text, 24, "%02d:%02d:%02d.%06ld", local.tm_hour % 24, local.tm_min % 60,
		local.tm_sec % 61, now.tv_nsec / 1000 % 1000000);
}

const char *out_color_code(enum out_color color)
{
	static const char *const codes[] = { "", "32", "33", "31", "2", "36" };

	return codes[color];
}

static void show(struct buf *b, struct str s)
{
	CLEANUP(buf_done) struct buf plain = BUF_INIT(LINE_MAX_BYTES);

	mask_add(&plain, s);
	utf8_show(b, buf_str(&plain));
}

void out_write_line(struct out *o, struct out_stream *s, enum out_color color, struct str line)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(4 * LINE_MAX_BYTES);
	size_t word = color == OUT_DIM ? line.n : str_find(line, ' ');
	char clock[24];

	if (o->config.timestamps) {
		out_clock(clock);
		buf_addf(&b, "%s ", clock);
	}
	if (s->color && color != OUT_PLAIN)
		buf_addf(&b, "\x1b[%sm", out_color_code(color));
	else
		word = 0;
	show(&b, str_sub(line, 0, word));
	if (word)
		buf_add_str(&b, STR("\x1b[0m"));
	show(&b, str_sub(line, word, line.n));
	buf_add_char(&b, '\n');
	out_write(s, buf_str(&b));
}

static void put_list(
	struct out *o, struct out_stream *s, enum out_color color, const char *fmt, va_list ap)
{
	char *text = NULL;
	int n = vasprintf(&text, fmt, ap);

	if (n < 0)
		return;
	out_write_line(o, s, color, (struct str){ text, (size_t)n });
	free(text);
}

static bool is_text(const struct out *o)
{
	return !o->config.json && !o->config.quiet;
}

void out_put(struct out *o, enum out_color color, const char *fmt, ...)
{
	va_list ap;

	if (!is_text(o))
		return;
	va_start(ap, fmt);
	put_list(o, &o->result, color, fmt, ap);
	va_end(ap);
}

void out_detail(struct out *o, const char *name, struct str text)
{
	if (text.n > 0)
		out_put(o, OUT_PLAIN, "  %-8s  " STR_FMT, name, STR_ARG(text));
}

void out_line(struct out *o, const char *fmt, ...)
{
	va_list ap;

	if (!is_text(o))
		return;
	va_start(ap, fmt);
	put_list(o, &o->result, OUT_PLAIN, fmt, ap);
	va_end(ap);
}

void out_note(struct out *o, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	if (o->config.verbose < 1 && o->trace_stream.fd < 0)
		return;
	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n >= 0)
		out_trace_note(o, 1, (struct str){ text, (size_t)n });
	free(text);
}

void out_warn(struct out *o, const char *fmt, ...)
{
	char text[600] = "rte: warning: ";
	size_t n = strlen(text);
	va_list ap;

	if (o->config.quiet || o->config.json)
		return;
	va_start(ap, fmt);
	vsnprintf(text + n, sizeof(text) - n, fmt, ap);
	va_end(ap);
	out_write_line(o, &o->story, OUT_YELLOW, str_of(text));
}

bool out_body_is_text(struct str body)
{
	return utf8_valid(body) && str_find(body, '\0') == body.n;
}

/* ---- life ---- */

int out_new(const struct out_config *config, struct out **out, struct fail *f)
{
	struct out *o = MEM_NEW(struct out);
	const char *name = config->output ? config->output : "-";
	int e = 0;

	guard_standard_descriptors();
	o->config = *config;
	o->start_us = net_now_us();
	o->reachable = -1;
	o->seen.resolve_ms = o->seen.connect_ms = o->seen.tls_ms = -1;
	o->result.fd = o->trace_stream.fd = -1;
	o->story = (struct out_stream){ .fd = STDERR_FILENO };
	o->story.color = wants_color(config->color, STDERR_FILENO);
	if (config->json && config->trace_file && strcmp(config->trace_file, name) == 0)
		e = fail_set(
			f, -FAIL_ARGUMENT, "--trace: %s is where the records of --json go", name);
	if (e == 0)
		e = open_stream(&o->result, "--output", name, config->color, f);
	if (e == 0 && config->trace_file)
		e = open_stream(&o->trace_stream, "--trace", config->trace_file, config->color, f);
	if (e != 0) {
		close_stream(&o->result);
		mem_free(o);
		return e;
	}
	out_trace_init(o);
	*out = o;
	return 0;
}

/* The first of the streams that somebody relies on and that failed. */
static const struct out_stream *failed_stream(const struct out *o)
{
	if (o->result.failed)
		return &o->result;
	return o->trace_stream.failed && o->trace_stream.fd != STDERR_FILENO ? &o->trace_stream
									     : NULL;
}

bool out_broken(const struct out *o)
{
	return failed_stream(o) != NULL;
}

bool out_is_json(const struct out *o)
{
	return o->config.json;
}

static int write_failed(struct out *o, const struct out_stream *s)
{
	int code = s->own ? EXIT_local : EXIT_internal;
	char text[200];

	snprintf(text, sizeof(text), "rte: %s: cannot write the %s: %s", o->config.command,
		s == &o->result ? "output" : "trace", strerror(s->failed));
	out_write_line(o, &o->story, OUT_RED, str_of(text));
	return code;
}

static void die_of_sigpipe(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(SIGPIPE);
}

int out_end(struct out *o, int code, const struct endpoint_result *last,
	const struct endpoint_counts *counts)
{
	const struct out_stream *failed = failed_stream(o);
	bool pipe;

	if (o->config.json)
		out_json_end(o, failed && code == 0 && !failed->own ? EXIT_internal : code, last,
			counts);
	else
		out_note(o, "exit %d %s", code, exit_name(code));
	close_stream(&o->trace_stream);
	close_stream(&o->result);
	failed = failed_stream(o);
	pipe = failed && failed->failed == EPIPE;
	if (failed && !pipe)
		code = write_failed(o, failed);
	mem_free(o);
	if (pipe)
		die_of_sigpipe();
	return code;
}

/* ---- records ---- */

void out_start(struct out *o, const char *aor)
{
	if (o->config.json)
		out_json_start(o, aor);
}

void out_endpoint(struct out *o, const struct out_endpoint *e)
{
	if (o->config.json)
		out_json_endpoint(o, e);
	out_text_endpoint(o, e);
}

void out_listening(struct out *o, const struct endpoint_hop *local, unsigned count)
{
	if (o->config.json)
		out_json_listening(o, local, count);
	else
		out_text_listening(o, local, count);
}

void out_event(struct out *o, const struct endpoint_event *ev)
{
	if (o->config.json)
		out_json_event(o, ev);
	out_text_event(o, ev);
}

void out_error(struct out *o, int code, const char *text, const struct endpoint_result *r)
{
	if (o->config.json)
		out_json_error(
			o, &(struct out_json_error){ .code = code, .text = text, .result = r });
	else
		out_text_error(o, text, code, r);
}

int out_failed(struct out *o, const struct endpoint_result *r)
{
	int code = exit_of_result(r);

	out_error(o, code, fail_show(&r->fail), r);
	return code;
}

void out_unsent(struct out *o, struct str wire)
{
	if (o->config.json)
		out_json_unsent(o, wire);
	else
		out_text_unsent(o, wire);
}

void out_reachable(struct out *o, bool reachable)
{
	o->reachable = reachable;
	if (!reachable)
		out_detail(o, "note",
			STR("nobody answers there when rte has ended: use --keep to stay "
			    "reachable"));
}

void out_probe(struct out *o, const struct out_probe *p)
{
	const char *text =
		p->code == EXIT_check_failed ? exit_text(p->code) : fail_show(&p->result->fail);

	if (!o->config.json)
		out_text_probe(o, p);
	else if (p->code != EXIT_ok)
		out_json_error(o, &(struct out_json_error){ p->code, text, p->target, p->result });
}

void out_summary(struct out *o, const struct out_summary *s)
{
	if (o->config.json)
		out_json_summary(o, s);
	else
		out_text_summary(o, s);
}

void out_resolved(struct out *o, const struct out_resolved *r)
{
	if (o->config.json)
		out_json_resolved(o, r);
	else
		out_text_resolved(o, r);
}

void out_discarded(struct out *o, const struct endpoint_msg *m, struct str why)
{
	o->discarded++;
	if (o->config.json)
		out_json_discarded(o, m, why);
	else
		out_text_discarded(o, m, why);
}

void out_binding(struct out *o, const struct out_binding *b)
{
	if (o->config.json)
		out_json_binding(o, b);
	else
		out_text_binding(o, b);
}

void out_request(struct out *o, const struct endpoint_msg *m)
{
	const struct endpoint_event ev = { .type = ENDPOINT_REQUEST, .msg = m };

	if (o->config.json)
		out_json_event(o, &ev);
	else
		out_text_request(o, m);
}

void out_parsed(struct out *o, const struct out_parsed *p)
{
	if (o->config.json)
		out_json_parsed(o, p);
	else
		out_text_parsed(o, p);
}

void out_received(struct out *o, const struct endpoint_msg *m)
{
	if (!o->config.json && !m->sent)
		out_text_received(o, m);
}

void out_notify(struct out *o, const struct endpoint_msg *m)
{
	if (o->config.json)
		out_json_notify(o, m);
	else
		out_text_notify(o, m);
}

void out_answered(struct out *o, const struct endpoint_msg *m, struct str reason)
{
	if (o->config.json)
		out_json_answered(o, m, reason);
	else
		out_text_answered(o, m, reason);
}

void out_message(struct out *o, const struct out_message *m)
{
	if (o->config.json)
		out_json_message(o, m);
	else
		out_text_message(o, m);
}

void out_check(struct out *o, const struct out_check *c)
{
	if (o->config.json)
		out_json_check(o, c);
	else
		out_text_check(o, c);
}

void out_seed(struct out *o, uint32_t seed)
{
	o->has_seed = true;
	o->seed = seed;
}

/* ---- before there is a struct out ---- */

int out_refuse(const char *command, bool json, int code, const char *text)
{
	struct out_config config = { .command = command ? command : "rte", .json = json };
	struct out *o = NULL;
	char line[700];

	if (json && out_new(&config, &o, NULL) == 0) {
		out_start(o, NULL);
		out_error(o, code, text, NULL);
		return out_end(o, code, NULL, NULL);
	}
	config.color = NULL;
	guard_standard_descriptors();
	snprintf(line, sizeof(line), command ? "rte: %s: %s" : "rte: %s%s", command ? command : "",
		text);
	o = &(struct out){ .config = config };
	o->story = (struct out_stream){ .fd = STDERR_FILENO,
		.color = wants_color(NULL, STDERR_FILENO) };
	out_write_line(o, &o->story, OUT_RED, str_of(line));
	return code;
}

int out_usage(const char *command, bool json, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return out_refuse(command, json, EXIT_usage, text);
}
