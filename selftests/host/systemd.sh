#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The unit as it is shipped, with all that it forbids, under systemd itself: a home agent starts, reloads, restarts and
# is killed, while tunnels go on by the socket that systemd keeps for it.
#
#   cn ── ha: systemd, mip4d@ha ══ UDP 434 ══ pma1: mipctl socket hold ── dev
# timeout: 300

# shellcheck source=selftests/kernel/lib.sh
. "$(dirname "$0")/../kernel/lib.sh"

[ -x /lib/systemd/systemd ] || tap_skip_all "needs systemd"
grep -qw cgroup2 /proc/filesystems || tap_skip_all "needs control groups"
conf=/etc/mip4/ha.conf
init=
MIPCTL=/usr/local/sbin/mipctl

tap_cleanup()
{
	exec 2> /dev/null
	[ -z "$init" ] || within journalctl --no-pager > "$MIP4_OUT/journal"
	# with all that it has started: it takes no other signal for an end
	[ -z "$init" ] || kill -KILL "$init"
	kill_jobs
	end_namespaces
}

# What 'make install' puts there, without the module, which is loaded.
install_unit()
{
	install -D "$MIP4_TOP/agent/mip4d" "$MIP4_TOP/agent/mipctl/mipctl" -t /usr/local/sbin &&
		mkdir -p /usr/local/lib/systemd/system &&
		sed 's,@SBINDIR@,/usr/local/sbin,g' "$MIP4_TOP/packaging/systemd/mip4d@.service" \
			> /usr/local/lib/systemd/system/mip4d@.service &&
		systemd-sysusers "$MIP4_TOP/packaging/systemd/mip4.sysusers"
}

# The system's first process in a container, as far as it can tell, which sets no clock; of its units only what an agent
# wants.
boot()
{
	local unit

	mkdir -p /run/systemd/system
	for unit in systemd-udevd.service systemd-udev-trigger.service systemd-udevd-{control,kernel}.socket; do
		ln -s /dev/null "/run/systemd/system/$unit"
	done
	# shellcheck disable=SC2016
	spawn ha unshare --mount --pid --cgroup --ipc --uts --fork --kill-child --mount-proc sh -c '
		mount -t cgroup2 cgroup2 /sys/fs/cgroup && mount -t tmpfs tmpfs /tmp &&
		export container=mip4 && exec setpriv --bounding-set=-sys_time,-sys_boot \
			/lib/systemd/systemd --unit=basic.target' > "$MIP4_OUT/systemd" 2>&1
	init=$!
}

# within CMD...: beside that first process
within()
{
	local first

	first=$(pgrep -P "$init") && nsenter -t "$first" --all -- "$@"
}

# configure POOL [LINE]
configure()
{
	cat > $conf <<- END
		home-agent = true
		${2-}
		network red {
			nai = "*@red.example"  device = mip0  home-agent-address = $HA
			gateway = 10.0.0.1  prefix-length = 24  pool = "$1"
		}
		peer $PMA1 { per-node = true  spi 0x100 { key-file = "/etc/mip4/key" } }
	END
}

property()
{
	within systemctl show -P "$1" mip4d@ha
}

# The socket of port 434, whoever has it: its inode
inode()
{
	n ha ss -Hlune "sport = :434" 2> /dev/null | sed -n 's/.* ino:\([0-9]*\) .*/\1/p'
}

# steady CMD...: succeeds, and no packet of a stream is lost meanwhile
steady()
{
	local ping status=0

	spawn dev ping -q -n -i 0.05 -W 2 $CN > /tmp/steady
	ping=$!
	"$@" || status=$?
	pings dev $CN 10
	kill -INT $ping
	wait $ping
	cat /tmp/steady
	[ $status = 0 ] && awk '/transmitted/ { exit !($1 > 10 && $1 - $4 <= 1) }' /tmp/steady
}

killed()
{
	local before

	before=$(property MainPID)
	within kill -KILL "$before" && tap_wait 60 "another" eval "[ \$(property MainPID) -gt 0 ] &&
		[ \$(property MainPID) != $before ] && [ \$(property ActiveState) = active ]"
}

tap_check "the unit and its group" install_unit
tap_check "module, routers, device" eval "{ [ -d /sys/module/mip4 ] || load; } && topology" || tap_end
ip -n radio link set dev pma2 down
(umask 077; head -c 32 /dev/urandom | od -An -v -tx1 > /etc/mip4/key)
configure 10.0.0.100-10.0.0.200
boot
tap_check "systemd" tap_wait 120 "its targets" within systemctl is-active basic.target || tap_end

tap_stage "start"
tap_check "it starts, and says when it is ready" within systemctl start mip4d@ha ||
	{ tap_diag "$(within journalctl --no-pager -u mip4d@ha)"; tap_end; }
tap_is "the unit is active" "$(property ActiveState) $(property StatusText)" "active "
tap_check "the command finds it by its name" within mipctl agent name ha version
tap_is "root without root's powers" "$(sed -n 's/^CapBnd:[[:space:]]*0*//p' "/proc/$(pgrep -x mip4d)/status")" 3400
tap_is "the control socket is for a group" "$(within stat -c '%U %G' /run/mip4/ha.sock)" "root mip4"
tap_is "systemd keeps its socket" "$(property NFileDescriptorStore)" 1

tap_stage "tunnels by its socket"
tap_check "bindings by hand" eval "ctl ha binding add dev mip0 home $DEV_IP peer $PMA1 encap udp &&
	ctl pma1 binding add dev mip0 home $DEV_IP port port mac $DEV_MAC gateway $HOME_GW/24 peer $HA encap udp"
spawn pma1 $MIPCTL socket hold dev mip0 > /tmp/hold 2>&1
tap_check "dev pings cn" tap_wait 20 "a reply" pings dev $CN 1
before=$(inode)
tap_check "it restarts: no packet is lost" steady within systemctl restart mip4d@ha
tap_is "the socket is as before" "$(inode)" "$before"
tap_check "it is killed, and comes back: no packet is lost" steady killed
tap_is "the socket is as before" "$(inode)" "$before"
tap_check "and it answers" within mipctl agent name ha version

tap_stage "reload"
pid=$(property MainPID)
configure 10.0.0.100-10.0.0.150
tap_check "what is right is taken" within systemctl reload mip4d@ha
configure 10.0.0.100-10.0.0.150 "nonsense = true"
tap_check "what is wrong is refused" eval '! within systemctl reload mip4d@ha'
tap_check "by file and line" eval "within journalctl --no-pager -u mip4d@ha | tap_grep -F '$conf:2: unknown option'"
tap_is "the agent goes on" "$(property ActiveState) $(property MainPID)" "active $pid"
tap_check "so does the device" pings dev $CN
tap_check "nor does it start so" eval '! within systemctl restart mip4d@ha'

tap_stage "end"
configure 10.0.0.100-10.0.0.150
tap_check "it starts again" within systemctl restart mip4d@ha
tap_check "it stops" within systemctl stop mip4d@ha
tap_is "the unit is inactive, without a failure" "$(property ActiveState) $(property Result)" "inactive success"
tap_is "and its socket closed" "$(inode)" ""
tap_end
