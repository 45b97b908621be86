/* cli/cmd_request.c -- rte request: any request with any header, a template, or bytes as they are
 * (cli.md section 8) */
#include "endpoint/hangup.h"
#include "endpoint/template.h"
#include "exit.h"
#include "fields.h"
#include "file.h"
#include "run.h"
#include "target.h"
#include "value.h"

#include <string.h>

enum { BODY_MAX = 8 << 20, FILE_MAX = 4 << 20 };

extern char **environ; /* POSIX has no header for it; read for {{env:NAME}} */

struct args {
	const char *form, *raw;
	struct values set;
	int no_fix;

	struct str method, target, body;
	const char *type;
	struct template *template;
	struct request_custom custom;

	struct run *run;
	struct request *request;
	struct hangup *hangup; /* of an INVITE */
	bool waits; /* its final event came before all was hung up */
	bool rang_out;
	ev_timer ring;
};

static bool is_invite(const struct args *a)
{
	return str_eq(a->method, STR("INVITE"));
}

/* What may make a dialog, or a binding, says where we are (RFC 3261 8.1.1.8, RFC 6665 3.1.3). */
static bool wants_contact(const struct args *a)
{
	static const char *const methods[] = { "INVITE", "SUBSCRIBE", "NOTIFY", "REFER", "UPDATE" };

	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (str_eq(a->method, str_of(methods[i])))
			return true;
	return false;
}

static struct request_config request_of(const struct args *a)
{
	const struct run *r = a->run;

	return (struct request_config){
		.endpoint = r->endpoint,
		.method = a->method,
		.target = a->target,
		.body = a->body,
		.type = str_of(a->type),
		.headers = r->headers,
		.header_count = r->header_count,
		.max_forwards = r->max_forwards,
		.timeout_ms = r->timeout_ms,
		.follow = r->follow,
		.retry = r->retry,
		.answers = true,
		.contact = wants_contact(a),
		.custom = &a->custom,
	};
}

/* ---- what comes back ---- */

static void end_ring(struct args *a)
{
	ev_timer_stop(endpoint_loop(), &a->ring);
}

/* Nobody waits for ever for who rings: --timeout holds for an INVITE, too. */
static void on_ring(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct args *a = CONTAINER_OF(w, struct args, ring);

	(void)revents;
	ev_timer_stop(loop, w);
	a->rang_out = true;
	request_cancel(a->request, STR_EMPTY);
}

static void on_hung_up(void *arg, const struct endpoint_event *ev)
{
	struct args *a = arg;

	if (ev->type != ENDPOINT_CLOSED)
		return;
	if (ev->result && ev->result->fail.code)
		out_warn(a->run->out, "the BYE failed: %s", fail_show(&ev->result->fail));
	if (a->waits)
		request_tell_again(a->request);
}

static void on_response(struct args *a, const struct endpoint_msg *m)
{
	struct fail f = { 0 };

	if (m->status_code < 200) {
		if (!ev_is_active(&a->ring) && is_invite(a))
			net_timer_set(endpoint_loop(), &a->ring, net_now_ms() + a->run->timeout_ms);
		return;
	}
	end_ring(a);
	if (a->hangup && hangup_answer(a->hangup, a->request, m, &f) != 0)
		out_warn(a->run->out, "a call is left behind: no BYE can be sent: %s",
			fail_show(&f));
}

static void rang_out(struct args *a, const struct endpoint_result *result)
{
	struct run *r = a->run;
	char text[80];

	snprintf(text, sizeof(text), "nobody answered within %.3g s",
		(double)r->timeout_ms / 1000.0);
	run_result(r, result);
	out_error(r->out, EXIT_no_answer, text, result);
	run_finish(r, EXIT_no_answer);
}

static void on_event(void *arg, const struct endpoint_event *ev)
{
	struct args *a = arg;

	switch (ev->type) {
	case ENDPOINT_RESPONSE:
		on_response(a, ev->msg);
		break;
	case ENDPOINT_DONE:
		end_ring(a);
		a->waits = a->hangup && hangup_busy(a->hangup);
		if (!a->waits)
			run_event(a->run, ev);
		break;
	case ENDPOINT_FAILED:
		end_ring(a);
		if (a->rang_out)
			rang_out(a, ev->result);
		else
			run_event(a->run, ev);
		break;
	default:
		run_event(a->run, ev);
		break;
	}
}

/* ---- the command ---- */

static void clear(struct args *a)
{
	end_ring(a);
	hangup_free(a->hangup);
	request_free(a->request);
	a->hangup = NULL;
	a->request = NULL;
	a->waits = a->rang_out = false;
}

static int start(struct run *r, struct fail *f)
{
	struct args *a = r->arg;
	struct request_config config = request_of(a);

	clear(a);
	config.on_event = on_event;
	config.arg = a;
	a->hangup = hangup_new(r->endpoint, r->timeout_ms, on_hung_up, a);
	return request_start(&config, &a->request, f);
}

/* An INVITE is cancelled, and what was answered in spite of it is hung up; anything else is let go.
 */
static void stop(struct run *r)
{
	struct args *a = r->arg;

	if (a->request && is_invite(a) && !a->waits)
		request_cancel(a->request, STR_EMPTY);
	else if (!a->waits)
		run_finish(r, EXIT_ok);
}

static void dry_run(struct args *a)
{
	CLEANUP(buf_done) struct buf wire = BUF_INIT(BODY_MAX);
	const struct request_config config = request_of(a);
	struct run *r = a->run;
	struct fail f = { 0 };
	int e = request_dry_run(&config, &wire, &f);

	run_unsent(r, e, buf_str(&wire), &f);
}

/* ---- values of options ---- */

static int read_file(
	struct groups *g, const char *option, const char *path, struct str *out, struct fail *f)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(FILE_MAX);
	int e = file_read(path, &b);

	if (e != 0)
		return fail_set(f, -FAIL_LOCAL, "%s: %.100s: %s", option, path, strerror(-e));
	if (b.n == 0)
		return fail_set(f, -FAIL_ARGUMENT, "%s: %.100s is empty", option, path);
	*out = arena_str(&g->arena, buf_str(&b));
	return 0;
}

static int read_template(struct args *a, struct groups *g, struct fail *f)
{
	struct template_set *list = NULL;
	struct template_config config = {
		.file = strcmp(a->form, "-") == 0 ? "(stdin)" : a->form,
		.set_count = a->set.n,
		.environment = (const char *const *)environ,
	};
	int e;

	if ((e = fields_read(&a->set, g, &list, f)) != 0 ||
		(e = read_file(g, "--template", a->form, &config.text, f)) != 0)
		return e;
	config.sets = list;
	e = template_new(&config, &a->template, f);
	a->custom.form = a->template;
	return e;
}

/* --raw: what is sent says itself what it is; where it goes is --connect. */
static int read_raw(struct args *a, struct groups *g, struct fail *f)
{
	int e;

	if (g->args.n > 0)
		return fail_set(f, -FAIL_ARGUMENT,
			"--raw sends the bytes of a file: leave out METHOD and URI");
	if (!g->connect)
		return fail_set(f, -FAIL_ARGUMENT, "--raw: say where to with --connect=ADDR:PORT");
	if (a->form || g->data || g->header.n || g->add_header.n)
		return fail_set(f, -FAIL_ARGUMENT, "--raw with %s",
			a->form   ? "--template"
			: g->data ? "--data"
				  : "--header");
	if ((e = read_file(g, "--raw", a->raw, &a->custom.raw, f)) != 0)
		return e;
	a->custom.is_raw = true;
	a->method = STR("RAW");
	if (str_starts(a->custom.raw, STR("INVITE ")))
		a->method = STR("INVITE");
	a->target = arena_fmt(&g->arena, "sip:%s", g->connect);
	return 0;
}

static int content(struct args *a, struct groups *g, struct fail *f)
{
	int e;

	if (a->form && g->data)
		return fail_set(f, -FAIL_ARGUMENT, "--data with --template, which has the body");
	if (!g->data)
		return 0;
	if ((e = value_data("--data", g->data, &g->arena, &a->body, f)) != 0)
		return e;
	a->type = g->type ? g->type : "text/plain; charset=UTF-8";
	return 0;
}

static int values(struct args *a, struct groups *g, struct fail *f)
{
	int e;

	a->custom.no_fix = a->no_fix;
	if (a->set.n && !a->form)
		return fail_set(f, -FAIL_ARGUMENT, "--set without --template");
	if (a->raw)
		return read_raw(a, g, f);
	if (g->args.n != 2)
		return fail_set(f, -FAIL_ARGUMENT, "METHOD and URI: %s",
			g->args.n ? "say both" : "say what to send and where to");
	a->method = str_of(g->args.v[0]);
	if ((e = content(a, g, f)) != 0)
		return e;
	return a->form ? read_template(a, g, f) : 0;
}

/* A length that would be put right again was hardly meant so. */
static void warn(const struct args *a)
{
	const struct run *r = a->run;

	for (unsigned i = 0; i < r->header_count && !a->no_fix; i++)
		if (str_ieq(r->headers[i].name, STR("Content-Length")) ||
			str_ieq(r->headers[i].name, STR("l")))
			out_warn(r->out,
				"Content-Length is put right; --no-fix sends it as you say");
}

static int go(struct args *a, struct groups *g)
{
	const struct run_config config = {
		.g = g,
		.target = a->raw ? g->connect : g->args.v[1],
		.start = start,
		.stop = stop,
		.any_header = true,
		.shows_received = true,
		.exit_of = is_invite(a) ? exit_of_call : NULL,
		.arg = a,
	};
	struct fail f = { 0 };
	struct run r;
	int code = run_init(&r, &config);

	if (code != OPT_GO_ON)
		return code;
	a->run = &r;
	ev_init(&a->ring, on_ring);
	code = EXIT_ok;
	if (!a->raw && target_parse(&r, g->args.v[1], &a->target, &f) != 0)
		code = run_usage(&r, "%s", fail_show(&f));
	warn(a);
	if (code != EXIT_ok)
		run_finish(&r, code);
	else if (g->dry_run)
		dry_run(a);
	else
		run_loop(&r);
	clear(a);
	return run_done(&r);
}

int cmd_request(const struct cmd *cmd, int argc, const char **argv, struct groups *g)
{
	struct args a = { .form = NULL };
	const struct poptOption own[] = { { "template", 0, POPT_ARG_STRING, &a.form, 0,
						  "the message, with {{fields}} to fill in",
						  "FILE" },
		{ "set", 0, POPT_ARG_STRING, &a.set, OPT_LIST, "a field of the template",
			"NAME=VALUE" },
		{ "raw", 0, POPT_ARG_STRING, &a.raw, 0, "send these bytes as they are to --connect",
			"FILE" },
		{ "no-fix", 0, POPT_ARG_NONE, &a.no_fix, 0,
			"leave wrong and missing header fields as they are", NULL },
		POPT_TABLEEND };
	const struct opt_spec spec = { .cmd = cmd, .own = own, .groups = GROUP_ALL, .max_args = 2 };
	struct fail f = { 0 };
	int e, code = opt_parse(&spec, argc, argv, g);

	if (code != OPT_GO_ON)
		return code;
	e = values(&a, g, &f);
	code = e ? opt_failed(g, e, &f) : go(&a, g);
	template_free(a.template);
	return code;
}
