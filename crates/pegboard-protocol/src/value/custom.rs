//! Custom values: handles to data that only the plugin that made them understands.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// A handle to a value that lives in, or is understood only by, the plugin that made it.
///
/// `data` means nothing to anybody but that plugin, which must be able to rebuild the value from it after a restart.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomValue {
    /// The name of the type, as shown to people.
    pub name: String,
    /// The plugin's own bytes.
    pub data: Vec<u8>,
    /// The plugin wants to be told when the last copy of this handle is gone.
    pub notify_on_drop: bool,
    /// Who made it. Never travels; a host fills it in when it receives the value.
    pub owner: Owner,
}

/// What a host attaches to a custom value to know which plugin it came from and when its last copy is gone.
///
/// Copies of a value share it, so that it is dropped with the last of them. It takes no part in comparisons.
#[derive(Clone, Default)]
pub struct Owner(Option<Arc<dyn Any + Send + Sync>>);

impl Owner {
    /// Nobody is known to own the value.
    pub const NONE: Owner = Owner(None);

    /// Attaches an owner's mark.
    pub fn new<T: Any + Send + Sync>(mark: Arc<T>) -> Owner {
        Owner(Some(mark))
    }

    /// The mark, if it is of this type.
    pub fn mark<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.0.clone()?.downcast().ok()
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() {
            "Owner(..)"
        } else {
            "Owner(none)"
        })
    }
}

impl PartialEq for Owner {
    fn eq(&self, _: &Owner) -> bool {
        true
    }
}
