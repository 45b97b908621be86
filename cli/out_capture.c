/* cli/out_capture.c -- every message for tools, --pcap (cli.md section 10.2), and for people,
 * --ladder */
#include "out_impl.h"

#include "endpoint/endpoint.h"
#include "exit.h"
#include "ladder.h"
#include "mask.h"
#include "pcap.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	MESSAGE_MAX = 8 << 20,
	LADDER_KEEP = 200, /* messages: what a person still reads */
	LADDER_MAX = 1 << 20,
};

/* The column of our own. */
static const char *our_name(const struct out *o, char text[64])
{
	snprintf(text, 64, "rte %s", o->config.command);
	return text;
}

void out_capture_init(struct out *o)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(64);
	char us[64];

	if (o->config.ladder ||
		(o->config.ladder_of_failure && !o->config.json && !o->config.quiet)) {
		o->ladder = ladder_new(LADDER_KEEP);
		if (!o->config.ladder_of_failure) /* else the parties are it */
			ladder_party(o->ladder, str_of(our_name(o, us)));
	}
	if (o->capture.fd < 0)
		return;
	pcap_head(&b);
	out_write(&o->capture, buf_str(&b));
}

/* In one write: who reads the file while it grows, or after we were killed, finds whole packets. */
static void add_packet(struct out *o, const struct trace_event *ev)
{
	CLEANUP(buf_done)
	struct buf masked = BUF_INIT(MESSAGE_MAX), b = BUF_INIT(PCAP_HEADERS_MAX + PCAP_IPV6_MAX);
	bool sent = ev->kind == TRACE_MSG_OUT;
	struct pcap_packet p = {
		.from = sent ? ev->local : ev->remote,
		.to = sent ? ev->remote : ev->local,
		.message = ev->bytes,
	};

	clock_gettime(CLOCK_REALTIME, &p.at);
	if (!o->config.pcap_secrets) {
		mask_add_same_length(&masked, ev->bytes);
		p.message = buf_str(&masked);
	}
	pcap_add(&b, &p);
	out_write(&o->capture, buf_str(&b));
}

/* The name of who is at the other end. */
static struct str other(const struct out *o, struct str address)
{
	const char *party = out_party_find(o, address);

	return party ? str_of(party) : address;
}

/* However many ports we have, we are one party. */
static void add_rung(struct out *o, const struct trace_event *ev)
{
	CLEANUP(buf_done) struct buf label = BUF_INIT(MESSAGE_MAX), masked = BUF_INIT(MESSAGE_MAX);
	bool sent = ev->kind == TRACE_MSG_OUT;
	char text[64];
	struct str us = str_of(o->party ? o->party : our_name(o, text));
	struct str them = other(o, ev->remote);

	ladder_label(&label, ev->bytes);
	mask_add(&masked, buf_str(&label));
	ladder_add(o->ladder, &(struct ladder_message){
				      .at_us = net_now_us() - o->start_us,
				      .from = sent ? us : them,
				      .to = sent ? them : us,
				      .label = buf_str(&masked),
				      .bytes = ev->bytes,
				      .marked = ev->unexpected,
			      });
}

void out_capture(struct out *o, const struct trace_event *ev)
{
	out_party_at(o, ev->local);
	/* between two of ours it was seen when it was sent */
	if (ev->kind == TRACE_MSG_IN && out_party_find(o, ev->remote))
		return;
	if (o->capture.fd >= 0)
		add_packet(o, ev);
	if (o->ladder)
		add_rung(o, ev);
}

/* As setlocale would find it; nothing else here depends on the locale. */
static bool is_utf8_locale(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct str value = str_of(getenv(names[i])), language, charset;

		if (value.n == 0)
			continue;
		return str_cut(value, '.', &language, &charset) &&
		       (str_istarts(charset, STR("UTF-8")) || str_istarts(charset, STR("utf8")));
	}
	return false;
}

void out_capture_end(struct out *o, int code)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(LADDER_MAX);

	if (!o->ladder)
		return;
	if (o->config.ladder || (code != EXIT_ok && !ladder_is_empty(o->ladder))) {
		ladder_write(o->ladder,
			(struct ladder_style){ .utf8 = is_utf8_locale(), .color = o->story.color },
			&b);
		out_write(&o->story, buf_str(&b));
	}
	ladder_free(o->ladder);
	o->ladder = NULL;
}
