/* lib/net/tls_allow.c -- which incoming peers a mutual server admits (TL-03 to TL-06, ruling 13) */
#include "net/tls_impl.h"

#include "base/mem.h"
#include "base/scan.h"

#include <arpa/inet.h>
#include <string.h>
#include <unistd.h>

struct name {
	struct map_node node;
	char text[];
};

struct suffix {
	struct list node;
	size_t n;
	char text[]; /* with its leading dot */
};

/* One spelling for each host: lower case, addresses as inet_ntop writes them. */
static struct str spelling(struct str host, char out[256])
{
	unsigned char ip[16];
	size_t n = net_tls_host_ip(host, ip);

	if (n && inet_ntop(n == 4 ? AF_INET : AF_INET6, ip, out, 256))
		return str_of(out);
	for (n = 0; n < host.n && n < 256; n++)
		out[n] = str_lower(host.p[n]);
	return (struct str){ out, n };
}

bool net_tls_allow(struct net_tls *t, const char *name)
{
	char text[256];
	struct str s = spelling(net_tls_host(str_of(name)), text);
	struct name *e;

	if (map_get(&t->names, s))
		return false;
	e = mem_zalloc(1, sizeof(*e) + s.n);
	if (s.n)
		memcpy(e->text, s.p, s.n);
	map_set(&t->names, &e->node, (struct str){ e->text, s.n });
	return true;
}

static void add_suffix(struct net_tls *t, struct str s)
{
	struct suffix *e = mem_zalloc(1, sizeof(*e) + s.n);
	e->n = s.n;
	memcpy(e->text, s.p, s.n);
	list_add(&t->suffixes, &e->node);
}

static int add_entry(struct net_tls *t, const char *entry, struct fail *f)
{
	struct str s = net_tls_host(str_of(entry));
	unsigned char ip[16];

	if (str_ieq(s, STR("any")))
		t->allow_any = true;
	else if (s.n > 1 && s.p[0] == '.' && net_tls_host_is_name(str_sub(s, 1, s.n)))
		add_suffix(t, s);
	else if (net_tls_host_is_name(s) || net_tls_host_ip(s, ip))
		net_tls_allow(t, entry);
	else
		return fail_set(f, -FAIL_ARGUMENT, "not a host name, a .suffix or any: %s", entry);
	return 0;
}

/* TL-02, TL-03: an empty list admits the local host, never everybody. */
int net_tls_allow_init(struct net_tls *t, const char *const *allow, struct fail *f)
{
	char self[256];
	int e = 0;

	if (allow && allow[0]) {
		for (; *allow && e == 0; allow++)
			e = add_entry(t, *allow, f);
		return e;
	}
	if (gethostname(self, sizeof(self)) == 0) {
		self[sizeof(self) - 1] = '\0';
		net_tls_allow(t, self);
	}
	return 0;
}

void net_tls_allow_done(struct net_tls *t)
{
	struct map_node *node;

	LIST_EACH (it, &t->suffixes)
		mem_free(CONTAINER_OF(it, struct suffix, node));
	while ((node = map_any(&t->names)) != NULL) {
		map_del(&t->names, node);
		mem_free(CONTAINER_OF(node, struct name, node));
	}
	map_done(&t->names);
}

/* Ends so, with a host before it: RFC 5922 section 7.2 knows no wildcard names, so neither
 * "*.example.com" nor ".example.com" in a certificate is a host under .example.com. */
static bool has_suffix(struct str host, const struct suffix *e)
{
	return host.n > e->n && net_tls_host_is_name(host) &&
	       str_ieq(str_sub(host, host.n - e->n, host.n), (struct str){ e->text, e->n });
}

bool net_tls_allow_has(const struct net_tls *t, const struct net_tls_name *name)
{
	char text[256];
	struct str s = name->text;

	if (name->kind == NET_TLS_IP) {
		int family = s.n == 4 ? AF_INET : AF_INET6;
		return inet_ntop(family, s.p, text, sizeof(text)) &&
		       map_get(&t->names, str_of(text));
	}
	if (!net_tls_host_is_name(s)) /* no NUL, no wildcard, and short enough for spelling */
		return false;
	if (map_get(&t->names, spelling(s, text)))
		return true;
	LIST_EACH (it, &t->suffixes)
		if (has_suffix(s, CONTAINER_OF(it, struct suffix, node)))
			return true;
	return false;
}
