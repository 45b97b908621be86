/* lib/endpoint/flow.c -- what this layer keeps with every flow: the frame of a stream, and who
 * waits on it */
#include "endpoint/impl.h"

#include "base/mem.h"

struct flow_state *flow_state_of(struct endpoint_manager *m, struct net_flow *flow)
{
	struct flow_state *s = net_flow_user(flow);

	if (s)
		return s;
	s = MEM_NEW(struct flow_state);
	list_init(&s->watches);
	sip_frame_init(&s->frame, &m->config.limits);
	s->frame.pings = net_flow_info(flow)->incoming;
	net_flow_set_user(flow, s);
	return s;
}

void flow_watch_start(struct endpoint_manager *m, struct net_flow *flow, struct flow_watch *w)
{
	list_init(&w->node);
	list_add(&flow_state_of(m, flow)->watches, &w->node);
}

void flow_watch_stop(struct flow_watch *w)
{
	if (w->node.next)
		list_del(&w->node);
}

/* Tells everybody who waits on the flow. A handler may stop any watch, its own and others'. */
void flow_state_tell(struct flow_state *s, enum flow_news news, const struct net_event *ev)
{
	struct list todo, *node;

	list_init(&todo);
	while ((node = list_first(&s->watches)) != NULL) {
		list_del(node);
		list_add(&todo, node);
	}
	while ((node = list_first(&todo)) != NULL) {
		struct flow_watch *w = CONTAINER_OF(node, struct flow_watch, node);

		list_del(node);
		if (news != FLOW_CLOSED)
			list_add(&s->watches, node);
		w->fn(w->arg, news, ev);
	}
}

void flow_state_free(struct net_flow *flow)
{
	struct flow_state *s = net_flow_user(flow);

	if (!s)
		return;
	LIST_EACH (it, &s->watches)
		list_del(it);
	sip_frame_done(&s->frame);
	net_flow_set_user(flow, NULL);
	mem_free(s);
}
