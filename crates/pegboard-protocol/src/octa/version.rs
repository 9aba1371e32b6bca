//! Which plugins fit which hosts.

use std::fmt;

use semver::{Version, VersionReq};

/// The version that our hosts say they are, unless told otherwise.
pub const CLAIMED: Version = Version::new(0, 2, 1);

/// The versions of Octa whose wire is known.
pub const SPOKEN: [Version; 2] = [Version::new(0, 2, 0), Version::new(0, 2, 1)];

/// The requirement of a plugin that fits every known host: `>=0.2.0, <0.3.0`.
pub fn default_requirement() -> VersionReq {
    let comparator = |op, minor| semver::Comparator {
        op,
        major: 0,
        minor: Some(minor),
        patch: Some(0),
        pre: semver::Prerelease::EMPTY,
    };
    VersionReq {
        comparators: vec![
            comparator(semver::Op::GreaterEq, 2),
            comparator(semver::Op::Less, 3),
        ],
    }
}

/// Whether a host that claims a version, and can speak all of [`SPOKEN`], meets the requirement of a plugin.
///
/// A real host only compares its own version, and crashes when the requirement is none.
pub fn meets(claimed: &Version, requirement: &str) -> Result<(), VersionError> {
    let parsed = VersionReq::parse(requirement).map_err(|error| VersionError::Invalid {
        requirement: requirement.to_owned(),
        reason: error.to_string(),
    })?;
    if parsed.matches(claimed) || SPOKEN.iter().any(|version| parsed.matches(version)) {
        return Ok(());
    }
    Err(VersionError::Unmet {
        requirement: requirement.to_owned(),
        version: Box::new(claimed.clone()),
    })
}

/// Why a plugin and a host do not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionError {
    /// What the plugin requires is not a requirement.
    Invalid {
        /// What it said.
        requirement: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The host is not of a version that the plugin requires.
    Unmet {
        /// What the plugin requires.
        requirement: String,
        /// What the host is.
        version: Box<Version>,
    },
}

impl fmt::Display for VersionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VersionError::Invalid {
                requirement,
                reason,
            } => write!(
                f,
                "the plugin requires the host's version to be `{requirement}`, which is not a requirement such as \
                 `>=0.2.0, <0.3.0`: {reason}"
            ),
            VersionError::Unmet {
                requirement,
                version,
            } => write!(
                f,
                "the plugin requires the host's version to be `{requirement}`, and the host is Octa {version}"
            ),
        }
    }
}

impl std::error::Error for VersionError {}
