/* lib/endpoint/session_leg.c -- one dialog of a session, and the requests that belong to it alone:
 * PRACK, ACK and BYE. RFC 3261 sections 13.2.2.4 and 15.1, RFC 3262 section 4 */
#include "endpoint/session_impl.h"

#include "base/mem.h"
#include "sip/build.h"

struct session_leg *session_leg_new(struct session *s)
{
	struct session_leg *leg = MEM_NEW(struct session_leg);

	leg->session = s;
	leg->dialog.on_request = session_on_request;
	leg->dialog.arg = leg;
	leg->id = list_empty(&s->legs) && !s->leg ? s->first_id
						  : dialog_next_id(s->endpoint->manager);
	list_init(&leg->node);
	list_init(&leg->pracks);
	list_add(&s->legs, &leg->node);
	return leg;
}

/* A PRACK on its way. */
struct prack {
	struct list node; /* in leg->pracks */
	struct session_leg *leg;
	struct request *request;
	uint32_t rseq;
};

static void prack_free(struct prack *k)
{
	list_del(&k->node);
	request_free(k->request);
	mem_free(k);
}

void session_leg_free(struct session_leg *leg)
{
	if (!leg)
		return;
	list_del(&leg->node);
	if (leg->session->media_leg == leg)
		leg->session->media_leg = NULL;
	LIST_EACH (it, &leg->pracks)
		prack_free(CONTAINER_OF(it, struct prack, node));
	request_free(leg->ack);
	request_free(leg->bye);
	dialog_close(&leg->dialog);
	mem_free(leg);
}

struct session_leg *session_leg_find(struct session *s, struct str remote_tag)
{
	LIST_EACH (it, &s->legs) {
		struct session_leg *leg = CONTAINER_OF(it, struct session_leg, node);

		if (str_eq(leg->dialog.sip.remote_tag, remote_tag))
			return leg;
	}
	return NULL;
}

bool session_leg_lost(const struct session_leg *leg)
{
	return leg->session->leg && leg->session->leg != leg;
}

static void on_ack(void *arg, const struct endpoint_event *ev)
{
	struct session_leg *leg = arg;

	if (ev->type < ENDPOINT_DONE)
		return;
	request_free(leg->ack);
	leg->ack = NULL;
}

/* 13.2.2.4: "The ACK MUST be passed to the client transport every time a retransmission of the 2xx
 * ... arrives." One that has not gone yet will do. */
void session_ack(struct session_leg *leg, struct session_sent *sent)
{
	struct request_config config = {
		.endpoint = leg->session->endpoint,
		.method = STR("ACK"),
		.max_forwards = -1,
		.dialog = &leg->dialog,
		.ack_of = request_msg(sent->request),
		.on_event = on_ack,
		.arg = leg,
	};

	if (leg->ack)
		return;
	if (sent->answer) {
		config.body = str_of(sent->answer);
		config.type = STR("application/sdp");
	}
	if (request_start(&config, &leg->ack, NULL) != 0)
		leg->ack = NULL;
}

static void write_plain(void *arg, struct request *r, struct buf *b)
{
	(void)arg;
	(void)r;
	sip_build_hdr(b, SIP_HDR_SUPPORTED, STR("timer, replaces, norefersub")); /* RFC 4028 7.1 */
}

/* Is a further 2xx's dialog still to be hung up? */
static bool has_extra(const struct session *s)
{
	LIST_EACH (it, &s->legs) {
		const struct session_leg *leg = CONTAINER_OF(it, struct session_leg, node);

		if (leg != s->leg && leg->bye)
			return true;
	}
	return false;
}

/* Of a further 2xx's dialog: that is over. The session's own end may have waited for it. */
static void end_extra(struct session_leg *leg, const struct endpoint_msg *response)
{
	struct session *s = leg->session;
	const struct session_told told = {
		.state = "terminated", .cause = "local-bye", .leg = leg, .msg = response
	};

	if (!session_tell_state(s, &told))
		return;
	session_leg_free(leg);
	if (s->leg && s->leg->bye_waits && !has_extra(s))
		request_tell_again(s->leg->bye);
}

static void on_bye(void *arg, const struct endpoint_event *ev)
{
	struct session_leg *leg = arg;
	struct session *s = leg->session;

	if (ev->type < ENDPOINT_DONE)
		session_tell(s, ev);
	else if (leg != s->leg)
		end_extra(leg, ev->result->response);
	else if (has_extra(s)) /* 13.2.2.4: each of them gets its BYE */
		leg->bye_waits = true;
	else
		session_finish(s, ev->result, NULL);
}

int session_bye(struct session_leg *leg, struct str reason)
{
	const struct endpoint_header header = {
		.change = ENDPOINT_HEADER_SET, .name = STR("Reason"), .value = reason
	};
	const struct request_config config = {
		.endpoint = leg->session->endpoint,
		.method = STR("BYE"),
		.max_forwards = -1,
		.timeout_ms = leg->session->timeout_ms,
		.exchange = leg->session->exchange,
		.headers = &header,
		.header_count = reason.n > 0,
		.write = write_plain,
		.dialog = &leg->dialog,
		.on_event = on_bye,
		.arg = leg,
	};

	if (leg->bye)
		return 0;
	return request_start(&config, &leg->bye, NULL);
}

/* Whatever it got: the peer repeats its response, or goes on without. */
static void on_prack(void *arg, const struct endpoint_event *ev)
{
	struct prack *k = arg;

	if (ev->type < ENDPOINT_DONE)
		session_tell(k->leg->session, ev); /* RETRY, CHALLENGED */
	else
		prack_free(k);
}

static void write_prack(void *arg, struct request *r, struct buf *b)
{
	struct prack *k = arg;

	write_plain(arg, r, b);
	sip_build_hdrf(b, SIP_HDR_RACK, "%u %u INVITE", k->rseq, k->leg->invite_cseq);
}

bool session_may_prack(const struct session_leg *leg)
{
	unsigned n = 0;

	LIST_EACH (it, &leg->pracks)
		n++;
	return n < SESSION_PRACKS;
}

/* RFC 3262 4: RAck names the response; the answer goes with it when that had an offer. */
int session_prack(struct session_leg *leg, struct str answer)
{
	struct prack *k = MEM_NEW(struct prack);
	const struct request_config config = {
		.endpoint = leg->session->endpoint,
		.method = STR("PRACK"),
		.max_forwards = -1,
		.timeout_ms = leg->session->timeout_ms,
		.exchange = leg->session->exchange,
		.write = write_prack,
		.write_arg = k,
		.dialog = &leg->dialog,
		.body = answer,
		.type = answer.n ? STR("application/sdp") : STR_EMPTY,
		.on_event = on_prack,
		.arg = k,
	};
	int e;

	k->leg = leg;
	k->rseq = leg->rseq;
	list_init(&k->node);
	list_add(&leg->pracks, &k->node);
	e = request_start(&config, &k->request, NULL);
	if (e != 0)
		prack_free(k);
	return e;
}
