//! A plugin for Octa with a structured result: a task's numbers are added up.

use std::io::Write;

use pegboard_plugin::Plugin;
use pegboard_plugin::octa::Key;
use serde_json::json;

fn main() -> std::process::ExitCode {
    let sum = Key::new("sum", "Adds numbers up").execute(|execution| {
        let numbers: Result<Vec<i64>, _> = execution
            .text()
            .split_whitespace()
            .map(str::parse)
            .collect();
        let numbers = numbers?;
        let sum: i64 = numbers.iter().sum();
        writeln!(execution.stdout(), "{sum}")?;
        // Octa has no results with a structure; there the text has to do.
        let _ = execution.result(json!({ "numbers": numbers, "sum": sum }));
        Ok(if sum < 0 { 3 } else { 0 })
    });
    Plugin::new("sum", env!("CARGO_PKG_VERSION"))
        .octa(sum)
        .serve()
}
