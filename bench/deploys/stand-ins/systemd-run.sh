#!/bin/sh
# Stands in for systemd-run --wait where no systemd runs: the command, in its folder, with its log, and no sandbox.
set -eu
folder=/ log=/dev/null
while [ "$#" -gt 0 ]; do
    case $1 in
    --property=WorkingDirectory=*) folder=${1#*=*=} ;;
    --property=StandardOutput=append:*) log=${1#*append:} ;;
    --setenv=*) export "${1#*=}" ;;
    -*) ;;
    *) break ;;
    esac
    shift
done
cd "$folder"
exec "$@" >>"$log" 2>&1
