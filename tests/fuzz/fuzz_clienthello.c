/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the client of a machine with programs of others sends first. A decision stays what it is,
 * whatever follows; and a name is one that ends where its text ends.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "egress/clienthello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Of the first bytes, in memory that ends with them. */
static enum clienthello_verdict read_front(const uint8_t *data, size_t len, char *ret_name)
{
	auto_free char *front = mem_alloc(len + 1);
	char *at = front + 1;
	enum clienthello_verdict v;

	memset(ret_name, 'x', CLIENTHELLO_NAME_MAX + 1);
	if (len)
		memcpy(at, data, len);
	v = clienthello_read(at, len, ret_name);
	if (v != CLIENTHELLO_WHOLE)
		ret_name[0] = '\0';
	else if (!memchr(ret_name, '\0', CLIENTHELLO_NAME_MAX + 1) || !ret_name[0])
		BUG("a name without an end, or none");
	return v;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char whole_name[CLIENTHELLO_NAME_MAX + 1], front_name[CLIENTHELLO_NAME_MAX + 1];
	enum clienthello_verdict whole = read_front(data, size, whole_name);

	for (size_t len = size; len > 0; len -= len / 3 + 1) {
		enum clienthello_verdict front = read_front(data, len - 1, front_name);

		if (front == CLIENTHELLO_MORE)
			continue;
		if (front != whole || strcmp(front_name, whole_name) != 0)
			BUG("more bytes changed the decision");
	}
	return 0;
}
