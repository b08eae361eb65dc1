/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands/doctor_registries.h"

#include <string.h>

#include "actions/table.h"
#include "base/limits.h"
#include "contract/ecosystem.h"
#include "data/jsonl.h"
#include "run/adhoc.h"
#include "settings/registries.h"

enum { TIME_FOR_ONE_MS = 60 * 1000, TIME_FOR_ALL_MS = 10 * 60 * 1000 };

/* A registry that is to be asked: that of an ecosystem, or one that manifests name. */
struct registry {
	char *name;       /* for messages */
	const char *from; /* where the address comes from; borrowed */
	char *url;        /* what it is asked for */
	bool is_there;    /* it has that */
	struct err fault; /* or this came instead; neither: it was not asked */
};

struct registries {
	const struct doctor_registries *d;
	struct registry *items;
	size_t count;
	struct egress egress;
	struct plan plan;
};

static void release(struct registries *r)
{
	for (size_t i = 0; i < r->count; i++) {
		free(r->items[i].name);
		free(r->items[i].url);
	}
	free(r->items);
	egress_release(&r->egress);
	plan_release(&r->plan);
}
#define auto_registries __attribute__((cleanup(release)))

/* ---- which are asked ---- */

static void add(struct registries *r, const char *name, const char *from, const char *address,
	const char *probe)
{
	const char *url = ecosystem_url(address);
	const char *slash = url[0] && url[strlen(url) - 1] == '/' ? "" : "/";

	r->items = mem_resize(r->items, r->count + 1, sizeof(*r->items));
	r->items[r->count++] = (struct registry){.name = mem_strdup(name),
		.from = from,
		.url = mem_printf("%s%s%s", url, slash, probe)};
}

static void add_named(
	struct registries *r, const struct ecosystem *eco, const struct node *registry)
{
	const struct node *named = node_get(registry, REGISTRY_NAMED), *item;

	node_each (named, item) {
		auto_free char *name = mem_printf("%s (%s)", eco->name, item->key);

		add(r, name, item->file, item->text, eco->probe);
	}
}

/* Somebody has set it: the address is not only the one that the client has built in. */
static bool is_set(const struct registries *r, const struct ecosystem *eco, const char *address)
{
	const struct node *own = node_get(r->d->context->config->effective, REGISTRIES_KEY);

	return node_get_text(node_get(own, eco->name), REGISTRY_ADDRESS, NULL) ||
		strcmp(address, eco->address) != 0;
}

/* Downloads may be redirected to these, whose names the configuration's reader has checked. */
static int allow_also(struct registries *r, const struct ecosystem *eco,
	const struct node *registry, struct err *e)
{
	const struct node *host;

	node_each (node_get(registry, REGISTRY_ALSO), host)
		if (egress_add(&r->egress, host->text, 80, eco->name, e) < 0 ||
			egress_add(&r->egress, host->text, 443, eco->name, e) < 0)
			return -1;
	return 0;
}

static int add_of(struct registries *r, const struct ecosystem *eco, struct err *e)
{
	const struct node *registry = node_get(r->d->context->config->registries, eco->name);
	const char *problem = node_get_text(registry, REGISTRY_ERROR, NULL);
	const char *address = node_get_text(registry, REGISTRY_ADDRESS, eco->address);
	const size_t before = r->count;
	struct err fault = {0};

	if (problem) {
		(void)err_set(&fault, ERR_INPUT, "%s", problem);
		return r->d->fault(r->d->arg, &fault, e);
	}
	add_named(r, eco, registry);
	if (is_set(r, eco, address))
		add(r, eco->name, node_get_text(registry, REGISTRY_FROM, ""), address, eco->probe);
	return r->count > before ? allow_also(r, eco, registry, e) : 0;
}

/* ---- asking ---- */

/* Each is asked whatever the others have answered. */
static void add_question(struct registries *r, size_t index)
{
	auto_free char *word = mem_strdup("registry");
	const struct origin origin = {.source = SOURCE_PRE_PLAN, .index = index, .action = word};
	auto_node struct node *work = node_map();
	struct node *args = node_map();
	auto_buf struct buf text = {0};
	struct step *step;

	buf_init(&text, LIMIT_NODE_BYTES);
	node_set_string(work, "url", r->items[index].url);
	jsonl_add(&text, work);
	node_set_string(args, "command", "http_probe");
	node_set_string(args, "input", text.data);
	node_set_string(args, "directory", GUEST_TMP);
	step = plan_add(&r->plan, action_net.name, args, &origin);
	step->always = true;
	step->timeout_ms = TIME_FOR_ONE_MS;
}

static int allow(struct registries *r, const struct registry *registry, struct err *e)
{
	auto_endpoints struct endpoints endpoints = {0};

	if (endpoints_add_url(&endpoints, registry->url, e) < 0)
		return -1;
	return egress_add_endpoint(&r->egress, &endpoints.items[0], registry->name, e);
}

static int make_plan(struct registries *r, struct err *e)
{
	const struct config *config = r->d->context->config;

	r->plan.source = SOURCE_PRE_PLAN;
	r->plan.timeout_ms = TIME_FOR_ALL_MS;
	for (const struct action_variable *v = r->d->context->action_env; v->name; v++)
		if (!v->fetch_only)
			strv_setenv(&r->plan.env, v->name, v->value);
	/* No run could reach one that is not allowed, either. */
	for (size_t i = 0; i < r->count; i++)
		if (allow(r, &r->items[i], &r->items[i].fault) == 0)
			add_question(r, i);
	return egress_add_config(
		&r->egress, &config->egress_allow, &config->egress_allow_private, e);
}

static void on_event(void *arg, const struct event *ev)
{
	struct registries *r = arg;
	size_t index = node_get_uint(ev->fields, "action", SIZE_MAX);
	const char *reason = node_get_text(ev->fields, "reason", "");
	const char *message = node_get_text(ev->fields, "message", "");

	if (ev->source != SOURCE_PRE_PLAN || index >= r->count)
		return;
	if (ev->type == EVENT_ACTION_SUCCEEDED)
		r->items[index].is_there = true;
	if (ev->type == EVENT_ACTION_FAILED)
		(void)err_reason(&r->items[index].fault, ERR_INPUT, reason, "%s", message);
}

/* *ret_why: why the rest was not asked. */
static int ask(struct registries *r, struct err *ret_why)
{
	const struct adhoc adhoc = {.plan = &r->plan, .egress = &r->egress};
	const struct run_view view = {.sink = {.event = on_event, .arg = r}};
	struct run_outcome outcome;

	if (make_plan(r, ret_why) < 0)
		return -1;
	if (!r->plan.count)
		return 0;
	adhoc_run(r->d->context, &adhoc, &view, &outcome);
	*ret_why = outcome.error;
	run_outcome_release(&outcome);
	return ret_why->kind == ERR_INTERRUPTED ? -1 : 0;
}

/* ---- results ---- */

static int say_unasked(const struct doctor_registries *d, const struct registry *registry,
	const char *why, struct err *e)
{
	auto_free char *finding = mem_printf(
		"%s: %s, of %s; not asked: %s", registry->name, registry->url, registry->from, why);

	return d->offline ? d->well(d->arg, finding, e) : d->warn(d->arg, finding, e);
}

static int say_there(
	const struct doctor_registries *d, const struct registry *registry, struct err *e)
{
	auto_free char *finding =
		mem_printf("%s: %s is there, of %s", registry->name, registry->url, registry->from);

	return d->well(d->arg, finding, e);
}

/* A registry of one's own need not have what is asked for. The reason is for a run. */
static int say_fault(
	const struct doctor_registries *d, const struct registry *registry, struct err *e)
{
	struct err fault = {0};

	(void)err_set(&fault, ERR_INPUT, "%s, of %s: %s", registry->name, registry->from,
		registry->fault.msg);
	return strcmp(registry->fault.reason, "fetch_not_found") == 0
		? d->warn(d->arg, fault.msg, e)
		: d->fault(d->arg, &fault, e);
}

static int say(const struct doctor_registries *d, const struct registry *registry, const char *why,
	struct err *e)
{
	if (registry->is_there)
		return say_there(d, registry, e);
	return registry->fault.kind != ERR_NONE ? say_fault(d, registry, e)
						: say_unasked(d, registry, why, e);
}

static int say_all(struct registries *r, struct err *e)
{
	struct err why = {0};

	if (r->d->offline) {
		(void)err_set(&why, ERR_INPUT, "--offline");
	} else if (ask(r, &why) < 0 && why.kind == ERR_INTERRUPTED) {
		*e = why;
		return -1;
	}
	for (size_t i = 0; i < r->count; i++)
		if (say(r->d, &r->items[i], why.msg, e) < 0)
			return -1;
	return 0;
}

int doctor_registries(const struct doctor_registries *d, struct err *e)
{
	auto_registries struct registries r = {.d = d};

	for (const struct ecosystem *const *eco = actions_ecosystems; *eco; eco++)
		if (add_of(&r, *eco, e) < 0)
			return -1;
	return r.count ? say_all(&r, e) : 0;
}
