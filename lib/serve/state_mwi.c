/* lib/serve/state_mwi.c -- messages that wait, as message-summary: RFC 3842 section 5 */
#include "serve/events.h"

bool state_mwi_parse(struct str text, uint32_t *new, uint32_t *old)
{
	struct str a, b;
	uint32_t n;

	if (!str_cut(str_trim(text), '/', &a, &b) || !str_u32(a, &n) || !str_u32(b, old))
		return false;
	*new = n;
	return true;
}

void state_mwi_write(const struct view *v, struct state *st)
{
	const struct presentity *p = v->who;

	events_wanted(st, p->mwi_serial);
	buf_addf(&st->body,
		"Messages-Waiting: %s\r\nMessage-Account: %s\r\nVoice-Message: %u/%u\r\n",
		p->mwi_new > 0 ? "yes" : "no", p->uri, p->mwi_new, p->mwi_old);
}
