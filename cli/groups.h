/* cli/groups.h -- the option groups that commands share (cli.md section 7): their values as given, and the config structs
 * made from them */
#ifndef CLI_GROUPS_H
#define CLI_GROUPS_H

#include "base/arena.h"
#include "endpoint/endpoint.h"
#include "endpoint/request.h"

#include <popt.h>

/* A repeatable option: its values in the order given. */
struct values {
	const char **v;
	unsigned n;
};

/* Values as text, NULL when not given; flags are counters. Owned by the struct's arena. */
struct groups {
	/* Output */
	int verbose, quiet, json, dry_run, timestamps;
	const char *output, *trace, *color;
	/* Endpoint */
	const char *aor, *register_expires, *proxy, *epid, *on_drop, *linger, *pool_size, *first_message_timeout,
		*max_outstanding;
	int do_register, p2p, mutual_tls, any_to;
	struct values server, listen, idle_timeout, allow, require_eku;
	/* Identity */
	const char *from, *display_name, *user_agent;
	struct values contact;
	/* Credentials */
	const char *user, *password, *credentials, *realm, *auth, *digest;
	int preauth;
	/* Target */
	const char *transport, *connect, *dns, *local, *interface, *advertise, *follow;
	struct values resolve, route;
	int ipv4, ipv6;
	/* TLS */
	const char *cacert, *capath, *cert, *key, *key_password, *pinnedpubkey, *tls_name, *tls_min, *tls_ciphers, *keylog;
	int insecure;
	/* Time */
	const char *connect_timeout, *timeout, *max_time, *t1, *t2, *retry, *retry_delay, *retry_max_time;
	int no_retransmit, retry_connrefused, no_retry_after;
	/* Message */
	struct values header, add_header, require, supported;
	const char *data, *type, *max_forwards, *max_message;
	int compact;
	/* Config */
	const char *profile, *config;
	int no_config;

	struct arena arena;
};

/* Which groups a command takes; `rte COMMAND --help` shows the command's own options, --help-all these, too. */
enum {
	GROUP_OUTPUT = 1 << 0, GROUP_ENDPOINT = 1 << 1, GROUP_IDENTITY = 1 << 2, GROUP_CREDENTIALS = 1 << 3,
	GROUP_TARGET = 1 << 4, GROUP_TLS = 1 << 5, GROUP_TIME = 1 << 6, GROUP_MESSAGE = 1 << 7, GROUP_CONFIG = 1 << 8,
	GROUP_ALL = (1 << 9) - 1,
};

#endif
