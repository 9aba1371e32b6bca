//! A file as memory: the only place of a store with `unsafe`.

use std::fs::File;
use std::io;
use std::ops::Deref;

/// The bytes of a file that is never changed, only replaced by another one of its name.
#[derive(Debug)]
pub(super) struct Map(memmap2::Mmap);

impl Map {
    #[expect(
        unsafe_code,
        reason = "mapping a file is unsafe because others may change it meanwhile"
    )]
    pub(super) fn of(file: &File) -> io::Result<Map> {
        // SAFETY: an index is written beside and then renamed; nobody writes into one that has its name. Somebody who
        // did all the same would change bytes, of which nothing depends on more than that they can be read.
        unsafe { memmap2::Mmap::map(file) }.map(Map)
    }
}

impl Deref for Map {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}
