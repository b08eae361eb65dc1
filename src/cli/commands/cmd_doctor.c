/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `ambient doctor`: can this machine run projects? A list of checks, each of which prints one line:
 * the result, or what to do. The last ones boot a VM.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "actions/table.h"
#include "archive/report.h"
#include "base/clock.h"
#include "base/fit.h"
#include "base/limits.h"
#include "base/num.h"
#include "base/text.h"
#include "base/version.h"
#include "cli/command.h"
#include "cli/commands/doctor_registries.h"
#include "cli/commands/doctor_ssh.h"
#include "cli/load.h"
#include "cli/say.h"
#include "hostkey/report.h"
#include "jail/jail.h"
#include "machine/accel.h"
#include "machine/drives.h"
#include "os/meminfo.h"
#include "os/path.h"
#include "os/proc.h"
#include "os/sig.h"
#include "run/adhoc.h"
#include "run/machine.h"
#include "run/planner.h"
#include "run/run.h"
#include "secrets/secret_read.h"
#include "secrets/secrets.h"
#include "settings/config.h"
#include "settings/locate.h"
#include "settings/image.h"
#include "settings/programs.h"
#include "upkeep/updates.h"

struct doctor_settings {
	const char *image;
	bool offline;
};

struct doctor {
	struct config config;
	bool offline;
	char *image;     /* the image to boot; NULL: none is known */
	struct node *vm; /* of the boot, for the clock check; NULL: it did not boot */
	int worst;       /* exit status of the checks so far */
};

enum { FINDING_MAX = 400 };

/*
 * A check writes its result to `finding`. 1: it is a warning. On failure it returns -1, with the remedy in *e. A check
 * with several results prints them itself (tell); if it returns -1, doctor stops.
 */
struct check {
	const char *name;
	int (*look)(struct doctor *d, char *finding, struct err *e);
	int (*look_at_each)(struct doctor *d, struct err *e);
};

static void found(char *finding, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void found(char *finding, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fit_vformat(finding, FINDING_MAX, fmt, ap);
	va_end(ap);
}

static int look_qemu(struct doctor *d, char *finding, struct err *e)
{
	auto_free char *program = NULL, *line = NULL;
	unsigned long version;

	if (programs_qemu(&d->config, &program, e) < 0 || programs_version(program, &line, e) < 0)
		return -1;
	version = programs_qemu_version(line);
	if (version == 0)
		return err_set(e, ERR_HOST, "%s says '%s': is it QEMU?", program, line);
	if (version < 702)
		return err_set(e, ERR_HOST, "%s: QEMU 7.2 or newer is needed", line);
	found(finding, "%s", line);
	return 0;
}

static int look_executor(struct doctor *d, char *finding, struct err *e)
{
	auto_free char *path = NULL, *line = NULL;

	if (programs_executor(&d->config, NULL, &path, e) < 0 ||
		programs_version(path, &line, e) < 0)
		return -1;
	if (!strstr(line, version_build))
		return err_set(e, ERR_INPUT, "%s is '%s', this is %s: install both of one release",
			path, line, version_build);
	found(finding, "%s", path);
	return 0;
}

static int look_namespaces(struct doctor *d, char *finding, struct err *e)
{
	uid_t uid;
	gid_t gid;

	if (jail_probe(e) < 0 || jail_vm_user(d->config.vm_user, &uid, &gid, e) < 0)
		return -1;
	found(finding, "the jail can be built; QEMU runs as user id %u", (unsigned)uid);
	return 0;
}

/* A note about ambient-archive, which projects do not need. "": it is installed correctly. */
static char *archive_note(void)
{
	auto_free char *path = NULL, *line = NULL;
	struct err why = {0};

	if (locate_archive_program(REWRITE_PROGRAM, &path, &why) < 0 ||
		programs_version(path, &line, &why) < 0)
		return mem_printf("; %s", why.msg);
	if (strstr(line, version_build))
		return mem_strdup("");
	return strstr(line, "libarchive")
		? mem_printf("; %s; " REWRITE_REMEDY, line)
		: mem_printf("; %s is '%s', this is %s: install both of one release", path, line,
			  version_build);
}

/* Projects run without git and shellcheck. */
static int look_programs(struct doctor *d, char *finding, struct err *e)
{
	auto_free char *mke2fs = proc_find("mke2fs");
	auto_free char *git = proc_find("git");
	auto_free char *shellcheck = proc_find("shellcheck"), *archive = NULL;

	if (!mke2fs)
		return err_set(
			e, ERR_HOST, "mke2fs is missing; on Debian: apt-get install e2fsprogs");
	archive = archive_note();
	found(finding, "mke2fs%s%s%s",
		git ? ", git"
		    : "; no git, so the commit of a source is unknown (on Debian: apt-get install "
		      "git)",
		shellcheck ? ", shellcheck"
			: d->config.lint
			? "; no shellcheck, so nobody looks at snippets of shell (on "
			  "Debian: apt-get install shellcheck)"
			: "",
		archive);
	return git ? 0 : 1;
}

static int look_memory(struct doctor *d, char *finding, struct err *e)
{
	uint64_t available = 0;

	if (machine_check_memory(&d->config, NULL, e) < 0 || meminfo_available(&available, e) < 0)
		return -1;
	if (available < d->config.memory)
		return err_set(e, ERR_HOST,
			"%s are available, a guest is given %s: lower 'memory' or free some",
			num_show_size_beside(available, d->config.memory).s,
			num_show_size_beside(d->config.memory, available).s);
	found(finding, "%s available, %s for a guest", num_show_size(available).s,
		num_show_size(d->config.memory).s);
	return 0;
}

static int look_space(const char *path, const char *key, uint64_t *ret_free, struct err *e)
{
	const uint64_t least = 1 * GIB;
	struct statvfs vfs;

	if (statvfs(path, &vfs) < 0)
		return err_sys(e, "%s", path);
	*ret_free = (uint64_t)vfs.f_bavail * vfs.f_frsize;
	if (*ret_free < least)
		return err_set(e, ERR_HOST, "%s: only %s free; make room or set '%s'", path,
			num_show_size(*ret_free).s, key);
	return 0;
}

static int look_disk(struct doctor *d, char *finding, struct err *e)
{
	uint64_t state = 0, temporary = 0;

	load_restrict_modes(&d->config);
	if (path_make_dirs(d->config.state, 0755, e) < 0 ||
		drives_check_host(&d->config, NULL, e) < 0 ||
		look_space(d->config.state, "state", &state, e) < 0 ||
		look_space(d->config.tmpdir, "tmpdir", &temporary, e) < 0)
		return -1;
	found(finding, "%s free in %s, %s in %s", num_show_size(state).s, d->config.state,
		num_show_size(temporary).s, d->config.tmpdir);
	return 0;
}

/* A disk boots a whole system, which takes minutes under emulation, and shows nothing more. */
static const char *image_to_check(const struct node *list)
{
	const struct node *item;

	node_each (list, item)
		if (strcmp(node_get_text(item, "format", ""), "direct") == 0)
			return node_get_text(item, "name", "");
	return node_get_text(list->items[0], "name", "");
}

/* Without --image, check the first image of the store that boots the kernel of ambient. */
static int look_image(struct doctor *d, char *finding, struct err *e)
{
	auto_node struct node *list = image_list(d->config.image_store);
	auto_image struct image i = {0};

	if (!d->image && list->count == 0)
		return err_set(e, ERR_INPUT, "no image in %s; 'ambient image build tiny' makes one",
			d->config.image_store);
	if (!d->image)
		d->image = mem_strdup(image_to_check(list));
	if (image_open(d->config.image_store, d->image, NULL, &i, e) < 0 ||
		image_verify(&i, NULL, NULL, NULL, e) < 0) {
		free(steal_ptr(&d->image));
		return -1;
	}
	found(finding, "%s: all digests are right; its own is %.16s", i.name, i.digest);
	return 0;
}

static int look_accelerator(struct doctor *d, char *finding, struct err *e)
{
	struct accel a;
	struct image any = {.name = mem_strdup("any"), .microvm = true, .q35 = true};
	int result = accel_choose(&d->config, &any, &a, e);

	image_release(&any);
	if (result < 0)
		return -1;
	if (a.accelerator == ACCELERATOR_KVM)
		found(finding, "KVM, on %s; the boot below proves it",
			qemu_machine_name(a.machine));
	else
		found(finding,
			"TCG (emulation), on %s: KVM is not available here. QEMU's own security "
			"policy "
			"covers KVM only",
			qemu_machine_name(a.machine));
	return 0;
}

static void ignore_event(void *arg, const struct event *ev)
{
	(void)arg;
	(void)ev;
}

/* The sleep is long enough to compare two clocks. */
static int make_plan(const struct doctor *d, struct plan *ret_plan, struct err *e)
{
	const struct planner planner = {
		.actions = actions_host, .action_env = actions_env, .config = &d->config};
	auto_node struct node *list = node_list();
	struct node *entry = node_add_map(list);

	node_set_string(entry, "action", "shell");
	node_set_string(entry, "shell", "sleep 2");
	return planner_adhoc(&planner, list, "doctor", ret_plan, e);
}

/* Check all that `ambient run` requires of a project before it starts. */
static int look_project(struct doctor *d, struct project *p, struct err *e)
{
	const struct run_context context = load_context(&d->config);
	/* With --offline, check only what a run without a network requires. */
	const struct run_options options = {
		.log_fd = -1, .offline = d->offline, .no_post_plan = d->offline};
	const struct run_view view = {.sink = {.event = ignore_event}};
	struct run_forecast forecast;

	return run_check(&context, p, &options, &view, &forecast, e) < 0
		? err_wrap(e, "%s", p->name)
		: 0;
}

/* Check the secret as the key of its hosts. */
static int look_logins(const struct credentials *c, const struct credential *s, const char *value,
	size_t len, struct err *e)
{
	for (size_t i = 0; i < c->host_count; i++)
		if (strcmp(c->hosts[i].key, s->name) == 0 &&
			secrets_check_login(&c->hosts[i], value, len, e) < 0)
			return -1;
	return 0;
}

/* A certificate is public. */
static int look_certificate(const char *file, struct err *e)
{
	auto_vault struct vault text = {0};
	size_t len;

	return secret_read_public(file, LIMIT_SSH_FILE_BYTES, &text, &len, e);
}

static bool is_certificate(const struct credentials *c, const struct credential *s)
{
	return c->others && c->others->certificate && s->file &&
		strcmp(c->others->certificate, s->file) == 0;
}

/* A file is read. A command is looked up but not executed, because it may ask a question. */
static int look_secret(const struct credentials *c, const struct credential *s, struct err *e)
{
	auto_free char *program = s->command.count ? proc_find(s->command.items[0]) : NULL;
	auto_vault struct vault value = {0};
	size_t len;

	if (is_certificate(c, s))
		return look_certificate(s->file, e);
	if (s->file &&
		(secret_read_file(s->file, LIMIT_SECRET_BYTES, &value, &len, e) < 0 ||
			look_logins(c, s, value.data, len, e) < 0))
		return -1;
	if (s->variable && !s->value_len)
		return err_set(e, ERR_INPUT, "the variable %s is not set or empty", s->variable);
	if (s->variable)
		return look_logins(c, s, s->value.data, s->value_len, e);
	if (s->command.count && (!program || access(program, X_OK) < 0))
		return err_set(e, ERR_INPUT, "%s: there is no such program", s->command.items[0]);
	return 0;
}

static int look_secrets(struct doctor *d, char *finding, struct err *e)
{
	const struct credentials *c = &d->config.credentials;

	for (size_t i = 0; i < c->count; i++)
		if (look_secret(c, &c->secrets[i], e) < 0)
			return err_wrap(e, "secret %s", c->secrets[i].name);
	found(finding, "%zu secret%s", c->count, num_plural(c->count));
	return 0;
}

static int look_names(struct doctor *d, char *finding, struct err *e)
{
	if (load_check_names(&d->config, e) < 0)
		return -1;
	found(finding, "all that the configuration names is there");
	return 0;
}

/* A missing projects file is no error: `ambient qemu` needs none, but `ambient run` refuses it. */
static int look_projects(struct doctor *d, char *finding, struct err *e)
{
	auto_project_list struct project_list list = {0};
	const bool missing = access(d->config.projects, F_OK) < 0 && errno == ENOENT;
	size_t unfetched = 0;

	if (load_projects(&d->config, NULL, &list, e) < 0) {
		found(finding, "%s", e->msg);
		return missing ? 1 : -1;
	}
	for (size_t i = 0; i < list.count; i++) {
		if (project_is_unfetched(&list.items[i]))
			unfetched++;
		else if (look_project(d, &list.items[i], e) < 0)
			return -1;
	}
	if (unfetched)
		found(finding,
			"%zu of %zu projects can run; no run has fetched the others' sources yet",
			list.count - unfetched, list.count);
	else
		found(finding, "%zu project%s can run", list.count, num_plural(list.count));
	return 0;
}

static int look_boot(struct doctor *d, char *finding, struct err *e)
{
	const struct run_context context = {
		.config = &d->config, .actions = actions_host, .action_env = actions_env};
	const struct run_view view = {.sink = {.event = ignore_event}};
	struct adhoc adhoc = {.image = d->image};
	struct run_outcome outcome;
	auto_plan struct plan plan = {0};
	const struct node *vms;

	if (!d->image)
		return err_set(e, ERR_INPUT, "there is no image to boot");
	if (make_plan(d, &plan, e) < 0)
		return -1;
	adhoc.plan = &plan;
	adhoc_run(&context, &adhoc, &view, &outcome);
	vms = node_get(outcome.result, "vms");
	if (outcome.verdict != VERDICT_PASSED)
		*e = outcome.error;
	else
		d->vm = node_copy(vms->items[0]);
	run_outcome_release(&outcome);
	if (e->kind != ERR_NONE)
		return -1;
	found(finding, "%s was up after %s and ran a step", d->image,
		num_show_duration(node_get_int(d->vm, "boot_ms", 0)).s);
	return 0;
}

/* A busy host delays its own measurement; a wrong clock is wrong by a part of the time. */
enum { CLOCK_PART = 50, CLOCK_SLACK_MS = 500 };

static int look_clock(struct doctor *d, char *finding, struct err *e)
{
	int64_t guest = node_get_int(d->vm, "guest_ms", 0), host = node_get_int(d->vm, "run_ms", 0);
	int64_t off = guest > host ? guest - host : host - guest;

	if (!d->vm)
		return err_set(e, ERR_HOST, "no VM has booted, so there is nothing to compare");
	if (off > host / CLOCK_PART + CLOCK_SLACK_MS)
		return err_set(e, ERR_HOST,
			"%lld ms by the guest's clock were %lld ms by the host's; set 'machine: "
			"q35' under 'qemu'",
			(long long)guest, (long long)host);
	found(finding, "the guest measured %lld ms, the host %lld ms", (long long)guest,
		(long long)host);
	return 0;
}

/* ---- output of results ---- */

static int tell(const char *word, const char *name, const char *text, struct err *e)
{
	auto_buf struct buf line = {0};

	buf_init(&line, SAY_LINE_MAX);
	buf_addf(&line, "%-4s  %-12s  ", word, name);
	say_add_message(&line, text);
	buf_addc(&line, '\n');
	return say_out(line.data, line.len, e);
}

static int tell_fault(struct doctor *d, const char *name, const struct err *fault, struct err *e)
{
	d->worst = verdict_worst_status(d->worst, verdict_exit_status(verdict_of_error(fault), 0));
	return tell("FAIL", name, fault->msg, e);
}

/* For a check with several results. */
struct teller {
	struct doctor *doctor;
	const char *name;
};

static int tell_well(void *arg, const char *finding, struct err *e)
{
	const struct teller *t = arg;

	return tell("ok", t->name, finding, e);
}

static int tell_warning(void *arg, const char *finding, struct err *e)
{
	const struct teller *t = arg;

	return tell("warn", t->name, finding, e);
}

static int tell_named_fault(void *arg, const struct err *fault, struct err *e)
{
	const struct teller *t = arg;

	return tell_fault(t->doctor, t->name, fault, e);
}

/* ---- ssh hosts ---- */

#define SSH "ssh"

/* Projects do not need this program. ERR_HOST, with the remedy. */
static int find_hostkey(char **ret_program, struct err *e)
{
	auto_free char *program = NULL, *line = NULL;

	if (locate_hostkey_program(HOSTKEY_PROGRAM, &program, e) < 0 ||
		programs_version(program, &line, e) < 0)
		return -1;
	if (strstr(line, version_build)) {
		*ret_program = steal_ptr(&program);
		return 0;
	}
	if (strstr(line, "libssh"))
		return err_set(e, ERR_HOST, "%s; " HOSTKEY_REMEDY, line);
	return err_set(e, ERR_HOST, "%s is '%s', this is %s: install both of one release", program,
		line, version_build);
}

static int look_ssh(struct doctor *d, struct err *e)
{
	auto_free char *program = NULL;
	struct teller teller = {d, SSH};
	struct err why = {0};
	struct doctor_ssh hosts = {.config = &d->config,
		.well = tell_well,
		.warn = tell_warning,
		.fault = tell_named_fault,
		.arg = &teller};

	if (d->offline)
		hosts.why_silent = "--offline";
	else if (find_hostkey(&program, &why) < 0)
		hosts.why_silent = why.msg;
	hosts.program = program;
	hosts.is_fault = !d->offline;
	return doctor_ssh(&hosts, e);
}

/* ---- registries ---- */

#define REGISTRIES "registries"

static int look_registries(struct doctor *d, struct err *e)
{
	const struct run_context context = load_context(&d->config);
	struct teller teller = {d, REGISTRIES};
	const struct doctor_registries registries = {.context = &context,
		.offline = d->offline,
		.well = tell_well,
		.warn = tell_warning,
		.fault = tell_named_fault,
		.arg = &teller};

	return doctor_registries(&registries, e);
}

/* ---- packages of images ---- */

#define PACKAGES "packages"

struct current_images {
	uint64_t count;
	struct timespec lists; /* the oldest */
};

/* One image: a warning, or counted as current. */
static int look_image_packages(
	struct doctor *d, const char *name, struct current_images *current, struct err *e)
{
	auto_image struct image image = {0};
	auto_updates struct updates u = {0};
	auto_free char *message = NULL;
	struct err why = {0};

	/* An image that cannot be used is not the business of this check. */
	if (image_open(d->config.image_store, name, NULL, &image, &why) < 0)
		return 0;
	if (updates_look(&image, &u, &why) < 0) {
		if (why.kind != ERR_INTERRUPTED)
			return tell("warn", PACKAGES, why.msg, e);
		*e = why;
		return -1;
	}
	if (u.newer) {
		message = updates_message(&image, &u);
		return tell("warn", PACKAGES, message, e);
	}
	if (u.known && (!current->count++ || u.lists.tv_sec < current->lists.tv_sec))
		current->lists = u.lists;
	return 0;
}

/* Without package lists, and of images without packages, there is nothing to say. */
static int look_packages(struct doctor *d, struct err *e)
{
	auto_node struct node *list = image_list(d->config.image_store);
	struct current_images current = {0};
	auto_free char *message = NULL;
	const struct node *image;

	node_each (list, image)
		if (look_image_packages(d, node_get_text(image, "name", ""), &current, e) < 0)
			return -1;
	if (!current.count)
		return 0;
	message = mem_printf("%" PRIu64 " image%s with the newest packages of the lists of %.10s",
		current.count, num_plural(current.count), clock_show(&current.lists).s);
	return tell("ok", PACKAGES, message, e);
}

static const struct check checks[] = {
	{.name = "qemu", .look = look_qemu},
	{.name = "executor", .look = look_executor},
	{.name = "programs", .look = look_programs},
	{.name = "namespaces", .look = look_namespaces},
	{.name = "accelerator", .look = look_accelerator},
	{.name = "memory", .look = look_memory},
	{.name = "disk", .look = look_disk},
	{.name = "image", .look = look_image},
	{.name = PACKAGES, .look_at_each = look_packages},
	{.name = "names", .look = look_names},
	{.name = "secrets", .look = look_secrets},
	{.name = SSH, .look_at_each = look_ssh},
	{.name = REGISTRIES, .look_at_each = look_registries},
	{.name = "projects", .look = look_projects},
	{.name = "boot", .look = look_boot},
	{.name = "clock", .look = look_clock},
};

/* -1: printing failed, or a signal arrived. */
static int examine_one(struct doctor *d, const struct check *c, struct err *e)
{
	char finding[FINDING_MAX] = "";
	struct err fault = {0};
	int result;

	if (c->look_at_each)
		return c->look_at_each(d, e);
	result = c->look(d, finding, &fault);
	if (result >= 0)
		return tell(result ? "warn" : "ok", c->name, finding, e);
	if (fault.kind != ERR_INTERRUPTED)
		return tell_fault(d, c->name, &fault, e);
	*e = fault;
	return -1;
}

/* Print the result of each check immediately. Returns the worst status. */
static int examine(struct doctor *d)
{
	struct err e = {0};

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		if (examine_one(d, &checks[i], &e) < 0)
			return say_failure(&e);
	return d->worst;
}

static int run_doctor(const struct call *call)
{
	const struct doctor_settings *settings = call->settings;
	struct doctor d = {.image = settings->image ? mem_strdup(settings->image) : NULL,
		.offline = settings->offline};
	struct err e = {0};
	int status;

	if (sig_init(&e) < 0 || load_config(call, NULL, &d.config, &e) < 0) {
		free(d.image);
		return say_failure(&e);
	}
	status = examine(&d);
	free(d.image);
	node_free(d.vm);
	config_release(&d.config);
	return status;
}

static const struct option doctor_options[] = {
	{.name = "image",
		.argument = "NAME",
		.type = OPTION_STRING,
		.offset = offsetof(struct doctor_settings, image),
		.help = "the image to boot; default: the first one in the image store"},
	{.name = "offline",
		.type = OPTION_FLAG,
		.offset = offsetof(struct doctor_settings, offline),
		.help = "for a machine without a network: check what `ambient run "
			"--offline --no-post-plan` needs, and ask neither the hosts under 'ssh' "
			"for "
			"their host keys nor registries"},
	{0},
};

const struct command cmd_doctor = {
	.name = "doctor",
	.summary = "Check that this machine can run projects",
	.group = GROUP_RUN,
	.details =
		"Each line is ok, or says what to do. The last checks boot a VM. doctor asks each "
		"host under\n"
		"'ssh' in the configuration for its host key and compares the key with "
		"known_hosts, "
		"without\n"
		"logging in; an unreachable host is a warning. Each registry of the configuration, "
		"and "
		"of the\n"
		"settings of the host's own package managers, is asked for one small file by a "
		"trusted "
		"VM.\n"
		"An image is a warning if the package lists that 'ambient image build' has read "
		"have "
		"newer\n"
		"versions of its Debian packages; none are fetched.\n",
	.options = doctor_options,
	.settings_size = sizeof(struct doctor_settings),
	.run = run_doctor,
};
