#include "endpoint/decode.h"

#include "sip/body.h"

int endpoint_decode(
	struct str type, struct str body, struct arena *arena, struct tree **out, struct fail *f)
{
	return body_decode(type, body, arena, out, f);
}
