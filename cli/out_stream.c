/* cli/out_stream.c -- where output goes: standard streams and files that options name */
#include "out_impl.h"

#include "live.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A reader that does not read holds us up for as long as it likes, until a signal says that we are
 * to end: then each stream has this long. */
enum { HURRY_MS = 500 };
static volatile sig_atomic_t hurried;

void out_hurry(void)
{
	hurried = 1;
}

static bool is_stuck(int fd)
{
	return hurried && poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, HURRY_MS) == 0;
}

void out_write(struct out_stream *s, struct str bytes)
{
	live_hide(s->live);
	while (s->fd >= 0 && s->failed == 0 && bytes.n > 0) {
		/* a pipe that is ready takes so much without waiting */
		size_t most = hurried && bytes.n > PIPE_BUF ? PIPE_BUF : bytes.n;
		ssize_t n;

		if (is_stuck(s->fd)) {
			s->failed = ETIMEDOUT;
			break;
		}
		n = write(s->fd, bytes.p, most);
		if (n >= 0)
			bytes = str_sub(bytes, (size_t)n, bytes.n);
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			poll(&(struct pollfd){ .fd = s->fd, .events = POLLOUT }, 1, -1);
		else if (errno != EINTR)
			s->failed = errno;
	}
}

void out_stream_guard(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			while (open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) < 0 &&
				errno == EINTR)
				;
}

bool out_stream_color(const char *when, int fd)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (when && strcmp(when, "always") == 0)
		return true;
	if (when && strcmp(when, "never") == 0)
		return false;
	return fd >= 0 && isatty(fd) && (!no || no[0] == '\0') && term && strcmp(term, "dumb") != 0;
}

static int open_stream(
	struct out_stream *s, const char *option, const char *name, mode_t mode, struct fail *f)
{
	s->fd = STDOUT_FILENO;
	if (strcmp(name, "%") == 0) {
		s->fd = STDERR_FILENO;
		s->is_story = true;
	} else if (strcmp(name, "-") != 0) {
		s->fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, mode);
		s->own = true;
	}
	if (s->fd < 0)
		return fail_set(f, -FAIL_LOCAL, "%s: %s: %s", option, name, strerror(errno));
	return 0;
}

void out_stream_close(struct out_stream *s)
{
	if (s->own && s->fd >= 0 && close(s->fd) != 0 && s->failed == 0 && errno != EINTR)
		s->failed = errno;
	s->fd = -1;
}

/* ---- opening ---- */

static bool is_stdout(const char *name)
{
	return name && strcmp(name, "-") == 0;
}

/* Where the result goes: not into a capture on standard output. */
static const char *result_name(const struct out_config *c)
{
	if (c->output)
		return c->output;
	return is_stdout(c->pcap_file) && !c->json ? "%" : "-";
}

/* What would mix on one stream. */
static int conflict(const struct out_config *c, struct fail *f)
{
	const char *name = result_name(c), *trace = c->trace_file, *pcap = c->pcap_file;
	const struct {
		const char *option, *name;
	} reports[] = { { "--tap", c->tap_file }, { "--junit", c->junit_file } };

	if (c->json && trace && strcmp(trace, name) == 0)
		return fail_set(
			f, -FAIL_ARGUMENT, "--trace: %s is where the records of --json go", name);
	if (pcap && strcmp(pcap, "%") == 0)
		return fail_set(f, -FAIL_ARGUMENT, "--pcap: standard error is for people");
	if (pcap && strcmp(pcap, name) == 0)
		return fail_set(f, -FAIL_ARGUMENT, "--pcap: %s is where the %s", name,
			c->json ? "records of --json go" : "output goes");
	for (size_t i = 0; i < ARRAY_LEN(reports); i++) {
		const char *report = reports[i].name;

		if (report && c->json && strcmp(report, name) == 0)
			return fail_set(f, -FAIL_ARGUMENT,
				"%s: %s is where the records of --json go", reports[i].option,
				name);
		if (report && pcap && strcmp(report, pcap) == 0)
			return fail_set(
				f, -FAIL_ARGUMENT, "--pcap: %s is where a report goes", pcap);
	}
	if (pcap && trace && strcmp(pcap, trace) == 0)
		return fail_set(f, -FAIL_ARGUMENT, "--pcap: %s is where the trace goes", pcap);
	return 0;
}

enum { MODE_ALL = 0666, MODE_OWNER = 0600 };

/* Secrets are for the owner alone, also in a file that was there before. */
static int restrict_capture(struct out *o, struct fail *f)
{
	struct stat st;

	if (!o->config.pcap_secrets || !o->capture.own || fstat(o->capture.fd, &st) != 0 ||
		!S_ISREG(st.st_mode) || fchmod(o->capture.fd, MODE_OWNER) == 0)
		return 0;
	return fail_set(
		f, -FAIL_LOCAL, "--pcap-secrets: %s: %s", o->config.pcap_file, strerror(errno));
}

int out_stream_open_all(struct out *o, struct fail *f)
{
	const struct out_config *c = &o->config;
	int e;

	if ((e = conflict(c, f)) != 0 ||
		(e = open_stream(&o->result, "--output", result_name(c), MODE_ALL, f)) != 0 ||
		(c->trace_file && (e = open_stream(&o->trace_stream, "--trace", c->trace_file,
					   MODE_ALL, f)) != 0) ||
		(c->pcap_file && (e = open_stream(&o->capture, "--pcap", c->pcap_file,
					  c->pcap_secrets ? MODE_OWNER : MODE_ALL, f)) != 0) ||
		(c->tap_file &&
			(e = open_stream(&o->tap, "--tap", c->tap_file, MODE_ALL, f)) != 0) ||
		(c->junit_file &&
			(e = open_stream(&o->junit, "--junit", c->junit_file, MODE_ALL, f)) != 0) ||
		(e = restrict_capture(o, f)) != 0)
		return e;
	o->result.color = out_stream_color(c->color, o->result.fd);
	o->trace_stream.color = out_stream_color(c->color, o->trace_stream.fd);
	return 0;
}
