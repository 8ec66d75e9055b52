//! Whose certificates are accepted.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;

/// The authorities whose certificates are accepted.
#[derive(Clone, Debug)]
pub struct Roots(RootCertStore);

impl Roots {
    /// Those that Mozilla trusts, compiled in: they are not parsed when they are used, and a Lambda's image need not
    /// have any.
    pub fn mozilla() -> Self {
        Self(webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect())
    }

    /// One certificate in DER, for tests and the embedded cloud.
    ///
    /// # Errors
    /// When it is no X.509 certificate.
    pub fn only(certificate: &[u8]) -> Result<Self, rustls::Error> {
        let mut store = RootCertStore::empty();
        store.add(CertificateDer::from(certificate))?;
        Ok(Self(store))
    }

    pub(super) fn into_store(self) -> RootCertStore {
        self.0
    }
}
