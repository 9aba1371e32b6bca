//! What Nushell keeps about the plugins that it has installed: the content of its file `plugin.msgpackz`.

use super::{PluginMetadata, PluginSignature};

/// The installed plugins of a Nushell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Registry {
    /// The version of Nushell that wrote it.
    pub nushell_version: String,
    /// The plugins, sorted by name when Nushell wrote them.
    pub plugins: Vec<RegistryItem>,
    /// What stands among the plugins and is none, in words. Nushell itself would not read such a registry.
    pub problems: Vec<String>,
}

/// An installed plugin of a Nushell.
#[derive(Clone, Debug, PartialEq)]
pub struct RegistryItem {
    /// The plugin's name. Nushell goes by the name of the file instead.
    pub name: String,
    /// The plugin's file, as an absolute path.
    pub filename: String,
    /// The program that runs the file.
    pub shell: Option<String>,
    /// What the plugin said about itself, or why that could not be read. Nushell calls such a plugin invalid.
    pub content: Result<RegistryContent, String>,
}

/// What an installed plugin said about itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RegistryContent {
    /// What it is.
    pub metadata: PluginMetadata,
    /// Its commands, sorted by name when Nushell wrote them.
    pub commands: Vec<PluginSignature>,
}
