/* lib/net/tls_alert.c -- what went wrong, in words, from OpenSSL's error queue (TL-09) */
#include "net/tls_impl.h"

#include <errno.h>
#include <openssl/err.h>
#include <string.h>

const char *net_tls_alert_why(void)
{
	unsigned long e = ERR_peek_error();
	const char *text;

	if (ERR_SYSTEM_ERROR(e))
		return fail_text(-ERR_GET_REASON(e));
	text = ERR_reason_error_string(e);
	return text ? text : "unknown error";
}

/* The alert that the peer sent, or -1. */
static int alert_number(void)
{
	unsigned long e = ERR_peek_error();
	int n = ERR_GET_REASON(e) - SSL_AD_REASON_OFFSET;

	return ERR_GET_LIB(e) == ERR_LIB_SSL && n >= 0 && n <= UINT8_MAX ? n : -1;
}

/* "tlsv13 alert certificate required" without what only matters inside OpenSSL. */
static const char *alert_text(void)
{
	const char *text = net_tls_alert_why();
	const char *blank = strchr(text, ' ');

	if (strncmp(text, "tlsv1", 5) != 0 && strncmp(text, "sslv3", 5) != 0)
		return text;
	text = blank ? blank + 1 : text;
	return strncmp(text, "alert ", 6) == 0 ? text + 6 : text;
}

static enum net_tls_reason alert_reason(const struct net_tls_conn *c, int alert)
{
	if (alert == SSL_AD_CERTIFICATE_REQUIRED)
		return NET_TLS_NO_LOCAL_CERTIFICATE;
	/* Before TLS 1.3 there was no such alert. RFC 5246 section 7.4.6: "If the client does not
	 * send any certificates, the server MAY [...] respond with a fatal handshake_failure". */
	if (c->asked && (alert == SSL_AD_HANDSHAKE_FAILURE || alert == SSL_AD_NO_CERTIFICATE ||
				alert == SSL_AD_BAD_CERTIFICATE))
		return NET_TLS_NO_LOCAL_CERTIFICATE;
	return NET_TLS_NEGOTIATION;
}

static int refused(struct net_tls_conn *c, int alert, struct fail *f)
{
	c->reason = alert_reason(c, alert);
	return fail_set(f, -FAIL_TLS, "%s refused our TLS handshake: %s (alert %d)", c->peer,
		alert_text(), alert);
}

/* The very first bytes of the peer were no record of TLS. */
static bool is_plaintext(const struct net_tls_conn *c)
{
	OSSL_HANDSHAKE_STATE state = SSL_get_state(c->ssl);
	int reason = ERR_GET_REASON(ERR_peek_error());

	if (state != TLS_ST_BEFORE && state != TLS_ST_CW_CLNT_HELLO)
		return false;
	return reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST ||
	       reason == SSL_R_HTTPS_PROXY_REQUEST || reason == SSL_R_UNKNOWN_PROTOCOL ||
	       reason == SSL_R_BAD_RECORD_TYPE;
}

static void disconnected(struct net_tls_conn *c, int err)
{
	c->reason = NET_TLS_DISCONNECTED;
	if (err)
		fail_set(
			&c->fail, -FAIL_TLS, "TLS handshake with %s: %s", c->peer, fail_text(-err));
	else
		fail_set(&c->fail, -FAIL_TLS, "%s closed the connection during the TLS handshake",
			c->peer);
}

void net_tls_alert_handshake(struct net_tls_conn *c, int e)
{
	int err = errno, alert = alert_number();

	if (c->fail.code) /* the verification has said why */
		return;
	c->reason = NET_TLS_NEGOTIATION;
	if (e == SSL_ERROR_ZERO_RETURN || e == SSL_ERROR_SYSCALL) {
		disconnected(c, e == SSL_ERROR_SYSCALL ? err : 0);
	} else if (alert >= 0) {
		refused(c, alert, &c->fail);
	} else if (is_plaintext(c)) {
		fail_set(&c->fail, -FAIL_TLS, "%s does not speak TLS", c->peer);
	} else if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
		c->reason = NET_TLS_UNTRUSTED;
		fail_set(&c->fail, -FAIL_TLS, "%s presented no certificate", c->peer);
	} else {
		fail_set(&c->fail, -FAIL_TLS, "TLS handshake with %s: %s", c->peer,
			net_tls_alert_why());
	}
}

void net_tls_alert_io(struct net_tls_conn *c, int e, struct fail *f)
{
	int err = errno ? errno : EPIPE, alert = alert_number();

	if (e == SSL_ERROR_SYSCALL)
		fail_set(f, -err, "%s: %s", c->peer, fail_text(-err));
	/* RFC 8446 section 4.4.2.4: in TLS 1.3 a client is through before the server has looked at
	 * its certificate, so the refusal comes here. */
	else if (alert >= 0 && !c->heard && !c->tls->server)
		refused(c, alert, f);
	else if (alert >= 0)
		fail_set(f, -FAIL_TLS, "%s ended TLS: %s (alert %d)", c->peer, alert_text(), alert);
	else
		fail_set(f, -FAIL_TLS, "TLS with %s: %s", c->peer, net_tls_alert_why());
}
