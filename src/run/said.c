/* SPDX-License-Identifier: Apache-2.0 */
#include "run/said.h"

#include <string.h>

#include "base/fit.h"
#include "base/text.h"

/*
 * Mask first: text_safe changes control characters, so a secret that contains one would not be
 * found.
 */
char *said_safe(const struct mask *m, const char *text, size_t max)
{
	auto_free char *covered = m ? mask_text(m, text) : mem_strdup(text);

	return text_safe(covered, max);
}

void said_cover(const struct mask *m, char *message, size_t size)
{
	auto_free char *covered = m ? mask_text(m, message) : NULL;

	if (covered)
		fit_format(message, size, "%s", covered);
}

/* ---- reports ---- */

static bool is_method(const char *word)
{
	static const char *const methods[] = {"CONNECT", "GET", "HEAD", "POST", "PUT", "DELETE",
		"OPTIONS", "PATCH", "PROPFIND", NULL};
	const char *const *m = methods;

	while (*m && strcmp(*m, word) != 0)
		m++;
	return *m != NULL;
}

static bool is_host(const struct egress *g, const char *word)
{
	for (size_t i = 0; g && i < g->count; i++)
		if (strcmp(g->rules[i].host, word) == 0)
			return true;
	return false;
}

static bool is_user(const struct sshagent_rules *r, const char *word)
{
	for (size_t i = 0; r && i < r->login_count; i++)
		if (strcmp(r->logins[i].user, word) == 0)
			return true;
	return false;
}

static void cover_field(const struct mask *m, const struct node *fields, const char *key)
{
	struct node *field = node_get(fields, key);

	if (field)
		mask_node(m, field);
}

/*
 * These words come from the VM and are masked: the method unless it is a known one, host and
 * message unless the list of the proxy contains the host.
 */
static void cover_egress(const struct said_reports *r, const struct node *fields)
{
	if (!is_method(node_get_text(fields, "method", "")))
		cover_field(r->mask, fields, "method");
	if (is_host(r->egress, node_get_text(fields, "host", "")))
		return;
	cover_field(r->mask, fields, "host");
	cover_field(r->mask, fields, "message");
}

static void cover_agent(const struct said_reports *r, const struct node *fields)
{
	if (is_user(r->agent, node_get_text(fields, "user", "")))
		return;
	cover_field(r->mask, fields, "user");
	cover_field(r->mask, fields, "message");
}

void said_report(void *arg, const struct event *ev)
{
	const struct said_reports *r = arg;
	auto_node struct node *fields = r->mask ? node_copy(ev->fields) : NULL;
	struct event covered = *ev;

	if (fields && ev->type == EVENT_EGRESS)
		cover_egress(r, fields);
	if (fields && ev->type == EVENT_SSH_AGENT)
		cover_agent(r, fields);
	if (fields)
		covered.fields = fields;
	r->next.event(r->next.arg, &covered);
}
