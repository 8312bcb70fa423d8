#!/bin/dash
# Stands in for systemctl where no systemd runs: starts what a unit's ExecStart names, and remembers its process.
set -eu
units=/etc/systemd/system
wanted=$units/multi-user.target.wants
kept=/run/units

verb='' names='' properties='' only_value=''
while [ "$#" -gt 0 ]; do
    case $1 in
    --property | -p) properties="$properties $2" && shift ;;
    --property=*) properties="$properties ${1#*=}" ;;
    --value) only_value=yes ;;
    -*) ;;
    *) if [ -z "$verb" ]; then verb=$1; else names="$names $1"; fi ;;
    esac
    shift
done

active() {
    local pid
    [ -e "$kept/$unit.pid" ] && read -r pid <"$kept/$unit.pid" && kill -0 "$pid" 2>/dev/null
}

start() {
    local line command='' folder=/
    if active; then return; fi
    while IFS= read -r line; do
        case $line in
        ExecStart=*) command=${line#*=} ;;
        WorkingDirectory=*) folder=${line#*=} ;;
        Environment=*)
            line=${line#*=\"}
            export "${line%\"}"
            ;;
        esac
    done <"$units/$unit"
    cd "$folder"
    # shellcheck disable=SC2086 # a command with its arguments
    setsid $command </dev/null >"$kept/$unit.log" 2>&1 &
    echo "$!" >"$kept/$unit.pid"
}

stop() {
    local pid
    if ! active; then return; fi
    read -r pid <"$kept/$unit.pid"
    kill "$pid"
    while active; do sleep 0.01; done
}

# value PROPERTY: as $value.
value() {
    value=''
    case $1 in
    Id) value=$unit ;;
    LoadState) if [ -e "$units/$unit" ]; then value=loaded; else value=not-found; fi ;;
    ActiveState) if active; then value=active; else value=inactive; fi ;;
    SubState) if active; then value=running; else value=dead; fi ;;
    UnitFileState) if [ -e "$wanted/$unit" ]; then value=enabled; elif [ -e "$units/$unit" ]; then value=disabled; fi ;;
    NeedDaemonReload) if active && [ "$units/$unit" -nt "$kept/$unit.pid" ]; then value=yes; else value=no; fi ;;
    NRestarts | ExecMainStatus) value=0 ;;
    esac
}

show() {
    local name
    for name in ${properties:-Id LoadState ActiveState SubState UnitFileState}; do
        value "$name"
        if [ "$only_value" ]; then echo "$value"; else echo "$name=$value"; fi
    done
}

for unit in ${names:-none}; do
    case $unit in *.service) ;; *) unit=$unit.service ;; esac
    case $verb in
    start | stop | show) "$verb" ;;
    restart) stop && start ;;
    is-active) active ;;
    is-enabled) value UnitFileState && echo "$value" && [ "$value" = enabled ] ;;
    enable) if [ ! -e "$wanted/$unit" ]; then mkdir -p "$wanted" && ln -s "$units/$unit" "$wanted/$unit"; fi ;;
    disable) rm -f "$wanted/$unit" ;;
    daemon-reload | reset-failed) ;;
    *) echo "this stand-in for systemctl does not know $verb" >&2 && exit 1 ;;
    esac
done
