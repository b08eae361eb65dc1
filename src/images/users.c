/* SPDX-License-Identifier: Apache-2.0 */
#include "images/users.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/strv.h"
#include "base/text.h"
#include "os/proc.h"
#include "store/store.h"

enum { NAMES_MAX = 300 };

char *users_of(const char *state, const struct stat *file)
{
	auto_strv struct strv projects = {0};
	auto_buf struct buf names = {0};
	struct err ignored = {0};

	/* Without a list the message has no names. */
	err_ignore(store_list(state, &projects, &ignored));
	buf_init(&names, NAMES_MAX);
	strv_each (&projects, project) {
		auto_free char *shown = text_safe(*project, LIMIT_NAME_BYTES);
		pid_t pid = store_holder(state, *project);

		if (pid > 0 && proc_has_open(pid, file))
			buf_addf(&names, "%s%s", names.len ? ", " : "", shown);
	}
	return names.len ? mem_strdup(names.data) : NULL;
}
