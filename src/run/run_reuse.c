/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dependencies that need not be fetched again: the machine that would fetch them would be given the
 * same as the one that has fetched them, and what that left is there (docs/ecosystems.md).
 *
 * What a machine is given makes a digest. It is stored as the key of the archive (store/depskey.h). In
 * the digest are the steps with all parameters, variables and addresses of registries, the image, the
 * hosts that may be reached, authorities, this program and those in the guest; of the source what the
 * machine gets, or all; and for a machine that fetches, the dependencies of trusted machines. Not in it
 * are what it would find of its own from the last time, limits, and the places of actions in their list.
 */
#include <string.h>

#include "base/version.h"
#include "run/run_internal.h"
#include "source/declared.h"

static bool is_determined(const struct run *r, enum run_machine which)
{
	const struct entry *entry;
	size_t at = 0;

	while ((entry = planner_next(&r->planner, which, &at)))
		if (!entry->action->determined ||
			(entry->action->is_pinned && !entry->action->is_pinned(entry)))
			return false;
	return true;
}

/* Trusted actions with `determined` read no more of the source than they declare. */
static bool needs_whole_source(const struct run *r, enum run_machine which)
{
	const struct entry *entry;
	size_t at = 0;

	if (which != RUN_FETCH)
		return false;
	if (r->project->fetch_source == PROJECT_FETCH_ALL)
		return true;
	while ((entry = planner_next(&r->planner, which, &at)))
		if (declared_is_silent(entry))
			return true;
	return false;
}

/* Another archive may come before it is this machine's turn; then only a run can know. */
static bool input_is_stored(const struct run *r, enum run_machine which)
{
	const struct phase *before = &r->phases[RUN_PRE_PLAN];

	if (which != RUN_FETCH || !before->wanted || before->unchanged)
		return true;
	return r->store.work && r->options->cache == RUN_CACHE_RW;
}

static bool digest_steps(const struct phase *p, struct digest *d)
{
	auto_node struct node *plan = plan_to_node(&p->plan);
	struct node *step;

	node_remove(plan, "timeout_ms");
	node_each (node_get(plan, "steps"), step) {
		node_remove(step, "timeout_ms");
		node_remove(step, "origin");
	}
	return run_digest_node(d, "plan", plan);
}

static bool digest_hosts(const struct phase *p, struct digest *d)
{
	auto_node struct node *hosts = egress_to_node(&p->egress);
	struct node *host;

	node_each (hosts, host)
		node_remove(host, "from");
	return run_digest_node(d, "hosts", hosts);
}

static void digest_stored(const struct run *r, struct digest *d)
{
	const struct depskey *trusted = &r->stored[DEPS_TRUSTED];

	run_digest_line(d, "dependencies", trusted->contents.s);
	digest_add(d, &trusted->bytes, sizeof(trusted->bytes));
}

static int digest_given(
	struct run *r, enum run_machine which, struct digest *d, bool *ret_whole, struct err *e)
{
	const struct machine_host *host = run_host_of(r, which);
	const struct phase *p = &r->phases[which];

	run_digest_line(d, "ambient", version_build);
	run_digest_line(d, "machine", planner_machine_name(which));
	run_digest_line(d, "image", host->image.digest);
	*ret_whole = digest_steps(p, d) && digest_hosts(p, d);
	if (run_digest_file(r, d, "executor", host->executor, e) < 0 ||
		run_digest_file(r, d, "ambient-net", host->net_tool, e) < 0 ||
		run_digest_authorities(r, d, host, e) < 0)
		return -1;
	run_digest_line(d, "reads", p->reads.s);
	if (which != RUN_FETCH)
		return 0;
	run_digest_line(d, "source", needs_whole_source(r, which) ? r->source_digest.s : "");
	digest_stored(r, d);
	return 0;
}

static int make_inputs(
	struct run *r, enum run_machine which, struct digest_text *ret, struct err *e)
{
	struct digest *d = digest_new();
	bool whole = false;
	int result = digest_given(r, which, d, &whole, e);
	struct digest_text text = digest_end(d);

	if (result == 0 && whole)
		*ret = text;
	return result;
}

int run_find_deps(struct run *r, enum run_machine which, enum deps_kind kind, struct err *e)
{
	struct depskey *key = &r->keys[kind], stored;
	auto_free char *archive = run_stored(r, deps_names[kind]);

	*key = (struct depskey){0};
	if (!is_determined(r, which) || !input_is_stored(r, which))
		return 0;
	if (make_inputs(r, which, &key->inputs, e) < 0)
		return -1;
	if (r->options->refresh || !*key->inputs.s || !archive || !depskey_read(archive, &stored))
		return 0;
	key->contents = r->stored[kind].contents;
	key->bytes = r->stored[kind].bytes;
	r->phases[which].unchanged = depskey_equals(key, &stored);
	return 0;
}
