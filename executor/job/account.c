/* SPDX-License-Identifier: Apache-2.0 */
#include "executor/job/account.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "contract/contract.h"
#include "contract/user.h"
#include "executor/limits.h"
#include "os/fd.h"
#include "os/path.h"

enum { FIELDS_MAX = 7 };

/* name:password:uid:gid:text:home:shell and name:password:gid:members */
enum { NAME, PASSWORD, ID, GROUP, TEXT, HOME, PASSWD_FIELDS = HOME + 1 };
enum { MEMBERS = 3, GROUP_FIELDS = 4 };

#define ROOT "root"

void account_release(struct account *a)
{
	free(a->name);
	free(a->home);
	*a = (struct account){0};
}

/* ---- the files ---- */

static bool read_id(const char *text, uint64_t *ret)
{
	struct err ignored = {0};

	return num_parse_u64(text, USER_ID_MAX, ret, &ignored) == 0;
}

/* Splits the line in place; fields that it lacks are not set. */
static size_t split(char *line, char **fields)
{
	size_t count = 0;

	while (line && count < FIELDS_MAX)
		fields[count++] = strsep(&line, ":");
	return count;
}

/*
 * Call fn for each line with enough fields, until it returns true. A missing file has no lines.
 * ERR_INPUT: the file is too long, or is none.
 */
static int each_line(const char *path, size_t least, bool (*fn)(void *arg, char **fields),
	void *arg, struct err *e)
{
	auto_buf struct buf text = {0};
	char *rest, *line;
	bool found = false;

	if (access(path, F_OK) < 0 && errno == ENOENT)
		return 0;
	buf_init(&text, LIMIT_ACCOUNTS_BYTES);
	if (fd_read_file(path, &text, e) < 0)
		return -1;
	rest = text.data;
	while (!found && (line = strsep(&rest, "\n"))) {
		char *fields[FIELDS_MAX];

		found = split(line, fields) >= least && fn(arg, fields);
	}
	return 0;
}

/* ---- the user ---- */

struct search {
	const char *name;
	bool has_id;
	uint64_t id;
	bool found;
	struct account *account;
};

static bool is_wanted(const struct search *s, const char *name, const char *id)
{
	uint64_t number;

	if (!read_id(id, &number))
		return false;
	return s->has_id ? number == s->id : strcmp(name, s->name) == 0;
}

static bool take_user(void *arg, char **fields)
{
	struct search *s = arg;
	uint64_t uid, gid;

	if (!is_wanted(s, fields[NAME], fields[ID]) || !read_id(fields[ID], &uid) ||
		!read_id(fields[GROUP], &gid))
		return false;
	s->account->uid = (uid_t)uid;
	s->account->gid = (gid_t)gid;
	s->account->name = mem_strdup(fields[NAME]);
	s->account->home = mem_strdup(fields[HOME]);
	return s->found = true;
}

/* root is 0 in any image, and a number is one without a file, too. */
static int take_number(struct search *s, struct err *e)
{
	bool root = strcmp(s->name, ROOT) == 0;

	if (!s->has_id && !root)
		return err_set(e, ERR_INPUT,
			"the user '%s' is not in /etc/passwd of this image; name one that is, or a "
			"number",
			s->name);
	s->account->uid = root ? 0 : (uid_t)s->id;
	s->account->name = mem_strdup(s->account->uid ? s->name : ROOT);
	return 0;
}

static int find_user(const char *etc, const char *name, struct account *a, struct err *e)
{
	auto_free char *path = path_join(etc, "passwd");
	struct search s = {.name = name, .account = a};

	s.has_id = read_id(name, &s.id);
	if (each_line(path, PASSWD_FIELDS, take_user, &s, e) < 0)
		return -1;
	return s.found ? 0 : take_number(&s, e);
}

/* ---- its groups ---- */

static bool take_group(void *arg, char **fields)
{
	struct search *s = arg;
	uint64_t gid;

	if (!is_wanted(s, fields[NAME], fields[ID]) || !read_id(fields[ID], &gid))
		return false;
	s->account->gid = (gid_t)gid;
	return s->found = true;
}

static int find_group(const char *etc, const char *name, struct account *a, struct err *e)
{
	auto_free char *path = path_join(etc, "group");
	struct search s = {.name = name, .account = a};

	s.has_id = read_id(name, &s.id);
	if (s.has_id) {
		a->gid = (gid_t)s.id;
		return 0;
	}
	if (each_line(path, GROUP_FIELDS - 1, take_group, &s, e) < 0)
		return -1;
	return s.found ? 0
		       : err_set(e, ERR_INPUT,
				 "the group '%s' is not in /etc/group of this image; name one that "
				 "is, or a number",
				 name);
}

static bool add_if_member(void *arg, char **fields)
{
	struct account *a = arg;
	char *rest = fields[MEMBERS], *member;
	uint64_t gid;

	while ((member = strsep(&rest, ",")))
		if (strcmp(member, a->name) == 0 && read_id(fields[ID], &gid) &&
			a->group_count < ACCOUNT_GROUPS_MAX) {
			a->groups[a->group_count++] = (gid_t)gid;
			break;
		}
	return a->group_count == ACCOUNT_GROUPS_MAX;
}

static int find_further_groups(const char *etc, struct account *a, struct err *e)
{
	auto_free char *path = path_join(etc, "group");

	return each_line(path, GROUP_FIELDS, add_if_member, a, e);
}

int account_find(const char *etc, const char *user, struct account *ret, struct err *e)
{
	const char *colon = strchr(user, ':');
	auto_free char *name = mem_strndup(user, colon ? (size_t)(colon - user) : strlen(user));

	if (find_user(etc, name, ret, e) < 0)
		return -1;
	return colon ? find_group(etc, colon + 1, ret, e) : find_further_groups(etc, ret, e);
}

/* ---- in a program ---- */

static void replace(struct strv *env, const char *name, const char *of_root, const char *value)
{
	auto_free char *entry = mem_printf("%s=%s", name, of_root);

	if (strv_has(env, entry))
		strv_setenv(env, name, value);
}

/* A home that is not there would make programs fail in places that nobody understands. */
void account_set_env(const struct account *a, struct strv *env)
{
	struct stat st;
	bool has_home = a->home && stat(a->home, &st) == 0 && S_ISDIR(st.st_mode);

	if (a->uid)
		replace(env, "HOME", GUEST_HOME, has_home ? a->home : GUEST_TMP);
	replace(env, "USER", ROOT, a->name);
	replace(env, "LOGNAME", ROOT, a->name);
}

/* /dev/stdout is a link to a pipe, which only its owner may open. /dev/null is everybody's. */
static int own_streams(const struct account *a)
{
	struct stat st;

	for (int fd = 0; fd < 3; fd++)
		if (fstat(fd, &st) < 0 || (!S_ISCHR(st.st_mode) && fchown(fd, a->uid, a->gid) < 0))
			return -1;
	return 0;
}

int account_become(const struct account *a)
{
	if (own_streams(a) < 0 || setgroups(a->group_count, a->groups) < 0)
		return -1;
	if (setresgid(a->gid, a->gid, a->gid) < 0)
		return -1;
	return setresuid(a->uid, a->uid, a->uid);
}
