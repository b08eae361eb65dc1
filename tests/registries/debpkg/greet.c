/* SPDX-License-Identifier: Apache-2.0 */
#include <libpq-fe.h>
#include <stdio.h>

int main(void)
{
	printf("hello, libpq %d\n", PQlibVersion());
	return 0;
}
