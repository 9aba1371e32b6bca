//! What two sides of Pegboard's own can beyond Octa's protocol: one table of names.

use std::fmt;

/// An ability, named in Hello. Peers that do not know a name ignore it, as all real ones do.
///
/// The host offers what it can, the plugin answers with those of them that it can too, and only these are used. So a
/// real host hears of none, and no real peer ever sees a message that it does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Feature {
    /// The host sends an execution's text as it is. Real hosts send it with escapes that do not belong there.
    PlainText,
    /// The host chooses the number of an execution, so that answers need not come in order.
    Ids,
    /// The host can end one execution and leave the others alone. Needs no [`Feature::Ids`].
    Cancel,
    /// The host can send input to an execution. Needs [`Feature::Bytes`].
    Input,
    /// Output and input may be any bytes, not only text.
    Bytes,
    /// The plugin waits for the host to take its output. Needs [`Feature::Bytes`].
    Credit,
    /// An execution can have a result with a structure, beside its exit code.
    Result,
}

const TABLE: [(Feature, &str); 7] = [
    (Feature::PlainText, "pegboard-plain-text"),
    (Feature::Ids, "pegboard-ids"),
    (Feature::Cancel, "pegboard-cancel"),
    (Feature::Input, "pegboard-input"),
    (Feature::Bytes, "pegboard-bytes"),
    (Feature::Credit, "pegboard-credit"),
    (Feature::Result, "pegboard-result"),
];

impl Feature {
    /// The name in Hello.
    pub fn name(self) -> &'static str {
        TABLE[self as usize].1
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of features.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Features(u8);

impl Features {
    /// None: what real peers can.
    pub const NONE: Features = Features(0);
    /// All that this version knows.
    pub const ALL: Features = Features((1 << TABLE.len()) - 1);

    /// Whether a feature is among them.
    pub fn has(self, feature: Feature) -> bool {
        self.0 & feature.bit() != 0
    }

    /// These and one more.
    #[must_use]
    pub fn with(self, feature: Feature) -> Features {
        Features(self.0 | feature.bit())
    }

    /// These without one.
    #[must_use]
    pub fn without(self, feature: Feature) -> Features {
        Features(self.0 & !feature.bit())
    }

    /// Those that are in both.
    #[must_use]
    pub fn and(self, other: Features) -> Features {
        Features(self.0 & other.0)
    }

    /// The features, in the order of their names in Hello.
    pub fn iter(self) -> impl Iterator<Item = Feature> {
        TABLE
            .iter()
            .map(|(feature, _)| *feature)
            .filter(move |feature| self.has(*feature))
    }

    /// What a Hello names, without the names that are not known.
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Features {
        let known = |name: &str| TABLE.iter().find(|(_, known)| *known == name);
        names
            .into_iter()
            .filter_map(known)
            .fold(Features::NONE, |features, (feature, _)| {
                features.with(*feature)
            })
    }

    /// What is left when those go that need one that is not there.
    pub(super) fn settled(self) -> Features {
        match self.has(Feature::Bytes) {
            true => self,
            false => self.without(Feature::Input).without(Feature::Credit),
        }
    }

    pub(super) fn names(self) -> Vec<String> {
        self.iter()
            .map(|feature| feature.name().to_owned())
            .collect()
    }
}

impl fmt::Debug for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
