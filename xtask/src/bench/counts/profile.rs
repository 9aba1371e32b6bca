//! `cargo xtask bench --profile WORK`: the functions in which instructions are spent.

use std::path::Path;
use std::process::Command;

use super::callgrind;
use super::plan::Work;
use crate::bench::programs::Programs;
use crate::bench::{Options, machine};
use crate::{run, shells};

/// How many functions are shown of each process.
const SHOWN: usize = 20;

/// How much longer the run is than those that are compared, so that starting up hardly shows.
const LONGER: u64 = 4;

/// Runs host and plugin under valgrind once, and prints where each of them spent what.
pub(crate) fn profile(root: &Path, key: &str) -> Result<(), String> {
    let work = Work::find(key)?;
    shells::need("valgrind")?;
    let programs = Programs::build(root, &Options::OURS)?;
    let directory = root.join("target/bench/profile").join(work.key);
    let core = machine::cores().into_iter().next().unwrap_or(0);
    let steps = LONGER * work.few;
    let files = callgrind::run(&programs, work, steps, core, &directory)?;
    let units = (steps / work.steps) as f64;
    for (end, file) in [("host", &files.host), ("plugin", &files.plugin)] {
        let spent = callgrind::spent(file)?;
        println!(
            "\n{end}: {:.0} instructions and {:.2} system calls for each {} (with its start, over {units} of them)",
            spent.instructions / units,
            spent.system_calls / units,
            work.unit,
        );
        println!("{:>12}  {:>6}  function", work.unit, "share");
        for row in annotated(file)?.iter().take(SHOWN) {
            println!(
                "{:>12.1}  {:>4.1} %  {}",
                row.instructions / units,
                row.instructions / spent.instructions * 100.0,
                row.function
            );
        }
        println!("all of it: callgrind_annotate {}", file.display());
    }
    Ok(())
}

#[derive(Debug, PartialEq)]
struct Row {
    instructions: f64,
    function: String,
}

/// What `callgrind_annotate` says, function by function, the costliest first.
fn annotated(file: &Path) -> Result<Vec<Row>, String> {
    let mut command = Command::new("callgrind_annotate");
    command
        .args([
            "--auto=no",
            "--inclusive=no",
            "--threshold=99.9",
            "--show=Ir",
        ])
        .arg(file);
    let output = command
        .output()
        .map_err(|error| run::cannot_start(&command, &error))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().filter_map(row).collect())
}

/// Reads ` 84,146,781 (21.39%)  ./string/memset.S:__memset_avx2 [/usr/lib/libc.so.6]`.
fn row(line: &str) -> Option<Row> {
    let (number, rest) = line.trim_start().split_once([' ', '('])?;
    let instructions = number.replace(',', "").parse().ok()?;
    let (_, place) = rest.split_once(")  ")?;
    if place == "PROGRAM TOTALS" {
        return None;
    }
    let (place, _program) = place.rsplit_once(" [").unwrap_or((place, ""));
    // The file is known only for what has line tables, which is not what we wrote.
    let function = match place.split_once(':') {
        Some((file, function)) if !file.contains('<') => function,
        _ => place,
    };
    Some(Row {
        instructions,
        function: function.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Option<(f64, &str)>) {
        let expected = expected.map(|(instructions, function)| Row {
            instructions,
            function: function.to_owned(),
        });
        assert_eq!(row(line), expected, "{line}");
    }

    #[test]
    fn lines_of_callgrind_annotate() {
        check(
            "293,760,616 (74.67%)  ???:<codec::MsgPackWriter as codec::Writer>::bytes [/t/bench]",
            Some((
                293_760_616.0,
                "<codec::MsgPackWriter as codec::Writer>::bytes",
            )),
        );
        check(
            "  5,500 ( 1.40%)  ./string/../memmove.S:__memcpy_avx [/usr/lib/libc.so.6]",
            Some((5_500.0, "__memcpy_avx")),
        );
        check("393,430,028 (100.0%)  PROGRAM TOTALS", None);
        check("Ir                   file:function", None);
        check("Events recorded:  Ir", None);
        check("", None);
    }
}
