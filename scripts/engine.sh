#!/usr/bin/env bash
# Makes a Docker engine, a registry and a base image be there for the tests; returns at once when they are.
# usage: scripts/engine.sh [start | stop | remove]
# What answers already is used. Else, as root: what is missing is installed (Debian), and an engine is started,
# which keeps all it has in PLACE. Where none can run, the reason goes to .envs/engine, and the tests tell it.
set -euo pipefail
cd -P "$(dirname "${BASH_SOURCE[0]}")/.."
place=${PENSTOCK_ENGINE_PLACE:-/var/tmp/penstock-engine} # not in the checkout: that may be an overlay itself
notes=.envs/engine/environment                           # read by tests/engine_support.py
usual=unix:///var/run/docker.sock

say() { printf 'penstock: %s\n' "$*" >&2; }

ready() { # QUESTION...: sets why
    why=$(PYTHONDONTWRITEBYTECODE=1 .venv/bin/python tests/engine_ready.py "$@" 2>&1 >/dev/null) || return
    [ -z "$why" ] || say "${why#penstock: }"
}

note() { # KEY VALUE...
    mkdir -p "${notes%/*}"
    printf '%s=%s\n' "$@" >"$notes.new"
    mv "$notes.new" "$notes"
}

without() { # KEY REASON WHAT: the tests that need it are skipped, or fail where they must not be
    note DOCKER_HOST "$DOCKER_HOST" "$1" "$2"
    say "$3, so tests of images are skipped: $2"
    [ "${PENSTOCK_NEEDS_ENGINE:-}" != 1 ] || { say "PENSTOCK_NEEDS_ENGINE=1, so this is an error"; exit 1; }
    exit 0
}

no_engine() { without NO_ENGINE "$(tr '\n' ' ' <<<"$*" | sed 's/ *$//')" "no Docker engine"; }
no_registry() { without NO_REGISTRY "$(tr '\n' ' ' <<<"$*" | sed 's/ *$//')" "no registry"; }

is() { # PIDFILE NAME: whether that process still runs
    [ "$(cat "/proc/$(cat "$1" 2>/dev/null)/comm" 2>/dev/null)" = "$2" ]
}

start() {
    export DOCKER_HOST=${DOCKER_HOST:-$usual}
    if ready engine registry base; then
        note DOCKER_HOST "$DOCKER_HOST"
        return
    fi
    if [ "$(id -u)" = 0 ]; then
        exec 8>"$place.lock"
        # One machine has one engine: the makes of all checkouts take turns.
        flock 8
    fi
    ready engine || start_engine
    ready base || no_engine "$why"
    ready registry || start_registry
    note DOCKER_HOST "$DOCKER_HOST"
}

may_start() { # calls $1 with the reason if not
    [ "$(id -u)" = 0 ] || "$1" "$why, and only root can start one"
}

start_engine() {
    may_start no_engine
    [ "$DOCKER_HOST" = "$usual" ] || no_engine "$why; it was asked for by DOCKER_HOST, so none is started"
    # Two engines in one network take each other's bridge away.
    local process
    for process in /proc/[0-9]*; do
        [ "$(cat "$process/comm" 2>/dev/null)" = dockerd ] || continue
        [ "$(readlink "$process/ns/net")" != "$(readlink /proc/self/ns/net)" ] ||
            no_engine "$why, but a dockerd runs here (process ${process#/proc/}): DOCKER_HOST can name its socket"
    done
    install_missing no_engine dockerd:docker.io docker-registry:docker-registry iptables:iptables \
        mount:mount strip:binutils
    grep -qE '^[^ ]+ [^ ]+ cgroup2? ' /proc/mounts || mount -t cgroup2 cgroup2 /sys/fs/cgroup ||
        no_engine "no cgroups are mounted, and mounting them failed"
    mkdir -p "$place" /var/run
    is "$place/pid" dockerd || rm -f "$place/pid"
    echo "$PWD" >"$place/pid.owner"
    say "starting a Docker engine in $place"
    setsid dockerd --data-root "$place/data" --exec-root "$place/exec" --pidfile "$place/pid" -H "$usual" \
        </dev/null >"$place/log" 2>&1 8>&- &
    wait_for engine $! || no_engine "dockerd did not start: $(last_words "$place/log")"
}

start_registry() {
    may_start no_registry
    case $why in *'not a registry') no_registry "$why" ;; esac
    install_missing no_registry docker-registry:docker-registry
    mkdir -p "$place/registry"
    echo "$PWD" >"$place/registry.pid.owner"
    cat >"$place/registry.yml" <<-END
	version: 0.1
	log: {level: error}
	storage: {filesystem: {rootdirectory: $place/registry}, delete: {enabled: true}}
	http: {addr: 127.0.0.1:5000}
	END
    say "starting a registry at 127.0.0.1:5000"
    setsid docker-registry serve "$place/registry.yml" </dev/null >"$place/registry.log" 2>&1 8>&- &
    echo $! >"$place/registry.pid"
    wait_for registry $! || no_registry "docker-registry did not start: $(last_words "$place/registry.log")"
}

last_words() { # LOG: other lines may come after the one that says why
    grep -oE 'failed to start .*|level=(fatal|error) .*' "$1" | tail -n 1 | grep . || tail -n 1 "$1"
}

wait_for() { # QUESTION PROCESS
    for _ in {1..100}; do
        kill -0 "$2" 2>/dev/null || return
        ready "$1" && return
        sleep 0.1
    done
    return 1
}

install_missing() { # COMPLAINT PROGRAM:PACKAGE...
    local complaint=$1 pair policy=/usr/sbin/policy-rc.d packages=()
    shift
    for pair; do
        command -v "${pair%:*}" >/dev/null || packages+=("${pair#*:}")
    done
    [ ${#packages[@]} != 0 ] || return 0
    { [ -e /etc/debian_version ] && command -v apt-get >/dev/null; } ||
        "$complaint" "$why, and ${packages[*]} can be installed on Debian only"
    say "installing ${packages[*]}"
    mkdir -p "${notes%/*}"
    if [ ! -e "$policy" ]; then # the services that come with the packages must not start
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${packages[@]}"; } </dev/null >"${notes%/*}/apt.log" 2>&1 8>&- ||
        "$complaint" "apt-get could not install ${packages[*]}: $(tail -n 1 ${notes%/*}/apt.log)"
}

stop() {
    rm -f "$notes"
    end "$place/registry.pid" docker-registry
    end "$place/pid" dockerd
}

remove() {
    stop
    ! is "$place/pid" dockerd && ! is "$place/registry.pid" docker-registry || return 0
    local mounted
    while read -r _ mounted _; do # by an engine that was killed, or that runs in a container
        case $mounted in "$place"/*) umount --lazy "$mounted" ;; esac
    done </proc/mounts
    rm -rf "$place" "$place.lock"
}

end() { # PIDFILE NAME
    local owner
    is "$@" || return 0
    owner=$(cat "$1.owner" 2>/dev/null) || owner=/
    if [ "$owner" != "$PWD" ] && [ -d "$owner" ]; then
        say "$2 (process $(cat "$1")) was not started by this checkout, so it goes on"
        return
    fi
    kill "$(cat "$1")"
    for _ in {1..300}; do
        is "$@" || { say "stopped $2"; return; }
        sleep 0.1
    done
    say "$2 does not stop"
    exit 1
}

case ${1:-start} in
start | stop | remove) "${1:-start}" ;;
*) say "usage: scripts/engine.sh [start | stop | remove]"; exit 2 ;;
esac
