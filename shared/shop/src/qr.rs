//! QR codes as SVG, for a phone to read from a screen.

use std::fmt::Write as _;

use domain::{Code, Refusal};
use qrcodegen::{QrCode, QrCodeEcc};

/// Light modules around the code, which readers need.
const BORDER: i32 = 4;

/// The picture of a text: black modules as one path on white, one unit each.
///
/// # Errors
/// `internal` for a text that is too long for a code.
pub(crate) fn svg(text: &str) -> Result<String, Refusal> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium)
        .map_err(|_| Refusal::because(Code::Internal, "a text is too long for a QR code"))?;
    let size = code.size() + 2 * BORDER;
    let mut path = String::new();
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
            let _ = write!(path, "M{},{}h1v1h-1z", x + BORDER, y + BORDER);
        }
    }
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" role=\"img\" shape-rendering=\"crispEdges\">\
         <path d=\"M0,0h{size}v{size}h-{size}z\" fill=\"#fff\"/><path d=\"{path}\" fill=\"#000\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_a_border_and_the_three_corners() {
        let picture = svg("otpauth://totp/Bozor:aziza?secret=GEZDGNBVGY3TQOJQ").unwrap();
        assert!(picture.starts_with("<svg xmlns=") && picture.ends_with("</svg>"), "{picture}");
        // The first row of the finder pattern in the upper left corner, and nothing in the border.
        for x in 4..11 {
            assert!(picture.contains(&format!("M{x},4h1")), "{x}");
        }
        assert!(!picture.contains("M3,") && !picture.contains(",3h1"));
    }

    #[test]
    fn a_text_that_is_too_long_is_refused() {
        assert!(svg(&"x".repeat(4_000)).is_err());
    }
}
