//! Dionaea's lists, which stand in its log in two forms: as a list of objects, or (`flat_data`, as T-Pot sets it) as an object of
//! lists. Any other form is read as an empty list.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::json::Text;

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Credentials<'a> {
    #[serde(borrow)]
    Rows(Vec<Credential<'a>>),
    Columns {
        #[serde(borrow)]
        username: Vec<Text<'a>>,
        #[serde(borrow)]
        password: Vec<Text<'a>>,
    },
    Other(IgnoredAny),
}

#[derive(Deserialize)]
pub(super) struct Credential<'a> {
    #[serde(borrow, default)]
    pub(super) username: Text<'a>,
    #[serde(borrow, default)]
    pub(super) password: Text<'a>,
}

impl Default for Credentials<'_> {
    fn default() -> Self {
        Self::Other(IgnoredAny)
    }
}

impl<'a> Credentials<'a> {
    pub(super) fn rows(self) -> Vec<Credential<'a>> {
        match self {
            Self::Rows(rows) => rows,
            Self::Columns { username, password } => zip_longest(username, password)
                .map(|(username, password)| Credential { username, password })
                .collect(),
            Self::Other(_) => Vec::new(),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Ftp<'a> {
    #[serde(borrow)]
    pub(super) commands: FtpCommands<'a>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum FtpCommands<'a> {
    #[serde(borrow)]
    Rows(Vec<FtpCommand<'a>>),
    Columns {
        #[serde(borrow)]
        command: Vec<Text<'a>>,
        #[serde(borrow)]
        arguments: Vec<Text<'a>>,
    },
    Other(IgnoredAny),
}

#[derive(Deserialize)]
pub(super) struct FtpCommand<'a> {
    #[serde(borrow, default)]
    pub(super) command: Text<'a>,
    #[serde(borrow, default)]
    pub(super) arguments: Text<'a>,
}

impl Default for FtpCommands<'_> {
    fn default() -> Self {
        Self::Other(IgnoredAny)
    }
}

impl<'a> FtpCommands<'a> {
    pub(super) fn rows(self) -> Vec<FtpCommand<'a>> {
        match self {
            Self::Rows(rows) => rows,
            Self::Columns { command, arguments } => zip_longest(command, arguments)
                .map(|(command, arguments)| FtpCommand { command, arguments })
                .collect(),
            Self::Other(_) => Vec::new(),
        }
    }
}

/// Pairs of two lists; what one list lacks is absent.
fn zip_longest<'a>(
    left: Vec<Text<'a>>,
    right: Vec<Text<'a>>,
) -> impl Iterator<Item = (Text<'a>, Text<'a>)> {
    let length = left.len().max(right.len());
    let pad = |list: Vec<Text<'a>>| list.into_iter().chain(std::iter::repeat_with(Text::default));
    pad(left).zip(pad(right)).take(length)
}
