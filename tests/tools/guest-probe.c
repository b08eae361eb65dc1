/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest-probe PROBE [ARGUMENT...]: a hostile action, for real machines. Linked statically; a test
 * puts it into a source tree, and the plan runs it, as root in the guest.
 *
 * It has two kinds of probe: those that look for something that must not be there, and print what
 * they found; and those that attack the executor, to see what the host makes of it.
 *
 * Exit status: 0 when the probe could do its work, whatever it found; 1 when not; 2 for wrong use.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "guest_probe.h"

static const struct probe {
	const char *name;
	int arguments; /* at least */
	int (*run)(char **args);
	const char *help;
} probes[] = {
	{"sockets", 0, probe_sockets, "names the families of sockets that can be made"},
	{"reach", 0, probe_reach, "tries to reach addresses outside, names what answered"},
	{"scan", 0, probe_scan, "looks for whatever answers on a network, as root would"},
	{"mounts", 0, probe_mounts, "names the shared file systems that can be mounted"},
	{"firmware", 1, probe_firmware, "FILE: names the files of fw_cfg, writes all to FILE"},
	{"modules", 0, probe_modules, "names the kernel modules, tries to load what is none"},
	{"find", 2, probe_find, "HEX FILE...: names the files that contain these bytes"},
	{"read-past-end", 1, probe_read_past_end, "DRIVE...: what comes from beyond a drive"},
	{"write-past-end", 1, probe_write_past_end, "DRIVE...: what goes beyond a drive"},
	{"write-input", 1, probe_write_input, "DRIVE...: the ways to write to an input"},
	{"set-attribute", 3, probe_set_attribute, "FILE NAME VALUE: sets an extended attribute"},
	{"attributes", 1, probe_attributes, "FILE...: prints the extended attributes"},
	{"send-garbage", 0, probe_send_garbage, "writes no frame to the port of the executor"},
	{"send-nonce", 0, probe_send_nonce, "writes a frame with another nonce to it"},
	{"forge-end", 0, probe_forge_end, "writes an end that says 'passed', with the right nonce"},
	{"forge-pass", 2, probe_forge_pass,
		"STEP COUNT OUTPUT...: says that this step and all the others passed, and ends"},
	{"freeze", 0, probe_freeze, "stops the executor for ever"},
	{"spin", 0, probe_spin, "loops at the highest real-time priority"},
	{"crash", 0, probe_crash, "overwrites the executor's stack"},
};

int probe_failed(const char *what)
{
	(void)fprintf(stderr, "guest-probe: %s: %s\n", what, strerror(errno));
	return -1;
}

static int usage(void)
{
	(void)fprintf(stderr, "usage: guest-probe PROBE [ARGUMENT...]\n");
	for (size_t i = 0; i < ARRAY_SIZE(probes); i++)
		(void)fprintf(stderr, "  %-16s %s\n", probes[i].name, probes[i].help);
	return 2;
}

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < ARRAY_SIZE(probes); i++) {
		if (strcmp(argv[1], probes[i].name) != 0 || argc - 2 < probes[i].arguments)
			continue;
		return probes[i].run(argv + 2) < 0 || fflush(stdout) != 0 ? 1 : 0;
	}
	return usage();
}
