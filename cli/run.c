#include "run.h"

#include "endpoint/epid.h"
#include "exit.h"
#include "run_register.h"
#include "run_setup.h"
#include "secret.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { GRACE_MS = 3000 }; /* ruling 27 */

/* ---- set-up ---- */

/* Many flows want many descriptors (ruling 24). */
static void raise_limit(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
		l.rlim_cur = l.rlim_max;
		setrlimit(RLIMIT_NOFILE, &l);
	}
}

static int open_output(struct run *r)
{
	const struct groups *g = r->g;
	const char *aor = r->config.aor ? r->config.aor : g->aor;
	struct fail f = { 0 };
	const struct out_config config = {
		.command = r->cmd->name,
		.target = r->config.target ? r->config.target : aor,
		.output = g->output,
		.write_out = g->write_out,
		.trace_file = g->trace,
		.nagios = r->config.nagios,
		.pcap_file = g->pcap,
		.pcap_secrets = g->pcap_secrets,
		.ladder = g->ladder,
		.ladder_of_failure = r->config.parties,
		.tap_file = g->tap,
		.junit_file = g->junit,
		.color = g->color ? g->color : "auto",
		.json = g->json,
		.quiet = g->quiet,
		.timestamps = g->timestamps,
		.verbose = g->verbose,
	};
	int e = out_new(&config, &r->out, &f);

	if (e)
		return opt_refuse(g, exit_of_fail(e), "%s", fail_show(&f));
	out_start(r->out, r->aor && r->aor[0] ? r->aor : NULL);
	return OPT_GO_ON;
}

/* What is not built in and where it came from, and what counts for nothing here. */
static void explain(struct run *r, const struct run_setup *s)
{
	const struct groups *g = r->g;

	for (unsigned i = 0; i < g->origin_count; i++) {
		const struct opt_origin *o = &g->origins[i];
		out_note(r->out, "%s%s%s (%s)", o->name, o->value[0] ? " = " : "", o->value,
			o->where);
	}
	if (s->unused)
		out_note(r->out, "%s is not used by a %s endpoint", s->unused,
			r->kind == ENDPOINT_PEER_TO_PEER ? "peer-to-peer" : "server-based");
	if (g->insecure)
		out_warn(r->out, "--insecure: TLS peers are not verified");
	if (g->pcap_secrets)
		out_warn(r->out, "--pcap-secrets: secrets are not masked in %s", g->pcap);
}

/* Without a word, and before the library says the next one: the process ends here. */
static void vanish(struct run *r)
{
	struct endpoint_counts counts = endpoint_manager_counts(r->manager);

	if (r->config.at_once)
		r->config.at_once(r);
	_exit(out_end(r->out, EXIT_ok, NULL, &counts));
}

static void on_event(void *arg, const struct endpoint_event *ev)
{
	struct run *r = arg;
	enum check_end end;

	out_event(r->out, ev);
	if (r->config.shows_received &&
		(ev->type == ENDPOINT_RESPONSE || ev->type == ENDPOINT_REQUEST ||
			ev->type == ENDPOINT_UNMATCHED))
		out_received(r->out, ev->msg);
	end = check_event(r->check, ev);
	if (end == CHECK_NOW)
		vanish(r);
	if (end == CHECK_END && r->running)
		net_later(endpoint_loop(), &r->step_timer);
	if (r->config.on_incoming &&
		(ev->type == ENDPOINT_INCOMING || ev->type == ENDPOINT_TRANSFER))
		r->config.on_incoming(r, ev);
}

static void announce(struct run *r, const struct run_setup *s)
{
	const struct groups *g = r->g;
	struct str uri = endpoint_uri(r->endpoint), hop = endpoint_next_hop_text(r->endpoint);
	struct str epid = endpoint_epid(r->endpoint);
	bool server = r->kind == ENDPOINT_SERVER_BASED;
	const char *next = hop.n ? arena_str(&r->g->arena, hop).p : NULL;
	const struct out_endpoint about = {
		.aor = uri.n ? arena_str(&r->g->arena, uri).p : NULL,
		.dialect = r->dialect == ENDPOINT_OCS ? "ocs" : "standard",
		.epid = epid.n ? arena_str(&r->g->arena, epid).p : NULL,
		.home_server = server ? (g->server.n ? g->server.v[0] : next) : NULL,
		.proxy = server ? NULL : next,
		.kind = server ? "server" : "p2p",
		.manager = s->manager.kind == NET_CLIENT ? "client" : "server",
		.transport = g->transport,
	};

	out_endpoint(r->out, &about);
}

/* Ready: all sockets are bound, and what was to be registered is (cli.md section 14). */
void run_announce_listening(struct run *r)
{
	struct endpoint_hop hops[64];
	char texts[64][NET_ADDR_TEXT];
	unsigned n = 0;

	while (n < ARRAY_LEN(hops) && endpoint_manager_listener(r->manager, n, texts[n], &hops[n]))
		n++;
	if (n)
		out_listening(r->out, hops, n);
}

static int open_endpoint(struct run *r, struct run_setup *s, struct fail *f)
{
	const struct groups *g = r->g;
	int e;

	if ((e = run_creds(r, s, f)) != 0)
		return e;
	s->manager.trace = out_trace(r->out);
	if ((e = endpoint_manager_new(&s->manager, &r->manager, f)) != 0)
		return e;
	for (unsigned i = 0; i < g->listen.n && !g->dry_run; i++)
		if ((e = endpoint_manager_listen(r->manager, str_of(g->listen.v[i]), f)) != 0)
			return e;
	if (r->config.listens && r->kind == ENDPOINT_PEER_TO_PEER && g->listen.n == 0 &&
		!g->dry_run && (e = endpoint_manager_listen_loopback(r->manager, f)) != 0)
		return e;
	s->endpoint.manager = r->manager;
	s->endpoint.on_event = on_event;
	s->endpoint.arg = r;
	if ((e = endpoint_new(&s->endpoint, &r->endpoint, f)) != 0)
		return e;
	announce(r, s);
	return r->registers && g->dry_run ? run_register_dry_run(r, f) : 0;
}

/* The set-up failed with the output open: an error and the end. */
static int give_up(struct run *r, int e, const struct fail *f)
{
	int code = exit_of_fail(e);

	out_error(r->out, code, fail_show(f), NULL);
	run_finish(r, code);
	return run_done(r);
}

static int bad_value(struct run *r, const struct fail *f)
{
	char text[OPT_BAD_TEXT];

	if (!r->config.out)
		return opt_bad(r->g, f);
	out_error(r->config.out, EXIT_usage, opt_bad_text(r->g, f, text), NULL);
	return out_end(r->config.out, EXIT_usage, NULL, NULL);
}

int run_init(struct run *r, const struct run_config *config)
{
	struct run_setup s = { 0 };
	struct fail f = { 0 };
	int e, code;

	*r = (struct run){
		.config = *config,
		.g = config->g,
		.cmd = config->g->cmd,
		.arg = config->arg,
		.transport = -1,
		.key_password = BUF_INIT(SECRET_MAX),
	};
	e = run_setup(r, &s, &f);
	if (e != -FAIL_ARGUMENT && r->cmd->kind != CMD_NONE && check_new(r->g, &r->check, &f) != 0)
		e = -FAIL_ARGUMENT;
	if (e == -FAIL_ARGUMENT)
		return bad_value(r, &f);
	r->out = config->out;
	if (!r->out && (code = open_output(r)) != OPT_GO_ON) {
		check_free(r->check);
		return code;
	}
	check_open(r->check, r->out, r->config.keeps);
	signal(SIGPIPE, SIG_IGN); /* ruling 18: noticed by the output, after an orderly end */
	raise_limit();
	r->listens_tls = s.listens_tls;
	explain(r, &s);
	if (e == 0 && r->cmd->kind != CMD_NONE)
		e = open_endpoint(r, &s, &f);
	return e ? give_up(r, e, &f) : OPT_GO_ON;
}

/* ---- the loop and the orderly end ---- */

static void leave(struct run *r)
{
	r->over = true;
	if (r->running)
		ev_break(endpoint_loop(), EVBREAK_ALL);
}

static uint64_t grace(const struct run *r)
{
	return r->timeout_ms < GRACE_MS ? r->timeout_ms : GRACE_MS;
}

/* All went well but, perhaps, for what was to be checked. */
static int verdict(struct run *r)
{
	int code = check_verdict(r->check);

	if (code != EXIT_ok)
		out_error(r->out, code, check_why(r->check), NULL);
	return code;
}

void run_finish(struct run *r, int code)
{
	if (check_reached(r->check))
		code = EXIT_ok;
	else if (!r->finished && code == EXIT_ok && r->exit_code == EXIT_ok)
		code = verdict(r);
	if (r->exit_code == EXIT_ok)
		r->exit_code = code;
	r->finished = true;
	if (check_drops(r->check) || !run_register_stop(r)) {
		leave(r);
		return;
	}
	if (!r->end_at)
		r->end_at = net_now_ms() + grace(r);
	net_timer_set(endpoint_loop(), &r->end_timer, r->end_at);
}

/* Begins the orderly end: by a signal, --max-time, a broken output, a step that was reached or the
 * loss of the registration. code: what that means. */
static void end(struct run *r, int code, uint64_t grace_ms)
{
	if (r->stopping || r->finished || r->over)
		return;
	r->stopping = true;
	if (r->exit_code == EXIT_ok)
		r->exit_code = code;
	r->end_at = net_now_ms() + grace_ms;
	if (!r->config.stop || !r->started) {
		run_finish(r, code);
		return;
	}
	/* a binding needs some of the time */
	net_timer_set(endpoint_loop(), &r->end_timer,
		run_register_alive(r) ? r->end_at - grace_ms / 3 : r->end_at);
	r->config.stop(r);
}

static void on_signal(struct ev_loop *loop, ev_signal *w, int revents)
{
	struct run *r = w->data;

	(void)loop;
	(void)revents;
	out_live_hide(r->out); /* with the ^C that the terminal has put behind it */
	if (r->signal) {
		if (r->config.at_once)
			r->config.at_once(r);
		fflush(NULL);
		_exit(128 + w->signum);
	}
	r->signal = w->signum;
	out_note(r->out, "%s", w->signum == SIGINT ? "interrupted" : "terminated");
	end(r, r->goal && r->config.keeps ? EXIT_ok : 128 + w->signum, grace(r));
}

static void on_max_time(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct run *r = w->data;

	(void)revents;
	ev_timer_stop(loop, w);
	if (r->stopping || r->finished) {
		leave(r);
	} else if (r->goal && r->config.keeps) {
		out_note(r->out, "--max-time is over");
		end(r, EXIT_ok, grace(r));
	} else {
		char text[80];
		snprintf(text, sizeof(text), "no result within --max-time=%s", r->g->max_time);
		out_error(r->out, EXIT_timeout, text, NULL);
		/* what can be said at once is said, nothing is waited for */
		end(r, EXIT_timeout, 0);
	}
}

static void on_end_time(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct run *r = w->data;

	(void)revents;
	ev_timer_stop(loop, w);
	if (!r->finished && run_register_stop(r)) {
		r->finished = true; /* what it has to say takes too long */
		net_timer_set(loop, w, r->end_at);
		return;
	}
	if (r->signal || run_register_alive(r))
		out_warn(r->out, "the orderly end was cut short: %s",
			run_register_alive(r) ? "what was registered may still be"
					      : "the peer may not know of it yet");
	leave(r);
}

/* The step of --stop-after or --drop-after, or a check that did not hold where nothing ends by
 * itself. */
static void on_step(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct run *r = w->data;

	(void)revents;
	ev_timer_stop(loop, w);
	if (check_drops(r->check))
		leave(r);
	else
		end(r, EXIT_ok, grace(r));
}

/* Every pass of the loop: nobody reads our output any more? */
static void on_pass(struct ev_loop *loop, ev_prepare *w, int revents)
{
	struct run *r = w->data;

	(void)loop;
	(void)revents;
	if (out_broken(r->out))
		end(r, EXIT_ok, grace(r)); /* out_end knows the code */
}

/* libev's own handler would have a write to a reader that does not read go on (SA_RESTART), and
 * nothing but SIGKILL would end us. */
static void interrupt_writing(int signum)
{
	out_hurry();
	ev_feed_signal(signum);
}

static void catch (ev_signal *w)
{
	ev_signal_start(endpoint_loop(), w);
	sigaction(w->signum, &(struct sigaction){ .sa_handler = interrupt_writing }, NULL);
}

static void watch(struct run *r)
{
	struct ev_loop *loop = endpoint_loop();

	ev_signal_init(&r->on_int, on_signal, SIGINT);
	ev_signal_init(&r->on_term, on_signal, SIGTERM);
	ev_prepare_init(&r->on_pass, on_pass);
	ev_init(&r->max_timer, on_max_time);
	ev_init(&r->end_timer, on_end_time);
	ev_init(&r->step_timer, on_step);
	r->on_int.data = r->on_term.data = r->on_pass.data = r;
	r->max_timer.data = r->end_timer.data = r->step_timer.data = r;
	catch (&r->on_int);
	catch (&r->on_term);
	ev_prepare_start(loop, &r->on_pass);
	if (r->max_time_ms)
		net_timer_set(loop, &r->max_timer, net_now_ms() + r->max_time_ms);
}

static void unwatch(struct run *r)
{
	struct ev_loop *loop = endpoint_loop();

	ev_signal_stop(loop, &r->on_int);
	ev_signal_stop(loop, &r->on_term);
	ev_prepare_stop(loop, &r->on_pass);
	ev_timer_stop(loop, &r->max_timer);
	ev_timer_stop(loop, &r->end_timer);
	ev_timer_stop(loop, &r->step_timer);
}

static int start(struct run *r, struct fail *f)
{
	if (!r->started && r->manager)
		run_announce_listening(r);
	r->started = true;
	check_start(r->check, r->registers);
	return r->config.start(r, f);
}

static void begin(struct run *r, int (*what)(struct run *r, struct fail *f))
{
	struct fail f = { 0 };
	int e = what(r, &f);

	if (e == 0)
		return;
	out_error(r->out, exit_of_fail(e), fail_show(&f), NULL);
	run_finish(r, exit_of_fail(e));
}

static void ask(struct run *r)
{
	struct fail f = { 0 };

	if (run_creds_ask(r, &f) == 0)
		return;
	r->again = false;
	out_note(r->out, "%s", fail_show(&f));
	run_finish(r, out_failed(r->out, &r->last));
}

void run_loop(struct run *r)
{
	watch(r);
	do {
		r->again = false;
		if (r->cmd->kind != CMD_NONE || r->config.parties)
			out_live_begin(r->out, r->timeout_ms);
		begin(r, r->registers && !r->started ? run_register_start : start);
		r->running = true;
		if (!r->over)
			ev_run(endpoint_loop(), 0);
		r->running = false;
		out_live_end(r->out);
		if (r->again && !r->over)
			ask(r);
	} while (r->again && !r->over);
	unwatch(r);
}

int run_done(struct run *r)
{
	struct endpoint_counts counts =
		r->manager ? endpoint_manager_counts(r->manager) : r->counts;
	int code;

	run_register_free(r);
	endpoint_free(r->endpoint);
	endpoint_manager_free(r->manager);
	cred_store_free(r->creds);
	buf_wipe(&r->key_password);
	check_free(r->check);
	code = out_end(r->out, r->exit_code, r->has_last ? &r->last : NULL, &counts);
	r->out = NULL;
	return code;
}

/* ---- results ---- */

void run_result(struct run *r, const struct endpoint_result *result)
{
	out_result(r->out, result);
	r->last = *result;
	r->has_last = true;
	if (!result->response)
		return;
	r->last_response = (struct endpoint_msg){
		.status_code = result->response->status_code,
		.cseq = result->response->cseq,
		.bytes = result->response->bytes,
		.retransmissions = result->response->retransmissions,
		.rtt_ms = result->response->rtt_ms,
	};
	r->last.response = &r->last_response;
}

/* What it means, by the command's own table if it has one. */
static int exit_of(const struct run *r, const struct endpoint_result *result)
{
	return r->config.exit_of ? r->config.exit_of(result) : exit_of_result(result);
}

/* Ruling 30: the server may refuse to connect to hosts that it does not know, and says nothing. */
static void hint(struct run *r, int code)
{
	if (code == EXIT_timeout && r->kind == ENDPOINT_SERVER_BASED && r->listens_tls)
		out_warn(r->out, "the server may not trust this host, which listens on TLS");
}

int run_judge(struct run *r, const struct endpoint_result *result)
{
	return check_result(r->check, result, exit_of(r, result));
}

/* A final result, good or bad: what it means, an error if it is one, and the end. */
static void conclude(struct run *r, const struct endpoint_result *result)
{
	int code = run_judge(r, result);

	if (code == EXIT_check_failed)
		out_error(r->out, code, check_why(r->check), result);
	else if (code != EXIT_ok)
		out_error(r->out, code, fail_show(&result->fail), result);
	hint(r, code);
	run_finish(r, code);
}

/* A password may help: asks for it from the loop. */
static bool ask_first(struct run *r, const struct endpoint_result *result)
{
	r->again = r->running && run_creds_may_ask(r, result);
	if (r->again)
		ev_break(endpoint_loop(), EVBREAK_ALL);
	return r->again;
}

void run_failed(struct run *r, const struct endpoint_result *result)
{
	bool wanted = result->response && check_expects(r->check, result->response->status_code);

	run_result(r, result);
	if (r->stopping) /* the end was reported when it began */
		run_finish(r, exit_of(r, result));
	else if (wanted || !ask_first(r, result))
		conclude(r, result);
}

/* ---- the registration that goes first ---- */

void run_registered(struct run *r)
{
	if (!r->started && !r->stopping && !r->finished)
		begin(r, start);
}

void run_register_failed(struct run *r, const struct endpoint_result *result)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 16);
	int code = exit_of_result(result);

	if (r->stopping || r->finished || (!r->started && ask_first(r, result)))
		return;
	run_result(r, result);
	buf_addf(&b, "REGISTER: %s", fail_show(&result->fail)); /* not the command's request */
	out_error(r->out, code, buf_cstr(&b), result);
	hint(r, code);
	end(r, code, grace(r)); /* the command says what it has to say, if there is a way */
}

void run_register_closed(struct run *r)
{
	leave(r);
}

void run_event(void *arg, const struct endpoint_event *ev)
{
	struct run *r = arg;

	switch (ev->type) {
	case ENDPOINT_DONE:
		run_result(r, ev->result);
		out_event(r->out, ev);
		conclude(r, ev->result);
		break;
	case ENDPOINT_FAILED:
		run_failed(r, ev->result);
		break;
	case ENDPOINT_CLOSED:
		if (ev->result)
			run_result(r, ev->result);
		run_finish(r, EXIT_ok);
		break;
	default:
		out_event(r->out, ev);
		break;
	}
}

void run_unsent(struct run *r, int e, struct str wire, const struct fail *f)
{
	if (e == 0) {
		out_unsent(r->out, wire);
		return;
	}
	out_error(r->out, exit_of_fail(e), fail_show(f), NULL);
	run_finish(r, exit_of_fail(e));
}

int run_usage(struct run *r, const char *fmt, ...)
{
	char text[480];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	out_error(r->out, EXIT_usage, text, NULL);
	return EXIT_usage;
}
