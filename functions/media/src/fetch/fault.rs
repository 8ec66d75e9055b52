//! Why a picture could not be fetched.

use domain::catalog::PictureFault;

/// Why a picture could not be fetched. As text it is a sentence in English, which never holds an address that a name
/// resolved to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum FetchFault {
    /// It cannot be read as an address, or it is longer than 4,096 bytes; also that of a redirect.
    #[error("The address is not a valid web address.")]
    BadAddress,
    /// Another scheme than `https`, in the file or in a redirect.
    #[error("Only addresses that begin with https:// are fetched, also after a redirect.")]
    NotHttps,
    /// A user name or a password stands before the host.
    #[error("The address contains a user name or a password.")]
    Credentials,
    /// Another port than 443 and 8443.
    #[error("Pictures are fetched from the ports 443 and 8443 only.")]
    ForbiddenPort,
    /// The name has no address, or could not be resolved.
    #[error("The host of the address was not found.")]
    NoSuchHost,
    /// At least one of the host's addresses is not on the public internet.
    #[error("The host of the address is not on the public internet.")]
    ForbiddenAddress,
    /// Nothing accepted a connection, or what accepted does not speak TLS.
    #[error("The host of the address could not be connected to.")]
    NoConnection,
    /// The certificate is not valid, not for this host, or not from an authority that browsers know.
    #[error("The host's certificate is not valid.")]
    BadCertificate,
    /// The answer is not HTTP, its head is larger than 64 KB, or it broke off.
    #[error("The host's answer could not be read to its end.")]
    BadAnswer,
    /// More than three redirects.
    #[error("The address redirects more than three times.")]
    TooManyRedirects,
    /// Another status than 200, which it carries; also a redirect that does not say where to.
    #[error("The host answered with status {0}.")]
    Refused(u16),
    /// More than 10 MB, whether announced or sent.
    #[error("The picture is larger than 10 MB.")]
    TooLarge,
    /// It took more than 10 seconds, or its host was given up in this batch after two that did.
    #[error("The picture did not arrive within 10 seconds.")]
    TooSlow,
}

impl FetchFault {
    /// What is stored and shown of it, in the vendor's language.
    pub const fn shown(&self) -> PictureFault {
        match self {
            Self::BadAddress => PictureFault::BadAddress,
            Self::NotHttps => PictureFault::NotHttps,
            Self::Credentials => PictureFault::Credentials,
            Self::ForbiddenPort => PictureFault::ForbiddenPort,
            Self::NoSuchHost => PictureFault::NoSuchHost,
            Self::ForbiddenAddress => PictureFault::ForbiddenAddress,
            Self::NoConnection => PictureFault::NoConnection,
            Self::BadCertificate => PictureFault::BadCertificate,
            Self::BadAnswer => PictureFault::BadAnswer,
            Self::TooManyRedirects => PictureFault::TooManyRedirects,
            // Not enough time, too many requests, and what is wrong with the host itself.
            Self::Refused(408 | 425 | 429 | 500..) => PictureFault::NotNow,
            Self::Refused(_) => PictureFault::NotThere,
            Self::TooLarge => PictureFault::TooLarge,
            Self::TooSlow => PictureFault::TooSlow,
        }
    }
}
