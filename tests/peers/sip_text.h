/* tests/peers/sip_text.h -- SIP messages as the peers of the tests read them: for the programs that
 * judge rte's signatures, so without a line of its library. A message is a string that ends with a
 * NUL behind its body; views point into it. */
#ifndef SIP_TEXT_H
#define SIP_TEXT_H

#include <stdbool.h>
#include <stddef.h>

enum { SIP_TEXT_MAX = 65536 }; /* bytes of a message */

/* Borrowed from a message; p is NULL when there is none. */
struct view {
	const char *p;
	size_t n;
};

#define VIEW_FMT "%.*s"
#define VIEW_ARG(v) (int)(v).n, (v).p ? (v).p : ""

bool view_is(struct view v, const char *text); /* letters of either case are the same */
bool view_equal(struct view a, struct view b);

/* How many bytes the first message of p[0..n) has, or the line ends before it; 0: not whole yet.
 * There is a NUL at p[n]. */
size_t sip_text_whole(const char *p, size_t n);

bool sip_text_is_request(const char *m);
struct view sip_text_method(const char *m); /* a response's is that of its CSeq */
unsigned sip_text_status(const char *m); /* 0: a request */
struct view sip_text_reason(const char *m);
struct view sip_text_branch(const char *m); /* of the topmost Via */

/* The value of the i-th header field of that name, compact names known; p is NULL without one. */
struct view sip_text_field(const char *m, const char *name, unsigned i);

/* Of From and To: the addr-spec, and the tag. */
struct view sip_text_uri(struct view value);
struct view sip_text_tag(struct view value);

/* Of credentials and challenges: the scheme, and a parameter without its quotes. */
struct view sip_text_scheme(struct view value);
struct view sip_text_param(struct view value, const char *name);

/* The first URI of a list of identities with one of two schemes ("sip:", "sips:"; or "tel:", NULL).
 */
struct view sip_text_identity(const char *m, const char *field, const char *a, const char *b);

/* What signs or challenges the message: credentials or an Authentication-Info of NTLM or Kerberos;
 * and a challenge of one. */
struct view sip_text_signer(const char *m);
struct view sip_text_challenge(const char *m, const char *scheme);

/* Puts a copy of m into out (SIP_TEXT_MAX + 1 bytes) with the view, which is part of m, replaced;
 * returns its length, 0 when it does not fit. A view of no bytes inserts. */
size_t sip_text_replace(char *out, const char *m, size_t n, struct view old, const char *text);

/* What [MS-SIPAE] 3.2.5.2 and [MS-SIP] 3.1.4.2 sign: version 2, or 3 and 4. Returns its length, 0
 * when the message has no signer. */
size_t sip_text_signed(char *out, size_t room, const char *m, unsigned version);

#endif
