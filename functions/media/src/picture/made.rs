//! What is made of a picture.

/// A picture in the sizes that pages show.
#[derive(Debug)]
pub(crate) struct Made {
    /// The width of the largest file, in pixels.
    pub(crate) width: u32,
    /// The height of the largest file, in pixels.
    pub(crate) height: u32,
    /// The average colour in sRGB, on white where the picture is transparent: what a page shows until a file is there.
    pub(crate) color: [u8; 3],
    /// WebP from the narrowest to the widest, no two of the same width, then one JPEG as wide as the widest.
    pub(crate) files: Vec<MadeFile>,
}

/// One file of a picture. It has no metadata.
#[derive(Debug)]
pub(crate) struct MadeFile {
    pub(crate) kind: FileKind,
    /// In pixels.
    pub(crate) width: u32,
    /// In pixels.
    #[cfg(test)]
    pub(crate) height: u32,
    pub(crate) bytes: Vec<u8>,
}

/// The kinds of files that are made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum FileKind {
    Webp,
    Jpeg,
}
