/* tests/peers/one_flow.c -- everything on one server-based endpoint: tests/interop/one_flow.bats
 *
 *   one_flow tcp|tls SERVER CAFILE USER PEER
 *
 * USER@rte.test (password pw-USER, Digest) registers at SERVER, sends PEER a MESSAGE, subscribes to
 * PEER's presence, publishes its own and calls PEER. A line for each that has succeeded:
 * "registered", "message", "notified", "published", "called", then "round N". With each line it
 * reads from stdin it does all again; "registered" and "notified" also come by themselves after a
 * connection was lost. At the end of stdin all is taken back. Lines "connected PORT", "disconnected
 * PORT" (our port) and, for whatever went another way than the last connection, "astray METHOD".
 * Ends 0 when everything succeeded. */
#include "endpoint/publication.h"
#include "endpoint/registration.h"
#include "endpoint/session.h"
#include "endpoint/subscription.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum step {
	STEP_REGISTER,
	STEP_MESSAGE,
	STEP_SUBSCRIBE,
	STEP_PUBLISH,
	STEP_CALL,
	STEP_WAIT,
	STEP_STOP_SUBSCRIPTION,
	STEP_STOP_PUBLICATION,
	STEP_STOP_REGISTRATION,
	STEP_END,
};

struct party {
	struct endpoint_manager *manager;
	struct endpoint *endpoint;
	struct registration *registration;
	struct request *message;
	struct subscription *subscription;
	struct publication *publication;
	struct session *session;
	struct media *media;
	char uri[128], peer[128];
	ev_timer next; /* the step is begun by it, outside of every handler */
	ev_io input;
	enum step step;
	unsigned round;
	uint16_t port; /* of the connection made last */
	bool failed;
};

static void say(const char *what)
{
	printf("%s\n", what);
	fflush(stdout);
}

static void go(struct party *p, enum step step)
{
	p->step = step;
	ev_timer_start(endpoint_loop(), &p->next);
}

static void die(struct party *p, const char *what, const struct fail *f)
{
	fprintf(stderr, "one_flow: %s: %s\n", what, fail_show(f));
	p->failed = true;
	ev_break(endpoint_loop(), EVBREAK_ALL);
}

static void on_endpoint(void *arg, const struct endpoint_event *ev)
{
	struct party *p = arg;

	if (ev->type == ENDPOINT_CONNECTED) {
		p->port = ev->flow->local.port;
		printf("connected %u\n", p->port);
	} else if (ev->type == ENDPOINT_DISCONNECTED) {
		printf("disconnected %u\n", ev->flow->local.port);
	} else if (ev->type == ENDPOINT_REQUEST && ev->msg->local.port != p->port) {
		printf("astray %.*s\n", (int)ev->msg->method.n, ev->msg->method.p);
	}
	fflush(stdout);
}

static void on_registration(void *arg, const struct endpoint_event *ev)
{
	struct party *p = arg;

	if (ev->type == ENDPOINT_FAILED) {
		die(p, "registration", &ev->result->fail);
	} else if (ev->type == ENDPOINT_REGISTRATION && ev->registration->active) {
		say("registered");
		if (p->step == STEP_REGISTER)
			go(p, STEP_MESSAGE);
	} else if (ev->type == ENDPOINT_CLOSED) {
		go(p, STEP_END);
	}
}

static void on_message(void *arg, const struct endpoint_event *ev)
{
	struct party *p = arg;

	if (ev->type == ENDPOINT_FAILED) {
		die(p, "message", &ev->result->fail);
	} else if (ev->type == ENDPOINT_DONE) {
		say("message");
		go(p, STEP_SUBSCRIBE);
	}
}

static void on_subscription(void *arg, const struct endpoint_event *ev)
{
	struct party *p = arg;

	if (ev->type == ENDPOINT_FAILED) {
		die(p, "subscription", &ev->result->fail);
	} else if (ev->type == ENDPOINT_NOTIFY) {
		say("notified");
		if (p->step == STEP_SUBSCRIBE)
			go(p, STEP_PUBLISH);
	} else if (ev->type == ENDPOINT_CLOSED) {
		go(p, STEP_STOP_PUBLICATION);
	}
}

static void on_publication(void *arg, const struct endpoint_event *ev)
{
	struct party *p = arg;

	if (ev->type == ENDPOINT_FAILED) {
		die(p, "publication", &ev->result->fail);
	} else if (ev->type == ENDPOINT_PUBLICATION &&
		   strcmp(ev->publication->state, "active") == 0) {
		say("published");
		if (p->step == STEP_PUBLISH)
			go(p, STEP_CALL);
	} else if (ev->type == ENDPOINT_CLOSED) {
		go(p, STEP_STOP_REGISTRATION);
	}
}

static void on_session(void *arg, const struct endpoint_event *ev)
{
	struct party *p = arg;

	if (ev->type == ENDPOINT_FAILED) {
		die(p, "call", &ev->result->fail);
	} else if (ev->type == ENDPOINT_SESSION && strcmp(ev->session->state, "confirmed") == 0) {
		session_stop(p->session, STR_EMPTY);
	} else if (ev->type == ENDPOINT_CLOSED) {
		say("called");
		go(p, STEP_WAIT);
	}
}

static int register_us(struct party *p, struct fail *f)
{
	const struct registration_config config = {
		.endpoint = p->endpoint,
		.expires = 600,
		.q = -1,
		.keep = true,
		.on_event = on_registration,
		.arg = p,
	};

	return registration_start(&config, &p->registration, f);
}

static int send_message(struct party *p, struct fail *f)
{
	const struct request_config config = {
		.endpoint = p->endpoint,
		.method = STR("MESSAGE"),
		.target = str_of(p->peer),
		.body = STR("Is it one connection?"),
		.type = STR("text/plain"),
		.max_forwards = -1,
		.on_event = on_message,
		.arg = p,
	};

	request_free(p->message);
	p->message = NULL;
	return request_start(&config, &p->message, f);
}

static int subscribe(struct party *p, struct fail *f)
{
	const struct subscription_config config = {
		.endpoint = p->endpoint,
		.target = str_of(p->peer),
		.event = STR("presence"),
		.expires = 600,
		.decode = true,
		.max_forwards = -1,
		.on_event = on_subscription,
		.arg = p,
	};

	if (p->subscription)
		return subscription_refresh(p->subscription);
	return subscription_start(&config, &p->subscription, f);
}

static int publish(struct party *p, struct fail *f)
{
	static const char body[] =
		"<?xml version=\"1.0\"?><presence xmlns=\"urn:ietf:params:xml:ns:pidf\""
		" entity=\"sip:alice@rte.test\"><tuple id=\"a\"><status>"
		"<basic>open</basic></status></tuple></presence>";
	const struct publication_config config = {
		.endpoint = p->endpoint,
		.target = str_of(p->uri),
		.event = STR("presence"),
		.expires = 600,
		.type = STR(PUBLICATION_PRESENCE_TYPE),
		.body = STR(body),
		.keep = true,
		.max_forwards = -1,
		.on_event = on_publication,
		.arg = p,
	};

	if (p->publication)
		return publication_refresh(p->publication);
	return publication_start(&config, &p->publication, f);
}

static int call(struct party *p, struct fail *f)
{
	const struct session_config config = {
		.endpoint = p->endpoint,
		.policy = { .media = p->media, .on_event = on_session, .arg = p },
		.target = str_of(p->peer),
		.max_forwards = -1,
	};

	session_free(p->session);
	p->session = NULL;
	return session_start(&config, &p->session, f);
}

static void begin(struct party *p)
{
	struct fail f = { 0 };
	int e = 0;

	if (p->step == STEP_REGISTER) {
		e = register_us(p, &f);
	} else if (p->step == STEP_MESSAGE) {
		e = send_message(p, &f);
	} else if (p->step == STEP_SUBSCRIBE) {
		e = subscribe(p, &f);
	} else if (p->step == STEP_PUBLISH) {
		e = publish(p, &f);
	} else if (p->step == STEP_CALL) {
		e = call(p, &f);
	} else if (p->step == STEP_WAIT) {
		printf("round %u\n", ++p->round);
		fflush(stdout);
	} else if (p->step == STEP_STOP_SUBSCRIPTION) {
		subscription_stop(p->subscription);
	} else if (p->step == STEP_STOP_PUBLICATION) {
		publication_stop(p->publication);
	} else if (p->step == STEP_STOP_REGISTRATION) {
		registration_stop(p->registration);
	} else {
		ev_break(endpoint_loop(), EVBREAK_ALL);
	}
	if (e != 0) {
		f.code = f.code ? f.code : e;
		die(p, "start", &f);
	}
}

static void on_next(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	begin(w->data);
}

static void on_input(struct ev_loop *loop, ev_io *w, int revents)
{
	char line[64];
	ssize_t n = read(STDIN_FILENO, line, sizeof(line));

	(void)revents;
	if (n <= 0)
		ev_io_stop(loop, w);
	go(w->data, n > 0 ? STEP_MESSAGE : STEP_STOP_SUBSCRIPTION);
}

static int make_endpoint(struct party *p, int transport, struct str server, const char *ca,
	struct cred_store *creds, struct fail *f)
{
	struct endpoint_manager_config mc = { .kind = NET_CLIENT };
	struct endpoint_config ec = { .kind = ENDPOINT_SERVER_BASED,
		.aor = str_of(p->uri),
		.transport = transport,
		.servers = &server,
		.server_count = 1,
		.auth.creds = creds,
		.on_event = on_endpoint,
		.arg = p };
	struct media_config media = { .kind = MEDIA_BUILT_IN };
	int e;

	mc.tls.cacert = ca;
	mc.tls.min_version = 12;
	if ((e = endpoint_manager_new(&mc, &p->manager, f)) != 0)
		return e;
	media.manager = ec.manager = p->manager;
	if ((e = media_new(&media, &p->media, f)) != 0)
		return e;
	return endpoint_new(&ec, &p->endpoint, f);
}

int main(int argc, char **argv)
{
	struct party p = { .step = STEP_REGISTER };
	struct cred_store *creds = cred_store_new();
	struct fail f = { 0 };
	char password[64];

	if (argc != 6 || (strcmp(argv[1], "tcp") != 0 && strcmp(argv[1], "tls") != 0)) {
		fprintf(stderr, "usage: one_flow tcp|tls SERVER CAFILE USER PEER\n");
		return 2;
	}
	snprintf(p.uri, sizeof(p.uri), "sip:%s@rte.test", argv[4]);
	snprintf(p.peer, sizeof(p.peer), "sip:%s@rte.test", argv[5]);
	snprintf(password, sizeof(password), "pw-%s", argv[4]);
	cred_store_add(creds,
		&(struct cred){ .realm = STR("*"),
			.user = str_of(argv[4]),
			.kind = CRED_PASSWORD,
			.secret = str_of(password),
			.source = "test" },
		&f);
	if (make_endpoint(&p, strcmp(argv[1], "tls") == 0 ? NET_TLS : NET_TCP, str_of(argv[2]),
		    argv[3], creds, &f) != 0) {
		fprintf(stderr, "one_flow: %s\n", fail_show(&f));
		return 1;
	}
	ev_timer_init(&p.next, on_next, 0, 0);
	p.next.data = &p;
	ev_io_init(&p.input, on_input, STDIN_FILENO, EV_READ);
	p.input.data = &p;
	ev_io_start(endpoint_loop(), &p.input);
	go(&p, STEP_REGISTER);
	ev_run(endpoint_loop(), 0);
	session_free(p.session);
	publication_free(p.publication);
	subscription_free(p.subscription);
	request_free(p.message);
	registration_free(p.registration);
	media_free(p.media);
	endpoint_free(p.endpoint);
	endpoint_manager_free(p.manager);
	cred_store_free(creds);
	return p.failed;
}
