//! Stopped when idle, and not stopped while in use or when it asks for that.
//!
//! That something does not happen takes a clock. It is a second plugin, the same program under another name: it was used
//! later, and when it has been stopped, the first one would have been.

use super::PLUGIN;
use super::life::registered;
use super::shell::{Shell, in_every_version};

/// What a script says in which both plugins are known, line by line. It can
/// - `tick`, which uses the clock and waits until that has been stopped;
/// - ask whether a plugin is `running NAME`;
/// - wait `until CLOSURE` is true, which gives false after a time that nothing takes.
fn with_clock(shell: &Shell, script: &str) -> Vec<String> {
    let clock = shell.home.join("nu_plugin_clock");
    // A link would be followed to the one and only program.
    std::fs::copy(PLUGIN, &clock).expect("a second plugin");
    registered(
        shell,
        &format!("plugin add {clock:?}; plugin add {PLUGIN:?}"),
    );
    // The column is called so since 0.101.
    let running = match shell.minor {
        ..101 => "$it.is_running",
        _ => "$it.status == running",
    };
    let script = format!(
        "def running [name: string] {{ plugin list | where $it.name == $name and {running} | is-not-empty }}
        def until [condition: closure] {{
            for _ in 0..5000 {{ if (do $condition) {{ return true }}; sleep 2ms }}
            false
        }}
        # Both have the same commands. The last one that is used gives them from here on.
        plugin use clock
        def tick [] {{ showcase numbers 1 | ignore; until {{|| not (running clock)}} }}
        def foreign-tally [] {{ showcase tally foreign 5 }}
        def foreign-read [tally: any] {{ showcase tally read $tally }}
        plugin use showcase
        {script}"
    );
    let said = registered(shell, &script);
    said.lines().map(str::to_owned).collect()
}

#[test]
fn idle_plugins_are_stopped() {
    in_every_version(PLUGIN, |shell| {
        let said = with_clock(
            shell,
            "$env.config.plugin_gc.default.stop_after = 0sec
            let process = (showcase engine process)
            print (until {|| not (running showcase)})
            print ((showcase engine process) == $process)

            # For one plugin only, and not at all.
            $env.config.plugin_gc.plugins = {showcase: {enabled: false, stop_after: 0sec}}
            let process = (showcase engine process)
            print (tick) (running showcase) ((showcase engine process) == $process)
            $env.config.plugin_gc.plugins = {}

            # Until the plugin asks for it, and from when it does no more.
            showcase engine keep true
            print (tick) (running showcase)
            let process = (showcase engine process)
            print (tick) (running showcase) ((showcase engine process) == $process)
            showcase engine keep false
            print (until {|| not (running showcase)})

            # Not while its output flows, nor while it reads. When nobody wants more of its output, that has ended.
            print (showcase numbers | each {|x| if $x == 0 { tick }; running showcase} | first 3 | to nuon)
            print (until {|| not (running showcase)})
            print (showcase bytes | first 5 | bytes length)
            print (until {|| not (running showcase)})
            print (1..3 | each {|x| if $x == 2 { tick }; running showcase} | showcase echo | to nuon)
            print (until {|| not (running showcase)})",
        );
        let expected = [
            "true",
            "false",
            "true",
            "true",
            "true",
            "true",
            "true",
            "true",
            "true",
            "true",
            "true",
            "[true, true, true]",
            "true",
            "5",
            "true",
            "[true, true, true]",
            "true",
        ];
        assert_eq!(said, expected, "0.{}", shell.minor);
    });
}

#[test]
fn values_of_another_plugin_are_not_told_to_this_one() {
    in_every_version(PLUGIN, |shell| {
        let said = with_clock(
            shell,
            "def told [code: closure] { try { do $code | to nuon } catch {|e| $e.msg} }
            print (told {|| foreign-tally | showcase kind})
            print (told {|| showcase tally read (foreign-tally)})
            print (told {|| (showcase tally a 1) + (foreign-tally)})
            print (told {|| let foreign = (foreign-tally); showcase eval {|| $foreign.count}})
            print (told {|| [(foreign-tally)] | showcase echo})
            print (told {|| [(foreign-tally) 1] | each {|x| $x} | showcase echo | get 1})
            print (told {|| foreign-read (foreign-tally)})
            print (told {|| (foreign-tally).next.count})",
        );
        let refused = "Custom value `Tally` cannot be sent to plugin";
        let expected = [
            refused,
            refused,
            refused,
            refused,
            refused,
            "1",
            "{name: foreign, count: 5}",
            "6",
        ];
        assert_eq!(said, expected, "0.{}", shell.minor);
    });
}
