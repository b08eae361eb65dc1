/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a repository that count when a source is checked for changes. A repository that was
 * made again by `git clone` contains other bytes: packed objects, an index with other times, other
 * logs. A plan sees the same repository. So the following differences are removed:
 *
 * - objects: their names are digests, and refs and the index contain these names. In `objects/`,
 *   files with such names and files of packs and commit graphs are ignored; alternates and
 *   everything else count;
 * - HEAD and refs: names and values count, packed or not, and the commit of each; see below for
 *   exceptions;
 * - the index: mode, flags, object and path of each entry count; times, device and inode do not;
 * - config: every line counts; see below for exceptions;
 * - ignored: logs/HEAD, logs/refs except the stash, FETCH_HEAD, ORIG_HEAD, COMMIT_EDITMSG, gc.log,
 *   info/refs; the modes of these files, of objects and refs; the directories that git creates for
 *   them. The modes of HEAD, index and config count.
 *
 * Data that `git clone` of this repository adds is ignored, so that its presence does not matter:
 *
 * - refs/remotes/origin/X with the value of refs/heads/X. A branch of any other remote counts;
 * - refs/remotes/origin/HEAD if it names such an X, and HEAD names refs/heads/X;
 * - in config the sections [remote "origin"] and [branch "X"] as written by `git clone`: url and
 *   the usual fetch; remote = origin and merge = refs/heads/X. If the rest of the file contains a
 *   section of a remote or branch, or includes another file, the whole file counts.
 *
 * Everything else is treated as in any other directory: hooks, shallow, info/exclude. A file that
 * cannot be parsed counts byte for byte. The rules apply to directories called .git, and to those
 * of submodules and worktrees in them, if git accepts them as repositories: a HEAD that names a ref
 * or a commit, directories objects and refs; for worktrees a HEAD and a file commondir. If one of
 * these is missing or a link, the directory is an ordinary one.
 */
#ifndef SOURCE_GITVIEW_H
#define SOURCE_GITVIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "data/digest.h"
#include "data/tar.h"

struct gitview;

struct gitview *gitview_new(void);
void gitview_free(struct gitview *g); /* accepts NULL */

enum gitview_part {
	GITVIEW_AS_IT_IS, /* includes everything that is not in a repository */
	GITVIEW_IGNORED,
	GITVIEW_READ, /* a regular file whose contents must be passed to gitview_read */
};

/* The next entry of the archive, in its order. fd is an open directory, or -1. */
enum gitview_part gitview_entry(struct gitview *g, const struct tar_entry *t, int fd);

/* The contents of the entry. False: not understood; the caller must use the bytes as they are. */
bool gitview_read(struct gitview *g, const char *data, size_t len, struct digest *d);

/* Call after the last entry. */
void gitview_end(struct gitview *g, struct digest *d);

#endif
