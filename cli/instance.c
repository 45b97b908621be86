#include "instance.h"

#include "base/scan.h"
#include "endpoint/epid.h"
#include "state.h"
#include "value.h"

#include <stdio.h>
#include <string.h>

enum { URN_MAX = 250, NAME_MAX_BYTES = 200 };

/* urn:NID:NSS of RFC 8141; it stands in <> in quotes, so nothing that ends those. */
static bool is_urn(struct str s)
{
	struct scan c = scan_str(s);
	struct str nid;

	if (s.n > URN_MAX || !str_istarts(s, STR("urn:")))
		return false;
	c.p += 4;
	if (!scan_run(&c, CH_ALPHA | CH_DIGIT | CH_TOKEN, &nid) || nid.n < 2 ||
		!scan_char(&c, ':') || scan_end(&c))
		return false;
	for (; !scan_end(&c); c.p++)
		if (!scan_is(*c.p, CH_VISIBLE) || strchr("<>\"\\;,", *c.p))
			return false;
	return true;
}

static void make_urn(char line[STATE_LINE])
{
	char uuid[TEXT_UUID_LEN + 1];

	text_uuid(uuid);
	snprintf(line, STATE_LINE, "urn:uuid:%s", uuid);
}

int instance_get(const char *text, struct arena *a, const char **out, struct fail *f)
{
	static const struct state kept = { "--instance", "instance", "URN", is_urn, make_urn };
	char shown[VALUE_SHOWN];

	if (strcmp(text, "auto") == 0)
		return state_get(&kept, a, out, f);
	*out = text;
	return is_urn(str_of(text))
		       ? 0
		       : fail_set(f, -FAIL_ARGUMENT, "--instance: %s is neither a URN nor auto",
				 value_show(text, shown));
}

/* ---- endpoint ids ---- */

static bool is_epid(struct str s)
{
	return s.n > 0 && epid_is_valid(s);
}

static void make_epid(char line[STATE_LINE])
{
	epid_make(line);
}

/* The address of record as the name of a file: what is no letter, digit or one of @.+_- becomes
 * %XX. */
static int file_of(const char *aor, struct arena *a, const char **out, struct fail *f)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 16);

	buf_add_str(&b, STR("epid/"));
	for (const char *p = aor; *p; p++)
		if (scan_is(*p, CH_ALPHA | CH_DIGIT) || strchr("@.+_-", *p))
			buf_add_char(&b, *p);
		else
			buf_addf(&b, "%%%02X", (unsigned char)*p);
	if (b.n > NAME_MAX_BYTES)
		return fail_set(f, -FAIL_ARGUMENT, "--epid: auto: the AOR is too long for a file");
	*out = arena_str(a, buf_str(&b)).p;
	return 0;
}

int instance_epid(
	const char *text, const char *aor, struct arena *a, const char **out, struct fail *f)
{
	struct state kept = { "--epid", NULL, "endpoint id", is_epid, make_epid };
	char shown[VALUE_SHOWN];
	int e;

	if (strcmp(text, "auto") != 0) {
		*out = text;
		return is_epid(str_of(text))
			       ? 0
			       : fail_set(f, -FAIL_ARGUMENT,
					 "--epid: %s is neither a word of up to %d letters and "
					 "digits nor auto",
					 value_show(text, shown), EPID_MAX);
	}
	if (aor[0] == '\0')
		return fail_set(f, -FAIL_ARGUMENT, "--epid: auto needs --aor");
	e = file_of(aor, a, &kept.path, f);
	return e ? e : state_get(&kept, a, out, f);
}
