/* lib/sip/body.h -- bodies of event packages, decoded: pidf with rpid (RFC 3863, 4480), dialog-info
 * (RFC 4235), reginfo (RFC 3680), conference-info (RFC 4575), watcherinfo (RFC 3858),
 * message-summary (RFC 3842), sipfrag (RFC 3420), rlmi in multipart/related (RFC 4662), isComposing
 * (RFC 3994). Sans I/O: bytes and a media type in, a tree out. */
#ifndef SIP_BODY_H
#define SIP_BODY_H

#include "base/fail.h"
#include "base/tree.h"

enum { BODY_MAX = 4 << 20 }; /* bytes; a document of XML has limits of its own (xml.h) */

/* 0 and *out: the tree, or NULL when bodies of this type are not decoded. Its values are copies in
 * the arena. -FAIL_SYNTAX: malformed, f says "line L column C: ..." of the body
 * ("line L column C of the root part: ..." of a list's); -FAIL_LIMIT: too
 * deep, too many elements, too large. On failure *out is untouched. */
int body_decode(struct str content_type, struct str body, struct arena *arena, struct tree **out,
	struct fail *f);

/* What the documents of one subscription make together. Some packages send what changed only
 * (dialog-info, reginfo, watcherinfo, conference-info, rlmi: state="partial" or fullState="false",
 * and a version). Versions count within one subscription: another one has a state of its own. */
struct body_state;

/* Of what is kept, all in all: names, texts, and 128 bytes for each value. */
enum { BODY_STATE_MAX = 8 << 20 };

enum body_news {
	BODY_WHOLE, /* the document says it all: nothing to be merged */
	BODY_MERGED, /* a partial one was merged into what was known */
	BODY_OLD, /* its version is not newer than what is known: passed over */
	BODY_GAP, /* versions are missing, or the first one was partial: merged as far as may be;
		     the whole should be asked for */
	BODY_TOO_MUCH, /* more than BODY_STATE_MAX: all that was known is forgotten, and a partial
			  document will be a gap */
};

struct body_state *body_state_new(void);
void body_state_free(struct body_state *s); /* NULL is fine */
/* doc: of body_decode, with the media type it came with. *whole: all that is known now, which lives
 * until the next call; NULL for packages without versions, and when that is nothing. What has ended
 * (a dialog, a contact, a watcher, an instance that is terminated) is told once, and is not in it
 * any more when the next document was merged. Bodies of the instances of a list are as they came
 * last: they are not merged in turn. */
enum body_news body_state_add(struct body_state *s, struct str content_type, const struct tree *doc,
	const struct tree **whole);

#endif
