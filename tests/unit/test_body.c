/* tests/unit/test_body.c -- bodies of event packages, decoded: each format with the exact result,
 * what is malformed, every limit, and the tables against cli/events.def */
#include "body_rig.h"

#include "../../cli/out_impl.h"
#include "../../cli/schema.h"
#include "sip/body_shape.h"

#include <glob.h>
#include <unistd.h>

static void decodes(const char *type, const char *body, const char *wanted)
{
	struct arena arena = { 0 };
	struct tree *t = NULL;
	struct fail f = { 0 };

	if (decode_copy(type, str_of(body), &arena, &t, &f) != 0)
		fail_msg("%s: %s", f.text, body);
	tree_is(t, wanted);
	arena_done(&arena);
}

static void refused_as(const char *type, struct str body, int code, const char *words)
{
	struct arena arena = { 0 };
	struct tree untouched, *t = &untouched;
	struct fail f = { 0 };

	assert_int_equal(decode_copy(type, body, &arena, &t, &f), code);
	assert_ptr_equal(t, &untouched);
	assert_int_equal(f.code, code);
	if (strncmp(f.text, words, strlen(words)) != 0)
		fail_msg("\"%s\" does not begin with \"%s\"", f.text, words);
	arena_done(&arena);
}

static void refused(const char *type, const char *body, const char *words)
{
	refused_as(type, str_of(body), -FAIL_SYNTAX, words);
}

/* ---- the formats ---- */

static void presence(void **state)
{
	(void)state;
	decodes(PIDF,
		"<?xml version='1.0' encoding='UTF-8'?>\r\n"
		"<impp:presence xmlns:impp='urn:ietf:params:xml:ns:pidf' "
		"entity='pres:someone@example.com'>\r\n"
		"<impp:tuple id='sg89ae'><impp:status><impp:basic>open</impp:basic>"
		"<x:location xmlns:x='urn:x'>home</x:location></impp:status>"
		"<impp:contact priority='0.8'>tel:+09012345678</impp:contact>"
		"<impp:note xml:lang='fr'>Ne \xc3\xa9rangez pas</impp:note>"
		"<impp:timestamp>2001-10-27T16:49:29Z</impp:timestamp></impp:tuple>"
		"</impp:presence>",
		"{'entity':'pres:someone@example.com','tuple':[{'contact':{'priority':0.8,"
		"'uri':'tel:+09012345678'},'id':'sg89ae','note':[{'lang':'fr',"
		"'text':'Ne \\u00E9rangez "
		"pas'}],'status':{'basic':'open','other':[{'name':'location',"
		"'namespace':'urn:x','text':'home'}]},'timestamp':'2001-10-27T16:49:29Z'}]}");
	decodes("application / PIDF+xml ; charset=\"UTF-8\"",
		"<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='sip:a@b'/>",
		"{'entity':'sip:a@b','tuple':[]}");
}

static void rich_presence(void **state)
{
	(void)state;
	decodes(PIDF,
		"<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='sip:a@b' "
		"xmlns:d='urn:ietf:params:xml:ns:pidf:data-model' "
		"xmlns:r='urn:ietf:params:xml:ns:pidf:rpid' "
		"xmlns:c='urn:ietf:params:xml:ns:pidf:cipid' "
		"xmlns:l='urn:ietf:params:xml:ns:location-type'>"
		"<d:person id='p1'><r:activities "
		"from='2005-05-30T12:00:00+05:00'><r:note>Far</r:note>"
		"<r:away/><r:on-the-phone/></r:activities>"
		"<r:mood><r:angry/><r:other>brooding</r:other></r:mood>"
		"<r:place-is><r:audio><r:noisy/></r:audio></r:place-is>"
		"<r:place-type><l:residence/></r:place-type><r:sphere>bowling league</r:sphere>"
		"<r:time-offset>-240</r:time-offset>"
		"<r:user-input idle-threshold='600' last-input='2004-10-21T13:20:00-05:00'>idle"
		"</r:user-input><c:homepage>http://example.com/</c:homepage>"
		"<d:note>Scoring 120</d:note></d:person>"
		"<d:device id='pc'><d:deviceID>urn:device:1</d:deviceID></d:device>"
		"<tuple id='t'><status/><r:relationship><r:self/></r:relationship>"
		"<ts:timed-status xmlns:ts='urn:ietf:params:xml:ns:pidf:timed-status' from='a' "
		"until='b'><ts:basic>closed</ts:basic></ts:timed-status></tuple></presence>",
		"{'device':[{'device_id':'urn:device:1','id':'pc'}],'entity':'sip:a@b',"
		"'person':[{'activities':[{'from':'2005-05-30T12:00:00+05:00','note':[{'text':'Far'"
		"}],"
		"'value':['away','on-the-phone']}],'homepage':'http://example.com/','id':'p1',"
		"'mood':[{'value':['angry','brooding']}],'note':[{'text':'Scoring 120'}],"
		"'place_is':[{'audio':{'value':['noisy']}}],'place_type':[{'value':['residence']}],"
		"'sphere':[{'value':['bowling league']}],'time_offset':-240,"
		"'user_input':{'idle_threshold':600,'last_input':'2004-10-21T13:20:00-05:00',"
		"'value':'idle'}}],"
		"'tuple':[{'id':'t','relationship':{'value':['self']},'status':{},"
		"'timed_status':[{'basic':'closed','from':'a','until':'b'}]}]}");
}

static void dialog_info(void **state)
{
	(void)state;
	decodes(DIALOG,
		"<dialog-info xmlns='urn:ietf:params:xml:ns:dialog-info' version='00000005' "
		"state='partial' entity='sip:alice@example.com'>"
		"<dialog id='as7d900as8' call-id='a84b4c76e66710' local-tag='1928301774' "
		"remote-tag='456887766' direction='initiator'>"
		"<state event='rejected' code='404'>terminated</state><duration>274</duration>"
		"<replaces call-id='x' local-tag='y' remote-tag='z'/>"
		"<referred-by display='Bob'> sip:bob@example.com </referred-by>"
		"<route-set><hop>sip:p1</hop><hop>sip:p2</hop></route-set>"
		"<local><identity display-name='A'>sip:alice@example.com</identity>"
		"<target uri='sip:alice@pc33.example.com'><param pname='isfocus' "
		"pval='true'/></target>"
		"<session-description type='application/sdp'>v=0\r\no=x</session-description>"
		"<cseq>7</cseq></local>"
		"<s:appearance xmlns:s='urn:ietf:params:xml:ns:sa-dialog-info'>0</s:appearance>"
		"</dialog></dialog-info>",
		"{'dialog':[{'call_id':'a84b4c76e66710','code':404,'direction':'initiator',"
		"'duration':274,'event':'rejected','id':'as7d900as8','local':{'cseq':7,"
		"'identity':{'display_name':'A','uri':'sip:alice@example.com'},"
		"'session_description':{'text':'v=0\\no=x','type':'application/sdp'},"
		"'target':{'param':[{'pname':'isfocus','pval':'true'}],"
		"'uri':'sip:alice@pc33.example.com'}},'local_tag':'1928301774',"
		"'other':[{'name':'appearance','namespace':'urn:ietf:params:xml:ns:sa-dialog-info',"
		"'text':'0'}],"
		"'referred_by':{'display_name':'Bob','uri':'sip:bob@example.com'},"
		"'remote_tag':'456887766','replaces':{'call_id':'x','local_tag':'y','remote_tag':'"
		"z'},"
		"'route_set':['sip:p1','sip:p2'],'state':'terminated'}],"
		"'entity':'sip:alice@example.com','state':'partial','version':5}");
}

static void reginfo(void **state)
{
	(void)state;
	decodes(REGINFO,
		"<reginfo xmlns='urn:ietf:params:xml:ns:reginfo' "
		"xmlns:gr='urn:ietf:params:xml:ns:gruuinfo' version='1' state='full'>"
		"<registration aor='sip:u@example.net' id='a7' state='active'>"
		"<contact id='92' state='active' event='registered' duration-registered='1' "
		"expires='3599' q='0.5' callid='f@ua' cseq='23001' retry-after='4294967296'>"
		"<uri>\n sip:ua.example.com\n</uri><display-name xml:lang='en'>U</display-name>"
		"<unknown-param name='+sip.instance'>\"&lt;urn:uuid:f8&gt;\"</unknown-param>"
		"<gr:pub-gruu uri='sip:u@example.net;gr=hha'/>"
		"<gr:temp-gruu uri='sip:8ff@example.net;gr' first-cseq='54301'/>"
		"</contact></registration></reginfo>",
		"{'registration':[{'aor':'sip:u@example.net','contact':[{'callid':'f@ua',"
		"'cseq':23001,'display_name':'U','duration_registered':1,'event':'registered',"
		"'expires':3599,'first_cseq':54301,'id':'92','pub_gruu':'sip:u@example.net;gr=hha',"
		"'q':0.5,'retry_after':4294967296,'state':'active',"
		"'temp_gruu':'sip:8ff@example.net;gr','unknown_param':[{'name':'+sip.instance',"
		"'value':'\\'<urn:uuid:f8>\\''}],'uri':'sip:ua.example.com'}],'id':'a7',"
		"'state':'active'}],'state':'full','version':1}");
}

static void conference_info(void **state)
{
	(void)state;
	decodes(CONFERENCE,
		"<conference-info xmlns='urn:ietf:params:xml:ns:conference-info' entity='sips:c@e' "
		"state='partial' version='5'>"
		"<conference-description><subject>Agenda</subject><conf-uris><entry><uri>tel:+1</"
		"uri>"
		"<purpose>participation</purpose><modified><when>t</when><by>sip:m</by></modified>"
		"</entry></conf-uris><maximum-user-count>100</maximum-user-count>"
		"<available-media><entry label='1'><type>audio</type></entry></available-media>"
		"</conference-description>"
		"<host-info><web-page>http://h/</web-page></host-info>"
		"<conference-state><user-count>32</user-count><active>true</active><locked>0</"
		"locked>"
		"</conference-state>"
		"<users state='partial'><user entity='sip:b' state='partial'>"
		"<roles><entry>participant</entry></roles>"
		"<endpoint entity='sip:b@pc'><status>on-hold</status>"
		"<joining-info><reason>r</reason></joining-info>"
		"<media id='1'><type>audio</type><src-id>4</src-id></media>"
		"<call-info><sip><call-id>h</call-id><from-tag>f</from-tag><to-tag>t</to-tag></sip>"
		"</call-info></endpoint></user></users>"
		"<sidebars-by-val state='partial'><entry entity='sips:s'><users><user entity='x'/>"
		"</users></entry></sidebars-by-val></conference-info>",
		"{'conference_description':{'available_media':[{'label':'1','type':'audio'}],"
		"'conf_uris':{'entry':[{'modified':{'by':'sip:m','when':'t'},"
		"'purpose':'participation','uri':'tel:+1'}]},'maximum_user_count':100,"
		"'subject':'Agenda'},'conference_state':{'active':true,'locked':false,"
		"'user_count':32},'entity':'sips:c@e','host_info':{'web_page':'http://h/'},"
		"'sidebars_by_val':{'entry':[{'entity':'sips:s','users':{'user':[{'entity':'x'}]}}]"
		","
		"'state':'partial'},'state':'partial','users':{'state':'partial','user':[{"
		"'endpoint':[{'call_info':{'sip':{'call_id':'h','from_tag':'f','to_tag':'t'}},"
		"'entity':'sip:b@pc','joining_info':{'reason':'r'},'media':[{'id':'1','src_id':'4',"
		"'type':'audio'}],'status':'on-hold'}],'entity':'sip:b','roles':['participant'],"
		"'state':'partial'}]},'version':5}");
}

static void watchers(void **state)
{
	(void)state;
	decodes(WATCHERS,
		"<watcherinfo xmlns='urn:ietf:params:xml:ns:watcherinfo' version='0' state='full'>"
		"<watcher-list resource='sip:p@e' package='presence'>"
		"<watcher status='active' id='8' duration-subscribed='509' event='approved' "
		"display-name='Mr. S' expiration='60'>sip:a@e</watcher>"
		"</watcher-list></watcherinfo>",
		"{'state':'full','version':0,'watcher_list':[{'package':'presence',"
		"'resource':'sip:p@e','watcher':[{'display_name':'Mr. S','duration_subscribed':509,"
		"'event':'approved','expiration':60,'id':'8','status':'active','uri':'sip:a@e'}]}]"
		"}");
}

static void composing(void **state)
{
	(void)state;
	decodes(COMPOSING,
		"<isComposing xmlns='urn:ietf:params:xml:ns:im-iscomposing'><state>idle</state>"
		"<lastactive>2003-01-27T10:43:00Z</lastactive><contenttype>audio</contenttype>"
		"<refresh>90</refresh></isComposing>",
		"{'contenttype':'audio','lastactive':'2003-01-27T10:43:00Z','refresh':90,"
		"'state':'idle'}");
	refused(COMPOSING, "<isComposing xmlns='urn:ietf:params:xml:ns:im-iscomposing'/>",
		"line 1 column 1: isComposing without state");
}

static void message_summary(void **state)
{
	(void)state;
	/* cli.md 10.4 */
	decodes(MWI,
		"Messages-Waiting: yes\r\nMessage-Account: sip:bob@vmail.example.com\r\n"
		"Voice-Message: 4/8 (1/2)\r\n",
		"{'message_account':'sip:bob@vmail.example.com','messages_waiting':true,"
		"'voice_message':{'new':4,'old':8,'urgent_new':1,'urgent_old':2}}");
	decodes(MWI, "messages-waiting : NO", "{'messages_waiting':false}");
	decodes(MWI,
		"Messages-Waiting: no\nFAX-MESSAGE: 0/1\nx-message: 1/2\n\n"
		"To: <a@b>\nSubject: car\n pool\n\n\nFrom: c\n",
		"{'fax_message':{'new':0,'old':1},'message':[{'header':[{'name':'To','text':'<a@b>'"
		"},"
		"{'name':'Subject','text':'car pool'}]},{'header':[{'name':'From','text':'c'}]}],"
		"'messages_waiting':false,'other':[{'name':'x-message','text':'1/2'}]}");
	refused(MWI, "", "line 1 column 1: not Messages-Waiting");
	refused(MWI, "Messages-Waiting: perhaps\r\n", "line 1 column 19: ");
	refused(MWI, "Messages-Waiting: yes\r\nVoice-Message: 4\r\n", "line 2 column 16: counts");
	refused(MWI, "Messages-Waiting: yes\r\nVoice-Message: 4294967296/0\r\n", "line 2 ");
	refused(MWI, "Messages-Waiting: yes\r\nVoice-Message: 1/2 (3/4\r\n", "line 2 ");
	refused(MWI, "Messages-Waiting: yes\r\nVoice-Message: 1/2\r\nVoice-Message: 1/2",
		"line 3 column 1: a class");
	refused(MWI, "Messages-Waiting: yes\r\nnothing\r\n", "line 2 column 1: ");
}

/* A51: an account of any length, cut off nowhere and written over nothing. */
static void long_account(void **state)
{
	struct buf body = BUF_INIT(1 << 20), wanted = BUF_INIT(1 << 20);

	(void)state;
	buf_add_str(&body, STR("Messages-Waiting: yes\r\nMessage-Account: sip:"));
	buf_add_str(&wanted, STR("{'message_account':'sip:"));
	for (int i = 0; i < 60000; i++) {
		buf_add_char(&body, 'a');
		buf_add_char(&wanted, 'a');
	}
	buf_add_str(&wanted, STR("','messages_waiting':true}"));
	decodes(MWI, buf_cstr(&body), buf_cstr(&wanted));
	buf_done(&body);
	buf_done(&wanted);
}

static void sipfrag(void **state)
{
	(void)state;
	decodes(SIPFRAG ";version=2.0", "SIP/2.0 100 Trying",
		"{'reason_phrase':'Trying','status_code':100}");
	decodes(SIPFRAG,
		"INVITE sip:a@b SIP/2.0\r\nTo: <sip:a@b>\r\nm: <sip:c\r\n @d>\r\n\r\nv=0\r\n",
		"{'body':'v=0\\r\\n','header':[{'name':'To','text':'<sip:a@b>'},{'name':'m',"
		"'text':'<sip:c @d>'}],'method':'INVITE','request_uri':'sip:a@b'}");
	decodes(SIPFRAG, "From: x", "{'header':[{'name':'From','text':'x'}]}");
	decodes(SIPFRAG, "", "{}");
	refused(SIPFRAG, "SIP/2.0 99 No", "line 1 column 1: neither");
	refused(SIPFRAG, " SIP/2.0 200 OK", "line 1 column 1: neither");
	refused(SIPFRAG, "From: x\r\nSIP/2.0 200 OK", "line 2 column 1: neither");
}

/* ---- lists ---- */

#define RELATED "multipart/related;type=\"application/rlmi+xml\";start=\"<root@e>\";boundary=b"
#define PART(id, type) "--b\r\nContent-ID: <" id ">\r\nContent-Type: " type "\r\n\r\n"
#define LIST(inner)                                                                                \
	"<list xmlns='urn:ietf:params:xml:ns:rlmi' uri='sip:l@e' version='7' fullState='true'>"    \
	"<name xml:lang='en'>Buddies</name>" inner "</list>"
#define INSTANCE(id, cid)                                                                          \
	"<resource uri='sip:" id "@e'><instance id='" id "' state='active' cid='" cid "'/>"        \
	"</resource>"

static void lists(void **state)
{
	(void)state;
	decodes(RELATED,
		PART("one@e", PIDF
			";charset=\"UTF-8\"") "<presence xmlns='urn:ietf:params:xml:ns:pidf' "
					      "entity='sip:1@e'/>\r\n" PART(
						      "root@e", RLMI) LIST(INSTANCE("1",
						      "one@e") INSTANCE("2", "two@e") INSTANCE("3",
						      "one@e") INSTANCE("4", "none") INSTANCE("5",
						      "five") INSTANCE("6",
						      "six") "<resource "
							     "uri='sip:7@e'><instance "
							     "id='7' state='terminated' "
							     "reason='rejected'/></"
							     "resource>") "\r\n" PART("two@"
										      "e",
						      PIDF) "<presence>\r\n" PART("five",
						      "text/plain") "hi\r\n" PART("six",
						      "image/png") "\x89PNG\r\n--b--\r\n",
		"{'full_state':true,'name':[{'lang':'en','text':'Buddies'}],'resource':["
		"{'instance':[{'body':{'entity':'sip:1@e','tuple':[]},'cid':'one@e',"
		"'content_type':'application/pidf+xml;charset=\\'UTF-8\\'','id':'1',"
		"'state':'active'}],'uri':'sip:1@e'},"
		"{'instance':[{'body':'<presence>','body_error':'line 1 column 11: no element "
		"found',"
		"'cid':'two@e','content_type':'application/pidf+xml','id':'2','state':'active'}],"
		"'uri':'sip:2@e'},"
		"{'instance':[{'body_error':'the part of this cid is that of another instance',"
		"'cid':'one@e','id':'3','state':'active'}],'uri':'sip:3@e'},"
		"{'instance':[{'body_error':'no part has this cid','cid':'none','id':'4',"
		"'state':'active'}],'uri':'sip:4@e'},"
		"{'instance':[{'body':'hi','cid':'five','content_type':'text/plain','id':'5',"
		"'state':'active'}],'uri':'sip:5@e'},"
		"{'instance':[{'body_base64':'iVBORw==','cid':'six','content_type':'image/png',"
		"'id':'6','state':'active'}],'uri':'sip:6@e'},"
		"{'instance':[{'id':'7','reason':'rejected','state':'terminated'}],'uri':'sip:7@e'}"
		"],"
		"'uri':'sip:l@e','version':7}");
	decodes(RLMI, LIST(""),
		"{'full_state':true,'name':[{'lang':'en','text':'Buddies'}],'resource':[],"
		"'uri':'sip:l@e','version':7}");
}

static void malformed_lists(void **state)
{
	struct arena arena = { 0 };
	struct tree untouched, *t = &untouched;

	(void)state;
	refused("multipart/related", "x", "line 1 column 1: multipart without a boundary");
	refused(RELATED, "x\r\ny", "line 2 column 1: a multipart body without its opening");
	refused(RELATED, PART("root@e", RLMI) LIST(""),
		"line 5 column 1: a multipart body without "
		"its closing");
	refused(RELATED, "--b\r\nno header\r\n\r\nx\r\n--b--", "line 2 column 1: a part");
	refused(RELATED, PART("x@e", RLMI) "x\r\n--b--",
		"line 1 column 1: a multipart/related "
		"without its root");
	refused(RELATED, PART("root@e", RLMI) "\r\n<list>\r\n--b--",
		"line 2 column 7 of the root part: no element found");
	/* another root is another type */
	assert_int_equal(decode_copy(RELATED, str_of(PART("root@e", "text/plain") "x\r\n--b--"),
				 &arena, &t, NULL),
		0);
	assert_null(t);
	arena_done(&arena);
}

/* A list within a list within ... : each a part of the one before. */
static void add_list(struct buf *b, int level, int levels)
{
	buf_addf(b,
		"--b%d\r\nContent-ID: <r>\r\nContent-Type: " RLMI "\r\n\r\n"
		"<list xmlns='urn:ietf:params:xml:ns:rlmi' uri='l%d' version='0' fullState='1'>"
		"<resource uri='r'><instance id='i' state='active' cid='c'/></resource></list>\r\n",
		level, level);
	if (level < levels) {
		buf_addf(b,
			"--b%d\r\nContent-ID: <c>\r\nContent-Type: multipart/related;\r\n "
			"boundary=b%d\r\n\r\n",
			level, level + 1);
		add_list(b, level + 1, levels);
		buf_add_str(b, STR("\r\n"));
	}
	buf_addf(b, "--b%d--\r\n", level);
}

static void lists_within_lists(void **state)
{
	(void)state;
	for (int levels = 4; levels <= 5; levels++) {
		struct buf b = BUF_INIT(1 << 16);
		struct arena arena = { 0 };
		struct tree *t = NULL;
		struct fail f = { 0 };
		char *text;

		add_list(&b, 1, levels);
		if (decode_copy("multipart/related;boundary=b1", buf_str(&b), &arena, &t, &f))
			fail_msg("%s", f.text);
		text = tree_dump(t);
		assert_non_null(strstr(text, "'uri':'l4'"));
		assert_null(strstr(text, "'uri':'l5'"));
		assert_int_equal(strstr(text, "'body_error':'line 1 column 1: more than 4 lists "
					      "within lists'") != NULL,
			levels == 5);
		free(text);
		arena_done(&arena);
		buf_done(&b);
	}
}

/* ---- what is malformed ---- */

#define DIALOGS(attributes, inner)                                                                 \
	"<dialog-info xmlns='urn:ietf:params:xml:ns:dialog-info' " attributes ">" inner            \
	"</dialog-info>"

static void malformed(void **state)
{
	(void)state;
	refused(PIDF, "", "line 1 column 1: no element found");
	refused(PIDF, "hello", "line 1 column 1: ");
	refused(PIDF, "<presence>\n <tuple>\n</presence>", "line 3 column 3: mismatched tag");
	refused(PIDF, "<a/><b/>", "line 1 column 5: junk after document element");
	refused(PIDF, "<p:presence entity='x'/>", "line 1 column 1: unbound prefix");
	refused(PIDF, "<presence entity='x'/>",
		"line 1 column 1: the root is presence of the namespace \"\", not presence of "
		"urn:ietf:params:xml:ns:pidf");
	refused(PIDF, "\n <x xmlns='urn:ietf:params:xml:ns:pidf'/>",
		"line 2 column 2: the root is x");
	refused(DIALOG, DIALOGS("state='full' entity='x'", ""),
		"line 1 column 1: dialog-info without version");
	refused(DIALOG, DIALOGS("state='full' entity='x' version='1.5'", ""),
		"line 1 column 1: version is \"1.5\", not a number");
	refused(DIALOG, DIALOGS("state='full' entity='x' version='-1'", ""),
		"line 1 column 1: version is \"-1\", not a number");
	refused(DIALOG, DIALOGS("state='full' entity='x' version='9223372036854775808'", ""),
		"line 1 column 1: version is ");
	refused(DIALOG, DIALOGS("state='full' entity='x' version='1'", "\n <dialog/>"),
		"line 2 column 2: dialog without id");
	refused(DIALOG,
		DIALOGS("state='full' entity='x' version='1'",
			"<dialog id='1'><state code='x'>y</state></dialog>"),
		"line 1 column 108: code is \"x\", not a number");
	refused(PIDF,
		"<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='x'><tuple id='1'>"
		"<contact priority='high'>x</contact></tuple></presence>",
		"line 1 column 72: priority is \"high\", not a decimal number");
	refused(RLMI,
		"<list xmlns='urn:ietf:params:xml:ns:rlmi' uri='x' version='1' fullState='yes'/>",
		"line 1 column 1: fullState is \"yes\", not true or false");
	refused(PIDF, "<?xml version='1.0' encoding='x-nothing'?><a/>",
		"line 1 column 31: unknown encoding");
	decodes(PIDF,
		"<?xml version='1.0' encoding='ISO-8859-1'?>"
		"<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='caf\xe9'/>",
		"{'entity':'caf\\u00E9','tuple':[]}");
	/* UTF-8 that is none, NUL, a character that XML has not */
	refused(PIDF, "<a>\xff</a>", "line 1 column 4: not well-formed");
	refused_as(PIDF, STR("<a>\0</a>"), -FAIL_SYNTAX, "line 1 column 4: not well-formed");
	refused(PIDF, "<a>&#1;</a>", "line 1 column 4: reference to invalid character number");
	refused(PIDF, "<a xmlns='x&#10;y'/>", "line 1 column 1: ");
}

static void no_document_type(void **state)
{
	(void)state;
	refused(PIDF, "<!DOCTYPE a><a/>", "line 1 column 12: a document type declaration (DTD)");
	refused(PIDF,
		"<?xml version='1.0'?>\n<!DOCTYPE lolz [<!ENTITY lol 'lol'>"
		"<!ENTITY lol1 '&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;'>"
		"<!ENTITY lol2 '&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;'>]>"
		"<presence>&lol2;</presence>",
		"line 2 column 16: a document type declaration (DTD)");
	refused(PIDF, "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>",
		"line 1 column 13: a document type declaration (DTD)");
	refused(PIDF, "<!DOCTYPE a SYSTEM 'http://127.0.0.1:9/x.dtd'><a>&x;</a>",
		"line 1 column 46: a document type declaration (DTD)");
	refused(PIDF, "<a>&x;</a>", "line 1 column 4: undefined entity");
}

/* ---- limits ---- */

static struct buf made;

static void many(const char *before, const char *each, unsigned n)
{
	buf_init(&made, 16 << 20);
	buf_add_str(&made, str_of(before));
	while (n--)
		buf_add_str(&made, str_of(each));
}

static void over(const char *type, const char *after, const char *words)
{
	buf_add_str(&made, str_of(after));
	assert_int_equal(made.fail, 0);
	refused_as(type, buf_str(&made), -FAIL_LIMIT, words);
	buf_done(&made);
}

static void within(const char *type, const char *after)
{
	struct arena arena = { 0 };
	struct tree *t = NULL;
	struct fail f = { 0 };

	buf_add_str(&made, str_of(after));
	if (decode_copy(type, buf_str(&made), &arena, &t, &f) != 0)
		fail_msg("%s", f.text);
	assert_non_null(t);
	arena_done(&arena);
	buf_done(&made);
}

#define ROOT "<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='x'"

static void limits(void **state)
{
	(void)state;
	many(ROOT ">", "<a>", XML_DEPTH);
	over(PIDF, "", "line 1 column 151: more than 32 levels of elements");
	many(ROOT ">", "<a>", 1000000);
	over(PIDF, "", "line 1 column 1: a document of more than 1048576 bytes");
	many(ROOT ">", "<a/>", XML_ELEMENTS - 1);
	within(PIDF, "</presence>");
	many(ROOT ">", "<a/>", XML_ELEMENTS);
	over(PIDF, "</presence>", "line 1 column 80054: more than 20000 elements");
	buf_init(&made, 1 << 16);
	buf_add_str(&made, STR(ROOT));
	for (int i = 0; i < XML_ATTRIBUTES; i++)
		buf_addf(&made, " a%d=''", i);
	over(PIDF, "/>", "line 1 column 1: more than 64 attributes");
	many(ROOT "><note>", "x", XML_TEXT);
	within(PIDF, "</note></presence>");
	many(ROOT "><note>", "x", XML_TEXT + 1);
	over(PIDF, "</note></presence>",
		"line 1 column 64: an element with more than 65536 bytes of text");
	many(ROOT " b='", "x", XML_TEXT + 1);
	over(PIDF, "'/>", "line 1 column 1: an attribute of more than 65536 bytes");
	many(ROOT ">", " ", XML_DOCUMENT);
	over(PIDF, "</presence>", "line 1 column 1: a document of more than 1048576 bytes");
	many("Messages-Waiting: yes\n", "a: b\n", 1000);
	over(MWI, "", "line 1001 column 1: more than 1000 lines");
	many("Messages-Waiting: yes\n\n", "a: b\n", 1000);
	over(MWI, "", "line 1001 column 1: more than 1000 lines");
	many("", "a: b\n", 1001);
	over(SIPFRAG, "", "line 1001 column 1: more than 1000 lines");
}

/* One declaration serves many elements: it must not be kept with each of them. */
static void namespaces(void **state)
{
	struct arena arena = { 0 };
	struct tree *t = NULL;
	const struct tree *list;
	struct str seen[2] = { STR_EMPTY, STR_EMPTY };
	struct fail f = { 0 };
	unsigned n = 0;

	(void)state;
	many(ROOT " xmlns:x='", "u", 256);
	within(PIDF, "'><x:a/></presence>");
	many(ROOT " xmlns:x='", "u", 257);
	over(PIDF, "'>\n<x:a/></presence>", "line 2 column 1: a namespace of more than 256 bytes");
	many(ROOT " xmlns:x='", "u", 257);
	over(PIDF, "'>\n<a x:b=''/></presence>",
		"line 2 column 1: a namespace of more than 256 bytes");
	for (int more = 0; more < 2; more++) {
		buf_init(&made, 1 << 16);
		buf_add_str(&made, STR(ROOT ">"));
		for (int i = 1; i < XML_NAMESPACES + more; i++)
			buf_addf(&made, "\n<a xmlns='n%d'/>", i);
		if (more)
			over(PIDF, "</presence>", "line 65 column 1: more than 64 namespaces");
		else
			within(PIDF, "</presence>");
	}
	many(ROOT " xmlns:x='urn:x' xmlns:y='urn:y'><tuple id='t'><status>", "<x:a/><y:a/>", 5000);
	buf_add_str(&made, STR("</status></tuple></presence>"));
	if (decode_copy(PIDF, buf_str(&made), &arena, &t, &f) != 0)
		fail_msg("%s", f.text);
	list = tree_get(tree_get(tree_get(t, "tuple")->first, "status"), "other");
	assert_non_null(list);
	for (const struct tree *o = list->first; o; o = o->next, n++) {
		struct str ns = tree_get_text(o, "namespace");

		assert_true(str_eq(ns, n % 2 ? STR("urn:y") : STR("urn:x")));
		if (n < 2)
			seen[n] = ns;
		assert_ptr_equal(ns.p, seen[n % 2].p);
	}
	assert_int_equal(n, 10000);
	arena_done(&arena);
	buf_done(&made);
}

/* 10 MB of anything end at once. */
static void huge(void **state)
{
	static const char *const types[] = { PIDF, DIALOG, REGINFO, CONFERENCE, WATCHERS, RLMI,
		COMPOSING, MWI, SIPFRAG, RELATED };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		many("", "<a b='c'>Messages\n", 600000);
		over(types[i], "", "line 1 column 1: a body of more than 4194304 bytes");
	}
}

/* Parts beyond count stop a body that is within its size. */
static void many_parts(void **state)
{
	(void)state;
	many(PART("root@e", RLMI) LIST("") "\r\n", PART("x", PIDF) "x\r\n", 64);
	over(RELATED, "--b--", "line ");
}

/* ---- types ---- */

static void other_types(void **state)
{
	static const char *const types[] = { "", "text/plain", "application/pidf",
		"application/xml", "application/pidf+xmlx", "application/pidf-diff+xml",
		"application/kpml-request+xml", "multipart/mixed;boundary=b",
		"xapplication/pidf+xml", "application", "application/pidf+xml x" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct arena arena = { 0 };
		struct tree untouched, *t = &untouched;
		struct fail f = { 0 };

		assert_int_equal(decode_copy(types[i], STR("<!DOCTYPE"), &arena, &t, &f), 0);
		assert_null(t);
		arena_done(&arena);
	}
}

/* ---- the tables of the decoders against those of the records ---- */

static unsigned compared;

static const char *kind_of(const struct body_shape_field *d, char text[100])
{
	static const char *const plain[] = { [SHAPE_TEXT] = "string",
		[SHAPE_INTEGER] = "integer",
		[SHAPE_SIGNED] = "signed",
		[SHAPE_NUMBER] = "number",
		[SHAPE_BOOLEAN] = "boolean",
		[SHAPE_WORDS] = "string" };

	snprintf(text, 100, "%s%s", d->kind == SHAPE_OBJECT ? d->shape->name : plain[d->kind],
		d->list ? "[]" : "");
	return text;
}

/* What the decoders add to a shape, beside it. */
static bool is_added(const char *object, const char *field)
{
	static const char *const added[] = { "name_addr.tag", "rlmi_instance.content_type",
		"rlmi_instance.body", "rlmi_instance.body_base64", "rlmi_instance.body_error" };
	char name[100];

	snprintf(name, sizeof(name), "%s.%s", object, field);
	for (size_t i = 0; i < ARRAY_LEN(added); i++)
		if (strcmp(added[i], name) == 0)
			return true;
	return false;
}

static void compare_shape(const struct body_shape *s, const struct body_shape **seen, unsigned *n)
{
	const struct schema_record *object = schema_find(schema_objects, s->name);

	for (unsigned i = 0; i < *n; i++)
		if (seen[i] == s)
			return;
	seen[(*n)++] = s;
	if (!object)
		fail_msg("no OBJECT %s", s->name);
	for (const struct body_shape_field *d = s->fields; d->key; d++) {
		const struct schema_field *f = schema_field(object->fields, d->key);
		char kind[100];

		if (!f || strcmp(f->kind, kind_of(d, kind)) != 0 || f->required != d->required)
			fail_msg("%s.%s is not as in events.def", s->name, d->key);
		compared++;
		if (d->kind == SHAPE_OBJECT)
			compare_shape(d->shape, seen, n);
	}
	for (const struct schema_field *f = object->fields; f->name; f++) {
		const struct body_shape_field *d = s->fields;

		while (d->key && strcmp(d->key, f->name) != 0)
			d++;
		if (!d->key && !is_added(s->name, f->name) &&
			!(s->open && strcmp(f->name, "other") == 0))
			fail_msg("nothing decodes %s.%s", s->name, f->name);
	}
}

static void tables(void **state)
{
	static const struct body_shape *const roots[] = { &body_presence_shape, &body_dialog_shape,
		&body_reginfo_shape, &body_conference_shape, &body_watchers_shape, &body_rlmi_shape,
		&body_composing_shape };
	const struct body_shape *seen[100];
	unsigned n = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(roots); i++)
		compare_shape(roots[i], seen, &n);
	print_message("# %u fields of %u objects\n", compared, n);
	assert_true(n > 30 && compared > 150);
}

/* ---- for people ---- */

static struct buf lines;

void out_put(struct out *o, enum out_color color, const char *fmt, ...)
{
	char line[500];
	va_list ap;

	(void)o;
	(void)color;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	buf_addf(&lines, "%s\n", line);
}

static void shows(const char *type, const char *body, const char *wanted)
{
	struct arena arena = { 0 };
	struct tree *t = NULL;

	buf_init(&lines, 1 << 16);
	assert_int_equal(decode_copy(type, str_of(body), &arena, &t, NULL), 0);
	out_text_tree(NULL, t);
	if (strcmp(buf_cstr(&lines), wanted) != 0)
		fail_msg("\n%snot\n%s", buf_cstr(&lines), wanted);
	buf_done(&lines);
	arena_done(&arena);
}

static void text(void **state)
{
	(void)state;
	shows(MWI,
		"Messages-Waiting: yes\r\nMessage-Account: sip:b@e\r\nVoice-Message: 4/8 (1/2)\r\n",
		"  messages_waiting  yes\n"
		"  message_account   sip:b@e\n"
		"  voice_message     new 4  old 8  urgent_new 1  urgent_old 2\n");
	shows(DIALOG,
		DIALOGS("state='full' entity='sip:a@e' version='1'",
			"<dialog id='d1' call-id='c'><state>early</state>"
			"<route-set><hop>sip:1</hop><hop>sip:2</hop></route-set>"
			"<local><identity display='A'>sip:a@e</identity>"
			"<session-description "
			"type='application/sdp'>v=0\r\ns=-</session-description>"
			"</local></dialog><dialog id='d2'><state>trying</state></dialog>"),
		"  entity   sip:a@e\n"
		"  version  1\n"
		"  state    full\n"
		"  dialog   id d1\n"
		"    call_id    c\n"
		"    state      early\n"
		"    route_set  sip:1\n"
		"    route_set  sip:2\n"
		"    local\n"
		"      identity             uri sip:a@e  display_name A\n"
		"      session_description  type application/sdp\n"
		"        text\n"
		"          v=0\n"
		"          s=-\n"
		"  dialog   id d2  state trying\n");
	shows(PIDF,
		ROOT "><tuple id='t'><status><basic>open</basic></status>"
		     "<contact priority='0.8'>sip:a@pc</contact><note>Hi there</note></tuple>"
		     "<note/></presence>",
		"  entity  x\n"
		"  tuple   id t\n"
		"    status   basic open\n"
		"    contact  uri sip:a@pc  priority 0.8\n"
		"    note     text Hi there\n"
		"  note    text \n");
	shows(PIDF,
		ROOT " xmlns:d='urn:ietf:params:xml:ns:pidf:data-model' "
		     "xmlns:r='urn:ietf:params:xml:ns:pidf:rpid'><d:person id='p'>"
		     "<r:mood><r:angry/><r:sad/></r:mood><r:activities from='f'><r:a/><r:b/><r:c/>"
		     "<r:d/></r:activities></d:person></presence>",
		"  entity  x\n"
		"  tuple   (none)\n"
		"  person  id p\n"
		"    activities\n"
		"      value  a\n"
		"      value  b\n"
		"      value  c\n"
		"      value  d\n"
		"      from   f\n"
		"    mood        value angry  value sad\n");
	shows(PIDF, ROOT "/>", "  entity  x\n  tuple   (none)\n");
}

/* ---- the corpus ---- */

#define CORPUS TEST_SOURCE_ROOT "/../shared/corpus/"

/* Ruling 38: CI has the corpus, so there its absence is a failure. */
static void need_corpus(void)
{
	const char *ci = getenv("CI");

	if (access(CORPUS "bodies/manifest.tsv", R_OK) == 0)
		return;
	if (ci && strcmp(ci, "true") == 0)
		fail_msg("no corpus at %s, and CI=true", CORPUS);
	print_message("# DID NOT RUN: there is no corpus at %s\n", CORPUS);
	skip();
}

static struct str read_file(const char *path)
{
	static char bytes[1 << 16];
	FILE *f = fopen(path, "rb");
	struct str s = { bytes, 0 };

	if (!f)
		fail_msg("%s cannot be read", path);
	s.n = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	assert_true(s.n < sizeof(bytes));
	return s;
}

static void cut_head(struct str *type, struct str *body)
{
	struct str rest = *body, line, name;

	*type = (struct str){ body->p, 0 };
	while (str_cut(rest, '\n', &line, &rest) && str_trim(line).n > 0)
		type->n = (size_t)(line.p + line.n - type->p);
	*body = rest;
	if (!str_cut(*type, ':', &name, type))
		fail_msg("no Content-Type");
	*type = str_trim(*type);
}

enum became { DECODED, MALFORMED, TEXT };

/* "line 3 column 7" */
static bool has_place(const char *text)
{
	unsigned line, column;
	int n = 0;

	return sscanf(text, "line %u column %u%n", &line, &column, &n) == 2 && n > 0 && line >= 1 &&
	       column >= 1 && (text[n] == ':' || text[n] == ' ');
}

static enum became decode_file(const char *path, const char *type)
{
	struct str body = read_file(path), name = str_of(type ? type : "");
	struct arena arena = { 0 };
	struct tree *t = NULL;
	struct fail f = { 0 };
	char copy[1000];
	int e;

	if (!type)
		cut_head(&name, &body);
	snprintf(copy, sizeof(copy), STR_FMT, STR_ARG(name));
	e = decode_copy(copy, body, &arena, &t, &f);
	if (e != 0 && !has_place(f.text))
		fail_msg("%s: \"%s\" says no place", path, f.text);
	if (e != 0)
		print_message("# %s: %s\n", path + strlen(CORPUS), f.text);
	if (t)
		free(tree_dump(t));
	arena_done(&arena);
	return t ? DECODED : e ? MALFORMED : TEXT;
}

/* The numbers are those of the files: what the RFCs print with errors is malformed (README.md and
 * parts.tsv of the corpus, and a stray quotation mark in the example of RFC 4662 section 6). */
static const struct {
	const char *folder, *type;
	unsigned became[3];
} folders[] = {
	{ "pidf", PIDF, { 42, 1, 0 } },
	{ "dialog-info", DIALOG, { 18, 3, 0 } },
	{ "reginfo", REGINFO, { 5, 0, 0 } },
	{ "conference-info", CONFERENCE, { 2, 0, 0 } },
	{ "watcherinfo", WATCHERS, { 10, 0, 0 } },
	{ "rlmi", RLMI, { 4, 2, 0 } },
	{ "iscomposing", COMPOSING, { 2, 0, 0 } },
	{ "message-summary", NULL, { 3, 1, 0 } },
	{ "sipfrag", NULL, { 20, 2, 0 } },
	{ "multipart", NULL, { 0, 2, 31 } },
	{ "kpml", "application/kpml-response+xml", { 0, 0, 15 } },
	{ "resource-lists", "application/resource-lists+xml", { 0, 0, 23 } },
	{ "rls-services", "application/rls-services+xml", { 0, 0, 4 } },
	{ "filter-set", "application/simple-filter+xml", { 0, 0, 21 } },
	{ "common-policy", "application/auth-policy+xml", { 0, 0, 10 } },
	{ "media-control", "application/media_control+xml", { 0, 0, 2 } },
	{ "xcap-diff", "application/xcap-diff+xml", { 0, 0, 19 } },
};

static void corpus(void **state)
{
	unsigned all = 0, files = 0;
	char line[1000];
	FILE *f;

	(void)state;
	need_corpus();
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		unsigned became[3] = { 0 };
		char pattern[500];
		glob_t found = { 0 };

		snprintf(pattern, sizeof(pattern), CORPUS "bodies/%s/*", folders[i].folder);
		glob(pattern, 0, NULL, &found);
		for (size_t k = 0; k < found.gl_pathc; k++)
			became[decode_file(found.gl_pathv[k], folders[i].type)]++;
		all += (unsigned)found.gl_pathc;
		globfree(&found);
		for (int k = 0; k < 3; k++)
			if (became[k] != folders[i].became[k])
				fail_msg("%s: %u decoded, %u malformed, %u text", folders[i].folder,
					became[0], became[1], became[2]);
	}
	for (int table = 0; table < 2; table++) {
		f = fopen(table ? CORPUS "bodies/parts.tsv" : CORPUS "bodies/manifest.tsv", "r");
		assert_non_null(f);
		while (fgets(line, sizeof(line), f))
			files++;
		fclose(f);
		files--; /* the heading */
	}
	print_message("# %u bodies of the corpus\n", all);
	assert_int_equal(all, files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(presence),
		cmocka_unit_test(rich_presence),
		cmocka_unit_test(dialog_info),
		cmocka_unit_test(reginfo),
		cmocka_unit_test(conference_info),
		cmocka_unit_test(watchers),
		cmocka_unit_test(composing),
		cmocka_unit_test(message_summary),
		cmocka_unit_test(long_account),
		cmocka_unit_test(sipfrag),
		cmocka_unit_test(lists),
		cmocka_unit_test(malformed_lists),
		cmocka_unit_test(lists_within_lists),
		cmocka_unit_test(malformed),
		cmocka_unit_test(no_document_type),
		cmocka_unit_test(limits),
		cmocka_unit_test(namespaces),
		cmocka_unit_test(huge),
		cmocka_unit_test(many_parts),
		cmocka_unit_test(other_types),
		cmocka_unit_test(tables),
		cmocka_unit_test(text),
		cmocka_unit_test(corpus),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
