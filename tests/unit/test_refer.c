#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

int main(void)
{
	return cmocka_run_group_tests(((const struct CMUnitTest[]){ { 0 } }), NULL, NULL);
}
