//! The web pages of CUPS: what people see who open the port in a browser. Titles and the error page as CUPS writes them; the rest is small and
//! our own.

use super::queue::Queue;
use crate::{Identity, OperatingSystem};

/// The release that the installation's system brings, and what it says of itself (`ServerTokens Minimal`).
pub(super) fn release(identity: &Identity) -> (&'static str, &'static str) {
    match identity.operating_system() {
        OperatingSystem::Debian11 => ("2.3.3op2", "CUPS/2.3 IPP/2.1"),
        OperatingSystem::Ubuntu20 => ("2.3.1", "CUPS/2.3 IPP/2.1"),
        OperatingSystem::Debian12 => ("2.4.2", "CUPS/2.4 IPP/2.1"),
        OperatingSystem::Ubuntu22 => ("2.4.1", "CUPS/2.4 IPP/2.1"),
        OperatingSystem::Ubuntu24 => ("2.4.7", "CUPS/2.4 IPP/2.1"),
    }
}

const STYLE: &str = "body { font-family: lucida grande, geneva, helvetica, arial, sans-serif; margin: 0; }\nh1, table { margin: 1em 2em; }\n\
                     ul.header { list-style: none; margin: 0; padding: 1em 2em; background: #eee; }\n\
                     ul.header li { display: inline; margin-right: 2em; }\nth, td { text-align: left; padding: 0.2em 1em; }\n";

/// A page of the interface.
pub(super) struct Page {
    pub(super) kind: &'static str,
    pub(super) text: String,
}

/// The page at a path; `None` where there is none.
pub(super) fn page(path: &str, queues: &[Queue], release: &str) -> Option<Page> {
    let of_queue = |queue: &Queue| {
        format!(
            "<tr><td><a href=\"/printers/{0}\">{0}</a></td><td>{1}</td><td>{2}</td><td>{1} Postscript (recommended)</td><td>Idle</td></tr>\n",
            queue.name, queue.model, queue.place
        )
    };
    const HEAD: &str = "<tr><th>Queue Name</th><th>Description</th><th>Location</th><th>Make and Model</th><th>Status</th></tr>\n";
    let (title, inside) = match path {
        "/cups.css" => return Some(Page { kind: "text/css", text: STYLE.to_owned() }),
        "/robots.txt" => {
            let text = "User-agent: *\nDisallow: /\n".to_owned();
            return Some(Page { kind: "text/plain", text });
        }
        "/" | "/index.html" => (
            "Home".to_owned(),
            format!(
                "<h1>CUPS {release}</h1>\n<p>CUPS is the standards-based, open source printing system.</p>\n"
            ),
        ),
        "/printers" | "/printers/" => {
            let rows: String = queues.iter().map(of_queue).collect();
            ("Printers".to_owned(), format!("<h1>Printers</h1>\n<table>\n{HEAD}{rows}</table>\n"))
        }
        "/jobs" | "/jobs/" => ("Jobs".to_owned(), "<h1>Jobs</h1>\n<p>No jobs.</p>\n".to_owned()),
        "/classes" | "/classes/" => {
            ("Classes".to_owned(), "<h1>Classes</h1>\n<p>No classes.</p>\n".to_owned())
        }
        _ => {
            let name = path.strip_prefix("/printers/")?;
            let queue = queues.iter().find(|queue| queue.name == name)?;
            let title = format!("{} ({})", queue.name, "Idle, Accepting Jobs, Shared");
            let row = of_queue(queue);
            (queue.name.clone(), format!("<h1>{title}</h1>\n<table>\n{HEAD}{row}</table>\n"))
        }
    };
    let text = format!(
        "<!DOCTYPE html>\n<html>\n  <head>\n    <link rel=\"stylesheet\" href=\"/cups.css\" type=\"text/css\">\n    <meta charset=\"utf-8\">\n    <title>{title} - CUPS {release}</title>\n  </head>\n  <body>\n<ul class=\"header\"><li><a href=\"/\">Home</a></li><li><a href=\"/admin\">Administration</a></li><li><a href=\"/classes/\">Classes</a></li><li><a href=\"/jobs/\">Jobs</a></li><li><a href=\"/printers/\">Printers</a></li></ul>\n{inside}  </body>\n</html>\n"
    );
    Some(Page { kind: "text/html; charset=utf-8", text })
}

/// CUPS' page of an error (`cupsdSendError`).
pub(super) fn error(status: u16, release: &str) -> String {
    let title = reason(status);
    let text = if status == 401 {
        "Enter your username and password or the root username and password to access this page. If you are using Kerberos authentication, make sure you have a valid Kerberos ticket."
    } else {
        ""
    };
    format!(
        "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01 Transitional//EN\" \"http://www.w3.org/TR/html4/loose.dtd\">\n<HTML>\n<HEAD>\n\t<META HTTP-EQUIV=\"Content-Type\" CONTENT=\"text/html; charset=utf-8\">\n\t<TITLE>{title} - CUPS v{release}</TITLE>\n\t<LINK REL=\"STYLESHEET\" TYPE=\"text/css\" HREF=\"/cups.css\">\n</HEAD>\n<BODY>\n<H1>{title}</H1>\n<P>{text}</P>\n</BODY>\n</HTML>\n"
    )
}

pub(super) const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        413 => "Request Entity Too Large",
        _ => "Not Found",
    }
}
