//! Which plugins fit which hosts.

use pegboard_protocol::octa::{CLAIMED, VersionError, default_requirement, meets};
use semver::Version;

#[test]
fn requirements() {
    for (requirement, met) in [
        ("0.2.0", true),
        ("0.2.1", true),
        ("0.2.2", false),
        ("^0.2", true),
        ("0.2", true),
        ("=0.2.0", true),
        ("=0.2.1", true),
        (">=0.2.0", true),
        (">=0.2.0, <0.3.0", true),
        (">0.2.1", false),
        (">=0.3.0", false),
        ("0.1.0", false),
        ("*", true),
    ] {
        assert_eq!(meets(&CLAIMED, requirement).is_ok(), met, "{requirement}");
    }
    for none in ["", "not-a-version", "0.2.0 || 0.3.0", "v0.2.1", "0.2.1.0"] {
        let error = meets(&CLAIMED, none).unwrap_err();
        assert!(matches!(error, VersionError::Invalid { .. }), "{error}");
    }
}

#[test]
fn another_claim() {
    let claimed = Version::new(0, 3, 7);
    for (requirement, met) in [("^0.3", true), ("0.2.1", true), ("0.4.0", false)] {
        assert_eq!(meets(&claimed, requirement).is_ok(), met, "{requirement}");
    }
    let error = meets(&claimed, "0.4.0").unwrap_err().to_string();
    assert_eq!(
        error,
        "the plugin requires the host's version to be `0.4.0`, and the host is Octa 0.3.7"
    );
}

#[test]
fn what_plugins_require() {
    let requirement = default_requirement();
    assert_eq!(requirement.to_string(), ">=0.2.0, <0.3.0");
    assert!(requirement.matches(&Version::new(0, 2, 0)));
    assert!(!requirement.matches(&Version::new(0, 3, 0)));
}
