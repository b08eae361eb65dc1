/* SPDX-License-Identifier: Apache-2.0 */
#include "data/qcow2.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "data/limits.h"
#include "os/fd.h"

/* Offsets of the header's fields; all numbers are big-endian. */
enum {
	AT_VERSION = 4,
	AT_BACKING = 8,
	AT_CLUSTER_BITS = 20,
	AT_BYTES = 24,
	AT_CRYPT = 32,
	AT_L1_COUNT = 36,
	AT_L1 = 40,
	AT_REFCOUNTS = 48,
	AT_REFCOUNT_CLUSTERS = 56,
	AT_SNAPSHOTS = 60,
	HEADER_2 = 72, /* length of the header of version 2 */
	AT_INCOMPATIBLE = 72,
	AT_REFCOUNT_ORDER = 96,
	AT_HEADER_LENGTH = 100,
	HEADER_3 = 104,
};

/* Incompatible features, which a reader must know. */
enum {
	EXTERNAL_DATA = 1 << 2,
	EXTENDED_L2 = 1 << 4,
};

enum { CLUSTER_BITS_LEAST = 9, CLUSTER_BITS_MOST = 21, ENTRY = 8, SECTOR = 512 };

/* Entries of the tables L1 and L2: an offset, and flags. */
#define ENTRY_OFFSET UINT64_C(0x00fffffffffffe00)
#define ENTRY_COMPRESSED (UINT64_C(1) << 62)
#define ENTRY_ZERO UINT64_C(1)

static const uint8_t magic[] = {'Q', 'F', 'I', 0xfb};

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint64_t get64(const uint8_t *p)
{
	return (uint64_t)get32(p) << 32 | get32(p + 4);
}

static void put32(uint8_t *p, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void put64(uint8_t *p, uint64_t value)
{
	put32(p, (uint32_t)(value >> 32));
	put32(p + 4, (uint32_t)value);
}

bool qcow2_is_magic(const uint8_t *data, size_t len)
{
	return len >= sizeof(magic) && memcmp(data, magic, sizeof(magic)) == 0;
}

/* ---- the header ---- */

struct header {
	uint8_t data[HEADER_3]; /* zeros beyond the header of version 2 */
	uint64_t bytes;
	unsigned cluster_bits;
	bool extended; /* entries of L2 have 16 bytes */
};

static int read_header(int fd, struct header *ret, struct err *e)
{
	struct header h = {0};
	ssize_t n = fd_pread_full(fd, h.data, sizeof(h.data), 0);
	uint32_t version;

	if (n < 0)
		return err_sys(e, "read its header");
	if (n < HEADER_2 || !qcow2_is_magic(h.data, (size_t)n))
		return err_set(e, ERR_INPUT, "it is not a disk in the format qcow2");
	version = get32(h.data + AT_VERSION);
	if (version != 2 && version != 3)
		return err_set(e, ERR_INPUT,
			"it has version %" PRIu32
			" of the format qcow2; versions 2 and 3 are known",
			version);
	if (version == 2)
		memset(h.data + HEADER_2, 0, HEADER_3 - HEADER_2);
	h.bytes = get64(h.data + AT_BYTES);
	h.cluster_bits = get32(h.data + AT_CLUSTER_BITS);
	h.extended = get64(h.data + AT_INCOMPATIBLE) & EXTENDED_L2;
	if (h.cluster_bits < CLUSTER_BITS_LEAST || h.cluster_bits > CLUSTER_BITS_MOST)
		return err_set(e, ERR_INPUT, "its header is damaged: the size of a cluster");
	*ret = h;
	return 0;
}

/* What would make QEMU open another file, or needs a key or a choice. */
static int check_alone(const uint8_t *header, struct err *e)
{
	if (get64(header + AT_BACKING))
		return err_set(e, ERR_INPUT,
			"it has a backing file, so it is not a whole disk; 'qemu-img convert -O "
			"qcow2 FILE WHOLE' joins them, on a host that trusts both files");
	if (get64(header + AT_INCOMPATIBLE) & EXTERNAL_DATA)
		return err_set(e, ERR_INPUT,
			"its data is in another file; 'qemu-img convert -O qcow2 FILE WHOLE' joins "
			"them, on a host that trusts both files");
	if (get32(header + AT_CRYPT))
		return err_set(e, ERR_INPUT, "it is encrypted");
	if (get32(header + AT_SNAPSHOTS))
		return err_set(e, ERR_INPUT,
			"it has internal snapshots; 'qemu-img convert -O qcow2 FILE WHOLE' makes a "
			"disk of its present state");
	return 0;
}

int qcow2_check_size(uint64_t bytes, struct err *e)
{
	if (bytes == 0 || bytes % SECTOR)
		return err_set(e, ERR_INPUT,
			"the disk has %" PRIu64 " bytes, which is not a multiple of %d", bytes,
			SECTOR);
	if (bytes > LIMIT_DISK_BYTES)
		return err_set(e, ERR_INPUT, "the disk has %s, more than %s",
			num_show_size_beside(bytes, LIMIT_DISK_BYTES).s,
			num_show_size_beside(LIMIT_DISK_BYTES, bytes).s);
	return 0;
}

int qcow2_check(int fd, uint64_t *ret_bytes, struct err *e)
{
	struct header h = {0};

	if (read_header(fd, &h, e) < 0 || check_alone(h.data, e) < 0 ||
		qcow2_check_size(h.bytes, e) < 0)
		return -1;
	*ret_bytes = h.bytes;
	return 0;
}

/* ---- reading ---- */

static int get_entry(int fd, uint64_t table, uint64_t index, uint64_t *ret, struct err *e)
{
	uint8_t entry[ENTRY] = {0};

	if (table > INT64_MAX - ENTRY * (index + 1) ||
		fd_pread_full(fd, entry, sizeof(entry), table + ENTRY * index) != sizeof(entry))
		return err_set(e, ERR_INPUT, "its tables are damaged");
	*ret = get64(entry);
	return 0;
}

/* The place in the file of a cluster of the disk; 0: it reads as zeros. */
static int find_cluster(
	int fd, const struct header *h, uint64_t cluster, uint64_t *ret, struct err *e)
{
	const unsigned per_table_bits = h->cluster_bits - (h->extended ? 4 : 3);
	const uint64_t table = cluster >> per_table_bits;
	const uint64_t index = cluster & ((UINT64_C(1) << per_table_bits) - 1);
	uint64_t l1 = 0, l2 = 0;

	*ret = 0;
	if (table >= get32(h->data + AT_L1_COUNT))
		return err_set(e, ERR_INPUT, "its tables are damaged");
	if (get_entry(fd, get64(h->data + AT_L1), table, &l1, e) < 0)
		return -1;
	if (!(l1 & ENTRY_OFFSET))
		return 0;
	if (get_entry(fd, l1 & ENTRY_OFFSET, h->extended ? 2 * index : index, &l2, e) < 0)
		return -1;
	if (l2 & ENTRY_COMPRESSED)
		return err_set(e, ERR_INPUT, "it is compressed");
	*ret = l2 & ENTRY_ZERO ? 0 : l2 & ENTRY_OFFSET;
	return 0;
}

/* Within one cluster. The file may end within its last cluster. */
static int read_piece(
	int fd, const struct header *h, uint64_t offset, uint8_t *data, size_t len, struct err *e)
{
	const uint64_t inside = offset & ((UINT64_C(1) << h->cluster_bits) - 1);
	uint64_t at = 0;

	memset(data, 0, len);
	if (find_cluster(fd, h, offset >> h->cluster_bits, &at, e) < 0)
		return -1;
	if (at && fd_pread_full(fd, data, len, at + inside) < 0)
		return err_sys(e, "read the disk");
	return 0;
}

int qcow2_read(int fd, uint64_t offset, void *data, size_t len, struct err *e)
{
	struct header h = {0};
	uint8_t *to = data;

	if (read_header(fd, &h, e) < 0)
		return -1;
	if (offset > h.bytes || len > h.bytes - offset)
		return err_set(e, ERR_INPUT, "the disk ends at %" PRIu64 " bytes", h.bytes);
	while (len) {
		const uint64_t cluster = UINT64_C(1) << h.cluster_bits;
		uint64_t piece = cluster - (offset & (cluster - 1));

		if (piece > len)
			piece = len;
		if (read_piece(fd, &h, offset, to, (size_t)piece, e) < 0)
			return -1;
		to += piece;
		offset += piece;
		len -= (size_t)piece;
	}
	return 0;
}

/* ---- an overlay ---- */

enum { CLUSTER_BITS = 16, CLUSTER = 1 << CLUSTER_BITS };

/* The clusters of the file: header, table of refcount blocks, one block, and the table L1. */
enum { REFCOUNT_TABLE = 1, REFCOUNT_BLOCK = 2, L1 = 3 };

static int put_cluster(int fd, uint64_t number, const uint8_t *data, size_t len, struct err *e)
{
	return fd_pwrite_all(fd, data, len, number * CLUSTER) < 0 ? err_sys(e, "write the disk")
								  : 0;
}

static int put_header(int fd, uint64_t bytes, uint32_t l1_count, struct err *e)
{
	uint8_t h[HEADER_3] = {0};

	memcpy(h, magic, sizeof(magic));
	put32(h + AT_VERSION, 3);
	put32(h + AT_CLUSTER_BITS, CLUSTER_BITS);
	put64(h + AT_BYTES, bytes);
	put32(h + AT_L1_COUNT, l1_count);
	put64(h + AT_L1, (uint64_t)L1 * CLUSTER);
	put64(h + AT_REFCOUNTS, (uint64_t)REFCOUNT_TABLE * CLUSTER);
	put32(h + AT_REFCOUNT_CLUSTERS, 1);
	put32(h + AT_REFCOUNT_ORDER, 4);
	put32(h + AT_HEADER_LENGTH, HEADER_3);
	return put_cluster(fd, 0, h, sizeof(h), e);
}

int qcow2_make_overlay(int fd, uint64_t bytes, struct err *e)
{
	/* One table L2, of one cluster, has the entries of this many bytes of the disk. */
	const uint64_t per_table = (uint64_t)CLUSTER / ENTRY * CLUSTER;
	const uint64_t l1_count = (bytes + per_table - 1) / per_table;
	const uint64_t clusters = L1 + (l1_count * ENTRY + CLUSTER - 1) / CLUSTER;
	auto_free uint8_t *counts = mem_array(clusters, 2);
	uint8_t block[ENTRY];

	if (qcow2_check_size(bytes, e) < 0)
		return -1;
	put64(block, (uint64_t)REFCOUNT_BLOCK * CLUSTER);
	for (size_t i = 0; i < clusters; i++) {
		counts[2 * i] = 0;
		counts[2 * i + 1] = 1;
	}
	if (ftruncate(fd, (off_t)(clusters * CLUSTER)) < 0)
		return err_sys(e, "make the disk");
	if (put_cluster(fd, REFCOUNT_BLOCK, counts, clusters * 2, e) < 0 ||
		put_cluster(fd, REFCOUNT_TABLE, block, sizeof(block), e) < 0)
		return -1;
	return put_header(fd, bytes, (uint32_t)l1_count, e);
}
