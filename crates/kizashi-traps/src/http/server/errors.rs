//! What each server says when it refuses: its own page, not the application's. Texts as the servers' sources have them.

use super::Style;
use crate::http::grammar::Fault;

/// Fields of an error beside the server's own.
pub(in crate::http) type Fields = Vec<(String, String)>;

/// What is refused.
#[derive(Clone, Copy, Default)]
pub(in crate::http) struct Refused<'a> {
    /// Why, where the request itself was wrong.
    pub(in crate::http) fault: Option<Fault>,
    pub(in crate::http) method: &'a str,
    /// What was asked for, escaped.
    pub(in crate::http) path: &'a str,
}

/// What stands behind the status of a refusal, where that is not the status's own reason.
pub(in crate::http) fn reason_of(style: &Style, fault: Fault) -> Option<&'static str> {
    match style.name {
        "jetty" => Some(match fault {
            Fault::NoTarget => "No URI",
            Fault::TooOld => "HTTP/0.9 not supported",
            Fault::Version => "Unknown Version",
            Fault::NoHost => "No Host",
            Fault::Folding => "Header Folding",
            Fault::NoColon => "Illegal character LF=\\n",
            Fault::FieldName => "Illegal character SPACE=' '",
            Fault::FieldValue => "Illegal character CNTL=0x0",
            Fault::LengthForm => "Invalid Content-Length Value",
            Fault::TwoLengths => "Multiple Content-Lengths",
            Fault::LengthAndChunks => "Transfer-Encoding and Content-Length",
            Fault::Coding => "Bad Transfer-Encoding, chunked not last",
            Fault::UriTooLong => "URI Too Long",
            _ => return None,
        }),
        "go" => Some(match fault {
            Fault::NoHost => "Bad Request: missing required Host header",
            Fault::HostForm => "Bad Request: malformed Host header",
            Fault::FieldName => "Bad Request: invalid header name",
            Fault::FieldValue => "Bad Request: invalid header value",
            Fault::Version => "HTTP Version Not Supported: unsupported protocol version",
            _ => return None,
        }),
        _ => None,
    }
}

/// Content type, further fields and body of an error.
pub(in crate::http) fn error(
    style: &Style,
    status: u16,
    refused: Refused<'_>,
    server: &str,
) -> (&'static str, Fields, String) {
    let Refused { fault, path, .. } = refused;
    let reason = fault.and_then(|fault| reason_of(style, fault)).unwrap_or_else(|| words(status));
    let text = |kind, text: String| (kind, Vec::new(), text);
    match style.name {
        "tomcat" => (
            "text/html;charset=utf-8",
            tomcat_fields(status, refused.method),
            tomcat(status, refused, server),
        ),
        "jetty" => jetty(status, reason, refused),
        "nginx" => text("text/html", nginx(status)),
        "go" => go(status, reason, fault),
        "node" => text(
            "application/json; charset=utf-8",
            format!(
                "{{\"statusCode\":{status},\"error\":\"{0}\",\"message\":\"{0}\"}}",
                words(status)
            ),
        ),
        "uvicorn" if fault.is_some() => (
            "text/plain; charset=utf-8",
            without(&["Server", "Date", "Content-Length"]),
            "Invalid HTTP request received.".to_owned(),
        ),
        "uvicorn" => text("application/json", format!("{{\"detail\":\"{}\"}}", words(status))),
        "iis" => iis(status, fault),
        "boa" => text("text/html; charset=ISO-8859-1", boa(status, path)),
        "goahead" => (
            "text/html",
            said(&[("Pragma", "no-cache"), ("Cache-Control", "no-cache")]),
            goahead(status, path),
        ),
        "rompager" => text("text/html", rompager(status, path)),
        "upnpd" => text("text/html", upnpd(status)),
        "uc-httpd" => text(
            "text/html",
            format!(
                "<html><head><title>{status} File Not Found</title></head><body>The requested URL was not found on this server</body></html>"
            ),
        ),
        _ => text("text/html; charset=iso-8859-1", httpd(status)),
    }
}

fn said(list: &[(&str, &str)]) -> Fields {
    list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The page of an nginx that says no version.
fn nginx(status: u16) -> String {
    let reason = words(status);
    format!(
        "<html>\r\n<head><title>{status} {reason}</title></head>\r\n<body>\r\n<center><h1>{status} {reason}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
}

/// The page of an httpd without its signature.
fn httpd(status: u16) -> String {
    let reason = words(status);
    let text = match status {
        404 => "The requested URL was not found on this server.",
        _ => "Your browser sent a request that this server could not understand.<br />\n",
    };
    format!(
        "<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">\n<html><head>\n<title>{status} {reason}</title>\n</head><body>\n<h1>{reason}</h1>\n<p>{text}</p>\n</body></html>\n"
    )
}

/// RomPager's page, of which scanners look for the words about the object.
fn rompager(status: u16, path: &str) -> String {
    let (title, text) = match status {
        404 => (
            "Object Not Found",
            format!("The requested URL '{path}' was not found on the RomPager server."),
        ),
        _ => (
            words(status),
            "The request could not be understood by the RomPager server.".to_owned(),
        ),
    };
    format!(
        "<html>\n<head>\n<title>{title}</title></head><body>\n<h1>{title}</h1>{text}\n<p>Return to <A HREF=\"\">last page</A><p>\n</body></html>\n"
    )
}

/// `Send404` and `Send501` of MiniUPnPd 1.0.
fn upnpd(status: u16) -> String {
    let (title, text) = match status {
        404 => ("Not Found", "The requested URL was not found on this server."),
        501 => ("Not Implemented", "The HTTP Method is not implemented by this server."),
        _ => (words(status), "The request could not be understood."),
    };
    format!(
        "<HTML><HEAD><TITLE>{status} {title}</TITLE></HEAD><BODY><H1>{title}</H1>{text}</BODY></HTML>\r\n"
    )
}

/// `websError` of GoAhead 2.5.
fn goahead(status: u16, path: &str) -> String {
    let (title, text) = match status {
        404 => ("Page not found", "Cannot open URL"),
        _ => (words(status), words(status)),
    };
    format!(
        "<html><head><title>Document Error: {title}</title></head>\r\n\t\t<body><h2>Access Error: {title}</h2>\r\n\t\twhen trying to obtain <b>{path}</b><br><p>{text}</p></body></html>\r\n\r\n"
    )
}

/// Fields of the server's own that are not said.
fn without(names: &[&str]) -> Fields {
    names.iter().map(|name| (format!("-{name}"), String::new())).collect()
}

fn words(status: u16) -> &'static str {
    super::PLAIN.reason(status)
}

/// Its default servlet takes neither writing nor TRACE, of which the connector says so with methods of its own.
fn tomcat_fields(status: u16, method: &str) -> Fields {
    let mut fields = match (status, method) {
        (405, "TRACE") => said(&[("Allow", "HEAD, DELETE, POST, GET, OPTIONS, PUT")]),
        (405, _) => said(&[("Allow", "OPTIONS, GET, HEAD, POST")]),
        // It ends the connection and does not say so.
        (505, _) => without(&["Connection"]),
        _ => Fields::new(),
    };
    fields.extend(said(&[("Content-Type", ""), ("Content-Language", "en")]));
    fields
}

/// `ErrorReportValve` of Tomcat 9, without the Java stack that it shows of some refusals.
fn tomcat(status: u16, refused: Refused<'_>, server: &str) -> String {
    const STYLE: &str = "body {font-family:Tahoma,Arial,sans-serif;} h1, h2, h3, b {color:white;background-color:#525D76;} h1 {font-size:22px;} h2 {font-size:16px;} h3 {font-size:14px;} p {font-size:12px;} a {color:black;} .line {height:1px;background-color:#525D76;border:none;}";
    let reason = words(status);
    let description = match status {
        400 => {
            "The server cannot or will not process the request due to something that is perceived to be a client error (e.g., malformed request syntax, invalid request message framing, or deceptive request routing)."
        }
        403 => "The server understood the request but refuses to authorize it.",
        404 => {
            "The origin server did not find a current representation for the target resource or is not willing to disclose that one exists."
        }
        405 => {
            "The method received in the request-line is known by the origin server but not supported by the target resource."
        }
        501 => "The server does not support the functionality required to fulfill the request.",
        505 => {
            "The server does not support, or refuses to support, the major version of HTTP that was used in the request message."
        }
        _ => {
            "The server encountered an unexpected condition that prevented it from fulfilling the request."
        }
    };
    let said = match (status, refused.method) {
        (404, _) => {
            let path = refused.path.replace('/', "&#47;");
            format!("The requested resource [{path}] is not available")
        }
        (405, "TRACE") => "TRACE method is not allowed".to_owned(),
        (501, method) if !method.is_empty() => {
            format!("Method [{method}] is not implemented by this Servlet for this URI")
        }
        _ => String::new(),
    };
    let message = match said.as_str() {
        "" => String::new(),
        said => format!("<p><b>Message</b> {said}</p>"),
    };
    if server.is_empty() {
        // As Spring Boot has it, which shows neither report nor product.
        return format!(
            "<!doctype html><html lang=\"en\"><head><title>HTTP Status {status} – {reason}</title><style type=\"text/css\">{STYLE}</style></head><body><h1>HTTP Status {status} – {reason}</h1></body></html>"
        );
    }
    format!(
        "<!doctype html><html lang=\"en\"><head><title>HTTP Status {status} – {reason}</title><style type=\"text/css\">{STYLE}</style></head><body><h1>HTTP Status {status} – {reason}</h1><hr class=\"line\" /><p><b>Type</b> Status Report</p>{message}<p><b>Description</b> {description}</p><hr class=\"line\" /><h3>{server}</h3></body></html>"
    )
}

/// `HttpChannel` of Jetty 9.4 and 10 for what is malformed, `ErrorHandler` for the rest.
fn jetty(status: u16, reason: &str, refused: Refused<'_>) -> (&'static str, Fields, String) {
    let (kind, path) = ("text/html;charset=iso-8859-1", refused.path);
    if refused.fault.is_some() {
        let page = format!("<h1>Bad Message {status}</h1><pre>reason: {reason}</pre>");
        let mut fields = without(&["Date"]);
        fields.extend(said(&[("Content-Type", ""), ("Content-Length", ""), ("Connection", "")]));
        return (kind, fields, page);
    }
    let page = format!(
        "<html>\n<head>\n<meta http-equiv=\"Content-Type\" content=\"text/html;charset=ISO-8859-1\"/>\n<title>Error {status} {reason}</title>\n</head>\n<body><h2>HTTP ERROR {status} {reason}</h2>\n<table>\n<tr><th>URI:</th><td>{path}</td></tr>\n<tr><th>STATUS:</th><td>{status}</td></tr>\n<tr><th>MESSAGE:</th><td>{reason}</td></tr>\n<tr><th>SERVLET:</th><td>default</td></tr>\n</table>\n\n</body>\n</html>\n"
    );
    (kind, said(&[("Cache-Control", "must-revalidate,no-cache,no-store")]), page)
}

/// `net/http`: what the server itself refuses has neither date nor length.
fn go(status: u16, reason: &str, fault: Option<Fault>) -> (&'static str, Fields, String) {
    match (fault, status) {
        (Some(fault), _) => (
            "text/plain; charset=utf-8",
            without(&["Server", "Date", "Content-Length"]),
            match fault {
                Fault::Coding => "Unsupported transfer encoding".to_owned(),
                _ => format!("{status} {reason}"),
            },
        ),
        (None, 404) => (
            "text/plain; charset=utf-8",
            vec![("X-Content-Type-Options".to_owned(), "nosniff".to_owned())],
            "404 page not found\n".to_owned(),
        ),
        (None, _) => (
            "text/plain; charset=utf-8",
            vec![("X-Content-Type-Options".to_owned(), "nosniff".to_owned())],
            format!("{}\n", words(status)),
        ),
    }
}

/// http.sys for what is malformed, IIS itself for what is not there.
fn iis(status: u16, fault: Option<Fault>) -> (&'static str, Fields, String) {
    if fault.is_some() {
        let reason = words(status);
        return (
            "text/html; charset=us-ascii",
            // http.sys speaks before IIS has a word.
            [("Content-Type", ""), ("Server", "Microsoft-HTTPAPI/2.0"), ("-Server", "")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
            format!(
                "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\"\"http://www.w3.org/TR/html4/strict.dtd\">\r\n<HTML><HEAD><TITLE>{reason}</TITLE>\r\n<META HTTP-EQUIV=\"Content-Type\" Content=\"text/html; charset=us-ascii\"></HEAD>\r\n<BODY><h2>{reason} - Invalid Verb</h2>\r\n<hr><p>HTTP Error {status}. The request verb is invalid.</p>\r\n</BODY></HTML>\r\n"
            ),
        );
    }
    let (title, words) = match status {
        404 => (
            "404 - File or directory not found.",
            "The resource you are looking for might have been removed, had its name changed, or is temporarily unavailable.",
        ),
        405 => (
            "405 - HTTP verb used to access this page is not allowed.",
            "The page you are looking for cannot be displayed because an invalid method (HTTP verb) was used to attempt access.",
        ),
        _ => (
            "500 - Internal server error.",
            "There is a problem with the resource you are looking for, and it cannot be displayed.",
        ),
    };
    let body = format!(
        "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Strict//EN\" \"http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd\">\r\n<html xmlns=\"http://www.w3.org/1999/xhtml\">\r\n<head>\r\n<meta http-equiv=\"Content-Type\" content=\"text/html; charset=iso-8859-1\"/>\r\n<title>{title}</title>\r\n</head>\r\n<body>\r\n<div id=\"header\"><h1>Server Error</h1></div>\r\n<div id=\"content\">\r\n <div class=\"content-container\"><fieldset>\r\n  <h2>{title}</h2>\r\n  <h3>{words}</h3>\r\n </fieldset></div>\r\n</div>\r\n</body>\r\n</html>\r\n"
    );
    ("text/html", Vec::new(), body)
}

fn boa(status: u16, path: &str) -> String {
    let reason = words(status);
    let text = match status {
        404 => format!("The requested URL {path} was not found on this server."),
        403 => format!("Your client does not have permission to get URL {path} from this server."),
        501 => "POST to non-script is not supported in Boa.".to_owned(),
        _ => "Your client has issued a malformed or illegal request.".to_owned(),
    };
    format!(
        "<HTML><HEAD><TITLE>{status} {reason}</TITLE></HEAD>\n<BODY><H1>{status} {reason}</H1>\n{text}\n</BODY></HTML>\n"
    )
}
