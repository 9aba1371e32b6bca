//! The fuzz targets' functions, run over the committed corpus.

use std::path::Path;

#[path = "../../fuzz/src/targets.rs"]
#[expect(unreachable_pub, reason = "the fuzz crate exports them")]
mod targets;

fn run(folder: &str, target: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(folder);
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        println!("{}", path.display());
        target(&std::fs::read(&path).unwrap());
        count += 1;
    }
    assert!(count > 0, "{} is empty", folder.display());
}

#[test]
fn stream_json() {
    run("stream_json", targets::stream_json);
}

#[test]
fn stream_msgpack() {
    run("stream_msgpack", targets::stream_msgpack);
}

#[test]
fn value() {
    run("value", targets::value);
}

#[test]
fn text() {
    run("text", targets::text);
}
