/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The identity of jailed programs if root starts them.
 *
 * The default is an id that nothing else on the host uses. Debian Policy 9.2.2 allocates up to
 * 65535; useradd assigns subordinate ids from 100000 to 600100000 (login.defs); systemd's
 * containers use 524288 to 1879048191, and its table "UIDs and GIDs" leaves the ids after that
 * unused. If a container maps fewer ids, the end of the 16 bit range is tried (65520 to 65533,
 * unused in both).
 */
#include "jail/jail.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"

enum { SHOWN_MAX = 60 }; /* of a name in messages */

struct id_range {
	unsigned first, last;
};

static const struct id_range candidates[] = {{1900000000U, 1900000063U}, {65520U, 65533U}};

/* Parse `count` decimal numbers with colons or blanks before and between them. */
static bool read_numbers(const char *s, unsigned long *ret_numbers, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char *end;

		s += strspn(s, ": \t");
		ret_numbers[i] = strtoul(s, &end, 10);
		if (end == s)
			return false;
		s = end;
	}
	return true;
}

/* Lines "name:first:count" of subuid(5). */
static bool in_subordinate_range(const char *file, unsigned id)
{
	FILE *f = fopen(file, "re");
	unsigned long range[2];
	char line[512];
	bool found = false;

	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f)) {
		const char *colon = strchr(line, ':');

		found = colon && read_numbers(colon, range, 2) && id >= range[0] &&
			id - range[0] < range[1];
	}
	(void)fclose(f);
	return found;
}

/* Lines "inside outside count" of user_namespaces(7). */
struct id_map {
	unsigned long count;   /* number of mapped ids */
	unsigned long outside; /* of the first one */
	bool has;              /* the id in question is mapped */
};

static struct id_map read_map(const char *file, unsigned id)
{
	FILE *f = fopen(file, "re");
	unsigned long entry[3];
	struct id_map map = {0};
	char line[512];

	if (!f)
		return map;
	while (fgets(line, sizeof(line), f) && read_numbers(line, entry, 3)) {
		if (map.count == 0)
			map.outside = entry[1];
		map.count += entry[2];
		map.has |= id >= entry[0] && id - entry[0] < entry[2];
	}
	(void)fclose(f);
	return map;
}

static bool is_mapped(const char *file, unsigned id)
{
	return read_map(file, id).has;
}

bool jail_may_change_ids(void)
{
	return geteuid() == 0 && read_map("/proc/self/uid_map", 0).count > 1;
}

bool jail_is_outer_root(uid_t uid)
{
	struct id_map map = read_map("/proc/self/uid_map", uid);

	return uid == 0 && (map.count > 1 || map.outside == 0);
}

static bool is_free(unsigned id)
{
	return !getpwuid(id) && !getgrgid(id) && !in_subordinate_range("/etc/subuid", id) &&
		!in_subordinate_range("/etc/subgid", id) && is_mapped("/proc/self/uid_map", id) &&
		is_mapped("/proc/self/gid_map", id);
}

static int find_free(uid_t *ret_uid, gid_t *ret_gid, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(candidates); i++) {
		for (unsigned id = candidates[i].first; id <= candidates[i].last; id++) {
			if (!is_free(id))
				continue;
			*ret_uid = id;
			*ret_gid = id;
			return 0;
		}
	}
	return err_set(e, ERR_HOST,
		"no unused user id on this host: make a user for the virtual machines and name it "
		"as vm_user in the configuration");
}

/* Some databases set errno if there is no entry (getpwnam(3)). */
static bool is_absence(int sys)
{
	return sys == 0 || sys == ENOENT || sys == ESRCH;
}

/* Look up by name, else by number. NULL: there is no such user, or errno is another error. */
static const struct passwd *look_up(const char *name, bool is_number, uid_t number)
{
	const struct passwd *user;

	errno = 0;
	user = getpwnam(name);
	if (user || !is_number || !is_absence(errno))
		return user;
	errno = 0;
	return getpwuid(number);
}

/* The largest number is invalid as an id (-1). */
static bool read_number(const char *text, uid_t *ret_number)
{
	struct err no_number = {0};
	uint64_t n;

	if (num_parse_u64(text, UINT32_MAX - 1, &n, &no_number) < 0)
		return false;
	*ret_number = (uid_t)n;
	return true;
}

/* If ids are changed, both must be mapped in this user namespace. */
static bool can_become(uid_t uid, gid_t gid)
{
	return !jail_may_change_ids() ||
		(is_mapped("/proc/self/uid_map", uid) && is_mapped("/proc/self/gid_map", gid));
}

int jail_find_user(const char *configured, uid_t *ret_uid, gid_t *ret_gid, struct err *e)
{
	auto_free char *shown = text_safe(configured, SHOWN_MAX);
	uid_t uid = 0;
	gid_t gid;
	bool is_number = read_number(configured, &uid);
	const struct passwd *user = look_up(configured, is_number, uid);

	if (!user && !is_absence(errno))
		return err_sys(e, "look up %s", shown);
	if (!user && !is_number)
		return err_set(e, ERR_INPUT, "there is no user '%s' on this host", shown);
	gid = user ? user->pw_gid : uid;
	uid = user ? user->pw_uid : uid;
	if (uid == 0 || gid == 0)
		return err_set(e, ERR_INPUT, "'%s' %s; name a user without rights", shown,
			uid == 0 ? "is root" : "has group 0, which is root's");
	if (!can_become(uid, gid))
		return err_set(e, ERR_INPUT,
			"'%s' is user %u, group %u, which do not exist in this user namespace",
			shown, (unsigned)uid, (unsigned)gid);
	*ret_uid = uid;
	*ret_gid = gid;
	return 0;
}

int jail_vm_user(const char *configured, uid_t *ret_uid, gid_t *ret_gid, struct err *e)
{
	if (!jail_may_change_ids()) {
		*ret_uid = geteuid();
		*ret_gid = getegid();
		return 0;
	}
	if (!configured)
		return find_free(ret_uid, ret_gid, e);
	return jail_find_user(configured, ret_uid, ret_gid, e) < 0 ? err_wrap(e, "vm_user") : 0;
}
