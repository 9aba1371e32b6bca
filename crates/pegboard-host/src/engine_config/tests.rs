//! Tests of the stored configs: each parses, has its version's keys, and is still what Nushell wrote.

use super::*;

/// FNV-1a hashes of the recordings, written compactly with their unordered maps sorted.
const RECORDED: [(u64, u64); 7] = [
    (98, 0x1a54_ed4a_4f1f_651c),
    (101, 0x2656_a276_a95b_a411),
    (107, 0x218a_fb14_da96_a3ab),
    (108, 0xafdb_2caf_c12a_8d51),
    (109, 0xafdb_2caf_c12a_8d51),
    (114, 0x0c19_ad49_1049_a2a3),
    (115, 0x2802_8ac1_5148_4bce),
];

/// Keys that came or went: JSON pointer, first minor that has it, first minor that lacks it again.
const KEYS: [(&str, u64, u64); 26] = [
    ("/filesize/metric", 0, 102),
    ("/filesize/format", 0, 102),
    ("/filesize/unit", 102, u64::MAX),
    ("/filesize/precision", 102, u64::MAX),
    ("/filesize/show_unit", 103, u64::MAX),
    ("/table/footer_inheritance", 100, u64::MAX),
    ("/table/missing_value_symbol", 104, u64::MAX),
    ("/table/batch_duration/secs", 108, u64::MAX),
    ("/table/stream_page_size", 108, u64::MAX),
    ("/show_banner/Bool/val", 102, 106),
    ("/show_hints", 110, u64::MAX),
    ("/error_lines", 110, u64::MAX),
    ("/clip/resident_mode", 111, u64::MAX),
    ("/history/path", 112, u64::MAX),
    ("/history/ignore_space_prefixed", 112, u64::MAX),
    ("/hinter/closure", 112, u64::MAX),
    ("/auto_cd_implicit", 112, u64::MAX),
    ("/abbreviations", 113, u64::MAX),
    ("/duration_max_unit", 115, u64::MAX),
    ("/max_last_result_size", 115, u64::MAX),
    ("/completions/cache_size", 115, u64::MAX),
    ("/cursor_shape/helix_normal", 115, u64::MAX),
    ("/color_config/string", 115, u64::MAX),
    ("/completions/persistent_menus", 116, u64::MAX),
    ("/cursor_shape/vi_visual", 116, u64::MAX),
    ("/tui/border_type", 116, u64::MAX),
];

fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[test]
fn every_version_has_the_keys_that_never_changed() {
    let always = [
        "filesize",
        "table",
        "ls",
        "color_config",
        "footer_mode",
        "float_precision",
        "recursion_limit",
        "use_ansi_coloring",
        "completions",
        "edit_mode",
        "history",
        "keybindings",
        "menus",
        "hooks",
        "rm",
        "shell_integration",
        "buffer_editor",
        "show_banner",
        "bracketed_paste",
        "render_right_prompt_on_last_line",
        "explore",
        "cursor_shape",
        "datetime_format",
        "error_style",
        "display_errors",
        "use_kitty_protocol",
        "highlight_resolved_externals",
        "plugins",
        "plugin_gc",
    ];
    for minor in 98..=120 {
        let config = for_version(minor);
        for key in always {
            assert!(config.get(key).is_some(), "0.{minor} lacks {key}");
        }
    }
}

#[test]
fn before_0_98_the_config_was_flat() {
    for minor in 90..98 {
        let config = for_version(minor);
        assert_eq!(config["table_mode"], "Rounded", "0.{minor}");
        assert_eq!(config["history"]["file_format"], "PlainText", "0.{minor}");
        assert!(config.get("filesize").is_none(), "0.{minor}");
        assert_eq!(
            config.get("completion_sort").is_some(),
            minor == 97,
            "0.{minor}"
        );
    }
}

#[test]
fn keys_come_and_go_with_their_version() {
    for minor in 98..=116 {
        let config = for_version(minor);
        for (pointer, since, gone) in KEYS {
            assert_eq!(
                config.pointer(pointer).is_some(),
                (since..gone).contains(&minor),
                "{pointer} in 0.{minor}"
            );
        }
    }
}

#[test]
fn values_take_the_form_of_their_version() {
    let banner = |minor: u64| for_version(minor)["show_banner"].clone();
    assert_eq!(banner(101), Value::Bool(true));
    assert_eq!(banner(105)["Bool"]["val"], Value::Bool(true));
    assert_eq!(banner(106), "Full");
    assert_eq!(for_version(101)["use_ansi_coloring"], Value::Bool(true));
    assert_eq!(for_version(102)["use_ansi_coloring"], "Auto");
    assert!(for_version(100)["hooks"]["pre_prompt"].is_null());
    assert!(for_version(101)["hooks"]["pre_prompt"].is_array());
}

#[test]
fn a_version_gets_the_nearest_config_that_is_not_newer() {
    assert_eq!(for_version(0), for_version(94));
    assert_ne!(for_version(97), for_version(98));
    assert_eq!(for_version(105), for_version(104));
    assert_eq!(for_version(114), for_version(113));
    assert_ne!(for_version(115), for_version(114));
    assert_eq!(for_version(u64::MAX), for_version(116));
    assert!(CONFIGS.is_sorted_by(|a, b| a.0 < b.0));
}

#[test]
fn recorded_configs_are_what_nushell_sent() {
    for (minor, hash) in RECORDED {
        let text = for_version(minor).to_string();
        assert_eq!(fnv1a(&text), hash, "0.{minor} differs from its recording");
    }
}
