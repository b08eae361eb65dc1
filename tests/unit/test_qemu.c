/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QEMU's argument list against golden files, one argument a line. UPDATE_GOLDEN=1 writes them
 * again: look at the difference before you commit it, it is what every guest gets.
 */
#include "expect.h"

#include "base/limits.h"
#include "machine/qemu.h"

static void compare_with_golden(const struct qemu *q, const char *name)
{
	auto_free char *path = mem_printf("tests/spec/qemu/%s.args", name);
	auto_strv struct strv argv = {0};
	auto_buf struct buf got = {0}, wanted = {0};
	struct err e = {0};

	qemu_argv(q, &argv);
	buf_init(&got, 1 << 16);
	buf_init(&wanted, 1 << 16);
	strv_each (&argv, arg)
		buf_addf(&got, "%s\n", *arg);
	if (getenv("UPDATE_GOLDEN"))
		expect_ok(fd_write_file(path, got.data, got.len, 0644, &e), &e);
	expect_ok(fd_read_file(path, &wanted, &e), &e);
	assert_string_equal(got.data, wanted.data);
}

static struct qemu plan_machine(enum qemu_machine machine, enum qemu_accelerator accelerator)
{
	return (struct qemu){
		.machine = machine,
		.accelerator = accelerator,
		.cpus = 2,
		.memory = 1000000000, /* not a whole MiB: rounded up */
		.tsc_khz = 2000000,
		.drives = {{DRIVE_EXEC, false}, {DRIVE_ROOT, false}, {DRIVE_SCRATCH, true}},
		.drive_count = 3,
	};
}

static void test_emulated_microvm(void **state)
{
	const struct qemu q = plan_machine(MACHINE_MICROVM, ACCELERATOR_TCG);

	(void)state;
	compare_with_golden(&q, "microvm-tcg");
}

/* QEMU's emulation of several processors is not to be trusted while a kernel starts. */
static void test_one_processor_starts_no_others(void **state)
{
	struct qemu q = plan_machine(MACHINE_MICROVM, ACCELERATOR_TCG);

	(void)state;
	q.cpus = 1;
	compare_with_golden(&q, "microvm-tcg-one");
}

static void test_accelerated_microvm_is_told_no_clock_rate(void **state)
{
	const struct qemu q = plan_machine(MACHINE_MICROVM, ACCELERATOR_KVM);

	(void)state;
	compare_with_golden(&q, "microvm-kvm");
}

static void test_q35_has_its_devices_on_pci(void **state)
{
	const struct qemu q = plan_machine(MACHINE_Q35, ACCELERATOR_TCG);

	(void)state;
	compare_with_golden(&q, "q35-tcg");
}

static void test_trusted_machines_have_a_network_and_nothing_else_more(void **state)
{
	struct qemu microvm = plan_machine(MACHINE_MICROVM, ACCELERATOR_TCG);
	struct qemu q35 = plan_machine(MACHINE_Q35, ACCELERATOR_TCG);

	(void)state;
	microvm.network = q35.network = true;
	compare_with_golden(&microvm, "trusted-microvm-tcg");
	compare_with_golden(&q35, "trusted-q35-tcg");
}

static void test_a_disk_boots_by_bios_or_uefi(void **state)
{
	struct qemu q = plan_machine(MACHINE_Q35, ACCELERATOR_TCG);

	(void)state;
	q.boot = QEMU_BOOT_DISK;
	compare_with_golden(&q, "disk-bios");
	q.uefi = true;
	compare_with_golden(&q, "disk-uefi");
}

/* Whatever else changes: no guest of a plan has a network, and QEMU reads no file of the host's. */
static void test_no_list_has_a_network_device_or_a_path_of_the_host(void **state)
{
	(void)state;
	for (int machine = MACHINE_MICROVM; machine <= MACHINE_Q35; machine++) {
		const struct qemu q = plan_machine((enum qemu_machine)machine, ACCELERATOR_TCG);
		auto_strv struct strv argv = {0};

		qemu_argv(&q, &argv);
		assert_true(strv_has(&argv, "-nodefaults"));
		assert_true(strv_has(&argv, "-no-user-config"));
		strv_each (&argv, arg) {
			assert_null(strstr(*arg, "netdev"));
			assert_null(strstr(*arg, "virtio-net"));
			assert_true((*arg)[0] != '/' || strcmp(*arg, QEMU_KERNEL_PATH) == 0 ||
				strcmp(*arg, QEMU_INITRD_PATH) == 0 ||
				strcmp(*arg, "/usr/share/qemu") == 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_emulated_microvm),
		cmocka_unit_test(test_one_processor_starts_no_others),
		cmocka_unit_test(test_accelerated_microvm_is_told_no_clock_rate),
		cmocka_unit_test(test_q35_has_its_devices_on_pci),
		cmocka_unit_test(test_trusted_machines_have_a_network_and_nothing_else_more),
		cmocka_unit_test(test_a_disk_boots_by_bios_or_uefi),
		cmocka_unit_test(test_no_list_has_a_network_device_or_a_path_of_the_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
