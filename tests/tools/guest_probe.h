/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What guest-probe can do. Each takes the arguments behind its name, prints what it found on
 * standard output, and returns 0; -1 when it could not even try, with a message on standard error.
 */
#ifndef TESTS_GUEST_PROBE_H
#define TESTS_GUEST_PROBE_H

/* probe_devices.c: what is there? */
int probe_sockets(char **args);
int probe_reach(char **args);
int probe_mounts(char **args);
int probe_firmware(char **args);
int probe_modules(char **args);
int probe_find(char **args);

/* probe_drives.c: what do the drives allow? */
int probe_read_past_end(char **args);
int probe_write_past_end(char **args);
int probe_write_input(char **args);

/* probe_network.c: who answers? */
int probe_scan(char **args);

/* probe_executor.c: what can root do to process 1? */
int probe_send_garbage(char **args);
int probe_send_nonce(char **args);
int probe_forge_end(char **args);
int probe_forge_pass(char **args);
int probe_freeze(char **args);
int probe_spin(char **args);
int probe_crash(char **args);

/* probe_files.c: what do files carry? */
int probe_set_attribute(char **args);
int probe_attributes(char **args);

/* The message, with the words of errno; returns -1. */
int probe_failed(const char *what);

#endif
