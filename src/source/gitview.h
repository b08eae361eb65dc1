/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a repository counts when it is asked whether a source changed. A repository that was made
 * again by `git clone` holds other bytes: packed objects, an index with other times, logs of what
 * was done. What a plan sees of it is the same, and this is the list of what is made equal:
 *
 * - objects: their names are digests, and refs and index name them. What is in `objects/` by such a
 *   name, and files of packs and commit graphs, are ignored; alternates and anything else count;
 * - HEAD and refs: their names and values, packed or not, and the commit of each, but see below;
 * - the index: mode, flags, object and path of each entry; not times, device and inode;
 * - config: every line, but see below;
 * - logs/HEAD and what is in logs/refs but the stash, FETCH_HEAD, ORIG_HEAD, COMMIT_EDITMSG, gc.log,
 *   info/refs: ignored; so are the modes of these files, of objects and refs, and the directories
 *   that git makes for them. The modes of HEAD, index and config count.
 *
 * What a clone of this very repository has besides is ignored, so that it does not matter whether
 * it is there:
 *
 * - refs/remotes/origin/X at the value of refs/heads/X. Any other remote's branch counts;
 * - refs/remotes/origin/HEAD when it names such an X, and HEAD names refs/heads/X;
 * - in config the sections [remote "origin"] and [branch "X"] where they are as `git clone` writes
 *   them: url and the usual fetch; remote = origin and merge = refs/heads/X. When the rest of the
 *   file has a section of a remote or branch, or includes another file, all of it counts.
 *
 * All else is as in any other directory: hooks, shallow, info/exclude. What cannot be read as
 * it should be counts byte for byte. These are the directories that are called .git, and those of
 * submodules and worktrees in them, if git takes them for repositories: a HEAD that names a ref or a
 * commit, directories objects and refs; for worktrees a HEAD and a file commondir. One that lacks
 * something, or has a link there, is a directory as any other.
 */
#ifndef SOURCE_GITVIEW_H
#define SOURCE_GITVIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "data/digest.h"
#include "data/tar.h"

struct gitview;

struct gitview *gitview_new(void);
void gitview_free(struct gitview *g); /* NULL is fine */

enum gitview_part {
	GITVIEW_AS_IT_IS, /* also all that is in no repository */
	GITVIEW_IGNORED,
	GITVIEW_READ, /* a regular file of which gitview_read is to have the contents */
};

/* The next entry of the archive, in its order; fd is a directory, opened, or -1. */
enum gitview_part gitview_entry(struct gitview *g, const struct tar_entry *t, int fd);

/* The contents of the entry. False: not understood, it is to be taken as it is. */
bool gitview_read(struct gitview *g, const char *data, size_t len, struct digest *d);

/* After the last entry. */
void gitview_end(struct gitview *g, struct digest *d);

#endif
