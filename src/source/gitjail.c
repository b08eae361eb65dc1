/* SPDX-License-Identifier: Apache-2.0 */
#include "source/gitjail.h"

#include "source/limits.h"

static const char *const environment[] = {
	"GIT_ATTR_NOSYSTEM=1",
	"GIT_CEILING_DIRECTORIES=/",
	"GIT_CONFIG_NOSYSTEM=1",
	"GIT_GRAFT_FILE=/nonexistent",
	"GIT_NO_LAZY_FETCH=1",
	"GIT_OPTIONAL_LOCKS=0",
	"GIT_TERMINAL_PROMPT=0",
	"HOME=/nonexistent",
	"LC_ALL=C",
	"PATH=/usr/bin",
};

static const char *const settings[] = {
	"core.checkStat=default",
	"core.fsmonitor=false",
	"core.hooksPath=/nonexistent",
	"core.ignoreStat=false",
	"core.trustctime=true",
	"core.untrackedCache=false",
	"protocol.allow=never",
	"safe.directory=*",
};

void gitjail_fill(struct jail *j, const char *git, uid_t uid, gid_t gid)
{
	j->program = git;
	j->uid = uid;
	j->gid = gid;
	j->root_ok = uid == 0;
	j->no_children = true;
	j->max_files = LIMIT_GIT_FILES;
	j->max_memory = LIMIT_GIT_MEMORY;
	j->max_cpu_seconds = LIMIT_GIT_CPU_SECONDS;
	for (size_t i = 0; i < ARRAY_SIZE(environment); i++)
		strv_push(&j->env, environment[i]);
	jail_device(j, "/dev/null");
}

void gitjail_repository(struct jail *j, const char *git_dir, const char *work_tree)
{
	strv_push(&j->argv, "git");
	strv_pushf(&j->argv, "--git-dir=%s", git_dir);
	strv_pushf(&j->argv, "--work-tree=%s", work_tree);
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		strv_push(&j->argv, "-c");
		strv_push(&j->argv, settings[i]);
	}
}
