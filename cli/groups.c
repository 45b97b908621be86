#include "groups.h"

#include "base/mem.h"
#include "opt.h"

#include <string.h>

#define TEXT(name, letter, member, help, word)                                                     \
	{                                                                                          \
		name, letter, POPT_ARG_STRING, &g->member, 0, help, word                           \
	}
#define LIST(name, letter, member, help, word)                                                     \
	{                                                                                          \
		name, letter, POPT_ARG_STRING, &g->member, OPT_LIST, help, word                    \
	}
#define FLAG(name, letter, member, help)                                                           \
	{                                                                                          \
		name, letter, POPT_ARG_NONE, &g->member, 0, help, NULL                             \
	}

/* The table on the stack of a group's function becomes one that lives as long as g. */
#define KEEP(g, table) keep((g), (table), sizeof(table))

static const struct poptOption *keep(struct groups *g, const void *table, size_t n)
{
	return memcpy(arena_alloc(&g->arena, n), table, n);
}

static const struct poptOption *output(struct groups *g)
{
	const struct poptOption table[] = {
		FLAG("verbose", 'v', verbose,
			"notes and start lines; -vv whole messages; -vvv timers"),
		FLAG("quiet", 'q', quiet, "only errors"),
		FLAG("json", 'j', json, "NDJSON events on stdout"),
		TEXT("output", 'o', output, "result into FILE", "FILE"),
		TEXT("write-out", 'w', write_out, "print FMT at the end", "FMT"),
		TEXT("trace", 0, trace, "all messages into FILE (- stdout, % stderr)", "FILE"),
		TEXT("pcap", 0, pcap, "all messages into a capture FILE for Wireshark (- stdout)",
			"FILE"),
		FLAG("pcap-secrets", 0, pcap_secrets, "do not mask secrets there"),
		TEXT("tap", 0, tap, "a TAP report into FILE (- stdout, % stderr)", "FILE"),
		TEXT("junit", 0, junit, "a JUnit report into FILE (- stdout, % stderr)", "FILE"),
		FLAG("ladder", 0, ladder, "at the end, who sent what to whom, as a ladder"),
		TEXT("color", 0, color, "colours (default auto)", "auto|always|never"),
		FLAG("timestamps", 0, timestamps, "the time before each line of text"),
		FLAG("dry-run", 'n', dry_run, "print what would be sent, exit 0"),
		POPT_TABLEEND,
	};
	return KEEP(g, table);
}

static const struct poptOption *endpoint(struct groups *g)
{
	const struct poptOption table[] = {
		TEXT("aor", 'a', aor, "who we are", "URI"),
		LIST("server", 0, server, "home server; makes the endpoint server based",
			"HOST[:PORT]"),
		TEXT("proxy", 0, proxy, "outbound proxy of a peer-to-peer endpoint", "URI"),
		FLAG("p2p", 0, p2p, "force a peer-to-peer endpoint"),
		LIST("listen", 0, listen, "listen at udp:ADDR:PORT, tcp:... or tls:...", "URI"),
		TEXT("epid", 0, epid, "endpoint id in From; auto keeps one for each AOR",
			"ID|auto"),
		TEXT("dialect", 0, dialect, "forms of messages (default standard)", "standard|ocs"),
		TEXT("on-drop", 0, on_drop,
			"a lost flow of a registered endpoint (default refresh)",
			"refresh|unregister"),
		LIST("idle-timeout", 0, idle_timeout,
			"close a flow without traffic (default 15m, 0 never)", "T"),
		TEXT("linger", 0, linger, "close a pooled flow this long after its last use (60s)",
			"T"),
		TEXT("pool-size", 0, pool_size, "flows to one destination (default 5)", "N"),
		TEXT("first-message-timeout", 0, first_message_timeout,
			"close an incoming flow without a valid message (60s)", "T"),
		TEXT("max-outstanding", 0, max_outstanding,
			"requests without a final answer on the flow to the home server", "N"),
		FLAG("mutual-tls", 0, mutual_tls, "ask TLS peers for a certificate"),
		LIST("allow", 0, allow, "admit peers of this name, .SUFFIX, or any", "NAME"),
		LIST("require-eku", 0, require_eku, "usage that a peer's certificate must have",
			"OID"),
		FLAG("any-to", 0, any_to, "take every request, whatever its To"),
		POPT_TABLEEND,
	};
	return KEEP(g, table);
}

static const struct poptOption *registration(struct groups *g)
{
	const struct poptOption table[] = {
		FLAG("register", 0, register_first,
			"register first, stay registered, remove it at the end"),
		TEXT("register-expires", 0, register_expires, "its lifetime (default 1h)", "T"),
		POPT_TABLEEND,
	};
	return KEEP(g, table);
}

static const struct poptOption *identity(struct groups *g)
{
	const struct poptOption table[] = {
		TEXT("from", 0, from, "From where it differs from the AOR", "NAME-ADDR"),
		TEXT("display-name", 0, display_name, "display name in From", "TEXT"),
		LIST("contact", 0, contact, "Contact, or parameters of ours", "URI|;PARAMS"),
		TEXT("user-agent", 0, user_agent, "appended to our User-Agent", "TEXT"),
		POPT_TABLEEND,
	};
	return KEEP(g, table);
}

static const struct poptOption *credentials(struct groups *g)
{
	const struct poptOption table[] = {
		TEXT("user", 'u', user, "user name (default: the AOR's)", "NAME"),
		TEXT("password", 0, password,
			"env:NAME file:PATH fd:N stdin cmd:COMMAND prompt pass:TEXT (sensitive)",
			"SOURCE"),
		TEXT("credentials", 0, credentials, "credentials file", "FILE"),
		TEXT("realm", 0, realm, "answer challenges of this realm only", "REALM"),
		TEXT("auth", 0, auth,
			"schemes in order of preference: digest ntlm kerberos none ntlmv1", "LIST"),
		TEXT("digest", 0, digest, "algorithms: sha-512-256 sha-256 md5 (default all)",
			"LIST"),
		FLAG("preauth", 0, preauth, "use the last challenge again, unasked"),
		FLAG("accept-unsigned", 0, accept_unsigned,
			"after NTLM or Kerberos take unsigned messages, too"),
		POPT_TABLEEND,
	};
	return KEEP(g, table);
}

static const struct poptOption *target(struct groups *g)
{
	const struct poptOption table[] = {
		TEXT("transport", 't', transport, "transport where the target leaves it open",
			"udp|tcp|tls"),
		TEXT("connect", 0, connect, "skip RFC 3263", "ADDR:PORT"),
		LIST("resolve", 0, resolve, "addresses of a host", "HOST:PORT:ADDR[,ADDR]"),
		TEXT("dns", 0, dns, "DNS server", "ADDR[:PORT]"),
		FLAG("ipv4", '4', ipv4, "IPv4 only"),
		FLAG("ipv6", '6', ipv6, "IPv6 only"),
		TEXT("local", 0, local, "send from this address", "ADDR[:PORT]"),
		TEXT("interface", 0, interface, "send through this interface", "IF"),
		TEXT("advertise", 0, advertise, "our address in Via and Contact", "HOST[:PORT]"),
		LIST("route", 0, route, "preloaded Route", "URI"),
		TEXT("follow", 0, follow, "redirects to follow (default 0, REGISTER 3)", "N"),
		POPT_TABLEEND,
	};
	return KEEP(g, table);
}

static const struct poptOption *tls(struct groups *g)
{
	const struct poptOption table[] = {
		TEXT("cacert", 0, cacert, "trusted CA certificates", "FILE"),
		TEXT("capath", 0, capath, "folder of trusted CA certificates", "DIR"),
		TEXT("cert", 0, cert, "own certificate", "FILE"),
		TEXT("key", 0, key, "its private key", "FILE"),
		TEXT("key-password", 0, key_password, "password of the key (sensitive)", "SOURCE"),
		FLAG("insecure", 'k', insecure, "do not verify the peer"),
		TEXT("pinnedpubkey", 0, pinnedpubkey,
			"sha256//BASE64 of the peer's key, also with -k", "PIN"),
		TEXT("tls-name", 0, tls_name, "name to verify in place of the host", "NAME"),
		TEXT("tls-min", 0, tls_min, "lowest version (default 1.2)", "1.2|1.3"),
		TEXT("tls-ciphers", 0, tls_ciphers, "cipher suites, OpenSSL names", "LIST"),
		TEXT("keylog", 0, keylog, "TLS secrets into FILE (or SSLKEYLOGFILE)", "FILE"),
		POPT_TABLEEND,
	};
	return KEEP(g, table);
}

static const struct poptOption *times(struct groups *g)
{
	const struct poptOption table[] = {
		TEXT("connect-timeout", 0, connect_timeout,
			"connect and TLS handshake (--timeout, at most 32s)", "T"),
		TEXT("timeout", 0, timeout, "one transaction (default 64*T1, options 5s)", "T"),
		TEXT("max-time", 'm', max_time, "the whole command, DNS included", "T"),
		TEXT("t1", 0, t1, "round-trip estimate (default 500ms)", "T"),
		TEXT("t2", 0, t2, "longest retransmission interval (default 4s)", "T"),
		FLAG("no-retransmit", 0, no_retransmit, "send each request once"),
		TEXT("retry", 0, retry, "repeat after 408, 480, 500, 503, 504 and time-outs", "N"),
		TEXT("retry-delay", 0, retry_delay, "wait before the first repetition (default 1s)",
			"T"),
		TEXT("retry-max-time", 0, retry_max_time, "all repetitions together", "T"),
		FLAG("retry-connrefused", 0, retry_connrefused, "repeat when refused, too"),
		FLAG("no-retry-after", 0, no_retry_after, "fail at once in spite of Retry-After"),
		POPT_TABLEEND,
	};
	return KEEP(g, table);
}

static const struct poptOption *message(struct groups *g)
{
	const struct poptOption table[] = {
		LIST("header", 'H', header, "replace or set; 'N:' removes; @FILE many", "'N: V'"),
		LIST("add-header", 0, add_header, "a second one", "'N: V'"),
		TEXT("data", 'd', data, "body", "TEXT|@FILE|@-"),
		TEXT("type", 0, type, "its Content-Type", "MIME"),
		TEXT("max-forwards", 0, max_forwards, "default 70", "N"),
		LIST("require", 0, require, "option tag in Require", "TAG"),
		LIST("supported", 0, supported, "option tag in Supported", "TAG"),
		FLAG("compact", 0, compact, "compact header names"),
		TEXT("max-message", 0, max_message, "largest message in bytes (default 65536)",
			"N"),
		POPT_TABLEEND,
	};
	return KEEP(g, table);
}

static const struct poptOption *check(struct groups *g)
{
	const struct poptOption table[] = {
		TEXT("expect", 0, expect, "final statuses that are a success: 200,4xx",
			"STATUS,..."),
		LIST("expect-header", 0, expect_header, "a field of the final response",
			"'N: REGEX'"),
		LIST("expect-body", 0, expect_body, "its body, line by line", "REGEX"),
		TEXT("stop-after", 0, stop_after,
			"end in order: resolve connect tls send 1xx early answer ack established",
			"STEP"),
		TEXT("drop-after", 0, drop_after, "the same without a word", "STEP"),
		POPT_TABLEEND,
	};
	return KEEP(g, table);
}

static const struct poptOption *config(struct groups *g)
{
	const struct poptOption table[] = {
		TEXT("profile", 'P', profile, "part of the configuration", "NAME"),
		TEXT("config", 0, config, "configuration file", "FILE"),
		FLAG("no-config", 0, no_config, "no configuration and no credentials file"),
		POPT_TABLEEND,
	};
	return KEEP(g, table);
}

const struct poptOption *groups_rows(struct groups *g, unsigned i, const char **title)
{
	static const char endpoint_title[] = "Endpoint"; /* one section of two groups */
	static const struct {
		const char *title;
		const struct poptOption *(*rows)(struct groups *);
	} groups[GROUP_COUNT] = {
		/* in the order of the GROUP_x bits */
		{ "Output", output },
		{ endpoint_title, endpoint },
		{ endpoint_title, registration },
		{ "Identity", identity },
		{ "Credentials", credentials },
		{ "Target", target },
		{ "TLS", tls },
		{ "Time", times },
		{ "Message", message },
		{ "Check", check },
		{ "Config", config },
	};
	*title = groups[i].title;
	return groups[i].rows(g);
}

static void wipe(const char *text)
{
	if (text)
		mem_wipe((char *)(uintptr_t)text, strlen(text));
}

void groups_done(struct groups *g)
{
	wipe(g->password);
	wipe(g->key_password);
	arena_done(&g->arena);
}
