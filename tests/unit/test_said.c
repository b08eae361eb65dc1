/* SPDX-License-Identifier: Apache-2.0 */
/* Where secrets are covered in a run's events, and where words stay although a secret has them. */
#include "expect.h"

#include "data/jsonl.h"
#include "run/said.h"
#include "secrets/logmask.h"

#define SECRET "hunter2\nCONNECT\nrefused\nallowed\npost_plan\nfiles.test\nrsync\nci-user\n"

struct fixture {
	struct mask *mask;
	struct buf out;
	struct event_sink sink;
	size_t told;
};

static void keep(void *arg, const struct event *ev)
{
	struct fixture *f = arg;

	f->told++;
	if (ev->fields)
		jsonl_add(&f->out, ev->fields);
	else
		buf_add(&f->out, ev->data, ev->len);
}

static void setup(struct fixture *f)
{
	*f = (struct fixture){.mask = mask_new()};
	mask_add(f->mask, SECRET, strlen(SECRET));
	mask_ready(f->mask);
	buf_init(&f->out, 1 << 20);
	f->sink = (struct event_sink){keep, f};
}

static void teardown(struct fixture *f)
{
	mask_free(f->mask);
	buf_release(&f->out);
}

static void expect_out(struct fixture *f, const char *wanted)
{
	assert_string_equal(f->out.data, wanted);
	buf_clear(&f->out);
}

static struct node *egress_event(const char *method, const char *host, const char *verdict)
{
	struct node *n = node_map();

	node_set_string(n, "kind", "post_plan");
	node_set_string(n, "method", method);
	node_set_string(n, "host", host);
	node_set_string(n, "verdict", verdict);
	node_set_string(n, "message", host);
	node_set_uint(n, "sent", 0);
	node_set_uint(n, "received", 0);
	node_set_int(n, "duration_ms", 0);
	return n;
}

static void test_only_what_the_vm_asked_for_is_covered_in_reports(void **state)
{
	char host[] = "files.test";
	struct egress_rule rule = {.host = host};
	const struct egress egress = {.rules = &rule, .count = 1};
	struct fixture f;
	struct said_reports reports;
	const struct event_sink sink = {said_report, &reports};

	(void)state;
	setup(&f);
	reports = (struct said_reports){f.mask, &egress, NULL, f.sink};
	event_send(&sink, EVENT_EGRESS, SOURCE_POST_PLAN,
		egress_event("CONNECT", "files.test", "allowed"));
	expect_out(&f,
		"{\"kind\":\"post_plan\",\"method\":\"CONNECT\",\"host\":\"files.test\","
		"\"verdict\":\"allowed\",\"message\":\"files.test\",\"sent\":0,\"received\":0,"
		"\"duration_ms\":0}");
	event_send(&sink, EVENT_EGRESS, SOURCE_POST_PLAN,
		egress_event("Xhunter2", "hunter2.example", "refused"));
	expect_out(&f,
		"{\"kind\":\"post_plan\",\"method\":\"X***\",\"host\":\"***.example\","
		"\"verdict\":\"refused\",\"message\":\"***.example\",\"sent\":0,\"received\":0,"
		"\"duration_ms\":0}");
	teardown(&f);
}

static struct node *agent_event(const char *user)
{
	struct node *n = node_map();

	node_set_string(n, "verdict", "refused");
	node_set_string(n, "host", "files.test");
	node_set_string(n, "user", user);
	node_set_string(n, "message", user);
	return n;
}

static void test_only_a_user_whom_nobody_named_is_covered(void **state)
{
	struct sshagent_login login = {.host = "files.test", .user = "ci-user"};
	const struct sshagent_rules rules = {.logins = &login, .login_count = 1};
	struct fixture f;
	struct said_reports reports;
	const struct event_sink sink = {said_report, &reports};

	(void)state;
	setup(&f);
	reports = (struct said_reports){f.mask, NULL, &rules, f.sink};
	event_send(&sink, EVENT_SSH_AGENT, SOURCE_POST_PLAN, agent_event("ci-user"));
	expect_out(&f,
		"{\"verdict\":\"refused\",\"host\":\"files.test\",\"user\":\"ci-user\","
		"\"message\":\"ci-user\"}");
	event_send(&sink, EVENT_SSH_AGENT, SOURCE_POST_PLAN, agent_event("hunter2"));
	expect_out(&f,
		"{\"verdict\":\"refused\",\"host\":\"files.test\",\"user\":\"***\","
		"\"message\":\"***\"}");
	teardown(&f);
}

static void test_words_of_strangers_are_covered_and_safe_to_show(void **state)
{
	char message[40] = "it ended with: hunter2";
	auto_free char *text = NULL, *all = NULL;
	struct fixture f;

	(void)state;
	setup(&f);
	text = said_safe(f.mask, "a hun\033[1mter2 b\n", 100);
	assert_string_equal(text, "a *** b\\n");
	said_cover(f.mask, message, sizeof(message));
	assert_string_equal(message, "it ended with: ***");
	all = said_safe(NULL, "hunter2\n", 100);
	assert_string_equal(all, "hunter2\\n");
	teardown(&f);
}

static void send_output(struct logmask *l, enum plan_source source, const char *text)
{
	const struct event ev = {
		.type = EVENT_ACTION_OUTPUT, .source = source, .data = text, .len = strlen(text)};

	logmask_event(l, &ev);
}

static void pass_to_logmask(void *arg, const struct event *ev)
{
	logmask_event(arg, ev);
}

static void test_output_of_trusted_machines_is_one_event_a_write(void **state)
{
	struct fixture f;
	struct logmask l;
	const struct event_sink sink = {pass_to_logmask, &l};
	struct node *n = node_map();

	(void)state;
	setup(&f);
	logmask_init(&l, &f.sink);
	logmask_use(&l, f.mask);
	send_output(&l, SOURCE_PLAN, "hunter2.");
	expect_out(&f, "hunter2.");
	send_output(&l, SOURCE_POST_PLAN, "a hunter2 b hun\033[1mter2 c rsync d ");
	expect_out(&f, "a *** b *** c *** d ");
	assert_int_equal(f.told, 2);
	/* What we say ourselves stays as it is. */
	node_set_uint(n, "action", 0);
	node_set_string(n, "name", "rsync");
	event_send(&sink, EVENT_ACTION_SUCCEEDED, SOURCE_POST_PLAN, n);
	expect_out(&f, "{\"action\":0,\"name\":\"rsync\"}");
	logmask_release(&l);
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_what_the_vm_asked_for_is_covered_in_reports),
		cmocka_unit_test(test_only_a_user_whom_nobody_named_is_covered),
		cmocka_unit_test(test_words_of_strangers_are_covered_and_safe_to_show),
		cmocka_unit_test(test_output_of_trusted_machines_is_one_event_a_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
