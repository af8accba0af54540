//! How web servers other than nginx and Apache httpd write an answer: the order of their fields, whether they say a reason, what their
//! own error pages hold. One constant a server. Measured (`tests/http/products`): Tomcat 9.0.70, Jetty 9.4.57, Go's `net/http` (fields in
//! alphabetical order, then date and length), uvicorn on `h11` (all lower case but `Connection`). From the source or from answers that it
//! gave in public: Node (hapi), IIS 10 (http.sys), WebLogic, boa 0.94, GoAhead 2.5, RomPager 4.07, MiniUPnPd 1.0.

mod errors;

use super::grammar::{Application, Grammar};
pub(super) use errors::{Refused, error, reason_of};

/// A part of an answer's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    Server,
    Date,
    /// What the application says.
    Fields,
    Kind,
    Length,
    Connection,
    /// A line that it says in every answer.
    Always(&'static str),
}

/// One server program.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Style {
    /// Its name in `site.toml`.
    pub(crate) name: &'static str,
    pub(super) grammar: Grammar,
    pub(super) version: &'static str,
    /// Whether a client of HTTP/1.0 is answered in HTTP/1.0.
    pub(super) steps_down: bool,
    /// Whether a reason stands behind the status; Tomcat since 8.5 says none.
    pub(super) reasons: bool,
    pub(super) order: &'static [Slot],
    /// Names of its own fields are in lower case.
    pub(super) lower: bool,
    /// The application's fields come in the order of their names.
    pub(super) sorted: bool,
    /// Whether a connection is ever kept.
    pub(super) keeps: bool,
    /// What it says of a connection that it keeps, to who did not ask.
    pub(super) kept: &'static str,
    /// What it says of a connection that it keeps for a client of HTTP/1.0 that asked for it.
    pub(super) kept_as_asked: &'static str,
    /// Whether it says to a client of HTTP/1.0 that the connection ends.
    pub(super) says_close_always: bool,
    /// Seconds that it waits for the next request.
    pub(super) patience: u64,
    /// Whether it speaks HTTP/2 over TLS as it comes: Go and IIS do, GitLab's nginx is told to; Tomcat, Jetty, Node and devices do not.
    pub(super) http2: bool,
}

use Slot::{Always, Connection, Date, Fields as Said, Kind, Length, Server};

const PLAIN: Style = Style {
    name: "",
    grammar: Grammar::Application(Application::Other),
    version: "HTTP/1.1",
    steps_down: false,
    reasons: true,
    order: &[],
    lower: false,
    sorted: false,
    keeps: true,
    kept: "",
    kept_as_asked: "Connection: keep-alive",
    says_close_always: true,
    patience: 60,
    http2: false,
};

pub(super) const TOMCAT: Style = Style {
    name: "tomcat",
    grammar: Grammar::Application(Application::Tomcat),
    kept_as_asked: "Connection: keep-alive\r\nKeep-Alive: timeout=20",
    reasons: false,
    order: &[Said, Kind, Length, Date, Connection, Server],
    patience: 20,
    ..PLAIN
};
pub(super) const JETTY: Style = Style {
    name: "jetty",
    grammar: Grammar::Application(Application::Jetty),
    says_close_always: false,
    order: &[Connection, Date, Said, Kind, Length, Server],
    patience: 30,
    ..PLAIN
};
pub(super) const GO: Style = Style {
    name: "go",
    grammar: Grammar::Application(Application::Go),
    order: &[Said, Date, Length, Kind, Connection],
    sorted: true,
    steps_down: true,
    says_close_always: false,
    http2: true,
    ..PLAIN
};
pub(super) const NODE: Style = Style {
    name: "node",
    order: &[Said, Kind, Length, Date, Connection],
    kept: "Connection: keep-alive\r\nKeep-Alive: timeout=120",
    ..PLAIN
};
pub(super) const UVICORN: Style = Style {
    name: "uvicorn",
    grammar: Grammar::Application(Application::Uvicorn),
    order: &[Date, Server, Said, Length, Kind, Connection],
    lower: true,
    patience: 5,
    ..PLAIN
};
pub(super) const IIS: Style = Style {
    name: "iis",
    order: &[Said, Kind, Server, Date, Connection, Length],
    http2: true,
    ..PLAIN
};
/// WebLogic's own server; it calls 302 as HTTP/1.0 did.
pub(super) const WEBLOGIC: Style = Style {
    name: "weblogic",
    order: &[Connection, Date, Length, Kind, Said],
    patience: 30,
    ..PLAIN
};
/// The nginx that a product's package brings, with its tokens off: `Server: nginx`, and no version on its pages.
pub(super) const NGINX: Style = Style {
    name: "nginx",
    grammar: Grammar::Nginx,
    order: &[Server, Date, Kind, Length, Connection, Said],
    kept: "Connection: keep-alive",
    http2: true,
    ..PLAIN
};
/// FortiOS and NetScaler are descendants of httpd that say less of themselves.
pub(super) const APPLIANCE: Style = Style {
    name: "appliance",
    order: &[Date, Server, Said, Length, Connection, Kind],
    patience: 20,
    ..PLAIN
};
/// CouchDB's MochiWeb, whose fields stand in the order of their names.
pub(super) const MOCHIWEB: Style = Style {
    name: "mochiweb",
    steps_down: true,
    order: &[Said, Length, Kind, Date, Server, Connection],
    ..PLAIN
};
pub(super) const BOA: Style = Style {
    name: "boa",
    grammar: Grammar::Netty,
    version: "HTTP/1.0",
    order: &[Date, Server, Connection, Said, Length, Kind],
    keeps: false,
    patience: 20,
    ..PLAIN
};
pub(super) const GOAHEAD: Style = Style {
    name: "goahead",
    grammar: Grammar::Netty,
    version: "HTTP/1.0",
    order: &[Server, Date, Said, Kind, Length, Connection],
    keeps: false,
    patience: 20,
    ..PLAIN
};
pub(super) const UC_HTTPD: Style = Style {
    name: "uc-httpd",
    grammar: Grammar::Netty,
    version: "HTTP/1.0",
    order: &[Kind, Server, Said],
    keeps: false,
    patience: 20,
    ..PLAIN
};

/// Allegro's RomPager as it answers for TR-069; what it sends in chunks goes with its length here.
pub(super) const ROMPAGER: Style = Style {
    name: "rompager",
    grammar: Grammar::Netty,
    order: &[Said, Kind, Length, Server, Connection, Always("EXT:")],
    patience: 20,
    ..PLAIN
};
/// The first MiniUPnPd, of which Realtek's miniigd is made, and Huawei's daemon like it: one request a connection.
pub(super) const UPNPD: Style = Style {
    name: "upnpd",
    grammar: Grammar::Netty,
    order: &[Kind, Connection, Length, Server, Said, Always("Ext:")],
    keeps: false,
    patience: 20,
    ..PLAIN
};

static ALL: [&Style; 15] = [
    &WEBLOGIC, &NGINX, &TOMCAT, &JETTY, &GO, &NODE, &UVICORN, &IIS, &APPLIANCE, &MOCHIWEB, &BOA,
    &GOAHEAD, &UC_HTTPD, &ROMPAGER, &UPNPD,
];

impl Style {
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        ALL.into_iter().find(|style| style.name == name)
    }

    /// The words behind a status (RFC 9110, 15), where this server says them otherwise.
    pub(super) fn reason(&self, status: u16) -> &'static str {
        match status {
            _ if !self.reasons => "",
            200 => "OK",
            201 => "Created",
            202 => "Accepted",
            204 => "No Content",
            301 => "Moved Permanently",
            302 if self.name == "goahead" => "Redirect",
            302 if matches!(self.name, "boa" | "weblogic") => "Moved Temporarily",
            302 => "Found",
            303 => "See Other",
            304 => "Not Modified",
            307 => "Temporary Redirect",
            308 => "Permanent Redirect",
            400 => "Bad Request",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            406 => "Not Acceptable",
            408 => "Request Timeout",
            413 => "Request Entity Too Large",
            414 => "Request-URI Too Long",
            415 => "Unsupported Media Type",
            422 => "Unprocessable Entity",
            426 => "Upgrade Required",
            431 => "Request Header Fields Too Large",
            440 => "Login Timeout",
            500 => "Internal Server Error",
            501 => "Not Implemented",
            502 => "Bad Gateway",
            503 => "Service Unavailable",
            505 => "HTTP Version Not Supported",
            _ => "OK",
        }
    }

    /// The lines of a head.
    pub(super) fn head(
        &self,
        status: u16,
        fields: &[(String, String)],
        own: &Own<'_>,
    ) -> Vec<String> {
        let version = if self.steps_down && own.is_old { "HTTP/1.0" } else { self.version };
        let reason = own.reason.unwrap_or_else(|| self.reason(status));
        let mut lines = vec![format!("{version} {status} {reason}")];
        let placed = |slot: Slot| {
            let names = fields.iter().filter(|(_, value)| value.is_empty());
            names
                .map(|(name, _)| name.trim_start_matches('-'))
                .any(|name| slot_of(name) == Some(slot))
        };
        for slot in self.order {
            match slot {
                Slot::Fields => self.said(&mut lines, fields, own),
                // Where fields are sorted, the type is among them unless the server had to find it out.
                Slot::Kind if self.sorted => {
                    let sniffed = fields.iter().any(|(name, _)| name == "~Content-Type");
                    lines.extend(self.own(Slot::Kind, own).filter(|_| sniffed));
                }
                slot if !placed(*slot) => lines.extend(self.own(*slot, own)),
                _ => {}
            }
        }
        lines
    }

    fn said(&self, lines: &mut Vec<String>, fields: &[(String, String)], own: &Own<'_>) {
        let from = lines.len();
        for (name, value) in fields.iter().filter(|(name, _)| !name.starts_with(['-', '~'])) {
            match slot_of(name) {
                // A field of the server's own, at a place of the application's choice.
                Some(slot) if value.is_empty() => lines.extend(self.own(slot, own)),
                // What this release does not say.
                None if value.is_empty() => {}
                _ if self.lower => lines.push(format!("{}: {value}", name.to_ascii_lowercase())),
                _ => lines.push(format!("{name}: {value}")),
            }
        }
        if self.sorted {
            let without = |name: &str| {
                let name = name.trim_start_matches('-');
                fields.iter().any(|(field, _)| {
                    field.strip_prefix(['-', '~']).is_some_and(|field| field == name)
                })
            };
            let slots = [("-Content-Type", Slot::Kind), ("-Server", Slot::Server)];
            let slots = slots.into_iter().filter(|(left_out, _)| !without(left_out));
            lines.extend(slots.filter_map(|(_, slot)| self.own(slot, own)));
            lines[from..].sort();
        }
    }

    fn own(&self, slot: Slot, own: &Own<'_>) -> Option<String> {
        let (name, value) = match slot {
            Slot::Server => ("Server", own.server.to_owned()),
            Slot::Date => ("Date", own.date.clone()),
            Slot::Kind => ("Content-Type", own.kind.to_owned()),
            Slot::Length => {
                ("Content-Length", own.length.map(|n| n.to_string()).unwrap_or_default())
            }
            Slot::Connection => return self.connection(own.connection),
            Slot::Always(line) => return Some(line.to_owned()),
            Slot::Fields => return None,
        };
        let name = if self.lower { name.to_ascii_lowercase() } else { name.to_owned() };
        (!value.is_empty()).then(|| format!("{name}: {value}"))
    }

    fn connection(&self, connection: Connecting) -> Option<String> {
        match connection {
            Connecting::Closes => Some("Connection: close".to_owned()),
            Connecting::Unsaid => None,
            Connecting::Kept if self.kept.is_empty() => None,
            Connecting::Kept => Some(self.kept.to_owned()),
            Connecting::KeptAsAsked => Some(self.kept_as_asked.to_owned()),
        }
    }
}

/// The server's own fields of one answer.
pub(super) struct Own<'a> {
    pub(super) server: &'a str,
    pub(super) date: String,
    pub(super) kind: &'a str,
    pub(super) length: Option<usize>,
    pub(super) connection: Connecting,
    /// What stands behind the status, where that is no reason of the status but of this refusal.
    pub(super) reason: Option<&'static str>,
    /// Whether the client speaks HTTP/1.0.
    pub(super) is_old: bool,
}

/// What becomes of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Connecting {
    Closes,
    Kept,
    Unsaid,
    /// Kept for a client of HTTP/1.0 that asked for it.
    KeptAsAsked,
}

fn slot_of(name: &str) -> Option<Slot> {
    [
        ("Server", Slot::Server),
        ("Date", Slot::Date),
        ("Content-Type", Slot::Kind),
        ("Content-Length", Slot::Length),
        ("Connection", Slot::Connection),
    ]
    .into_iter()
    .find(|(own, _)| own.eq_ignore_ascii_case(name))
    .map(|(_, slot)| slot)
}
