/* SPDX-License-Identifier: Apache-2.0 */
#include "run/machine_host.h"

#include <string.h>

#include "base/num.h"
#include "jail/jail.h"
#include "machine/bootdisk.h"
#include "os/meminfo.h"
#include "settings/locate.h"
#include "settings/programs.h"

/* The file and the key that configure the memory of a machine. */
static const struct node *memory_node(
	const struct config *config, const struct project *project, const char **ret_file)
{
	const struct node *own = project ? node_get(project->node, "memory") : NULL;

	*ret_file = own ? project->file : NULL;
	return own ? own : node_get(node_get(config->effective, "qemu"), "memory");
}

static uint64_t memory_of(const struct config *config, const struct project *project)
{
	return project && project->memory ? project->memory : config->memory;
}

int machine_check_memory(const struct config *config, const struct project *project, struct err *e)
{
	const uint64_t wanted = memory_of(config, project);
	const char *file;
	const struct node *node = memory_node(config, project, &file);
	auto_free char *why = NULL;
	uint64_t total = 0;

	if (meminfo_total(&total, e) < 0)
		return -1;
	if (wanted <= total)
		return 0;
	why = mem_printf("a machine cannot be given %s: this host has %s, with its swap; lower it",
		num_show_size_beside(wanted, total).s, num_show_size_beside(total, wanted).s);
	if (node && node->line)
		return node_err(node, file, e, "'memory': %s", why);
	return err_set(
		e, ERR_INPUT, "%s: %s", config->options.memory ? "--memory" : "'memory'", why);
}

int machine_host_prepare(const struct config *config, const struct project *project,
	const char *image, const char *image_path, const char *executor,
	struct machine_host *ret_host, struct err *e)
{
	struct machine_host h = {.config = config};

	h.cpus = (unsigned)(project && project->cpus ? project->cpus
						     : config->cpus); /* LIMIT_CPUS */
	h.memory = memory_of(config, project);
	if (machine_check_memory(config, project, e) < 0 ||
		image_open(config->image_store, image, image_path, &h.image, e) < 0 ||
		programs_executor(config, executor, &h.executor, e) < 0 ||
		programs_qemu(config, &h.qemu, e) < 0 ||
		jail_vm_user(config->vm_user, &h.uid, &h.gid, e) < 0 ||
		accel_choose(config, &h.image, &h.accel, e) < 0) {
		machine_host_release(&h);
		return -1;
	}
	if (machine_host_uefi(&h) && bootdisk_check_uefi(e) < 0) {
		machine_host_release(&h);
		return -1;
	}
	image_use(&h.image);
	*ret_host = h;
	return 0;
}

/* What the programs of others do is not known. They must not be where secrets are. */
static int check_trusted(const struct image *image, struct err *e)
{
	if (!image_is_foreign(image))
		return 0;
	return err_set(e, ERR_INPUT,
		"the image '%s' %s: trusted VMs need an image that a recipe makes, like "
		"'" CONFIG_TRUSTED_IMAGE "' (trusted_image)",
		image->name,
		image->boot == IMAGE_BOOT_DISK ? "boots from its own disk"
					       : "was imported, with the programs of others");
}

/* An image without the field was made by an older version: then the guest reports a missing driver. */
static int check_network(const struct image *image, const char *remedy, struct err *e)
{
	if (!image->no_network)
		return 0;
	return err_set(e, ERR_INPUT, "the image '%s' has no driver for a network device: %s",
		image->name, remedy);
}

int machine_host_prepare_trusted(const struct config *config, const struct project *project,
	const char *executor, struct machine_host *ret_host, struct err *e)
{
	const char *image = config->trusted_image;
	struct machine_host h;

	if (machine_host_prepare(
		    config, project, image, strchr(image, '/') ? image : NULL, executor, &h, e) < 0)
		return err_wrap(e, "trusted VM");
	if (check_trusted(&h.image, e) < 0 ||
		check_network(&h.image,
			"trusted VMs need an image like '" CONFIG_TRUSTED_IMAGE "' (trusted_image)",
			e) < 0 ||
		locate_net_tool(h.executor, &h.net_tool, e) < 0) {
		machine_host_release(&h);
		return -1;
	}
	h.certificates = &config->authorities;
	*ret_host = h;
	return 0;
}

int machine_host_prepare_fetch(const struct config *config, const struct project *project,
	const char *executor, struct machine_host *ret_host, struct err *e)
{
	const char *image = project->fetch_image ? project->fetch_image : project->image;
	const char *path = project->fetch_image ? project->fetch_image_path : project->image_path;
	struct machine_host h;

	if (machine_host_prepare(config, project, image, path, executor, &h, e) < 0)
		return err_wrap(e, "actions that fetch");
	if (check_network(&h.image,
		    "actions that fetch need one that this version of ambient has made or "
		    "imported; "
		    "make it again, or set fetch_image",
		    e) < 0) {
		machine_host_release(&h);
		return -1;
	}
	h.certificates = &config->authorities;
	*ret_host = h;
	return 0;
}

bool machine_host_uefi(const struct machine_host *h)
{
	return h->image.boot == IMAGE_BOOT_DISK && (h->image.uefi || h->config->uefi);
}

void machine_host_release(struct machine_host *h)
{
	image_release(&h->image);
	free(h->qemu);
	free(h->executor);
	free(h->net_tool);
	*h = (struct machine_host){0};
}
