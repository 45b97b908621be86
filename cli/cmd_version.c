/* cli/cmd_version.c -- rte version: what this build is made of */
#include "exit.h"
#include "opt.h"

#include <ev.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* What is there is listed; drafts and updates of these are not. */
static const int rfcs[] = { 3261, 3262, 3263, 3311, 3327, 3428, 3515, 3581, 3608, 3680, 3842, 3856,
	3857, 3858, 3863, 3891, 3892, 3903, 3994, 4028, 4235, 4320, 4479, 4480, 4575, 4662, 5367,
	5393, 5626, 5627, 5839, 5922, 5923, 6026, 6665, 7616, 8599, 8760 };

/* RTE_FEATURES and RTE_LIBRARIES come from meson: "tls digest serve", "c-ares 1.18.1,
 * jansson 2.14". */
static const char features[] = RTE_FEATURES, libraries[] = RTE_LIBRARIES;

static json_t *words(void)
{
	json_t *list = json_array();
	struct str rest = str_of(features), one;

	while (rest.n) {
		if (!str_cut(rest, ' ', &one, &rest)) {
			one = rest;
			rest = STR_EMPTY;
		}
		json_array_append_new(list, json_stringn(one.p, one.n));
	}
	return list;
}

static json_t *versions(void)
{
	json_t *map = json_object();
	struct str rest = str_of(libraries), one, name, version;
	char key[32];

	while (rest.n) {
		if (!str_cut(rest, ',', &one, &rest)) {
			one = rest;
			rest = STR_EMPTY;
		}
		if (str_cut(str_trim(one), ' ', &name, &version)) {
			snprintf(key, sizeof(key), STR_FMT, STR_ARG(name));
			json_object_set_new(map, key, json_stringn(version.p, version.n));
		}
	}
	return map;
}

static int print_json(void)
{
	json_t *record, *numbers = json_array();
	struct timespec now;
	struct tm utc;
	char day[32], stamp[64];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(stamp, sizeof(stamp), "%s.%06ldZ", day, now.tv_nsec / 1000);
	for (size_t i = 0; i < ARRAY_LEN(rfcs); i++)
		json_array_append_new(numbers, json_integer(rfcs[i]));
	record = json_pack("{s:i, s:s, s:i, s:s, s:f, s:s, s:s, s:i, s:o, s:o, s:o}", "v", 1,
		"type", "version", "seq", 1, "time", stamp, "elapsed_ms", 0.0, "command", "version",
		"version", RTE_VERSION, "schema", 1, "features", words(), "libraries", versions(),
		"rfc", numbers);
	json_dumpf(record, stdout,
		JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15));
	putchar('\n');
	json_decref(record);
	return exit_flush(EXIT_ok);
}

static int print_text(void)
{
	printf("rte %s\nfeatures   %s\nlibraries  %s\nRFC       ", RTE_VERSION, features,
		libraries);
	for (size_t i = 0; i < ARRAY_LEN(rfcs); i++)
		printf(" %d", rfcs[i]);
	putchar('\n');
	return exit_flush(EXIT_ok);
}

int cmd_version(const struct cmd *cmd, int argc, const char **argv, struct groups *g)
{
	const struct poptOption own[] = {
		{ "json", 'j', POPT_ARG_NONE, &g->json, 0, "one NDJSON record", NULL },
		POPT_TABLEEND,
	};
	int code = opt_parse(&(struct opt_spec){ .cmd = cmd, .own = own }, argc, argv, g);

	if (code != OPT_GO_ON)
		return code;
	return g->json ? print_json() : print_text();
}
