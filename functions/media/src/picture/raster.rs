//! Decoded pixels: resized, turned and coloured.

use std::borrow::Cow;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::exif::Orientation;
use super::sizes::Size;
use domain::catalog::PictureFault;

/// The samples of a pixel, of a byte each.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Samples {
    Grey,
    GreyAlpha,
    Rgb,
    Rgba,
}

impl Samples {
    pub(super) const fn count(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::GreyAlpha => 2,
            Self::Rgb => 3,
            Self::Rgba => 4,
        }
    }
}

/// Pixels, line by line and without gaps.
#[derive(Debug)]
pub(super) struct Raster {
    size: Size,
    samples: Samples,
    bytes: Vec<u8>,
}

impl Raster {
    /// # Errors
    /// [`PictureFault::Broken`] when a decoder gave more or less than its header had promised.
    pub(super) fn new(size: Size, samples: Samples, bytes: Vec<u8>) -> Result<Self, PictureFault> {
        let pixels = u64::from(size.width) * u64::from(size.height);
        let length = usize::try_from(pixels).ok().and_then(|pixels| pixels.checked_mul(samples.count()));
        if length == Some(bytes.len()) { Ok(Self { size, samples, bytes }) } else { Err(PictureFault::Broken) }
    }

    pub(super) fn size(&self) -> Size {
        self.size
    }

    pub(super) fn samples(&self) -> Samples {
        self.samples
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether nothing shines through: it need not be looked for in the smaller sizes then.
    pub(super) fn is_opaque(&self) -> bool {
        match self.samples {
            Samples::Grey | Samples::Rgb => true,
            Samples::GreyAlpha => self.bytes.as_chunks().0.iter().all(|[_, alpha]| *alpha == u8::MAX),
            Samples::Rgba => self.bytes.as_chunks().0.iter().all(|[_, _, _, alpha]| *alpha == u8::MAX),
        }
    }

    /// The same picture in another size. Transparent pixels count by their alpha, so that whatever colour they have
    /// does not bleed into the visible ones.
    pub(super) fn resized(self, size: Size, is_opaque: bool) -> Result<Self, PictureFault> {
        if size == self.size {
            return Ok(self);
        }
        let kind = match self.samples {
            Samples::Grey => PixelType::U8,
            Samples::GreyAlpha => PixelType::U8x2,
            Samples::Rgb => PixelType::U8x3,
            Samples::Rgba => PixelType::U8x4,
        };
        let from = ImageRef::new(self.size.width, self.size.height, &self.bytes, kind);
        let from = from.map_err(|_| PictureFault::NotEncoded)?;
        let mut to = Image::new(size.width, size.height, kind);
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
        let resized = Resizer::new().resize(&from, &mut to, &options.use_alpha(!is_opaque));
        resized.map_err(|_| PictureFault::NotEncoded)?;
        Self::new(size, self.samples, to.into_vec())
    }

    /// The same picture as the encoders take it: in RGB, with alpha when something shines through.
    pub(super) fn coloured(self, is_opaque: bool) -> Self {
        let (samples, bytes) = match (self.samples, is_opaque) {
            (Samples::Rgb, _) | (Samples::Rgba, false) => (self.samples, self.bytes),
            (Samples::Grey, _) => (Samples::Rgb, self.bytes.iter().flat_map(|grey| [*grey; 3]).collect()),
            (Samples::GreyAlpha, true) => {
                let pixels = self.bytes.as_chunks().0;
                (Samples::Rgb, pixels.iter().flat_map(|[grey, _]| [*grey; 3]).collect())
            }
            (Samples::GreyAlpha, false) => {
                let pixels = self.bytes.as_chunks().0;
                (Samples::Rgba, pixels.iter().flat_map(|[grey, alpha]| [*grey, *grey, *grey, *alpha]).collect())
            }
            (Samples::Rgba, true) => {
                let pixels = self.bytes.as_chunks().0;
                (Samples::Rgb, pixels.iter().flat_map(|[red, green, blue, _]| [*red, *green, *blue]).collect())
            }
        };
        Self { size: self.size, samples, bytes }
    }

    /// The picture as it is to be seen.
    pub(super) fn turned(self, orientation: Orientation) -> Self {
        let bytes = match self.samples {
            _ if orientation == Orientation::default() => self.bytes,
            Samples::Grey => self.turned_pixels::<1>(orientation),
            Samples::GreyAlpha => self.turned_pixels::<2>(orientation),
            Samples::Rgb => self.turned_pixels::<3>(orientation),
            Samples::Rgba => self.turned_pixels::<4>(orientation),
        };
        Self { size: orientation.turned(self.size), samples: self.samples, bytes }
    }

    fn turned_pixels<const SAMPLES: usize>(&self, orientation: Orientation) -> Vec<u8> {
        let (pixels, _) = self.bytes.as_chunks::<SAMPLES>();
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        // Where a line (or column) begins, and how far its pixels are from one another.
        let (lines, step, length, stride) =
            if orientation.by_columns { (width, 1, height, width) } else { (height, width, width, 1) };
        let mut turned = Vec::with_capacity(self.bytes.len());
        for line in 0..lines {
            let line = if orientation.lines_reversed { lines - 1 - line } else { line };
            let stored = pixels.iter().skip(line * step).step_by(stride).take(length);
            if orientation.pixels_reversed {
                turned.extend(stored.rev().flatten());
            } else {
                turned.extend(stored.flatten());
            }
        }
        turned
    }

    /// The pixels in RGB, on white where something shines through.
    pub(super) fn on_white(&self) -> Cow<'_, [u8]> {
        match self.samples {
            Samples::Rgba => {
                let pixels = self.bytes.as_chunks().0;
                Cow::Owned(
                    pixels
                        .iter()
                        .flat_map(|[red, green, blue, alpha]| [*red, *green, *blue].map(|sample| mixed(sample, *alpha)))
                        .collect(),
                )
            }
            _ => Cow::Borrowed(&self.bytes),
        }
    }

    /// The average colour on white.
    pub(super) fn average(&self) -> [u8; 3] {
        let bytes = self.on_white();
        let pixels = bytes.as_chunks::<3>().0;
        let mut sums = [0_u64; 3];
        for pixel in pixels {
            for (sum, sample) in sums.iter_mut().zip(pixel) {
                *sum += u64::from(*sample);
            }
        }
        let count = (pixels.len() as u64).max(1);
        sums.map(|sum| u8::try_from((sum + count / 2) / count).unwrap_or(u8::MAX))
    }
}

/// A sample over white.
fn mixed(sample: u8, alpha: u8) -> u8 {
    let (sample, alpha) = (u32::from(sample), u32::from(alpha));
    u8::try_from((sample * alpha + 255 * (255 - alpha) + 127) / 255).unwrap_or(u8::MAX)
}
