/* cli/out_end.c -- how a run ends: the end record, what --write-out, --nagios and the reports say,
 * a stream that failed; and how one ends that has not begun */
#include "out_impl.h"

#include "base/mem.h"
#include "exit.h"
#include "nagios.h"
#include "report.h"
#include "writeout.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The first of the streams that somebody relies on and that failed. */
static const struct out_stream *failed_stream(const struct out *o)
{
	if (o->result.failed)
		return &o->result;
	if (o->plain.failed)
		return &o->plain;
	if (o->capture.failed)
		return &o->capture;
	if (o->tap.failed || o->junit.failed)
		return o->tap.failed ? &o->tap : &o->junit;
	return o->trace_stream.failed && !o->trace_stream.is_story ? &o->trace_stream : NULL;
}

bool out_broken(const struct out *o)
{
	return failed_stream(o->root ? o->root : o) != NULL;
}

bool out_is_json(const struct out *o)
{
	return (o->root ? o->root : o)->config.json;
}

/* What is left for a reader that went away is a signal. */
static bool is_pipe(const struct out_stream *s)
{
	return s && s->failed == EPIPE;
}

/* A stream that failed decides, whatever was to be said on it. */
static int code_of(const struct out *o, int code)
{
	const struct out_stream *s = failed_stream(o);

	if (!s || is_pipe(s))
		return code;
	return s->own ? EXIT_local : EXIT_internal;
}

static void put_error(struct out *o, const char *text)
{
	char line[300];

	snprintf(line, sizeof(line), "rte: %s: %s", o->config.command, text);
	out_write_line(o, &o->story, OUT_RED, str_of(line));
}

/* As a record, unless it is the very records that cannot be written. */
static void tell_failed(struct out *o, int code)
{
	const struct out_stream *s = failed_stream(o);
	char text[200];

	if (!s || is_pipe(s))
		return;
	snprintf(text, sizeof(text), "cannot write the %s: %s",
		s == &o->trace_stream            ? "trace"
		: s == &o->capture               ? "capture"
		: s == &o->tap || s == &o->junit ? "report"
						 : "output",
		strerror(s->failed));
	if (o->config.json && s != &o->result)
		out_json_error(o, &(struct out_json_error){ .code = code, .text = text });
	else
		put_error(o, text);
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

static void put_write_out(void *arg, enum writeout_to to, struct str bytes)
{
	struct out *o = arg;

	if (to == WRITEOUT_STDERR)
		out_write(&o->story, bytes);
	else
		out_write(o->result.fd == STDOUT_FILENO ? &o->result : &o->plain, bytes);
}

static int print_write_out(struct out *o, int code, struct str record)
{
	const struct writeout_end end = {
		.exit_code = code,
		.total_ms = out_elapsed_ms(o),
		.json = str_sub(record, 0, record.n ? record.n - 1 : 0),
		.put = put_write_out,
		.arg = o,
	};
	struct fail f = { 0 };

	if (writeout_print(o->writeout, &end, &f) == 0)
		return code;
	put_error(o, f.text);
	return code == EXIT_ok ? EXIT_local : code;
}

/* The end record, and what --write-out and --nagios say. Gives the code, which a file of
 * --write-out's may change. */
static int tell_end(struct out *o, int code, const struct endpoint_result *last,
	const struct endpoint_counts *counts)
{
	CLEANUP(buf_done) struct buf record = BUF_INIT(1 << 16), line = BUF_INIT(1 << 12);

	if (o->config.json || o->writeout)
		out_json_end(o, code, last, counts, &record);
	if (o->config.json && !o->result.failed)
		out_write(&o->result, buf_str(&record));
	if (o->writeout)
		code = print_write_out(o, code, buf_str(&record));
	if (o->config.nagios) {
		nagios_line(o->config.nagios, code, &line);
		out_write(&o->result, buf_str(&line));
	}
	return code;
}

int out_end(struct out *o, int code, const struct endpoint_result *last,
	const struct endpoint_counts *counts)
{
	bool pipe;

	if (o->root) {
		if (counts)
			out_party_count(o, counts);
		mem_free(o);
		return code;
	}
	o = out_speak(o);
	if (o->book) /* all that there is to count was the parties' */
		counts = &o->counts;
	out_live_end(o);
	code = code_of(o, code);
	if (!o->config.json)
		out_put_note(o, "exit %d %s", code, exit_name(code));
	if (o->report)
		out_report_end(o, code);
	out_capture_end(o, code);
	out_stream_close(&o->trace_stream);
	out_stream_close(&o->capture);
	code = code_of(o, code);
	if (o->config.json && !o->result.failed)
		tell_failed(o, code);
	code = tell_end(o, code, last, counts);
	out_stream_close(&o->result);
	code = code_of(o, code);
	if (!o->config.nagios && (!o->config.json || o->result.failed))
		tell_failed(o, code);
	pipe = is_pipe(failed_stream(o));
	if (o->config.nagios)
		code = failed_stream(o) ? NAGIOS_UNKNOWN
					: (int)nagios_state(o->config.nagios, code);
	writeout_free(o->writeout);
	report_free(o->report);
	mem_free(o->book);
	mem_free(o);
	if (pipe)
		die_of_sigpipe();
	return code;
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
	out_stream_guard();
	snprintf(line, sizeof(line), command ? "rte: %s: %s" : "rte: %s%s", command ? command : "",
		text);
	o = &(struct out){ .config = config };
	o->story = (struct out_stream){ .fd = STDERR_FILENO,
		.color = out_stream_color(NULL, STDERR_FILENO) };
	out_write_line(o, &o->story, OUT_RED, str_of(line));
	return code;
}

int out_refuse_nagios(int code, const char *text)
{
	struct nagios n = { .ms = -1 };
	struct out_stream stdout_stream = { .fd = STDOUT_FILENO };
	CLEANUP(buf_done) struct buf line = BUF_INIT(1 << 12);

	out_stream_guard();
	nagios_error(&n, text);
	nagios_line(&n, code, &line);
	out_write(&stdout_stream, buf_str(&line));
	return NAGIOS_UNKNOWN;
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
