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

            /// Whether another try may end otherwise.
            pub const fn may_pass(self) -> bool {
                matches!(self, Self::NoConnection | Self::BadAnswer | Self::NotNow | Self::TooSlow)
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
    /// Its address cannot be read as one, or is too long; also that of a redirect.
    BadAddress = ("picture_address_invalid", "this is no address of the web: copy it from the browser"),
    /// Another scheme than `https`, in the file or in a redirect.
    NotHttps = ("picture_address_not_https", "pictures are fetched from addresses with https:// only, also after a redirect"),
    /// A user name or a password stands before the host.
    Credentials = ("picture_address_with_credentials", "the address holds a user name or a password: put the picture where it needs none"),
    /// Another port than 443 and 8443.
    ForbiddenPort = ("picture_port_forbidden", "pictures are fetched from the ports 443 and 8443 only"),
    /// The name of the host has no address.
    NoSuchHost = ("picture_host_not_found", "the host of the address was not found: correct the address"),
    /// The host is not on the public internet.
    ForbiddenAddress = ("picture_host_not_public", "the host of the address is not on the public internet: put the picture where everybody can read it"),
    /// Nothing accepted a connection.
    NoConnection = ("picture_host_unreachable", "the host of the address could not be reached: import the file again later"),
    /// The certificate is not valid for the host.
    BadCertificate = ("picture_certificate_invalid", "the certificate of the host is not valid: ask those who run it, or upload the picture"),
    /// The answer is no HTTP, or broke off.
    BadAnswer = ("picture_answer_unreadable", "the answer of the host broke off or cannot be read: import the file again later"),
    /// More than three redirects.
    TooManyRedirects = ("picture_redirected_too_often", "the address redirects more than three times: give the one where the picture is"),
    /// Another status than 200 because of the address.
    NotThere = ("picture_refused", "the host did not give the picture: open the address in a browser, and correct it"),
    /// A status that says that it may work later.
    NotNow = ("picture_refused_now", "the host did not give the picture for now: import the file again later"),
    /// More than 10 MB.
    TooLarge = ("picture_too_large", "the picture is larger than 10 MB: save it smaller"),
    /// More than 10 seconds.
    TooSlow = ("picture_too_slow", "the picture did not come within 10 seconds: import the file again later, or upload it"),
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
