/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the files of the proxy's process only. One loop (proxy_serve.c) waits for everything.
 * Each connection of the VM (proxy_conn.c) passes through the states
 *
 *	HEAD ---> LOOKUP ---> DIAL ---> RELAY ---> LINGER ---> REPORT ---> FREE
 *	read      resolve     connect   copy       send the    report
 *	the       the host    to the    in both    last        to the
 *	request   name        server    directions bytes       parent
 *
 * An error in any state leads to LINGER, with an error response in the buffer, or to REPORT. Names
 * are resolved by child processes (proxy_lookup.c), because the resolver of libc blocks.
 * Connections to servers are made without blocking (proxy_dial.c).
 */
#ifndef EGRESS_PROXY_INTERNAL_H
#define EGRESS_PROXY_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "egress/egress.h"
#include "egress/limits.h"
#include "egress/proxy_http.h"
#include "os/flow.h"

/* ---- reports to the parent: one datagram each ---- */

enum proxy_verdict {
	PROXY_ALLOWED, /* a connection was established */
	PROXY_REFUSED, /* blocked by the rules */
	PROXY_FAILED,  /* allowed by the rules, but the connection failed */
	PROXY_VERDICTS,
};

enum { PROXY_REASON_MAX = 32, PROXY_MESSAGE_MAX = 512 };

struct proxy_report {
	uint32_t verdict; /* enum proxy_verdict */
	uint32_t port;
	uint64_t sent, received; /* bytes to the server, from the server */
	int64_t duration_ms;
	/* Each text ends in a NUL and may be "". */
	char method[PROXY_METHOD_MAX + 1];
	char host[PROXY_HOST_MAX + 1];
	char address[ADDRESS_TEXT_MAX];
	char reason[PROXY_REASON_MAX];
	char message[PROXY_MESSAGE_MAX];
};

/* ---- the process ---- */

struct proxy_setup {
	int listen_fd;
	int reports;
	const struct egress *allow;
};

/* The process's main function. `setup` is a struct proxy_setup. Returns the exit status. */
int proxy_inside(void *setup);

enum proxy_state {
	PROXY_FREE,
	PROXY_HEAD,
	PROXY_LOOKUP,
	PROXY_DIAL,
	PROXY_RELAY,
	PROXY_LINGER,
	PROXY_REPORT,
};

/* A descriptor and the events that the loop watches. */
struct proxy_watched {
	int fd;        /* -1: none; owned */
	uint32_t mask; /* of epoll; 0: not registered */
	uint64_t token;
};

/* The addresses of one family, tried one after the other. The two families race. */
struct proxy_lane {
	struct proxy_watched socket;
	bool is_ipv6;
	bool over;
	size_t next;         /* index in addresses of the connection */
	int64_t start_ms;    /* earliest start; CLOCK_NEVER until the other lane allows it */
	int64_t deadline_ms; /* of the current attempt */
};

struct proxy_conn {
	enum proxy_state state;
	uint32_t generation; /* detects events for an earlier connection in this slot */
	struct proxy_watched client, server;
	struct flow up, down;
	struct proxy_request request;
	char name[EGRESS_HOST_MAX + 1]; /* the host in canonical form */
	bool answer_due;                /* the server's final head has not been received yet */
	bool hello_due;                 /* nothing is sent before a ClientHello with this name */
	int64_t since_ms, deadline_ms;

	uint64_t turn; /* place in the queue for lookups */
	bool looking;  /* a lookup is in progress for it */
	struct address addresses[LIMIT_PROXY_ADDRESSES];
	size_t address_count;
	struct proxy_lane lanes[2];
	int connect_errno; /* of the last attempt */
	bool broken;       /* the response to the client is truncated: close with a reset */

	struct proxy_report report;
};

struct proxy_lookup {
	pid_t pid; /* 0: no lookup in progress */
	struct proxy_watched answer;
	int64_t deadline_ms;
	unsigned conn;
	uint32_t generation; /* of that connection */
};

struct proxy_server {
	int epoll;
	struct proxy_watched listener, reports;
	int64_t accept_ms; /* earliest next accept, if descriptors or memory ran out */
	bool finishing;
	const struct egress *allow;
	uint64_t sent;            /* to all servers so far */
	struct proxy_conn *conns; /* LIMIT_PROXY_CONNECTIONS items */
	char *buffers;            /* two for each connection */
	unsigned active;
	uint64_t turns;
	struct proxy_lookup lookups[LIMIT_PROXY_LOOKUPS];
};

/* The object that an event is about. */
enum proxy_role {
	PROXY_ROLE_LISTENER,
	PROXY_ROLE_REPORTS,
	PROXY_ROLE_LOOKUP,
	PROXY_ROLE_CLIENT,
	PROXY_ROLE_SERVER,
	PROXY_ROLE_LANE, /* the next value is the second lane */
};

/* ---- proxy_serve.c ---- */

uint64_t proxy_token(enum proxy_role role, unsigned index, uint32_t generation);
unsigned proxy_index(const struct proxy_server *s, const struct proxy_conn *c);
/* Watch for these events of epoll. 0: do not watch, not even for errors. */
void proxy_watch(struct proxy_server *s, struct proxy_watched *w, uint32_t mask);
void proxy_unwatch_and_close(struct proxy_server *s, struct proxy_watched *w);
/* Send a report to the parent. False: not possible now; EPOLLOUT on the report socket follows. */
bool proxy_tell(struct proxy_server *s, const struct proxy_report *report);

/* ---- proxy_conn.c ---- */

void proxy_conn_begin(struct proxy_server *s, struct proxy_conn *c, int client_fd);
void proxy_conn_event(struct proxy_server *s, struct proxy_conn *c);    /* a socket is ready */
void proxy_conn_resolved(struct proxy_server *s, struct proxy_conn *c); /* addresses are known */
void proxy_conn_dialled(struct proxy_server *s, struct proxy_conn *c);  /* server.fd is connected */
void proxy_conn_expire(struct proxy_server *s, struct proxy_conn *c);   /* its deadline passed */
void proxy_conn_end(struct proxy_server *s, struct proxy_conn *c);      /* close and report */
void proxy_conn_report(struct proxy_server *s, struct proxy_conn *c);   /* try to send again */
void proxy_conn_stop(struct proxy_server *s, struct proxy_conn *c);     /* the run is over */

/* End an attempt without a connection: send the client an error, and set the report. */
void proxy_conn_refuse(struct proxy_server *s, struct proxy_conn *c, enum proxy_verdict verdict,
	const char *reason, unsigned status, const char *fmt, ...) PRINTF_LIKE(6, 7);

/* ---- proxy_lookup.c ---- */

/* Start waiting lookups, up to the limit of concurrent lookups. */
void proxy_lookup_start(struct proxy_server *s);
void proxy_lookup_event(struct proxy_server *s, struct proxy_lookup *l);
void proxy_lookup_expire(struct proxy_server *s, struct proxy_lookup *l);
void proxy_lookup_end(struct proxy_server *s, struct proxy_lookup *l); /* kill and reap */

/* ---- proxy_dial.c ---- */

void proxy_dial_start(struct proxy_server *s, struct proxy_conn *c);
void proxy_dial_event(struct proxy_server *s, struct proxy_conn *c, unsigned lane);
int64_t proxy_dial_deadline(const struct proxy_conn *c);
void proxy_dial_tick(struct proxy_server *s, struct proxy_conn *c, int64_t now_ms);
void proxy_dial_end(struct proxy_server *s, struct proxy_conn *c);

#endif
