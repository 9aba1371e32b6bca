//! Candidates for arguments, from real plugins.

mod common;

use std::sync::Arc;

use common::{PATIENCE, Reference, for_each_flavour};
use pegboard_host::protocol::nu::{CompletionTarget, SuggestionKind, Type};
use pegboard_host::{ErrorKind, NoContext};

fn offered(
    reference: &Reference,
    command: &str,
    target: CompletionTarget,
) -> Option<Vec<pegboard_host::protocol::nu::Suggestion>> {
    let offered = reference
        .plugin
        .complete(command, target, Arc::new(NoContext), PATIENCE);
    offered.expect("an answer")
}

#[test]
fn a_plugin_offers_candidates_for_its_arguments() {
    for_each_flavour(|reference| {
        let of = |command: &str, target| offered(reference, command, target);
        let values = |target| {
            let offered = of("ref complete", target)?;
            Some(
                offered
                    .into_iter()
                    .map(|one| one.value)
                    .collect::<Vec<String>>(),
            )
        };
        if reference.flavour.is_old() {
            // It was built before plugins could be asked: it is not, and stays as it is.
            assert_eq!(values(CompletionTarget::Positional(0)), None);
            assert!(reference.pid() > 0);
            return;
        }
        let animals = of("ref complete", CompletionTarget::Positional(0)).expect("candidates");
        assert_eq!(animals[0].value, "cat");
        assert_eq!(
            animals[0].description.as_deref(),
            Some("meows at position 0")
        );
        assert_eq!(animals[1].display_override.as_deref(), Some("Dog"));
        assert_eq!(animals[1].kind, Some(SuggestionKind::Value(Type::String)));
        let colour = CompletionTarget::Flag("colour".to_owned());
        assert_eq!(values(colour), Some(vec!["red".to_owned()]));
        assert_eq!(values(CompletionTarget::Positional(7)), Some(vec![]));
        // It leaves others to the application.
        assert_eq!(of("ref echo", CompletionTarget::Positional(0)), None);
    });
}

#[test]
fn a_plugin_that_cannot_be_started_is_an_error() {
    let rig = common::Rig::new();
    let path = rig.scratch.path().join("nu_plugin_broken");
    std::fs::write(&path, "#!/bin/sh\nexit 3\n").expect("a script");
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("executable");
    let plugin = rig.engine.load(&path).expect("a file");
    let target = CompletionTarget::Positional(0);
    let error = plugin.complete("x", target, Arc::new(NoContext), PATIENCE);
    assert_eq!(error.expect_err("no plugin").kind(), ErrorKind::Start);
}
