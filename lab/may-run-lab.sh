#!/bin/sh
# Says in one sentence why there can be no lab here, before anything is installed for one.
set -eu

refuse() {
    echo "flstr: $1" >&2
    exit 1
}

[ "$(uname)" = Linux ] || refuse "the lab needs Linux, because its hosts are Linux namespaces; this is $(uname)"
[ "$(id -u)" -eq 0 ] || refuse "the lab needs root, because it makes network namespaces and mounts: run make with sudo"
command -v dpkg-query >/dev/null || refuse "the lab needs Debian, whose packages its hosts are made of"
