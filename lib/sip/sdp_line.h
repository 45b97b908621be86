/* lib/sip/sdp_line.h -- lines and words of a session description, for the sdp files */
#ifndef SIP_SDP_LINE_H
#define SIP_SDP_LINE_H

#include "base/scan.h"

/* The next line without its end; false behind the last. */
static inline bool sdp_next_line(struct str *rest, struct str *line)
{
	if (rest->n == 0)
		return false;
	if (!str_cut(*rest, '\n', line, rest)) {
		*line = *rest;
		*rest = (struct str){ rest->p + rest->n, 0 };
	} else if (line->n > 0 && line->p[line->n - 1] == '\r') {
		line->n--;
	}
	return true;
}

/* The next word between single or several blanks; false when there is none. */
static inline bool sdp_next_word(struct str *rest, struct str *word)
{
	struct scan s = scan_str(*rest);

	while (scan_char(&s, ' '))
		;
	*rest = scan_rest(&s);
	if (rest->n == 0)
		return false;
	*word = str_sub(*rest, 0, str_find(*rest, ' '));
	*rest = str_sub(*rest, word->n, rest->n);
	return true;
}

#endif
