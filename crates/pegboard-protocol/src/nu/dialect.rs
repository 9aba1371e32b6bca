//! What each version of Nushell changed on the wire, as one table.

use std::fmt;

use semver::Version;

/// A change of the wire that some version made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The plugin can be asked for its own version.
    MetadataCall,
    /// Commands can be found and called by the plugin.
    Declarations,
    /// Interrupts are signalled.
    Signals,
    /// Headers carry metadata, and the header of a value is a pair.
    HeaderMetadata,
    /// `usage` became `description`.
    Descriptions,
    /// Bytes in MessagePack's own form are known to be read, though real peers write arrays of integers. Older ones may
    /// read them too: this is the oldest that was tried.
    NativeBytes,
    /// The operators `has` and `not-has`.
    HasOperators,
    /// `Append` became `Concat`, for two versions.
    ConcatOperators,
    /// Operators were renamed: `Plus` became `Add`, and so on.
    OperatorNames,
    /// The operators `not-starts-with` and `not-ends-with`.
    NegatedMatches,
    /// The category `Deprecated`.
    DeprecatedCategory,
    /// The type `ListStream` was removed.
    NoListStreamType,
    /// The types `Signature` and `Block` were removed.
    NoBlockType,
    /// The type `Block` came back.
    BlockType,
    /// The type `OneOf`.
    UnionTypes,
    /// The shape `CompleterWrapper` was removed; arguments had `custom_completion` for one version.
    CustomCompletion,
    /// The shape `ExternalSignature`.
    ExternalSignatures,
    /// Arguments can name a completer that is built into the engine.
    BuiltinCompletions,
    /// Candidates say what is shown instead of them.
    DisplayOverride,
    /// Steps of a cell path say whether case matters.
    PathCasing,
    /// Following a path into a custom value says whether it is optional; `Save` and `Ok` came with it.
    CustomPaths,
    /// Arguments name their candidates; metadata carries custom fields.
    Completions,
    /// The plugin completes arguments itself.
    DynamicCompletion,
    /// The code of a block can be asked for.
    BlockIr,
    /// Metadata names the columns that hold paths, and must.
    PathColumns,
    /// The data source `Ls` was removed.
    NoLsSource,
    /// Ranges and cell paths are written as text.
    TextPaths,
}

/// Since which minor version (of 0.x) and patch each change holds.
const CHANGES: &[(Change, u64, u64)] = &[
    (Change::MetadataCall, 95, 0),
    (Change::Declarations, 96, 0),
    (Change::Signals, 97, 1),
    (Change::HeaderMetadata, 97, 1),
    (Change::Descriptions, 98, 0),
    (Change::NativeBytes, 98, 0),
    (Change::ConcatOperators, 101, 0),
    (Change::DeprecatedCategory, 101, 0),
    (Change::NoListStreamType, 101, 0),
    (Change::HasOperators, 102, 0),
    (Change::NoBlockType, 102, 0),
    (Change::OperatorNames, 103, 0),
    (Change::PathCasing, 105, 0),
    (Change::BlockType, 106, 0),
    (Change::CustomCompletion, 107, 0),
    (Change::CustomPaths, 108, 0),
    (Change::Completions, 108, 0),
    (Change::NegatedMatches, 108, 0),
    (Change::DynamicCompletion, 109, 0),
    (Change::UnionTypes, 109, 0),
    (Change::BlockIr, 110, 0),
    (Change::PathColumns, 111, 0),
    (Change::DisplayOverride, 111, 0),
    (Change::ExternalSignatures, 112, 0),
    (Change::NoLsSource, 113, 0),
    (Change::TextPaths, 114, 0),
    (Change::BuiltinCompletions, 115, 0),
];

/// The oldest minor version whose wire is understood. Before it, byte streams had another form.
const OLDEST: u64 = 94;
/// The newest minor version that was compared with the real thing.
const NEWEST: u64 = 116;

/// The protocol of one version of Nushell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dialect {
    minor: u64,
    patch: u64,
}

impl Dialect {
    /// The newest dialect that is known.
    pub const NEWEST: Dialect = Dialect {
        minor: NEWEST,
        patch: u64::MAX,
    };

    /// The dialect of a version. Versions newer than any known are taken to speak the newest one.
    pub fn of(version: &Version) -> Result<Dialect, UnsupportedVersion> {
        if version.major > 0 {
            return Ok(Dialect::NEWEST);
        }
        if version.minor < OLDEST {
            return Err(UnsupportedVersion {
                version: version.clone(),
            });
        }
        Ok(Dialect {
            minor: version.minor,
            patch: version.patch,
        })
    }

    /// Whether this dialect has a change.
    pub fn has(self, change: Change) -> bool {
        CHANGES
            .iter()
            .any(|&(row, minor, patch)| row == change && (self.minor, self.patch) >= (minor, patch))
    }

    /// The minor version, of 0.x.
    pub fn minor(self) -> u64 {
        self.minor
    }

    /// Since which version a change holds, for messages: `0.109`.
    pub fn since(change: Change) -> String {
        CHANGES
            .iter()
            .find(|row| row.0 == change)
            .map(|&(_, minor, patch)| {
                if patch == 0 {
                    format!("0.{minor}")
                } else {
                    format!("0.{minor}.{patch}")
                }
            })
            .unwrap_or_default()
    }
}

/// A version whose wire is too old to be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsupportedVersion {
    /// The version.
    pub version: Version,
}

impl fmt::Display for UnsupportedVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Nushell {} speaks a protocol from before 0.{OLDEST}, which is not supported",
            self.version
        )
    }
}

impl std::error::Error for UnsupportedVersion {}
