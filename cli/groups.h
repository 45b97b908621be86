/* cli/groups.h -- the option groups that commands share (cli.md section 7), values as given */
#ifndef CLI_GROUPS_H
#define CLI_GROUPS_H

#include "base/arena.h"

#include <popt.h>

struct cmd;
struct opt_visitor;

/* A repeatable option: its values in the order given, ended by NULL. */
struct values {
	const char **v; /* NULL when there are none */
	unsigned n;
};

enum opt_layer { /* a later one wins */
	OPT_CONFIG,
	OPT_PROFILE,
	OPT_ENVIRONMENT,
	OPT_SCENARIO, /* the top of a file of `run` */
	OPT_LINE,
	OPT_PARTY, /* a section of that file */
};

/* A value that is not built in, and where it came from. */
struct opt_origin {
	const char *name; /* "timeout" */
	const char *value; /* "5s"; "" for a flag that is set; masked when sensitive */
	const char *where; /* "command line", "RTE_TIMEOUT", "/home/x/.config/rte/config:3" */
	enum opt_layer layer;
};

/* Values as text, NULL when not given; flags count how often they were given. The texts live in the
 * arena. */
struct groups {
	/* Output */
	int verbose, quiet, json, dry_run, timestamps, pcap_secrets, ladder;
	const char *output, *write_out, *trace, *pcap, *tap, *junit, *color;
	/* Endpoint */
	const char *aor, *register_expires, *proxy, *epid, *dialect, *on_drop, *linger, *pool_size,
		*first_message_timeout, *max_outstanding;
	int register_first, p2p, mutual_tls, any_to;
	struct values server, listen, idle_timeout, allow, require_eku;
	/* Identity */
	const char *from, *display_name, *user_agent;
	struct values contact;
	/* Credentials */
	const char *user, *password, *credentials, *realm, *auth, *digest;
	int preauth, accept_unsigned;
	/* Target */
	const char *transport, *connect, *dns, *local, *interface, *advertise, *follow;
	struct values resolve, route;
	int ipv4, ipv6;
	/* TLS */
	const char *cacert, *capath, *cert, *key, *key_password, *pinnedpubkey, *tls_name, *tls_min,
		*tls_ciphers, *keylog;
	int insecure;
	/* Time */
	const char *connect_timeout, *timeout, *max_time, *t1, *t2, *retry, *retry_delay,
		*retry_max_time;
	int no_retransmit, retry_connrefused, no_retry_after;
	/* Message */
	struct values header, add_header, require, supported;
	const char *data, *type, *max_forwards, *max_message;
	int compact;
	/* Check */
	const char *expect, *stop_after, *drop_after;
	struct values expect_header, expect_body;
	/* Config */
	const char *profile, *config;
	int no_config;

	/* Filled in by opt_parse: */
	const struct cmd *cmd; /* NULL before a command word */
	struct values args; /* what stands behind the options */
	struct opt_origin *origins;
	unsigned origin_count;
	bool json_errors; /* usage errors are NDJSON (ruling 22) */
	bool nagios_errors; /* usage errors are a line of --nagios */

	const struct opt_visitor *visitor; /* not NULL: opt_parse only shows the table to it */
	struct arena arena;
};

/* Which groups a command takes. `rte COMMAND --help` shows the command's own options, --help-all
 * these, too. */
enum {
	GROUP_OUTPUT = 1 << 0,
	GROUP_ENDPOINT = 1 << 1,
	GROUP_REGISTER = 1 << 2, /* of Endpoint: --register; not for what registers anyway */
	GROUP_IDENTITY = 1 << 3,
	GROUP_CREDENTIALS = 1 << 4,
	GROUP_TARGET = 1 << 5,
	GROUP_TLS = 1 << 6,
	GROUP_TIME = 1 << 7,
	GROUP_MESSAGE = 1 << 8,
	GROUP_CHECK = 1 << 9,
	GROUP_CONFIG = 1 << 10,
	GROUP_COUNT = 11,
	GROUP_ALL = (1 << GROUP_COUNT) - 1,
};

/* The rows of the i-th group bound to g, ended by POPT_TABLEEND; they live in g's arena. *title:
 * "Output". */
const struct poptOption *groups_rows(struct groups *g, unsigned i, const char **title);
void groups_done(struct groups *g);

#endif
