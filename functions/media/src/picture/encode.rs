//! Writes the files that pages show.

use jpeg_encoder::{ChromaSubsamplingMethod, ColorType};
use webp::{PixelLayout, WebPConfig};

use super::made::{FileKind, MadeFile};
use super::raster::{Raster, Samples};
use domain::catalog::PictureFault;

/// Of 100, best first. Below 75 the edges of lettering on packages begin to blur; above 80 files grow faster than they
/// improve. The lower ones are for fine patterns, which would take many times the bytes of a photograph, and in which
/// nobody sees the difference.
const WEBP_QUALITIES: [f32; 3] = [78.0, 60.0, 42.0];

/// Pixels for which a WebP may take a byte: so 12 KB at 320 pixels, and 50 KB at 640, of a square.
const PIXELS_PER_BYTE: u64 = 8;

/// Of 0 (fast) to 6 (small). 4, the default, takes a fifth longer and makes nothing smaller; 2 makes 8 % more.
const WEBP_METHOD: i32 = 3;

/// Of 100: of about the same quality as the WebP, for the few browsers that do not know it.
const JPEG_QUALITY: u8 = 80;

pub(super) fn webp(raster: &Raster) -> Result<MadeFile, PictureFault> {
    let layout = match raster.samples() {
        Samples::Rgba => PixelLayout::Rgba,
        Samples::Rgb => PixelLayout::Rgb,
        Samples::Grey | Samples::GreyAlpha => return Err(PictureFault::NotEncoded),
    };
    let size = raster.size();
    let most = u64::from(size.width) * u64::from(size.height) / PIXELS_PER_BYTE;
    let mut config = WebPConfig::new().map_err(|()| PictureFault::NotEncoded)?;
    config.method = WEBP_METHOD;
    let encoder = webp::Encoder::new(raster.bytes(), layout, size.width, size.height);
    let mut bytes = Vec::new();
    for quality in WEBP_QUALITIES {
        config.quality = quality;
        bytes = encoder.encode_advanced(&config).map_err(|_| PictureFault::NotEncoded)?.to_vec();
        if u64::try_from(bytes.len()).is_ok_and(|length| length <= most) {
            break;
        }
    }
    Ok(MadeFile {
        kind: FileKind::Webp,
        width: size.width,
        #[cfg(test)]
        height: size.height,
        bytes,
    })
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
    Ok(MadeFile {
        kind: FileKind::Jpeg,
        width: size.width,
        #[cfg(test)]
        height: size.height,
        bytes,
    })
}
