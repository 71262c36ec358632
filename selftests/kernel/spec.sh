#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Documentation/netlink/specs/mip4.yaml lists what uapi/linux/mip4.h does, in the same order.
#
# The YAML is read by its layout, so that no parser is needed: a list of names below a name-prefix is an enum.

. "$(dirname "$0")/../lib/tap.sh"

cd "$(dirname "$0")/../.." || exit 1
header=uapi/linux/mip4.h
spec=Documentation/netlink/specs/mip4.yaml

# every entry of the header's enums of this prefix, in order, without the sentinels
from_header()
{
	sed -n "s/^\t\($1[A-Z0-9_]*\).*/\1/p" "$header"
}

# the same by the spec; attribute sets begin with an UNSPEC that it leaves out
from_spec()
{
	awk -v want="$1" '
		/^definitions:|^attribute-sets:|^operations:|^mcast-groups:/ { part = $1; on = 0 }
		/^    name:|^  name:/ { set = $2; on = 0 }
		/name-prefix:/ {
			prefix = toupper($2)
			gsub("-", "_", prefix)
			on = prefix == want
			if (on && part != "definitions:")
				print want "UNSPEC"
			next
		}
		!on { next }
		/^    entries: \[/ {
			gsub(/.*\[|\]/, "")
			n = split($0, list, /, */)
			for (i = 1; i <= n; i++)
				entry(list[i])
		}
		/^      - name:/ { entry($3) }
		part == "attribute-sets:" && /^        name:/ { entry($2) }
		part == "operations:" && /^      name:/ { entry($2) }
		function entry(name) {
			gsub("-", "_", name)
			print want toupper(name)
		}' "$spec"
}

for prefix in MIP4_ENCAP_ MIP4_UNKNOWN_ MIP4_DEL_ MIP4_CMD_ MIP4_A_ MIP4_BINDING_A_ MIP4_ADDR_A_ MIP4_LEG_A_ \
	MIP4_STATS_A_ MIP4_PEER_A_ MIP4_PORT_A_ MIP4_EVENT_A_; do
	tap_check "${prefix}* exist" test -n "$(from_header $prefix)"
	tap_is "${prefix}* agree" "$(from_spec $prefix)" "$(from_header $prefix)"
done
tap_is "MIP4_LEG_* agree" "$(from_spec MIP4_LEG_)" "$(from_header MIP4_LEG_ | grep -v _A_)"
tap_is "MIP4_EVENT_* agree" "$(from_spec MIP4_EVENT_)" "$(from_header MIP4_EVENT_ | grep -v _A_)"
tap_end
