/* SPDX-License-Identifier: Apache-2.0 */
/* Things that a plan's machine must not have. */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guest_probe.h"
#include "os/fd.h"

/* ---- sockets ---- */

/* The families of Linux 6.1 (include/linux/socket.h), by number. */
static const char *const families[] = {NULL, "unix", "inet", "ax25", "ipx", "appletalk", "netrom",
	"bridge", "atmpvc", "x25", "inet6", "rose", "decnet", "netbeui", "security", "key",
	"netlink", "packet", "ash", "econet", "atmsvc", "rds", "sna", "irda", "pppox", "wanpipe",
	"llc", "ib", "mpls", "can", "tipc", "bluetooth", "iucv", "rxrpc", "isdn", "phonet",
	"ieee802154", "caif", "alg", "nfc", "vsock", "kcm", "qipcrtr", "smc", "xdp", "mctp"};

static bool can_make(int family)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, SOCK_RDM};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		auto_fd int fd = socket(family, types[i] | SOCK_CLOEXEC, 0);

		if (fd >= 0)
			return true;
	}
	return false;
}

int probe_sockets(char **args)
{
	(void)args;
	for (size_t i = 1; i < ARRAY_SIZE(families); i++)
		if (can_make((int)i))
			(void)printf("%s\n", families[i]);
	return 0;
}

/*
 * QEMU's user-mode network has its host, its name server and its DHCP server at fixed addresses;
 * the other addresses are those of a cloud's metadata, of documentation, of multicast and
 * broadcast.
 */
static const struct {
	const char *address;
	int family, type, port;
} targets[] = {
	{"10.0.2.2", AF_INET, SOCK_STREAM, 80},
	{"10.0.2.2", AF_INET, SOCK_STREAM, 3128},
	{"10.0.2.2", AF_INET, SOCK_DGRAM, 67},
	{"10.0.2.3", AF_INET, SOCK_DGRAM, 53},
	{"169.254.169.254", AF_INET, SOCK_STREAM, 80},
	{"192.0.2.1", AF_INET, SOCK_STREAM, 443},
	{"192.168.0.1", AF_INET, SOCK_STREAM, 22},
	{"224.0.0.1", AF_INET, SOCK_DGRAM, 5353},
	{"255.255.255.255", AF_INET, SOCK_DGRAM, 67},
	{"2001:db8::1", AF_INET6, SOCK_STREAM, 443},
	{"fec0::2", AF_INET6, SOCK_STREAM, 80},
	{"ff02::1", AF_INET6, SOCK_DGRAM, 5353},
	{"127.0.0.1", AF_INET, SOCK_STREAM, 22},
	{"::1", AF_INET6, SOCK_STREAM, 22},
};

static socklen_t fill(size_t i, struct sockaddr_storage *ret)
{
	struct sockaddr_in v4 = {
		.sin_family = AF_INET, .sin_port = htobe16((uint16_t)targets[i].port)};
	struct sockaddr_in6 v6 = {
		.sin6_family = AF_INET6, .sin6_port = htobe16((uint16_t)targets[i].port)};

	*ret = (struct sockaddr_storage){0};
	if (targets[i].family == AF_INET) {
		(void)inet_pton(AF_INET, targets[i].address, &v4.sin_addr);
		memcpy(ret, &v4, sizeof(v4));
		return sizeof(v4);
	}
	(void)inet_pton(AF_INET6, targets[i].address, &v6.sin6_addr);
	memcpy(ret, &v6, sizeof(v6));
	return sizeof(v6);
}

/* 0 when something took what was sent, else why not. */
static int reach(size_t i)
{
	auto_fd int fd =
		socket(targets[i].family, targets[i].type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct pollfd wait = {.fd = fd, .events = POLLOUT};
	struct sockaddr_storage to;
	socklen_t len = fill(i, &to);
	int on = 1, error = 0;
	socklen_t error_len = sizeof(error);

	if (fd < 0)
		return errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on));
	if (targets[i].type == SOCK_DGRAM)
		return sendto(fd, "", 1, 0, (struct sockaddr *)&to, len) < 0 ? errno : 0;
	if (connect(fd, (struct sockaddr *)&to, len) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return errno;
	if (poll(&wait, 1, 5000) == 0)
		return ETIMEDOUT;
	(void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_len);
	return error;
}

int probe_reach(char **args)
{
	(void)args;
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		int error = reach(i);

		if (error == 0)
			(void)printf("%s port %d answered\n", targets[i].address, targets[i].port);
		else if (error != ENETUNREACH && error != ECONNREFUSED && error != EAFNOSUPPORT &&
			error != EADDRNOTAVAIL && error != ENETDOWN)
			(void)printf("%s port %d: %s\n", targets[i].address, targets[i].port,
				strerror(error));
	}
	return 0;
}

/* ---- file systems of a host ---- */

int probe_mounts(char **args)
{
	static const struct {
		const char *type, *source, *data;
	} kinds[] = {
		{"9p", "host", "trans=virtio"},
		{"virtiofs", "host", NULL},
		{"nfs", "10.0.2.2:/", "nolock"},
		{"nfs4", "10.0.2.2:/", NULL},
		{"cifs", "//10.0.2.2/qemu", "guest"},
		{"vboxsf", "host", NULL},
		{"fuse", "host", NULL},
		{"hgfs", ".host:/", NULL},
		{"iso9660", "/dev/sr0", NULL},
		{"vfat", "/dev/fd0", NULL},
	};

	(void)args;
	if (mkdir("/tmp/probe-mount", 0700) < 0 && errno != EEXIST)
		return probe_failed("/tmp/probe-mount");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (mount(kinds[i].source, "/tmp/probe-mount", kinds[i].type, 0, kinds[i].data) ==
			0)
			(void)printf("%s\n", kinds[i].type);
	return 0;
}

/* ---- what QEMU tells the firmware ---- */

/* fw_cfg by its ports: https://www.qemu.org/docs/master/specs/fw_cfg.html */
enum {
	FW_SELECT = 0x510,
	FW_DATA = 0x511,
	FW_UUID = 0x02,
	FW_COMMAND_LINE_SIZE = 0x14,
	FW_COMMAND_LINE = 0x15,
	FW_DIRECTORY = 0x19,
	FW_NAME = 56,
	FW_FILES_MAX = 256,
	FW_FILE_MAX = 1 << 20,
};

struct fw_file {
	uint32_t size; /* big-endian, as the next */
	uint16_t select;
	uint16_t reserved;
	char name[FW_NAME];
};

static void fw_read(void *data, size_t len)
{
	uint8_t *p = data;

	while (len--)
		*p++ = inb(FW_DATA);
}

static int fw_copy(uint16_t select, uint32_t len, int out)
{
	auto_free uint8_t *data = mem_alloc(len + 1);

	outw(select, FW_SELECT);
	fw_read(data, len);
	return fd_write_all(out, data, len);
}

static int fw_copy_files(int out)
{
	static struct fw_file files[FW_FILES_MAX];
	uint32_t count = 0;

	outw(FW_DIRECTORY, FW_SELECT);
	fw_read(&count, sizeof(count));
	count = be32toh(count);
	if (count > FW_FILES_MAX)
		count = 0;
	fw_read(files, count * sizeof(files[0]));
	for (uint32_t i = 0; i < count; i++) {
		uint32_t size = be32toh(files[i].size);

		(void)printf("%.*s\n", FW_NAME, files[i].name);
		if (size <= FW_FILE_MAX && fw_copy(be16toh(files[i].select), size, out) < 0)
			return -1;
	}
	return 0;
}

int probe_firmware(char **args)
{
	auto_fd int out = open(args[0], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	uint32_t size = 0;

	if (out < 0)
		return probe_failed(args[0]);
	if (ioperm(FW_SELECT, 2, 1) < 0)
		return probe_failed("ioperm");
	outw(FW_COMMAND_LINE_SIZE, FW_SELECT);
	fw_read(&size, sizeof(size));
	size = le32toh(size) < FW_FILE_MAX ? le32toh(size) : 0;
	if (fw_copy(FW_UUID, 16, out) < 0 || fw_copy(FW_COMMAND_LINE, size, out) < 0 ||
		fw_copy_files(out) < 0)
		return probe_failed(args[0]);
	return 0;
}

/* ---- modules ---- */

static const char *load_garbage(void)
{
	auto_fd int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	return syscall(SYS_finit_module, fd, "", 0) == 0 ? "loaded" : strerror(errno);
}

int probe_modules(char **args)
{
	auto_fd int fd = open("/proc/modules", O_RDONLY | O_CLOEXEC);
	auto_buf struct buf list = {0};
	struct err e = {0};

	(void)args;
	(void)printf("no module: %s\n", load_garbage());
	buf_init(&list, 65536);
	if (fd < 0 || fd_read_to_end(fd, "/proc/modules", &list, &e) < 0)
		return probe_failed("/proc/modules");
	for (char *line = list.data; *line; line = strchr(line, '\n') + 1)
		(void)printf("%.*s\n", (int)strcspn(line, " "), line);
	return 0;
}

/* ---- bytes ---- */

enum { FIND_BYTES = 1 << 20, NEEDLE_MAX = 256 };

static size_t from_hex(const char *hex, uint8_t *ret)
{
	size_t n = 0;

	for (; n < NEEDLE_MAX && hex[0] && hex[1]; hex += 2) {
		const char digits[3] = {hex[0], hex[1], '\0'};

		ret[n++] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return n;
}

/* The window moves on by less than its size, so that nothing hides on a border. */
static int find_in(const char *path, const uint8_t *needle, size_t len)
{
	static uint8_t window[FIND_BYTES];
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t at = 0;
	ssize_t n;

	if (fd < 0)
		return probe_failed(path);
	while ((n = fd_pread_full(fd, window, sizeof(window), at)) > 0) {
		if (memmem(window, (size_t)n, needle, len)) {
			(void)printf("found in %s\n", path);
			return 0;
		}
		if ((size_t)n < sizeof(window))
			return 0;
		at += sizeof(window) - len;
	}
	return n < 0 ? probe_failed(path) : 0;
}

/* The bytes are given in hex, so that the plan itself does not contain them. */
int probe_find(char **args)
{
	uint8_t needle[NEEDLE_MAX];
	size_t len = from_hex(args[0], needle);

	if (len < 4)
		return errno = EINVAL, probe_failed(args[0]);
	for (args++; *args; args++)
		if (find_in(*args, needle, len) < 0)
			return -1;
	return 0;
}
