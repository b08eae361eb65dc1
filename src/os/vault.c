/* SPDX-License-Identifier: Apache-2.0 */
#include "os/vault.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

static size_t whole_pages(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (size + page - 1) / page * page;
}

void vault_alloc(struct vault *v, size_t size)
{
	size_t bytes = whole_pages(size ? size : 1);
	void *data;

	vault_free(v);
	data = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (data == MAP_FAILED)
		BUG("out of memory: %zu bytes for secrets", bytes);
	if (madvise(data, bytes, MADV_DONTDUMP) < 0 || madvise(data, bytes, MADV_WIPEONFORK) < 0)
		BUG("the kernel is older than 4.14: madvise");
	/* The limit of locked memory is often low. Without the lock a secret can be swapped out. */
	err_ignore(mlock(data, bytes));
	*v = (struct vault){data, bytes};
}

void vault_free(struct vault *v)
{
	if (!v->data)
		return;
	explicit_bzero(v->data, v->size);
	(void)munmap(v->data, v->size);
	*v = (struct vault){0};
}

int vault_forbid_core(struct err *e)
{
	/*
	 * 1 and not 0: with a core_pattern that is a pipe, the kernel ignores all values but 1, and
	 * a core file of one byte contains nothing.
	 */
	const struct rlimit none = {1, 1};

	return setrlimit(RLIMIT_CORE, &none) < 0 ? err_sys(e, "forbid core files") : 0;
}
