/* tests/bench/run/registrations.c -- registrations N udp|tcp|tls SERVER [CAFILE]: N times register
 * alice (password pw-alice, Digest) one after another over one flow, each anew: REGISTER, 401,
 * REGISTER, 200. What lib/endpoint costs without the start of a program. Prints the CPU time in ms.
 */
#include "endpoint/registration.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct bench {
	struct endpoint *endpoint;
	struct registration *registration;
	ev_timer next;
	unsigned left;
	bool failed;
};

static void on_event(void *arg, const struct endpoint_event *ev)
{
	struct bench *b = arg;

	if (ev->type == ENDPOINT_FAILED) {
		fprintf(stderr, "registrations: %s\n", fail_show(&ev->result->fail));
		b->failed = true;
		ev_break(endpoint_loop(), EVBREAK_ALL);
	} else if (ev->type == ENDPOINT_DONE) {
		b->left--;
		ev_timer_start(endpoint_loop(), &b->next);
	}
}

static void on_endpoint(void *arg, const struct endpoint_event *ev)
{
	(void)arg;
	(void)ev;
}

static void on_next(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct bench *b = w->data;
	struct fail f = { 0 };
	const struct registration_config config = {
		.endpoint = b->endpoint,
		.expires = 600,
		.q = -1,
		.follow = 3,
		.on_event = on_event,
		.arg = b,
	};

	(void)revents;
	registration_free(b->registration);
	b->registration = NULL;
	if (b->left == 0) {
		ev_break(loop, EVBREAK_ALL);
	} else if (registration_start(&config, &b->registration, &f) != 0) {
		fprintf(stderr, "registrations: %s\n", fail_show(&f));
		b->failed = true;
		ev_break(loop, EVBREAK_ALL);
	}
}

static double cpu_ms(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
}

int main(int argc, char **argv)
{
	const char *words[] = { "udp", "tcp", "tls" };
	struct endpoint_manager_config mc = { .kind = NET_CLIENT };
	struct bench b = { .left = argc > 1 ? (unsigned)atoi(argv[1]) : 0 };
	struct cred_store *creds = cred_store_new();
	struct endpoint_manager *manager;
	struct str server = str_of(argc > 3 ? argv[3] : "");
	struct endpoint_config ec = { .kind = ENDPOINT_SERVER_BASED,
		.aor = STR("sip:alice@rte.test"),
		.transport = -1,
		.servers = &server,
		.server_count = 1,
		.on_event = on_endpoint };
	struct fail f = { 0 };

	for (int i = 0; i < 3 && argc > 3; i++)
		if (strcmp(argv[2], words[i]) == 0)
			ec.transport = i;
	if (b.left == 0 || ec.transport < 0) {
		fprintf(stderr, "usage: registrations N udp|tcp|tls SERVER [CAFILE]\n");
		return 2;
	}
	mc.tls.cacert = argc > 4 ? argv[4] : NULL;
	mc.tls.min_version = 12;
	cred_store_add(creds,
		&(struct cred){ .realm = STR("*"),
			.user = STR("alice"),
			.kind = CRED_PASSWORD,
			.secret = STR("pw-alice"),
			.source = "bench" },
		&f);
	ec.auth.creds = creds;
	if (endpoint_manager_new(&mc, &manager, &f) != 0) {
		fprintf(stderr, "registrations: %s\n", fail_show(&f));
		return 1;
	}
	ec.manager = manager;
	if (endpoint_new(&ec, &b.endpoint, &f) != 0) {
		fprintf(stderr, "registrations: %s\n", fail_show(&f));
		return 1;
	}
	ev_timer_init(&b.next, on_next, 0, 0);
	b.next.data = &b;
	ev_timer_start(endpoint_loop(), &b.next);
	ev_run(endpoint_loop(), 0);
	registration_free(b.registration);
	endpoint_free(b.endpoint);
	endpoint_manager_free(manager);
	cred_store_free(creds);
	printf("%.1f\n", cpu_ms());
	return b.failed;
}
