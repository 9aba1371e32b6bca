#!/bin/sh
# Ask the crate nu-protocol for its default config, and check stored configs against it: derive.sh VERSION [FILE...]
# Without FILE prints the config; with FILE says of each whether that version's `Config` reads it and, written again,
# holds the same. For the versions of Nushell that have no binary to record from; Cargo must be able to fetch crates.
# CARGO_TARGET_DIR, when set, keeps the build, about a minute for each version.
set -eu
version=$1
shift
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/src"
cat >"$tmp/Cargo.toml" <<END
[package]
name = "derive-config"
version = "0.1.0"
edition = "2021"
[dependencies]
nu-protocol = "=$version"
serde_json = "1"
[workspace]
END
cat >"$tmp/src/main.rs" <<'END'
use nu_protocol::Config;
use serde_json::Value;

fn main() {
    let mut files = std::env::args().skip(1).peekable();
    if files.peek().is_none() {
        println!("{}", serde_json::to_string(&Config::default()).unwrap());
        return;
    }
    let default = serde_json::to_value(Config::default()).unwrap();
    let mut bad = false;
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let verdict = match serde_json::from_str::<Config>(&text) {
            Err(error) => format!("unreadable: {error}"),
            Ok(config) => {
                let written = serde_json::to_value(&config).unwrap();
                if written != serde_json::from_str::<Value>(&text).unwrap() {
                    "readable, with other keys".into()
                } else if written != default {
                    "readable, not the default".into()
                } else {
                    "the default".into()
                }
            }
        };
        bad |= verdict != "the default";
        println!("{file}: {verdict}");
    }
    std::process::exit(i32::from(bad));
}
END
for file in "$@"; do
    case $file in
    /*) ;;
    *) file=$PWD/$file ;;
    esac
    set -- "$@" "$file"
    shift
done
(cd "$tmp" && cargo run --quiet --ignore-rust-version -- "$@")
