/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/endpoint.h"

#include <string.h>
#include <strings.h>

#include "base/num.h"
#include "base/text.h"

enum { QUOTED_MAX = 100, PORT_MAX = 65535, SSH_PORT = 22 };

static const struct {
	const char *prefix;
	enum endpoint_scheme scheme;
	unsigned port;
} schemes[] = {{"http://", ENDPOINT_HTTP, 80}, {"https://", ENDPOINT_HTTPS, 443}};

static void endpoint_release(struct endpoint *p)
{
	free(p->user);
	free(p->host);
	free(p->text);
}

#define auto_endpoint __attribute__((cleanup(endpoint_release)))

void endpoints_release(struct endpoints *list)
{
	for (size_t i = 0; i < list->count; i++)
		endpoint_release(&list->items[i]);
	free(list->items);
	*list = (struct endpoints){0};
}

static void append(struct endpoints *list, struct endpoint *p)
{
	list->items = mem_resize(list->items, list->count + 1, sizeof(*list->items));
	list->items[list->count++] = *p;
	*p = (struct endpoint){0};
}

/* The part after the scheme; NULL: no known scheme. */
static const char *skip_scheme(const char *url, struct endpoint *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
		size_t len = strlen(schemes[i].prefix);

		if (strncasecmp(url, schemes[i].prefix, len) == 0) {
			p->scheme = schemes[i].scheme;
			p->port = schemes[i].port;
			return url + len;
		}
	}
	return NULL;
}

/* "user:password@host" is not repeated in the message, because it may contain a secret. */
static int refuse_user(const char *authority, struct err *e)
{
	auto_free char *host = text_safe(strrchr(authority, '@') + 1, QUOTED_MAX);

	return err_set(e, ERR_INPUT,
		"the URL of host '%s' has a user or a password in it: URLs are logged; use a "
		"secret",
		host);
}

int endpoints_add_url(struct endpoints *list, const char *url, struct err *e)
{
	auto_endpoint struct endpoint p = {.text = mem_strdup(url)};
	auto_free char *quoted = text_safe(url, QUOTED_MAX);
	const char *start = skip_scheme(url, &p);

	if (!start)
		return err_set(e, ERR_INPUT, "URL '%s' is neither http:// nor https://", quoted);
	p.host = mem_strndup(start, strcspn(start, "/?#\\"));
	if (strchr(p.host, '@'))
		return refuse_user(p.host, e);
	if (endpoint_split_port(p.host, &p.port) < 0)
		return err_set(e, ERR_INPUT, "'%s' has an invalid port after the colon", quoted);
	append(list, &p);
	return 0;
}

int endpoint_split_port(char *host, unsigned *port)
{
	char *colon = host[0] == '[' ? NULL : strchr(host, ':');
	struct err ignored = {0};
	uint64_t number;

	if (!colon || strchr(colon + 1, ':'))
		return 0;
	if (num_parse_u64(colon + 1, PORT_MAX, &number, &ignored) < 0 || number == 0)
		return -1;
	*colon = '\0';
	*port = (unsigned)number;
	return 0;
}

void endpoints_add_login(struct endpoints *list, const char *login)
{
	const char *at = strchr(login, '@');
	struct endpoint p = {.scheme = ENDPOINT_SSH,
		.user = at ? mem_strndup(login, (size_t)(at - login)) : NULL,
		.host = mem_strdup(at ? at + 1 : login),
		.port = SSH_PORT,
		.text = mem_strdup(login)};

	append(list, &p);
}
