/* lib/serve/control.c -- orders through a FIFO, one a line: the registrar's, and those of the event
 * agent */
#include "serve/ocs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Closes the connections that the user registered over. */
static int drop(struct serve *s, struct str user, struct fail *f)
{
	struct record *r = registrar_record(s, user);

	if (!r)
		return fail_set(f, -FAIL_ARGUMENT, "nobody is registered as \"" STR_FMT "\"",
			STR_ARG(user));
	LIST_EACH (it, &r->bindings) {
		struct binding *b = CONTAINER_OF(it, struct binding, node);
		struct net_flow *flow =
			net_manager_flow_by_id(endpoint_manager_net(s->manager), b->flow_id);

		if (flow && b->transport != NET_UDP)
			net_flow_close(flow);
	}
	return 0;
}

static int deregister(struct serve *s, struct str user, struct str cause, struct fail *f)
{
	static const char *const causes[] = { "deactivated", "probation", "unregistered",
		"rejected", "expired" };
	struct record *r = registrar_record(s, user);
	const char *word = NULL, *notice = NULL;

	for (unsigned i = 0; i < ARRAY_LEN(causes); i++)
		if (str_eq(cause, str_of(causes[i])))
			word = causes[i];
	if (s->config.ocs)
		ocs_cause(cause, &notice, &word);
	if (!word)
		return fail_set(f, -FAIL_ARGUMENT, "\"" STR_FMT "\" is not a cause of an end",
			STR_ARG(cause));
	if (!r)
		return fail_set(f, -FAIL_ARGUMENT, "nobody is registered as \"" STR_FMT "\"",
			STR_ARG(user));
	while ((r = registrar_record(s, user)) != NULL && !list_empty(&r->bindings)) {
		struct binding *b = CONTAINER_OF(list_first(&r->bindings), struct binding, node);

		if (notice && b->epid[0])
			ocs_deregister(s, b, notice);
		registrar_remove(b, word);
	}
	return 0;
}

static int forget(struct serve *s, struct str user, struct fail *f)
{
	return pact_forget(s, user)
		       ? 0
		       : fail_set(f, -FAIL_ARGUMENT, "\"" STR_FMT "\" has no security association",
				 STR_ARG(user));
}

int serve_order(struct serve *s, struct str line, struct fail *f)
{
	static const char *const of_events[] = { "mwi", "conference", "terminate", "notify" };
	struct str verb = str_trim(line), user = STR_EMPTY, rest = STR_EMPTY;

	str_cut(verb, ' ', &verb, &user);
	user = str_trim(user);
	str_cut(user, ' ', &user, &rest);
	if (str_eq(verb, STR("drop")) && user.n > 0 && rest.n == 0)
		return drop(s, user, f);
	if (str_eq(verb, STR("forget")) && user.n > 0 && rest.n == 0)
		return forget(s, user, f);
	if (str_eq(verb, STR("deregister")) && user.n > 0)
		return deregister(s, user, str_trim(rest), f);
	for (unsigned i = 0; i < ARRAY_LEN(of_events); i++)
		if (str_eq(verb, str_of(of_events[i])) && user.n > 0)
			return events_order(s, verb, user, str_trim(rest), f);
	return fail_set(f, -FAIL_ARGUMENT,
		"\"" STR_FMT "\" is not an order: drop USER, forget USER, deregister USER CAUSE, "
		"mwi USER NEW/OLD, conference USER FILE, terminate USER PACKAGE REASON, "
		"notify USER PACKAGE",
		STR_ARG(line));
}

static void carry_out(struct serve *s, struct str line)
{
	struct fail f = { 0 };
	struct buf text = BUF_INIT(1 << 13);

	if (str_trim(line).n == 0)
		return;
	if (serve_order(s, line, &f) == 0)
		buf_addf(&text, STR_FMT, STR_ARG(str_trim(line)));
	else
		buf_addf(&text, "refused: %s", f.text);
	serve_tell(s, &(struct serve_event){ .type = SERVE_CONTROL, .text = buf_str(&text) });
	buf_done(&text);
}

static void on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
	struct serve *s = CONTAINER_OF(w, struct serve, control_io);
	struct str line, rest;
	char bytes[4096];
	ssize_t n;

	(void)loop;
	(void)revents;
	/* Once in a pass: a writer that never stops must not keep the peers waiting. */
	if ((n = read(s->control_fd, bytes, sizeof(bytes))) > 0)
		buf_add(&s->control_line, bytes, (size_t)n);
	while (str_cut(buf_str(&s->control_line), '\n', &line, &rest)) {
		carry_out(s, line);
		buf_consume(&s->control_line, line.n + 1);
	}
	if (s->control_line.fail) /* a line without end: forget it */
		buf_clear(&s->control_line);
}

int control_open(struct serve *s, struct fail *f)
{
	const char *path = s->config.control;
	struct stat st;

	s->control_fd = s->control_keep = -1;
	if (!path)
		return 0;
	if (mkfifo(path, 0600) != 0 && errno != EEXIST)
		return fail_set(
			f, -FAIL_LOCAL, "cannot make the FIFO %s: %s", path, fail_text(-errno));
	s->control_fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	/* Anything else has no end of its being readable, and what is in a file is no order. */
	if (s->control_fd >= 0 && (fstat(s->control_fd, &st) != 0 || !S_ISFIFO(st.st_mode)))
		return fail_set(f, -FAIL_LOCAL, "%s is not a FIFO", path);
	if (s->control_fd >= 0)
		s->control_keep = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (s->control_fd < 0 || s->control_keep < 0)
		return fail_set(
			f, -FAIL_LOCAL, "cannot open the FIFO %s: %s", path, fail_text(-errno));
	buf_init(&s->control_line, 1 << 13);
	ev_io_init(&s->control_io, on_readable, s->control_fd, EV_READ);
	ev_io_start(endpoint_loop(), &s->control_io);
	return 0;
}

void control_close(struct serve *s)
{
	ev_io_stop(endpoint_loop(), &s->control_io);
	if (s->control_fd >= 0)
		close(s->control_fd);
	if (s->control_keep >= 0)
		close(s->control_keep);
	s->control_fd = s->control_keep = -1;
	buf_done(&s->control_line);
}
