/* lib/serve/pact.h -- the registrar's side of security associations: one for each endpoint id
 * (address of record and epid), found by what arrives and by where it goes. [MS-SIPAE] 3.3,
 * microsoft-auth.md sections 1.6 to 1.9. For lib/serve only. */
#ifndef SERVE_PACT_H
#define SERVE_PACT_H

#include "auth/association.h"
#include "serve/impl.h"

#define PACT_OPAQUE 8 /* hex digits */

/* The association of one endpoint. */
struct pact {
	struct list node; /* in pacts->list */
	struct map_node by_id, by_opaque;
	struct serve *serve;
	struct str id; /* USER LF EPID */
	struct str user; /* of it */
	char opaque[PACT_OPAQUE + 1];
	struct association *association;
	/* Where its last good message came from. */
	unsigned flow_id;
	struct net_addr remote;
	enum net_transport transport;
	uint64_t idle_ms, idle_at; /* it ends when nothing came for so long */
	unsigned signed_count; /* messages that we signed */
	ev_timer end;
};

struct pacts {
	struct list list; /* of them, the newest last */
	struct map by_id, by_opaque;
	struct list handshakes; /* challenge_ms.c: the oldest first */
	unsigned handshake_count;
	struct kerberos_acceptor *acceptor; /* NULL without Kerberos */
	bool active; /* NTLM or Kerberos is offered */
	struct str computer; /* NetBIOS name, for NTLM's target info */
	struct str spn; /* "sip/HOST" */
	unsigned discarded;
	/* The request that is being dealt with, and whose it is, when its signature was good. */
	struct sip_msg *proved;
	struct pact *proved_by;
};

/* ---- pact.c ---- */

/* The endpoint id of an address, appended; false when it has no epid or is not of our domain. */
bool pact_id(const struct serve *s, const struct sip_nameaddr *a, struct buf *out);
struct str pact_epid(const struct sip_nameaddr *a); /* empty: none */
enum serve_scheme pact_scheme(const struct association_proof *p);
/* The first proof of ours (scheme, realm) in either of both header fields. */
bool pact_proof(const struct serve *s, const struct sip_msg *m, struct arena *a,
	struct association_proof *p);
/* An opaque that nobody has. */
void pact_opaque(const struct serve *s, char out[PACT_OPAQUE + 1]);

struct pact_config {
	const struct association_mechanism *mechanism;
	void *context; /* taken over */
	struct str id, targetname;
	const char *opaque;
	unsigned version;
	uint64_t life_ms;
};
/* A new association; not in force yet. */
struct pact *pact_new(struct serve *s, const struct pact_config *c);
/* Puts it in force, in place of an older one of this endpoint: m, by flow, was its first message.
 */
void pact_begin(struct pact *p, struct sip_msg *m, const struct net_flow *flow);
void pact_free(struct pact *p);

#endif
