//! What Pegboard keeps about installed plugins, as bytes: parse and print, nothing else.
//!
//! - [`Entry`] is one installed plugin, a JSON document. Entries are the truth.
//! - [`index`] is all of them in one file that is made for being mapped into memory: which commands there are and who
//!   has them is found in it without starting or parsing anything. It is made from entries and can be made again.
//!
//! There is no IO here: whoever calls reads and writes the files.

mod entry;
pub mod index;

pub use entry::{Entry, EntryError, FileStamp};
