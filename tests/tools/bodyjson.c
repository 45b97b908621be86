/* tests/tools/bodyjson.c -- bodyjson TYPE FILE...: what rte makes of bodies, as notify records of
 * one run for jsoncheck. TYPE - : each file begins with its Content-Type and an empty line. How
 * many were decoded, malformed, or of another type goes to stderr. */
#include "../../cli/out_tree.h"
#include "base/buf.h"
#include "sip/body.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_BYTES = 1 << 24 };

struct counts {
	unsigned decoded, malformed, text;
};

static void emit(json_t *r, const char *type, int seq)
{
	json_object_set_new(r, "v", json_integer(1));
	json_object_set_new(r, "type", json_string(type));
	json_object_set_new(r, "seq", json_integer(seq));
	json_object_set_new(r, "time", json_string("2026-11-22T12:00:00.000000Z"));
	json_object_set_new(r, "elapsed_ms", json_real(0));
	json_object_set_new(r, "command", json_string("bodyjson"));
	json_dumpf(r, stdout,
		JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15));
	putchar('\n');
	json_decref(r);
}

static void put(struct str type, struct str body, int seq, struct counts *count)
{
	json_t *r =
		json_pack("{s:s, s:o}", "event", "x", "content_type", json_stringn(type.p, type.n));
	struct arena arena = { 0 };
	struct tree *t = NULL;
	struct fail f = { 0 };
	int e = body_decode(type, body, &arena, &t, &f);

	if (t)
		json_object_set_new(r, "body", out_json_tree(t));
	else
		json_object_set_new(r, "body", json_stringn(body.p, body.n));
	if (e != 0)
		json_object_set_new(r, "body_error", json_string(f.text));
	*(t ? &count->decoded : e ? &count->malformed : &count->text) += 1;
	arena_done(&arena);
	emit(r, "notify", seq);
}

/* "Content-Type: x", folded perhaps, then an empty line. */
static void cut_head(struct str *type, struct str *body)
{
	struct str rest = *body, line, before, value;

	while (str_cut(rest, '\n', &line, &rest) && str_trim(line).n > 0)
		type->n = (size_t)(line.p + line.n - type->p);
	*body = rest;
	if (str_cut(*type, ':', &before, &value))
		*type = str_trim(value);
}

static int put_file(const char *type, const char *path, int seq, struct counts *count)
{
	static char bytes[FILE_BYTES];
	FILE *file = fopen(path, "rb");
	struct str body = { bytes, 0 }, name = str_of(type);

	if (!file) {
		perror(path);
		return 1;
	}
	body.n = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	if (strcmp(type, "-") == 0) {
		name = (struct str){ bytes, 0 };
		cut_head(&name, &body);
	}
	put(name, body, seq, count);
	return 0;
}

int main(int argc, char **argv)
{
	struct counts count = { 0 };
	int e = 0, seq = 1;

	if (argc < 3) {
		fprintf(stderr, "usage: bodyjson TYPE|- FILE...\n");
		return 2;
	}
	emit(json_pack("{s:i, s:s}", "pid", 1, "version", "0"), "start", seq++);
	for (int i = 2; i < argc && e == 0; i++)
		e = put_file(argv[1], argv[i], seq++, &count);
	emit(json_pack("{s:i, s:s, s:i, s:i, s:i}", "exit_code", 0, "exit_name", "ok", "sent", 0,
		     "received", 0, "retransmissions", 0),
		"end", seq);
	fprintf(stderr, "%u decoded, %u malformed, %u text\n", count.decoded, count.malformed,
		count.text);
	return e;
}
