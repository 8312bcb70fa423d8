#!/bin/sh
# Installs the Debian packages that are missing: `demo` names those of the lab, `test` those of the tests as well.
# Their services are not started, and not enabled: the lab's hosts run them, not this machine.
set -eu

demo="apt-utils ca-certificates etcd-client etcd-server git gpg gpg-agent iproute2 mmdebstrap openssh-client pebble python3-venv systemd-container util-linux"
test="$demo chromium curl fonts-dejavu-core fonts-noto-color-emoji haproxy hcloud-cli nginx-light openssh-server openssl shellcheck
    redis-server strace tinc"

case ${1:-demo} in
demo) wanted=$demo ;;
test) wanted=$test ;;
*)
    echo "usage: $0 demo|test" >&2
    exit 2
    ;;
esac

if ! command -v dpkg-query >/dev/null; then
    echo "flstr: this is not Debian, so its packages are not installed, and what needs them is left out: $wanted" >&2
    exit 0
fi

missing=
for package in $wanted; do
    dpkg-query --show --showformat '${Status}' "$package" 2>/dev/null | grep -q ' installed$' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    echo "flstr: without root these Debian packages cannot be installed, and what needs them is left out:$missing" >&2
    exit 0
fi
echo "installing$missing"

policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 # a list of names
apt-get install -y -qq --no-install-recommends $missing >/dev/null

for package in $missing; do
    for service in etcd haproxy nginx redis-server ssh; do
        case $package in
        "$service" | "$service"-server | "$service"-light | open"$service"-server)
            if [ -d /run/systemd/system ]; then systemctl --quiet disable "$service"; fi
            ;;
        esac
    done
done
