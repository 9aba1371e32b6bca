//! The link: a local socket where Nushell can have one, and the standard streams where it cannot.

use super::PLUGIN;
use super::shell::{Shell, in_every_version};

/// How the plugin was started in the end, and whether everything still works over that.
fn started(shell: &Shell, sockets: &str) -> String {
    let script = "
        let words = (open --raw $\"/proc/(showcase engine process)/cmdline\" | into binary | decode utf-8 | split row (char --integer 0))
        print ($words | get 1)
        print (showcase numbers 1000 | showcase double | showcase sum)
        print (showcase bytes 100000 --text | showcase rotate | showcase size)
        print (1..3 | showcase each {|x| $x * 2} | to nuon)
        print (showcase print)";
    let mut nu = shell.script(script);
    nu.env("XDG_RUNTIME_DIR", sockets).env("TMPDIR", sockets);
    let output = nu.output().expect("the shell starts");
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let (link, rest) = stdout.split_once('\n').unwrap_or_default();
    let rest: Vec<_> = rest
        .lines()
        .filter(|line| !line.starts_with("printed"))
        .collect();
    assert_eq!(
        rest,
        ["999000", "100000", "[2, 4, 6]", "1"],
        "0.{}: {stdout}{stderr}",
        shell.minor
    );
    link.to_owned()
}

#[test]
fn nushell_moves_the_plugin_to_a_local_socket() {
    in_every_version(PLUGIN, |shell| {
        let sockets = shell.home.join("s");
        std::fs::create_dir(&sockets).expect("a folder");
        let link = started(shell, &sockets.display().to_string());
        assert_eq!(link, "--local-socket", "0.{}", shell.minor);
        let left: Vec<_> = std::fs::read_dir(&sockets).expect("the folder").collect();
        assert!(left.is_empty(), "0.{}: {left:?}", shell.minor);
    });
}

#[test]
fn nushell_goes_back_to_the_standard_streams_without_a_place_for_sockets() {
    in_every_version(PLUGIN, |shell| {
        let link = started(shell, "/no/such/place");
        assert_eq!(link, "--stdio", "0.{}", shell.minor);
    });
}
