//! The configs Nushell starts with, one for each minor version, for the answer to a plugin's `GetConfig`.
//!
//! A Rust plugin decodes the whole config strictly, so the answer must fit the Nushell version the plugin was built for.
//!
//! | Nushell | file | source | what changed |
//! |---|---|---|---|
//! | 0.94 to 0.96 | `094.json` | derived from 0.94.2, 0.95.0 and 0.96.1 | |
//! | 0.97 | `097.json` | derived from 0.97.1 | `completion_sort` |
//! | 0.98 | `098.json` | recorded from 0.98.0 | keys went into groups |
//! | 0.99 | `099.json` | derived from 0.99.1 | other defaults, no other keys |
//! | 0.100 | `100.json` | derived | `table.footer_inheritance` |
//! | 0.101 | `101.json` | recorded from 0.101.0 | unset hooks are empty, no longer null |
//! | 0.102 | `102.json` | derived | `filesize` holds `unit` and `precision`; `use_ansi_coloring` is a name, `show_banner` a value |
//! | 0.103 | `103.json` | derived | `filesize.show_unit` |
//! | 0.104, 0.105 | `104.json` | derived from 0.104.1 and 0.105.1 | `table.missing_value_symbol` |
//! | 0.106, 0.107 | `106.json` | derived from 0.106.1, recorded from 0.107.0 | `show_banner` is a name |
//! | 0.108, 0.109 | `108.json` | recorded from 0.108.0 and 0.109.1 | `table.batch_duration`, `table.stream_page_size` |
//! | 0.110 | `110.json` | derived | `show_hints`, `error_lines` |
//! | 0.111 | `111.json` | derived | `clip` |
//! | 0.112 | `112.json` | derived from 0.112.2 | `hinter`, `auto_cd_implicit`, two keys of `history` |
//! | 0.113, 0.114 | `113.json` | derived from 0.113.1, recorded from 0.114.0 and 0.114.1 | `abbreviations` |
//! | 0.115 | `115.json` | recorded from 0.115.1 | colours, menus and key bindings became part of it |
//! | 0.116 | `116.json` | derived from 0.116.1 | `tui`, `completions.persistent_menus`, `cursor_shape.vi_visual` |
//!
//! *Recorded* is what a real `nu`, run without config files, sent to a plugin. *Derived* is what the crate `nu-protocol`
//! of that version, where there was no binary to run, writes for its `Config::default()`; for every recorded version the
//! two are the same. Each file was also read back by that version's `Config`. The tools for both, and for another
//! version, are in `tests/data/config-recorder`.
//!
//! Until 0.114 a login `nu` also loads colours, and some versions menus and key bindings, from scripts built into it;
//! those are not part of its default and not in here.

use serde_json::Value;

#[cfg(test)]
mod tests;

/// The first minor version of Nushell 0.x to hold each config, oldest first, and its JSON text.
const CONFIGS: [(u64, &str); 17] = [
    (94, include_str!("094.json")),
    (97, include_str!("097.json")),
    (98, include_str!("098.json")),
    (99, include_str!("099.json")),
    (100, include_str!("100.json")),
    (101, include_str!("101.json")),
    (102, include_str!("102.json")),
    (103, include_str!("103.json")),
    (104, include_str!("104.json")),
    (106, include_str!("106.json")),
    (108, include_str!("108.json")),
    (110, include_str!("110.json")),
    (111, include_str!("111.json")),
    (112, include_str!("112.json")),
    (113, include_str!("113.json")),
    (115, include_str!("115.json")),
    (116, include_str!("116.json")),
];

/// The default config of Nushell 0.`minor`, what goes inside the `Config` reply.
///
/// A version newer than all known ones gets the newest config, one older than 0.94 that of 0.94.
pub(crate) fn for_version(minor: u64) -> Value {
    let newer = CONFIGS.partition_point(|&(first, _)| first <= minor);
    let (_, text) = CONFIGS[newer.saturating_sub(1)];
    serde_json::from_str(text).expect("an embedded config is JSON")
}
