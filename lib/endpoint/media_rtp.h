/* lib/endpoint/media_rtp.h -- inside of media: the ports of RTP and RTCP, one pair for each local
 * address, and who counts what arrives there */
#ifndef ENDPOINT_MEDIA_RTP_H
#define ENDPOINT_MEDIA_RTP_H

#include "base/list.h"
#include "base/map.h"
#include "endpoint/media.h"

struct media_rtp {
	struct endpoint_manager *manager;
	struct list pairs;
	unsigned pair_count;
	struct map remotes; /* by the address that packets come from */
};

void media_rtp_init(struct media_rtp *m, struct endpoint_manager *manager);
/* Closes the ports; nobody counts any more. */
void media_rtp_done(struct media_rtp *m);
/* The RTP port at a local address, bound at its first use; that of RTCP is the next. -FAIL_LOCAL.
 */
int media_rtp_port(
	struct media_rtp *m, const struct net_addr *local, uint16_t *port, struct fail *f);
/* From now on packets from this address count for c, behind those that it counts for already;
 * AF_UNSPEC: none does. */
void media_rtp_count(struct media_rtp *m, struct media_call *c, const struct net_addr *a);
void media_rtp_ignore(struct media_rtp *m, struct media_call *c);

#endif
