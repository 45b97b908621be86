/* tests/unit/test_renewal.c -- a request whose security association the server has forgotten waits
 * for a REGISTER to make another (microsoft-auth.md 1.10): whatever comes meanwhile, it ends */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "serve_rig.h"

#include "agent_rig.h"
#include "endpoint/request_impl.h"
#include "serve/pact.h"

struct renewal {
	struct srv *v;
	struct ua *u;
	struct op *registration, *request;
};

static void order(const struct renewal *w, const char *text)
{
	struct fail f;

	assert_int_equal(0, serve_order(w->v->s, str_of(text), &f));
}

/* alice is registered, and forgotten; her request has been challenged, and waits. */
static struct renewal waiting(const char *method, unsigned max_outstanding, bool unsigned_too)
{
	struct renewal w = { .v = srv_ntlm((struct serve_config){ .ocs = true }) };
	struct cred_store *creds = rig_creds("secret");
	char at[96];
	struct str server;

	snprintf(at, sizeof(at), "sip:%s;transport=tcp", w.v->text);
	server = str_of(at);
	w.u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT },
		(struct endpoint_config){
			.servers = &server,
			.server_count = 1,
			.transport = NET_TCP,
			.dialect = ENDPOINT_OCS,
			.aor = STR("sip:alice@test.invalid"),
			.max_outstanding = max_outstanding,
			.auth = { .creds = creds,
				.schemes = { AUTH_NTLM },
				.scheme_count = 1,
				.unsigned_too = unsigned_too },
		});
	w.u->creds = creds;
	w.registration = op_register(
		w.u, (struct registration_config){ .what = REGISTRATION_ADD, .keep = true });
	rig_run(&w.registration->heard.finals, 1, 400);
	assert_true(registration_active(w.registration->reg));
	order(&w, "forget alice");
	w.request = op_request(w.u, (struct request_config){ .method = str_of(method),
					    .target = STR("sip:echo@test.invalid") });
	for (int i = 0; i < 2000 && !w.request->r->waits_for_renewal; i++)
		ev_run(net_loop(), EVRUN_ONCE);
	assert_true(w.request->r->waits_for_renewal);
	return w;
}

/* It ends once, with this code. */
static void ends(struct renewal *w, int code)
{
	assert_true(rig_run(&w->request->heard.finals, 1, 8000));
	assert_int_equal(code, w->request->r->result.fail.code);
	assert_true(code == 0 || w->request->r->result.fail.text[0] || code == -FAIL_CANCELLED);
	op_free(w->request);
	if (w->registration)
		op_free(w->registration);
	ua_free(w->u);
	srv_free(w->v);
}

static void test_goes_on(void **state)
{
	struct renewal w = waiting("MESSAGE", 0, false);

	(void)state;
	ends(&w, 0);
}

/* The REGISTER needs the only place there is. */
static void test_one_place(void **state)
{
	struct renewal w = waiting("MESSAGE", 1, false);

	(void)state;
	ends(&w, 0);
}

static void test_registration_stops(void **state)
{
	struct renewal w = waiting("MESSAGE", 0, false);

	(void)state;
	registration_stop(w.registration->reg);
	ends(&w, -FAIL_LOST);
}

static void test_registration_is_freed(void **state)
{
	struct renewal w = waiting("MESSAGE", 0, false);

	(void)state;
	w.registration->heard.quiet = true;
	registration_free(w.registration->reg);
	w.registration->reg = NULL;
	ends(&w, -FAIL_LOST);
}

static void test_deregistered(void **state)
{
	struct renewal w = waiting("MESSAGE", 0, true);

	(void)state;
	order(&w, "deregister alice unregistered");
	ends(&w, -FAIL_LOST);
}

/* Taken away, to be made anew: with it comes another association. */
static void test_deactivated(void **state)
{
	struct renewal w = waiting("MESSAGE", 0, true);

	(void)state;
	order(&w, "deregister alice deactivated");
	ends(&w, 0);
}

static void test_cancelled(void **state)
{
	struct renewal w = waiting("INVITE", 0, false);

	(void)state;
	request_cancel(w.request->r, STR_EMPTY);
	ends(&w, -FAIL_CANCELLED);
}

static void test_request_is_freed(void **state)
{
	struct renewal w = waiting("MESSAGE", 0, false);

	(void)state;
	w.request->heard.quiet = true;
	request_free(w.request->r);
	w.request->r = NULL;
	rig_idle(300);
	assert_true(registration_active(w.registration->reg));
	op_free(w.request);
	op_free(w.registration);
	ua_free(w.u);
	srv_free(w.v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_goes_on),
		cmocka_unit_test(test_one_place),
		cmocka_unit_test(test_registration_stops),
		cmocka_unit_test(test_registration_is_freed),
		cmocka_unit_test(test_deregistered),
		cmocka_unit_test(test_deactivated),
		cmocka_unit_test(test_cancelled),
		cmocka_unit_test(test_request_is_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
