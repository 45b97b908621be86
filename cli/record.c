#include "record.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "mask.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- values ---- */

/* Text of the wire: masked, and well-formed UTF-8. */
json_t *record_text(struct str s)
{
	CLEANUP(buf_done) struct buf plain = BUF_INIT(RECORD_TEXT), clean = BUF_INIT(RECORD_TEXT);

	mask_add(&plain, s);
	utf8_clean(&clean, buf_str(&plain));
	return json_stringn(buf_cstr(&clean), clean.n);
}

/* Microseconds are enough, and 0.1 + 0.2 is 0.3. */
json_t *record_ms(double value)
{
	return json_real(round(value * 1000) / 1000);
}

/* What is not known is absent. */
void record_put_text(json_t *o, const char *key, struct str s)
{
	if (s.n > 0)
		json_object_set_new(o, key, record_text(s));
}

void record_put_word(json_t *o, const char *key, const char *word)
{
	record_put_text(o, key, str_of(word));
}

void record_put_ms(json_t *o, const char *key, double value)
{
	if (value >= 0)
		json_object_set_new(o, key, record_ms(value));
}

void record_put_number(json_t *o, const char *key, bool known, unsigned value)
{
	if (known)
		json_object_set_new(o, key, json_integer(value));
}

json_t *record_hop(const struct endpoint_hop *h)
{
	return json_pack("{s:s, s:o, s:i}", "transport", h->transport, "address",
		record_text(h->address), "port", (int)h->port);
}

json_t *record_hops(const struct endpoint_hop *list, unsigned n)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < n; i++)
		json_array_append_new(a, record_hop(&list[i]));
	return a;
}

json_t *record_texts(const struct str *list, unsigned n)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < n; i++)
		json_array_append_new(a, record_text(list[i]));
	return a;
}

json_t *record_name_addr(const struct endpoint_address *a)
{
	json_t *o = json_pack("{s:o}", "uri", record_text(a->uri));

	record_put_text(o, "display_name", a->display_name);
	record_put_text(o, "tag", a->tag);
	return o;
}

/* ---- a record ---- */

static json_t *utc(void)
{
	struct timespec now;
	struct tm t;
	char stamp[80];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &t);
	snprintf(stamp, sizeof(stamp), "%04d-%02d-%02dT%02d:%02d:%02d.%06ldZ", t.tm_year + 1900,
		t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, now.tv_nsec / 1000);
	return json_string(stamp);
}

json_t *record_new(struct out *o, const char *type)
{
	json_t *r;

	if (o->seq == 0)
		json_set_alloc_funcs(mem_alloc, mem_free);
	r = json_pack("{s:i, s:s, s:i, s:o, s:o, s:s}", "v", 1, "type", type, "seq", (int)++o->seq,
		"time", utc(), "elapsed_ms", record_ms(out_elapsed_ms(o)), "command",
		o->config.command);
	record_put_word(r, "party", o->party);
	return r;
}

/* Jansson takes DEL for printable, a terminal does not. */
static int append(const char *bytes, size_t n, void *arg)
{
	struct buf *line = arg;
	struct str rest = { bytes, n }, before;

	while (str_cut(rest, 0x7f, &before, &rest)) {
		buf_add_str(line, before);
		buf_add_str(line, STR("\\u007f"));
	}
	buf_add_str(line, rest);
	return line->fail ? -1 : 0;
}

/* Frees r. The line fails, and is empty, when r does not fit: a part of a record is none. */
void record_line(json_t *r, struct buf *line)
{
	json_dump_callback(r, append, line,
		JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15));
	json_decref(r);
	buf_add_char(line, '\n');
	if (line->fail)
		line->n = 0;
}

void record_emit(struct out *o, json_t *r)
{
	CLEANUP(buf_done) struct buf line = BUF_INIT(RECORD_TEXT);

	record_line(r, &line);
	if (line.fail && o->result.failed == 0)
		o->result.failed = EFBIG;
	out_write(&o->result, buf_str(&line));
}
