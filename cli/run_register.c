#include "run_register.h"

#include "endpoint/registration.h"
#include "value.h"

enum { FOLLOW = 3 }; /* redirects of a REGISTER (cli.md section 7) */

int run_register_setup(struct run *r, struct fail *f)
{
	const struct groups *g = r->g;
	int e = value_seconds(
		"--register-expires", g->register_expires, 3600, &r->register_expires, f);

	if (e != 0)
		return e;
	if (g->register_expires && r->register_expires == 0)
		return fail_set(f, -FAIL_ARGUMENT, "--register-expires: it must be more than 0");
	if (opt_on_line(g, "register-expires") && !r->registers && !r->config.registers_later)
		return fail_set(f, -FAIL_ARGUMENT, "--register-expires without --register");
	if (r->registers && r->aor[0] == '\0')
		return fail_set(f, -FAIL_ARGUMENT, "--register: it needs --aor");
	return 0;
}

static void on_event(void *arg, const struct endpoint_event *ev)
{
	struct run *r = arg;

	switch (ev->type) {
	case ENDPOINT_REGISTRATION:
		out_event(r->out, ev);
		if (ev->registration->active)
			run_registered(r);
		break;
	case ENDPOINT_FAILED:
		r->register_over = true;
		run_register_failed(r, ev->result);
		break;
	case ENDPOINT_CLOSED:
		r->register_over = true;
		if (ev->result && ev->result->fail.code)
			out_warn(r->out, "the binding could not be removed: %s",
				fail_show(&ev->result->fail));
		run_register_closed(r);
		break;
	default:
		out_event(r->out, ev);
		break;
	}
}

struct registration_config run_register_config(const struct run *r)
{
	return (struct registration_config){
		.endpoint = r->endpoint,
		.what = REGISTRATION_ADD,
		/* in dialect ocs it is the server's to say, unless somebody wants it */
		.expires = r->dialect == ENDPOINT_OCS && !r->g->register_expires
				   ? 0
				   : r->register_expires,
		.q = -1,
		.keep = true,
		.reject_unchallenged = r->must_challenge,
		.follow = r->g->follow ? r->follow : FOLLOW,
		.timeout_ms = r->timeout_ms,
		.retry = r->retry,
		.recover_ms = r->recover_ms,
	};
}

static struct registration_config config(struct run *r)
{
	struct registration_config c = run_register_config(r);

	c.on_event = on_event;
	c.arg = r;
	return c;
}

int run_register_start(struct run *r, struct fail *f)
{
	const struct registration_config c = config(r);

	run_register_free(r);
	return registration_start(&c, &r->registration, f);
}

bool run_register_alive(const struct run *r)
{
	return r->registration && !r->register_over;
}

bool run_register_stop(struct run *r)
{
	if (!run_register_alive(r))
		return false;
	registration_stop(r->registration); /* twice is fine */
	return true;
}

int run_register_dry_run(struct run *r, struct fail *f)
{
	CLEANUP(buf_done) struct buf wire = BUF_INIT(1 << 20);
	const struct registration_config c = config(r);
	int e = registration_dry_run(&c, &wire, f);

	if (e == 0)
		out_unsent(r->out, buf_str(&wire));
	return e;
}

void run_register_free(struct run *r)
{
	registration_free(r->registration);
	r->registration = NULL;
	r->register_over = false;
}
