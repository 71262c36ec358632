// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#include <linux/mip4.h>

#include "mipctl/nl.h"
#include "mipctl/print.h"

static const char version_help[] =
	"Usage: mipctl version\n"
	"Prints the versions of this tool, of the loaded module and of the kernel.\n";

static int on_version(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *tb[MIP4_A_MAX + 1];

	nl_tb_genl(nlh, tb, MIP4_A_MAX);
	snprintf(data, 64, "%s", nl_str(tb[MIP4_A_VERSION]));
	return CTL_OK;
}

static int version_run(struct args *a)
{
	char module[64] = "";
	struct nl_req req;
	struct utsname un;
	int rc, err;

	rc = arg_end(a);
	if (rc)
		return rc;
	uname(&un);
	err = nl_family();
	if (err && err != -ENOENT) {
		ctl_err("netlink family mip4: %s", strerror(-err));
		return CTL_KERNEL;
	}
	if (!err) {
		rc = nl_genl(&req, MIP4_CMD_VERSION_GET, 0, NULL, 0);
		if (!rc)
			rc = nl_talk(&req, "version", on_version, module);
		if (rc)
			return rc;
	}
	pr_array_begin();
	pr_begin();
	pr_str(PR_PLAIN, "mipctl", "mipctl", MIP4_VERSION);
	if (*module)
		pr_str(PR_PLAIN, "module", "module", module);
	else
		pr_text("module not loaded");
	pr_str(PR_PLAIN, "kernel", "kernel", un.release);
	pr_end();
	pr_array_end();
	if (err)
		ctl_warn("mip4 module not loaded (modprobe mip4)");
	else if (*module && strcmp(module, MIP4_VERSION))
		ctl_warn("mipctl %s and module %s are of different versions; install both from one "
			 "release and reload the module (rmmod mip4, modprobe mip4)", MIP4_VERSION,
			 module);
	return CTL_OK;
}

static const struct command version_commands[] = {
	{ "", NULL, version_run, NULL },
	{ NULL, NULL, NULL, NULL },
};

const struct object version_object = { "version", version_help, version_commands, NULL };
