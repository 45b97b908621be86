#include "nagios.h"

#include "base/utf8.h"
#include "exit.h"
#include "mask.h"
#include "out.h"
#include "value.h"

#include <stdio.h>
#include <string.h>

int nagios_limits_parse(const char *text, struct nagios *n, struct fail *f)
{
	static const struct value_range range = { 0, 3600000, 0 };
	const char *comma = text ? strchr(text, ',') : NULL;
	char first[24];
	int e;

	if (!text)
		return 0;
	if (!comma || (size_t)(comma - text) >= sizeof(first))
		return fail_set(f, -FAIL_ARGUMENT,
			"--nagios-limits: two numbers of milliseconds, as 500,2000");
	snprintf(first, sizeof(first), "%.*s", (int)(comma - text), text);
	if ((e = value_number("--nagios-limits", first, range, &n->warning_ms, f)) != 0 ||
		(e = value_number("--nagios-limits", comma + 1, range, &n->critical_ms, f)) != 0)
		return e;
	n->has_limits = true;
	return n->warning_ms <= n->critical_ms
		       ? 0
		       : fail_set(f, -FAIL_ARGUMENT,
				 "--nagios-limits: the first is for the warning, and not more than "
				 "the second");
}

void nagios_result(struct nagios *n, const struct endpoint_result *r)
{
	n->ms = r->response ? r->response->rtt_ms : -1;
	if (r->response)
		snprintf(n->status, sizeof(n->status), "%u " STR_FMT, r->response->status_code,
			STR_ARG(r->response->reason_phrase));
}

void nagios_summary(struct nagios *n, const struct out_summary *s)
{
	n->sent = s->sent;
	n->ok = s->ok;
	n->ms = s->ok + s->failed > 0 && s->max > 0 ? s->mean : -1;
}

void nagios_error(struct nagios *n, const char *text)
{
	if (n->failed)
		return;
	n->failed = true;
	snprintf(n->why, sizeof(n->why), "%s", text);
}

enum nagios_state nagios_state(const struct nagios *n, int exit_code)
{
	switch (exit_code) {
	case EXIT_ok:
		break;
	case EXIT_internal:
	case EXIT_usage:
	case EXIT_local:
	case EXIT_not_built:
	case EXIT_no_credentials:
	case EXIT_out_of_memory:
		return NAGIOS_UNKNOWN;
	default:
		return exit_code >= 128 ? NAGIOS_UNKNOWN : NAGIOS_CRITICAL;
	}
	if (!n->has_limits || n->ms <= n->warning_ms)
		return NAGIOS_OK;
	return n->ms > n->critical_ms ? NAGIOS_CRITICAL : NAGIOS_WARNING;
}

/* A bar would begin the figures. */
static void add_text(struct buf *out, const char *text)
{
	CLEANUP(buf_done) struct buf masked = BUF_INIT(1 << 12);
	size_t at = out->n;

	mask_add(&masked, str_of(text));
	utf8_show(out, buf_str(&masked));
	for (; at < out->n; at++)
		if (out->p[at] == '|')
			out->p[at] = '/';
}

static void add_figures(const struct nagios *n, struct buf *out)
{
	if (n->ms < 0 && n->sent == 0)
		return;
	buf_add_char(out, '|');
	if (n->ms >= 0) {
		buf_addf(out, "time=%.1fms", n->ms);
		if (n->has_limits)
			buf_addf(out, ";%u;%u;0", n->warning_ms, n->critical_ms);
		else
			buf_add_str(out, STR(";;;0"));
	}
	if (n->sent > 0)
		buf_addf(out, "%sok=%u;;;0;%u", n->ms >= 0 ? " " : "", n->ok, n->sent);
}

void nagios_line(const struct nagios *n, int exit_code, struct buf *out)
{
	static const char *const names[] = { "OK", "WARNING", "CRITICAL", "UNKNOWN" };

	buf_addf(out, "SIP %s - ", names[nagios_state(n, exit_code)]);
	if (n->sent > 0)
		buf_addf(out, "%u of %u answered well", n->ok, n->sent);
	else if (exit_code == EXIT_ok)
		add_text(out, n->status);
	if (exit_code != EXIT_ok) {
		buf_add_str(out, n->sent > 0 ? STR(": ") : STR_EMPTY);
		add_text(out, n->failed ? n->why : exit_text(exit_code));
	}
	if (n->ms >= 0)
		buf_addf(out, ", %.1f ms", n->ms);
	add_figures(n, out);
	buf_add_char(out, '\n');
}
