#include "value.h"

#include "base/buf.h"
#include "base/scan.h"
#include "base/utf8.h"
#include "file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { DATA_MAX = 4 << 20, NEAR_MAX = 32, SHOWN_BYTES = 48 };

static int bad(struct fail *f, const char *option, const char *text, const char *wanted)
{
	char shown[VALUE_SHOWN];

	return fail_set(
		f, -FAIL_ARGUMENT, "%s: %s is not %s", option, value_show(text, shown), wanted);
}

const char *value_show(const char *text, char out[VALUE_SHOWN])
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(VALUE_SHOWN);
	struct str s = str_of(text);
	bool cut = s.n > SHOWN_BYTES;

	if (cut) {
		s.n = SHOWN_BYTES;
		/* not within a character */
		while (s.n && ((unsigned char)s.p[s.n] & 0xc0) == 0x80)
			s.n--;
	}
	utf8_show(&b, s);
	snprintf(out, VALUE_SHOWN, "\"%s%s\"", buf_cstr(&b), cut ? "..." : "");
	return out;
}

/* A decimal number with at most three digits behind the point, in thousandths. */
static bool thousandths(struct scan *s, uint64_t *out)
{
	struct str whole, digits = STR_EMPTY;
	uint64_t n;

	if (!scan_run(s, CH_DIGIT, &whole) || !str_u64(whole, &n) || n > UINT32_MAX)
		return false;
	if (scan_char(s, '.') && (!scan_run(s, CH_DIGIT, &digits) || digits.n > 3))
		return false;
	n *= 1000;
	for (size_t i = 0, unit = 100; i < digits.n; i++, unit /= 10)
		n += (uint64_t)(digits.p[i] - '0') * unit;
	*out = n;
	return true;
}

int value_ms(const char *option, const char *text, uint64_t dflt, uint64_t *out, struct fail *f)
{
	static const struct {
		const char *name;
		uint64_t s_1000;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "", 1000 } };
	const char *wanted = "a time such as 500ms, 5s, 2m or 1h";
	struct scan s = scan_str(str_of(text));
	uint64_t n;

	if (!text) {
		*out = dflt;
		return 0;
	}
	if (!thousandths(&s, &n))
		return bad(f, option, text, wanted);
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (!str_eq(scan_rest(&s), str_of(units[i].name)))
			continue;
		uint64_t ms = n * units[i].s_1000 / 1000;
		if (ms > UINT32_MAX || (ms == 0 && n > 0))
			return bad(f, option, text, "between 1ms and 49 days");
		*out = ms;
		return 0;
	}
	return bad(f, option, text, wanted);
}

int value_seconds(
	const char *option, const char *text, uint32_t dflt, uint32_t *out, struct fail *f)
{
	uint64_t ms = 0;
	int e = value_ms(option, text, (uint64_t)dflt * 1000, &ms, f);

	if (e)
		return e;
	if (ms % 1000)
		return bad(f, option, text, "a time in whole seconds");
	*out = (uint32_t)(ms / 1000);
	return 0;
}

int value_number(const char *option, const char *text, struct value_range range, uint32_t *out,
	struct fail *f)
{
	char wanted[64];
	uint32_t n;

	if (!text) {
		*out = range.dflt;
		return 0;
	}
	if (!str_u32(str_of(text), &n) || n < range.min || n > range.max) {
		snprintf(wanted, sizeof(wanted), "a number from %" PRIu32 " to %" PRIu32, range.min,
			range.max);
		return bad(f, option, text, wanted);
	}
	*out = n;
	return 0;
}

/* The index of word in "a|b|c", or -1. */
static int index_of(struct str word, const char *words)
{
	struct str rest = str_of(words), one;

	for (int i = 0;; i++) {
		bool last = !str_cut(rest, '|', &one, &rest);
		if (str_eq(word, last ? rest : one))
			return i;
		if (last)
			return -1;
	}
}

int value_word(const char *option, const char *text, const char *words, int *out, struct fail *f)
{
	char wanted[100];
	int i;

	if (!text)
		return 0;
	i = index_of(str_of(text), words);
	if (i < 0) {
		snprintf(wanted, sizeof(wanted), "one of %s", words);
		return bad(f, option, text, wanted);
	}
	*out = i;
	return 0;
}

int value_words(const char *option, const char *text, const char *words, struct value_list *out,
	struct fail *f)
{
	struct value_list list = { .n = 0 };
	struct str rest = str_of(text), one;
	char wanted[120];

	for (bool last = !text; !last;) {
		int i;

		last = !str_cut(rest, ',', &one, &rest);
		i = index_of(str_trim(last ? rest : one), words);
		for (unsigned k = 0; k < list.n; k++)
			if (list.v[k] == i)
				return bad(f, option, text, "a list without repetitions");
		if (i < 0 || list.n == ARRAY_LEN(list.v)) {
			snprintf(wanted, sizeof(wanted), "a list of %s", words);
			return bad(f, option, text, wanted);
		}
		list.v[list.n++] = i;
	}
	*out = list;
	return 0;
}

/* "200" or "2xx". A provisional response is never final. */
static bool status(struct str s, unsigned *from, unsigned *to)
{
	uint32_t n;

	s = str_trim(s);
	if (s.n == 3 && str_ieq(str_sub(s, 1, 3), STR("xx")) && s.p[0] >= '2' && s.p[0] <= '6') {
		*from = (unsigned)(s.p[0] - '0') * 100;
		*to = *from + 99;
		return true;
	}
	if (s.n != 3 || !str_u32(s, &n) || n < 200 || n > 699)
		return false;
	*from = *to = n;
	return true;
}

int value_statuses(
	const char *option, const char *text, struct value_statuses *out, struct fail *f)
{
	struct str one, rest = str_of(text);
	bool more = text != NULL;

	out->n = 0;
	while (more) {
		more = str_cut(rest, ',', &one, &rest);
		if (!more)
			one = rest;
		if (out->n == VALUE_STATUSES)
			return fail_set(f, -FAIL_ARGUMENT, "%s: more than %d statuses", option,
				VALUE_STATUSES);
		if (!status(one, &out->v[out->n].from, &out->v[out->n].to))
			return fail_set(f, -FAIL_ARGUMENT,
				"%s: not a list of final statuses such as 200,4xx", option);
		out->n++;
	}
	return 0;
}

bool value_has_status(const struct value_statuses *list, unsigned number)
{
	for (unsigned i = 0; i < list->n; i++)
		if (number >= list->v[i].from && number <= list->v[i].to)
			return true;
	return false;
}

int value_q(const char *option, const char *text, int dflt, int *out, struct fail *f)
{
	struct scan s = scan_str(str_of(text));
	uint64_t n;

	if (!text) {
		*out = dflt;
		return 0;
	}
	if (!thousandths(&s, &n) || !scan_end(&s) || n > 1000)
		return bad(f, option, text, "a number from 0.0 to 1.0");
	*out = (int)n;
	return 0;
}

int value_data(
	const char *option, const char *text, struct arena *a, struct str *out, struct fail *f)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(DATA_MAX);
	int e;

	if (!text) {
		*out = STR_EMPTY;
		return 0;
	}
	if (text[0] != '@' || text[1] == '@') {
		*out = arena_str(a, str_of(text + (text[0] == '@')));
		return 0;
	}
	if (text[1] == '\0')
		return bad(f, option, text, "the name of a file");
	e = file_read(text + 1, &b);
	if (e)
		return fail_set(f, -FAIL_LOCAL, "%s: %s: %s", option, text + 1, strerror(-e));
	*out = arena_str(a, buf_str(&b));
	return 0;
}

/* The bytes of a host name, or of an IPv6 address with its scope. */
static bool is_host(struct str host, bool ipv6)
{
	struct str address = host, scope = STR_EMPTY;
	unsigned classes = ipv6 ? CH_IPV6 : CH_HOST;

	if (ipv6)
		str_cut(host, '%', &address, &scope);
	for (size_t i = 0; i < address.n; i++)
		if (!scan_is(address.p[i], classes))
			return false;
	return address.n > 0;
}

int value_hostport(
	const char *option, const char *text, struct str *host, uint16_t *port, struct fail *f)
{
	struct str s = str_of(text), h = s, rest = STR_EMPTY;
	size_t end = s.n && s.p[0] == '[' ? str_find(s, ']') : str_find(s, ':');
	bool brackets = s.n && s.p[0] == '[';
	struct str behind = str_sub(s, end + 1, s.n);
	bool ipv6 = brackets || str_find(behind, ':') < behind.n; /* a second colon */
	uint32_t n = 0;

	if (brackets) {
		h = str_sub(s, 1, end);
		rest = behind;
	} else if (!ipv6) {
		h = str_sub(s, 0, end);
		rest = str_sub(s, end, s.n);
	}
	if (!is_host(h, ipv6) || (brackets && end == s.n))
		return bad(f, option, text, "HOST or HOST:PORT");
	if (rest.n && (rest.p[0] != ':' || !str_u32(str_sub(rest, 1, rest.n), &n) || n == 0 ||
			      n > UINT16_MAX))
		return bad(f, option, text, "HOST or HOST:PORT");
	*host = h;
	*port = (uint16_t)n;
	return 0;
}

int value_mime(const char *option, const char *text, struct fail *f)
{
	struct scan s = scan_str(str_of(text));

	if (!text)
		return 0;
	if (!scan_run(&s, CH_TOKEN, NULL) || !scan_char(&s, '/') || !scan_run(&s, CH_TOKEN, NULL) ||
		(!scan_end(&s) && scan_peek(&s) != ';'))
		return bad(f, option, text, "a media type such as text/plain");
	return value_clean(option, text, f);
}

int value_clean(const char *option, const char *text, struct fail *f)
{
	if (!text)
		return 0;
	if (text[0] == '\0')
		return fail_set(f, -FAIL_ARGUMENT, "%s: the value is empty", option);
	for (const char *p = text; *p; p++)
		if (scan_is(*p, CH_CONTROL) && *p != '\t')
			return bad(
				f, option, text, "fit for a message: it has a control character");
	if (!utf8_valid(str_of(text)))
		return fail_set(f, -FAIL_ARGUMENT, "%s: the value is not UTF-8", option);
	return 0;
}

/* The number of letters to insert, delete, replace or swap to make one of the other (optimal string
 * alignment). */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[3][NEAR_MAX + 1];
	size_t na = strlen(a), nb = strlen(b);

	if (na > NEAR_MAX || nb > NEAR_MAX)
		return NEAR_MAX;
	for (unsigned j = 0; j <= nb; j++)
		row[0][j] = j;
	for (unsigned i = 1; i <= na; i++) {
		unsigned *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];
		now[0] = i;
		for (unsigned j = 1; j <= nb; j++) {
			unsigned best = last[j - 1] + (a[i - 1] != b[j - 1]);
			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
				before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			now[j] = best;
		}
	}
	return row[na % 3][nb];
}

const char *value_nearest(const char *text, const char *const *words)
{
	const char *near = NULL;
	unsigned best = (unsigned)(strlen(text) + 1) / 4; /* further off is no typing mistake */

	for (; *words; words++) {
		unsigned d = distance(text, *words);
		if (strlen(text) > 1 && strncmp(text, *words, strlen(text)) == 0)
			d = 0; /* an abbreviation */
		if (d <= best && (!near || d < best)) {
			best = d;
			near = *words;
		}
	}
	return near;
}
