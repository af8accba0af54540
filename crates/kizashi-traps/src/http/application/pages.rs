//! The pages: one look, written by hand as a club's treasurer would.

use kizashi_event::{Detail, HostileText};

use super::content::Club;
use super::{Reply, Said, Visit, database, escape};
use crate::draw::Draw;
use crate::http::rules::{MachineKind, RuleAnswer, web_machine};
use crate::http::run::Run;
use crate::http::script::version;
use crate::sql::Rows;

/// The page up to its content.
pub(super) fn head(visit: &Visit<'_>, title: &str) -> String {
    let (club, base) = (visit.club, visit.base);
    let title =
        if title.is_empty() { club.name.clone() } else { format!("{title} - {}", club.name) };
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n<link rel=\"stylesheet\" href=\"{base}style.css\">\n</head>\n<body>\n<header><h1><a href=\"{base}\">{}</a></h1>\n<nav><a href=\"{base}index.php\">Home</a> <a href=\"{base}news.php\">News</a> <a href=\"{base}index.php?page=about\">About us</a> <a href=\"{base}search.php\">Search</a> <a href=\"{base}guestbook.php\">Guestbook</a> <a href=\"{base}contact.php\">Contact</a> <a href=\"{base}login.php\">Members</a></nav></header>\n<main>\n",
        club.name
    )
}

pub(super) fn foot(club: &Club) -> String {
    format!(
        "</main>\n<footer><p>&copy; {} &middot; founded {}</p></footer>\n</body>\n</html>\n",
        club.name, club.founded
    )
}

pub(super) fn style(club: &Club) -> RuleAnswer {
    let text = format!(
        "body{{margin:0;font:16px/1.5 Georgia,serif;color:#222;background:#f6f4ef}}\nheader{{background:{0};padding:1em 2em}}\nheader a{{color:#fff;text-decoration:none;margin-right:1em}}\nmain{{max-width:46em;margin:2em auto;padding:0 1em}}\na{{color:{0}}}\n.meta,small{{color:#777}}\nfooter{{text-align:center;color:#888;font-size:.85em}}\ninput,textarea{{font:inherit;padding:.3em;max-width:100%}}\npre{{background:#eee;padding:1em;overflow:auto}}\n",
        club.colour
    );
    RuleAnswer {
        status: 200,
        kind: "text/css".to_owned(),
        fields: Vec::new(),
        body: text.into_bytes(),
    }
}

pub(super) fn welcome(club: &Club, rows: &Rows) -> String {
    let line = |row: &Vec<crate::sql::Value>| {
        let cell = |place: usize| {
            row.get(place)
                .map(|v| String::from_utf8_lossy(&v.bytes()).into_owned())
                .unwrap_or_default()
        };
        format!(
            "<li><a href=\"article.php?id={}\">{}</a> <small>{}</small></li>\n",
            cell(0),
            cell(1),
            cell(2)
        )
    };
    let news: String = rows.rows.iter().map(line).collect();
    format!(
        "<h2>Welcome</h2>\n<p>Welcome to the {}. We meet every Thursday at seven in the {}; guests are always welcome.</p>\n<h3>Latest news</h3>\n<ul>\n{news}</ul>\n<p><a href=\"news.php?category=events\">Events</a> &middot; <a href=\"news.php?category=club\">From the club</a> &middot; <a href=\"upload.php\">Send us your pictures</a></p>\n",
        club.name, club.house
    )
}

/// The pages that `index.php?page=` is meant for.
pub(super) fn fixed(club: &Club, page: &[u8]) -> Option<String> {
    Some(match page {
        b"home" => format!("<h2>Welcome</h2>\n<p>Welcome to the {}.</p>\n", club.name),
        b"about" => format!(
            "<h2>About us</h2>\n<p>The {} was founded in {} and has its {} in {} ever since. <a href=\"index.php?page=board\">The board</a> and <a href=\"index.php?page=statutes\">our statutes</a>.</p>\n",
            club.name, club.founded, club.house, club.place
        ),
        b"board" => "<h2>The board</h2>\n<p>Chair, secretary, treasurer and two assessors, elected for two years.</p>\n".to_owned(),
        b"statutes" => "<h2>Statutes</h2>\n<p>The statutes can be read at the notice board.</p>\n".to_owned(),
        _ => return None,
    })
}

pub(super) fn search(words: &[u8]) -> String {
    format!(
        "<h2>Search</h2>\n<form action=\"search.php\" method=\"get\"><input type=\"text\" name=\"q\" value=\"{}\"> <input type=\"submit\" value=\"Search\"></form>\n",
        escape(words)
    )
}

pub(super) fn tools(host: &[u8], output: &str) -> String {
    let output = if output.is_empty() { String::new() } else { format!("<pre>{output}</pre>\n") };
    format!(
        "<h2>Is the server there?</h2>\n<form action=\"tools.php\" method=\"get\"><input type=\"text\" name=\"host\" value=\"{}\" placeholder=\"host\"> <input type=\"submit\" value=\"Ping\"></form>\n{output}",
        escape(host)
    )
}

impl Visit<'_> {
    pub(super) fn page(&self, title: &str, content: &str) -> String {
        format!("{}{content}{}", head(self, title), foot(self.club))
    }

    /// A page of PHP's, with the fields that a session puts before it.
    pub(super) fn php(&self, status: u16, body: String) -> RuleAnswer {
        let php = format!("PHP/{}", version(self.scene.identity.web_server()));
        let mut fields = vec![("X-Powered-By".to_owned(), php)];
        if !self.form.cookies.iter().any(|(name, _)| name == b"PHPSESSID") {
            fields.push((
                "Set-Cookie".to_owned(),
                format!("PHPSESSID={}; path=/", self.session("guest")),
            ));
        }
        for (name, value) in [
            ("Expires", "Thu, 19 Nov 1981 08:52:00 GMT"),
            ("Cache-Control", "no-store, no-cache, must-revalidate"),
            ("Pragma", "no-cache"),
        ] {
            fields.push((name.to_owned(), value.to_owned()));
        }
        RuleAnswer {
            status,
            kind: "text/html; charset=UTF-8".to_owned(),
            fields,
            body: body.into_bytes(),
        }
    }

    /// A session's name: the same for one visitor and role, so that nothing has to be remembered.
    fn session(&self, role: &str) -> String {
        let label = format!(
            "session {role} {} {}",
            self.scene.visit.source,
            if role == "guest" { self.scene.now.micros() } else { 0 }
        );
        let draw = Draw::new(self.scene.identity.seed(), &label);
        (0..26)
            .filter_map(|place| draw.one_of(place, b"0123456789abcdefghijklmnopqrstuv"))
            .map(char::from)
            .collect()
    }

    pub(super) fn redirect(&self, to: &str, session: Option<&str>) -> RuleAnswer {
        let mut answer = self.php(302, String::new());
        if let Some(role) = session {
            answer.fields.retain(|(name, _)| name != "Set-Cookie");
            answer.fields.insert(
                1,
                ("Set-Cookie".to_owned(), format!("PHPSESSID={}; path=/", self.session(role))),
            );
        }
        answer.fields.push(("Location".to_owned(), to.to_owned()));
        answer
    }

    pub(super) fn forbidden(&self) -> RuleAnswer {
        let nginx = self.scene.persona.grammar == crate::http::grammar::Grammar::Nginx;
        let note = crate::http::persona::Note::Plain;
        let body = self.scene.persona.error_page(
            403,
            &note,
            (self.scene.host, self.scene.visit.port.number),
        );
        let kind = if nginx { "text/html" } else { "text/html; charset=iso-8859-1" };
        RuleAnswer {
            status: 403,
            kind: kind.to_owned(),
            fields: Vec::new(),
            body: body.into_bytes(),
        }
    }

    pub(super) fn guestbook(&self, is_post: bool) -> Reply {
        let class = if is_post { "spam" } else { "ordinary" };
        let thanks = if is_post {
            "<p><b>Thank you! Your entry appears when it has been read.</b></p>\n"
        } else {
            ""
        };
        let entry = |(name, words): (String, String)| format!("<p><b>{name}</b>: {words}</p>\n");
        let entries: String = database::comments(self.club).into_iter().map(entry).collect();
        let content = format!(
            "<h2>Guestbook</h2>\n{thanks}{entries}<form action=\"guestbook.php\" method=\"post\"><p><input name=\"name\" placeholder=\"Your name\"></p><p><textarea name=\"message\" rows=\"4\" cols=\"40\"></textarea></p><input type=\"submit\" value=\"Write\"></form>\n"
        );
        Reply::page(class, self.php(200, self.page("Guestbook", &content)))
    }

    pub(super) fn contact(&self, is_post: bool) -> Reply {
        let class = if is_post { "spam" } else { "ordinary" };
        let content = if is_post {
            "<h2>Contact</h2>\n<p>Thank you for your message. We will answer soon.</p>\n".to_owned()
        } else {
            "<h2>Contact</h2>\n<form action=\"contact.php\" method=\"post\"><p><input name=\"name\" placeholder=\"Name\"></p><p><input name=\"email\" placeholder=\"E-mail\"></p><p><textarea name=\"message\" rows=\"6\" cols=\"40\"></textarea></p><input type=\"submit\" value=\"Send\"></form>\n".to_owned()
        };
        Reply::page(class, self.php(200, self.page("Contact", &content)))
    }

    pub(super) fn login(&self, is_post: bool) -> Reply {
        let form = |message: &str| {
            format!(
                "<h2>Members</h2>\n{message}<form action=\"login.php\" method=\"post\"><p><input type=\"text\" name=\"username\" placeholder=\"User name\"></p><p><input type=\"password\" name=\"password\" placeholder=\"Password\"></p><input type=\"submit\" value=\"Log in\"></form>\n"
            )
        };
        if !is_post {
            return Reply::page("ordinary", self.php(200, self.page("Members", &form(""))));
        }
        let value = |name: &str| self.form.value(name).unwrap_or_default().to_vec();
        let (user, password) = (value("username"), value("password"));
        let asked = self.account(&user, &password);
        let accepted = asked.rows.as_ref().is_ok_and(|rows| !rows.rows.is_empty());
        let login = Detail::Login {
            username: Some(HostileText::from_bytes(&user)),
            password: Some(HostileText::from_bytes(&password)),
            public_key: None,
            accepted,
        };
        let mut reply = self.answer(asked, "login.php", 22, "Members", |_| {
            form("<p class=\"error\">Wrong user name or password.</p>\n")
        });
        if accepted && let Said::Answer(answer) = &mut reply.outcome {
            *answer = self.redirect("admin/index.php", Some("admin"));
        }
        if reply.class == "ordinary" {
            reply.class = "credential-form";
        }
        reply.details.push(login);
        reply
    }

    pub(super) fn administration(&self) -> Reply {
        let session = self.session("admin");
        let inside = self
            .form
            .cookies
            .iter()
            .any(|(name, value)| name == b"PHPSESSID" && value == session.as_bytes());
        if !inside {
            return Reply::page("recon", self.redirect("../login.php", None));
        }
        let row = |member: &super::content::Member| {
            format!(
                "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                member.name, member.mail, member.role, member.last
            )
        };
        let rows: String = self.club.members.iter().map(row).collect();
        let content = format!(
            "<h2>Administration</h2>\n<p><a href=\"../upload.php\">Upload files</a> &middot; <a href=\"../tools.php\">Tools</a> &middot; <a href=\"../logout.php\">Log out</a></p>\n<table>\n<tr><th>User</th><th>E-mail</th><th>Role</th><th>Last login</th></tr>\n{rows}</table>\n"
        );
        Reply::page("authentication-bypass", self.php(200, self.page("Administration", &content)))
    }

    /// Takes any file, into the folder that pages are served from.
    pub(super) fn upload(&self, is_post: bool) -> Reply {
        let form = "<form action=\"upload.php\" method=\"post\" enctype=\"multipart/form-data\"><p><input type=\"file\" name=\"file\"></p><input type=\"submit\" name=\"submit\" value=\"Upload\"></form>\n";
        let upload = self.form.files.iter().find(|file| !file.name.is_empty()).filter(|_| is_post);
        let Some(upload) = upload else {
            let message = if is_post { "<p class=\"error\">No file was chosen.</p>\n" } else { "" };
            let content = format!("<h2>Send us your pictures</h2>\n{message}{form}");
            return Reply::page("ordinary", self.php(200, self.page("Upload", &content)));
        };
        let machine = web_machine(self.scene, MachineKind::Server);
        let path =
            [format!("/var/www/html{}uploads/", self.base).as_bytes(), &upload.name].concat();
        let written = super::super::dropped::put(&machine.0, &path, &upload.content);
        let name = escape(&upload.name);
        let content = if written {
            format!(
                "<h2>Send us your pictures</h2>\n<p>The file <a href=\"uploads/{name}\">{name}</a> has been uploaded.</p>\n{form}"
            )
        } else {
            format!(
                "<h2>Send us your pictures</h2>\n<p class=\"error\">The file could not be stored.</p>\n{form}"
            )
        };
        let answer = self.php(200, self.page("Upload", &content));
        let run = Run::written(machine, self.scene.now, answer);
        Reply { outcome: Said::Run(run), class: "upload", details: Vec::new() }
    }
}
