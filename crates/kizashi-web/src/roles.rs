//! Who may do what. There are three tokens: the owner's opens everything, the viewer's only reads, and never what visitors left
//! behind (payloads); the feeds' reads what is shared with other programs, at its own addresses, and nothing else. Whoever holds neither gets nothing. New tokens count at once: cookies of the old ones open nothing more and
//! streams that they opened end.

use std::sync::Arc;

use axum::http::Method;
use tokio::sync::watch;

use crate::Token;

/// What only the owner reads: bytes that visitors left behind.
const OWNERS_ALONE: [&str; 1] = ["/api/v1/payloads"];

/// Where everything is that is shared with other programs.
pub(crate) const SHARED: &str = "/share/";

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Reads what is shared with other programs.
    Feeds,
    /// Reads what is shown, and changes nothing.
    Viewer,
    /// May do everything.
    Owner,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Feeds, Self::Viewer, Self::Owner];

    /// The name: `feeds`, `viewer`, `owner`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Feeds => "feeds",
            Self::Viewer => "viewer",
            Self::Owner => "owner",
        }
    }

    /// Whether a request is allowed. Everything but reading changes something, whatever the address.
    pub(crate) fn may(self, method: &Method, path: &str) -> bool {
        let reads = method.is_safe();
        let beneath = |folder: &&str| {
            path.strip_prefix(*folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        match self {
            Self::Owner => true,
            Self::Feeds => reads && path.starts_with(SHARED),
            Self::Viewer => reads && !OWNERS_ALONE.iter().any(beneath),
        }
    }
}

/// The secrets, one a role.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The owner's.
    pub owner: Token,
    /// The viewer's, where there is one.
    pub viewer: Option<Token>,
    /// The feeds', where anything is shared.
    pub feeds: Option<Token>,
}

impl Tokens {
    /// Whose token this is. All are compared, whichever it is.
    fn role_of(&self, guess: &str) -> Option<Role> {
        let is_feeds = self.feeds.as_ref().is_some_and(|token| token.is(guess));
        let is_viewers = self.viewer.as_ref().is_some_and(|token| token.is(guess));
        let is_owners = self.owner.is(guess);
        match (is_owners, is_viewers, is_feeds) {
            (true, _, _) => Some(Role::Owner),
            (_, true, _) => Some(Role::Viewer),
            (_, _, true) => Some(Role::Feeds),
            _ => None,
        }
    }
}

/// Who is let in, and under which names.
#[derive(Clone, Debug)]
pub struct Access {
    tokens: Arc<watch::Sender<Tokens>>,
    names: Option<Arc<[String]>>,
    encrypted: bool,
}

impl From<Token> for Access {
    /// One owner, on loopback.
    fn from(owner: Token) -> Self {
        Self::on_loopback(Tokens { owner, viewer: None, feeds: None })
    }
}

impl Access {
    /// A dashboard that answers under the names of its own machine only.
    #[must_use]
    pub fn on_loopback(tokens: Tokens) -> Self {
        Self { tokens: Arc::new(watch::Sender::new(tokens)), names: None, encrypted: false }
    }

    /// The same, answering also under any IP address (no name can be rebound to it) and under these host names.
    #[must_use]
    pub fn from_elsewhere(self, names: Vec<String>) -> Self {
        Self { names: Some(Arc::from(names)), ..self }
    }

    /// The same, over TLS: cookies are sent over nothing else.
    #[must_use]
    pub fn encrypted(self) -> Self {
        Self { encrypted: true, ..self }
    }

    /// From now on these tokens count, and no other.
    pub fn replace(&self, tokens: Tokens) {
        self.tokens.send_replace(tokens);
    }

    pub(crate) fn role_of(&self, guess: &str) -> Option<Role> {
        self.tokens.borrow().role_of(guess)
    }

    /// Tells when the tokens were replaced.
    pub(crate) fn watch(&self) -> watch::Receiver<Tokens> {
        self.tokens.subscribe()
    }

    pub(crate) const fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    /// The host names beside this machine's own; `None` on loopback.
    pub(crate) fn names(&self) -> Option<&[String]> {
        self.names.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_viewer_reads_what_is_shown_and_nothing_else() {
        let may = |method: Method, path| Role::Viewer.may(&method, path);
        assert!(may(Method::GET, "/api/v1/status") && may(Method::HEAD, "/"));
        assert!(may(Method::GET, "/api/v1/payloads-by-day"), "another address");
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            assert!(!may(method.clone(), "/api/v1/status"), "{method}");
            assert!(Role::Owner.may(&method, "/api/v1/status"));
        }
        for path in ["/api/v1/payloads", "/api/v1/payloads/00ff"] {
            assert!(!may(Method::GET, path) && Role::Owner.may(&Method::GET, path), "{path}");
        }
    }

    #[test]
    fn the_feeds_token_reads_what_is_shared_and_nothing_else() {
        let may = |method: Method, path| Role::Feeds.may(&method, path);
        assert!(may(Method::GET, "/share/signs.atom") && may(Method::HEAD, "/share/taxii2/"));
        for path in ["/", "/share", "/api/v1/signs", "/api/v1/payloads", "/sharex/"] {
            assert!(!may(Method::GET, path), "{path}");
        }
        assert!(!may(Method::POST, "/share/signs.atom"));
        assert!(Role::Viewer.may(&Method::GET, "/share/signs.atom"));
    }

    #[test]
    fn each_token_has_its_role_and_a_replaced_one_has_none() {
        let token = |byte| Token::from_random([byte; 24]);
        let access = Access::on_loopback(Tokens {
            owner: token(1),
            viewer: Some(token(2)),
            feeds: Some(token(4)),
        });
        assert_eq!(access.role_of(token(1).text()), Some(Role::Owner));
        assert_eq!(access.role_of(token(2).text()), Some(Role::Viewer));
        assert_eq!(access.role_of(token(3).text()), None);
        assert_eq!(access.role_of(token(4).text()), Some(Role::Feeds));
        access.replace(Tokens { owner: token(3), viewer: None, feeds: None });
        assert_eq!(access.role_of(token(3).text()), Some(Role::Owner));
        assert_eq!(
            (access.role_of(token(1).text()), access.role_of(token(2).text())),
            (None, None)
        );
    }
}
