/* lib/sip/param.h -- ;name=value lists behind a value (generic-param of RFC 3261 section 25.1) */
#ifndef SIP_PARAM_H
#define SIP_PARAM_H

#include "base/scan.h"
#include "base/str.h"

/* One parameter. value is without quotes, its backslash pairs as on the wire; empty and !has_value
 * for a flag. */
struct sip_param {
	struct str name, value;
	bool has_value, quoted;
};

/* Takes one generic-param: a name, and a value if '=' follows. A value without quotes may hold what
 * a token may and ()[]/:&$= besides, since hosts, IPv6 addresses and base64 are found there. */
bool sip_param_scan(struct scan *s, struct sip_param *out);
/* Takes `*( SEMI generic-param )` up to the end of s or up to a comma; out gets the text from the
 * first ';' on (empty when there is none). False on malformed parameters, a lone or trailing ';'
 * among them. */
bool sip_params_scan(struct scan *s, struct str *out);
/* Steps through such a text: `while (sip_param_next(&rest, &p))`. rest starts as the whole text.
 * False at its end. */
bool sip_param_next(struct str *rest, struct sip_param *out);
/* Finds a parameter by name (letters in any case). */
bool sip_param_get(struct str params, const char *name, struct sip_param *out);
/* The value only; true also for a flag, with the empty value. */
bool sip_param(struct str params, const char *name, struct str *value);

/* Appends what a quoted string means: its content without backslashes. */
struct buf;
void sip_unquote(struct buf *b, struct str content);
/* Appends s as a quoted string, with quotes, '"' and '\' escaped. CR, LF and NUL latch
 * -FAIL_SYNTAX. */
void sip_quote(struct buf *b, struct str s);

#endif
