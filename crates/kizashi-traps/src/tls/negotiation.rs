//! What is agreed on, from what a client offers and what the product would take; and with which alert it would refuse.

use kizashi_event::fingerprint::ClientHello;

use super::alert::Alert;
use super::credential::{Scheme, SigningKey};
use super::hash::Hash;
use super::key_exchange::{Group, Prime};
use super::profile::{NoMatch, Profile};
use super::record::{TLS_1_0, TLS_1_2, TLS_1_3};
use super::suite::{Exchange, FALLBACK_SIGNAL, RENEGOTIATION_SIGNAL, Suite};

/// Numbers of extensions.
pub(super) const SERVER_NAME: u16 = 0;
pub(super) const MAX_FRAGMENT_LENGTH: u16 = 1;
pub(super) const POINT_FORMATS: u16 = 11;
pub(super) const SIGNATURE_ALGORITHMS: u16 = 13;
pub(super) const PROTOCOLS: u16 = 16;
pub(super) const ENCRYPT_THEN_MAC: u16 = 22;
pub(super) const EXTENDED_MASTER_SECRET: u16 = 23;
pub(super) const SESSION_TICKET: u16 = 35;
pub(super) const PRE_SHARED_KEY: u16 = 41;
pub(super) const EARLY_DATA: u16 = 42;
pub(super) const SUPPORTED_VERSIONS: u16 = 43;
pub(super) const PSK_MODES: u16 = 45;
pub(super) const KEY_SHARE: u16 = 51;
pub(super) const RENEGOTIATION_INFO: u16 = 0xff01;
const SUPPORTED_GROUPS: u16 = 10;

/// All that the two sides do.
#[derive(Clone, Debug)]
pub(super) struct Agreement {
    pub(super) version: u16,
    pub(super) suite: &'static Suite,
    /// For an ephemeral exchange.
    pub(super) group: Option<Group>,
    /// What is signed with.
    pub(super) scheme: Option<Scheme>,
    pub(super) protocol: Option<&'static str>,
    pub(super) named: bool,
    /// The length of records that the client asked for.
    pub(super) fragment: Option<u8>,
    pub(super) ticket: bool,
    pub(super) secure_renegotiation: bool,
    pub(super) extended_secret: bool,
    pub(super) mac_last: bool,
    /// A session that there was before goes on.
    pub(super) resumed: bool,
}

/// The version, or the alert. The record of that alert has the client's own version.
pub(super) fn version(hello: &ClientHello, profile: &Profile) -> Result<u16, Alert> {
    let (first, last) = profile.versions;
    let listed = hello.extension(SUPPORTED_VERSIONS).is_some() && last >= TLS_1_3;
    let chosen = if listed {
        let offered = hello.versions();
        offered.into_iter().filter(|version| (first..=last).contains(version)).max()
    } else {
        // A version field past 1.2 is 1.2 (RFC 8446, 4.2.1).
        Some(hello.version.min(last).min(TLS_1_2)).filter(|version| *version >= first)
    };
    // The former is what OpenSSL says where its security level leaves out a version that its configuration has; SSL 3 was measured the
    // same. The latter is what it says where there is no such level between.
    let strict = first >= TLS_1_2;
    let refusal = if strict { Alert::HandshakeFailure } else { Alert::ProtocolVersion };
    let chosen = chosen.ok_or(refusal)?;
    let fallen = hello.cipher_suites.contains(&FALLBACK_SIGNAL) && chosen < last;
    if fallen { Err(Alert::InappropriateFallback) } else { Ok(chosen) }
}

/// The rest.
pub(super) fn agree(
    hello: &ClientHello,
    version: u16,
    profile: &Profile,
    key: &SigningKey,
) -> Result<Agreement, Alert> {
    if !hello.compressions.contains(&0) {
        return Err(Alert::DecodeError);
    }
    if hello.extension(SERVER_NAME).is_some_and(|name| !name.is_empty())
        && hello.server_name().is_none_or(|name| name.is_empty() || name.len() > 255)
    {
        return Err(Alert::DecodeError);
    }
    let modern = version >= TLS_1_3;
    if modern {
        let needed = [SUPPORTED_GROUPS, SIGNATURE_ALGORITHMS, KEY_SHARE];
        if needed.iter().any(|number| hello.extension(*number).is_none()) {
            return Err(Alert::MissingExtension);
        }
    }
    let group = group(hello, profile, modern)?;
    let scheme = scheme(hello, version, profile, key);
    let suite = suite(hello, version, profile, |suite| {
        let ephemeral = group.is_some() && scheme.is_some();
        match suite.exchange {
            Exchange::Modern => modern,
            // OpenSSL takes no certificate for which it finds no signature, whether it signs or not.
            Exchange::Rsa => !modern && key.is_rsa() && scheme.is_some(),
            Exchange::EphemeralRsa => !modern && ephemeral && key.is_rsa(),
            Exchange::EphemeralEcdsa => !modern && ephemeral && !key.is_rsa(),
            Exchange::FiniteRsa => !modern && profile.finite && key.is_rsa() && scheme.is_some(),
        }
    });
    let suite = suite.ok_or(Alert::HandshakeFailure)?;
    if modern && (scheme.is_none() || group.is_none()) {
        return Err(Alert::HandshakeFailure);
    }
    let has = |number| hello.extension(number).is_some();
    Ok(Agreement {
        version,
        suite,
        group: match suite.exchange {
            Exchange::Rsa => None,
            Exchange::FiniteRsa => Some(Group::Finite(Prime::Modp2048)),
            _ => group,
        },
        scheme: scheme.filter(|_| suite.exchange != Exchange::Rsa),
        protocol: protocol(hello, profile)?,
        named: hello.server_name().is_some() && profile.acknowledges_name,
        fragment: fragment(hello, profile)?,
        ticket: has(SESSION_TICKET) && profile.gives_tickets,
        secure_renegotiation: has(RENEGOTIATION_INFO)
            || hello.cipher_suites.contains(&RENEGOTIATION_SIGNAL),
        extended_secret: has(EXTENDED_MASTER_SECRET) && profile.since_1_1,
        mac_last: mac_last(hello, profile, suite),
        resumed: false,
    })
}

/// Whether records are encrypted before their MAC is made (RFC 7366).
pub(super) fn mac_last(hello: &ClientHello, profile: &Profile, suite: &Suite) -> bool {
    let asked = hello.extension(ENCRYPT_THEN_MAC).is_some();
    asked && profile.since_1_1 && suite.bulk.mac().is_some()
}

/// The first suite that both have and that can be done here, by the order of whoever chooses.
fn suite(
    hello: &ClientHello,
    version: u16,
    profile: &Profile,
    can: impl Fn(&Suite) -> bool,
) -> Option<&'static Suite> {
    let ours = if version >= TLS_1_3 { profile.modern_suites } else { profile.suites };
    let theirs = &hello.cipher_suites;
    let mut shared: Box<dyn Iterator<Item = &u16>> = if profile.chooses {
        Box::new(ours.iter().filter(|code| theirs.contains(code)))
    } else {
        Box::new(theirs.iter().filter(|code| ours.contains(code)))
    };
    shared.find_map(|code| {
        let suite = Suite::of_code(*code)?;
        (can(suite) && (version >= TLS_1_2 || suite.is_old())).then_some(suite)
    })
}

/// In TLS 1.3 the first key share that fits, where none before it is for a group that the client does not name (OpenSSL's order of
/// things, by which JARM knows it); else the first group of the client's that does; before, by whoever chooses.
fn group(hello: &ClientHello, profile: &Profile, modern: bool) -> Result<Option<Group>, Alert> {
    let theirs = hello.groups();
    let of_code = |code: &u16| profile.groups.iter().find(|group| group.code() == *code).copied();
    if modern {
        for (code, _) in hello.key_shares() {
            if !theirs.contains(&code) {
                return Err(Alert::IllegalParameter);
            }
            if let Some(group) = of_code(&code) {
                return Ok(Some(group));
            }
        }
        return Ok(theirs.iter().find_map(of_code));
    }
    if hello.extension(SUPPORTED_GROUPS).is_none() {
        // Whoever says nothing takes what there is (RFC 8422, 4).
        return Ok(Some(Group::P256));
    }
    let curve = |group: &&Group| !matches!(group, Group::Finite(_));
    let mut ours = profile.groups.iter().filter(curve);
    Ok(if profile.chooses {
        ours.find(|group| theirs.contains(&group.code())).copied()
    } else {
        theirs.iter().filter_map(of_code).find(|group| curve(&group))
    })
}

fn scheme(
    hello: &ClientHello,
    version: u16,
    profile: &Profile,
    key: &SigningKey,
) -> Option<Scheme> {
    if version < TLS_1_2 {
        return Some(if key.is_rsa() { Scheme::OldRsa } else { Scheme::OldEcdsa });
    }
    let theirs = hello.signature_algorithms();
    let fits = |scheme: &&Scheme| {
        let old_only = version >= TLS_1_3 && matches!(scheme, Scheme::Pkcs1(_));
        let young = !profile.since_1_1 && matches!(scheme, Scheme::Pss(_));
        !old_only && !young
    };
    let mut ours = key.schemes().iter().filter(fits);
    if theirs.is_empty() && !profile.since_1_1 {
        // The default of RFC 5246 is SHA-1, which a device would still sign with; nobody who leaves it out is known to refuse this.
        return Some(if key.is_rsa() { Scheme::Pkcs1(Hash::Sha256) } else { Scheme::Ecdsa });
    }
    let has = |scheme: &Scheme| scheme.code().is_some_and(|code| theirs.contains(&code));
    if profile.chooses {
        return ours.find(|scheme| has(scheme)).copied();
    }
    let ours: Vec<Scheme> = ours.copied().collect();
    theirs.iter().find_map(|code| ours.iter().find(|scheme| scheme.code() == Some(*code))).copied()
}

fn fragment(hello: &ClientHello, profile: &Profile) -> Result<Option<u8>, Alert> {
    match hello.extension(MAX_FRAGMENT_LENGTH) {
        Some([mode @ 1..=4]) if profile.since_1_1 => Ok(Some(*mode)),
        Some([_]) if profile.since_1_1 => Err(Alert::IllegalParameter),
        Some(_) if profile.since_1_1 => Err(Alert::DecodeError),
        _ => Ok(None),
    }
}

fn protocol(hello: &ClientHello, profile: &Profile) -> Result<Option<&'static str>, Alert> {
    if hello.extension(PROTOCOLS).is_none() || profile.protocols.is_empty() {
        return Ok(None);
    }
    let theirs = hello.protocols();
    let mut ours =
        profile.http2.then_some("h2").into_iter().chain(profile.protocols.iter().copied());
    let shared = ours.find(|protocol| theirs.contains(&protocol.as_bytes()));
    match (shared, profile.no_match) {
        (Some(protocol), _) => Ok(Some(protocol)),
        (None, NoMatch::Silent) => Ok(None),
        (None, NoMatch::Favourite) => Ok(profile.protocols.first().copied()),
        (None, NoMatch::Refused) => Err(Alert::NoApplicationProtocol),
    }
}

/// The end of a server's random bytes where it could do better than the client (RFC 8446, 4.1.3).
pub(super) const fn downgrade_signal(version: u16, profile: &Profile) -> Option<[u8; 8]> {
    let last = profile.versions.1;
    if !profile.since_1_1 || version >= last {
        None
    } else if version == TLS_1_2 {
        Some(*b"DOWNGRD\x01")
    } else if version >= TLS_1_0 {
        Some(*b"DOWNGRD\0")
    } else {
        None
    }
}
