/* tests/unit/test_body_state.c -- partial documents merged: RFC 4235 section 4.3, RFC 3680 section
 * 5.1, RFC 3858 section 4.4, RFC 4575 section 4.6, RFC 4662 section 5.6 */
#include "body_rig.h"

static struct body_state *known;

static int fresh(void **state)
{
	(void)state;
	known = body_state_new();
	return 0;
}

static int gone(void **state)
{
	(void)state;
	body_state_free(known);
	known = NULL;
	return 0;
}

/* Adds a document; wanted is what is known then, NULL: nothing. */
static void adds(const char *type, const char *body, enum body_news news, const char *wanted)
{
	struct arena arena = { 0 };
	struct tree *t = NULL;
	const struct tree *whole = NULL;
	struct fail f = { 0 };
	enum body_news got;

	if (decode_copy(type, str_of(body), &arena, &t, &f) != 0)
		fail_msg("%s: %s", f.text, body);
	assert_non_null(t);
	got = body_state_add(known, str_of(type), t, &whole);
	arena_done(&arena); /* nothing of what is known may point there */
	if (got != news)
		fail_msg("news %d, not %d: %s", got, news, body);
	if (wanted)
		tree_is(whole, wanted);
	else
		assert_null(whole);
}

/* ---- dialog-info ---- */

#define DIALOGS(version, state, inner)                                                             \
	"<dialog-info xmlns='urn:ietf:params:xml:ns:dialog-info' version='" version                \
	"' state='" state "' entity='e'>" inner "</dialog-info>"
#define ONE(id, state) "<dialog id='" id "'><state>" state "</state></dialog>"
#define KNOWN(version, state, inner)                                                               \
	"{'dialog':[" inner "],'entity':'e','state':'" state "','version':" version "}"
#define ROW(id, state) "{'id':'" id "','state':'" state "'}"

static void dialogs(void **state)
{
	(void)state;
	adds(DIALOG, DIALOGS("3", "full", ONE("a", "early")), BODY_WHOLE,
		KNOWN("3", "full", ROW("a", "early")));
	adds(DIALOG, DIALOGS("4", "partial", ONE("b", "trying")), BODY_MERGED,
		KNOWN("4", "full", ROW("a", "early") "," ROW("b", "trying")));
	adds(DIALOG, DIALOGS("5", "partial", ONE("a", "terminated") ONE("c", "early")), BODY_MERGED,
		KNOWN("5", "full",
			ROW("a", "terminated") "," ROW("b", "trying") "," ROW("c", "early")));
	/* what has ended is told once */
	adds(DIALOG, DIALOGS("6", "partial", ONE("b", "confirmed")), BODY_MERGED,
		KNOWN("6", "full", ROW("b", "confirmed") "," ROW("c", "early")));
	adds(DIALOG, DIALOGS("7", "full", ""), BODY_WHOLE, KNOWN("7", "full", ""));
}

static void versions(void **state)
{
	(void)state;
	adds(DIALOG, DIALOGS("3", "full", ONE("a", "early")), BODY_WHOLE,
		KNOWN("3", "full", ROW("a", "early")));
	adds(DIALOG, DIALOGS("3", "partial", ONE("a", "terminated")), BODY_OLD,
		KNOWN("3", "full", ROW("a", "early")));
	adds(DIALOG, DIALOGS("2", "full", ONE("a", "terminated")), BODY_OLD,
		KNOWN("3", "full", ROW("a", "early")));
	adds(DIALOG, DIALOGS("3", "full", ONE("b", "early")), BODY_WHOLE,
		KNOWN("3", "full", ROW("b", "early")));
	/* a gap: what is known is not all until the next whole document */
	adds(DIALOG, DIALOGS("5", "partial", ONE("a", "early")), BODY_GAP,
		KNOWN("5", "partial", ROW("b", "early") "," ROW("a", "early")));
	adds(DIALOG, DIALOGS("6", "partial", ""), BODY_MERGED,
		KNOWN("6", "partial", ROW("b", "early") "," ROW("a", "early")));
	adds(DIALOG, DIALOGS("9", "full", ""), BODY_WHOLE, KNOWN("9", "full", ""));
	adds(DIALOG, DIALOGS("10", "partial", ONE("z", "early")), BODY_MERGED,
		KNOWN("10", "full", ROW("z", "early")));
}

static void first_is_partial(void **state)
{
	(void)state;
	adds(DIALOG, DIALOGS("0", "partial", ONE("a", "early")), BODY_GAP,
		KNOWN("0", "partial", ROW("a", "early")));
}

/* Twice in one document: the last counts. */
static void same_id_twice(void **state)
{
	(void)state;
	adds(DIALOG, DIALOGS("0", "full", ONE("a", "early")), BODY_WHOLE,
		KNOWN("0", "full", ROW("a", "early")));
	adds(DIALOG,
		DIALOGS("1", "partial", ONE("a", "trying") ONE("b", "x") ONE("a", "confirmed")),
		BODY_MERGED, KNOWN("1", "full", ROW("a", "confirmed") "," ROW("b", "x")));
}

/* ---- reginfo ---- */

#define REGS(version, state, inner)                                                                \
	"<reginfo xmlns='urn:ietf:params:xml:ns:reginfo' version='" version "' state='" state      \
	"'>" inner "</reginfo>"
#define REG(id, state, inner)                                                                      \
	"<registration aor='sip:" id "' id='" id "' state='" state "'>" inner "</registration>"
#define CONTACT(id, state)                                                                         \
	"<contact id='" id "' state='" state "' event='x'><uri>sip:" id "</uri></contact>"
#define CONTACT_ROW(id, state) "{'event':'x','id':'" id "','state':'" state "','uri':'sip:" id "'}"
#define REG_ROW(id, state, inner)                                                                  \
	"{'aor':'sip:" id "','contact':[" inner "],'id':'" id "','state':'" state "'}"

static void registrations(void **state)
{
	(void)state;
	adds(REGINFO,
		REGS("0", "full",
			REG("r", "active", CONTACT("1", "active") CONTACT("2", "active"))
				REG("s", "init", "")),
		BODY_WHOLE,
		"{'registration':[" REG_ROW("r", "active",
			CONTACT_ROW("1", "active") "," CONTACT_ROW("2", "active")) "," REG_ROW("s",
			"init", "") "],'state':'full','version':0}");
	adds(REGINFO,
		REGS("1", "partial",
			REG("r", "active", CONTACT("2", "terminated") CONTACT("3", "active"))),
		BODY_MERGED,
		"{'registration':[" REG_ROW("r", "active",
			CONTACT_ROW("1", "active") "," CONTACT_ROW(
				"2", "terminated") "," CONTACT_ROW("3", "active")) "," REG_ROW("s",
			"init", "") "],'state':'full',"
				    "'version':1}");
	adds(REGINFO, REGS("2", "partial", REG("s", "terminated", "")), BODY_MERGED,
		"{'registration':[" REG_ROW("r", "active",
			CONTACT_ROW("1", "active") "," CONTACT_ROW(
				"2", "terminated") "," CONTACT_ROW("3", "active")) "," REG_ROW("s",
			"terminated", "") "],"
					  "'state':'full',"
					  "'version':2}");
	adds(REGINFO, REGS("3", "partial", REG("r", "active", "")), BODY_MERGED,
		"{'registration':[" REG_ROW("r", "active",
			CONTACT_ROW("1", "active") "," CONTACT_ROW(
				"3", "active")) "],'state':'full','version':3}");
}

/* ---- watcherinfo: one table for a resource and a package ---- */

#define WATCH(version, state, inner)                                                               \
	"<watcherinfo xmlns='urn:ietf:params:xml:ns:watcherinfo' version='" version                \
	"' state='" state "'>" inner "</watcherinfo>"
#define WLIST(resource, package, inner)                                                            \
	"<watcher-list resource='" resource "' package='" package "'>" inner "</watcher-list>"
#define WATCHER(id, status) "<watcher id='" id "' status='" status "' event='x'>u</watcher>"
#define WLIST_ROW(resource, package, inner)                                                        \
	"{'package':'" package "','resource':'" resource "','watcher':[" inner "]}"
#define WATCHER_ROW(id, status) "{'event':'x','id':'" id "','status':'" status "','uri':'u'}"

static void watchers(void **state)
{
	(void)state;
	adds(WATCHERS,
		WATCH("0", "full",
			WLIST("p", "presence", WATCHER("1", "pending"))
				WLIST("p", "dialog", WATCHER("1", "active"))),
		BODY_WHOLE,
		"{'state':'full','version':0,'watcher_list':[" WLIST_ROW(
			"p", "presence", WATCHER_ROW("1", "pending")) "," WLIST_ROW("p", "dialog",
			WATCHER_ROW("1", "active")) "]}");
	adds(WATCHERS,
		WATCH("1", "partial",
			WLIST("p", "dialog", WATCHER("1", "terminated") WATCHER("2", "active"))
				WLIST("q", "dialog", "")),
		BODY_MERGED,
		"{'state':'full','version':1,'watcher_list':[" WLIST_ROW(
			"p", "presence", WATCHER_ROW("1", "pending")) "," WLIST_ROW("p", "dialog",
			WATCHER_ROW("1", "terminated") "," WATCHER_ROW(
				"2", "active")) "," WLIST_ROW("q", "dialog", "") "]}");
	adds(WATCHERS, WATCH("2", "partial", WLIST("p", "dialog", "")), BODY_MERGED,
		"{'state':'full','version':2,'watcher_list':[" WLIST_ROW(
			"p", "presence", WATCHER_ROW("1", "pending")) "," WLIST_ROW("p", "dialog",
			WATCHER_ROW("2", "active")) "," WLIST_ROW("q", "dialog", "") "]}");
}

/* ---- conference-info: every element has a state of its own ---- */

#define CONF(version, state, inner)                                                                \
	"<conference-info xmlns='urn:ietf:params:xml:ns:conference-info' entity='c' "              \
	"version='" version "' state='" state "'>" inner "</conference-info>"

static void conferences(void **state)
{
	(void)state;
	adds(CONFERENCE,
		CONF("1", "full",
			"<conference-description><subject>s</subject><free-text>f</free-text>"
			"</conference-description>"
			"<users><user entity='a'><display-text>A</display-text>"
			"<endpoint entity='a1'><status>connected</status>"
			"<media id='1'><type>audio</type><status>sendrecv</status></media>"
			"<media id='2'><type>video</type></media></endpoint>"
			"<endpoint entity='a2'/></user><user entity='b'/></users>"),
		BODY_WHOLE,
		"{'conference_description':{'free_text':'f','subject':'s'},'entity':'c',"
		"'state':'full','users':{'user':[{'display_text':'A','endpoint':[{'entity':'a1',"
		"'media':[{'id':'1','status':'sendrecv','type':'audio'},{'id':'2','type':'video'}],"
		"'status':'connected'},{'entity':'a2'}],'entity':'a'},{'entity':'b'}]},'version':"
		"1}");
	/* without state an element is full and replaces; partial goes deeper; a medium is replaced
	 * as a whole; deleted and what is not known yet */
	adds(CONFERENCE,
		CONF("2", "partial",
			"<conference-description><subject>t</subject></conference-description>"
			"<conference-state><user-count>2</user-count></conference-state>"
			"<users state='partial'><user entity='a' state='partial'>"
			"<endpoint entity='a1' state='partial'><status>on-hold</status>"
			"<media id='1'><type>audio</type></media></endpoint>"
			"<endpoint entity='a2' state='deleted'/></user>"
			"<user entity='b' state='deleted'/><user entity='d' state='full'/>"
			"<user entity='e' state='deleted'/></users>"),
		BODY_MERGED,
		"{'conference_description':{'subject':'t'},'conference_state':{'user_count':2},"
		"'entity':'c','state':'full','users':{'state':'full','user':[{'display_text':'A',"
		"'endpoint':[{'entity':'a1','media':[{'id':'1','type':'audio'},{'id':'2',"
		"'type':'video'}],'state':'full','status':'on-hold'}],'entity':'a','state':'full'},"
		"{'entity':'d','state':'full'}]},'version':2}");
	adds(CONFERENCE, CONF("2", "full", ""), BODY_OLD,
		"{'conference_description':{'subject':'t'},'conference_state':{'user_count':2},"
		"'entity':'c','state':'full','users':{'state':'full','user':[{'display_text':'A',"
		"'endpoint':[{'entity':'a1','media':[{'id':'1','type':'audio'},{'id':'2',"
		"'type':'video'}],'state':'full','status':'on-hold'}],'entity':'a','state':'full'},"
		"{'entity':'d','state':'full'}]},'version':2}");
	adds(CONFERENCE,
		CONF("3", "partial",
			"<users state='partial'><user "
			"entity='a'><roles><entry>x</entry></roles></user>"
			"</users>"),
		BODY_MERGED,
		"{'conference_description':{'subject':'t'},'conference_state':{'user_count':2},"
		"'entity':'c','state':'full','users':{'state':'full','user':[{'entity':'a',"
		"'roles':['x']},{'entity':'d','state':'full'}]},'version':3}");
	adds(CONFERENCE, CONF("4", "partial", "<users state='deleted'/>"), BODY_MERGED,
		"{'conference_description':{'subject':'t'},'conference_state':{'user_count':2},"
		"'entity':'c','state':'full','version':4}");
	adds(CONFERENCE, CONF("9", "partial", "<users><user entity='z'/></users>"), BODY_GAP,
		"{'conference_description':{'subject':'t'},'conference_state':{'user_count':2},"
		"'entity':'c','state':'partial','users':{'user':[{'entity':'z'}]},'version':9}");
	adds(CONFERENCE, CONF("10", "deleted", ""), BODY_WHOLE,
		"{'entity':'c','state':'deleted','version':10}");
}

static void sidebars(void **state)
{
	(void)state;
	adds(CONFERENCE,
		CONF("1", "full",
			"<sidebars-by-ref><entry><uri>r1</uri></entry><entry><uri>r2</uri></entry>"
			"</sidebars-by-ref><sidebars-by-val><entry entity='v1'><users>"
			"<user entity='a'/></users></entry><entry entity='v2'/></sidebars-by-val>"),
		BODY_WHOLE,
		"{'entity':'c','sidebars_by_ref':{'entry':[{'uri':'r1'},{'uri':'r2'}]},"
		"'sidebars_by_val':{'entry':[{'entity':'v1','users':{'user':[{'entity':'a'}]}},"
		"{'entity':'v2'}]},'state':'full','version':1}");
	adds(CONFERENCE,
		CONF("2", "partial",
			"<sidebars-by-ref state='partial'><entry><uri>r2</uri>"
			"<display-text>d</display-text></entry></sidebars-by-ref>"
			"<sidebars-by-val state='partial'><entry entity='v1' state='partial'>"
			"<users state='partial'><user entity='b'/></users></entry>"
			"<entry entity='v2' state='deleted'/></sidebars-by-val>"),
		BODY_MERGED,
		"{'entity':'c','sidebars_by_ref':{'entry':[{'uri':'r1'},{'display_text':'d',"
		"'uri':'r2'}],'state':'full'},'sidebars_by_val':{'entry':[{'entity':'v1',"
		"'state':'full','users':{'state':'full','user':[{'entity':'a'},{'entity':'b'}]}}],"
		"'state':'full'},'state':'full','version':2}");
}

/* ---- lists ---- */

#define LISTS(version, full, inner)                                                                \
	"<list xmlns='urn:ietf:params:xml:ns:rlmi' uri='l' version='" version "' fullState='" full \
	"'>" inner "</list>"
#define RES(uri, inner) "<resource uri='" uri "'>" inner "</resource>"
#define INST(id, state) "<instance id='" id "' state='" state "'/>"
#define LISTS_KNOWN(version, full, inner)                                                          \
	"{'full_state':" full ",'resource':[" inner "],'uri':'l','version':" version "}"
#define RES_ROW(uri, inner) "{'instance':[" inner "],'uri':'" uri "'}"

static void lists(void **state)
{
	(void)state;
	adds(RLMI,
		LISTS("1", "true",
			RES("a", INST("1", "active") INST("2", "active"))
				RES("b", INST("1", "pending"))),
		BODY_WHOLE,
		LISTS_KNOWN("1", "true",
			RES_ROW("a", ROW("1", "active") "," ROW("2", "active")) "," RES_ROW(
				"b", ROW("1", "pending"))));
	adds(RLMI, LISTS("2", "false", RES("a", INST("2", "terminated")) RES("c", "")), BODY_MERGED,
		LISTS_KNOWN("2", "true",
			RES_ROW("a", ROW("1", "active") "," ROW("2", "terminated")) "," RES_ROW(
				"b", ROW("1", "pending")) "," RES_ROW("c", "")));
	adds(RLMI, LISTS("3", "0", RES("a", "")), BODY_MERGED,
		LISTS_KNOWN("3", "true",
			RES_ROW("a", ROW("1", "active")) "," RES_ROW(
				"b", ROW("1", "pending")) "," RES_ROW("c", "")));
	adds(RLMI, LISTS("3", "true", ""), BODY_OLD,
		LISTS_KNOWN("3", "true",
			RES_ROW("a", ROW("1", "active")) "," RES_ROW(
				"b", ROW("1", "pending")) "," RES_ROW("c", "")));
	adds(RLMI, LISTS("5", "false", ""), BODY_GAP,
		LISTS_KNOWN("5", "false",
			RES_ROW("a", ROW("1", "active")) "," RES_ROW(
				"b", ROW("1", "pending")) "," RES_ROW("c", "")));
	/* the same list, with bodies */
	adds("Multipart/Related;boundary=b",
		"--b\r\nContent-Type: application/rlmi+xml\r\n\r\n"
		"<list xmlns='urn:ietf:params:xml:ns:rlmi' uri='l' version='6' fullState='false'>"
		"<resource uri='b'><instance id='1' state='active' cid='x'/></resource></list>\r\n"
		"--b\r\nContent-ID: <x>\r\n\r\nhello\r\n--b--",
		BODY_MERGED,
		LISTS_KNOWN("6", "false",
			RES_ROW("a",
				ROW("1", "active")) ","
						    "{'instance':[{'body':'hello','cid':'x','id':'"
						    "1','state':'active'}],'uri':'b'}," RES_ROW(
							    "c", "")));
}

/* ---- others ---- */

static void without_versions(void **state)
{
	(void)state;
	adds(PIDF, "<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='x'/>", BODY_WHOLE, NULL);
	adds(MWI, "Messages-Waiting: yes", BODY_WHOLE, NULL);
}

/* Another package begins anew. */
static void another_package(void **state)
{
	(void)state;
	adds(DIALOG, DIALOGS("7", "full", ONE("a", "early")), BODY_WHOLE,
		KNOWN("7", "full", ROW("a", "early")));
	adds(REGINFO, REGS("0", "full", ""), BODY_WHOLE,
		"{'registration':[],'state':'full','version':0}");
	adds(DIALOG, DIALOGS("8", "partial", ONE("b", "early")), BODY_GAP,
		KNOWN("8", "partial", ROW("b", "early")));
}

/* ---- for ever ---- */

/* Adds 1000 new dialogs with names of a hundred bytes. */
static enum body_news add_thousand(unsigned version, unsigned first, const struct tree **whole)
{
	struct buf body = BUF_INIT(1 << 20);
	struct arena arena = { 0 };
	struct tree *t = NULL;
	enum body_news news;

	buf_addf(&body,
		"<dialog-info xmlns='urn:ietf:params:xml:ns:dialog-info' version='%u' "
		"state='partial' entity='e'>",
		version);
	for (unsigned i = 0; i < 1000; i++)
		buf_addf(&body, "<dialog id='%0100u'><state>early</state></dialog>", first + i);
	buf_add_str(&body, STR("</dialog-info>"));
	assert_int_equal(decode_copy(DIALOG, buf_str(&body), &arena, &t, NULL), 0);
	news = body_state_add(known, STR(DIALOG), t, whole);
	arena_done(&arena);
	buf_done(&body);
	return news;
}

/* New dialogs without end: at BODY_STATE_MAX everything is forgotten, and it begins again. */
static void without_end(void **state)
{
	const struct tree *whole = NULL;
	unsigned most = 0, forgotten = 0;

	(void)state;
	assert_int_equal(add_thousand(0, 0, &whole), BODY_GAP);
	for (unsigned v = 1; v < 60; v++) {
		enum body_news news = add_thousand(v, v * 1000, &whole);
		unsigned rows = 0;

		if (news == BODY_TOO_MUCH) {
			assert_null(whole);
			forgotten++;
			v++;
			assert_int_equal(add_thousand(v, v * 1000, &whole), BODY_GAP);
			continue;
		}
		assert_int_equal(news, BODY_MERGED);
		for (struct tree *t = tree_get(whole, "dialog")->first; t; t = t->next)
			rows++;
		most = rows > most ? rows : most;
	}
	assert_true(forgotten >= 3);
	/* a row is three values, 100 + 5 bytes, and the names */
	assert_true(most >= 15000 && most <= BODY_STATE_MAX / (3 * 128 + 105));
}

/* The same dialogs over and over: what is kept does not grow, for it is built anew each time. */
static void again_and_again(void **state)
{
	const struct tree *whole = NULL;
	unsigned rows = 0;

	(void)state;
	for (unsigned v = 0; v < 60; v++) {
		enum body_news news = add_thousand(v, 0, &whole);

		assert_int_equal(news, v ? BODY_MERGED : BODY_GAP);
	}
	for (struct tree *t = tree_get(whole, "dialog")->first; t; t = t->next)
		rows++;
	assert_int_equal(rows, 1000);
}

static void nothing(void **state)
{
	(void)state;
	body_state_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(dialogs),
		TEST(versions),
		TEST(first_is_partial),
		TEST(same_id_twice),
		TEST(registrations),
		TEST(watchers),
		TEST(conferences),
		TEST(sidebars),
		TEST(lists),
		TEST(without_versions),
		TEST(another_package),
		TEST(without_end),
		TEST(again_and_again),
		TEST(nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
