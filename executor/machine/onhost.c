/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The executor without a virtual machine, for tests: in namespaces and with GUEST_CI made by the
 * test; ports and drives are descriptors. All else is as in a guest, so that most functions of a
 * guest are tested without booting one. The test also provides the proxy at GUEST_PROXY_URL, and
 * the ssh agent at the same address.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "executor/machine/machine.h"
#include "os/fd.h"

/* The executor kills all processes that it sees, so it must be in its own pid namespace. */
static int start(struct machine *m, struct err *e)
{
	(void)m;
	if (getpid() != 1)
		return err_set(e, ERR_INPUT,
			"--on-host: must be the first process of a pid namespace: "
			"it ends by killing every process it sees");
	return 0;
}

static int dup_port(int fd, int *ret_fd, struct err *e)
{
	*ret_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return *ret_fd < 0 ? err_sys(e, "port: descriptor %d", fd) : 0;
}

static int open_ports(struct machine *m, int *ret_log, int *ret_ctl, struct err *e)
{
	return dup_port(m->log_fd, ret_log, e) < 0 ? -1 : dup_port(m->ctl_fd, ret_ctl, e);
}

static int check_drive(const struct drive *given, const struct message_drive *want, struct err *e)
{
	struct stat st;

	if (fstat(given->fd, &st) < 0)
		return err_sys(e, "drive '%s'", want->serial);
	if ((uint64_t)st.st_size != want->bytes)
		return err_set(e, ERR_HOST, "drive '%s' has %lld bytes, the host announced %llu",
			want->serial, (long long)st.st_size, (unsigned long long)want->bytes);
	if (given->want.writable != want->writable)
		return err_set(e, ERR_HOST, "drive '%s' is %s, the host announced the opposite",
			want->serial, want->writable ? "read-only" : "writable");
	return 0;
}

static int find_drive(
	const struct machine *m, const struct message_drive *want, struct drive *ret, struct err *e)
{
	const struct drive *given = machine_drive(m, want->serial);

	*ret = (struct drive){.want = *want, .fd = -1};
	if (want->bytes == DRIVE_ABSENT_BYTES)
		return 0;
	if (!given)
		return err_set(e, ERR_HOST, "drive '%s' is missing", want->serial);
	ret->fd = given->fd;
	return check_drive(given, want, e);
}

/* Options set the descriptors and modes of some drives; `go` determines which of them exist. */
static int prepare(struct machine *m, const struct message_go *go, struct err *e)
{
	struct drive found[DRIVES_MAX] = {0};

	for (uint32_t i = 0; i < go->drive_count; i++)
		if (find_drive(m, &go->drives[i], &found[i], e) < 0)
			return -1;
	memcpy(m->drives, found, go->drive_count * sizeof(found[0]));
	m->drive_count = go->drive_count;
	m->host_address = go->network ? GUEST_PROXY_ADDRESS : NULL;
	return guest_make_dirs(m, e);
}

/*
 * The copy shares its position with the original. That is harmless, because only one copy is used
 * at a time.
 */
static int open_drive(const struct machine *m, const struct drive *d, int *ret_fd, struct err *e)
{
	auto_fd int fd = fcntl(d->fd, F_DUPFD_CLOEXEC, 3);

	(void)m;
	if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(e, "drive '%s'", d->want.serial);
	*ret_fd = fd_steal(&fd);
	return 0;
}

static void shut_down(struct machine *m)
{
	(void)m;
}

const struct machine machine_on_host = {
	.start = start,
	.open_ports = open_ports,
	.prepare = prepare,
	.open_drive = open_drive,
	.shut_down = shut_down,
	.source = GUEST_SRC,
	.scripts = GUEST_ACTIONS,
};
