//! The shells and tools that tests and measurements run, from Debian's packages.

use std::env;
use std::process::Command;

use crate::run;

/// Programs, and the packages that have them.
const PROGRAMS: &[(&str, &str)] = &[
    ("bash", "bash"),
    ("zsh", "zsh"),
    ("fish", "fish"),
    ("elvish", "elvish"),
    ("groff", "groff"),
    ("valgrind", "valgrind"),
];

/// Installs what is missing. Where all is there already, nothing is fetched and no rights are needed.
pub(crate) fn install() -> Result<(), String> {
    let missing = || PROGRAMS.iter().filter(|(program, _)| !is_there(program));
    let packages: Vec<&str> = missing().map(|(_, package)| *package).collect();
    if packages.is_empty() {
        println!("all are there");
        return Ok(());
    }
    println!("installing {}", packages.join(", "));
    run::shown(&mut apt(&["update", "-qq"]))?;
    let mut arguments = vec!["install", "-y", "-qq", "--no-install-recommends"];
    arguments.extend(&packages);
    run::shown(&mut apt(&arguments))?;
    let missing: Vec<&str> = missing().map(|(program, _)| *program).collect();
    match missing.as_slice() {
        [] => Ok(()),
        missing => Err(format!("still missing: {}", missing.join(", "))),
    }
}

/// Fails where one of these programs is missing, and says what to do.
pub(crate) fn need(program: &str) -> Result<(), String> {
    match is_there(program) {
        true => Ok(()),
        false => Err(format!(
            "`{program}` is missing; `cargo xtask shells` installs it"
        )),
    }
}

/// As root where there is `sudo`, else as whoever this is.
fn apt(arguments: &[&str]) -> Command {
    let mut command = if is_there("sudo") {
        let mut sudo = Command::new("sudo");
        sudo.args(["-n", "apt-get"]);
        sudo
    } else {
        Command::new("apt-get")
    };
    command
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn is_there(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|directory| directory.join(program).is_file())
}
