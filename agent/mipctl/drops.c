// SPDX-License-Identifier: GPL-2.0-only
/* The named drop counters of a mip4 device, which are its ethtool -S strings. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/ethtool.h>
#include <linux/sockios.h>

#include "mipctl/link.h"
#include "mipctl/print.h"

static int ethtool(int fd, const char *dev, void *cmd)
{
	struct ifreq ifr = { .ifr_data = cmd };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", dev);
	return ioctl(fd, SIOCETHTOOL, &ifr) ? -errno : 0;
}

static unsigned int count_strings(int fd, const char *dev)
{
	struct {
		struct ethtool_sset_info info;
		uint32_t len;
	} set = { .info = { .cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ULL << ETH_SS_STATS } };

	return !ethtool(fd, dev, &set) && set.info.sset_mask ? set.len : 0;
}

static void print_all(const struct ethtool_gstrings *names, const struct ethtool_stats *stats,
		      bool all)
{
	bool any = false;
	char name[ETH_GSTRING_LEN + 1];
	const char *reason;
	unsigned int i;

	pr_open_object("drops");
	for (i = 0; i < names->len && i < stats->n_stats; i++) {
		if (!stats->data[i] && !all)
			continue;
		snprintf(name, sizeof(name), "%.*s", ETH_GSTRING_LEN,
			 (const char *)names->data + i * ETH_GSTRING_LEN);
		reason = strncmp(name, "drop_", 5) ? name : name + 5;
		if (!any) {
			pr_line();
			pr_text("drops:");
		}
		any = true;
		pr_count(reason, reason, stats->data[i]);
	}
	pr_close();
}

void drops_print(uint32_t index, bool all)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ethtool_gstrings *names = NULL;
	struct ethtool_stats *stats = NULL;
	const char *dev = dev_name(index);
	unsigned int n;
	int err;

	if (fd < 0) {
		ctl_warn("%s: drop counters: %s", dev, strerror(errno));
		return;
	}
	n = count_strings(fd, dev);
	if (!n)
		goto out;
	names = calloc(1, sizeof(*names) + (size_t)n * ETH_GSTRING_LEN);
	stats = calloc(1, sizeof(*stats) + (size_t)n * sizeof(uint64_t));
	if (!names || !stats)
		goto out;
	names->cmd = ETHTOOL_GSTRINGS;
	names->string_set = ETH_SS_STATS;
	names->len = n;
	stats->cmd = ETHTOOL_GSTATS;
	stats->n_stats = n;
	err = ethtool(fd, dev, names);
	if (!err)
		err = ethtool(fd, dev, stats);
	if (err)
		ctl_warn("%s: drop counters: %s", dev, strerror(-err));
	else
		print_all(names, stats, all);
out:
	free(names);
	free(stats);
	close(fd);
}
