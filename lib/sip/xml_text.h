/* lib/sip/xml_text.h -- text for XML that we write */
#ifndef SIP_XML_TEXT_H
#define SIP_XML_TEXT_H

#include "base/buf.h"

/* Appends s as character data or as the value of an attribute: markup is escaped; what XML 1.0
 * cannot hold (control characters, malformed UTF-8) becomes U+FFFD. */
void xml_text_write(struct buf *b, struct str s);

#endif
