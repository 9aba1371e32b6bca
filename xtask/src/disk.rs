//! How much room a file system has, by POSIX's `df`.

use std::path::Path;
use std::process::Command;

/// Free bytes where `path` is; nothing where there is no `df`.
pub(crate) fn free(path: &Path) -> Option<u64> {
    let output = Command::new("df").arg("-Pk").arg(path).output().ok()?;
    available(&String::from_utf8_lossy(&output.stdout))
}

/// `12.3 GiB`.
pub(crate) fn gibibytes(bytes: u64) -> String {
    let tenths = bytes / ((1 << 30) / 10);
    format!("{}.{} GiB", tenths / 10, tenths % 10)
}

/// The fourth column of the line below the heading, in kibibytes. A device may have spaces in its
/// name, so the columns are counted from the one that ends in `%`.
fn available(table: &str) -> Option<u64> {
    let columns: Vec<&str> = table.lines().nth(1)?.split_whitespace().collect();
    let percent = columns.iter().position(|column| column.ends_with('%'))?;
    let kibibytes: u64 = columns.get(percent.checked_sub(1)?)?.parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_table_of_df() {
        let heading = "Filesystem 1024-blocks Used Available Capacity Mounted on\n";
        let check = |line: &str, expected| {
            assert_eq!(available(&format!("{heading}{line}\n")), expected, "{line}");
        };
        check("/dev/vda 263174212 29000000 2000 30% /", Some(2_048_000));
        check("a disk of mine 100 90 10 90% /Volumes/x y", Some(10_240));
        check("none - - - - /", None);
        check("", None);
    }

    #[test]
    fn a_directory_has_a_free_space() {
        assert!(free(Path::new(".")).is_some_and(|bytes| bytes > 0));
    }

    #[test]
    fn gibibytes_have_one_digit_after_the_point() {
        assert_eq!(gibibytes(0), "0.0 GiB");
        assert_eq!(gibibytes(5 << 30), "5.0 GiB");
        assert_eq!(gibibytes((5 << 30) + (1 << 29)), "5.5 GiB");
    }
}
