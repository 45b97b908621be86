/* lib/serve/state_conference.c -- conferences whose state is a file: the document is sent as it is.
 * RFC 4575. Only its version is raised where a subscriber has seen that number already: "MUST be
 * incremented by one for each new conference document sent" (5.2). */
#include "serve/events.h"

#include "base/mem.h"
#include "base/scan.h"
#include "sip/xml_text.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* A regular file: a pipe or a device would keep the server waiting. */
static int open_file(struct str file)
{
	char *path = mem_strndup(file.p, file.n);
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), e = fd < 0 ? -errno : fd;
	struct stat st;

	if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))) {
		close(fd);
		e = -EINVAL;
	}
	mem_free(path);
	return e;
}

static int read_file(struct str file, struct buf *b)
{
	int fd = open_file(file), e;
	char bytes[4096];
	ssize_t n;

	if (fd < 0)
		return fd;
	while ((n = read(fd, bytes, sizeof(bytes))) > 0 && b->fail == 0)
		buf_add(b, bytes, (size_t)n);
	e = n < 0 ? -errno : 0;
	close(fd);
	return e;
}

int state_conference_read(struct presentity *p, struct str file, struct fail *f)
{
	struct buf b = BUF_INIT(EVENTS_BODY);
	int e = read_file(file, &b);

	if (e != 0) {
		e = fail_set(
			f, -FAIL_LOCAL, "cannot read " STR_FMT ": %s", STR_ARG(file), fail_text(e));
	} else if (b.fail) {
		e = fail_set(f, -FAIL_LIMIT, STR_FMT " has more than %u bytes", STR_ARG(file),
			(unsigned)EVENTS_BODY);
	} else {
		mem_free(p->conference);
		p->conference = mem_strndup(b.p ? b.p : "", b.n);
		p->conference_n = b.n;
		p->conference_serial = ++p->events->serial;
	}
	buf_done(&b);
	return e;
}

/* ---- its version ---- */

/* Passes declarations, comments and white space; on success s stands behind "<" of the root. */
static bool find_root(struct scan *s)
{
	for (;;) {
		struct str rest = scan_rest(s);
		const char *end;

		if (str_find(rest, '<') == rest.n)
			return false;
		s->p += str_find(rest, '<') + 1;
		rest = scan_rest(s);
		if (str_starts(rest, STR("!--"))) {
			for (end = rest.p; end + 3 <= rest.p + rest.n; end++)
				if (str_starts((struct str){ end, 3 }, STR("-->")))
					break;
			s->p = end;
		} else if (rest.n > 0 && rest.p[0] != '!' && rest.p[0] != '?') {
			return true;
		}
	}
}

/* The value of the root's attribute "version", within the document. */
static bool find_version(struct str doc, struct str *value)
{
	struct scan s = scan_str(doc);
	struct str rest;

	if (!find_root(&s))
		return false;
	rest = scan_rest(&s);
	for (size_t i = 0, from; i < rest.n && rest.p[i] != '>';) {
		char quote;

		from = i; /* a word: the element's name, or an attribute's */
		while (i < rest.n && rest.p[i] != '=' && rest.p[i] != '>' && rest.p[i] > ' ')
			i++;
		if (i >= rest.n || rest.p[i] != '=') {
			i += i < rest.n && rest.p[i] != '>';
			continue;
		}
		quote = i + 1 < rest.n ? rest.p[i + 1] : '\0';
		if (quote != '"' && quote != '\'')
			return false;
		*value = str_sub(rest, i + 2, rest.n);
		*value = str_sub(*value, 0, str_find(*value, quote));
		if (str_eq(str_sub(rest, from, i), STR("version")))
			return true;
		i += value->n + 3;
	}
	return false;
}

/* A member of a list that is no conference. */
static void write_empty(const struct view *v, struct state *st)
{
	buf_add_str(&st->body,
		STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		    "<conference-info xmlns=\"urn:ietf:params:xml:ns:conference-info\" entity=\""));
	xml_text_write(&st->body, str_of(v->who->uri));
	buf_addf(&st->body, "\" state=\"full\" version=\"%u\"/>\n", st->version);
}

void state_conference_write(const struct view *v, struct state *st)
{
	struct str doc = { v->who->conference, v->who->conference_n }, version;
	uint32_t own;

	events_wanted(st, v->who->conference_serial);
	if (v->who->conference_serial == 0) {
		write_empty(v, st);
	} else if (find_version(doc, &version) && str_u32(version, &own) && own < st->version) {
		buf_add(&st->body, doc.p, (size_t)(version.p - doc.p));
		buf_addf(&st->body, "%u", st->version);
		buf_add_str(
			&st->body, str_sub(doc, (size_t)(version.p + version.n - doc.p), doc.n));
	} else {
		if (find_version(doc, &version) && str_u32(version, &own))
			st->version = own;
		buf_add_str(&st->body, doc);
	}
}
