/* lib/sip/hdr.c -- from a header name to its id and back */
#include "sip/hdr.h"

#include <string.h>

static const struct {
	struct str name;
	char compact;
	unsigned char kind;
} table[SIP_HDR_COUNT] = {
	[SIP_HDR_OTHER] = { { "", 0 }, 0, SIP_HDR_TEXT },
/* clang-format off */
#define HDR(id, name, compact, kind) \
	[SIP_HDR_##id] = { { (name), sizeof(name) - 1 }, (compact), SIP_HDR_##kind },
#include "sip/hdr.def"
#undef HDR
	/* clang-format on */
};

/* Nearly everybody writes names as the RFCs print them, and memcmp is the fast test. */
static inline bool same(const char *p, const char *name, size_t n)
{
	return memcmp(p, name, n) == 0 || str_ieq((struct str){ p, n }, (struct str){ name, n });
}

/* Looks among the names of n letters. Where n is a constant, the compiler keeps these rows only. */
static inline enum sip_hdr_id of_length(const char *p, size_t n)
{
#define HDR(id, name, compact, kind)                                                               \
	if (sizeof(name) - 1 == n && (p[0] | 0x20) == ((name)[0] | 0x20) &&                        \
		same(p, name, sizeof(name) - 1))                                                   \
		return SIP_HDR_##id;
#include "sip/hdr.def"
#undef HDR
	return SIP_HDR_OTHER;
}

static enum sip_hdr_id of_letter(char letter)
{
#define HDR(id, name, compact, kind)                                                               \
	if ((compact) && (letter | 0x20) == (compact))                                             \
		return SIP_HDR_##id;
#include "sip/hdr.def"
#undef HDR
	return SIP_HDR_OTHER;
}

enum sip_hdr_id sip_hdr_id(struct str name)
{
	const char *p = name.p;

	/* A constant for every length in use; test_sip_syntax finds a name that is left out. */
	switch (name.n) {
	case 1:
		return of_letter(*p);
	case 2:
		return of_length(p, 2);
	case 3:
		return of_length(p, 3);
	case 4:
		return of_length(p, 4);
	case 5:
		return of_length(p, 5);
	case 6:
		return of_length(p, 6);
	case 7:
		return of_length(p, 7);
	case 8:
		return of_length(p, 8);
	case 9:
		return of_length(p, 9);
	case 10:
		return of_length(p, 10);
	case 11:
		return of_length(p, 11);
	case 12:
		return of_length(p, 12);
	case 13:
		return of_length(p, 13);
	case 14:
		return of_length(p, 14);
	case 15:
		return of_length(p, 15);
	case 16:
		return of_length(p, 16);
	case 17:
		return of_length(p, 17);
	case 18:
		return of_length(p, 18);
	case 19:
		return of_length(p, 19);
	case 20:
		return of_length(p, 20);
	case 21:
		return of_length(p, 21);
	case 25:
		return of_length(p, 25);
	default:
		return SIP_HDR_OTHER;
	}
}

/* Looks among the names that begin with this letter, a constant as above. */
static inline size_t match(const char *p, char letter, enum sip_hdr_id *out)
{
#define HDR(id, name, compact, kind)                                                               \
	if ((name)[0] == letter && memcmp(p, name ":", sizeof(name ":") - 1) == 0) {               \
		*out = SIP_HDR_##id;                                                               \
		return sizeof(name) - 1;                                                           \
	}
#include "sip/hdr.def"
#undef HDR
	return 0;
}

size_t sip_hdr_match(const char *p, size_t n, enum sip_hdr_id *id)
{
	if (n < 32)
		return 0;
	switch (*p) {
	case 'A':
		return match(p, 'A', id);
	case 'C':
		return match(p, 'C', id);
	case 'D':
		return match(p, 'D', id);
	case 'E':
		return match(p, 'E', id);
	case 'F':
		return match(p, 'F', id);
	case 'I':
		return match(p, 'I', id);
	case 'M':
		return match(p, 'M', id);
	case 'O':
		return match(p, 'O', id);
	case 'P':
		return match(p, 'P', id);
	case 'R':
		return match(p, 'R', id);
	case 'S':
		return match(p, 'S', id);
	case 'T':
		return match(p, 'T', id);
	case 'U':
		return match(p, 'U', id);
	case 'V':
		return match(p, 'V', id);
	case 'W':
		return match(p, 'W', id);
	default:
		return 0;
	}
}

struct str sip_hdr_name(enum sip_hdr_id id)
{
	return table[id].name;
}

struct str sip_hdr_compact(enum sip_hdr_id id)
{
	return table[id].compact ? (struct str){ &table[id].compact, 1 } : table[id].name;
}

enum sip_hdr_kind sip_hdr_kind(enum sip_hdr_id id)
{
	return table[id].kind;
}
