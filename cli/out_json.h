/* cli/out_json.h -- what the files of the JSON output share */
#ifndef CLI_OUT_JSON_H
#define CLI_OUT_JSON_H

#include "record.h"

/* ---- out_json_msg.c ---- */

void out_json_request(struct out *o, const struct endpoint_msg *m);
void out_json_response(struct out *o, const struct endpoint_msg *m);
void out_json_malformed(struct out *o, const struct endpoint_malformed *m);
/* The record of a NOTIFY without its body. */
json_t *out_json_notify_head(struct out *o, const struct endpoint_msg *m);
/* With -v the whole message, as text or base64. */
void out_json_put_raw(struct out *o, json_t *r, struct str wire);
void out_json_put_body(json_t *r, struct str type, struct str body);
/* ms-diagnostics; all that says why. */
void out_json_put_diagnostics(json_t *r, const struct endpoint_msg *m);
void out_json_put_reasons(json_t *r, const struct endpoint_msg *m);

/* ---- out_json.c ---- */

void out_json_put_dialog(json_t *r, unsigned id);

#endif
