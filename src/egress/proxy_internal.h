/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the files of the proxy's process only. One loop (proxy_serve.c) waits for everything;
 * each connection of the VM (proxy_conn.c) goes
 *
 *	HEAD ---> LOOKUP ---> DIAL ---> RELAY ---> LINGER ---> REPORT ---> FREE
 *	  the request    its name    the server   both ways  our last   told to
 *	  is read        is looked   is called                bytes     the parent
 *	                 up
 *
 * and whatever goes wrong on the way leads to LINGER with a refusal in the buffer, or to REPORT.
 * Names are looked up by children (proxy_lookup.c), because libc's resolver waits; servers are
 * called without waiting (proxy_dial.c).
 */
#ifndef EGRESS_PROXY_INTERNAL_H
#define EGRESS_PROXY_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/limits.h"
#include "egress/egress.h"
#include "egress/proxy_http.h"
#include "os/flow.h"

/* ---- what the parent is told: one datagram each ---- */

enum proxy_verdict {
	PROXY_ALLOWED, /* there was a connection */
	PROXY_REFUSED, /* against the rules */
	PROXY_FAILED,  /* by the rules, but no connection came about */
	PROXY_VERDICTS,
};

enum { PROXY_REASON_MAX = 32, PROXY_MESSAGE_MAX = 512 };

struct proxy_report {
	uint32_t verdict; /* enum proxy_verdict */
	uint32_t port;
	uint64_t sent, received; /* bytes to the server, from the server */
	int64_t duration_ms;
	/* Texts end in a NUL and are "" when there is nothing to say. */
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

/* Its whole life; a struct proxy_setup. The result is its exit status. */
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

/* A descriptor and what the loop watches it for. */
struct proxy_watched {
	int fd;        /* -1: none; owned */
	uint32_t mask; /* of epoll; 0: not watched at all */
	uint64_t token;
};

/* The addresses of one family, tried one after the other; the two families race. */
struct proxy_lane {
	struct proxy_watched socket;
	bool is_ipv6;
	bool over;
	size_t next;         /* in addresses of the connection */
	int64_t start_ms;    /* not before; CLOCK_NEVER until the other lane allows it */
	int64_t deadline_ms; /* of the attempt that goes on */
};

struct proxy_conn {
	enum proxy_state state;
	uint32_t generation; /* so that an event for an earlier one in this place is known */
	struct proxy_watched client, server;
	struct flow up, down;
	struct proxy_request request;
	char name[EGRESS_HOST_MAX + 1]; /* the host in its one form */
	bool answer_due;                /* the server's final head has not come yet */
	int64_t since_ms, deadline_ms;

	uint64_t turn; /* in the queue for lookups */
	bool looking;  /* a lookup goes on for it */
	struct address addresses[LIMIT_PROXY_ADDRESSES];
	size_t address_count;
	struct proxy_lane lanes[2];
	int connect_errno; /* of the last attempt */
	bool broken;       /* what the client has is not whole: it gets a reset, not an end */

	struct proxy_report report;
};

struct proxy_lookup {
	pid_t pid; /* 0: none goes on */
	struct proxy_watched answer;
	int64_t deadline_ms;
	unsigned conn;
	uint32_t generation; /* of that connection */
};

struct proxy_server {
	int epoll;
	struct proxy_watched listener, reports;
	int64_t accept_ms; /* not before, when descriptors or memory ran out */
	bool finishing;
	const struct egress *allow;
	struct proxy_conn *conns; /* LIMIT_PROXY_CONNECTIONS of them */
	char *buffers;            /* two for each */
	unsigned active;
	uint64_t turns;
	struct proxy_lookup lookups[LIMIT_PROXY_LOOKUPS];
};

/* What an event is for. */
enum proxy_role {
	PROXY_ROLE_LISTENER,
	PROXY_ROLE_REPORTS,
	PROXY_ROLE_LOOKUP,
	PROXY_ROLE_CLIENT,
	PROXY_ROLE_SERVER,
	PROXY_ROLE_LANE, /* and the next one, for the second lane */
};

/* ---- proxy_serve.c ---- */

uint64_t proxy_token(enum proxy_role role, unsigned index, uint32_t generation);
unsigned proxy_index(const struct proxy_server *s, const struct proxy_conn *c);
/* Watch it for these events of epoll; 0: leave it alone, even if it breaks. */
void proxy_watch(struct proxy_server *s, struct proxy_watched *w, uint32_t mask);
void proxy_unwatch_and_close(struct proxy_server *s, struct proxy_watched *w);
/* Tell the parent. False: not now; EPOLLOUT on the socket of the reports will come. */
bool proxy_tell(struct proxy_server *s, const struct proxy_report *report);

/* ---- proxy_conn.c ---- */

void proxy_conn_begin(struct proxy_server *s, struct proxy_conn *c, int client_fd);
void proxy_conn_event(struct proxy_server *s, struct proxy_conn *c);    /* client or server moved */
void proxy_conn_resolved(struct proxy_server *s, struct proxy_conn *c); /* addresses are there */
void proxy_conn_dialled(struct proxy_server *s, struct proxy_conn *c);  /* server.fd is there */
void proxy_conn_expire(struct proxy_server *s, struct proxy_conn *c);   /* its deadline passed */
void proxy_conn_end(struct proxy_server *s, struct proxy_conn *c);      /* close and report */
void proxy_conn_report(struct proxy_server *s, struct proxy_conn *c);   /* try again to tell */
void proxy_conn_stop(struct proxy_server *s, struct proxy_conn *c);     /* the run is over */

/* The end of an attempt that brought no connection: tell the client and remember for the report. */
void proxy_conn_refuse(struct proxy_server *s, struct proxy_conn *c, enum proxy_verdict verdict,
	const char *reason, unsigned status, const char *fmt, ...) PRINTF_LIKE(6, 7);

/* ---- proxy_lookup.c ---- */

/* Start as many of the waiting lookups as may go on at a time. */
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
