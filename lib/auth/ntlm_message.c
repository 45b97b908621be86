/* lib/auth/ntlm_message.c -- the messages of NTLM through libntlm's structures
 *
 * libntlm gives the layout and nothing else: its own readers check against the size of the
 * structure, not against what was received. Its fields are little-endian on every host. */
#include "auth/ntlm_message.h"

#include "base/base.h"

#include <ntlm.h>
#include <string.h>

/* The structures end with an index that is no part of the message. */
_Static_assert(offsetof(tSmbNtlmAuthChallenge, bufIndex) == NTLM_MESSAGE_MAX, "layout");
_Static_assert(offsetof(tSmbNtlmAuthResponse, bufIndex) >= NTLM_MESSAGE_MAX, "layout");
_Static_assert(offsetof(tSmbNtlmAuthResponse, buffer) + 8 == NTLM_MIC_AT, "layout");

enum { VERSION = 8, MIC = 16, CHALLENGE = 2, AUTHENTICATE = 3 };
#define SIGNATURE "NTLMSSP" /* with its NUL */

/* ---- numbers */

static uint32_t get(const void *p, size_t n)
{
	const unsigned char *b = p;
	uint32_t v = 0;

	while (n > 0)
		v = v << 8 | b[--n];
	return v;
}

static void put(void *p, uint32_t v, size_t n)
{
	unsigned char *b = p;

	for (size_t i = 0; i < n; i++, v >>= 8)
		b[i] = (unsigned char)(v & 0xff);
}

void ntlm_message_time(uint64_t ms_since_1970, unsigned char out[8])
{
	uint64_t ticks = (ms_since_1970 + UINT64_C(11644473600000)) * 10000;

	put(out, (uint32_t)(ticks & 0xffffffff), 4);
	put(out + 4, (uint32_t)(ticks >> 32), 4);
}

void ntlm_message_flags(uint32_t flags, struct buf *b)
{
	static const struct {
		const char *name;
		uint32_t flag;
	} names[] = {
#define FLAG(id, value) { #id, value },
#include "auth/ntlm_flags.def"
#undef FLAG
	};
	const char *comma = "";

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!(flags & names[i].flag))
			continue;
		buf_addf(b, "%s%s", comma, names[i].name);
		comma = ", ";
	}
}

/* ---- what both messages have */

/* At least header bytes, not too many, the signature, the type. */
static int check_head(struct str bytes, uint32_t type, size_t header, struct fail *f)
{
	const char *name = type == CHALLENGE ? "CHALLENGE" : "AUTHENTICATE";

	if (bytes.n > NTLM_MESSAGE_MAX)
		return fail_set(f, type == CHALLENGE ? -FAIL_LIMIT : -FAIL_PROTOCOL,
			"the NTLM %s has %zu bytes, at most %d", name, bytes.n, NTLM_MESSAGE_MAX);
	if (bytes.n < header || memcmp(bytes.p, SIGNATURE, sizeof(SIGNATURE)) != 0 ||
		get(bytes.p + sizeof(SIGNATURE), 4) != type)
		return fail_set(f, -FAIL_PROTOCOL, "this is no NTLM %s", name);
	return 0;
}

/* What h points at, which lies behind the header and within what was received. An empty field may
 * point anywhere. */
static bool field(struct str bytes, const tSmbStrHeader *h, size_t header, struct str *out)
{
	size_t n = get(&h->len, 2), offset = get(&h->offset, 4);

	*out = STR_EMPTY;
	if (n == 0)
		return true;
	if (offset < header || offset > bytes.n || n > bytes.n - offset)
		return false;
	*out = str_sub(bytes, offset, offset + n);
	return true;
}

/* Where the payload of a message that is being written goes. */
struct payload {
	unsigned char *buffer;
	size_t start; /* of the buffer in the message */
	size_t n, room;
	bool full;
};

static void add(struct payload *p, tSmbStrHeader *h, struct str s)
{
	if (s.n > p->room - p->n) {
		p->full = true;
		return;
	}
	put(&h->len, (uint32_t)s.n, 2);
	put(&h->maxlen, (uint32_t)s.n, 2);
	put(&h->offset, (uint32_t)(p->start + p->n), 4);
	if (s.n)
		memcpy(p->buffer + p->n, s.p, s.n);
	p->n += s.n;
}

/* The message that p belongs to, if all has fitted. */
static int deliver(const void *message, const struct payload *p, struct buf *out, struct fail *f)
{
	size_t n = p->start + p->n;

	if (p->full || n > NTLM_MESSAGE_MAX)
		return fail_set(f, -FAIL_LIMIT, "the NTLM message would have more than %d bytes",
			NTLM_MESSAGE_MAX);
	if (!buf_reserve(out, n))
		return fail_set(f, -FAIL_LIMIT, "no room for an NTLM message of %zu bytes", n);
	buf_add(out, message, n);
	return 0;
}

/* ---- CHALLENGE: libntlm calls the field of the target info emptyString */

int ntlm_message_challenge_read(
	struct str bytes, struct ntlm_message_challenge *out, struct fail *f)
{
	const size_t header = offsetof(tSmbNtlmAuthChallenge, buffer);
	struct ntlm_message_challenge m = { 0 };
	tSmbNtlmAuthChallenge c = { 0 };
	int e = check_head(bytes, CHALLENGE, header, f);

	if (e)
		return e;
	memcpy(&c, bytes.p, bytes.n);
	m.flags = get(&c.flags, 4);
	memcpy(m.challenge, c.challengeData, sizeof(m.challenge));
	if (!field(bytes, &c.uDomain, header, &m.target) ||
		!field(bytes, &c.emptyString, header, &m.info))
		return fail_set(f, -FAIL_PROTOCOL,
			"a field of the NTLM CHALLENGE lies outside of the message");
	if (m.info.n && !ntlm_message_info_check(m.info, &m.info.n))
		return fail_set(
			f, -FAIL_PROTOCOL, "the target info of the NTLM CHALLENGE is malformed");
	*out = m;
	return 0;
}

int ntlm_message_challenge_write(
	const struct ntlm_message_challenge *m, struct buf *out, struct fail *f)
{
	static const unsigned char version[VERSION] = NTLM_MESSAGE_VERSION;
	tSmbNtlmAuthChallenge c = { .ident = SIGNATURE };
	struct payload p = { c.buffer + VERSION, offsetof(tSmbNtlmAuthChallenge, buffer) + VERSION,
		0, sizeof(c.buffer) - VERSION, false };

	put(&c.msgType, CHALLENGE, 4);
	put(&c.flags, m->flags, 4);
	memcpy(c.challengeData, m->challenge, sizeof(m->challenge));
	if (m->flags & NTLM_FLAG_VERSION)
		memcpy(c.buffer, version, VERSION);
	add(&p, &c.uDomain, m->target);
	add(&p, &c.emptyString, m->info);
	return deliver(&c, &p, out, f);
}

/* ---- AUTHENTICATE: Version and MIC are the first bytes of what libntlm calls the buffer */

/* Some clients leave out the version, so the payload may begin at once. */
static bool authenticate_fields(
	struct str bytes, const tSmbNtlmAuthResponse *r, struct ntlm_message_authenticate *m)
{
	const size_t header = offsetof(tSmbNtlmAuthResponse, buffer);
	const struct {
		const tSmbStrHeader *from;
		struct str *to;
	} fields[] = {
		{ &r->lmResponse, &m->lm },
		{ &r->ntResponse, &m->nt },
		{ &r->uDomain, &m->domain },
		{ &r->uUser, &m->user },
		{ &r->uWks, &m->workstation },
		{ &r->sessionKey, &m->key },
	};

	m->mic = bytes.n >= NTLM_MIC_AT + MIC;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (!field(bytes, fields[i].from, header, fields[i].to))
			return false;
		if (fields[i].to->n && fields[i].to->p < bytes.p + NTLM_MIC_AT + MIC)
			m->mic = false;
	}
	return true;
}

int ntlm_message_authenticate_read(
	struct str bytes, struct ntlm_message_authenticate *out, struct fail *f)
{
	struct ntlm_message_authenticate m = { 0 };
	tSmbNtlmAuthResponse r = { 0 };
	int e = check_head(bytes, AUTHENTICATE, offsetof(tSmbNtlmAuthResponse, buffer), f);

	if (e)
		return e;
	memcpy(&r, bytes.p, bytes.n);
	m.flags = get(&r.flags, 4);
	if (!authenticate_fields(bytes, &r, &m))
		return fail_set(f, -FAIL_PROTOCOL,
			"a field of the NTLM AUTHENTICATE lies outside of the message");
	*out = m;
	return 0;
}

int ntlm_message_authenticate_write(
	const struct ntlm_message_authenticate *m, struct buf *out, struct fail *f)
{
	const size_t begin = m->mic ? VERSION + MIC : VERSION;
	tSmbNtlmAuthResponse r = { .ident = SIGNATURE };
	struct payload p = { r.buffer + begin, offsetof(tSmbNtlmAuthResponse, buffer) + begin, 0,
		sizeof(r.buffer) - begin, false };

	put(&r.msgType, AUTHENTICATE, 4);
	put(&r.flags, m->flags, 4);
	if (m->flags & NTLM_FLAG_VERSION)
		memcpy(r.buffer, m->version, VERSION);
	/* in the order of Office Communicator */
	add(&p, &r.uDomain, m->domain);
	add(&p, &r.uUser, m->user);
	add(&p, &r.uWks, m->workstation);
	add(&p, &r.lmResponse, m->lm);
	add(&p, &r.ntResponse, m->nt);
	add(&p, &r.sessionKey, m->key);
	return deliver(&r, &p, out, f);
}

/* ---- attributes: two bytes of id, two of length, the value */

/* Takes the next one off *rest. */
static bool next(struct str *rest, unsigned *id, struct str *value)
{
	size_t n;

	if (rest->n < 4)
		return false;
	*id = get(rest->p, 2);
	n = get(rest->p + 2, 2);
	if (n > rest->n - 4)
		return false;
	*value = str_sub(*rest, 4, 4 + n);
	*rest = str_sub(*rest, 4 + n, rest->n);
	return true;
}

bool ntlm_message_info_check(struct str s, size_t *n)
{
	unsigned id, seen = 0;
	struct str rest = s, value;

	while (next(&rest, &id, &value)) {
		if ((id == NTLM_AV_FLAGS && value.n != 4) || (id == NTLM_AV_TIME && value.n != 8) ||
			(id < NTLM_AV_KNOWN && seen & 1U << id) ||
			(id == NTLM_AV_END && value.n != 0))
			return false;
		if (id == NTLM_AV_END) {
			*n = s.n - rest.n;
			return true;
		}
		if (id < NTLM_AV_KNOWN)
			seen |= 1U << id;
	}
	return false;
}

bool ntlm_message_info_get(struct str info, unsigned id, struct str *value)
{
	struct str v;
	unsigned found;

	while (next(&info, &found, &v)) {
		if (found == id) {
			*value = v;
			return true;
		}
		if (found == NTLM_AV_END)
			break;
	}
	return false;
}

void ntlm_message_info_add(struct buf *b, unsigned id, struct str value)
{
	unsigned char head[4];

	put(head, id, 2);
	put(head + 2, (uint32_t)value.n, 2);
	buf_add(b, head, sizeof(head));
	buf_add_str(b, value);
}
