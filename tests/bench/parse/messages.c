/* tests/bench/parse/messages.c -- a registration, a call set up through two proxies, its answer,
 * and a presence notification, as servers of today write them */
#include "messages.h"

static const char registration[] =
	"REGISTER sip:example.net SIP/2.0\r\n"
	"Via: SIP/2.0/UDP 198.51.100.23:5060;rport;branch=z9hG4bKPj-4c7dq2mmz6ns3e5w\r\n"
	"Max-Forwards: 70\r\n"
	"From: \"Carol\" <sip:carol@example.net>;tag=q7xk2mvd5a\r\n"
	"To: \"Carol\" <sip:carol@example.net>\r\n"
	"Call-ID: 5zv7gq3nfa2wkd6t@198.51.100.23\r\n"
	"CSeq: 4711 REGISTER\r\n"
	"Contact: <sip:carol@198.51.100.23:5060;transport=udp>;expires=600\r\n"
	"Expires: 600\r\n"
	"Supported: outbound, path, gruu\r\n"
	"User-Agent: bench/1\r\n"
	"Content-Length: 0\r\n"
	"\r\n";

#define SDP(user, address)                                                                         \
	"v=0\r\n"                                                                                  \
	"o=" user " 3920114400 3920114400 IN IP4 " address "\r\n"                                  \
	"s=-\r\n"                                                                                  \
	"c=IN IP4 " address "\r\n"                                                                 \
	"t=0 0\r\n"                                                                                \
	"m=audio 30000 RTP/AVP 96 9 8 0 101\r\n"                                                   \
	"a=rtpmap:96 opus/48000/2\r\n"                                                             \
	"a=rtpmap:101 telephone-event/8000\r\n"                                                    \
	"a=fmtp:101 0-16\r\n"                                                                      \
	"a=sendrecv\r\n"

static const char call[] =
	"INVITE sip:dave@pbx.example.org;transport=udp SIP/2.0\r\n"
	"Via: SIP/2.0/UDP edge2.example.org:5060;branch=z9hG4bK9f3c.77ab0d.2;i=41\r\n"
	"Via: SIP/2.0/UDP "
	"core1.example.net:5060;branch=z9hG4bKd01e.5c21f3.1;received=203.0.113.8\r\n"
	"Via: SIP/2.0/UDP "
	"198.51.100.23:5060;branch=z9hG4bKPj-k2m4;received=198.51.100.23;rport=5060\r\n"
	"Record-Route: <sip:edge2.example.org;lr;ftag=v3nq8s2b>\r\n"
	"Record-Route: <sip:core1.example.net;lr;nat=yes>\r\n"
	"Max-Forwards: 68\r\n"
	"From: \"Carol Shelby\" <sip:carol@example.net>;tag=v3nq8s2b\r\n"
	"To: Dave <sip:dave@example.org>\r\n"
	"Call-ID: 7c2mzq5t4hwd0xk9@198.51.100.23\r\n"
	"CSeq: 20 INVITE\r\n"
	"Contact: <sip:carol@198.51.100.23:5060;transport=udp>\r\n"
	"Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, REFER, NOTIFY, INFO\r\n"
	"Supported: replaces, 100rel, timer\r\n"
	"User-Agent: bench/1\r\n"
	"Content-Type: application/sdp\r\n"
	"Content-Length: 219\r\n"
	"\r\n" SDP("carol", "198.51.100.23");

static const char answer[] =
	"SIP/2.0 200 OK\r\n"
	"Via: SIP/2.0/UDP "
	"198.51.100.23:5060;branch=z9hG4bKPj-k2m4;received=198.51.100.23;rport=5060\r\n"
	"Record-Route: <sip:edge2.example.org;lr;ftag=v3nq8s2b>\r\n"
	"Record-Route: <sip:core1.example.net;lr;nat=yes>\r\n"
	"From: \"Carol Shelby\" <sip:carol@example.net>;tag=v3nq8s2b\r\n"
	"To: Dave <sip:dave@example.org>;tag=8821046\r\n"
	"Call-ID: 7c2mzq5t4hwd0xk9@198.51.100.23\r\n"
	"CSeq: 20 INVITE\r\n"
	"Contact: <sip:dave@192.0.2.77:5062;transport=udp>\r\n"
	"Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, REFER, NOTIFY, INFO\r\n"
	"Supported: replaces, timer\r\n"
	"Content-Type: application/sdp\r\n"
	"Content-Length: 212\r\n"
	"\r\n" SDP("dave", "192.0.2.77");

static const char notification[] =
	"NOTIFY sip:carol@198.51.100.23:5060;transport=udp SIP/2.0\r\n"
	"Via: SIP/2.0/UDP 203.0.113.8:5060;branch=z9hG4bK31ee.0a77d2b4.0\r\n"
	"Max-Forwards: 70\r\n"
	"From: <sip:dave@example.org>;tag=b7c1-5f00aa1e\r\n"
	"To: \"Carol\" <sip:carol@example.net>;tag=40c9x\r\n"
	"Call-ID: n6qs8d1fy@198.51.100.23\r\n"
	"CSeq: 103 NOTIFY\r\n"
	"Contact: <sip:203.0.113.8:5060;transport=udp>\r\n"
	"Event: presence\r\n"
	"Subscription-State: active;expires=1780\r\n"
	"User-Agent: presence/3\r\n"
	"Content-Type: application/pidf+xml\r\n"
	"Content-Length: 305\r\n"
	"\r\n"
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
	"<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"pres:dave@example.org\">\r\n"
	"  <tuple id=\"k3\">\r\n"
	"    <status><basic>open</basic></status>\r\n"
	"    <contact priority=\"0.5\">sip:dave@192.0.2.77</contact>\r\n"
	"    <timestamp>2026-01-12T08:15:00Z</timestamp>\r\n"
	"  </tuple>\r\n"
	"</presence>\r\n";

const struct message messages[] = {
	{ "register", registration, sizeof(registration) - 1 },
	{ "invite", call, sizeof(call) - 1 },
	{ "200", answer, sizeof(answer) - 1 },
	{ "notify", notification, sizeof(notification) - 1 },
};
const size_t message_count = sizeof(messages) / sizeof(messages[0]);
