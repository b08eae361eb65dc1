/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/action.h"

#include <string.h>

const struct action *action_find(const struct action *const *actions, const char *name)
{
	for (const struct action *const *a = actions; *a; a++)
		if (strcmp((*a)->name, name) == 0)
			return *a;
	return NULL;
}
