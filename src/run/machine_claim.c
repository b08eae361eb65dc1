/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's report at its end: verdict, reason, message and outputs. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fit.h"
#include "os/fd.h"
#include "os/sig.h"
#include "run/machine_internal.h"
#include "run/planner.h"
#include "run/said.h"

#define ERR_REASON_AGENT "ssh_agent_refused"

/* If unpacking a file of an earlier run failed: how to run without it. The caller frees it. */
static char *remedy_of(const struct machine *m, size_t step)
{
	const char *serial = planner_stored_input(m->plan, step);
	const struct vm_drive *drive = serial ? drives_find(m->drives, serial) : NULL;
	auto_free char *file = drive && drive->fd >= 0 ? fd_name(drive->fd) : NULL;

	return file ? mem_printf("; if it is damaged, remove %s to run without it", file)
		    : mem_strdup("");
}

static void describe_step_of_ours(struct machine *m, const char *text)
{
	size_t step = m->vm_result.end.failed_step;
	auto_free char *remedy = remedy_of(m, step);

	fit_format(m->message, sizeof(m->message), "%s: %s%s", machine_action_name(m, step), text,
		remedy);
}

/* "action 2 (shell): exit code 3" */
static void describe_failure(struct machine *m, const char *text)
{
	const struct message_end *end = &m->vm_result.end;

	if (end->failed_step == MESSAGE_NO_STEP)
		fit_format(m->message, sizeof(m->message), "%s", text);
	else if (plan_is_of_user(m->plan, end->failed_step))
		fit_format(m->message, sizeof(m->message), "action %zu (%s): %s",
			machine_origin(m, end->failed_step)->index + 1,
			machine_action_name(m, end->failed_step), text);
	else
		describe_step_of_ours(m, text);
}

void machine_take_claim(struct machine *m)
{
	const struct message_end *end = &m->vm_result.end;
	auto_free char *text =
		machine_failure(m, end->outcome, end->failed_step, end->text, MESSAGE_TEXT_MAX);
	auto_free char *refusal = said_safe(m->mask, m->agent.refusal, sizeof(m->agent.refusal));
	auto_free char *why = NULL;
	const char *reason;
	struct node *n = NULL;

	if (end->outcome == STEP_PASSED) {
		m->verdict = VERDICT_PASSED;
		event_send(m->sink, EVENT_EXECUTOR_SUCCEEDS, m->plan->source, NULL);
		return;
	}
	reason = end->outcome == STEP_FAILED && m->failed_reason
		? m->failed_reason
		: verdict_reason_of_step(m->plan->source, end->outcome, "");
	if (end->outcome == STEP_STOPPED)
		why = mem_printf("stopped by %s", sig_name(sig_pending()));
	if (end->outcome == STEP_FAILED && m->agent.refusal[0]) {
		reason = ERR_REASON_AGENT;
		why = mem_printf("%s; the ssh agent refused it: %s", text, refusal);
	}
	m->verdict = verdict_of_reason(reason);
	(void)snprintf(m->reason, sizeof(m->reason), "%s", reason);
	describe_failure(m, why ? why : text);
	n = node_map();
	node_set_int(n, "exit_code", node_get_int(m->failed, "exit_code", 1));
	node_set_string(n, "message", m->message);
	event_send(m->sink, EVENT_EXECUTOR_FAILS, m->plan->source, n);
}

bool machine_was_packed(const struct machine *m, const char *serial)
{
	const struct message_end *end = &m->vm_result.end;

	for (uint32_t i = 0; i < end->output_count; i++)
		if (strcmp(end->outputs[i].serial, serial) == 0)
			return true;
	return false;
}

int machine_output(const struct machine *m, const char *serial, struct message_output *ret_output,
	struct err *e)
{
	const struct vm_drive *drive = drives_find(m->drives, serial);
	const struct message_end *end = &m->vm_result.end;
	const struct message_output *found = NULL;

	for (uint32_t i = 0; i < end->output_count; i++) {
		if (strcmp(end->outputs[i].serial, serial) != 0)
			continue;
		if (found)
			return err_reason(e, ERR_GUEST, "guest_output",
				"the guest names output %s twice", serial);
		found = &end->outputs[i];
	}
	if (!found)
		return err_reason(
			e, ERR_GUEST, "guest_output", "the guest did not pack output %s", serial);
	if (found->bytes % 512 || found->bytes < DRIVE_EMPTY_BYTES || found->bytes > drive->bytes)
		return err_reason(e, ERR_GUEST, "guest_output",
			"the guest claims %" PRIu64 " bytes for output %s, which cannot be",
			found->bytes, serial);
	*ret_output = *found;
	return 0;
}
