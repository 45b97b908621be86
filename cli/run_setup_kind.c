#include "run_setup.h"

#include "value.h"

#include <string.h>

static int with(struct fail *f, const char *a, const char *b)
{
	return fail_set(f, -FAIL_ARGUMENT, "--%s with --%s", a, b);
}

/* The option that makes the endpoint server based; NULL: none does. */
static const char *needs_server(const struct groups *g)
{
	return g->server.n ? "server" : g->register_first ? "register" : NULL;
}

/* Peer to peer or not, for a command that can be both: the command line, then files and environment
 * (section 5.3). */
static bool peer_to_peer(struct run *r, struct run_setup *s)
{
	const struct groups *g = r->g;

	if (opt_on_line(g, "server") || (opt_on_line(g, "register") && g->register_first)) {
		s->unused = g->p2p ? "p2p" : NULL;
		return false;
	}
	if (opt_on_line(g, "p2p") || opt_on_line(g, "proxy")) {
		s->unused = needs_server(g);
		return g->p2p || g->proxy;
	}
	if (g->p2p)
		s->unused = needs_server(g);
	return g->p2p || !needs_server(g);
}

/* "it cannot authenticate" (section 5.3); what stands in a file is passed over. */
static int refuse_credentials(struct run *r, struct run_setup *s, struct fail *f)
{
	static const char *const options[] = { "user", "password", "credentials", "realm",
		"preauth", "accept-unsigned", "auth" };
	const struct groups *g = r->g;

	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		const char *name = options[i];
		if (!opt_origin(g, name))
			continue;
		if (strcmp(name, "auth") == 0 && strcmp(g->auth, "none") == 0)
			continue;
		if (opt_on_line(g, name))
			return fail_set(f, -FAIL_ARGUMENT,
				"--%s: a peer-to-peer endpoint cannot authenticate; add --server "
				"or --register",
				name);
		if (!s->unused)
			s->unused = name;
	}
	return 0;
}

/* Dialect ocs is between an endpoint and its home server; what stands in a file is passed over. */
static int dialect(struct run *r, struct run_setup *s, struct fail *f)
{
	int word = ENDPOINT_STANDARD, e; /* in the order of enum endpoint_dialect */

	if ((e = value_word("--dialect", r->g->dialect, "standard|ocs", &word, f)) != 0)
		return e;
	if (word == ENDPOINT_OCS && r->kind == ENDPOINT_PEER_TO_PEER) {
		if (opt_on_line(r->g, "dialect"))
			return fail_set(f, -FAIL_ARGUMENT,
				"--dialect: ocs needs a server-based endpoint; add --server or "
				"--register, and leave out --p2p and --proxy");
		s->unused = "dialect";
		word = ENDPOINT_STANDARD;
	}
	r->dialect = (enum endpoint_dialect)word;
	s->endpoint.dialect = r->dialect;
	return 0;
}

int run_setup_kind(struct run *r, struct run_setup *s, struct fail *f)
{
	const struct groups *g = r->g;
	bool p2p_line = opt_on_line(g, "p2p") && g->p2p, server_line = opt_on_line(g, "server");
	bool register_line = opt_on_line(g, "register") && g->register_first;
	int e;

	if (p2p_line && (server_line || register_line))
		return with(f, "p2p", server_line ? "server" : "register");
	if (r->cmd->kind == CMD_SERVER_BASED && p2p_line)
		return fail_set(f, -FAIL_ARGUMENT, "--p2p: %s needs a server", r->cmd->name);
	if (opt_on_line(g, "proxy") && (server_line || register_line))
		return with(f, "proxy", server_line ? "server" : "register");
	if (r->cmd->kind == CMD_SERVER_BASED && opt_on_line(g, "proxy"))
		return fail_set(f, -FAIL_ARGUMENT, "--proxy: %s uses --server", r->cmd->name);
	r->kind = ENDPOINT_SERVER_BASED;
	if ((r->cmd->kind == CMD_EITHER ||
		    (r->cmd->kind == CMD_SERVER_UNLESS && (g->p2p || g->proxy))) &&
		peer_to_peer(r, s))
		r->kind = ENDPOINT_PEER_TO_PEER;
	s->endpoint.kind = r->kind;
	if ((e = dialect(r, s, f)) != 0)
		return e;
	s->manager.kind = r->kind == ENDPOINT_PEER_TO_PEER || g->listen.n ? NET_SERVER : NET_CLIENT;
	if (r->kind == ENDPOINT_PEER_TO_PEER)
		return refuse_credentials(r, s, f);
	r->registers = g->register_first;
	if (r->config.listens && !r->config.registers_later && !r->registers && g->listen.n == 0)
		return fail_set(f, -FAIL_ARGUMENT, "%s", "--server: add --register or --listen");
	if (g->proxy)
		s->unused = "proxy";
	return 0;
}
