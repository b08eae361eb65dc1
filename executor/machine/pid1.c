/* SPDX-License-Identifier: Apache-2.0 */
#include "executor/machine/pid1.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "contract/contract.h"
#include "executor/hand/oldplan.h"
#include "os/path.h"

#define WITHOUT_MACHINE "--without-machine"

const char pid1_usage[] =
	"usage: ambient-execute-plan [--on-host --log FD --ctl FD [--drive SERIAL=FD[:ro]]...]\n"
	"       ambient-execute-plan connect [--upload FILE MS] HOST PORT [ADDRESS:PORT]\n"
	"       ambient-execute-plan --without-machine\n"
	"       run-ci\n"
	"\n"
	"Runs the plan on the drive ambient-exec inside a virtual machine that ambient has made: "
	"as the\n"
	"machine's init, or started without arguments by the init of an image. Without a machine, "
	"it\n"
	"carries out the plan.yaml in the working directory, as Ambient CI has it.\n"
	"\n"
	"  connect HOST PORT    copy between standard input and output and a host, through the "
	"proxy of\n"
	"                       the machine, or the one at ADDRESS:PORT; for ssh's ProxyCommand\n"
	"  --upload FILE MS     of connect: end it after MS milliseconds without progress of an "
	"upload,\n"
	"                       and write the reason to FILE\n"
	"  --without-machine    run the code of plan.yaml here, with the rights of who starts "
	"this; "
	"the\n"
	"                       name run-ci means the same. Events go to standard output; the "
	"status "
	"is 0 or 1\n"
	"  --on-host            run in the namespaces that a test has prepared, without a machine\n"
	"  --log FD, --ctl FD   the two ports\n"
	"  --drive SERIAL=FD    a drive; with :ro behind it, an input\n"
	"  --help, --version    this text; the version\n";

static int unknown(const char *argument, struct err *e)
{
	return err_set(
		e, ERR_INPUT, "unknown argument '%s'; --help lists those that are known", argument);
}

static int parse_fd(const char *option, const char *text, int *ret_fd, struct err *e)
{
	uint64_t fd;

	if (num_parse_u64(text, INT_MAX, &fd, e) < 0)
		return err_wrap(e, "%s", option);
	*ret_fd = (int)fd;
	return 0;
}

/* SERIAL=FD or SERIAL=FD:ro */
static int parse_drive(const char *text, struct machine *m, struct err *e)
{
	const char *equals = strchr(text, '=');
	struct drive *d = &m->drives[m->drive_count];
	auto_free char *number = equals ? mem_strdup(equals + 1) : NULL;
	char *colon = equals ? strchr(number, ':') : NULL;

	if (m->drive_count == DRIVES_MAX)
		return err_set(e, ERR_INPUT, "--drive: more than %d drives", DRIVES_MAX);
	if (!equals || equals == text || equals - text > DRIVE_SERIAL_MAX ||
		(colon && strcmp(colon, ":ro") != 0))
		return err_set(
			e, ERR_INPUT, "--drive: '%s' is not SERIAL=FD or SERIAL=FD:ro", text);
	*d = (struct drive){.want.writable = !colon};
	if (colon)
		*colon = '\0';
	memcpy(d->want.serial, text, (size_t)(equals - text));
	m->drive_count++;
	return parse_fd("--drive", number, &d->fd, e);
}

static int parse_option(const char *option, const char *value, struct machine *m, struct err *e)
{
	bool is_log = strcmp(option, "--log") == 0, is_ctl = strcmp(option, "--ctl") == 0;

	if (!is_log && !is_ctl && strcmp(option, "--drive") != 0)
		return unknown(option, e);
	if (!value)
		return err_set(e, ERR_INPUT, "%s: a value is missing", option);
	if (is_log || is_ctl)
		return parse_fd(option, value, is_log ? &m->log_fd : &m->ctl_fd, e);
	return parse_drive(value, m, e);
}

static int choose_on_host(int argc, char **argv, struct machine *ret, struct err *e)
{
	struct machine m = machine_on_host;

	m.log_fd = m.ctl_fd = -1;
	for (int i = 2; i < argc; i += 2)
		if (parse_option(argv[i], argv[i + 1], &m, e) < 0)
			return -1;
	if (m.log_fd < 0 || m.ctl_fd < 0)
		return err_set(e, ERR_INPUT, "--on-host: --log and --ctl are missing");
	*ret = m;
	return 0;
}

/* Without arguments, and not as the first process. */
static int choose_place(const char *program, enum pid1_choice *ret_choice, struct err *e)
{
	if (access(OLDPLAN_NAME, F_OK) < 0 || ports_are_there())
		return 0;
	if (strcmp(path_base(program), EXECUTOR_OLD_NAME) != 0)
		return err_set(e, ERR_INPUT,
			"it runs a plan's code where it stands, so under its own name it does that "
			"only with " WITHOUT_MACHINE);
	*ret_choice = PID1_BY_HAND;
	return 0;
}

int pid1_choose(int argc, char **argv, enum pid1_choice *ret_choice, struct machine *ret_machine,
	struct err *e)
{
	const char *first = argc > 1 ? argv[1] : "";

	*ret_choice = PID1_RUN;
	if (strcmp(first, "--on-host") == 0)
		return choose_on_host(argc, argv, ret_machine, e);
	*ret_machine = getpid() == 1 ? machine_boot : machine_unit;
	if (strcmp(first, WITHOUT_MACHINE) == 0) {
		*ret_choice = PID1_BY_HAND;
		return argc > 2 ? unknown(argv[2], e) : 0;
	}
	if (strcmp(first, "--help") == 0)
		*ret_choice = PID1_HELP;
	else if (strcmp(first, "--version") == 0)
		*ret_choice = PID1_VERSION;
	else if (getpid() != 1 && strcmp(first, "connect") == 0)
		*ret_choice = PID1_CONNECT;
	else if (getpid() != 1 && argc > 1)
		return unknown(first, e);
	else if (getpid() != 1)
		return choose_place(argc > 0 ? argv[0] : "", ret_choice, e);
	return 0;
}
