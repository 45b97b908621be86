/* tests/peers/signature_input.c -- what a message's signature covers: tests/interop/signed.bats
 *
 *   signature_input VERSION FILE
 *
 * FILE is a transcript as those of the corpus: a line of an arrow, `-->` or `<--`, before each
 * message. Prints the input of every signature, in order: what an independent registrar said that
 * it signed and verified can be compared with it. With FILE `-` it is one message on standard
 * input. */
#include "sip_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1 << 22 };

static size_t read_all(FILE *f, char *p)
{
	size_t n = 0, k;

	while (n < FILE_MAX && (k = fread(p + n, 1, FILE_MAX - n, f)) > 0)
		n += k;
	p[n] = '\0';
	return n;
}

static bool is_arrow(const char *line)
{
	return strncmp(line, "-->", 3) == 0 || strncmp(line, "<--", 3) == 0;
}

/* The transcript's lines may end in a mere LF: one message of it with CRLF. */
static const char *next_message(const char *p, char *m)
{
	size_t n = 0;

	while (*p && !is_arrow(p)) {
		size_t k = strcspn(p, "\n"), text = k > 0 && p[k - 1] == '\r' ? k - 1 : k;

		if (n + text + 3 > SIP_TEXT_MAX)
			exit(2);
		memcpy(m + n, p, text);
		memcpy(m + n + text, "\r\n", 2);
		n += text + 2;
		p += k + (p[k] == '\n');
	}
	m[n] = '\0';
	return p;
}

static void show(const char *m, unsigned version)
{
	char text[4096];
	struct view signer = sip_text_signer(m);

	if (!signer.p ||
		(!sip_text_param(signer, "response").p && !sip_text_param(signer, "rspauth").p))
		return;
	if (sip_text_signed(text, sizeof(text), m, version) == 0)
		exit(2);
	puts(text);
}

int main(int argc, char *argv[])
{
	char *all = malloc(FILE_MAX + 1), *m = malloc(SIP_TEXT_MAX + 1);
	FILE *f;
	unsigned version;
	const char *p;

	if (argc != 3 || !all || !m) {
		fprintf(stderr, "usage: signature_input VERSION FILE\n");
		return 2;
	}
	f = strcmp(argv[2], "-") == 0 ? stdin : fopen(argv[2], "r");
	if (!f) {
		perror(argv[2]);
		return 2;
	}
	version = (unsigned)strtoul(argv[1], NULL, 10);
	read_all(f, all);
	for (p = all; *p;) {
		if (is_arrow(p))
			p += strcspn(p, "\n") + 1;
		p = next_message(p, m);
		show(m, version);
	}
	free(all);
	free(m);
	return 0;
}
