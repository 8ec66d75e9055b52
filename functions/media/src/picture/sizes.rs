//! Which sizes are made of a picture.

use domain::catalog::PictureFault;

/// More pixels than this are not decoded: 160 MB as RGBA, and about 460 MB in the costliest coding, a progressive JPEG
/// in CMYK. The function has 1,024 MB.
pub(crate) const MAX_PIXELS: u32 = 40_000_000;

/// The longest side that is decoded, in pixels.
pub(crate) const MAX_SIDE: u32 = 20_000;

/// The widths of pages' pictures, in pixels.
const STEPS: [u32; 3] = [320, 640, 1280];

/// In pixels.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Size {
    pub(super) width: u32,
    pub(super) height: u32,
}

/// The largest size, and the smaller ones from large to small.
///
/// Each step gives the largest size that fits into it and is not larger than the picture. Of sizes whose widths differ
/// by less than a tenth the wider one is made: 330 pixels give 330 only, 480 give 480 and 320.
pub(super) fn of(picture: Size) -> (Size, Vec<Size>) {
    let [small, medium, large] = STEPS.map(|step| fitted(picture, step));
    let mut smaller = Vec::new();
    let mut wider = large;
    for size in [medium, small] {
        if size.width * 10 < wider.width * 9 {
            smaller.push(size);
            wider = size;
        }
    }
    (large, smaller)
}

/// The largest size of the picture's shape that is at most as wide as the step and twice as high.
fn fitted(picture: Size, step: u32) -> Size {
    let Size { width, height } = picture;
    let highest = 2 * step;
    if width <= step && height <= highest {
        picture
    } else if height <= 2 * width {
        Size { width: step, height: scaled(height, step, width) }
    } else {
        Size { width: scaled(width, highest, height), height: highest }
    }
}

/// `side * to / from`, rounded, and at least a pixel. Sides are at most 20,000, so that nothing overflows.
fn scaled(side: u32, to: u32, from: u32) -> u32 {
    ((side * to + from / 2) / from).max(1)
}

/// Refuses what is too large to be decoded, or has no pixels.
pub(super) fn check(size: Size) -> Result<Size, PictureFault> {
    let Size { width, height } = size;
    if width == 0 || height == 0 {
        return Err(PictureFault::Broken);
    }
    let fits = width <= MAX_SIDE && height <= MAX_SIDE && width.saturating_mul(height) <= MAX_PIXELS;
    fits.then_some(size).ok_or(PictureFault::TooManyPixels)
}

#[cfg(test)]
mod tests {
    use super::{Size, of};

    fn widths(width: u32, height: u32) -> Vec<u32> {
        let (largest, smaller) = of(Size { width, height });
        let mut widths: Vec<_> = smaller.iter().map(|size| size.width).collect();
        widths.insert(0, largest.width);
        widths
    }

    #[test]
    fn a_picture_is_made_as_wide_as_the_steps_and_never_wider_than_it_is() {
        assert_eq!(widths(4000, 3000), [1280, 640, 320]);
        assert_eq!(widths(1300, 900), [1280, 640, 320]);
        assert_eq!(widths(1280, 10), [1280, 640, 320]);
        assert_eq!(widths(1000, 10), [1000, 640, 320]);
        assert_eq!(widths(480, 480), [480, 320]);
        assert_eq!(widths(200, 300), [200]);
        assert_eq!(widths(1, 1), [1]);
    }

    #[test]
    fn of_two_widths_that_are_nearly_the_same_only_the_wider_one_is_made() {
        assert_eq!(widths(330, 100), [330]);
        assert_eq!(widths(355, 100), [355]);
        assert_eq!(widths(356, 100), [356, 320]);
        assert_eq!(widths(700, 100), [700, 320]);
        assert_eq!(widths(712, 100), [712, 640, 320]);
    }

    #[test]
    fn a_strip_is_at_most_twice_as_high_as_its_step_is_wide() {
        let (largest, smaller) = of(Size { width: 100, height: 20_000 });
        assert_eq!(largest, Size { width: 13, height: 2560 });
        assert_eq!(smaller, [Size { width: 6, height: 1280 }, Size { width: 3, height: 640 }]);
        assert_eq!(of(Size { width: 1, height: 20_000 }), (Size { width: 1, height: 2560 }, vec![]));
        assert_eq!(of(Size { width: 20_000, height: 1 }).0, Size { width: 1280, height: 1 });
        assert_eq!(of(Size { width: 20_000, height: 2000 }).0, Size { width: 1280, height: 128 });
    }

    #[test]
    fn every_size_fits_its_step_and_keeps_the_shape() {
        for width in (1..20_000).step_by(97) {
            for height in (1..20_000).step_by(89) {
                let picture = Size { width, height };
                let (largest, smaller) = of(picture);
                for (size, step) in [largest].iter().chain(&smaller).zip([1280, 640, 320]) {
                    assert!((1..=step).contains(&size.width.min(step)), "{picture:?}: {size:?}");
                    assert!(size.width <= width && size.height <= height, "{picture:?}: {size:?}");
                    assert!(size.width <= 1280 && size.height <= 2560, "{picture:?}: {size:?}");
                    // At most a pixel away from the exact shape, in either direction.
                    let (left, right) = (u64::from(size.width * height), u64::from(size.height * width));
                    assert!(left.abs_diff(right) <= u64::from(width.max(height)), "{picture:?}: {size:?}");
                }
            }
        }
    }
}
