/* SPDX-License-Identifier: Apache-2.0 */
/*
 * valgrind 3.19, of Debian 12, answers openat2(2) with ENOSYS. Linked, with -Wl,--wrap=syscall,
 * only into what `make check-valgrind` runs: there it is an openat(2) that follows no link at the
 * end of the path. That is no wall, and a check of memory needs none; the walls have tests of their
 * own.
 */
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <sys/syscall.h>

/* The names are the linker's. NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
 */
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

long __wrap_syscall(long number, ...)
{
	long a[6];
	va_list ap;

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (number == SYS_openat2) {
		const struct open_how *how = (const struct open_how *)a[2];

		return openat((int)a[0], (const char *)a[1], (int)how->flags | O_NOFOLLOW,
			(mode_t)how->mode);
	}
	return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
