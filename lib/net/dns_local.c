/* lib/net/dns_local.c -- the hosts file, and localhost as RFC 6761 has it. Not through c-ares: 1.18
 * finds only the first line of a name, and this way localhost costs no set-up of c-ares. */
#include "net/dns_local.h"

#include "base/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ADDRESSES_MAX = 32 }; /* of one name in the hosts file */

static void close_file(FILE **f)
{
	if (*f)
		fclose(*f);
}

static void free_line(char **line)
{
	free(*line);
}

static struct str without_dot(struct str name)
{
	return str_ends(name, STR(".")) ? str_sub(name, 0, name.n - 1) : name;
}

static bool is_address(enum net_dns_type type)
{
	return type == NET_DNS_A || type == NET_DNS_AAAA;
}

/* "ADDRESS NAME ALIAS... # comment" */
static bool line_has(struct str line, struct str name, struct net_addr *addr)
{
	struct scan s = scan_str(str_trim(str_sub(line, 0, str_find(line, '#'))));
	struct str word;

	if (!scan_run(&s, CH_VISIBLE, &word) || !net_addr_parse(word, 0, addr))
		return false;
	while (scan_lws(&s) && scan_run(&s, CH_VISIBLE, &word))
		if (str_ieq(word, name))
			return true;
	return false;
}

static void set_records(struct net_dns_query *q, const struct net_addr *addrs, size_t count)
{
	q->records = arena_zalloc(&q->arena, count * sizeof(*q->records));
	q->count = count;
	for (size_t i = 0; i < count; i++)
		q->records[i].addr = addrs[i];
}

bool net_dns_local_hosts(struct net_dns_query *q, const char *path)
{
	CLEANUP(close_file) FILE *f = is_address(q->type) ? fopen(path, "re") : NULL;
	CLEANUP(free_line) char *line = NULL;
	struct str name = without_dot(q->name);
	struct net_addr found[ADDRESSES_MAX], addr;
	bool known = false;
	size_t room = 0, count = 0;

	while (f && count < ADDRESSES_MAX && getline(&line, &room, f) > 0) {
		if (!line_has(str_of(line), name, &addr))
			continue;
		known = true;
		if (net_addr_is_ipv6(&addr) == (q->type == NET_DNS_AAAA))
			found[count++] = addr;
	}
	if (known)
		set_records(q, found, count);
	return known;
}

/* RFC 6761 section 6.3: "Name resolution APIs and libraries SHOULD recognize localhost names as
 * special and SHOULD always return the IP loopback address for address queries and negative
 * responses for all other query types." */
bool net_dns_local_localhost(struct net_dns_query *q)
{
	struct str name = without_dot(q->name), suffix = STR(".localhost"), addr;
	struct net_addr loopback;

	if (!str_ieq(name, STR("localhost")) &&
		(name.n <= suffix.n || !str_ieq(str_sub(name, name.n - suffix.n, name.n), suffix)))
		return false;
	addr = q->type == NET_DNS_A ? STR("127.0.0.1") : STR("::1");
	if (is_address(q->type) && net_addr_parse(addr, 0, &loopback))
		set_records(q, &loopback, 1);
	return true;
}
