/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file system of a jail: a small tmpfs, into which parts of the host are mounted, and which
 * then becomes the only root. All mounts are made with the calls that work on descriptors, so /proc
 * is not needed and no path is resolved twice.
 */
#include "jail/jail_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/limits.h"
#include "os/fd.h"

enum {
	TMPFS_SLACK = 1 << 20, /* directories, links and mount points */
	TMPFS_INODES = 1024,
	PATH_BYTES = 4096,
};

int jail_mount_detach(struct jail_tree *t, struct err *e)
{
	auto_fd int fd =
		open_tree(AT_FDCWD, t->outside, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_NOSUID, .propagation = MS_PRIVATE};

	if (fd < 0 && errno != EPERM && errno != ENOSYS)
		return err_sys(e, "%s", t->outside); /* the path is wrong, mounting is allowed */
	if (fd < 0) {
		(void)jail_wall(e, "copy a mount");
		return err_wrap(e, "%s", t->outside);
	}
	if (!(t->flags & JAIL_WRITABLE))
		attr.attr_set |= MOUNT_ATTR_RDONLY;
	if (!(t->flags & JAIL_EXEC))
		attr.attr_set |= MOUNT_ATTR_NOEXEC;
	if (!(t->flags & JAIL_DEVICE))
		attr.attr_set |= MOUNT_ATTR_NODEV;
	if (mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) < 0) {
		(void)jail_wall(e, "set the flags of a mount");
		return err_wrap(e, "%s", t->outside);
	}
	t->fd = fd_steal(&fd);
	return 0;
}

/* Room for the placed files and little more, because a tmpfs uses the host's memory. */
static uint64_t root_bytes(const struct jail *j)
{
	uint64_t bytes = TMPFS_SLACK;
	struct stat st;

	for (size_t i = 0; i < j->file_count; i++) {
		const struct jail_file *file = &j->files[i];

		if (file->data)
			bytes += file->len;
		else if (fstat(file->fd, &st) == 0)
			bytes += (uint64_t)st.st_size;
		bytes += 2 * 64 * KIB; /* rounded up to the largest page size */
	}
	return bytes;
}

static int new_tmpfs(uint64_t bytes, struct err *e)
{
	auto_fd int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	char size[32], inodes[32];
	int fd;

	(void)snprintf(size, sizeof(size), "%llu", (unsigned long long)bytes);
	(void)snprintf(inodes, sizeof(inodes), "%d", TMPFS_INODES);
	if (fs < 0 || fsconfig(fs, FSCONFIG_SET_STRING, "size", size, 0) < 0 ||
		fsconfig(fs, FSCONFIG_SET_STRING, "nr_inodes", inodes, 0) < 0 ||
		fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0755", 0) < 0 ||
		fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return jail_wall(e, "make a tmpfs");
	fd = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	if (fd < 0)
		return jail_wall(e, "mount a tmpfs");
	return fd;
}

/*
 * Create the parent directories of an inside path, relative to the working directory, which is the
 * new root. Returns the path without its leading slash, or NULL.
 */
static const char *make_parents(const char *inside, struct err *e)
{
	char path[PATH_BYTES];

	while (*inside == '/')
		inside++;
	if (!*inside || (size_t)snprintf(path, sizeof(path), "%s", inside) >= sizeof(path)) {
		(void)err_set(e, ERR_HOST, "bad path inside: '%.100s'", inside);
		return NULL;
	}
	for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST) {
			(void)err_sys(e, "make directory /%s", path);
			return NULL;
		}
		*slash = '/';
	}
	return inside;
}

static int make_mount_point(const char *path, int tree, struct err *e)
{
	auto_fd int fd = -1;
	struct stat st;

	if (fstat(tree, &st) < 0)
		return err_sys(e, "stat of /%s", path);
	if (S_ISDIR(st.st_mode))
		return mkdir(path, 0755) < 0 && errno != EEXIST
			? err_sys(e, "make directory /%s", path)
			: 0;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0444);
	return fd < 0 ? err_sys(e, "make mount point /%s", path) : 0;
}

static int attach(struct jail_tree *t, struct err *e)
{
	const char *path = make_parents(t->inside, e);

	if (!path || (t->fd < 0 && jail_mount_detach(t, e) < 0))
		return -1;
	if (make_mount_point(path, t->fd, e) < 0)
		return -1;
	if (move_mount(t->fd, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return jail_wall(e, "move a mount to its place");
	return 0;
}

/* sendfile with an explicit offset, so that the caller's file offset is not changed. */
static int copy_whole(int from, int to, struct err *e)
{
	off_t offset = 0;
	ssize_t n;

	do {
		n = sendfile(to, from, &offset, 1 << 30);
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 ? err_sys(e, "copy") : 0;
}

static int place(const struct jail_file *file, struct err *e)
{
	const struct timespec times[2] = {{.tv_sec = file->mtime}, {.tv_sec = file->mtime}};
	const char *path = make_parents(file->inside, e);
	auto_fd int fd = -1;

	if (!path)
		return -1;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0444);
	if (fd < 0)
		return err_sys(e, "make file /%s", path);
	if (!file->data && copy_whole(file->fd, fd, e) < 0)
		return err_wrap(e, "place /%s", path);
	if (file->data && fd_write_all(fd, file->data, file->len) < 0)
		return err_sys(e, "place /%s", path);
	if (file->mtime && futimens(fd, times) < 0)
		return err_sys(e, "date /%s", path);
	return 0;
}

/* The kernel allows a new /proc only while the old one is fully visible. */
static int mount_proc(struct err *e)
{
	if (mkdir("proc", 0555) < 0)
		return err_sys(e, "make directory /proc");
	if (mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		return jail_wall(e, "mount /proc (refused where a container hides parts of it)");
	return 0;
}

/* Fill the new root: it is the working directory, while "/" is still the host's root. */
static int furnish(const struct jail_setup *s, struct err *e)
{
	for (size_t i = 0; i < s->link_count; i++)
		if (symlink(s->links[i].target, s->links[i].name) < 0)
			return err_sys(e, "make link /%s", s->links[i].name);
	for (size_t i = 0; i < s->tree_count; i++)
		if (attach(&s->trees[i], e) < 0)
			return err_wrap(
				e, "bind %s to %s", s->trees[i].outside, s->trees[i].inside);
	for (size_t i = 0; i < s->j->file_count; i++)
		if (place(&s->j->files[i], e) < 0)
			return -1;
	return s->j->need_proc ? mount_proc(e) : 0;
}

/*
 * With both arguments ".", the old root ends up mounted on top of the new one and is removed by one
 * umount; no directory has to exist for it.
 */
static int pivot(struct err *e)
{
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return jail_wall(e, "change the root directory");
	if (umount2(".", MNT_DETACH) < 0)
		return jail_wall(e, "remove the old root");
	if (chdir("/") < 0)
		return jail_wall(e, "enter the new root");
	return 0;
}

static int make_root_readonly(struct err *e)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
			MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC};

	if (mount_setattr(AT_FDCWD, "/", 0, &attr, sizeof(attr)) < 0)
		return jail_wall(e, "make the root read-only");
	return 0;
}

int jail_mount_root(const struct jail_setup *s, struct err *e)
{
	auto_fd int root = -1;

	/* Mounts made here must not propagate to the host, nor the reverse. */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return jail_wall(e, "make the mounts private");
	root = new_tmpfs(root_bytes(s->j), e);
	if (root < 0)
		return -1;
	/* On top of "/", because this directory exists on every host. */
	if (move_mount(root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return jail_wall(e, "mount the new root");
	if (fchdir(root) < 0)
		return jail_wall(e, "enter the new root");
	if (furnish(s, e) < 0 || pivot(e) < 0)
		return -1;
	return make_root_readonly(e);
}
