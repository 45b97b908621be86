/* cli/out_capture.c -- every message for tools: --pcap (cli.md section 10.2) */
#include "out_impl.h"

#include "mask.h"
#include "pcap.h"

enum { MESSAGE_MAX = 8 << 20 };

void out_capture_init(struct out *o)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(64);

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

void out_capture(struct out *o, const struct trace_event *ev)
{
	if (o->capture.fd >= 0)
		add_packet(o, ev);
}
