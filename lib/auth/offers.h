/* lib/auth/offers.h -- the challenges of one response. For lib/auth only. */
#ifndef AUTH_OFFERS_H
#define AUTH_OFFERS_H

#include "base/arena.h"
#include "base/buf.h"
#include "sip/challenge.h"
#include "sip/msg.h"

/* One challenge. Those of one side (proxy or not, realm) are alternatives. */
struct auth_offer {
	struct sip_challenge c;
	struct str realm; /* unescaped */
	bool proxy;
	bool done; /* its side has been looked at */
	bool malformed; /* its scheme says so */
};

struct auth_offers {
	struct auth_offer *list;
	size_t n;
	bool malformed; /* others could not be read at all */
};

/* In the order of the message, which is the server's preference (RFC 8760 2.3). */
struct auth_offers auth_offers_read(struct arena *t, const struct sip_msg *m);
bool auth_offers_alike(const struct auth_offer *a, const struct auth_offer *b);
/* The names of what the side of first offers, for events: "sha-256" "chacha123" "ntlm". At most
 * max. */
unsigned auth_offers_names(struct arena *t, const struct auth_offers *o,
	const struct auth_offer *first, const char **names, unsigned max);
/* The same for people: "Digest CHACHA123, NTLM". Is Digest among them? */
bool auth_offers_write(struct arena *t, const struct auth_offers *o, const struct auth_offer *first,
	struct buf *b);

#endif
