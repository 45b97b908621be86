/* lib/sip/sipfrag.c -- message/sipfrag: a piece of a SIP message (RFC 3420) */
#include "base/scan.h"
#include "sip/body_impl.h"

/* Status-Line: SIP/2.0 200 OK */
static bool put_status(struct arena *a, struct tree *o, struct str line)
{
	struct scan s = scan_str(line);
	struct str code;
	uint32_t status;

	if (!scan_lit(&s, "SIP/2.0") || !scan_char(&s, ' ') || !scan_run(&s, CH_DIGIT, &code) ||
		code.n != 3 || !str_u32(code, &status) || status < 100 || status > 699 ||
		!(scan_end(&s) || scan_char(&s, ' ')))
		return false;
	tree_integer(a, o, "status_code", status);
	tree_text(a, o, "reason_phrase", scan_rest(&s));
	return true;
}

/* Request-Line: INVITE sip:alice@atlanta.example.com SIP/2.0 */
static bool put_request(struct arena *a, struct tree *o, struct str line)
{
	struct scan s = scan_str(line);
	struct str method, uri;

	if (!scan_run(&s, CH_TOKEN, &method) || !scan_char(&s, ' ') || !scan_until(&s, ' ', &uri) ||
		uri.n == 0 || !scan_char(&s, ' ') || !scan_lit(&s, "SIP/2.0") || !scan_end(&s))
		return false;
	tree_text(a, o, "method", method);
	tree_text(a, o, "request_uri", uri);
	return true;
}

static int put_header(struct body_lines *lines, struct str line, struct arena *a, struct tree *list,
	struct fail *f)
{
	struct body_lines here = *lines;
	struct str name, value;

	if (scan_is(line.p[0], CH_LWS) || !body_lines_field(lines, line, &name, &value))
		return body_lines_fail(f, &here, 1, "neither a start line nor a header field");
	body_named_text(a, list, name, value);
	return 0;
}

/* RFC 3420 section 2.1: [ start-line ] *message-header [ CRLF [ message-body ] ] */
int sipfrag_read(struct str body, struct arena *arena, struct tree **out, struct fail *f)
{
	struct body_lines lines = { .rest = body };
	struct tree *o = tree_new(arena), *headers = NULL;
	struct str line = STR_EMPTY;

	while (body_lines_next(&lines, &line) && line.n > 0) {
		int e;

		if (lines.number == 1 &&
			(put_status(arena, o, line) || put_request(arena, o, line)))
			continue;
		if (lines.number > BODY_LINES)
			return fail_set(f, -FAIL_LIMIT, "line %u column 1: more than %d lines",
				lines.number, BODY_LINES);
		if (!headers)
			headers = tree_list(arena, o, "header");
		e = put_header(&lines, line, arena, headers, f);
		if (e)
			return e;
	}
	if (lines.rest.n > 0)
		tree_text(arena, o, "body", lines.rest);
	*out = o;
	return 0;
}
