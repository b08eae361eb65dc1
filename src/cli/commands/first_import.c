/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands/first_import.h"

#include "archive/report.h"
#include "base/mem.h"
#include "cli/say.h"
#include "images/import.h"
#include "settings/image.h"
#include "settings/locate.h"

bool first_import_is_due(const struct config *c, const char *path)
{
	return import_is_due(c->image_store, path);
}

int first_import(const struct config *c, const char *path,
	void (*tell)(void *arg, const char *line), void *arg, struct err *e)
{
	auto_free char *program = NULL, *name = NULL, *stamp = NULL, *line = NULL;
	auto_import_result struct import_result result = {0};
	struct import i = {.store = c->image_store, .source = path, .kernel = "tiny"};

	if (!first_import_is_due(c, path))
		return 0;
	if (locate_archive_program(REWRITE_PROGRAM, &program, e) < 0)
		return -1;
	name = image_file_name(path);
	stamp = image_file_stamp(path);
	line = mem_printf("importing the disk %s as image %s", path, name);
	tell(arg, line);
	i.name = name;
	i.stamp = stamp;
	i.archive_program = program;
	if (import_image(&i, &result, e) < 0)
		return err_wrap(e, "import %s", path);
	say_warnings(&result.warnings);
	return 0;
}
