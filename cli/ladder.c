#include "ladder.h"

#include "base/mem.h"
#include "base/scan.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum {
	WIDTH = 80,
	COLUMNS = 4, /* of parties; a fifth would leave no room for what stands on the arrows */
	FIRST = 13, /* where the first column is, behind the time and the mark */
	SPAN = 54, /* from it to the last one: the last name needs room, too */
	LANE_MAX = 44,
	NAME_MAX = 63,
	LABEL_MAX = 47,
};

struct entry {
	uint64_t at_us, hash; /* hash 0: unknown */
	char from[NAME_MAX + 1], to[NAME_MAX + 1], label[LABEL_MAX + 1];
	bool marked;
};

struct ladder {
	char first[COLUMNS][NAME_MAX + 1];
	unsigned first_count;
	unsigned keep;
	uint64_t count; /* of all messages ever */
	struct entry *entries; /* message i is at i % keep */
};

struct ladder *ladder_new(unsigned keep)
{
	struct ladder *l = MEM_NEW(struct ladder);

	assert(keep > 0);
	l->keep = keep;
	l->entries = mem_zalloc(keep, sizeof(*l->entries));
	return l;
}

void ladder_free(struct ladder *l)
{
	if (!l)
		return;
	mem_free(l->entries);
	mem_free(l);
}

/* ---- what is kept ---- */

/* Cut to its room. What is not visible ASCII, a sequence of UTF-8 as one, becomes a question mark:
 * each byte kept is a column. */
static void keep_text(char *out, size_t room, struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n && n < room; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if ((c & 0xc0) != 0x80)
			out[n++] = c == ' ' || scan_is((char)c, CH_VISIBLE) ? (char)c : '?';
	}
	out[n] = '\0';
}

void ladder_party(struct ladder *l, struct str name)
{
	if (l->first_count < COLUMNS)
		keep_text(l->first[l->first_count++], NAME_MAX, name);
}

/* FNV-1a */
static uint64_t hash_of(struct str s)
{
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3;
	return s.n ? h | 1 : 0;
}

static uint64_t oldest(const struct ladder *l)
{
	return l->count > l->keep ? l->count - l->keep : 0;
}

static bool is_known(const struct ladder *l, const struct entry *e)
{
	for (uint64_t i = oldest(l); i < l->count && e->hash; i++) {
		const struct entry *k = &l->entries[i % l->keep];
		if (k->hash == e->hash && strcmp(k->from, e->from) == 0 &&
			strcmp(k->to, e->to) == 0)
			return true;
	}
	return false;
}

void ladder_add(struct ladder *l, const struct ladder_message *m)
{
	struct entry e = { .at_us = m->at_us, .hash = hash_of(m->bytes) };

	keep_text(e.from, NAME_MAX, m->from);
	keep_text(e.to, NAME_MAX, m->to);
	keep_text(e.label, LABEL_MAX, m->label);
	e.marked = m->marked || is_known(l, &e);
	l->entries[l->count++ % l->keep] = e;
}

/* ---- what a message is called ---- */

static struct str next_line(struct str *rest)
{
	struct str line;

	if (!str_cut(*rest, '\n', &line, rest)) {
		line = *rest;
		*rest = STR_EMPTY;
	}
	return str_trim(line);
}

/* The last word of CSeq; empty when there is none. */
static struct str method_of(struct str rest)
{
	struct str line, name, value;

	while ((line = next_line(&rest)).n > 0) {
		if (!str_cut(line, ':', &name, &value) || !str_ieq(str_trim(name), STR("CSeq")))
			continue;
		value = str_trim(value);
		return str_trim(str_sub(value, str_find(value, ' '), value.n));
	}
	return STR_EMPTY;
}

void ladder_label(struct buf *b, struct str message)
{
	struct str rest = message, start = next_line(&rest), word, behind, method;

	if (!str_cut(start, ' ', &word, &behind)) {
		if (start.n == 0)
			buf_addf(b, "%zu bytes", message.n);
		buf_add_str(b, start);
	} else if (str_istarts(word, STR("SIP/"))) {
		method = method_of(rest);
		buf_add_str(b, behind);
		if (method.n > 0)
			buf_addf(b, " (" STR_FMT ")", STR_ARG(method));
	} else {
		buf_add_str(b, word);
	}
}

/* ---- the layout ---- */

/* What a cell of a line is, where it is no character of a text. */
enum { BLANK, LIFE, DASH, RIGHT, LEFT };

struct layout {
	struct ladder_style style;
	const char **names; /* of all parties, each once */
	unsigned count, columns;
	size_t lane; /* from one column to the next */
	char cells[WIDTH];
};

static unsigned party(struct layout *y, const char *name)
{
	unsigned i = 0;

	while (i < y->count && strcmp(y->names[i], name) != 0)
		i++;
	if (i == y->count)
		y->names[y->count++] = name;
	return i;
}

/* The last column is shared when there are not enough of them. */
static unsigned column(const struct layout *y, unsigned who)
{
	return who < y->columns ? who : y->columns - 1;
}

static bool is_shared(const struct layout *y, unsigned who)
{
	return y->count > COLUMNS && who >= COLUMNS - 1;
}

static size_t place(const struct layout *y, unsigned col)
{
	return FIRST + col * y->lane;
}

/* The name fits above its column, and leaves a blank beside those of its neighbours. */
static bool is_spelled(const struct layout *y, unsigned who)
{
	size_t x, room;

	if (is_shared(y, who))
		return false;
	x = place(y, who);
	room = 2 * (x < WIDTH - 1 - x ? x : WIDTH - 1 - x) + 1;
	if (y->columns > 1 && room > y->lane - 1)
		room = y->lane - 1;
	return strlen(y->names[who]) <= room;
}

static bool takes_part(const struct ladder *l, const char *name)
{
	for (uint64_t i = oldest(l); i < l->count; i++) {
		const struct entry *e = &l->entries[i % l->keep];
		if (strcmp(e->from, name) == 0 || strcmp(e->to, name) == 0)
			return true;
	}
	return false;
}

static void lay_out(struct layout *y, const struct ladder *l)
{
	y->names = mem_zalloc(COLUMNS + 2 * (size_t)l->keep, sizeof(*y->names));
	for (unsigned i = 0; i < l->first_count; i++)
		if (takes_part(l, l->first[i]))
			party(y, l->first[i]);
	for (uint64_t i = oldest(l); i < l->count; i++) {
		party(y, l->entries[i % l->keep].from);
		party(y, l->entries[i % l->keep].to);
	}
	y->columns = y->count < COLUMNS ? y->count : COLUMNS;
	y->lane = y->columns > 1 ? SPAN / (y->columns - 1) : LANE_MAX;
	if (y->lane > LANE_MAX)
		y->lane = LANE_MAX;
}

/* ---- lines ---- */

static void put(struct layout *y, size_t x, struct str text)
{
	for (size_t i = 0; i < text.n && x + i < WIDTH; i++)
		y->cells[x + i] = text.p[i];
}

static void add_cell(struct buf *b, char cell, bool utf8)
{
	static const char *const drawn[][2] = {
		[BLANK] = { " ", " " },
		[LIFE] = { "|", "\u2502" },
		[DASH] = { "-", "\u2500" },
		[RIGHT] = { ">", "\u2192" },
		[LEFT] = { "<", "\u2190" },
	};

	if ((size_t)cell < ARRAY_LEN(drawn))
		buf_add_str(b, str_of(drawn[(size_t)cell][utf8]));
	else
		buf_add_char(b, cell);
}

/* The cells as a line; before [from, to) this escape sequence, if it is one. */
static void add_cells(struct layout *y, struct buf *b, size_t from, size_t to, struct str color)
{
	size_t n = WIDTH;

	while (n > 0 && y->cells[n - 1] == BLANK)
		n--;
	for (size_t i = 0; i < n; i++) {
		if (i == from)
			buf_add_str(b, color);
		add_cell(b, y->cells[i], y->style.utf8);
		if (color.n > 0 && i + 1 == to)
			buf_add_str(b, STR("\x1b[0m"));
	}
	buf_add_char(b, '\n');
}

static void clear(struct layout *y)
{
	memset(y->cells, BLANK, sizeof(y->cells));
}

static void heading(struct layout *y, struct buf *b)
{
	clear(y);
	for (unsigned i = 0; i < y->columns; i++) {
		struct str name = str_of(y->names[i]);
		char number[16];

		if (is_shared(y, i)) {
			name = STR("others");
		} else if (!is_spelled(y, i)) {
			snprintf(number, sizeof(number), "[%u]", i + 1);
			name = str_of(number);
		}
		put(y, place(y, i) - name.n / 2, name);
	}
	add_cells(y, b, 0, 0, STR_EMPTY);
}

/* In this room: "401 Unauthorized (REGISTER)" is "401 REGISTER" where it must be shorter. */
static struct str fit(char out[2 * LABEL_MAX], struct str label, size_t room)
{
	struct str status, method;

	if (label.n > room && label.p[label.n - 1] == ')' &&
		str_cut(label, ' ', &status, &method) &&
		str_cut(method, '(', &(struct str){ 0 }, &method)) {
		snprintf(out, 2 * LABEL_MAX, STR_FMT " " STR_FMT, STR_ARG(status),
			STR_ARG(str_sub(method, 0, method.n - 1)));
		label = str_of(out);
	}
	if (label.n <= room)
		return label;
	snprintf(out, 2 * LABEL_MAX, STR_FMT "..",
		STR_ARG(str_sub(label, 0, room > 2 ? room - 2 : 0)));
	return str_of(out);
}

/* From one column to another: [from, to) are the cells between them. */
static void arrow(struct layout *y, size_t from, size_t to, bool right, struct str label)
{
	char text[2 * LABEL_MAX];
	size_t at;

	for (size_t i = from; i < to; i++)
		y->cells[i] = DASH;
	y->cells[right ? to - 1 : from] = right ? RIGHT : LEFT;
	label = fit(text, label, to - from - 4);
	at = from + (to - from - label.n) / 2;
	y->cells[at - 1] = y->cells[at + label.n] = BLANK;
	put(y, at, label);
}

/* Both ends share a column: beside it, where there is room. */
static void beside(struct layout *y, size_t x, struct str label)
{
	char text[2 * LABEL_MAX];
	bool left = x + y->lane >= WIDTH;

	label = fit(text, label, y->lane - 4);
	put(y, left ? x - 2 - label.n : x + 2, label);
}

/* Numbers before the label say who it is in a shared column. */
static void add_label(struct layout *y, struct buf *b, const struct entry *e)
{
	unsigned from = party(y, e->from), to = party(y, e->to);

	if (column(y, from) == column(y, to))
		buf_addf(b, "[%u] > [%u] ", from + 1, to + 1);
	else if (is_shared(y, from) || is_shared(y, to))
		buf_addf(b, "[%u] ", (is_shared(y, from) ? from : to) + 1);
	buf_addf(b, "%s", e->label);
}

/* Cyan and green as in -vv, yellow for what is marked. */
static struct str color_of(const struct layout *y, const struct entry *e, unsigned from)
{
	if (!y->style.color)
		return STR_EMPTY;
	if (e->marked)
		return STR("\x1b[33m");
	return from == 0 ? STR("\x1b[36m") : STR("\x1b[32m");
}

static void message(struct layout *y, struct buf *b, const struct entry *e)
{
	CLEANUP(buf_done) struct buf label = BUF_INIT(256);
	unsigned who = column(y, party(y, e->from));
	size_t from = place(y, who), to = place(y, column(y, party(y, e->to)));
	bool right = from < to;
	double seconds = (double)e->at_us / 1e6;
	char time[32];

	clear(y);
	for (unsigned i = 0; i < y->columns; i++)
		y->cells[place(y, i)] = LIFE;
	snprintf(time, sizeof(time), "%9.*f %c", seconds < 1e5 ? 3 : 0, seconds,
		e->marked ? '!' : ' ');
	put(y, 0, str_of(time));
	add_label(y, &label, e);
	if (from == to) {
		beside(y, from, buf_str(&label));
		add_cells(y, b, 0, 0, STR_EMPTY);
		return;
	}
	if (!right) {
		size_t swap = from;
		from = to;
		to = swap;
	}
	arrow(y, from + 1, to, right, buf_str(&label));
	add_cells(y, b, from + 1, to, color_of(y, e, who));
}

static void notes(struct layout *y, struct buf *b, const struct ladder *l)
{
	bool marked = false;

	for (uint64_t i = oldest(l); i < l->count; i++)
		marked = marked || l->entries[i % l->keep].marked;
	if (marked)
		buf_add_str(b, STR("          ! a retransmission, or not expected\n"));
	for (unsigned i = 0; i < y->count; i++)
		if (!is_spelled(y, i))
			buf_addf(b, "        [%u] %s\n", i + 1, y->names[i]);
	if (oldest(l) > 0)
		buf_addf(b, "          %llu earlier messages are left out\n",
			(unsigned long long)oldest(l));
}

bool ladder_is_empty(const struct ladder *l)
{
	return l->count == 0;
}

void ladder_write(const struct ladder *l, struct ladder_style style, struct buf *b)
{
	struct layout y = { .style = style };

	if (l->count == 0) {
		buf_add_str(b, STR("no message was sent or received\n"));
		return;
	}
	lay_out(&y, l);
	heading(&y, b);
	for (uint64_t i = oldest(l); i < l->count; i++)
		message(&y, b, &l->entries[i % l->keep]);
	notes(&y, b, l);
	mem_free(y.names);
}
