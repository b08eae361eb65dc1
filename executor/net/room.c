/* SPDX-License-Identifier: Apache-2.0 */
#include "executor/net/room.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "contract/contract.h"
#include "os/tree.h"

uint64_t room_said(const char *name, uint64_t preset)
{
	const char *text = getenv(name);
	struct err ignored = {0};
	uint64_t value;

	return text && num_parse_u64(text, INT64_MAX, &value, &ignored) == 0 ? value : preset;
}

static void bound(struct transfer_options *o, uint64_t used)
{
	uint64_t max = room_said(GUEST_OUTPUT_MAX, UINT64_MAX);

	o->bounded = max != UINT64_MAX;
	o->room = max > used ? max - used : 0;
}

void room_whole(struct transfer_options *o)
{
	bound(o, DRIVE_EMPTY_BYTES);
}

int room_find(struct transfer_options *o, const struct strv *replaced, uint64_t bytes_replaced,
	struct err *e)
{
	uint64_t used = DRIVE_EMPTY_BYTES, bytes;
	struct dirent **names = NULL;
	int count = scandirat(o->dir_fd, ".", &names, NULL, NULL), result = 0;

	if (count < 0)
		return err_sys(e, "list the dependencies");
	for (int i = 0; i < count; i++) {
		const char *name = names[i]->d_name;

		if (result == 0 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
			!strv_has(replaced, name)) {
			result = tree_archive_size(o->dir_fd, name, GUEST_DEPS, &bytes, e);
			used += result == 0 ? bytes : 0;
		}
		free(names[i]);
	}
	free(names);
	used -= used < bytes_replaced ? used : bytes_replaced;
	bound(o, used);
	return result;
}
