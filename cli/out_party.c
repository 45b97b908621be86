/* cli/out_party.c -- several endpoints that speak through one output: whose line and whose record
 * it is, and which addresses are ours (`rte run`) */
#include "out_impl.h"

#include "base/mem.h"
#include "ladder.h"

#include <stdio.h>
#include <string.h>

void out_party_expect(struct out *o, const char *name)
{
	unsigned width = (unsigned)strlen(name);

	if (width > o->party_width)
		o->party_width = width;
}

struct out *out_party(struct out *o, const char *name)
{
	struct out *view = MEM_NEW(struct out);

	view->root = o;
	view->name = name;
	view->own_seen.resolve_ms = view->own_seen.connect_ms = view->own_seen.tls_ms = -1;
	view->trace = o->trace;
	view->trace.arg = view;
	out_party_expect(o, name);
	if (!o->book)
		o->book = MEM_NEW(struct out_book);
	if (o->ladder)
		ladder_party(o->ladder, str_of(name));
	return view;
}

struct out *out_speak(struct out *o)
{
	struct out *root = o->root ? o->root : o;

	root->party = o->name;
	root->seen = &o->own_seen;
	return root;
}

void out_party_label(const struct out *o, struct buf *b)
{
	if (o->party)
		buf_addf(b, "%-*s  ", (int)o->party_width, o->party);
}

void out_party_count(struct out *o, const struct endpoint_counts *counts)
{
	struct endpoint_counts *sum = &o->root->counts;

	sum->sent += counts->sent;
	sum->received += counts->received;
	sum->retransmissions += counts->retransmissions;
	sum->redirects += counts->redirects;
	sum->retries += counts->retries;
	sum->targets_known += counts->targets_known;
	sum->targets_tried += counts->targets_tried;
	sum->discarded += counts->discarded;
}

const char *out_party_find(const struct out *o, struct str address)
{
	unsigned n = o->book ? o->book->count : 0;

	for (unsigned i = 0; i < n && i < OUT_BOOK; i++)
		if (str_eq(address, str_of(o->book->entries[i].address)))
			return o->book->entries[i].party;
	return NULL;
}

void out_party_at(struct out *o, struct str address)
{
	struct out_book *book = o->book;
	unsigned i;

	if (!book || !o->party || out_party_find(o, address))
		return;
	i = book->count++ % OUT_BOOK;
	snprintf(book->entries[i].address, sizeof(book->entries[i].address), STR_FMT,
		STR_ARG(address));
	book->entries[i].party = o->party;
}
