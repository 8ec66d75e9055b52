//! Writes the files that pages show.

use jpeg_encoder::{ChromaSubsamplingMethod, ColorType};
use webp::{PixelLayout, WebPConfig};

use super::raster::{Raster, Samples};
use super::{FileKind, MadeFile, PictureFault};

/// Of 100. Below 75 the edges of lettering on packages begin to blur; above 80 files grow faster than they improve.
const WEBP_QUALITY: f32 = 78.0;

/// Of 0 (fast) to 6 (small).
const WEBP_METHOD: i32 = 4;

/// Of 100: of about the same quality as the WebP, for the few browsers that do not know it.
const JPEG_QUALITY: u8 = 80;

pub(super) fn webp(raster: &Raster) -> Result<MadeFile, PictureFault> {
    let layout = match raster.samples() {
        Samples::Rgba => PixelLayout::Rgba,
        Samples::Rgb => PixelLayout::Rgb,
        Samples::Grey | Samples::GreyAlpha => return Err(PictureFault::NotEncoded),
    };
    let size = raster.size();
    let mut config = WebPConfig::new().map_err(|()| PictureFault::NotEncoded)?;
    config.quality = WEBP_QUALITY;
    config.method = WEBP_METHOD;
    let encoder = webp::Encoder::new(raster.bytes(), layout, size.width, size.height);
    let encoded = encoder.encode_advanced(&config).map_err(|_| PictureFault::NotEncoded)?;
    Ok(MadeFile { kind: FileKind::Webp, width: size.width, height: size.height, bytes: encoded.to_vec() })
}

/// A baseline JPEG with half the colour resolution (4:2:0), on white.
pub(super) fn jpeg(raster: &Raster) -> Result<MadeFile, PictureFault> {
    let size = raster.size();
    let width = u16::try_from(size.width).map_err(|_| PictureFault::NotEncoded)?;
    let height = u16::try_from(size.height).map_err(|_| PictureFault::NotEncoded)?;
    let mut bytes = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, JPEG_QUALITY);
    // Single pixels of a colour are not dropped with the three others of their square.
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    encoder.encode(&raster.on_white(), width, height, ColorType::Rgb).map_err(|_| PictureFault::NotEncoded)?;
    Ok(MadeFile { kind: FileKind::Jpeg, width: size.width, height: size.height, bytes })
}
