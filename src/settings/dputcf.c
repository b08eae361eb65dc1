/* SPDX-License-Identifier: Apache-2.0 */
#include "settings/dputcf.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "settings/clientfile.h"

enum { SHOWN_MAX = 80 };

static int get(const char *file, const char *section, const char *key, char **ret, struct err *e)
{
	struct client_setting s = {.file = file, .section = section, .key = key};

	if (clientfile_get(&s, ret, e) < 0)
		return -1;
	if (*ret)
		return 0;
	s.section = "DEFAULT";
	return clientfile_get(&s, ret, e);
}

/* With "*", dput logs in as the user that it runs as, as ssh does by itself. */
static bool names_user(const char *login)
{
	return login && strcmp(login, "*") != 0;
}

static char *by_ssh(const char *host, const char *path, const char *login)
{
	const bool user = names_user(login);

	return mem_printf("%s%s%s:%s", user ? login : "", user ? "@" : "", host, path);
}

static char *by_web(const char *method, const char *host, const char *path)
{
	return mem_printf("%s://%s%s%s", method, host, path[0] == '/' ? "" : "/", path);
}

static int refuse_method(const char *file, const char *name, const char *method, struct err *e)
{
	auto_free char *shown = text_safe(name, SHOWN_MAX), *other = text_safe(method, SHOWN_MAX);

	return err_set(e, ERR_INPUT,
		"%s: [%s] has the method '%s'; uploads are possible by sftp, scp, http and https",
		file, shown, other);
}

int dputcf_target(const char *file, const char *name, char **ret, struct err *e)
{
	auto_free char *host = NULL, *path = NULL, *method = NULL, *login = NULL;

	*ret = NULL;
	if (get(file, name, "fqdn", &host, e) < 0 || get(file, name, "incoming", &path, e) < 0 ||
		get(file, name, "method", &method, e) < 0 ||
		get(file, name, "login", &login, e) < 0)
		return -1;
	if (!host || !path)
		return 0;
	if (!method) /* dput's own */
		method = mem_strdup("ftp");
	if (strcmp(method, "sftp") == 0 || strcmp(method, "scp") == 0)
		*ret = by_ssh(host, path, login);
	else if (strcmp(method, "http") == 0 || strcmp(method, "https") == 0)
		*ret = by_web(method, host, path);
	else
		return refuse_method(file, name, method, e);
	return 0;
}
