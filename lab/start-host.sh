#!/bin/sh
# Starts one host; called as: unshare --mount --propagation slave start-host.sh GROUP IMAGE DISK COMMAND...
# What is mounted here is in a mount namespace of the host's own, so it ends with the host's last process.
set -eu
group=$1 image=$2 disk=$3
shift 3

echo $$ >"$group/cgroup.procs"

# An overlay mounted "volatile" (no sync to disk) is mounted again only with a fresh work folder.
rm -rf "$disk/work"
mkdir "$disk/work"
mount -t overlay -o "lowerdir=$image,upperdir=$disk/upper,workdir=$disk/work,volatile" flstr-lab "$disk/root"

# systemd-nspawn leaves folders of each container here.
mkdir -p /run/systemd/nspawn
mount -t tmpfs -o mode=0755 flstr-lab /run/systemd/nspawn

exec "$@"
