//! Whom to trust, and who we are.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use thiserror::Error;

use crate::settings::{Settings, UserCertificate};

/// Why the certificates named in the settings cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    #[error("cannot read `{}`", .path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: pem::Error,
    },
    #[error("no certificate in `{}`", .path.display())]
    Empty { path: PathBuf },
    #[error("cannot use the authorities in `{}`", .path.display())]
    Authority {
        path: PathBuf,
        #[source]
        source: rustls::Error,
    },
    #[error("this system has no trusted authorities; name a file with `tlsCAFile`")]
    NoAuthorities,
    #[error("cannot use the user certificate `{}`", .path.display())]
    UserCertificate {
        path: PathBuf,
        #[source]
        source: rustls::Error,
    },
    #[error("tls cannot be set up")]
    Setup {
        #[source]
        source: rustls::Error,
    },
}

/// What TLS needs to know, or `None` where it is switched off.
pub(crate) fn client_config(settings: &Settings) -> Result<Option<Arc<ClientConfig>>, TlsError> {
    if !settings.tls {
        return Ok(None);
    }
    // Named, not taken from the process: which provider that has is none of our business.
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|source| TlsError::Setup { source })?;
    let builder = match settings.tls_verify_cert {
        true => builder.with_root_certificates(authorities(settings.tls_ca_file.as_deref())?),
        false => builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyCertificate { provider })),
    };
    let mut config = match &settings.user_certificate {
        None => builder.with_no_client_auth(),
        Some(UserCertificate { cert_file, key_file }) => {
            let key = PrivateKeyDer::from_pem_file(key_file).map_err(|source| unreadable(key_file, source))?;
            let usable = builder.with_client_auth_cert(certificates(cert_file)?, key);
            usable.map_err(|source| TlsError::UserCertificate { path: cert_file.clone(), source })?
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Some(Arc::new(config)))
}

fn authorities(file: Option<&Path>) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    match file {
        Some(file) => {
            for certificate in certificates(file)? {
                roots.add(certificate).map_err(|source| TlsError::Authority { path: file.to_owned(), source })?;
            }
        }
        None => {
            // One odd certificate in a system's store is no reason to trust none of the others.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err(TlsError::NoAuthorities);
            }
        }
    }
    Ok(roots)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates: Vec<_> =
        CertificateDer::pem_file_iter(file).and_then(|certificates| certificates.collect()).map_err(|source| unreadable(file, source))?;
    match certificates.is_empty() {
        true => Err(TlsError::Empty { path: file.to_owned() }),
        false => Ok(certificates),
    }
}

fn unreadable(path: &Path, source: pem::Error) -> TlsError {
    TlsError::Unreadable { path: path.to_owned(), source }
}

/// Takes whatever certificate the server shows, but still demands that the server holds its key.
struct AnyCertificate {
    provider: Arc<CryptoProvider>,
}

impl fmt::Debug for AnyCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyCertificate")
    }
}

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
