//! Why a picture cannot be shown.

/// Declares the faults once: name, code, what to do in English, and meaning.
macro_rules! picture_faults {
    ($($(#[doc = $doc:literal])+ $name:ident = ($code:literal, $detail:literal),)+) => {
        /// Why a picture cannot be shown, or was not fetched from the address that a product file gives for it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum PictureFault { $($(#[doc = $doc])+ $name,)+ }

        impl PictureFault {
            /// Every fault, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The code for clients, which is stored as well. Part of the HTTP contract: never renamed.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// What is wrong and what to do, in English.
            pub const fn detail(self) -> &'static str {
                match self { $(Self::$name => $detail,)+ }
            }

            /// The fault with this code; nothing for one of a newer release.
            pub fn of(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|fault| fault.code() == code)
            }
        }
    };
}

picture_faults! {
    /// No kind of picture that is known: a page, a text, an archive, a video, nothing at all.
    NotAPicture = ("not_a_picture", "this is no picture: choose a JPEG, PNG or WebP file"),
    /// A document in PDF, which may well show a picture.
    Pdf = ("pdf_document", "this is a PDF document: save its picture as JPEG and upload that"),
    /// HEIC or HEIF, as iPhones store photographs.
    Heic = ("heic_picture", "HEIC pictures cannot be shown: save it as JPEG, or set the camera to the most compatible format"),
    /// AVIF.
    Avif = ("avif_picture", "AVIF pictures cannot be shown: save it as JPEG, PNG or WebP"),
    /// GIF, animated or not.
    Gif = ("gif_picture", "GIF pictures cannot be shown: save it as JPEG, PNG or WebP"),
    /// SVG: a document that may hold scripts and links, not pixels.
    Svg = ("svg_drawing", "SVG drawings cannot be shown: export it as PNG"),
    /// Another kind that is known but not read.
    OtherKind = ("other_picture", "pictures of this kind cannot be shown: save it as JPEG, PNG or WebP"),
    /// More pixels than are decoded, or a side that is too long.
    TooManyPixels = ("too_many_pixels", "the picture is too large: at most 40 megapixels and 20,000 pixels a side"),
    /// Cut off or corrupt.
    Broken = ("broken_picture", "the file is cut off or damaged: save the picture again and upload that"),
    /// The files of the shop could not be made of the pixels. The uploaded file is not to blame.
    NotEncoded = ("not_encoded", "the picture could not be converted: save it as JPEG and upload that"),
    /// No product named it for days, and it was deleted.
    Removed = ("picture_removed", "the picture was deleted, because no product showed it: upload it again"),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_has_a_code_of_its_own_by_which_it_is_found() {
        for fault in PictureFault::ALL {
            assert_eq!(PictureFault::of(fault.code()), Some(*fault));
        }
        assert_eq!(PictureFault::of("of_tomorrow"), None);
    }
}
