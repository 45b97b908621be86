/* lib/net/tls_session.c -- sessions that a client may resume. A session is offered only by the
 * context that made it, for the host it was made for: its certificate was verified for that name
 * (A65). */
#include "net/tls_impl.h"

#include "base/mem.h"

#include <string.h>

#define SESSIONS 64

struct session {
	struct list node;
	SSL_SESSION *ssl;
	char host[];
};

static struct session *find(struct net_tls_conn *c)
{
	LIST_EACH (it, &c->tls->sessions) {
		struct session *s = CONTAINER_OF(it, struct session, node);
		if (strcmp(s->host, c->host) == 0)
			return s;
	}
	return NULL;
}

static void forget(struct net_tls *t, struct session *s)
{
	list_del(&s->node);
	t->session_count--;
	SSL_SESSION_free(s->ssl);
	mem_free(s);
}

void net_tls_session_offer(struct net_tls_conn *c)
{
	struct session *s = find(c);

	if (!s)
		return;
	SSL_set_session(c->ssl, s->ssl);
	/* RFC 8446 appendix C.4: "Clients SHOULD NOT reuse a ticket for multiple connections." */
	if (SSL_SESSION_get_protocol_version(s->ssl) >= TLS1_3_VERSION)
		forget(c->tls, s);
}

void net_tls_session_keep(struct net_tls_conn *c, SSL_SESSION *session)
{
	size_t n = strlen(c->host);
	struct session *s;

	net_tls_session_drop(c);
	if (c->tls->session_count == SESSIONS)
		forget(c->tls, CONTAINER_OF(list_first(&c->tls->sessions), struct session, node));
	s = mem_zalloc(1, sizeof(*s) + n + 1);
	memcpy(s->host, c->host, n);
	s->ssl = session;
	list_add(&c->tls->sessions, &s->node);
	c->tls->session_count++;
}

void net_tls_session_drop(struct net_tls_conn *c)
{
	struct session *s = find(c);
	if (s)
		forget(c->tls, s);
}

void net_tls_session_done(struct net_tls *t)
{
	LIST_EACH (it, &t->sessions)
		forget(t, CONTAINER_OF(it, struct session, node));
}
