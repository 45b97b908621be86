/* lib/net/dns_channel.h -- one c-ares channel with its watchers. For dns.c. */
#ifndef NET_DNS_CHANNEL_H
#define NET_DNS_CHANNEL_H

#include "base/list.h"

/* c-ares deprecates its older calls from 1.28 on; 1.18 has no others. */
#define CARES_NO_DEPRECATED
#include <ares.h>
#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct net_dns_channel {
	struct ev_loop *loop;
	ares_channel ares; /* NULL until it is opened */
	ev_timer timer;
	struct list sockets;
};

struct net_dns_channel_config {
	const char *servers; /* as ares_set_servers_ports_csv reads them; "": those of the system */
	uint32_t timeout_ms;
	unsigned tries;
	bool any_answer; /* SERVFAIL and the like too; else the next server is asked */
};

void net_dns_channel_init(struct net_dns_channel *c, struct ev_loop *loop);
/* Ends what is asked; its callbacks run inside. */
void net_dns_channel_done(struct net_dns_channel *c);
/* Sets c-ares up; an open channel stays as it is. */
bool net_dns_channel_open(struct net_dns_channel *c, const struct net_dns_channel_config *config);
/* To be called after every call of c-ares that asks: any may start a wait. */
void net_dns_channel_rearm(struct net_dns_channel *c);
/* Ends what is asked; its callbacks run inside. */
void net_dns_channel_cancel(struct net_dns_channel *c);
/* How many servers an open channel knows. */
size_t net_dns_channel_servers(const struct net_dns_channel *c);

#endif
