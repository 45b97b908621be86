/* cli/out.c -- the output of a run: its streams, its lines, and each record, as words or as JSON
 * (cli.md sections 9 and 10) */
#include "out_impl.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "endpoint/endpoint.h"
#include "exit.h"
#include "mask.h"
#include "nagios.h"
#include "secret.h"
#include "writeout.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 1 << 20 };

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
	if (s == &o->result)
		out_party_label(o, &b);
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

	o = out_speak(o);
	if (!is_text(o))
		return;
	va_start(ap, fmt);
	put_list(o, &o->result, OUT_PLAIN, fmt, ap);
	va_end(ap);
}

static void put_note(struct out *o, const char *fmt, va_list ap)
{
	char *text = NULL;
	int n;

	if (o->config.verbose < 1 && o->trace_stream.fd < 0)
		return;
	n = vasprintf(&text, fmt, ap);
	if (n >= 0)
		out_trace_note(o, 1, (struct str){ text, (size_t)n });
	free(text);
}

void out_put_note(struct out *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_note(o, fmt, ap);
	va_end(ap);
}

void out_note(struct out *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_note(out_speak(o), fmt, ap);
	va_end(ap);
}

void out_warn(struct out *o, const char *fmt, ...)
{
	char text[600] = "rte: warning: ";
	size_t n = strlen(text);
	va_list ap;

	o = out_speak(o);
	if (o->config.quiet || o->config.json)
		return;
	if (o->party)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s: ", o->party);
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

static int write_out_new(struct out *o, bool to_stdout, struct fail *f)
{
	int e = writeout_new(o->config.write_out, &o->writeout, f);

	if (e == 0 && o->config.json && to_stdout && writeout_to_stdout(o->writeout))
		e = fail_set(f, -FAIL_ARGUMENT,
			"--write-out: stdout is where the records of --json go; begin with "
			"%%{stderr} or %%output{FILE}");
	else if (e == 0 && o->config.pcap_file && strcmp(o->config.pcap_file, "-") == 0 &&
		 writeout_to_stdout(o->writeout))
		e = fail_set(f, -FAIL_ARGUMENT, "--write-out: stdout is where the capture goes");
	return e;
}

int out_new(const struct out_config *config, struct out **out, struct fail *f)
{
	struct out *o = MEM_NEW(struct out);
	int e = 0;

	out_stream_guard();
	o->config = *config;
	o->config.quiet = config->quiet || config->nagios;
	o->start_us = net_now_us();
	o->reachable = -1;
	o->seen = &o->own_seen;
	o->seen->resolve_ms = o->seen->connect_ms = o->seen->tls_ms = -1;
	o->result.fd = o->trace_stream.fd = o->capture.fd = o->tap.fd = o->junit.fd = -1;
	o->story = (struct out_stream){ .fd = STDERR_FILENO };
	o->plain = (struct out_stream){ .fd = STDOUT_FILENO };
	o->story.color = out_stream_color(config->color, STDERR_FILENO);
	if (config->write_out)
		e = write_out_new(o, !config->output || strcmp(config->output, "-") == 0, f);
	if (e == 0)
		e = out_stream_open_all(o, f);
	if (e != 0) {
		out_stream_close(&o->result);
		out_stream_close(&o->trace_stream);
		out_stream_close(&o->capture);
		out_stream_close(&o->tap);
		out_stream_close(&o->junit);
		writeout_free(o->writeout);
		mem_free(o);
		return e;
	}
	if (config->tap_file || config->junit_file)
		out_report_begin(o);
	out_capture_init(o);
	out_trace_init(o);
	*out = o;
	return 0;
}

/* ---- records ---- */

void out_start(struct out *o, const char *aor)
{
	o = out_speak(o);
	if (o->config.json)
		out_json_start(o, aor);
}

void out_endpoint(struct out *o, const struct out_endpoint *e)
{
	o = out_speak(o);
	if (o->config.json)
		out_json_endpoint(o, e);
	out_text_endpoint(o, e);
}

void out_listening(struct out *o, const struct endpoint_hop *local, unsigned count)
{
	char address[96];

	o = out_speak(o);
	for (unsigned i = 0; i < count; i++)
		out_party_at(o, str_of(out_hop_text(&local[i], false, address)));
	if (o->config.json)
		out_json_listening(o, local, count);
	else
		out_text_listening(o, local, count);
	out_live_listening(o);
}

void out_result(struct out *o, const struct endpoint_result *r)
{
	o = out_speak(o);
	writeout_result(o->writeout, r);
	if (o->config.nagios)
		nagios_result(o->config.nagios, r);
}

void out_event(struct out *o, const struct endpoint_event *ev)
{
	o = out_speak(o);
	writeout_event(o->writeout, ev);
	if (o->config.json)
		out_json_event(o, ev);
	out_text_event(o, ev);
	out_live_event(o, ev);
}

/* Of several errors the first one decides, and is told at the end. */
static void keep_error(struct out *o, const char *text)
{
	writeout_error(o->writeout, text);
	if (!o->first_error[0])
		snprintf(o->first_error, sizeof(o->first_error), "%s", text);
}

void out_error(struct out *o, int code, const char *text, const struct endpoint_result *r)
{
	o = out_speak(o);
	keep_error(o, text);
	if (o->config.nagios)
		nagios_error(o->config.nagios, text);
	else if (o->config.json)
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
	o = out_speak(o);
	if (o->config.json)
		out_json_unsent(o, wire);
	else
		out_text_unsent(o, wire);
}

void out_reachable(struct out *o, bool reachable)
{
	o = out_speak(o);
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

	o = out_speak(o);
	if (p->code != EXIT_ok)
		keep_error(o, text);
	if (o->config.nagios && p->code != EXIT_ok)
		nagios_error(o->config.nagios, text);
	if (!o->config.json)
		out_text_probe(o, p);
	else if (p->code != EXIT_ok)
		out_json_error(o, &(struct out_json_error){ p->code, text, p->target, p->result });
}

void out_summary(struct out *o, const struct out_summary *s)
{
	o = out_speak(o);
	if (o->config.nagios)
		nagios_summary(o->config.nagios, s);
	if (o->config.json)
		out_json_summary(o, s);
	else
		out_text_summary(o, s);
}

void out_resolved(struct out *o, const struct out_resolved *r)
{
	o = out_speak(o);
	if (o->config.json)
		out_json_resolved(o, r);
	else
		out_text_resolved(o, r);
}

void out_discarded(struct out *o, const struct endpoint_msg *m, struct str why)
{
	o = out_speak(o);
	o->discarded++;
	if (o->config.json)
		out_json_discarded(o, m, why);
	else
		out_text_discarded(o, m, why);
}

void out_binding(struct out *o, const struct out_binding *b)
{
	o = out_speak(o);
	if (o->config.json)
		out_json_binding(o, b);
	else
		out_text_binding(o, b);
}

void out_request(struct out *o, const struct endpoint_msg *m)
{
	const struct endpoint_event ev = { .type = ENDPOINT_REQUEST, .msg = m };

	o = out_speak(o);
	if (o->config.json)
		out_json_event(o, &ev);
	else
		out_text_request(o, m);
}

void out_option(struct out *o, const struct out_option *option)
{
	o = out_speak(o);
	if (o->config.json) {
		out_json_option(o, option);
		return;
	}
	if (option->with_origin)
		out_put(o, OUT_PLAIN, "# %s", option->origin);
	out_put(o, OUT_PLAIN, "%s%s%s%s", option->no_key ? "# " : "", option->name,
		option->value[0] ? " = " : "", option->value);
}

void out_credential(struct out *o, const struct out_credential *c)
{
	const struct secret_entry *e = c->entry;

	o = out_speak(o);
	if (o->config.json)
		out_json_credential(o, c);
	else
		out_put(o, OUT_PLAIN, "%s%srealm " STR_FMT "  user " STR_FMT "  %s%s%s",
			c->state ? c->state : "", c->state ? "  " : "", STR_ARG(e->realm),
			STR_ARG(e->user), e->kind, e->algorithm ? " " : "",
			e->algorithm ? e->algorithm : "");
}

void out_parsed(struct out *o, const struct out_parsed *p)
{
	o = out_speak(o);
	if (o->config.json)
		out_json_parsed(o, p);
	else
		out_text_parsed(o, p);
}

void out_received(struct out *o, const struct endpoint_msg *m)
{
	o = out_speak(o);
	if (!o->config.json && !m->sent)
		out_text_received(o, m);
}

void out_notify(struct out *o, const struct endpoint_msg *m)
{
	o = out_speak(o);
	if (o->config.json)
		out_json_notify(o, m);
	else
		out_text_notify(o, m);
}

void out_answered(struct out *o, const struct endpoint_msg *m, struct str reason)
{
	o = out_speak(o);
	if (o->config.json)
		out_json_answered(o, m, reason);
	else
		out_text_answered(o, m, reason);
}

void out_message(struct out *o, const struct out_message *m)
{
	o = out_speak(o);
	if (o->config.json)
		out_json_message(o, m);
	else
		out_text_message(o, m);
}

void out_check(struct out *o, const struct out_check *c)
{
	o = out_speak(o);
	if (o->report)
		out_report_check(o, c);
	if (o->config.json)
		out_json_check(o, c);
	else
		out_text_check(o, c);
}

void out_step(struct out *o, const struct out_step *s)
{
	o = out_speak(o);
	o->step_count++;
	o->steps_failed += s->state == OUT_STEP_FAILED;
	if (o->report)
		out_report_step(o, s);
	if (s->state == OUT_STEP_SKIPPED)
		return;
	if (o->config.json)
		out_json_step(o, s);
	else
		out_text_step(o, s);
}

void out_seed(struct out *o, uint32_t seed)
{
	o = out_speak(o);
	o->has_seed = true;
	o->seed = seed;
}
