//! `cargo xtask`: everything CI does, runnable by hand.

mod bench;
mod ci;
mod disk;
mod golden;
mod peers;
mod run;
mod shells;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask COMMAND

  ci                      every check and every test, as CI runs them
  tidy [--rules]          check the invariants of the sources (or print the rules)
  peers [NAME...]         build the real peers that tests run, into target/peers/
  peers --list            print the path of every peer as JSON, without building
  shells                  install the shells that tests run, where they are missing
  golden [VERSION...]     regenerate the golden vectors with the real Nushell crates
  bench [--quick] [--without-engine] [--json FILE]
                          measure, beside bare pipes and Nushell's own engine
  bench --counts [--check | --update]
                          count instructions, beside the committed counts
  bench --report [--quick] [--without-engine]
                          measure what things cost when there is more of them, into docs/performance/
  bench --profile WORK    print where the instructions of a work are spent";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let root = root();
    let outcome = match args.as_slice() {
        ["ci"] => ci::ci(&root),
        ["tidy"] => tidy::tidy(&root),
        ["tidy", "--rules"] => {
            tidy::print_rules();
            Ok(())
        }
        ["peers", "--list"] => {
            peers::list(&root);
            Ok(())
        }
        ["peers", names @ ..] => peers::build(&root, names),
        ["shells"] => shells::install(),
        ["golden", versions @ ..] => golden::golden(&root, versions),
        ["bench", words @ ..] => {
            bench::Task::parse(words).and_then(|task| bench::bench(&root, &task))
        }
        [] | ["help" | "-h" | "--help"] => {
            println!("{USAGE}");
            Ok(())
        }
        [other, ..] => Err(format!("unknown command `{other}`\n\n{USAGE}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            // CI has said everything already; its sum stays the last line.
            if !reason.is_empty() {
                eprintln!("xtask: {reason}");
            }
            ExitCode::FAILURE
        }
    }
}

/// The root of the repository; cargo runs this program with the package's directory in the environment.
fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package
        .parent()
        .map_or_else(|| package.clone(), PathBuf::from)
}
