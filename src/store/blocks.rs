//! Files made of checked blocks: exports, backups, and the segments shipped after them.
//!
//! ```text
//! magic [8] ‖ anything the file's kind says ‖ blocks: kind u8 ‖ length u32 ‖ payload ‖ crc32c u32 of all up to here
//! ```
//! The checksum runs on from block to block, so none can be damaged, left out, put elsewhere or come from another file
//! without being noticed. It is against damage; against malice a file says more.

use super::journal::frame::FRAME_BYTES_MAX;
use std::io::{self, Read, Write};

/// A frame of the journal and what may stand with it; a longer one is damage.
pub const BLOCK_BYTES_MAX: usize = FRAME_BYTES_MAX + 1024;

pub struct BlockWriter<W> {
    to: W,
    sum: u32,
}

impl<W: Write> BlockWriter<W> {
    pub fn new(to: W, magic: &[u8; 8]) -> io::Result<Self> {
        let mut writer = Self { to, sum: 0 };
        writer.raw(magic)?;
        Ok(writer)
    }

    /// What stands before the blocks.
    pub fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sum = crc32c::crc32c_append(self.sum, bytes);
        self.to.write_all(bytes)
    }

    pub fn block(&mut self, kind: u8, payload: &[u8]) -> io::Result<()> {
        self.raw(&[kind])?;
        self.raw(&(payload.len() as u32).to_le_bytes())?;
        self.raw(payload)?;
        let sum = self.sum.to_le_bytes();
        self.raw(&sum)
    }

    pub fn get_mut(&mut self) -> &mut W {
        &mut self.to
    }

    pub fn into_inner(self) -> W {
        self.to
    }
}

pub struct BlockReader<R> {
    from: R,
    sum: u32,
    /// Where the last whole block ended.
    whole: u64,
    at: u64,
}

impl<R: Read> BlockReader<R> {
    /// `None`: it begins otherwise.
    pub fn new(from: R, magic: &[u8; 8]) -> io::Result<Option<Self>> {
        let mut reader = Self {
            from,
            sum: 0,
            whole: 0,
            at: 0,
        };
        let found: [u8; 8] = reader.array()?;
        Ok((found == *magic).then_some(reader))
    }

    fn read(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.from.read_exact(bytes)?;
        self.at += bytes.len() as u64;
        self.sum = crc32c::crc32c_append(self.sum, bytes);
        Ok(())
    }

    pub fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.read(&mut bytes)?;
        Ok(bytes)
    }

    /// The next block, checked. `UnexpectedEof` where the file ends within it, `InvalidData` where it is damaged.
    pub fn block(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let damaged = |why| io::Error::new(io::ErrorKind::InvalidData, why);
        let [kind] = self.array()?;
        let length = u32::from_le_bytes(self.array()?) as usize;
        if length > BLOCK_BYTES_MAX {
            return Err(damaged("a block is too long"));
        }
        let mut payload = vec![0; length];
        self.read(&mut payload)?;
        let sum = self.sum;
        if self.array()? != sum.to_le_bytes() {
            return Err(damaged("its checksum does not match"));
        }
        self.whole = self.at;
        Ok((kind, payload))
    }

    /// Where the last whole block ended.
    pub fn whole(&self) -> u64 {
        self.whole
    }

    /// Whether nothing follows.
    pub fn ended(&mut self) -> io::Result<bool> {
        Ok(self.from.read(&mut [0])? == 0)
    }
}
