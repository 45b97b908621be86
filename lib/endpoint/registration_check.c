/* lib/endpoint/registration_check.c -- what no registration can be made of */
#include "endpoint/registration_impl.h"

#include "base/scan.h"

/* Each registration flow has an id of its own, from 1 (RFC 5626 4.2). */
static bool are_reg_ids(const unsigned *ids, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (ids[i] == 0 || ids[i] > INT32_MAX)
			return false;
		for (unsigned k = 0; k < i; k++)
			if (ids[k] == ids[i])
				return false;
	}
	return true;
}

static bool is_method_list(struct str text)
{
	struct scan s = scan_str(text);

	if (text.n == 0)
		return true;
	do {
		if (!scan_run(&s, CH_TOKEN, NULL))
			return false;
	} while (scan_sep(&s, ','));
	return scan_end(&s);
}

/* PROVIDER,PRID[,PARAM], each the value of a URI parameter. */
static bool is_push(struct str text)
{
	struct str part, rest = text;
	unsigned n = 0;

	while (rest.n > 0) {
		struct scan s;

		if (!str_cut(rest, ',', &part, &rest)) {
			part = rest;
			rest = STR_EMPTY;
		}
		s = scan_str(part);
		while (scan_run(&s, CH_PARAM, NULL) || scan_char(&s, '%'))
			;
		if (part.n == 0 || !scan_end(&s))
			return false;
		n++;
	}
	return text.n == 0 || n == 2 || n == 3;
}

int registration_check(const struct registration_config *c, struct fail *f)
{
	struct sip_uri uri;

	if (c->endpoint->config.kind != ENDPOINT_SERVER_BASED)
		return fail_set(f, -FAIL_STATE, "only a server-based endpoint registers");
	if (c->endpoint->config.aor.n == 0)
		return fail_set(f, -FAIL_ARGUMENT, "a registration needs an address of record");
	if (c->endpoint->registration || c->endpoint->stopping)
		return fail_set(f, -FAIL_STATE,
			"the endpoint is registered already, or is closed"); /* RG-02 */
	if (c->reg_id_count > REGISTRATION_FLOWS)
		return fail_set(f, -FAIL_LIMIT, "at most %d reg-ids", REGISTRATION_FLOWS);
	if (!are_reg_ids(c->reg_ids, c->reg_id_count))
		return fail_set(f, -FAIL_ARGUMENT, "each reg-id is a number of its own, from 1");
	if (c->outbound && c->endpoint->config.instance.n == 0)
		return fail_set(f, -FAIL_ARGUMENT, "outbound needs an instance"); /* RFC 5626 4.2 */
	if (c->outbound && c->endpoint->config.dialect == ENDPOINT_OCS)
		return fail_set(f, -FAIL_ARGUMENT, "dialect ocs has no outbound");
	if (c->follow > 5)
		return fail_set(f, -FAIL_ARGUMENT, "at most 5 redirects are followed"); /* RG-16 */
	for (unsigned i = 0; i < c->contact_count; i++)
		if (!sip_uri_parse(c->contacts[i], &uri))
			return fail_set(f, -FAIL_ARGUMENT, "\"" STR_FMT "\" is not a URI",
				STR_ARG(c->contacts[i]));
	for (unsigned i = 0; i < c->path_count; i++)
		if (!sip_uri_parse(c->paths[i], &uri))
			return fail_set(f, -FAIL_ARGUMENT, "\"" STR_FMT "\" is not a URI",
				STR_ARG(c->paths[i]));
	if (c->third_party.n > 0 && !sip_uri_parse(c->third_party, &uri))
		return fail_set(
			f, -FAIL_ARGUMENT, "\"" STR_FMT "\" is not a URI", STR_ARG(c->third_party));
	if (!is_method_list(c->methods) || !is_push(c->push) || c->q > 1000)
		return fail_set(f, -FAIL_ARGUMENT,
			"a list of methods, a push resource or a q value is malformed");
	return 0;
}
