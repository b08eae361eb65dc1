/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of reading a source tree. */
#ifndef SOURCE_LIMITS_H
#define SOURCE_LIMITS_H

#include "base/limits.h"

/* The archive of a source. A hole in a file counts in full: it is read as zeros for the digest. */
#define LIMIT_SOURCE_BYTES (1 * TIB)

/* A file that an action declares to read; lock files of large projects have a few megabytes. */
#define LIMIT_DECLARED_BYTES (64 * MIB)
#define LIMIT_DECLARED_FILES 20000        /* that an action reads, with those that they name */
#define LIMIT_DECLARED_DIRECTORIES 100000 /* that wait while a source is searched for them */

/* Files of a project whose digests are remembered. Other files are read again. */
#define LIMIT_FILEMEMORY_ENTRIES 500000

/* git on a source tree. A question that git does not answer within these limits is "unknown". */
#define LIMIT_GIT_MS (30 * 1000LL)
/* After this time, git is not asked any further question. */
#define LIMIT_GIT_ALL_MS (60 * 1000LL)
#define LIMIT_GIT_SUBMODULES 100 /* that are checked out, in one tree, nested submodules included */
#define LIMIT_GIT_CPU_SECONDS 60
/*
 * LIMIT_GIT_CONFIG: the operator's settings, and the configuration of a tree. LIMIT_GIT_EXCLUDES:
 * the operator's ignore file and attributes files. LIMIT_GIT_POINTER: `.git` files and lists of
 * alternates.
 */
#define LIMIT_GIT_CONFIG (1 * MIB)
#define LIMIT_GIT_EXCLUDES (1 * MIB)
#define LIMIT_GIT_NESTED (64 * MIB) /* configurations of repositories in directories */
#define LIMIT_GIT_POINTER (16 * KIB)
#define LIMIT_GIT_GRAFTS 1000        /* entries of a composed .git (compose.h) */
#define LIMIT_GIT_FILTERS (16 * KIB) /* names of the settings of filters */
#define LIMIT_GIT_CHANGES (64 * KIB) /* paths in one question about attributes */
#define LIMIT_GIT_MEMORY (4 * GIB)
#define LIMIT_GIT_FILES 1024 /* open at the same time */
/*
 * The output of `git status`: it contains the commit and the first changes, and further changes do
 * not alter the answer. The output of `git ls-files`: names of about half a million files.
 */
#define LIMIT_GIT_STATUS_BYTES (64 * KIB)
#define LIMIT_GIT_INDEX_BYTES (64 * MIB)

/*
 * A checkout of a mirror: its references; the list of the files of a commit; the time for one command
 * of git.
 */
#define LIMIT_GIT_REFS_BYTES (64 * MIB)
#define LIMIT_GIT_TREE_BYTES (256 * MIB)
#define LIMIT_GIT_CHECKOUT_MS (30 * 60 * 1000LL)
#define LIMIT_GIT_CHECKOUT_CPU_SECONDS (10 * 60)

/*
 * shellcheck on the scripts of a plan. If the scripts or the answer exceed a limit, a warning says
 * so.
 */
#define LIMIT_SHELLCHECK_MS (20 * 1000LL)
#define LIMIT_SHELLCHECK_CPU_SECONDS 20
#define LIMIT_SHELLCHECK_MEMORY (1 * GIB)
#define LIMIT_SHELLCHECK_FILES 64
#define LIMIT_SHELLCHECK_BYTES (4 * MIB)
/* Warnings shown about one plan. Further ones are counted, and the number is shown. */
#define LIMIT_LINT_WARNINGS 50

#endif
