//! Alerts (RFC 8446, 6): what a side says when it gives up. Which one, and whether any, is as telling as a banner: those here are what
//! OpenSSL 3.0.19 behind nginx 1.22.1 and Apache httpd sent for the same bytes.

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alert {
    UnexpectedMessage,
    BadRecordMac,
    RecordOverflow,
    HandshakeFailure,
    IllegalParameter,
    DecodeError,
    DecryptError,
    ProtocolVersion,
    InternalError,
    InappropriateFallback,
    MissingExtension,
    NoApplicationProtocol,
}

impl Alert {
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::UnexpectedMessage => 10,
            Self::BadRecordMac => 20,
            Self::RecordOverflow => 22,
            Self::HandshakeFailure => 40,
            Self::IllegalParameter => 47,
            Self::DecodeError => 50,
            Self::DecryptError => 51,
            Self::ProtocolVersion => 70,
            Self::InternalError => 80,
            Self::InappropriateFallback => 86,
            Self::MissingExtension => 109,
            Self::NoApplicationProtocol => 120,
        }
    }
}

/// The alert by which a side says that it will send nothing more.
pub(super) const CLOSE_NOTIFY: u8 = 0;
/// The warning with which a second handshake is declined (RFC 5746, 4.2; RFC 5246, 7.2.2).
pub(super) const NO_RENEGOTIATION: u8 = 100;
/// Levels.
pub(super) const WARNING: u8 = 1;
pub(super) const FATAL: u8 = 2;

/// The registry's name of an alert.
pub(super) const fn name_of(code: u8) -> &'static str {
    match code {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        22 => "record_overflow",
        40 => "handshake_failure",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        112 => "unrecognized_name",
        120 => "no_application_protocol",
        _ => "unknown alert",
    }
}
