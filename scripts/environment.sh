#!/usr/bin/env bash
# Makes one environment of this checkout from its lock file, or refreshes it; returns at once when nothing changed.
# usage: scripts/environment.sh FOLDER LOCK [--editable | --pip]     touches FOLDER and .envs/ only
# --pip is for what has another wheel on each platform (torch): pip chooses it, so the list holds versions, not digests.
set -euo pipefail
cd -P "$(dirname "${BASH_SOURCE[0]}")/.."
folder=$1 lock=$2 editable=${3:-}
[ "$editable" != --pip ] || set -- "$1" "$2" # such an environment does not hold this checkout
uv_home=.envs/uv uv_lock=requirements/uv.txt

say() { printf 'penstock: %s\n' "$*" >&2; }
fail() { say "$@"; exit 1; }

digest() { { sha256sum 2>/dev/null || shasum -a 256; } | cut -d ' ' -f 1; }

wanted() { # FOLDER LOCK [--editable]: what the environment's stamp says when it is up to date
    { echo "$PWD/$1"; cat scripts/environment.sh "$2"; [ -z "${3:-}" ] || cat pyproject.toml; } | digest
}

fresh() { [ "$(cat "$1/.stamp" 2>/dev/null)" = "$(wanted "$@")" ] && [ -x "$1/bin/python" ]; }

find_python() {
    local candidate without_venv=
    for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3}; do
        command -v "$candidate" >/dev/null || continue
        "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
        if "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
            echo "$candidate"
            return
        fi
        without_venv=${without_venv:-$candidate}
    done
    [ -z "$without_venv" ] ||
        fail "$without_venv is here, but its venv module is missing. On Debian: apt-get install python3-venv"
    [ -z "${PYTHON:-}" ] || fail "PYTHON=$PYTHON is not a Python 3.11 or newer."
    fail "Python 3.11 or newer is needed and none is on PATH. On Debian: apt-get install python3 python3-venv"
}

usable() { # a moved or half-made environment is not: its scripts name another folder, or its Python does not start
    grep -qF "$PWD/$1" "$1/bin/activate" 2>/dev/null &&
        "$1/bin/python" -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

create() {
    local python
    usable "$1" && return
    python=$(find_python)
    say "making $1 with $("$python" --version)"
    "$python" -m venv --clear "$1" || fail "$python -m venv $1 failed; the lines above say why."
}

no_packages() {
    fail "could not install $1; the lines above say why. Without a network nothing can be downloaded:" \
        "PIP_INDEX_URL names a mirror, HTTPS_PROXY a proxy, SSL_CERT_FILE its certificates."
}

pip_setting() { # from the environment or pip's own files
    local scope
    for scope in :env: install global; do
        sed -n "s/^$scope\.$1='\(.*\)'\$/\1/p" <<<"$pip_settings" | sed 's/\\n/ /g; s/^ *//' | grep . && return
    done || true
}

# uv does not read pip's settings, and a mirror, proxy or certificate set there must hold for it too.
borrow_pip_settings() {
    local pip_settings key variable older value
    pip_settings=$("$uv_home/bin/python" -m pip config list 2>/dev/null) || return 0
    while read -r key variable older; do
        [ -z "${!variable:-}" ] && [ -z "${older:+${!older:-}}" ] || continue
        value=$(pip_setting "$key")
        [ -z "$value" ] || export "$variable=$value"
    done <<-'TABLE'
	index-url UV_DEFAULT_INDEX UV_INDEX_URL
	extra-index-url UV_INDEX UV_EXTRA_INDEX_URL
	find-links UV_FIND_LINKS
	trusted-host UV_INSECURE_HOST
	cert SSL_CERT_FILE
	proxy ALL_PROXY HTTPS_PROXY
TABLE
    # As pip does: an extra index may hold some versions only. Safe, because the lock fixes every digest.
    export UV_INDEX_STRATEGY=${UV_INDEX_STRATEGY:-unsafe-best-match}
}

mkdir -p .envs
exec 9>".envs/lock"
command -v flock >/dev/null && flock 9 # two makes at once take turns; without flock they are the user's care

fresh "$@" && exit
[ -r "$lock" ] || fail "$lock is missing from this checkout."

if [ "$editable" = --pip ]; then
    create "$folder"
    rm -f "$folder/.stamp"
    say "installing $lock into $folder (the first time takes a minute or two)"
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-input -r "$lock" 9>&- ||
        no_packages "$lock"
    wanted "$@" >"$folder/.stamp"
    exit
fi

if ! fresh "$uv_home" "$uv_lock"; then
    create "$uv_home"
    rm -f "$uv_home/.stamp"
    "$uv_home/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --no-deps \
        --require-hashes -r "$uv_lock" 9>&- || no_packages "$uv_lock"
    wanted "$uv_home" "$uv_lock" >"$uv_home/.stamp"
fi

create "$folder"
rm -f "$folder/.stamp"
borrow_pip_settings
say "installing $lock into $folder (the first time takes a minute or two)"
uv=("$uv_home/bin/uv" --quiet pip)
target=(--python "$folder/bin/python")
"${uv[@]}" sync "${target[@]}" --require-hashes "$lock" 9>&- || no_packages "$lock"
# The build tool comes from the lock, not from an isolated build's own download.
[ -z "$editable" ] ||
    "${uv[@]}" install "${target[@]}" --no-deps --no-build-isolation --editable . 9>&- || no_packages "this checkout"
wanted "$@" >"$folder/.stamp"
