//! The index: finding, damage, and bytes that stay what they are.

use pegboard_manifest::FileStamp;
use pegboard_manifest::index::{Damage, Index, IndexBuilder, Listed};
use proptest::prelude::*;

const GOLDEN: &[u8] = include_bytes!("golden/index.bin");

fn listed(name: &str, commands: &[&str]) -> Listed {
    let described = |command: &&str| ((*command).to_owned(), format!("{command} of {name}"));
    Listed {
        entry: format!("{name}.json"),
        path: format!("/plugins/nu_plugin_{name}"),
        kind: "nushell".to_owned(),
        file: FileStamp {
            size: 4096,
            modified: -1,
        },
        commands: commands.iter().map(described).collect(),
        signatures: name.as_bytes().repeat(3),
        ..Listed::default()
    }
}

fn sample() -> IndexBuilder {
    let mut builder = IndexBuilder::new();
    let mut words = listed(
        "words",
        &["words", "words count", "words count unique", "inc"],
    );
    words.interpreter = Some(vec!["python3".to_owned(), "-I".to_owned()]);
    words.version = Some("1.2.3".to_owned());
    words.protocol = Some("0.115.1".to_owned());
    builder
        .plugin("words", words)
        .plugin("inc", listed("inc", &["inc"]))
        .plugin("größe", listed("größe", &[]))
        .problem("torn.json", "EOF while parsing")
        .stamp(0x0123_4567_89ab_cdef);
    builder
}

fn built(builder: &IndexBuilder) -> Vec<u8> {
    builder.build().expect("a small index")
}

#[test]
fn the_bytes_are_what_was_promised() {
    assert_eq!(built(&sample()), GOLDEN);
}

#[test]
fn everything_is_found() {
    let bytes = built(&sample());
    let index = Index::parse(&bytes).expect("an index");
    assert_eq!(index.stamp(), 0x0123_4567_89ab_cdef);
    let names: Vec<_> = index.plugins().map(|plugin| plugin.name()).collect();
    assert_eq!(names, ["größe", "inc", "words"]);
    let words = index.plugin("words").expect("a plugin");
    assert_eq!(words.entry(), "words.json");
    assert_eq!(words.path(), "/plugins/nu_plugin_words");
    assert_eq!(words.kind(), "nushell");
    assert_eq!(words.version(), Some("1.2.3"));
    assert_eq!(words.protocol(), Some("0.115.1"));
    assert_eq!(words.file().size, 4096);
    assert_eq!(words.file().modified, -1);
    assert_eq!(words.signatures(), Ok(&b"wordswordswords"[..]));
    let interpreter: Vec<_> = words.interpreter().expect("an interpreter").collect();
    assert_eq!(interpreter, ["python3", "-I"]);
    let own: Vec<_> = words.commands().map(|command| command.name()).collect();
    assert_eq!(own, ["inc", "words", "words count", "words count unique"]);
    let inc = index.plugin("inc").expect("a plugin");
    assert!(inc.interpreter().is_none() && inc.version().is_none() && inc.protocol().is_none());
    for missing in ["", "a", "in", "incc", "zzz"] {
        assert!(index.plugin(missing).is_none(), "{missing}");
    }
    let of: Vec<_> = index.named("inc").map(|one| one.plugin().name()).collect();
    assert_eq!(
        of,
        ["inc", "words"],
        "several plugins may have a command of one name"
    );
    assert_eq!(
        index.command("inc").map(|one| one.description()),
        Some("inc of inc")
    );
    let problems: Vec<_> = index.problems().map(|one| (one.file, one.what)).collect();
    assert_eq!(problems, [("torn.json", "EOF while parsing")]);
}

#[test]
fn commands_are_matched_longest_first() {
    let bytes = built(&sample());
    let index = Index::parse(&bytes).expect("an index");
    let check = |words: &[&str], expected: Option<(&str, usize)>| {
        let found = index
            .longest(words)
            .map(|(found, used)| (found.name(), used));
        assert_eq!(found, expected, "{words:?}");
    };
    check(&[], None);
    check(&[""], None);
    check(&["nothing"], None);
    check(&["words"], Some(("words", 1)));
    check(&["words", "other"], Some(("words", 1)));
    check(&["words", "count"], Some(("words count", 2)));
    check(
        &["words", "count", "unique", "x"],
        Some(("words count unique", 3)),
    );
    check(&["words", "unique"], Some(("words", 1)));
    check(&["word", "s"], None);
    check(&["words count", "x"], Some(("words count", 1)));
    check(&["words count", "unique"], Some(("words count unique", 2)));
    // A quoted argument is no part of a name.
    check(&["words", "count unique"], Some(("words", 1)));
    check(&["words", "", "count"], Some(("words", 1)));
    let many = vec!["words"; 100_000];
    check(&many, Some(("words", 1)));
}

#[test]
fn commands_are_completed_from_their_beginning() {
    let bytes = built(&sample());
    let index = Index::parse(&bytes).expect("an index");
    let check = |prefix: &str, expected: &[&str]| {
        let found: Vec<_> = index.starting_with(prefix).map(|one| one.name()).collect();
        assert_eq!(found, expected, "{prefix:?}");
    };
    check("words c", &["words count", "words count unique"]);
    check("words ", &["words count", "words count unique"]);
    check("in", &["inc", "inc"]);
    check("x", &[]);
    check(
        "",
        &["inc", "inc", "words", "words count", "words count unique"],
    );
}

#[test]
fn bytes_that_are_no_index_are_named() {
    let whole = built(&sample());
    let check = |bytes: &[u8], expected: &str| {
        let damage = Index::parse(bytes).expect_err(expected);
        assert_eq!(damage.to_string(), expected);
    };
    check(b"", "it does not begin as an index does");
    check(b"{}", "it does not begin as an index does");
    check(&whole[..10], "it is 10 bytes long and should be 56");
    let expected = format!("it is 100 bytes long and should be {}", whole.len());
    check(&whole[..100], &expected);
    let mut longer = whole.clone();
    longer.push(0);
    let expected = format!(
        "it is {} bytes long and should be {}",
        longer.len(),
        whole.len()
    );
    check(&longer, &expected);
    let mut other = whole.clone();
    other[8] = 2;
    check(
        &other,
        "it has format 2, another one than this version writes",
    );
    let mut flipped = whole.clone();
    flipped[60] ^= 1;
    check(&flipped, "its checksum does not match its bytes");
}

#[test]
fn damaged_signatures_cost_only_their_plugin() {
    let mut bytes = built(&sample());
    *bytes.last_mut().expect("bytes") ^= 1;
    let index = Index::parse(&bytes).expect("the rest is whole");
    let words = index.plugin("words").expect("a plugin");
    assert_eq!(words.signatures(), Err(Damage::Checksum));
    assert!(index.plugin("inc").expect("a plugin").signatures().is_ok());
    assert_eq!(IndexBuilder::of(index), Err(Damage::Checksum));
}

#[test]
fn a_little_can_be_changed() {
    let bytes = built(&sample());
    let mut builder = IndexBuilder::of(Index::parse(&bytes).expect("an index")).expect("whole");
    assert_eq!(builder, sample());
    builder.forget("words.json").forget("torn.json");
    let bytes = built(&builder);
    let index = Index::parse(&bytes).expect("an index");
    assert_eq!(index.plugins().len(), 2);
    assert_eq!(index.commands().len(), 1);
    assert_eq!(index.problems().len(), 0);
}

/// Looks at everything that an index offers.
fn read_all(index: Index<'_>) -> usize {
    let mut read = 0;
    for plugin in index.plugins() {
        read += plugin.name().len() + plugin.path().len() + plugin.entry().len();
        read += plugin.signatures().map_or(0, <[u8]>::len) + plugin.commands().count();
        read += plugin.interpreter().map_or(0, Iterator::count);
    }
    for command in index.commands() {
        read += command.name().len() + command.description().len() + command.plugin().name().len();
    }
    for problem in index.problems() {
        read += problem.file.len() + problem.what.len();
    }
    read + index.starting_with("a").count() + index.longest(&["a", "b"]).map_or(0, |found| found.1)
}

fn any_listed() -> impl Strategy<Value = Listed> {
    let text = "[a-cé ]{0,6}";
    (
        (text, text, text),
        proptest::option::of(proptest::collection::vec(text, 1..3)),
        (any::<u64>(), any::<i64>()),
        (proptest::option::of(text), proptest::option::of(text)),
        proptest::collection::vec((text, text), 0..5),
        proptest::collection::vec(any::<u8>(), 0..20),
    )
        .prop_map(
            |(texts, interpreter, file, versions, mut commands, signatures)| {
                commands.sort();
                Listed {
                    entry: texts.0,
                    path: texts.1,
                    kind: texts.2,
                    interpreter,
                    file: FileStamp {
                        size: file.0,
                        modified: file.1,
                    },
                    version: versions.0,
                    protocol: versions.1,
                    commands,
                    signatures,
                }
            },
        )
}

fn any_builder() -> impl Strategy<Value = IndexBuilder> {
    (
        proptest::collection::btree_map("[a-cé]{0,3}", any_listed(), 0..6),
        proptest::collection::btree_map("[a-c]{0,3}", "[a-c]{0,3}", 0..3),
        any::<u64>(),
    )
        .prop_map(|(plugins, problems, stamp)| {
            let mut builder = IndexBuilder::new();
            for (name, listed) in plugins {
                builder.plugin(name, listed);
            }
            for (file, what) in problems {
                builder.problem(file, what);
            }
            builder.stamp(stamp);
            builder
        })
}

proptest! {
    #[test]
    fn what_was_built_is_read(builder in any_builder()) {
        let bytes = built(&builder);
        let index = Index::parse(&bytes).expect("an index");
        prop_assert_eq!(&IndexBuilder::of(index).expect("whole"), &builder);
        prop_assert_eq!(read_all(index), read_all(index.shape().over(&bytes)));
    }

    #[test]
    fn one_changed_byte_is_noticed(builder in any_builder(), at in any::<prop::sample::Index>(), by in 1..=255u8) {
        let mut bytes = built(&builder);
        let at = at.index(bytes.len());
        bytes[at] ^= by;
        match Index::parse(&bytes) {
            Err(_) => {}
            Ok(index) => {
                read_all(index);
                prop_assert_eq!(IndexBuilder::of(index), Err(Damage::Checksum));
            }
        }
    }

    #[test]
    fn any_bytes_are_borne(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(index) = Index::parse(&bytes) {
            read_all(index);
        }
    }

    /// Bytes that were changed by somebody who set the checksum right again.
    #[test]
    fn forged_bytes_are_borne(
        builder in any_builder(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = built(&builder);
        let shape = Index::parse(&bytes).expect("an index").shape();
        let signatures: usize = Index::parse(&bytes)
            .expect("an index")
            .plugins()
            .map(|plugin| plugin.signatures().map_or(0, <[u8]>::len))
            .sum();
        let head = bytes.len() - signatures;
        for (at, byte) in changes {
            // Counts would move the end of what the checksum covers.
            let at = 56 + at.index(head.saturating_sub(56).max(1));
            if at < head {
                bytes[at] = byte;
            }
        }
        let checksum = crc32(&bytes[16..head]);
        bytes[12..16].copy_from_slice(&checksum.to_le_bytes());
        if let Ok(index) = Index::parse(&bytes) {
            read_all(index);
        }
        // Even where nobody looked.
        read_all(shape.over(&bytes));
        read_all(shape.over(&bytes[..bytes.len() / 2]));
    }
}

/// The checksum, another time: what others have to compute who read the format.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, &byte| {
        (0..8).fold(sum ^ u32::from(byte), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg())
        })
    })
}
