#!/bin/sh
# Record the default config of real Nushell binaries: record.sh OUT_DIR VERSION...
# Each VERSION is one of the npm package `nushell`; OUT_DIR receives VERSION.raw.json, the plugin's reply line.
# Everything runs in a temporary directory, with an empty home and next to no environment.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
shift
python_dir=$(dirname "$(python3 -c 'import sys; print(sys.executable)')")
for version in "$@"; do
    tmp=$(mktemp -d)
    mkdir "$tmp/home" "$tmp/npm"
    (cd "$tmp/npm" && npm init -y && npm install --no-audit --no-fund "nushell@$version") >"$tmp/npm.log" 2>&1
    nu=$(find "$tmp/npm/node_modules/@nushell" -type f -name nu)
    cp "$here/nu_plugin_getconfig.py" "$tmp/"
    cd "$tmp/home"
    env -i PATH="$python_dir:/usr/bin:/bin" HOME="$tmp/home" XDG_CONFIG_HOME="$tmp/home" XDG_DATA_HOME="$tmp/home" \
        XDG_CACHE_HOME="$tmp/home" XDG_RUNTIME_DIR="$tmp/home" LANG=C.UTF-8 TERM=xterm \
        GETCONFIG_VERSION="$version" GETCONFIG_OUT="$out/$version.raw.json" \
        "$nu" -n --plugins "[$tmp/nu_plugin_getconfig.py]" -c getconfig
    if grep -q -e "$tmp" -e nu_plugin "$out/$version.raw.json"; then
        echo "$version: the reply holds a path of this machine" >&2
        exit 1
    fi
    rm -rf "$tmp"
    echo "$version: $(wc -c <"$out/$version.raw.json") bytes"
done
