//! What each web server shows of itself: product line, default page, error pages and their wording, measured on nginx 1.22.1 and
//! Apache httpd 2.4 of Debian 12. The error pages of Apache httpd before 2.4.66 begin with the HTML 2.0 document type (bug 62989).

use std::borrow::Cow;

use kizashi_event::Timestamp;

use super::answer::File;
use super::grammar::{Application, Fault, Grammar};
use super::server::Style;
use super::sites::Site;
use crate::{Identity, WebServer};

/// One listener's web server.
#[derive(Clone, Debug)]
pub(crate) struct Persona {
    pub(crate) grammar: Grammar,
    /// The `Server` header; empty where there is none.
    pub(super) server: Cow<'static, str>,
    /// The default page, where no site stands in its place.
    pub(super) page: &'static [u8],
    /// Its file name, by which it can be asked for as well.
    pub(super) page_name: &'static str,
    /// When the page was written to disk.
    pub(super) modified: Timestamp,
    /// Requests answered on one connection.
    pub(super) requests_max: u32,
    /// It takes HTTP/2 on plain ports: httpd with Debian's `http2` module, whose configuration says `Protocols h2 h2c http/1.1`.
    pub(super) h2c: bool,
    /// What the listener shows instead of the default page.
    pub(super) site: Option<&'static Site>,
    /// The site's version.
    pub(super) version: String,
    /// How the site's own server speaks.
    pub(super) style: Option<&'static Style>,
}

impl Persona {
    /// The one at this port.
    pub(super) fn at(identity: &Identity, port: u16) -> Self {
        let of_system = Self::of(identity);
        let Some(site) = identity.web_site(port) else { return of_system };
        let with_site =
            Self { site: Some(site), version: site.version(identity).to_owned(), ..of_system };
        let Some(style) = site.style else { return with_site };
        Self {
            grammar: style.grammar,
            server: site.server(identity).into(),
            style: Some(style),
            h2c: false,
            requests_max: if style.keeps { 1_000 } else { 1 },
            ..with_site
        }
    }

    /// Whether a listener speaks HTTP/2 over TLS: as its site's own server does, or the installation's.
    pub(crate) fn speaks_http2(identity: &Identity, port: u16) -> bool {
        let style = identity.web_site(port).and_then(|site| site.style);
        style.map_or_else(|| identity.speaks_http2(), |style| style.http2)
    }

    /// The web server of the installation.
    fn of(identity: &Identity) -> Self {
        let nginx = include_bytes!("pages/nginx.html").as_slice();
        let nginx_debian = include_bytes!("pages/nginx-debian.html").as_slice();
        let apache_debian = include_bytes!("pages/apache-debian.html").as_slice();
        let apache_ubuntu = include_bytes!("pages/apache-ubuntu.html").as_slice();
        let (grammar, server, page, page_name, requests_max) = match identity.web_server() {
            WebServer::NginxDebian11 => {
                (Grammar::Nginx, "nginx/1.18.0", nginx_debian, "index.nginx-debian.html", 100)
            }
            WebServer::NginxDebian12 => {
                (Grammar::Nginx, "nginx/1.22.1", nginx_debian, "index.nginx-debian.html", 1000)
            }
            WebServer::NginxUbuntu20 | WebServer::NginxUbuntu22 => {
                (Grammar::Nginx, "nginx/1.18.0 (Ubuntu)", nginx, "index.nginx-debian.html", 100)
            }
            WebServer::ApacheDebian12 => {
                (Grammar::Apache, "Apache/2.4.62 (Debian)", apache_debian, "index.html", 100)
            }
            WebServer::ApacheUbuntu24 => {
                (Grammar::Apache, "Apache/2.4.58 (Ubuntu)", apache_ubuntu, "index.html", 100)
            }
        };
        Self {
            grammar,
            server: server.into(),
            page,
            page_name,
            modified: identity.set_up(),
            requests_max,
            site: None,
            version: String::new(),
            style: None,
            h2c: identity.speaks_http2() && grammar == Grammar::Apache,
        }
    }

    /// What a page of its server calls the server: product and version, though no field says it.
    pub(super) fn product(&self) -> String {
        match (self.site, self.server.is_empty()) {
            (Some(site), true) => site.signature.replace("@{version}", &self.version),
            _ => self.server.clone().into_owned(),
        }
    }

    pub(super) const fn file(&self) -> File {
        File { kind: "text/html", bytes: self.page }
    }

    /// nginx: seconds and size; Apache httpd: size and microseconds; Tomcat and Jetty: size and milliseconds.
    pub(super) fn etag(&self, length: usize) -> String {
        if self.style.is_some() {
            return format!("W/\"{length}-{}\"", self.modified.micros() / 1_000);
        }
        match self.grammar {
            Grammar::Apache => format!("\"{length:x}-{:x}\"", self.modified.micros()),
            _ => format!("\"{:x}-{length:x}\"", self.modified.seconds()),
        }
    }

    pub(super) fn reason(&self, status: u16) -> &'static str {
        if let Some(style) = self.style {
            return style.reason(status);
        }
        let nginx = matches!(self.grammar, Grammar::Nginx);
        match status {
            101 => "Switching Protocols",
            200 => "OK",
            201 => "Created",
            202 => "Accepted",
            204 => "No Content",
            301 => "Moved Permanently",
            302 => "Found",
            303 => "See Other",
            307 => "Temporary Redirect",
            401 => "Unauthorized",
            422 => "Unprocessable Entity",
            502 => "Bad Gateway",
            503 => "Service Unavailable",
            206 => "Partial Content",
            304 => "Not Modified",
            400 => "Bad Request",
            403 => "Forbidden",
            404 => "Not Found",
            405 if nginx => "Not Allowed",
            405 => "Method Not Allowed",
            408 => "Request Timeout",
            413 => "Request Entity Too Large",
            414 if nginx => "Request-URI Too Large",
            414 => "Request-URI Too Long",
            417 => "Expectation Failed",
            416 => "Requested Range Not Satisfiable",
            431 => "Request Header Fields Too Large",
            501 => "Not Implemented",
            505 => "HTTP Version Not Supported",
            _ => "Internal Server Error",
        }
    }

    /// The body of an error page. `place` is host and port as the page names them.
    pub(super) fn error_page(&self, status: u16, note: &Note, place: (&str, u16)) -> String {
        let reason = self.reason(status);
        match self.grammar {
            Grammar::Nginx | Grammar::Netty | Grammar::Application(_) => {
                let (title, extra) = match note {
                    Note::Fault(Fault::HeaderTooLong | Fault::TooManyHeaders) => (
                        "400 Request Header Or Cookie Too Large".to_owned(),
                        "<center>Request Header Or Cookie Too Large</center>\r\n",
                    ),
                    Note::Fault(Fault::Unencrypted) => (
                        "400 The plain HTTP request was sent to HTTPS port".to_owned(),
                        "<center>The plain HTTP request was sent to HTTPS port</center>\r\n",
                    ),
                    _ => (format!("{status} {reason}"), ""),
                };
                format!(
                    "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{status} {reason}</h1></center>\r\n{extra}<hr><center>{}</center>\r\n</body>\r\n</html>\r\n",
                    self.server
                )
            }
            Grammar::Apache => format!(
                "<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">\n<html><head>\n<title>{status} {reason}</title>\n</head><body>\n<h1>{reason}</h1>\n{}\n<hr>\n<address>{} Server at {} Port {}</address>\n</body></html>\n",
                match (status, apache_text(status, note)) {
                    // The one page of httpd's whose text is no paragraph.
                    (413, text) => text,
                    (_, text) => format!("<p>{text}</p>"),
                },
                self.server,
                place.0,
                place.1
            ),
        }
    }
}

/// What an error page says beside its status.
#[derive(Clone, Debug)]
pub(super) enum Note {
    Plain,
    Fault(Fault),
    /// The method asked for, as text for a page.
    Method(String),
    /// What the request expects, as text for a page.
    Expectation(String),
    /// What was asked of a server that names it on its pages: method, and path as text for a page.
    Asked(String, String),
}

fn apache_text(status: u16, note: &Note) -> String {
    let misunderstood =
        "Your browser sent a request that this server could not understand.<br />\n";
    match (status, note) {
        (400, Note::Fault(Fault::HeaderTooLong)) => {
            format!("{misunderstood}Size of a request header field exceeds server limit.")
        }
        (400, Note::Fault(Fault::TooManyHeaders)) => {
            format!("{misunderstood}The number of request header fields exceeds this server's limit.")
        }
        (400, Note::Fault(Fault::Unencrypted)) => {
            format!("{misunderstood}Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />\n Instead use the HTTPS scheme to access this URL, please.<br />\n")
        }
        (400, _) => misunderstood.to_owned(),
        (403, _) => "You don't have permission to access this resource.".to_owned(),
        (404, _) => "The requested URL was not found on this server.".to_owned(),
        (405, Note::Method(method)) => {
            format!("The requested method {method} is not allowed for this URL.")
        }
        (408, _) => "Server timeout waiting for the HTTP request from the client.".to_owned(),
        (414, _) => {
            "The requested URL's length exceeds the capacity\nlimit for this server.<br />\n".to_owned()
        }
        (413, _) => "The requested resource does not allow request data with POST requests, or the amount of data provided in\nthe request exceeds the capacity limit.".to_owned(),
        (417, Note::Expectation(expected)) => format!(
            "The expectation given in the Expect request-header\nfield could not be met by this server.\nThe client sent<pre>\n    Expect: {expected}\n</pre>\n</p><p>Only the 100-continue expectation is supported."
        ),
        (431, _) => "The server refused this request because\nthe request header fields are too large.".to_owned(),
        (416, _) => "None of the range-specifier values in the Range\nrequest-header field overlap the current extent\nof the selected resource.".to_owned(),
        (501, Note::Method(method)) => format!("{method} not supported for current URL.<br />\n"),
        _ => "The server encountered an internal error or\nmisconfiguration and was unable to complete\nyour request.".to_owned(),
    }
}

/// The status with which a server refuses.
pub(super) const fn status_of(fault: Fault, grammar: Grammar) -> u16 {
    match (fault, grammar) {
        (Fault::UriTooLong, Grammar::Application(Application::Tomcat))
        | (Fault::Coding, Grammar::Application(Application::Jetty)) => 400,
        (Fault::HeaderTooLong, Grammar::Application(Application::Jetty | Application::Go)) => 431,
        (Fault::TooOld, Grammar::Application(Application::Jetty)) => 505,
        (Fault::TooNew, Grammar::Application(Application::Jetty)) => 426,
        (fault, _) => usual_status(fault),
    }
}

const fn usual_status(fault: Fault) -> u16 {
    match fault {
        Fault::UriTooLong => 414,
        Fault::BodyTooLarge => 413,
        Fault::Version => 505,
        Fault::Coding => 501,
        Fault::Timeout => 408,
        _ => 400,
    }
}
