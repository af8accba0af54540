//! The parameters that name a file or a host: `index.php?page=` is included, `tools.php?host=` is given to a shell. An address is never
//! fetched: `allow_url_include` is off, as in every PHP since 5.2, and PHP says so.

use super::{Reply, Said, Visit, escape, pages};
use crate::WebServer;
use crate::http::rules::{MachineKind, included, base64, web_machine};
use crate::http::run::{OUTPUT, Run};
use crate::http::script::{Script, request_of};
use crate::php;

impl Visit<'_> {
    pub(super) fn index(&self) -> Reply {
        let Some(page) = self.form.asked("page").filter(|page| !page.is_empty()) else {
            let asked = self.ask(b"SELECT id, title, posted FROM articles WHERE published = 1 ORDER BY posted DESC LIMIT 5", false);
            return self.answer(asked, "index.php", 31, "", |rows| pages::welcome(&self.club, rows));
        };
        if let Some(text) = pages::fixed(&self.club, page) {
            return Reply::page("ordinary", self.php(200, self.page("", &text)));
        }
        self.include(page)
    }

    fn include(&self, page: &[u8]) -> Reply {
        let lower = page.to_ascii_lowercase();
        let old = matches!(self.scene.identity.web_server(), WebServer::NginxDebian11 | WebServer::NginxUbuntu20);
        let path = format!("/var/www/html{}index.php", self.base);
        let warn = |why: &str| {
            let shown = escape(&page[..page.len().min(300)]);
            let warning = |text: &str| format!("<br />\n<b>Warning</b>:  {text} in <b>{path}</b> on line <b>24</b><br />\n");
            let open = format!(
                "<br />\n<b>Warning</b>:  include(): {} opening '{shown}' for inclusion (include_path='.:/usr/share/php') in <b>{path}</b> on line <b>24</b><br />\n",
                "Failed"
            );
            format!("{}{open}", warning(&format!("include({shown}): {why}")))
        };
        let failed = if old { "failed to open stream" } else { "Failed to open stream" };
        if lower.starts_with(b"http://") || lower.starts_with(b"https://") || lower.starts_with(b"ftp://") {
            let scheme = String::from_utf8_lossy(lower.split(|byte| *byte == b'/').next().unwrap_or_default()).into_owned();
            let off = format!("<br />\n<b>Warning</b>:  include(): {scheme}// wrapper is disabled in the server configuration by allow_url_include=0 in <b>{path}</b> on line <b>24</b><br />\n");
            let text = format!("{off}{}", warn(&format!("{failed}: no suitable wrapper could be found")));
            return Reply::page("remote-file-inclusion", self.php(200, self.page("", &text)));
        }
        let script = match lower.as_slice() {
            b"php://input" => Some(self.body.to_vec()),
            _ if lower.starts_with(b"data:") => {
                let comma = page.iter().position(|byte| *byte == b',').unwrap_or(page.len());
                let data = page.get(comma + 1..).unwrap_or_default();
                match lower[..comma].ends_with(b";base64") {
                    true => crate::http::decode_base64(data),
                    false => Some(data.to_vec()),
                }
            }
            _ => None,
        };
        if let Some(script) = script {
            return self.run_included(script);
        }
        let (wanted, encoded) = included(page);
        let (machine, _) = web_machine(self.scene, MachineKind::Server);
        match machine.files().read(&wanted, 0, OUTPUT) {
            Ok(content) if encoded => {
                let text = String::from_utf8_lossy(&base64(&content)).into_owned();
                Reply::page("file-inclusion", self.php(200, self.page("", &text)))
            }
            Ok(content) if php::is_script(&content) => self.run_included(content),
            Ok(content) => {
                let text = String::from_utf8_lossy(&content).into_owned();
                Reply::page("file-inclusion", self.php(200, self.page("", &text)))
            }
            Err(_) => {
                let class = if page.iter().any(|byte| b"/.:".contains(byte)) { "file-inclusion" } else { "unknown" };
                let why = format!("{failed}: No such file or directory");
                Reply::page(class, self.php(200, self.page("", &warn(&why))))
            }
        }
    }

    /// Runs PHP that a visitor had included, in the page's place.
    fn run_included(&self, script: Vec<u8>) -> Reply {
        let path = format!("/var/www/html{}index.php", self.base);
        let request = request_of(self.scene, self.request, self.target, self.body, path.as_bytes());
        let machine = web_machine(self.scene, MachineKind::Server);
        machine.0.begin_in(format!("/var/www/html{}", self.base).as_bytes());
        let (head, foot, empty) = (pages::head(self, ""), pages::foot(&self.club), self.php(200, String::new()));
        let script = Script::new(script, false, request);
        let run = Run::script(machine, script, self.scene.now, move |printed| {
            let body = [head.as_bytes(), &printed.output, foot.as_bytes()].concat();
            crate::http::rules::RuleAnswer { body, ..empty }
        });
        Reply { outcome: Said::Run(run), class: "code-injection", details: Vec::new() }
    }

    /// `ping -c 2` and what the visitor wrote behind it.
    pub(super) fn tools(&self) -> Reply {
        let Some(host) = self.form.value("host").filter(|host| !host.is_empty()) else {
            return Reply::page("ordinary", self.php(200, self.page("Tools", &pages::tools(b"", ""))));
        };
        let plain = host.iter().all(|byte| byte.is_ascii_alphanumeric() || b".-:_".contains(byte));
        let class = if plain { "ordinary" } else { "command-injection" };
        let command = [&b"ping -c 2 "[..], host].concat();
        let machine = web_machine(self.scene, MachineKind::Server);
        machine.0.begin_in(format!("/var/www/html{}", self.base).as_bytes());
        let mark = "@output@";
        let page = self.page("Tools", &pages::tools(host, mark));
        let (before, after) = page.split_once(mark).map_or((page.clone(), String::new()), |(a, b)| (a.to_owned(), b.to_owned()));
        let empty = self.php(200, String::new());
        let run = Run::command(machine, &command, self.scene.now, 200, move |printed| {
            let body = [before.as_bytes(), &printed.output, after.as_bytes()].concat();
            crate::http::rules::RuleAnswer { body, ..empty }
        });
        Reply { outcome: Said::Run(run), class, details: Vec::new() }
    }
}
