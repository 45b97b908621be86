/* lib/endpoint/publication_presence.c -- presence as a document: RFC 3863 section 4, RFC 4479
 * section 3, RFC 4480 section 3.2 */
#include "endpoint/publication.h"

#include "base/hash.h"
#include "sip/xml_text.h"

/* RFC 4480 3.2: each is an element of its own; anything else is said in words. */
static const char *const activities[] = { "appointment", "away", "breakfast", "busy", "dinner",
	"holiday", "in-transit", "looking-for-work", "lunch", "meal", "meeting", "on-the-phone",
	"performance", "permanent-absence", "playing", "presentation", "shopping", "sleeping",
	"spectator", "steering", "travel", "tv", "unknown", "vacation", "working", "worship" };

static bool is_activity(struct str word)
{
	for (size_t i = 0; i < ARRAY_LEN(activities); i++)
		if (str_eq(word, str_of(activities[i])))
			return true;
	return false;
}

/* The same entity gets the same id, so that one publication is known in the next (RFC 3863 4.1.2).
 */
static void write_id(struct buf *b, const struct publication_presence *p)
{
	char text[2 * HASH_MAX + 1];

	if (p->id.n > 0) {
		xml_text_write(b, p->id);
		return;
	}
	hash_hex(HASH_SHA256, &p->entity, 1, text);
	buf_addf(b, "t%.16s", text);
}

static void write_element(struct buf *b, const char *name, struct str text)
{
	if (text.n == 0)
		return;
	buf_addf(b, "<%s>", name);
	xml_text_write(b, text);
	buf_addf(b, "</%s>\r\n", name);
}

static void write_tuple(struct buf *b, const struct publication_presence *p)
{
	buf_add_str(b, STR("<tuple id=\""));
	write_id(b, p);
	buf_add_str(b, STR("\">\r\n<status>"));
	if (p->open >= 0)
		write_element(b, "basic", p->open ? STR("open") : STR("closed"));
	buf_add_str(b, STR("</status>\r\n"));
	write_element(b, "contact", p->contact);
	if (p->activity.n == 0)
		write_element(b, "note", p->note);
	buf_add_str(b, STR("</tuple>\r\n"));
}

static void write_person(struct buf *b, const struct publication_presence *p)
{
	buf_add_str(b, STR("<dm:person id=\"p"));
	write_id(b, p);
	buf_add_str(b, STR("\">\r\n<rpid:activities>"));
	if (is_activity(p->activity))
		buf_addf(b, "<rpid:" STR_FMT "/>", STR_ARG(p->activity));
	else
		write_element(b, "rpid:other", p->activity);
	buf_add_str(b, STR("</rpid:activities>\r\n"));
	write_element(b, "dm:note", p->note);
	buf_add_str(b, STR("</dm:person>\r\n"));
}

void publication_write_presence(const struct publication_presence *p, struct buf *b)
{
	buf_add_str(b, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
			   "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\"\r\n"
			   " xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\"\r\n"
			   " xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\"\r\n"
			   " entity=\""));
	xml_text_write(b, p->entity);
	buf_add_str(b, STR("\">\r\n"));
	write_tuple(b, p);
	if (p->activity.n > 0)
		write_person(b, p);
	buf_add_str(b, STR("</presence>\r\n"));
}
