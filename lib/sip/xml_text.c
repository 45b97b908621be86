/* lib/sip/xml_text.c -- character data: XML 1.0, sections 2.2 and 2.4 */
#include "sip/xml_text.h"

#include "base/utf8.h"

/* U+FFFE and U+FFFF are no Char of 2.2. */
static bool is_noncharacter(struct str s)
{
	return str_starts(s, STR("\xef\xbf\xbe")) || str_starts(s, STR("\xef\xbf\xbf"));
}

void xml_text_write(struct buf *b, struct str s)
{
	struct buf clean = BUF_INIT(b->limit);

	utf8_clean(&clean, s);
	if (clean.fail)
		buf_fail(b, clean.fail);
	for (size_t i = 0; i < clean.n; i++) {
		unsigned char c = (unsigned char)clean.p[i];

		if (is_noncharacter(str_sub(buf_str(&clean), i, clean.n))) {
			buf_add_str(b, STR("\xef\xbf\xbd"));
			i += 2;
		} else if (c == '&')
			buf_add_str(b, STR("&amp;"));
		else if (c == '<')
			buf_add_str(b, STR("&lt;"));
		else if (c == '>')
			buf_add_str(b, STR("&gt;"));
		else if (c == '"')
			buf_add_str(b, STR("&quot;"));
		else if (c == '\t' || c == '\n' || c == '\r')
			buf_addf(b, "&#%u;", c);
		else if (c < 0x20)
			buf_add_str(b, STR("\xef\xbf\xbd"));
		else
			buf_add_char(b, (char)c);
	}
	buf_done(&clean);
}
