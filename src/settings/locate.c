/* SPDX-License-Identifier: Apache-2.0 */
#include "settings/locate.h"

#include <string.h>
#include <unistd.h>

#include "contract/contract.h"
#include "os/path.h"
#include "os/proc.h"
#include "settings/architecture.h"

char *locate_self(void)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n <= 0)
		return mem_strdup("/usr/bin/ambient");
	path[n] = '\0';
	return mem_strdup(path);
}

/* The directory of the running program. */
static char *own_directory(void)
{
	auto_free char *self = locate_self();

	return path_parent(self);
}

static int named_executor(const char *name, char **ret_path, struct err *e)
{
	auto_free char *path = proc_find(name);

	if (!path || access(path, R_OK) < 0)
		return err_reason(e, ERR_INPUT, "no_executor", "executor '%s' was not found", name);
	*ret_path = steal_ptr(&path);
	return 0;
}

/* Next to the running program, else in <prefix>/libexec/ambient, else on PATH; NULL: not found. */
static char *find_part(const char *name, const char *own, const char *prefix, int how)
{
	auto_free char *beside = path_join(own, name);
	auto_free char *libexec = mem_printf("%s/libexec/ambient/%s", prefix, name);

	if (access(beside, how) == 0)
		return steal_ptr(&beside);
	if (access(libexec, how) == 0)
		return steal_ptr(&libexec);
	return proc_find(name);
}

int locate_executor(const struct config *c, const char *given, char **ret_path, struct err *e)
{
	auto_free char *own = own_directory();
	auto_free char *prefix = path_parent(own);
	auto_free char *found = NULL;

	if (given || c->executor)
		return named_executor(given ? given : c->executor, ret_path, e);
	found = find_part(EXECUTOR_NAME, own, prefix, R_OK);
	if (!found)
		return err_reason(e, ERR_INPUT, "no_executor",
			"no " EXECUTOR_NAME
			" in %s, in %s/libexec/ambient or on PATH; install it beside ambient "
			"or name it by 'executor' in the configuration",
			own, prefix);
	*ret_path = steal_ptr(&found);
	return 0;
}

/* `need`: the part of ambient that needs it, with its verb, for the message. */
static int locate_helper(const char *name, const char *need, char **ret_path, struct err *e)
{
	auto_free char *own = own_directory();
	auto_free char *prefix = path_parent(own);
	auto_free char *found = find_part(name, own, prefix, X_OK);

	if (!found)
		return err_set(e, ERR_HOST,
			"no %s in %s, in %s/libexec/ambient or on PATH, which %s; install it "
			"beside ambient",
			name, own, prefix, need);
	*ret_path = path_absolute(found);
	return 0;
}

int locate_archive_program(const char *name, char **ret_path, struct err *e)
{
	if (locate_helper(name, "archives of others need", ret_path, e) < 0)
		return err_because(e, "host_no_archive");
	return 0;
}

int locate_hostkey_program(const char *name, char **ret_path, struct err *e)
{
	return locate_helper(name, "asks hosts for their keys", ret_path, e);
}

int locate_net_tool(const char *executor, char **ret_path, struct err *e)
{
	auto_free char *dir = path_parent(executor);
	auto_free char *path = path_join(dir, TOOL_NET);

	if (access(path, R_OK) < 0)
		return err_reason(e, ERR_INPUT, "no_executor",
			"no " TOOL_NET
			" in %s, which trusted VMs need; install it beside " EXECUTOR_NAME,
			dir);
	*ret_path = steal_ptr(&path);
	return 0;
}

int locate_qemu(const struct config *c, char **ret_path, struct err *e)
{
	const char *name = c->qemu_program ? c->qemu_program : architecture_own()->qemu;
	auto_free char *path = proc_find(name);

	if (!path || access(path, X_OK) < 0)
		return err_reason(e, ERR_HOST, "host_no_qemu",
			"%s is not installed; on Debian: apt-get install qemu-system-x86", name);
	*ret_path = path_absolute(path);
	return 0;
}

int locate_image_builder(char **ret_path, struct err *e)
{
	auto_free char *own = own_directory();
	auto_free char *prefix = path_parent(own);
	auto_free char *installed = path_join(prefix, "share/ambient/recipes/build");
	auto_free char *source = path_join(prefix, "vm-images/build");

	if (access(installed, X_OK) == 0)
		*ret_path = steal_ptr(&installed);
	else if (access(source, X_OK) == 0)
		*ret_path = steal_ptr(&source);
	else
		return err_set(e, ERR_HOST,
			"no recipes of images: there is neither %s nor %s; install them with "
			"ambient ('make install')",
			installed, source);
	return 0;
}

char *locate_images(void)
{
	auto_free char *own = own_directory();
	auto_free char *prefix = path_parent(own);

	return path_join(prefix, "lib/ambient/images");
}
