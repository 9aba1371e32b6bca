//! The guide shows the examples as they are.

use std::path::Path;

#[test]
fn the_guide_shows_the_examples_as_they_are() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(here.join(path)).expect(path);
    let guide = read("../../docs/guide/write.md");
    let blocks = guide.split("```rust\n").skip(1);
    let programs: Vec<_> = blocks.filter_map(|rest| rest.split("```").next()).collect();
    let examples = ["hello", "clip", "shout", "colour"]
        .map(|name| read(&format!("examples/nu_plugin_{name}.rs")));
    assert_eq!(programs, examples);
    let guide = read("../../docs/guide/octa.md");
    let program = guide.split("```rust\n").nth(1);
    let program = program.and_then(|rest| rest.split("```").next());
    assert_eq!(program, Some(&*read("examples/octa_plugin_greet.rs")));
}
