#include "endpoint/cpim.h"

#include <time.h>

/* RFC 3862 section 2.3.1 */
static void add_escaped(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		switch (c) {
		case '\\':
		case '"':
			buf_addf(b, "\\%c", c);
			break;
		case '\b':
			buf_add_str(b, STR("\\b"));
			break;
		case '\t':
			buf_add_str(b, STR("\\t"));
			break;
		case '\n':
			buf_add_str(b, STR("\\n"));
			break;
		case '\r':
			buf_add_str(b, STR("\\r"));
			break;
		default:
			if ((unsigned char)c < 0x20 || c == 0x7f)
				buf_addf(b, "\\u%04x", (unsigned char)c);
			else
				buf_add_char(b, c);
		}
	}
}

/* Sections 4.1 and 4.2: [ Formal-name ] "<" URI ">" */
static void add_party(struct buf *b, const char *header, struct str name, struct str uri)
{
	buf_addf(b, "%s: ", header);
	if (name.n > 0) {
		buf_add_char(b, '"');
		add_escaped(b, name);
		buf_add_str(b, STR("\" "));
	}
	buf_add_char(b, '<');
	add_escaped(b, uri);
	buf_add_str(b, STR(">\r\n"));
}

/* Section 4.4: RFC 3339, in UTC */
static void add_time(struct buf *b, int64_t seconds)
{
	time_t at = (time_t)seconds;
	struct tm t;

	if (!gmtime_r(&at, &t))
		return;
	buf_addf(b, "DateTime: %04d-%02d-%02dT%02d:%02d:%02dZ\r\n", t.tm_year + 1900, t.tm_mon + 1,
		t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec);
}

/* RFC 5438 section 7.1.1: a name space, which must stand before its first use */
static void add_notify(struct buf *b, const struct cpim *c)
{
	static const char *const words[] = { "positive-delivery", "negative-delivery", "display" };
	bool any = false;

	buf_addf(b,
		"NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: " STR_FMT
		"\r\nimdn.Disposition-Notification: ",
		STR_ARG(c->message_id));
	for (unsigned i = 0; i < ARRAY_LEN(words); i++) {
		if (!(c->notify & 1U << i))
			continue;
		buf_addf(b, "%s%s", any ? ", " : "", words[i]);
		any = true;
	}
	buf_add_str(b, STR("\r\n"));
}

void cpim_write(const struct cpim *c, struct buf *out)
{
	add_party(out, "From", c->from_name, c->from);
	add_party(out, "To", STR_EMPTY, c->to);
	add_time(out, c->time);
	if (c->notify)
		add_notify(out, c);
	buf_addf(out, "\r\nContent-Type: " STR_FMT "\r\nContent-Length: %zu\r\n\r\n",
		STR_ARG(c->type), c->body.n);
	buf_add_str(out, c->body);
}
