/* SPDX-License-Identifier: Apache-2.0 */
/* How ambient-net logs in: by the ssh of the machine, as the host has configured it, through the proxy. */
#ifndef EXECUTOR_NET_LOGIN_H
#define EXECUTOR_NET_LOGIN_H

#include "base/strv.h"
#include "contract/contract.h"
#include "transfer/gitrun.h"

static inline void login_add_ssh(struct strv *argv)
{
	strv_push(argv, "ssh");
	strv_push(argv, "-F" GUEST_SSH_CONFIG);
}

/* `ssh` is empty; it is filled, and borrowed by the result, as the URL is. */
static inline struct gitrun_server login_server(const char *url, struct strv *ssh)
{
	login_add_ssh(ssh);
	return (struct gitrun_server){
		.url = url, .ssh = ssh, .ssh_proxy = GUEST_EXECUTOR " connect %h %p"};
}

#endif
