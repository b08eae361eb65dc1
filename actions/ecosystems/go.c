/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Go: modules that the go command fetches. No code of a module runs, but a `toolchain` line may
 * replace the go command itself, by a module of the same registry.
 */
#include <string.h>

#include "actions/table.h"
#include "base/mem.h"
#include "contract/ecosystem.h"

#define PLACE GUEST_DEPS "/gomod"

static const struct param no_params[] = {{0}};

static const char *const also[] = {"sum.golang.org", "storage.googleapis.com", NULL};

static const struct client_setting settings_of_go[] = {
	{.file = "~/.config/go/env", .key = "GOPROXY"},
	{0},
};

static const struct action_variable always[] = {
	{.name = "GOCACHE",
		.value = GUEST_CACHE "/go-build",
		.help = "build cache of Go, kept for the next run"},
	{0},
};

const struct ecosystem ecosystem_go = {
	.name = "go",
	.client = "go",
	.address = "https://proxy.golang.org",
	.probe = "golang.org/x/text/@v/list",
	.also = also,
	.settings = settings_of_go,
	.always = always,
};

static void reads(const struct entry *entry, struct action_reads *ret)
{
	static const char *const optional[] = {"**/go.mod", "**/go.sum", "go.work", "go.work.sum"};

	(void)entry;
	for (size_t i = 0; i < ARRAY_SIZE(optional); i++)
		strv_push(&ret->optional, optional[i]);
	strv_push(&ret->without, "vendor");
	strv_push(&ret->without, "testdata");
}

/*
 * A registry of the operator's need not have the checksum database. The digests in go.sum are
 * compared in any case.
 */
static int expand(
	const struct entry *entry, const struct node *settings, struct plan *out, struct err *e)
{
	static const char *const argv[] = {"go", "mod", "download", NULL};
	struct node *step;
	const char *address;

	if (actions_registry(entry, settings, &address, e) < 0)
		return -1;
	step = actions_add_program(entry, argv, out);
	actions_set_variable(step, "GOENV", "off");
	actions_set_variable(step, "GOMODCACHE", PLACE);
	actions_set_variable(step, "GOPROXY", address);
	actions_set_variable(step, "GOFLAGS", "-modcacherw");
	actions_set_variable(step, "GOTOOLCHAIN", "auto");
	if (strcmp(address, entry->action->ecosystem->address) != 0)
		actions_set_variable(step, "GOSUMDB", "off");
	return 0;
}

static const struct action_variable gives[] = {
	{.name = "GOMODCACHE", .value = PLACE, .help = "where go finds the modules"},
	{.name = "GOPROXY", .value = "off", .help = "go reaches no registry"},
	{.name = "GOSUMDB", .value = "off", .help = "go asks no checksum database"},
	{.name = "GOFLAGS", .value = "-modcacherw", .help = "modules can be removed"},
	{.name = "GOTOOLCHAIN",
		.value = "auto",
		.help = "go uses the toolchain that was fetched, if go.mod wants one"},
	{0},
};

const struct action action_go_mod_download = {
	.name = "go_mod_download",
	.summary = "Download the Go modules that go.mod or go.work needs.",
	.where = IN_PRE,
	.fetches = true,
	.determined = true,
	.ecosystem = &ecosystem_go,
	.gives = gives,
	.params = no_params,
	.expand = expand,
	.reach = actions_reach_registry,
	.reads = reads,
};
