//! The accounts of the pretended Windows, and what their identifiers mean. Two are Windows' own; the others were made by whoever set the server up.

use super::ndr::Sid;
use crate::Identity;
use crate::draw::Draw;
use crate::windows::Windows;

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) name: &'static str,
    pub(crate) id: u32,
    pub(crate) comment: &'static str,
    pub(crate) disabled: bool,
}

/// What a name or an identifier stands for (`SID_NAME_USE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    User = 1,
    Group = 2,
    Domain = 3,
    Alias = 4,
    WellKnown = 5,
    Unknown = 8,
}

/// A name with what it is and where it belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) kind: Use,
    /// Its domain's name and identifier.
    pub(crate) domain: (String, Sid),
    pub(crate) sid: Sid,
}

/// Groups of `BUILTIN` that every Windows Server has.
pub(crate) const ALIASES: &[(u32, &str)] = &[
    (544, "Administrators"),
    (545, "Users"),
    (546, "Guests"),
    (550, "Print Operators"),
    (551, "Backup Operators"),
    (555, "Remote Desktop Users"),
    (568, "IIS_IUSRS"),
];

const WELL_KNOWN: &[(u32, &str)] = &[
    (2, "NETWORK"),
    (4, "INTERACTIVE"),
    (6, "SERVICE"),
    (7, "ANONYMOUS LOGON"),
    (11, "Authenticated Users"),
    (18, "SYSTEM"),
    (19, "LOCAL SERVICE"),
    (20, "NETWORK SERVICE"),
];

/// The one group that a machine outside a domain has.
pub(crate) const NO_GROUP: (u32, &str) = (513, "None");

/// All accounts of one machine.
#[derive(Clone, Debug)]
pub(crate) struct Accounts {
    pub(crate) users: Vec<Account>,
    pub(crate) machine: (String, Sid),
}

impl Accounts {
    pub(crate) fn of(identity: &Identity, windows: &Windows) -> Self {
        const MADE: [&str; 8] =
            ["backup", "support", "user", "test", "service", "oracle", "deploy", "guest1"];
        let mut users = vec![
            Account {
                name: "Administrator",
                id: 500,
                comment: "Built-in account for administering the computer/domain",
                disabled: false,
            },
            Account {
                name: "Guest",
                id: 501,
                comment: "Built-in account for guest access to the computer/domain",
                disabled: true,
            },
        ];
        let draw = Draw::new(identity.seed(), "windows accounts");
        let mut id = 1_000 + u32::try_from(draw.below(0, 10)).unwrap_or(0);
        for place in 0..=draw.below(1, 3) {
            let Some(name) = draw.one_of(2 + place, &MADE) else { continue };
            if users.iter().all(|user| user.name != name) {
                users.push(Account { name, id, comment: "", disabled: false });
                id += 1 + u32::try_from(draw.below(10 + place, 3)).unwrap_or(0);
            }
        }
        let [a, b, c] = windows.authority;
        Self { users, machine: (windows.computer.clone(), Sid::of(&[21, a, b, c])) }
    }

    fn sid(&self, id: u32) -> Sid {
        let mut parts = self.machine.1.parts.clone();
        parts.push(id);
        Sid::of(&parts)
    }

    fn builtin() -> (String, Sid) {
        ("BUILTIN".to_owned(), Sid::of(&[32]))
    }

    /// Every name there is.
    fn all(&self) -> Vec<Named> {
        let own = self.users.iter().map(|user| (user.name, user.id, Use::User));
        let own = own.chain([(NO_GROUP.1, NO_GROUP.0, Use::Group)]);
        let mut all: Vec<Named> = own
            .map(|(name, id, kind)| Named {
                name: name.to_owned(),
                kind,
                domain: self.machine.clone(),
                sid: self.sid(id),
            })
            .collect();
        all.extend(ALIASES.iter().map(|(id, name)| Named {
            name: (*name).to_owned(),
            kind: Use::Alias,
            domain: Self::builtin(),
            sid: Sid::of(&[32, *id]),
        }));
        all.extend(WELL_KNOWN.iter().map(|(id, name)| Named {
            name: (*name).to_owned(),
            kind: Use::WellKnown,
            domain: ("NT AUTHORITY".to_owned(), Sid::of(&[])),
            sid: Sid::of(&[*id]),
        }));
        for (name, sid) in [self.machine.clone(), Self::builtin()] {
            let domain = (name.clone(), sid.clone());
            all.push(Named { name, kind: Use::Domain, domain, sid });
        }
        all.push(Named {
            name: "Everyone".to_owned(),
            kind: Use::WellKnown,
            domain: (String::new(), Sid { authority: 1, parts: Vec::new() }),
            sid: Sid { authority: 1, parts: vec![0] },
        });
        all
    }

    pub(crate) fn by_sid(&self, sid: &Sid) -> Option<Named> {
        self.all().into_iter().find(|named| named.sid == *sid)
    }

    /// By name, with a domain in front or without.
    pub(crate) fn by_name(&self, name: &str) -> Option<Named> {
        let (domain, short) = name.rsplit_once('\\').map_or((None, name), |(d, n)| (Some(d), n));
        self.all().into_iter().find(|named| {
            named.name.eq_ignore_ascii_case(short)
                && domain.is_none_or(|domain| named.domain.0.eq_ignore_ascii_case(domain))
        })
    }

    pub(crate) fn user(&self, id: u32) -> Option<&Account> {
        self.users.iter().find(|user| user.id == id)
    }
}
