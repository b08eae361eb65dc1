/* SPDX-License-Identifier: Apache-2.0 */
#include "hostkey/exchange.h"

#include <libssh/libssh.h>
#include <stdbool.h>
#include <string.h>

#include "base/base64.h"
#include "base/mem.h"
#include "base/text.h"

enum { SHOWN_MAX = 200, ALGORITHMS_MAX = 1024, FOREVER_SECONDS = 3600, RSA_BITS_LEAST = 1024 };

/* In the order preferred by ssh(1) if no key is known (HostKeyAlgorithms). */
static const struct {
	const char *type, *algorithms;
} kinds[] = {
	{"ssh-ed25519", "ssh-ed25519"},
	{"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256"},
	{"ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384"},
	{"ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521"},
	{"ssh-rsa", "rsa-sha2-512,rsa-sha2-256"},
};

static bool is_among(const char *type, const char *const *types)
{
	for (; *types; types++)
		if (strcmp(*types, type) == 0)
			return true;
	return false;
}

/* Types with a known key come first. */
static void list_algorithms(const char *const *types, struct buf *ret)
{
	for (int known = 1; known >= 0; known--)
		for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
			if (is_among(kinds[i].type, types) == known)
				buf_addf(ret, "%s%s", ret->len ? "," : "", kinds[i].algorithms);
}

static int complain(ssh_session s, struct err *e)
{
	auto_free char *safe = text_safe(ssh_get_error(s), SHOWN_MAX);

	return err_set(e, ERR_INPUT, "%s", safe);
}

/* Read no files of the user and look up no names: the connection is already open. */
static int set_options(
	ssh_session s, int fd, const char *host, const char *const *types, struct err *e)
{
	const bool no = false;
	const long seconds = FOREVER_SECONDS;
	const int bits = RSA_BITS_LEAST;
	auto_buf struct buf algorithms = {0};

	buf_init(&algorithms, ALGORITHMS_MAX);
	list_algorithms(types, &algorithms);
	if (ssh_options_set(s, SSH_OPTIONS_PROCESS_CONFIG, &no) < 0 ||
		ssh_options_set(s, SSH_OPTIONS_SSH_DIR, "/nonexistent") < 0 ||
		ssh_options_set(s, SSH_OPTIONS_USER, "nobody") < 0 ||
		ssh_options_set(s, SSH_OPTIONS_HOST, host) < 0 ||
		ssh_options_set(s, SSH_OPTIONS_HOSTKEYS, algorithms.data) < 0 ||
		ssh_options_set(s, SSH_OPTIONS_RSA_MIN_SIZE, &bits) < 0 ||
		ssh_options_set(s, SSH_OPTIONS_TIMEOUT, &seconds) < 0 ||
		ssh_options_set(s, SSH_OPTIONS_FD, &fd) < 0)
		return complain(s, e);
	return 0;
}

static int take_key(ssh_session s, struct buf *ret_key, struct err *e)
{
	char *text = NULL;
	ssh_key key = NULL;
	int result = 0;

	if (ssh_get_server_publickey(s, &key) != SSH_OK)
		return complain(s, e);
	if (ssh_pki_export_pubkey_base64(key, &text) != SSH_OK ||
		base64_decode(ret_key, text, strlen(text)) < 0 || ret_key->overflow)
		result = err_set(e, ERR_INPUT, "its key cannot be written");
	ssh_string_free_char(text);
	ssh_key_free(key);
	return result;
}

int exchange_host_key(
	int fd, const char *host, const char *const *types, struct buf *ret_key, struct err *e)
{
	ssh_session s = ssh_new();
	int result;

	if (!s)
		return err_set(e, ERR_HOST, "libssh cannot start");
	result = set_options(s, fd, host, types, e);
	if (result == 0)
		result = ssh_connect(s) == SSH_OK ? take_key(s, ret_key, e) : complain(s, e);
	ssh_disconnect(s);
	ssh_free(s);
	return result;
}
