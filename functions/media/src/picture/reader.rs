//! Reads the headers of files. What ends too early is broken.

use domain::catalog::PictureFault;

/// The part of a file that has not been read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], PictureFault> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(PictureFault::Broken)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn array<const COUNT: usize>(&mut self) -> Result<[u8; COUNT], PictureFault> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(PictureFault::Broken)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, PictureFault> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn big_u16(&mut self) -> Result<u16, PictureFault> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn big_u32(&mut self) -> Result<u32, PictureFault> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn little_u16(&mut self) -> Result<u16, PictureFault> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn little_u32(&mut self) -> Result<u32, PictureFault> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A length of 32 bits, as the formats have them.
pub(super) fn length(count: u32) -> Result<usize, PictureFault> {
    usize::try_from(count).map_err(|_| PictureFault::Broken)
}
