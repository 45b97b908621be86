/* cli/mask.h -- secrets in what is shown: everything that rte prints of the wire passes here */
#ifndef CLI_MASK_H
#define CLI_MASK_H

#include "base/buf.h"
#include "base/str.h"

/* Appends s with "<masked>" in place of the digest's response and rspauth, tokens of other schemes
 * (gssapi-data, and what follows Basic, Bearer, NTLM, Negotiate in Authorization), pn-prid, keys of
 * a=crypto, and passwords in SIP URIs. s may be a whole message or any part of one. */
void mask_add(struct buf *b, struct str s);
/* The same secrets, but an x in place of each of their bytes, and quotes as they are: a message
 * stays one, and no length changes, that of its body and of its parts neither. */
void mask_add_same_length(struct buf *b, struct str s);

#endif
