//! The RSA key that signs a pool's tokens.

use std::sync::{Arc, OnceLock};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use ring::digest::{SHA256, digest};
use rsa::pkcs1::{DecodeRsaPrivateKey, EncodeRsaPrivateKey};
use rsa::rand_core::OsRng;
use rsa::traits::PublicKeyParts;
use rsa::{BigUint, RsaPrivateKey};
use serde::Serialize;
use serde_json::{Value, json};

use super::PoolError;
use super::database::Database;
use crate::sqs::wire::Refusal;

const BITS: usize = 2048;

/// Signs tokens, and publishes the key that verifies them.
pub(super) struct SigningKey {
    encoding: EncodingKey,
    pub(super) decoding: DecodingKey,
    pub(super) id: String,
    modulus: String,
    exponent: String,
}

impl SigningKey {
    /// The key that all in-memory pools of this process share, because generating one takes seconds in a debug build.
    pub(super) fn of_this_process() -> Result<Arc<Self>, PoolError> {
        static KEY: OnceLock<Result<Arc<SigningKey>, String>> = OnceLock::new();
        KEY.get_or_init(|| generate().and_then(|der| Self::read(&der)).map(Arc::new).map_err(|cause| cause.to_string()))
            .clone()
            .map_err(PoolError::Key)
    }

    /// The key stored in a pool's database; generated and stored when there is none yet.
    pub(super) fn load_or_create(database: &Database) -> Result<Self, PoolError> {
        if let Some(der) = database.key()? {
            return Self::read(&der);
        }
        // Another process may have stored a key since; then that one is returned.
        let der = database.store_key(&generate()?)?;
        Self::read(&der)
    }

    fn read(der: &[u8]) -> Result<Self, PoolError> {
        let private = RsaPrivateKey::from_pkcs1_der(der).map_err(|cause| PoolError::Key(cause.to_string()))?;
        let (modulus, exponent) = (bytes(private.n()), bytes(private.e()));
        let id = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, &modulus));
        Ok(Self {
            encoding: EncodingKey::from_rsa_der(der),
            decoding: DecodingKey::from_rsa_raw_components(&modulus, &exponent),
            id,
            modulus: BASE64_URL_SAFE_NO_PAD.encode(modulus),
            exponent: BASE64_URL_SAFE_NO_PAD.encode(exponent),
        })
    }

    /// A signed token with the header that Cognito writes: only `kid` and `alg`.
    pub(super) fn sign<T: Serialize>(&self, claims: &T) -> Result<String, Refusal> {
        let mut header = Header::new(Algorithm::RS256);
        header.typ = None;
        header.kid = Some(self.id.clone());
        jsonwebtoken::encode(&header, claims, &self.encoding).map_err(|cause| Refusal::internal(&cause))
    }

    /// The JSON Web Key Set with which others verify the tokens.
    pub(super) fn jwks(&self) -> Value {
        json!({ "keys": [{
            "alg": "RS256", "e": self.exponent, "kid": self.id, "kty": "RSA", "n": self.modulus, "use": "sig",
        }]})
    }
}

fn generate() -> Result<Vec<u8>, PoolError> {
    let key = RsaPrivateKey::new(&mut OsRng, BITS).map_err(|cause| PoolError::Key(cause.to_string()))?;
    let der = key.to_pkcs1_der().map_err(|cause| PoolError::Key(cause.to_string()))?;
    Ok(der.as_bytes().to_vec())
}

fn bytes(number: &BigUint) -> Vec<u8> {
    number.to_bytes_be()
}
