/* tests/bench/parse/messages.h -- messages to parse when no files are named */
#ifndef PARSE_MESSAGES_H
#define PARSE_MESSAGES_H

#include <stddef.h>

struct message {
	const char *name;
	const char *p;
	size_t n;
};

extern const struct message messages[];
extern const size_t message_count;

#endif
