//! A picture between its decoder and its encoders.

use super::exif::Orientation;
use super::raster::Raster;

/// What a decoder gives: pixels as they are stored, and how they are to be turned.
pub(super) struct Decoded {
    pub(super) raster: Raster,
    pub(super) orientation: Orientation,
}
