/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Java: what a build by Maven fetches. Maven knows what it needs only when it runs: a test provider
 * is fetched when the first test starts. So the build runs in the machine that fetches, once, with
 * the whole source, and its result is ignored.
 */
#include <string.h>

#include "actions/table.h"
#include "base/mem.h"
#include "contract/ecosystem.h"

#define PLACE GUEST_DEPS "/maven"

/* ---- the mirror in settings.xml ---- */

/* What stands between <NAME> and </NAME> in a part of a text. */
struct span {
	const char *at;
	size_t len;
};

static bool find_element(struct span in, const char *name, struct span *ret)
{
	auto_free char *open = mem_printf("<%s>", name), *close = mem_printf("</%s>", name);
	const char *start = memmem(in.at, in.len, open, strlen(open)), *end;

	if (!start)
		return false;
	start += strlen(open);
	end = memmem(start, in.len - (size_t)(start - in.at), close, strlen(close));
	*ret = (struct span){start, end ? (size_t)(end - start) : 0};
	return end;
}

/* The caller frees. */
static char *text_of(struct span s)
{
	static const char white[] = " \t\r\n";
	auto_free char *all = mem_strndup(s.at, s.len);
	const char *start = all + strspn(all, white);
	size_t len = strlen(start);

	while (len > 0 && strchr(white, start[len - 1]))
		len--;
	return mem_strndup(start, len);
}

/*
 * "*", "external:*" or "central", among others, from which central is not excepted. "external:http:*",
 * by which mvn itself blocks what is not encrypted, is not of central.
 */
static bool is_of_central(const char *mirror_of)
{
	auto_free char *list = mem_strdup(mirror_of);
	bool found = false;
	char *save = NULL;

	for (char *name = strtok_r(list, ", \t\r\n", &save); name;
		name = strtok_r(NULL, ", \t\r\n", &save)) {
		if (strcmp(name, "!central") == 0)
			return false;
		found |= strcmp(name, "*") == 0 || strcmp(name, "central") == 0 ||
			strcmp(name, "external:*") == 0;
	}
	return found;
}

/* Comments are blanks. */
static char *without_comments(const char *text)
{
	char *copy = mem_strdup(text), *start = copy;

	while ((start = strstr(start, "<!--"))) {
		char *end = strstr(start, "-->");

		memset(start, ' ', end ? (size_t)(end - start) + 3 : strlen(start));
	}
	return copy;
}

/* The first mirror that mvn would take for its own repository. */
static char *find_mirror(const char *settings)
{
	auto_free char *text = without_comments(settings);
	struct span left = {text, strlen(text)}, mirror, part;

	while (find_element(left, "mirror", &mirror)) {
		auto_free char *of = find_element(mirror, "mirrorOf", &part) ? text_of(part) : NULL;
		const char *end = mirror.at + mirror.len;

		if (of && is_of_central(of) && find_element(mirror, "url", &part))
			return text_of(part);
		left.len -= (size_t)(end - left.at);
		left.at = end;
	}
	return NULL;
}

static const struct client_setting settings_of_maven[] = {
	{.file = "~/.m2/settings.xml", .find = find_mirror},
	{.file = "/etc/maven/settings.xml", .find = find_mirror},
	{0},
};

const struct ecosystem ecosystem_maven = {
	.name = "maven",
	.client = "mvn",
	.address = "https://repo.maven.apache.org/maven2",
	.probe = "org/apache/maven/maven/maven-metadata.xml",
	.settings = settings_of_maven,
};

/* ---- maven_fetch ---- */

static const struct param params[] = {
	{.name = "goals",
		.type = PARAM_STRING,
		.not_empty = true,
		.preset = "verify -Dmaven.test.failure.ignore=true",
		.help = "what mvn does to learn what it needs: goals, phases and options"},
	{0},
};

/*
 * Java knows neither the variables of a proxy nor certificates in PEM. A program of one file makes
 * its trust store from them: keytool would be started once for each. Without --strict-checksums,
 * Maven 3 uses a file whose checksum is wrong, with a warning.
 */
static const char script[] =
	"top=$(mktemp -d)\n"
	"proxy() { echo \"<proxy><id>$1</id><active>true</active><protocol>$1</protocol>"
	"<host>127.0.0.1</host><port>${https_proxy##*:}</port></proxy>\"; }\n"
	"{\n"
	"	echo '<settings><mirrors><mirror><id>ambient</id><mirrorOf>*</mirrorOf>'\n"
	"	echo \"<url>$AMBIENT_REGISTRY</url></mirror></mirrors><proxies>\"\n"
	"	proxy http\n"
	"	proxy https\n"
	"	echo '</proxies></settings>'\n"
	"} >\"$top/settings.xml\"\n"
	"set -f\n"
	"set -- $AMBIENT_GOALS\n"
	"if [ -n \"${SSL_CERT_FILE-}\" ]; then\n"
	"	cat >\"$top/Trust.java\" <<-'END'\n"
	"	import java.io.*;\n"
	"	import java.security.*;\n"
	"	import java.security.cert.*;\n"
	"	class Trust {\n"
	"		public static void main(String[] a) throws Exception {\n"
	"			KeyStore store = KeyStore.getInstance(\"PKCS12\");\n"
	"			int n = 0;\n"
	"			store.load(null, null);\n"
	"			for (var c : CertificateFactory.getInstance(\"X.509\")"
	".generateCertificates(new FileInputStream(a[0])))\n"
	"				store.setCertificateEntry(\"c\" + n++, c);\n"
	"			store.store(new FileOutputStream(a[1]), "
	"\"changeit\".toCharArray());\n"
	"		}\n"
	"	}\n"
	"	END\n"
	"	java \"$top/Trust.java\" \"$SSL_CERT_FILE\" \"$top/trust.p12\"\n"
	"	set -- \"-Djavax.net.ssl.trustStore=$top/trust.p12\" "
	"-Djavax.net.ssl.trustStorePassword=changeit \"$@\"\n"
	"fi\n"
	"mvn --batch-mode --no-transfer-progress --strict-checksums "
	"--settings \"$top/settings.xml\" --global-settings \"$top/settings.xml\" "
	"\"-Dmaven.repo.local=" PLACE "\" \"$@\"\n"
	"find " PLACE " -name _remote.repositories -delete\n"
	"rm -rf \"$top\"\n";

static int expand(
	const struct entry *entry, const struct node *settings, struct plan *out, struct err *e)
{
	struct node *step;
	const char *address;

	if (actions_registry(entry, settings, &address, e) < 0)
		return -1;
	step = actions_add_script(entry, script, out);
	actions_set_variable(step, "AMBIENT_REGISTRY", address);
	actions_set_variable(step, "AMBIENT_GOALS", schema_text(params, entry->args, "goals"));
	return 0;
}

static const struct action_variable gives[] = {
	{.name = "MAVEN_OPTS",
		.value = "-Dmaven.repo.local=" PLACE,
		.help = "where mvn finds what was fetched"},
	{.name = "MAVEN_ARGS", .value = "--offline", .help = "mvn reaches no registry, since 3.9"},
	{0},
};

const struct action action_maven_fetch = {
	.name = "maven_fetch",
	.summary = "Download what a build by Maven needs, by running it once.",
	.where = IN_PRE,
	.fetches = true,
	.whole_source = true,
	.determined = true,
	.ecosystem = &ecosystem_maven,
	.gives = gives,
	.params = params,
	.expand = expand,
	.reach = actions_reach_registry,
};
