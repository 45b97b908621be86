/* cli/nagios.h -- options --nagios: one line and an exit code of 0 to 3, as monitoring systems want
 * them */
#ifndef CLI_NAGIOS_H
#define CLI_NAGIOS_H

#include "base/buf.h"
#include "endpoint/event.h"

struct out_summary;

enum nagios_state { NAGIOS_OK, NAGIOS_WARNING, NAGIOS_CRITICAL, NAGIOS_UNKNOWN };

struct nagios {
	bool has_limits;
	uint32_t warning_ms, critical_ms; /* more than that */
	/* What it came to so far */
	bool failed;
	char why[300]; /* the first error */
	char status[120]; /* of one probe: "200 OK" */
	unsigned sent, ok; /* of many; 0: it was one */
	double ms; /* of one, or the mean of many; < 0: nothing was answered */
};

/* "MS,MS": warning and critical. -FAIL_ARGUMENT. */
int nagios_limits_parse(const char *text, struct nagios *n, struct fail *f);
void nagios_result(struct nagios *n, const struct endpoint_result *r);
void nagios_summary(struct nagios *n, const struct out_summary *s);
void nagios_error(struct nagios *n, const char *text);

/* What an exit code of rte means there: what is wrong with us is UNKNOWN, with the peer CRITICAL.
 */
enum nagios_state nagios_state(const struct nagios *n, int exit_code);
/* "SIP OK - 200 OK, 12.4 ms|time=12.4ms;500;1000;0\n" */
void nagios_line(const struct nagios *n, int exit_code, struct buf *out);

#endif
