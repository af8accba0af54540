//! What is done about a request that a rule knows: the rule's text, a file or a command's output from the machine behind the login, or
//! the web server's own answer. A command runs as the machine runs every other, in slices and under its bounds.

use std::sync::Arc;

use kizashi_event::{Detail, Timestamp};

use super::evaluate::{self, Php};
use super::format::{Answerer, Face, MachineKind};
use super::reply::{Values, fill};
use super::subject::Subject;
use super::{Rule, pattern};
use crate::http::dropped::put;
use crate::http::form::Form;
use crate::http::grammar::Grammar;
use crate::http::persona::Persona;
use crate::http::run::{Keeper, OUTPUT, Run};
use crate::http::script::{Script, request_of};
use crate::machine::{self, Machine, Visitor};
use crate::php::{self, Printed};
use crate::{Identity, Visit};

/// An answer of a rule's.
#[derive(Clone, Debug)]
pub(crate) struct RuleAnswer {
    pub(crate) status: u16,
    pub(crate) kind: String,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl RuleAnswer {
    /// With these fields before its own, where it does not say them itself.
    pub(in crate::http) fn with(mut self, fields: Vec<(String, String)>) -> Self {
        let said = |name: &str| self.fields.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
        let fields: Vec<_> = fields.into_iter().filter(|(name, _)| !said(name)).collect();
        self.fields.splice(0..0, fields);
        self
    }

    /// After it the connection is the application's own stream (`-Stream` among its fields): no length is said, and it ends with it.
    pub(in crate::http) fn is_stream(&self) -> bool {
        self.fields.iter().any(|(name, _)| name == "-Stream")
    }
}

/// Where the output belongs in a field of the answer; no text of a rule or a visitor's holds it there.
const OUTPUT_MARK: &str = "\u{1}";

/// The same before its output is known.
struct Prepared {
    answer: RuleAnswer,
    pieces: Vec<Vec<u8>>,
}

impl Prepared {
    fn with(mut self, output: &[u8]) -> RuleAnswer {
        for (_, value) in &mut self.answer.fields {
            if value.contains(OUTPUT_MARK) {
                let shown: String = String::from_utf8_lossy(output)
                    .trim_end()
                    .chars()
                    .map(|letter| if letter.is_control() { ' ' } else { letter })
                    .take(2_000)
                    .collect();
                *value = value.replace(OUTPUT_MARK, &shown);
            }
        }
        RuleAnswer { body: self.pieces.join(output), ..self.answer }
    }
}

/// The machine that holds what was kept, and the name of the last file.
type Kept = ((Machine, Keeper), Option<Vec<u8>>);

/// What is done about a request.
pub(crate) enum Reaction {
    /// The web server answers as if there were no rule.
    Face,
    Answer(RuleAnswer),
    Run(Box<Run>),
    /// A WebSocket is opened, or refused as the libraries refuse a request that asks for none.
    Websocket(RuleAnswer),
}

/// Who asks whom.
pub(crate) struct Scene<'a> {
    pub(crate) identity: &'a Arc<Identity>,
    pub(crate) visit: &'a Visit,
    pub(crate) persona: &'a Persona,
    pub(crate) host: &'a str,
    /// The port by which the visitor calls it.
    pub(crate) port: u16,
    pub(crate) now: Timestamp,
}

impl Scene<'_> {
    /// Whether a product of this kind of machine may be shown: on a site only the site's own kind, elsewhere what the visitor saw first.
    fn admits(&self, kind: MachineKind) -> bool {
        match self.persona.site {
            Some(site) => site.is_kind(kind),
            None => self.identity.shows(self.visit.source, kind),
        }
    }

    /// Scheme, host and port as the visitor called them, escaped.
    pub(in crate::http) fn origin(&self) -> String {
        super::reply::origin(&self.shown_host(), self.port, self.is_encrypted())
    }

    /// Whether the visitor speaks TLS: inside it, or at a port where nothing else is spoken.
    fn is_encrypted(&self) -> bool {
        const WITH_TLS: [u16; 5] = [443, 6443, 8443, 10_250, 10_443];
        self.visit.encrypted || WITH_TLS.contains(&self.visit.port.number)
    }

    /// The host as the visitor called it, escaped.
    pub(in crate::http) fn shown_host(&self) -> String {
        super::escape_text(self.host.as_bytes())
    }

    fn values<'b>(&'b self, rule: &'b str, subject: &'b Subject<'b>) -> Values<'b> {
        Values {
            identity: self.identity,
            site: self.persona.site,
            server: &self.persona.server,
            host: self.host,
            port: self.port,
            encrypted: self.is_encrypted(),
            rule,
            now: self.now,
            subject,
            uploaded: b"",
        }
    }
}

/// An answer whose fields and body are texts with values in them; `label` names the place, so that drawn values stay.
pub(in crate::http) fn fill_answer(
    answer: RuleAnswer,
    text: &str,
    label: &str,
    subject: &Subject<'_>,
    scene: &Scene<'_>,
) -> RuleAnswer {
    let values = scene.values(label, subject);
    let fields = answer.fields.into_iter().map(|(name, value)| (name, line(&value, &values)));
    RuleAnswer { fields: fields.collect(), body: fill(text, &values).concat(), ..answer }
}

/// A text for a field of a head: whatever is put in, it stays one line.
fn line(text: &str, values: &Values<'_>) -> String {
    String::from_utf8_lossy(&fill(text, values).concat()).replace(['\r', '\n'], " ")
}

impl Rule {
    /// The login that the request carries, where the rule is about a form.
    pub(crate) fn login(&self, subject: &Subject<'_>) -> Option<Detail> {
        self.login.as_ref().and_then(|fields| subject.login(fields))
    }

    /// What is done about a request that this rule is for.
    pub(crate) fn react(&self, subject: &Subject<'_>, scene: &Scene<'_>) -> Reaction {
        let fits_face = match self.face {
            None => true,
            Some(Face::Nginx) => scene.persona.grammar == Grammar::Nginx,
            Some(Face::Apache) => scene.persona.grammar == Grammar::Apache,
        };
        if self.answer == Answerer::Face || !fits_face || !scene.admits(self.machine) {
            return Reaction::Face;
        }
        let kept = self.keep(subject, scene);
        let names: Vec<&[u8]> =
            kept.iter().flat_map(|(_, names)| names).map(Vec::as_slice).collect();
        let prepared = self.prepare(subject, scene, &names.concat());
        if let Some((machine, _)) = kept {
            return Reaction::Run(Run::written(machine, scene.now, prepared.with(b"")));
        }
        let taken = self.taken(subject);
        match self.answer {
            Answerer::Text => Reaction::Answer(prepared.with(b"")),
            Answerer::Face => Reaction::Face,
            Answerer::Websocket => Reaction::Websocket(prepared.with(b"")),
            Answerer::File => match self.file(&taken, scene) {
                Some(content) => Reaction::Answer(prepared.with(&content)),
                None => Reaction::Face,
            },
            Answerer::Command if taken.is_empty() => Reaction::Answer(prepared.with(b"")),
            Answerer::Command => self.run(&taken, prepared, scene),
            Answerer::Php => self.php(taken, prepared, subject, scene),
            Answerer::Calculate => {
                let result = evaluate::calculate(&taken).unwrap_or_default();
                Reaction::Answer(prepared.with(&result))
            }
            Answerer::SqlError => {
                let (product, _) = scene.identity.mysql_release().product();
                Reaction::Answer(prepared.with(&evaluate::sql_error(&taken, product)))
            }
        }
    }

    /// Puts the files that the request brings where the rule says, for whoever brought them; the last one's name.
    fn keep(&self, subject: &Subject<'_>, scene: &Scene<'_>) -> Option<Kept> {
        if self.keep.is_empty() {
            return None;
        }
        let form = Form::of(subject.request, subject.raw_target, subject.raw_body);
        let root = b"/var/www/html";
        let mut files: Vec<(Vec<u8>, Vec<u8>, &[u8])> = Vec::new();
        for file in form.files.iter().filter(|file| !file.name.is_empty()) {
            let path = [root, self.keep.as_bytes(), &file.name].concat();
            files.push((path, file.name.clone(), &file.content));
        }
        if subject.method == "PUT" && !subject.raw_body.is_empty() {
            // What Tomcat and IIS leave off a name: a slash, a space, a stream of NTFS.
            let path = subject.part("path").unwrap_or_default();
            let path = path.split(|byte| *byte == b':').next().unwrap_or_default().trim_ascii();
            let path: &[u8] = path.strip_suffix(b"/").unwrap_or(path);
            let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default().to_vec();
            files.push(([root, path].concat(), name, subject.raw_body));
        }
        if files.is_empty() {
            return None;
        }
        let machine = web_machine(scene, self.machine);
        let mut last = None;
        for (path, name, content) in files {
            if put(&machine.0, &path, content) {
                last = Some(name);
            }
        }
        Some((machine, last))
    }

    fn prepare(&self, subject: &Subject<'_>, scene: &Scene<'_>, uploaded: &[u8]) -> Prepared {
        let values = Values { uploaded, ..scene.values(&self.name, subject) };
        let line = |text: &str| {
            fill(text, &values)
                .iter()
                .map(|piece| String::from_utf8_lossy(piece).replace(char::is_control, " "))
                .collect::<Vec<_>>()
                .join(OUTPUT_MARK)
        };
        let fields = self.fields.iter().map(|(name, value)| (name.clone(), line(value))).collect();
        let answer =
            RuleAnswer { status: self.status, kind: self.kind.clone(), fields, body: Vec::new() };
        Prepared { answer, pieces: fill(&self.text, &values) }
    }

    /// The path, command, code or value in the request.
    fn taken(&self, subject: &Subject<'_>) -> Vec<u8> {
        let found = self.take.iter().find_map(|take| {
            let part = subject.part(&take.from)?;
            let part = evaluate::between(&part, take.after.as_bytes(), take.until.as_bytes())?;
            (!part.is_empty()).then(|| part[..part.len().min(evaluate::LONGEST)].to_vec())
        });
        found.unwrap_or_default()
    }

    fn file(&self, value: &[u8], scene: &Scene<'_>) -> Option<Vec<u8>> {
        let (path, encoded) = evaluate::included(value);
        let (machine, _) = web_machine(scene, self.machine);
        let content = machine.files().read(&path, 0, OUTPUT).ok()?;
        Some(if encoded { evaluate::base64(&content) } else { content })
    }

    fn run(&self, command: &[u8], prepared: Prepared, scene: &Scene<'_>) -> Reaction {
        let machine = web_machine(scene, self.machine);
        // What a CGI program prints before its page is for the server.
        let is_cgi = pattern::find(command, b"echo").is_some();
        let status = prepared.answer.status;
        Reaction::Run(Run::command(machine, command, scene.now, status, move |printed| {
            let output = match is_cgi {
                true => evaluate::without_cgi_fields(&printed.output),
                false => &printed.output,
            };
            prepared.with(output)
        }))
    }

    /// Runs the PHP of a request, or of the rule itself; what cannot be read is looked through for a command.
    fn php(
        &self,
        taken: Vec<u8>,
        prepared: Prepared,
        subject: &Subject<'_>,
        scene: &Scene<'_>,
    ) -> Reaction {
        let code = if self.script.is_empty() { taken } else { self.script.clone().into_bytes() };
        let inside = !php::is_script(&code);
        let text = if inside { [&code[..], b";"].concat() } else { code.clone() };
        if !code.is_empty() && php::is_readable(&text, inside) {
            let path = b"/var/www/html/index.php";
            let request = subject.request;
            let request = request_of(scene, request, subject.raw_target, subject.raw_body, path);
            let script = Script::new(text, inside, request);
            let machine = web_machine(scene, self.machine);
            machine.0.begin_in(b"/var/www/html");
            return Reaction::Run(Run::script(
                machine,
                script,
                scene.now,
                move |printed: Printed| prepared.with(&printed.output),
            ));
        }
        match evaluate::php(&code) {
            Php::Prints(text) => Reaction::Answer(prepared.with(&text)),
            Php::Runs(command) => self.run(&command, prepared, scene),
            Php::Nothing => Reaction::Answer(prepared.with(b"")),
        }
    }
}

/// The machine on which a web server's commands run, with what this visitor left on it, and who keeps what he leaves now.
pub(in crate::http) fn web_machine(scene: &Scene<'_>, kind: MachineKind) -> (Machine, Keeper) {
    let device = kind == MachineKind::Device;
    let face = scene.identity.telnet_face().machine();
    let persona = match device {
        true if face.is_device() => face,
        true => machine::Persona::Router,
        false => machine::Persona::Server,
    };
    let service = match (device, scene.persona.grammar) {
        (true, _) => "httpd",
        (_, Grammar::Nginx) => "nginx",
        (_, Grammar::Netty | Grammar::Application(_)) => "java",
        (_, Grammar::Apache) => "apache2",
    };
    machine_of(scene, persona, if device { "root" } else { "www-data" }, service)
}

/// A machine on which a service runs something as this user; on the server is what this visitor left there before.
pub(in crate::http) fn machine_of(
    scene: &Scene<'_>,
    persona: machine::Persona,
    user: &str,
    service: &'static str,
) -> (Machine, Keeper) {
    let visitor = Visitor {
        user: user.as_bytes().to_vec(),
        source: scene.visit.source,
        destination: scene.visit.destination,
        service,
    };
    let machine = Machine::new(scene.identity, persona, visitor, scene.now);
    if !persona.is_device() {
        let kept = scene.identity.kept_files().of(scene.visit.source, scene.now);
        kept.iter().for_each(|file| machine.restore(file));
    }
    (machine, Keeper { identity: Arc::clone(scene.identity), source: scene.visit.source })
}
