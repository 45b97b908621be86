/* tests/unit/test_sip_syntax.c -- the parsers of single values in lib/sip, RFC 3261 section 25.1 */
#include "base/mem.h"
#include "sip/host.h"
#include "sip/status.h"
#include "sip_touch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define assert_str(s, literal) assert_bytes((s), STR(literal), __LINE__)

static void assert_bytes(struct str got, struct str want, int line)
{
	if (!str_eq(got, want))
		fail_msg("line %d: got <" STR_FMT ">, want <" STR_FMT ">", line, STR_ARG(got),
			STR_ARG(want));
}

/* ---- names ---- */

static struct str in_other_case(struct str s, char *room)
{
	for (size_t i = 0; i < s.n; i++)
		room[i] = (char)(scan_is(s.p[i], CH_ALPHA) ? s.p[i] ^ 0x20 : s.p[i]);
	return (struct str){ room, s.n };
}

static void header_names(void **state)
{
	char room[64];
	enum sip_hdr_id found;

	(void)state;
	for (int i = 1; i < SIP_HDR_COUNT; i++) {
		enum sip_hdr_id id = (enum sip_hdr_id)i;
		struct str name = sip_hdr_name(id);
		assert_true(name.n > 0 && name.n < 31); /* what sip_hdr_match asks for */
		assert_int_equal(sip_hdr_id(name), id);
		assert_int_equal(sip_hdr_id(in_other_case(name, room)), id);
		assert_int_equal(sip_hdr_id(sip_hdr_compact(id)), id);
		assert_int_equal(sip_hdr_id(in_other_case(sip_hdr_compact(id), room)), id);
		if (id != SIP_HDR_TO) /* whose compact form is what is left */
			assert_int_equal(sip_hdr_id(str_sub(name, 0, name.n - 1)), SIP_HDR_OTHER);
		/* libre takes a name with the same hash for this one; nobody else may. */
		memcpy(room, name.p, name.n);
		room[name.n - 1] ^= 1;
		assert_int_not_equal(sip_hdr_id((struct str){ room, name.n }), id);
		memset(room, 'x', sizeof(room));
		memcpy(room, name.p, name.n);
		assert_int_equal(sip_hdr_match(room, sizeof(room), &found), 0);
		room[name.n] = ':';
		assert_int_equal(sip_hdr_match(room, 31, &found), 0);
		/* "ms-diagnostics" is not found on this way */
		if (sip_hdr_match(room, 32, &found))
			assert_int_equal(found, id);
		else
			assert_int_equal(name.p[0], 'm');
	}
	assert_int_equal(sip_hdr_id(STR("")), SIP_HDR_OTHER);
	assert_int_equal(sip_hdr_id(STR("Foo-2488")), SIP_HDR_OTHER);
	assert_int_equal(sip_hdr_id(STR("z")), SIP_HDR_OTHER);
	assert_int_equal(sip_hdr_id(STR("Via ")), SIP_HDR_OTHER);
	assert_int_equal(sip_hdr_kind(SIP_HDR_VIA), SIP_HDR_LIST);
	assert_int_equal(sip_hdr_kind(SIP_HDR_CSEQ), SIP_HDR_ONE);
	assert_int_equal(sip_hdr_kind(SIP_HDR_AUTHORIZATION), SIP_HDR_MANY);
	assert_str(sip_hdr_name(SIP_HDR_OTHER), "");
	assert_str(sip_hdr_compact(SIP_HDR_VIA), "v");
	assert_str(sip_hdr_compact(SIP_HDR_CSEQ), "CSeq");
}

static void methods(void **state)
{
	(void)state;
	for (int i = 1; i < SIP_METHOD_COUNT; i++)
		assert_int_equal(sip_method_of(sip_method_name((enum sip_method)i)), i);
	assert_int_equal(sip_method_of(STR("invite")), SIP_OTHER); /* RFC 3261 7.1 */
	assert_int_equal(sip_method_of(STR("INVIT")), SIP_OTHER);
	assert_int_equal(sip_method_of(STR("")), SIP_OTHER);
	assert_int_equal(sip_method_of(STR("I")), SIP_OTHER);
	assert_str(sip_method_name(SIP_OTHER), "");
}

static void statuses(void **state)
{
	(void)state;
	assert_str(sip_status_reason(200), "OK");
	assert_str(sip_status_reason(481), "Call/Transaction Does Not Exist");
	assert_str(sip_status_reason(608), "Rejected");
	assert_str(sip_status_reason(199), "Early Dialog Terminated");
	assert_str(sip_status_reason(177), "Trying");
	assert_str(sip_status_reason(299), "OK");
	assert_str(sip_status_reason(599), "Server Internal Error");
	for (unsigned s = 100; s <= 699; s++)
		assert_true(sip_status_reason(s).n > 0);
}

/* ---- hosts ---- */

static void hosts(void **state)
{
	static const char *const good[] = { "a", "example.com", "a.b.c.", "3com.com", "host-1.x",
		"xn--bcher-kva.example", "my_host", "_sip._udp.example.com", "0.0.0.0",
		"255.255.255.255", "192.0.2.010", "1a", "1.2.3.4.5x", "998sdasdh09", "::", "::1",
		"1::", "2001:db8::9:1", "1:2:3:4:5:6:7:8", "::ffff:192.0.2.1",
		"1:2:3:4:5:6:192.0.2.1", "1::8:192.0.2.1",
		"1:2:3:4:5:6:7::", "abcd:EF01::", "2001:db8:::192.0.2.1" /* RFC 5118 4.10 */,
		":::192.0.2.1" };
	static const char *const bad[] = { "", ".", "..", ".a", "a..b", "-a", "a-", "a-.b", "a.-b",
		"a b", "a,b", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.256", "1.2.3.4444", "12345",
		"foo.123", "a%41", "[::1]", ":", ":1", "1:", "1:::2",
		":::", "::1::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
		"1:2:3:4:5:6:7:8::", "12345::", "g::", "::192.0.2.256",
		"192.0.2.1::", "::1.2.3.4:1", "1:2:3:4:5:6:7:1.2.3.4", "fe80::1%eth0",
		"1:2:3:4:5:6:7::8", "::::1.2.3.4" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (!sip_uri_is_host(str_of(good[i])))
			fail_msg("%s is a host", good[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (sip_uri_is_host(str_of(bad[i])))
			fail_msg("%s is no host", bad[i]);
	assert_true(sip_uri_is_ipv4(STR("192.0.2.1")));
	assert_false(sip_uri_is_ipv4(STR("192.0.2.1.")));
	assert_false(sip_uri_is_ipv4(STR("")));
	assert_true(sip_uri_is_ipv6(STR("::")));
	assert_false(sip_uri_is_ipv6(STR("192.0.2.1")));
	assert_false(sip_uri_is_ipv6(STR("")));
}

/* ---- URIs ---- */

static struct sip_uri parse_uri(const char *z)
{
	struct sip_uri u;

	if (!sip_uri_parse(str_of(z), &u))
		fail_msg("not parsed: %s", z);
	return u;
}

static void uri_parts(void **state)
{
	struct sip_uri u;
	struct str v;

	(void)state;
	u = parse_uri("sip:alice:se%20cret@Example.COM:5070;transport=tcp;lr?Subject=a%20b&X=");
	assert_int_equal(u.scheme, SIP_URI_SIP);
	assert_str(u.user, "alice");
	assert_str(u.password, "se%20cret");
	assert_str(u.host, "Example.COM");
	assert_int_equal(u.port, 5070);
	assert_str(u.params, ";transport=tcp;lr");
	assert_str(u.headers, "Subject=a%20b&X=");
	assert_true(u.has_user && !u.ipv6);
	assert_true(sip_uri_param(&u, "Transport", &v));
	assert_str(v, "tcp");
	assert_true(sip_uri_param(&u, "lr", &v));
	assert_str(v, "");
	assert_false(sip_uri_param(&u, "l", &v));
	assert_false(sip_uri_param(&u, "transports", &v));

	u = parse_uri("SIPS:[2001:DB8::1]:5061");
	assert_int_equal(u.scheme, SIP_URI_SIPS);
	assert_str(u.host, "2001:DB8::1");
	assert_true(u.ipv6 && !u.has_user && u.port == 5061);

	u = parse_uri("sip:user;par=u%40example.net@example.com"); /* RFC 4475 3.1.1.9 */
	assert_str(u.user, "user;par=u%40example.net");
	assert_str(u.params, "");

	u = parse_uri("sip:a:@b"); /* password = *( ... ) */
	assert_str(u.user, "a");
	assert_str(u.password, "");

	u = parse_uri("sip:cal%6Cer@h;%6C%72;n%61me=v%61lue%25%34%31"); /* 3.1.1.3 */
	assert_true(sip_uri_param(&u, "lr", &v));
	assert_true(sip_uri_param(&u, "name", &v));
	assert_str(v, "v%61lue%25%34%31");

	u = parse_uri("tel:+1-(555)-0123;phone-context=example.com;ext=7");
	assert_int_equal(u.scheme, SIP_URI_TEL);
	assert_str(u.user, "+1-(555)-0123");
	assert_str(u.host, ""); /* attack A32 */
	assert_true(u.has_user && sip_uri_param(&u, "ext", &v));
	assert_str(v, "7");

	u = parse_uri("soap.beep://192.0.2.103:3002");
	assert_int_equal(u.scheme, SIP_URI_OTHER);
	assert_str(u.text, "soap.beep://192.0.2.103:3002");
	assert_str(u.host, "");
	assert_false(u.has_user);
}

static void uri_good_and_bad(void **state)
{
	static const char *const good[] = { "sip:h", "sip:h:1", "sip:h:65535", "sip:h:00080",
		"sip:a@h;x=y=", "sip:h;maddr=[::1]",
		"sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@h", "sip:%00@h",
		"sip:h?a=", "sip:h?a=b&c=d", "tel:911", "tel:*21#", "tel:7042;phone-context=a.b",
		"isbn:2983792873", "http://[::1]/?x#y", "x:y", "h323:user@host", "sipx:whatever",
		"sip:a@h;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6" };
	static const char *const bad[] = { "", ":", "sip", "sip:", "sips:", "tel:", "tel:+",
		"tel:--", "/", "a@b", "1a:b", "x:", "x: y", "x:<", "x:\"", "x:%4", "sip:@h",
		"sip:a@", "sip:a@@h", "sip:a b@h", "sip:h ", " sip:h", "sip:h:", "sip:h:0",
		"sip:h:65536", "sip:h:4294967376", "sip:h:-1", "sip:h:+1", "sip:h:1x", "sip:h;",
		"sip:h;;a", "sip:h;=b", "sip:h;a=", "sip:h;a;", "sip:h?", "sip:h?a", "sip:h?a=b&",
		"sip:h?&a=b", "sip:h?=b", "sip:2001:db8::10", "sip:[::1", "sip:::1]", "sip:[]",
		"sip:[::1]x", "sip:[1.2.3.4]", "sip:%@h", "sip:a%4@h", "sip:a%", "sip:a%4",
		"sip:a%g0@h", "sip:h;a%", "sip:h;a=%4", "sip:h?a=%", "sip:a<b@h", "sip:\"a\"@h",
		"sip:a\r\nb@h", "sip:h\xff", "tel:12x34", "tel:12;", "sip:user@h;lr>",
		"sip:bob@1.2.3" };
	struct sip_uri u, before = { .port = 7 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		parse_uri(good[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		u = before;
		if (sip_uri_parse(str_of(bad[i]), &u))
			fail_msg("parsed: %s", bad[i]);
		assert_int_equal(u.port, 7); /* untouched */
	}
	assert_false(sip_uri_parse((struct str){ NULL, 0 }, &u));
	assert_false(sip_uri_parse((struct str){ "sip:a\0b@h", 9 }, &u));
}

static void check_equal(const char *a, const char *b, bool want)
{
	struct sip_uri ua = parse_uri(a), ub = parse_uri(b);
	struct buf ka = BUF_INIT(4096), kb = BUF_INIT(4096);

	if (sip_uri_equal(&ua, &ub) != want || sip_uri_equal(&ub, &ua) != want)
		fail_msg("%s %s %s", a, want ? "equals" : "does not equal", b);
	assert_true(sip_uri_equal(&ua, &ua) && sip_uri_equal(&ub, &ub));
	sip_uri_aor_key(&ka, &ua);
	sip_uri_aor_key(&kb, &ub);
	assert_true(!want || str_eq(buf_str(&ka), buf_str(&kb)));
	buf_done(&ka);
	buf_done(&kb);
}

/* RFC 3261 19.1.4, the examples and the rules */
static void uri_equality(void **state)
{
	static const char *const equal[][2] = {
		{ "sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp" },
		{ "sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5" },
		{ "sip:carol@chicago.com", "sip:carol@chicago.com;security=on" },
		{ "sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on" },
		{ "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
			"sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com" },
		{ "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
			"sip:alice@atlanta.com?priority=urgent&subject=project%20x" },
		{ "sip:carol@chicago.com;security=off", "sip:carol@chicago.com" },
		{ "SIP:a@h", "sip:a@H" },
		{ "sip:a%2Db@h", "sip:a-b@h" },
		{ "sip:a@h;%6Cr", "sip:a@h;LR" },
		{ "sip:a@h?X=%41", "sip:a@h?x=A" },
		{ "tel:+1-555-0123", "tel:+1(555)0123" },
		{ "tel:+15550123;ext=1-2", "tel:+1.555.0123;EXT=12" },
		{ "tel:7042;phone-context=Example.com", "TEL:7042;phone-context=example.com" },
		{ "HTTP://a/B", "http://a/B" },
	};
	static const char *const different[][2] = {
		{ "SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP" },
		{ "sip:bob@biloxi.com", "sip:bob@biloxi.com:5060" },
		{ "sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp" },
		{ "sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp" },
		{ "sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting" },
		{ "sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4" },
		{ "sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off" },
		{ "sip:a@h", "sips:a@h" },
		{ "sip:h", "sip:a@h" },
		{ "sip:a@h", "sip:a:p@h" },
		{ "sip:a:p@h", "sip:a:P@h" },
		{ "sip:a%3Bb@h", "sip:a;b@h" }, /* ';' is reserved */
		{ "sip:a@h", "sip:a@h;user=phone" },
		{ "sip:a@h", "sip:a@h;ttl=1" },
		{ "sip:a@h", "sip:a@h;method=INVITE" },
		{ "sip:a@h", "sip:a@h;maddr=b" },
		{ "sip:a@h?x=1&x=1", "sip:a@h?x=1&x=2" },
		{ "sip:a@h?x=1", "sip:a@h?x=1&x=1" },
		{ "sip:a@h;lr", "sip:a@h;lr=on" },
		{ "tel:+15550123", "tel:15550123" },
		{ "tel:7042;phone-context=a.b", "tel:7042;phone-context=a.c" },
		{ "tel:7042", "tel:7042;phone-context=a.c" },
		{ "tel:+15550123", "tel:+15550123;ext=1" },
		{ "http://a/B", "http://a/b" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(equal); i++)
		check_equal(equal[i][0], equal[i][1], true);
	for (size_t i = 0; i < ARRAY_LEN(different); i++)
		check_equal(different[i][0], different[i][1], false);
}

/* What has more parameters than are taken apart is compared as text. */
static void uri_equality_of_many(void **state)
{
	char a[1000] = "sip:h", b[1100];

	(void)state;
	for (int i = 0; i < 40; i++) {
		size_t n = strlen(a);
		snprintf(a + n, sizeof(a) - n, ";p%d=%d", i, i);
	}
	check_equal(a, a, true);
	snprintf(b, sizeof(b), "sip:h;zz=9%s", a + 5);
	check_equal(a, b, false);
	check_equal("sip:h;a=1;a=2", "sip:h;a=1;a=2", true); /* the first one counts */
}

static void check_key(const char *uri, const char *want)
{
	struct sip_uri u = parse_uri(uri);
	struct buf b = BUF_INIT(4096);

	sip_uri_aor_key(&b, &u);
	assert_string_equal(buf_cstr(&b), want);
	buf_done(&b);
}

static void uri_keys(void **state)
{
	(void)state;
	check_key("SIP:Alice@Example.COM:5060;lr?x=y", "sip:Alice@example.com:5060");
	check_key("sip:%61lice:pw@[2001:DB8::1]", "sip:alice@[2001:db8::1]");
	check_key("sips:example.com", "sips:example.com");
	check_key("sip:a%3bb%40c@h", "sip:a;b%40c@h");
	check_key("sip:null-%00-null@h", "sip:null-%00-null@h"); /* RFC 4475 3.1.1.4 */
	check_key("sip:%c3%A4@h", "sip:%C3%A4@h");
	check_key("tel:+1-(555).0123;ext=4", "tel:+15550123");
	check_key("ISBN:2983X", "isbn:2983X");
}

static void uri_writing(void **state)
{
	struct buf b = BUF_INIT(100);

	(void)state;
	sip_uri_write_hostport(&b, STR("example.com"), 0);
	buf_add_char(&b, ' ');
	sip_uri_write_hostport(&b, STR("::1"), 5061);
	buf_add_char(&b, ' ');
	sip_uri_write_user(&b, STR("a b@c%;\x00\xff"));
	assert_str(buf_str(&b), "example.com [::1]:5061 a%20b%40c%25;%00%FF");
	buf_done(&b);
}

/* ---- parameters ---- */

static void params(void **state)
{
	static const char *const bad[] = { ";", ";;", ";a;", ";a=", ";=b", ";a=\"b", ";a=\"\\\"",
		";a b", "a", ";a=b c", ";a==\"b\"", ";a=<b>", ";a=b;;c=d", ";a=\"b\"c", ";\x01" };
	struct str rest = STR(" ; tag = x1 ;lr;text=\"a;\\\"b\" ;received=[::1];b64=aGk=, next"),
		   text, v;
	struct scan s = scan_str(rest);
	struct sip_param p;

	(void)state;
	assert_true(sip_params_scan(&s, &text));
	assert_str(text, "; tag = x1 ;lr;text=\"a;\\\"b\" ;received=[::1];b64=aGk=");
	assert_str(scan_rest(&s), ", next");
	assert_true(sip_param(text, "TAG", &v));
	assert_str(v, "x1");
	assert_true(sip_param_get(text, "text", &p) && p.quoted && p.has_value);
	assert_str(p.value, "a;\\\"b");
	assert_true(sip_param_get(text, "lr", &p) && !p.has_value && p.value.n == 0);
	assert_true(sip_param(text, "received", &v));
	assert_str(v, "[::1]");
	assert_true(sip_param(text, "b64", &v));
	assert_str(v, "aGk=");
	assert_false(sip_param(text, "ta", &v));
	s = scan_str(STR_EMPTY);
	assert_true(sip_params_scan(&s, &text) && text.n == 0);
	s = scan_str(STR("  "));
	assert_true(sip_params_scan(&s, &text) && text.n == 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		s = scan_str(str_of(bad[i]));
		if (sip_params_scan(&s, &text))
			fail_msg("parsed: %s", bad[i]);
		assert_ptr_equal(s.p, bad[i]);
	}
}

static void quoting(void **state)
{
	struct buf b = BUF_INIT(100);

	(void)state;
	sip_quote(&b, STR("a\"b\\c\td\x07"));
	assert_str(buf_str(&b), "\"a\\\"b\\\\c\td\\\x07\"");
	buf_clear(&b);
	sip_unquote(&b, STR("a\\\"b\\\\c\\"));
	assert_str(buf_str(&b), "a\"b\\c\\");
	buf_clear(&b);
	sip_quote(&b, STR("a\r\nVia: x"));
	assert_int_equal(b.fail, -FAIL_SYNTAX);
	buf_clear(&b);
	sip_quote(&b, STR("a\0b"));
	assert_int_equal(b.fail, -FAIL_SYNTAX);
	buf_done(&b);
}

/* ---- addresses ---- */

static struct sip_nameaddr parse_address(const char *z)
{
	struct sip_nameaddr a;

	if (!sip_nameaddr_parse(str_of(z), &a))
		fail_msg("not parsed: %s", z);
	return a;
}

static void addresses(void **state)
{
	static const char *const bad[] = { "", " ", "<>", "<", ">", "\"", "\"a", "\"a\"", "\"a\\",
		"\"a\\\"", "a", "a <", "/", "</>", "<sip:a@b", "sip:a@b>", "<sip:a@b>x",
		"<sip:a@b>;", "<sip:a@b>;;", "<sip:a@b>;tag", "<sip:a@b>;tag=", "<sip:a@b>;tag=\"",
		"<sip:a@b>;x=\"", "<sip:a@b>,", "< sip:a@b>", "<sip:a@b >", "sip:a@b?x=y",
		"Bell, A <sip:a@b>", "\"a\" sip:a@b", "<<sip:a@b>>", "\"a\"b <sip:a@b>",
		"\"a\x01\" <sip:a@b>", "*", "<sip:a@b> <sip:c@d>", "<sip:a@b>;tag=\"\"" };
	struct sip_nameaddr a;
	struct str v;

	(void)state;
	a = parse_address("\"Bob \\\"B\\\"\" <sip:bob@h;lr?x=y> ; tag = 1 ;x=\"y,z\" ");
	assert_str(a.display, "Bob \\\"B\\\"");
	assert_true(a.quoted && a.brackets && !a.star);
	assert_str(a.uri.text, "sip:bob@h;lr?x=y");
	assert_str(a.params, "; tag = 1 ;x=\"y,z\"");
	assert_str(a.tag, "1");
	assert_str(a.text, "\"Bob \\\"B\\\"\" <sip:bob@h;lr?x=y> ; tag = 1 ;x=\"y,z\"");
	assert_true(sip_nameaddr_tag(&a, &v));

	a = parse_address("sip:bob@h;unknownparam;tag=2;tag=3"); /* RFC 4475 3.3.12 */
	assert_str(a.uri.text, "sip:bob@h");
	assert_str(a.uri.params, "");
	assert_str(a.params, ";unknownparam;tag=2;tag=3");
	assert_str(a.tag, "2");
	assert_false(a.brackets);

	a = parse_address("<sip:bob@h;unknownparam>");
	assert_str(a.uri.params, ";unknownparam");
	assert_str(a.params, "");
	assert_false(sip_nameaddr_tag(&a, &v));

	assert_str(parse_address("A. Bell  <sip:a@b>").display, "A. Bell");
	assert_str(parse_address("caller<sip:a@b>").display, "caller"); /* RFC 4475 3.1.1.6 */
	assert_str(parse_address("J\xc3\xb6rg <sip:a@b>").display, "J\xc3\xb6rg");
	assert_str(parse_address("\"\"<sip:a@b>").display, "");
	assert_str(parse_address("\"%Z%45\" <sip:a@b>").display, "%Z%45");
	assert_int_equal(parse_address("isbn:2983792873").uri.scheme, SIP_URI_OTHER);
	assert_int_equal(parse_address("<tel:+15550123;ext=4>").uri.scheme, SIP_URI_TEL);
	assert_str(parse_address("tel:+15550123;ext=4").params, ";ext=4");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (sip_nameaddr_parse(str_of(bad[i]), &a))
			fail_msg("parsed: %s", bad[i]);
}

/* How many elements, and whether it ends well. */
static int count_addresses(const char *z, bool star, bool *bad)
{
	struct str rest = str_of(z);
	struct sip_nameaddr a;
	int n = 0;

	while (sip_nameaddr_next(&rest, star, &a, bad))
		n++;
	return n;
}

static void address_lists(void **state)
{
	bool bad;

	(void)state;
	assert_int_equal(count_addresses("", false, &bad), 0);
	assert_false(bad);
	assert_int_equal(
		count_addresses("<sip:a@b>;x=\",\", sip:c@d ,\"a,b\" <sip:e,f@g>", false, &bad), 3);
	assert_false(bad);
	assert_int_equal(count_addresses("<sip:a@b>,", false, &bad), 0);
	assert_true(bad);
	assert_int_equal(count_addresses("<sip:a@b>,,<sip:c@d>", false, &bad), 1);
	assert_true(bad);
	assert_int_equal(count_addresses(" * ", true, &bad), 1);
	assert_false(bad);
	assert_int_equal(count_addresses("*", false, &bad), 0);
	assert_true(bad);
	assert_int_equal(count_addresses("*;x", true, &bad), 0);
	assert_true(bad);
	assert_int_equal(count_addresses("*,<sip:a@b>", true, &bad), 0);
	assert_true(bad);
}

/* ---- Via ---- */

static void vias(void **state)
{
	static const char *const bad[] = { "", "SIP/2.0/UDP", "SIP/2.0/UDP ", "SIP/2.0 h",
		"SIP//UDP h", "/2.0/UDP h", "SIP/2.0/ h", "SIP/2.0/UDP h;", "SIP/2.0/UDP h;;",
		"SIP/2.0/UDP ;branch=a", "SIP/2.0/UDP h;branch=", "SIP/2.0/UDP h;branch",
		"SIP/2.0/UDP h:0", "SIP/2.0/UDP h:65536", "SIP/2.0/UDP h:", "SIP/2.0/UDP h x",
		"SIP/2.0/UDP h,", "SIP/2.0/UDP h;ttl=256", "SIP/2.0/UDP h;ttl=x",
		"SIP/2.0/UDP h;received=", "SIP/2.0/UDP h;received=a b",
		"SIP/2.0/UDP h;received=1.2.3.256", "SIP/2.0/UDP h;maddr=[1]",
		"SIP/2.0/UDP h;rport=65536", "SIP/2.0/UDP h;rport=x", "SIP/2.0/UDP [::1",
		"SIP/2.0/UDP [g::]", "SIP/2.0/UDP ::1", "SIP/2.0/UDP 192.0.2.15;;,;,,",
		"SIP/2.0/UDP h;x=\"" };
	struct sip_via v;
	struct str rest;
	struct scan s;

	(void)state;
	assert_true(sip_via_parse(
		STR("SIP/2.0/UDP h:5060;branch=z9hG4bKa;received=192.0.2.1;rport=9;x"), &v, &rest));
	assert_str(v.transport, "UDP");
	assert_str(v.host, "h");
	assert_int_equal(v.port, 5060);
	assert_str(v.branch, "z9hG4bKa");
	assert_str(v.received, "192.0.2.1");
	assert_str(v.params, ";branch=z9hG4bKa;received=192.0.2.1;rport=9;x");
	assert_true(v.has_rport && v.rport == 9 && sip_via_cookie(&v) && rest.n == 0);

	/* RFC 4475 3.1.1.1 */
	assert_true(sip_via_parse(
		STR("SIP  / 2.0  / TCP     spindle.example.com   ;  branch  =   "
		    "z9hG4bK9ikj8  , SIP  /    2.0   / UDP  192.168.255.111   ; branch= x"),
		&v, &rest));
	assert_str(v.transport, "TCP");
	assert_str(v.host, "spindle.example.com");
	assert_str(v.branch, "z9hG4bK9ikj8");
	assert_true(sip_via_parse(rest, &v, &rest));
	assert_str(v.host, "192.168.255.111");
	assert_str(v.branch, "x");
	assert_false(sip_via_cookie(&v));

	/* RFC 5118 4.5 */
	assert_true(sip_via_parse(
		STR("SIP/2.0/UDP [2001:db8::9:1] : 5060 ;received=[2001:db8::9:255]"), &v, NULL));
	assert_str(v.host, "2001:db8::9:1");
	assert_str(v.received, "2001:db8::9:255");
	assert_true(v.ipv6 && v.port == 5060 && v.branch.n == 0 && !v.has_rport);
	assert_true(sip_via_parse(STR("SIP/2.0/UDP h;received=2001:db8::9:255;rport"), &v, NULL));
	assert_str(v.received, "2001:db8::9:255");
	assert_true(v.has_rport && v.rport == 0);
	assert_true(sip_via_parse(
		STR("SIP/2.0/TLS h;maddr=224.2.0.1;ttl=16;BRANCH=Z9HG4BKx"), &v, NULL));
	assert_true(sip_via_cookie(&v));
	assert_str(v.maddr, "224.2.0.1");
	assert_true(sip_via_parse(STR("SIP/7.0/UDP c.example.com;branch=z9hG4bKkdjuw"), &v, NULL));

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (sip_via_parse(str_of(bad[i]), &v, &rest))
			fail_msg("parsed: %s", bad[i]);
	s = scan_str(STR("SIP/2.0/UDP 192.0.2.15:5062;;,;,,"));
	assert_true(sip_via_sent_by(&s, &v));
	assert_str(v.host, "192.0.2.15");
	assert_int_equal(v.port, 5062);
	assert_str(scan_rest(&s), ";;,;,,");
}

/* ---- CSeq, seconds, q ---- */

static void cseqs(void **state)
{
	static const char *const bad[] = { "", "1", "INVITE", "1INVITE", "-1 INVITE", "+1 INVITE",
		"2147483648 INVITE", "4294967296 INVITE", "4294967297 INVITE",
		"36893488147419103232 INVITE", "1 INVITE x", "1 IN/VITE", "1 ", "1.0 INVITE",
		"1 INVITE\r" };
	struct sip_cseq c;

	(void)state;
	assert_true(sip_cseq_parse(STR("0009   INVITE"), &c));
	assert_int_equal(c.number, 9);
	assert_int_equal(c.method, SIP_INVITE);
	assert_true(sip_cseq_parse(STR("2147483647 NEWMETHOD"), &c));
	assert_int_equal(c.number, 2147483647);
	assert_int_equal(c.method, SIP_OTHER);
	assert_str(c.name, "NEWMETHOD");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (sip_cseq_parse(str_of(bad[i]), &c))
			fail_msg("parsed: %s", bad[i]);
}

static void seconds(void **state)
{
	static const char *const bad[] = { "", "-1", "+1", "1x", " 1", "4294967296",
		"10000000000000000000000000", "0x10", "1.5" };
	static const char *const bad_retry[] = { "", "x", "5 (", "5 (a", "5 )", "5 ;", "5 (a) (b)",
		"5 x", "5 (\\", "949302838503028349304023988" };
	uint32_t n;

	(void)state;
	assert_true(sip_delta_parse(STR("4294967295"), &n) && n == 4294967295);
	assert_true(sip_delta_parse(STR("0"), &n) && n == 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (sip_delta_parse(str_of(bad[i]), &n))
			fail_msg("parsed: %s", bad[i]);
	assert_true(sip_retry_after_parse(STR("18000;duration=3600"), &n) && n == 18000);
	assert_true(
		sip_retry_after_parse(STR("120 (I'm in a meeting (\\) long))"), &n) && n == 120);
	assert_true(sip_retry_after_parse(STR("5 (x) ; duration=1"), &n) && n == 5);
	for (size_t i = 0; i < ARRAY_LEN(bad_retry); i++)
		if (sip_retry_after_parse(str_of(bad_retry[i]), &n))
			fail_msg("parsed: %s", bad_retry[i]);
}

static void q_values(void **state)
{
	static const struct {
		const char *text;
		int q;
	} rows[] = { { "0", 0 }, { "1", 1000 }, { "0.", 0 }, { "0.7", 700 }, { "0.333", 333 },
		{ "1.000", 1000 }, { "0.05", 50 }, { "", -1 }, { "1.001", -1 }, { "2", -1 },
		{ ".5", -1 }, { "0.1234", -1 }, { "0,5", -1 }, { "-0", -1 }, { "0.x", -1 },
		{ "00.5", -1 }, { "1.1", -1 } };
	unsigned q;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool ok = sip_qvalue_parse(str_of(rows[i].text), &q);
		if (ok != (rows[i].q >= 0) || (ok && q != (unsigned)rows[i].q))
			fail_msg("q=%s", rows[i].text);
	}
}

/* ---- events, warnings, dates ---- */

static void events(void **state)
{
	struct sip_event e;
	struct sip_subscription_state st;

	(void)state;
	assert_true(sip_event_parse(STR("presence.winfo;id=7;x"), &e));
	assert_str(e.package, "presence.winfo");
	assert_str(e.id, "7");
	assert_true(sip_event_parse(STR("dialog"), &e) && e.id.n == 0 && e.params.n == 0);
	assert_false(sip_event_parse(STR(""), &e));
	assert_false(sip_event_parse(STR("a b"), &e));
	assert_false(sip_event_parse(STR("a;"), &e));
	assert_true(sip_subscription_state_parse(STR("active;expires=3600"), &st));
	assert_true(
		st.has_expires && st.expires == 3600 && !st.has_retry_after && st.reason.n == 0);
	assert_true(sip_subscription_state_parse(
		STR("terminated ; reason=probation;retry-after=5"), &st));
	assert_str(st.state, "terminated");
	assert_str(st.reason, "probation");
	assert_true(st.has_retry_after && st.retry_after == 5);
	assert_false(sip_subscription_state_parse(STR("active;expires=4294967296"), &st));
	assert_false(sip_subscription_state_parse(STR("active;expires"), &st));
	assert_false(sip_subscription_state_parse(STR(""), &st));
}

static void warnings(void **state)
{
	struct str rest = STR("307 isi.edu \"Session parameter 'foo'\", 301 [::1]:5060 \"a \\\" , "
			      "b\",399 me~ \"\"");
	struct sip_warning w;
	struct sip_reason r;
	bool bad;

	(void)state;
	assert_true(sip_warning_next(&rest, &w, &bad));
	assert_int_equal(w.code, 307);
	assert_str(w.agent, "isi.edu");
	assert_str(w.text, "Session parameter 'foo'");
	assert_true(sip_warning_next(&rest, &w, &bad));
	assert_str(w.agent, "[::1]:5060");
	assert_str(w.text, "a \\\" , b");
	assert_true(sip_warning_next(&rest, &w, &bad));
	assert_str(w.agent, "me~");
	assert_false(sip_warning_next(&rest, &w, &bad) || bad);
	rest = STR("1812 overture \"In Progress\"");
	assert_false(sip_warning_next(&rest, &w, &bad));
	assert_true(bad);
	rest = STR("399 a \"b\",");
	assert_false(sip_warning_next(&rest, &w, &bad));
	assert_true(bad);

	rest = STR("SIP ;cause=200 ;text=\"Call completed elsewhere\", Q.850;cause=16");
	assert_true(sip_reason_next(&rest, &r, &bad));
	assert_str(r.protocol, "SIP");
	assert_true(r.has_cause && r.cause == 200);
	assert_str(r.text, "Call completed elsewhere");
	assert_true(sip_reason_next(&rest, &r, &bad));
	assert_str(r.protocol, "Q.850");
	assert_true(r.has_cause && r.cause == 16 && r.text.n == 0);
	assert_false(sip_reason_next(&rest, &r, &bad) || bad);
}

static void dates(void **state)
{
	static const char *const bad[] = { "", "Fri, 01 Jan 2010 16:00:00 EST",
		"Fri, 1 Jan 2010 16:00:00 GMT", "Fri, 32 Jan 2010 16:00:00 GMT",
		"Fri, 01 Foo 2010 16:00:00 GMT", "Fri, 01 Jan 2010 24:00:00 GMT",
		"Fri, 00 Jan 2010 16:00:00 GMT", "Fri, 01 Jan 10 16:00:00 GMT",
		"Fri, 01 Jan 2010 16:00:00 GMT " };
	int64_t t;

	(void)state;
	assert_true(sip_date_parse(STR("Thu, 01 Jan 1970 00:00:00 GMT"), &t) && t == 0);
	assert_true(sip_date_parse(STR("Sat, 13 Nov 2010 23:29:00 GMT"), &t) && t == 1289690940);
	assert_true(sip_date_parse(STR("Thu, 29 Feb 2024 12:00:00 GMT"), &t) && t == 1709208000);
	assert_true(sip_date_parse(STR("Fri, 31 Dec 1999 23:59:59 GMT"), &t) && t == 946684799);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (sip_date_parse(str_of(bad[i]), &t))
			fail_msg("parsed: %s", bad[i]);
}

/* ---- challenges ---- */

static void challenges(void **state)
{
	static const char *const bad[] = { "", " ", "=", "Digest realm",
		"Digest realm=", "Digest realm=\"a", "Digest realm=\"a\",", "Digest ,realm=\"a\"",
		"Digest realm=\"a\",,nonce=\"b\"", "Digest realm=\"a\" nonce=\"b\"",
		"Digest realm=\"a\";nonce=\"b\"", "Dig\"est a=b", "Digest realm=\"a\", qop=\"auth,",
		"Digest a=b c" };
	struct sip_challenge c;
	struct sip_param p;
	struct str rest;
	int n = 0;

	(void)state;
	assert_true(sip_challenge_parse(
		STR("Digest realm=\"a, \\\"b\\\"\", nonce = \"c==\" ,algorithm=MD5,"
		    "qop=\"auth,auth-int\", stale=FALSE, x=a=="),
		&c));
	assert_str(c.scheme, "Digest");
	for (rest = c.params; sip_challenge_next(&rest, &p); n++)
		continue;
	assert_int_equal(n, 6);
	assert_true(sip_challenge_get(c.params, "REALM", &p) && p.quoted);
	assert_str(p.value, "a, \\\"b\\\"");
	assert_true(sip_challenge_get(c.params, "algorithm", &p) && !p.quoted);
	assert_str(p.value, "MD5");
	assert_true(sip_challenge_get(c.params, "x", &p));
	assert_str(p.value, "a==");
	assert_false(sip_challenge_get(c.params, "opaque", &p));
	assert_true(sip_challenge_parse(STR("NTLM"), &c) && c.params.n == 0);
	assert_true(sip_challenge_parse(STR("NTLM  "), &c) && c.params.n == 0);
	assert_true(sip_challenge_parse(STR("NoOneKnowsThisScheme opaque-data=here"), &c));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (sip_challenge_parse(str_of(bad[i]), &c))
			fail_msg("parsed: %s", bad[i]);
	assert_true(sip_auth_info_parse(STR("qop=auth, rspauth=\"ab\", nc=00000001 "), &rest));
	assert_str(rest, "qop=auth, rspauth=\"ab\", nc=00000001");
	assert_true(sip_challenge_get(rest, "nc", &p));
	assert_false(sip_auth_info_parse(STR(""), &rest));
	assert_false(sip_auth_info_parse(STR("Digest a=b"), &rest));
}

/* ---- every beginning of every value, in memory of exactly its size ---- */

static void beginnings(void **state)
{
	static const char *const values[] = {
		"sip:alice:pw@[2001:db8::1]:5070;transport=tcp;lr?Subject=a%20b&X=%41",
		"\"B \\\"x\\\"\" <sips:bob@example.com;gr=urn:uuid:1>;tag=\"a\\\\\";expires=5, "
		"sip:c@d;x",
		"SIP / 2.0 / UDP [::ffff:192.0.2.1]:5060;branch=z9hG4bK;received=[::1];rport, "
		"SIP/2.0/TCP h",
		"Digest realm=\"a\\\"\", nonce=\"b\", qop=\"auth,auth-int\", stale=false",
		"307 isi.edu \"x \\\" y\", 301 [::1]:5060 \"z\"", "120 (a (b \\) c) d);duration=5",
		"tel:+1-(555).0123;ext=4;phone-context=+1-2", "Sat, 13 Nov 2010 23:29:00 GMT",
		"terminated;reason=\"a\";retry-after=5", "4711 INVITE", "0.333"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		for (size_t n = 0; n <= strlen(values[i]); n++) {
			char *p = mem_alloc(n);
			memcpy(p, values[i], n);
			touch_value((struct str){ p, n });
			mem_free(p);
		}
	}
	touch_value((struct str){ NULL, 0 });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_names),
		cmocka_unit_test(methods),
		cmocka_unit_test(statuses),
		cmocka_unit_test(hosts),
		cmocka_unit_test(uri_parts),
		cmocka_unit_test(uri_good_and_bad),
		cmocka_unit_test(uri_equality),
		cmocka_unit_test(uri_equality_of_many),
		cmocka_unit_test(uri_keys),
		cmocka_unit_test(uri_writing),
		cmocka_unit_test(params),
		cmocka_unit_test(quoting),
		cmocka_unit_test(addresses),
		cmocka_unit_test(address_lists),
		cmocka_unit_test(vias),
		cmocka_unit_test(cseqs),
		cmocka_unit_test(seconds),
		cmocka_unit_test(q_values),
		cmocka_unit_test(events),
		cmocka_unit_test(warnings),
		cmocka_unit_test(dates),
		cmocka_unit_test(challenges),
		cmocka_unit_test(beginnings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
