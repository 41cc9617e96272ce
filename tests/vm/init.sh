#!/bin/busybox sh
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash
# What a test's virtual machine starts with: runs /test.sh, says how that ended, switches it off.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run
ip link set lo up
while read -r module; do
	insmod "/modules/$module.ko" || echo "no module $module"
done </modules/order
sh /test.sh
echo "guest: exit $?"
poweroff -f
