/* cli/pcap.h -- the classic capture format (libpcap's "savefile", link type LINKTYPE_RAW): messages
 * as if each had been one UDP datagram, whatever carried it, so that every reader finds SIP in it
 */
#ifndef CLI_PCAP_H
#define CLI_PCAP_H

#include "base/buf.h"
#include "base/str.h"

#include <time.h>

/* What stands once at the head of a file. */
void pcap_head(struct buf *b);

struct pcap_packet {
	struct timespec at; /* since 1970 */
	struct str from, to; /* "192.0.2.1:5060", "[2001:db8::1]:5060" */
	struct str message;
};

enum {
	PCAP_HEADERS_MAX = 16 + 40 + 8, /* of the record, IPv6 and UDP */
	PCAP_IPV4_MAX = 65535 - 20 - 8, /* bytes of a message that a datagram holds */
	PCAP_IPV6_MAX = 65535 - 8,
};

/* One record. Of a message that is larger than a datagram as much is in it as fits, and the
 * original length of the record counts the whole of it. An end that is no address becomes 0.0.0.0
 * or ::, port 0; where one end is IPv6, so is the packet. */
void pcap_add(struct buf *b, const struct pcap_packet *p);

#endif
