/* lib/auth/kerberos.h -- Kerberos as Microsoft's SIP uses it: one token, integrity alone, a MIC for
 * every message. MIT's GSSAPI; microsoft-auth.md section 3. */
#ifndef AUTH_KERBEROS_H
#define AUTH_KERBEROS_H

#include "base/buf.h"
#include "base/fail.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* Limits, each of one value. Active Directory puts a user's groups into a ticket: up to 48 KiB. */
enum {
	KERBEROS_NAME_MAX = 1024, /* principals and targets */
	KERBEROS_REASON_MAX = 480,
	KERBEROS_TOKEN_MAX = 64 << 10,
	KERBEROS_CONTEXT_MAX = 256 << 10,
	/* of a whole ticket as bytes */
	KERBEROS_TICKET_MAX = 32 + KERBEROS_REASON_MAX + KERBEROS_TOKEN_MAX + KERBEROS_CONTEXT_MAX +
			      KERBEROS_NAME_MAX,
};

/* A complete security context. */
struct kerberos;
void kerberos_free(struct kerberos *k); /* wipes; NULL is fine */

/* What a ticket is wanted for, and whose. */
struct kerberos_wish {
	struct str target; /* targetname of the challenge, "sip/server.example.com"; empty: the
			      ticket-granting ticket alone is wanted (ruling 15) */
	struct str principal; /* "alice@REALM", or "alice" of the default realm of krb5.conf;
				 empty: the default credential cache */
	struct str password; /* with a principal; empty: that principal's tickets in the cache */
	struct str credential; /* in place of both: the context of an earlier ticket that was
				  wanted without a target */
};

/* Why there is no ticket. */
enum kerberos_cause {
	KERBEROS_NO_CAUSE,
	KERBEROS_NO_CREDENTIAL, /* no cache, or nothing in it: nothing was looked up */
	KERBEROS_EXPIRED, /* the ticket, or the password */
	KERBEROS_WRONG_PASSWORD,
	KERBEROS_UNKNOWN_PRINCIPAL,
	KERBEROS_UNKNOWN_SERVICE,
	KERBEROS_SKEW, /* the KDC's clock is not ours */
	KERBEROS_UNREACHABLE, /* no KDC, or none that answers */
	KERBEROS_OTHER,
};

/* What a wish came to; travels from the child that asked the KDC as bytes. */
struct kerberos_ticket {
	enum kerberos_cause cause; /* KERBEROS_NO_CAUSE: it was granted */
	struct buf reason; /* for people, without secrets: what the library said */
	struct buf token; /* the first and only token, for gssapi-data; empty without a target */
	struct buf context; /* exported, for kerberos_import, or without a target the credential
			       for a later wish; secret */
	uint32_t life_s; /* of the context */
	struct buf principal; /* whose ticket it is */
};
/* Not granted, KERBEROS_OTHER, and empty. */
void kerberos_ticket_init(struct kerberos_ticket *t);
void kerberos_ticket_done(struct kerberos_ticket *t); /* wipes; zeroed is fine */

/* "sip/FQDN" and nothing else (microsoft-auth.md section 3)? */
bool kerberos_target_is_good(struct str target);
/* Appends the name of a user as a principal: "alice@REALM" and "alice" as they are, the latter of
 * the default realm of krb5.conf, and "DOMAIN\alice" as "alice@DOMAIN" in capitals. True when the
 * name was a principal with its realm already. */
bool kerberos_principal_of(struct str name, struct buf *out);

/* BLOCKS on the KDC, up to minutes: for a child process only (lib/endpoint/ticket.c). A password's
 * tickets go into a MEMORY cache that dies with the call. Always fills *out. */
void kerberos_ask(const struct kerberos_wish *w, struct kerberos_ticket *out);
/* The ticket as bytes and back; -FAIL_PROTOCOL. */
void kerberos_ticket_write(const struct kerberos_ticket *t, struct buf *out);
int kerberos_ticket_read(struct str bytes, struct kerberos_ticket *out);

/* The initiator's context of a granted ticket. Never blocks. -FAIL_PROTOCOL. */
int kerberos_import(struct str context, struct kerberos **out, struct fail *f);

/* The acceptor's side, with a keytab file. Never blocks. -FAIL_LOCAL when the file has no key of a
 * service sip. */
struct kerberos_acceptor;
int kerberos_acceptor_new(const char *keytab, struct kerberos_acceptor **out, struct fail *f);
void kerberos_acceptor_free(struct kerberos_acceptor *a);
/* principal: whose token it is, appended; *life_s: of the context. A token that was used before is
 * refused. -FAIL_AUTH with the cause. */
int kerberos_accept(struct kerberos_acceptor *a, struct str token, struct kerberos **out,
	struct buf *principal, uint32_t *life_s, struct fail *f);

/* GetMIC (appends; its length varies) and VerifyMIC of the peer's. QOP 0. */
int kerberos_sign(struct kerberos *k, struct str text, struct buf *mic, struct fail *f);
bool kerberos_verify(struct kerberos *k, struct str text, struct str mic);

#endif
