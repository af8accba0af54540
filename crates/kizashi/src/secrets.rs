//! The secrets of an installation, each a file of its own in the data folder that only its owner reads (0600): the dashboard's
//! three tokens, the certificate that was made for it with its key, and the SSH trap's RSA host key. They outlive a restart, so that a page
//! stays signed in and a server is the same to who comes again.
//!
//! A file is written whole and then put in place, and given to whom the folder belongs, for root may call for a service's folder.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::{Path, PathBuf};

use kizashi_traps::{RsaHostKey, RsaKeyError, TlsKeys};
use kizashi_web::{CertifiedKey, Encryption, Role, Token, Tokens};

use crate::config;
use crate::dashboard::random;
use crate::failure::Failure;
use crate::supervisor::messages::SecretText;

/// Bytes of a certificate with those it leans on, and of a key, at most.
const MOST_BYTES: u64 = 16 * 1024;
const CERTIFICATE: &str = "kizashi-certificate.pem";
const KEY: &str = "kizashi-key.pem";
const RSA_HOST_KEY: &str = "kizashi-ssh-host-rsa-key";
/// The RSA keys of the TLS traps.
const TLS_KEYS: &str = "kizashi-tls-rsa-keys";

/// All tokens; one that is not there yet is drawn.
pub(crate) fn tokens(folder: &Path) -> Result<Tokens, Failure> {
    Ok(Tokens {
        owner: token(folder, Role::Owner)?,
        viewer: Some(token(folder, Role::Viewer)?),
        feeds: Some(token(folder, Role::Feeds)?),
    })
}

/// The token of a role; drawn when there is none.
pub(crate) fn token(folder: &Path, role: Role) -> Result<Token, Failure> {
    let path = token_file(folder, role);
    match read(&path)? {
        Some(text) => Token::parse(text.trim()).map_err(|error| {
            Failure::Asked(format!(
                "{} holds {error}; `kizashi token new --role {}` makes another",
                path.display(),
                role.name()
            ))
        }),
        None => new_token(folder, role),
    }
}

/// A new token for a role, in place of the one before.
pub(crate) fn new_token(folder: &Path, role: Role) -> Result<Token, Failure> {
    let token = Token::from_random(random()?);
    write(&token_file(folder, role), &format!("{}\n", token.text()))?;
    Ok(token)
}

fn token_file(folder: &Path, role: Role) -> PathBuf {
    folder.join(format!("kizashi-token-{}", role.name()))
}

/// The owner's certificate, read with the rights that the caller still has; `None` where he names none.
pub(crate) fn own_certificate(
    dashboard: &config::Dashboard,
) -> Result<Option<CertifiedKey>, Failure> {
    let (Some(certificate), Some(key)) = (&dashboard.certificate, &dashboard.key) else {
        return Ok(None);
    };
    let needed = |path: &Path| {
        read(path)?.ok_or_else(|| {
            Failure::Asked(format!(
                "{} is not there; correct certificate and key under [dashboard] in kizashi.toml",
                path.display()
            ))
        })
    };
    let own = CertifiedKey { certificates: needed(certificate)?, key: needed(key)? };
    usable(&own, certificate)?;
    Ok(Some(own))
}

/// The certificate that was made for this installation; made when there is none, or when it cannot be used any more.
pub(crate) fn made_certificate(folder: &Path, names: &[String]) -> Result<CertifiedKey, Failure> {
    let (certificate, key) = (folder.join(CERTIFICATE), folder.join(KEY));
    if let (Some(certificates), Some(key)) = (read(&certificate)?, read(&key)?) {
        let kept = CertifiedKey { certificates, key };
        if Encryption::with(&kept).is_ok() {
            return Ok(kept);
        }
    }
    let made = CertifiedKey::made_for(names.to_vec()).map_err(|error| {
        Failure::Asked(format!("{error}; correct names under [dashboard] in kizashi.toml"))
    })?;
    write(&key, &made.key)?;
    write(&certificate, &made.certificates)?;
    Ok(made)
}

/// The RSA key by which the SSH trap is known; made when there is none, which takes about a second.
pub(crate) fn rsa_host_key(folder: &Path) -> Result<SecretText, Failure> {
    let path = folder.join(RSA_HOST_KEY);
    let failed = |error: RsaKeyError| {
        Failure::Asked(format!("{} holds {error}; remove it, and another is made", path.display()))
    };
    if let Some(text) = read(&path)? {
        RsaHostKey::from_text(&text).map_err(failed)?;
        return Ok(SecretText(text));
    }
    let text = RsaHostKey::generate(random()?).map_err(failed)?.to_text();
    write(&path, &format!("{text}\n"))?;
    Ok(SecretText(text))
}

/// The RSA keys by which TLS traps are known; made when there are none, which takes about half a second.
pub(crate) fn tls_keys(folder: &Path) -> Result<SecretText, Failure> {
    let path = folder.join(TLS_KEYS);
    let failed = |error: RsaKeyError| {
        Failure::Asked(format!("{} holds {error}; remove it, and others are made", path.display()))
    };
    if let Some(text) = read(&path)? {
        TlsKeys::from_text(&text).map_err(failed)?;
        return Ok(SecretText(text));
    }
    let text = TlsKeys::generate(random()?).map_err(failed)?.to_text();
    write(&path, &format!("{text}\n"))?;
    Ok(SecretText(text))
}

fn usable(own: &CertifiedKey, path: &Path) -> Result<Encryption, Failure> {
    Encryption::with(own).map_err(|error| {
        Failure::Asked(format!(
            "the certificate {} cannot be used: {error}; correct certificate and key under [dashboard] in kizashi.toml",
            path.display()
        ))
    })
}

fn read(path: &Path) -> Result<Option<String>, Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::Asked(format!("{} cannot be read: {error}", path.display()))
    };
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    let mut text = String::new();
    file.take(MOST_BYTES).read_to_string(&mut text).map_err(unreadable)?;
    Ok(Some(text))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let written = || -> std::io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new(".")).metadata()?;
        let beside = path.with_extension("new");
        // What an earlier call left; a link here would not be followed either way.
        let _ = std::fs::remove_file(&beside);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        file.write_all(text.as_bytes())?;
        if rustix::process::geteuid().is_root() {
            fchown(&file, Some(folder.uid()), Some(folder.gid()))?;
        }
        file.sync_all()?;
        std::fs::rename(&beside, path)
    };
    written().map_err(|error| {
        Failure::Asked(format!(
            "{} cannot be written ({error}); name the folder of the data with --data",
            path.display()
        ))
    })
}
