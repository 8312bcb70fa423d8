#!/bin/sh
# A host of the benchmark, run as `unshare --mount --pid` starts it: host.sh KEEP STAND-INS COMMAND…
# The command sees a /run, /tmp, /var/lib and /etc/systemd/system of its own, and systemctl is a stand-in.
set -eu
keep=$1 stand_ins=$2
shift 2

mount -t tmpfs host /run
mkdir /run/sshd /run/units /run/keep
mount --bind "$keep" /run/keep
cp "$stand_ins"/*.sh /run/units
cp /etc/passwd /etc/group /run

for place in /tmp /var/lib /etc/systemd/system /usr/local/sbin; do
    mount -t tmpfs host "$place"
done
mkdir -p "$keep"
mount --move /run/keep "$keep"

for program in /run/units/*.sh; do
    name=${program##*/}
    mv "$program" "/usr/local/sbin/${name%.sh}"
done
chmod 755 /usr/local/sbin/*

# As on a host that flstr has built on before; useradd would write to the machine's own file.
echo 'flstr-build:x:64999:64999::/nonexistent:/usr/sbin/nologin' >>/run/passwd
echo 'flstr-build:x:64999:' >>/run/group
mount --bind /run/passwd /etc/passwd
mount --bind /run/group /etc/group

exec "$@"
