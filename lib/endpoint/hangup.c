/* lib/endpoint/hangup.c -- one dialog for each 2xx, with its ACK and its BYE */
#include "endpoint/hangup.h"

#include "base/mem.h"
#include "endpoint/dialog.h"
#include "endpoint/impl.h"

struct hangup {
	struct endpoint *endpoint;
	uint64_t timeout_ms;
	struct list legs;
	endpoint_event_fn *on_event;
	void *arg;
};

struct leg {
	struct list node;
	struct hangup *hangup;
	struct dialog dialog;
	struct request *ack, *bye;
	bool over;
};

struct hangup *hangup_new(
	struct endpoint *ep, uint64_t timeout_ms, endpoint_event_fn *on_event, void *arg)
{
	struct hangup *h = MEM_NEW(struct hangup);

	h->endpoint = ep;
	h->timeout_ms = timeout_ms;
	h->on_event = on_event;
	h->arg = arg;
	list_init(&h->legs);
	return h;
}

static void leg_free(struct leg *leg)
{
	list_del(&leg->node);
	request_free(leg->ack);
	request_free(leg->bye);
	dialog_close(&leg->dialog);
	mem_free(leg);
}

void hangup_free(struct hangup *h)
{
	if (!h)
		return;
	LIST_EACH (it, &h->legs)
		leg_free(CONTAINER_OF(it, struct leg, node));
	mem_free(h);
}

bool hangup_busy(const struct hangup *h)
{
	LIST_EACH (it, (struct list *)(uintptr_t)&h->legs)
		if (!CONTAINER_OF(it, struct leg, node)->over)
			return true;
	return false;
}

/* The peer may hang up, too; nothing else is wanted of it. */
static void on_request(void *arg, struct dialog *d, struct transaction *t, struct sip_msg *m,
	struct net_flow *flow)
{
	(void)arg;
	(void)d;
	(void)flow;
	if (!t)
		return;
	dialog_reply(t, &(struct dialog_response){ .status = m->method == SIP_BYE ? 200 : 481 });
	transaction_free(t);
}

static void on_ack(void *arg, const struct endpoint_event *ev)
{
	struct leg *leg = arg;

	if (ev->type < ENDPOINT_DONE)
		return;
	request_free(leg->ack);
	leg->ack = NULL;
}

static void on_bye(void *arg, const struct endpoint_event *ev)
{
	struct leg *leg = arg;
	struct hangup *h = leg->hangup;

	if (ev->type < ENDPOINT_DONE)
		return;
	leg->over = true;
	if (!hangup_busy(h))
		h->on_event(h->arg, &(struct endpoint_event){ .type = ENDPOINT_CLOSED,
					    .endpoint = h->endpoint,
					    .result = ev->result });
}

static void acknowledge(struct leg *leg, const struct sip_msg *invite)
{
	const struct request_config config = {
		.endpoint = leg->hangup->endpoint,
		.method = STR("ACK"),
		.max_forwards = -1,
		.dialog = &leg->dialog,
		.ack_of = invite,
		.on_event = on_ack,
		.arg = leg,
	};

	if (!leg->ack && request_start(&config, &leg->ack, NULL) != 0)
		leg->ack = NULL;
}

static int hang_up(struct leg *leg, struct fail *f)
{
	const struct request_config config = {
		.endpoint = leg->hangup->endpoint,
		.method = STR("BYE"),
		.max_forwards = -1,
		.timeout_ms = leg->hangup->timeout_ms,
		.dialog = &leg->dialog,
		.on_event = on_bye,
		.arg = leg,
	};

	return request_start(&config, &leg->bye, f);
}

static struct leg *find(struct hangup *h, struct str remote_tag)
{
	LIST_EACH (it, &h->legs) {
		struct leg *leg = CONTAINER_OF(it, struct leg, node);

		if (str_eq(leg->dialog.sip.remote_tag, remote_tag))
			return leg;
	}
	return NULL;
}

static int begin(
	struct hangup *h, const struct request *r, const struct sip_msg *answer, struct fail *f)
{
	struct leg *leg = MEM_NEW(struct leg);
	int e;

	leg->hangup = h;
	leg->dialog.on_request = on_request;
	leg->dialog.arg = leg;
	list_init(&leg->node);
	list_add(&h->legs, &leg->node);
	e = sip_dialog_from_response(&leg->dialog.sip, request_msg(r), answer, f);
	if (e == 0 && !dialog_open(&leg->dialog, h->endpoint))
		e = fail_set(f, -FAIL_PROTOCOL, "there is a dialog with these tags already");
	if (e == 0) {
		dialog_use_flow(&leg->dialog, request_flow(r), answer);
		acknowledge(leg, request_msg(r));
		e = hang_up(leg, f);
	}
	if (e != 0)
		leg_free(leg);
	return e;
}

int hangup_answer(struct hangup *h, const struct request *invite, const struct endpoint_msg *answer,
	struct fail *f)
{
	const struct sip_msg *sent = request_msg(invite);
	struct leg *leg;

	if (answer->status_code < 200 || answer->status_code > 299 ||
		!str_eq(answer->method, STR("INVITE")))
		return 0;
	if (!sent || !sent->request || sent->method != SIP_INVITE)
		return fail_set(f, -FAIL_ARGUMENT, "what was sent cannot be read");
	leg = find(h, sip_msg_to_tag(answer->msg));
	if (!leg)
		return begin(h, invite, answer->msg, f);
	acknowledge(leg, sent);
	return 0;
}
