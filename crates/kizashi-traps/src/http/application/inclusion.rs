//! The parameters that name a file or a host: `index.php?page=` is included, `tools.php?host=` is given to a shell. An address is never
//! fetched: `allow_url_include` is off, as in every PHP since 5.2, and PHP says so.

use super::{Reply, Said, Visit, escape, pages};
use crate::WebServer;
use crate::http::rules::{MachineKind, base64, included, web_machine};
use crate::http::run::{OUTPUT, Run};
use crate::http::script::{Script, request_of};
use crate::php;

impl Visit<'_> {
    pub(super) fn index(&self) -> Reply {
        let Some(page) = self.form.asked("page").filter(|page| !page.is_empty()) else {
            let asked = self.ask(b"SELECT id, title, posted FROM articles WHERE published = 1 ORDER BY posted DESC LIMIT 5", false);
            return self.answer(asked, "index.php", 31, "", |rows| pages::welcome(self.club, rows));
        };
        if let Some(text) = pages::fixed(self.club, page) {
            return Reply::page("ordinary", self.php(200, self.page("", &text)));
        }
        self.include(page)
    }

    /// PHP's two warnings to a file that it cannot include.
    fn warnings(&self, page: &[u8], why: &str) -> String {
        let place =
            format!("in <b>/var/www/html{}index.php</b> on line <b>24</b><br />\n", self.base);
        let shown = escape(&page[..page.len().min(300)]);
        format!(
            "<br />\n<b>Warning</b>:  include({shown}): {}: {why} {place}<br />\n<b>Warning</b>:  include(): Failed opening '{shown}' for inclusion (include_path='.:/usr/share/php') {place}",
            self.failed()
        )
    }

    /// PHP 8 begins its messages with a capital.
    fn failed(&self) -> &'static str {
        match self.scene.identity.web_server() {
            WebServer::NginxDebian11 | WebServer::NginxUbuntu20 => "failed to open stream",
            _ => "Failed to open stream",
        }
    }

    fn include(&self, page: &[u8]) -> Reply {
        let lower = page.to_ascii_lowercase();
        let shown = |class, text: &str| Reply::page(class, self.php(200, self.page("", text)));
        if [&b"http://"[..], b"https://", b"ftp://"].iter().any(|start| lower.starts_with(start)) {
            let scheme = lower.split(|byte| *byte == b':').next().unwrap_or_default();
            let off = format!(
                "<br />\n<b>Warning</b>:  include(): {}:// wrapper is disabled in the server configuration by allow_url_include=0 in <b>/var/www/html{}index.php</b> on line <b>24</b><br />\n",
                String::from_utf8_lossy(scheme),
                self.base
            );
            let text = self.warnings(page, "no suitable wrapper could be found");
            return shown("remote-file-inclusion", &format!("{off}{text}"));
        }
        if let Some(script) = self.carried(page, &lower) {
            return self.run_included(script);
        }
        let (wanted, encoded) = included(page);
        let (machine, _) = web_machine(self.scene, MachineKind::Server);
        match machine.files().read(&wanted, 0, OUTPUT) {
            Ok(content) if encoded => {
                shown("file-inclusion", &String::from_utf8_lossy(&base64(&content)))
            }
            Ok(content) if php::is_script(&content) => self.run_included(content),
            Ok(content) => shown("file-inclusion", &String::from_utf8_lossy(&content)),
            Err(_) => {
                let path = page.iter().any(|byte| b"/.:".contains(byte));
                let class = if path { "file-inclusion" } else { "unknown" };
                shown(class, &self.warnings(page, "No such file or directory"))
            }
        }
    }

    /// PHP that the request itself carries: as its body, or inside the parameter.
    fn carried(&self, page: &[u8], lower: &[u8]) -> Option<Vec<u8>> {
        if lower == b"php://input" {
            return Some(self.body.to_vec());
        }
        if !lower.starts_with(b"data:") {
            return None;
        }
        let comma = page.iter().position(|byte| *byte == b',')?;
        let data = &page[comma + 1..];
        match lower[..comma].ends_with(b";base64") {
            true => crate::http::decode_base64(data),
            false => Some(data.to_vec()),
        }
    }

    /// Runs PHP that a visitor had included, in the page's place.
    fn run_included(&self, script: Vec<u8>) -> Reply {
        let path = format!("/var/www/html{}index.php", self.base);
        let request = request_of(self.scene, self.request, self.target, self.body, path.as_bytes());
        let machine = web_machine(self.scene, MachineKind::Server);
        machine.0.begin_in(format!("/var/www/html{}", self.base).as_bytes());
        let (head, foot, empty) =
            (pages::head(self, ""), pages::foot(self.club), self.php(200, String::new()));
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
            return Reply::page(
                "ordinary",
                self.php(200, self.page("Tools", &pages::tools(b"", ""))),
            );
        };
        let plain = host.iter().all(|byte| byte.is_ascii_alphanumeric() || b".-:_".contains(byte));
        let class = if plain { "ordinary" } else { "command-injection" };
        let command = [&b"ping -c 2 "[..], host].concat();
        let machine = web_machine(self.scene, MachineKind::Server);
        machine.0.begin_in(format!("/var/www/html{}", self.base).as_bytes());
        let mark = "@output@";
        let page = self.page("Tools", &pages::tools(host, mark));
        let (before, after) = page
            .split_once(mark)
            .map_or((page.clone(), String::new()), |(a, b)| (a.to_owned(), b.to_owned()));
        let empty = self.php(200, String::new());
        let run = Run::command(machine, &command, self.scene.now, 200, move |printed| {
            let body = [before.as_bytes(), &printed.output, after.as_bytes()].concat();
            crate::http::rules::RuleAnswer { body, ..empty }
        });
        Reply { outcome: Said::Run(run), class, details: Vec::new() }
    }
}
