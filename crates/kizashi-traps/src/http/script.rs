//! A script in PHP on the machine behind the logins: its files are the visitor's view of that machine, its commands run there.

use super::form::Form;
use super::rules::Scene;
use crate::WebServer;
use crate::machine::{FileFault, Machine, Transfer};
use crate::php::{self, FileFacts, Given, Host, Journal, Printed, Ran, Wish};

/// Bytes that all the script's questions and answers may hold.
const JOURNAL: usize = 128 * 1024;

/// A script and how far it came.
pub(super) struct Script {
    text: Vec<u8>,
    inside: bool,
    request: php::Request,
    journal: Journal,
    first: bool,
}

impl Script {
    /// A script that can be read; one given to `eval` is `inside` PHP.
    pub(super) fn new(text: Vec<u8>, inside: bool, request: php::Request) -> Self {
        Self { text, inside, request, journal: Journal::new(), first: true }
    }

    /// The last command's output.
    pub(super) fn answered(&mut self, output: Vec<u8>) {
        if !std::mem::take(&mut self.first) {
            self.journal.push(Given::Bytes(Some(output)));
        }
    }

    /// Runs to its end, or to a command that must run first.
    pub(super) fn go(&mut self, machine: &Machine) -> Result<Printed, Vec<u8>> {
        if self.memory() > JOURNAL {
            return Ok(Printed::default());
        }
        let mut host = OnMachine(machine.files());
        match php::run(&self.text, self.inside, &self.request, &mut self.journal, &mut host) {
            Ok(Ran::Wants(command)) => {
                self.first = false;
                Err(command)
            }
            Ok(Ran::Ended(printed)) => Ok(printed),
            Err(php::Unread) => Ok(Printed::default()),
        }
    }

    pub(super) fn memory(&self) -> usize {
        let held = |given: &Given| match given {
            Given::Bytes(bytes) => bytes.as_ref().map_or(0, Vec::len),
            Given::Names(names) => names.iter().flatten().map(|name| name.len() + 24).sum(),
            _ => 16,
        };
        self.text.len() + self.request.body.len() + self.journal.iter().map(held).sum::<usize>()
    }
}

struct OnMachine(Transfer);

impl Host for OnMachine {
    fn grant(&mut self, wish: &Wish) -> Given {
        let files = &self.0;
        let done = |result: Result<(), FileFault>| Given::Done(result.is_ok());
        match wish {
            Wish::Command(_) => Given::Bytes(None),
            Wish::Read(path) => Given::Bytes(files.read(path, 0, super::run::OUTPUT).ok()),
            Wish::Write { path, content, append } => {
                done(files.create(path, !append, 0o644).and_then(|()| {
                    let end = if *append { files.stat(path, true)?.size } else { 0 };
                    files.write(path, end, content)
                }))
            }
            Wish::List(path) => {
                let names = files.list(path).ok();
                Given::Names(names.map(|names| names.into_iter().map(|(name, _)| name).collect()))
            }
            Wish::Stat(path) => Given::Facts(files.stat(path, true).ok().map(|stat| FileFacts {
                is_folder: stat.mode & 0o170_000 == 0o040_000,
                size: stat.size,
                mode: stat.mode,
                owner: stat.owner.0,
                modified: stat.modified,
            })),
            Wish::Remove(path) => {
                done(files.remove(path, false).or_else(|_| files.remove(path, true)))
            }
            Wish::Rename(from, to) => done(files.rename(from, to)),
            Wish::MakeFolder(path) => done(files.make_folder(path, 0o755)),
            Wish::Mode(path, mode) => done(files.set_mode(path, *mode, true)),
        }
    }
}

/// The request as a script sees it.
pub(super) fn request_of(
    scene: &Scene<'_>,
    request: &kizashi_event::Request,
    target: &[u8],
    body: &[u8],
    script: &[u8],
) -> php::Request {
    let form = Form::of(request, target, body);
    let headers =
        request.headers.iter().map(|(name, value)| (name.raw().into(), value.raw().into()));
    php::Request {
        method: request.method.raw().to_owned(),
        target: target.to_vec(),
        query: form.query,
        form: form.body,
        cookies: form.cookies,
        headers: headers.collect(),
        uploads: form.files,
        body: body.to_vec(),
        script: script.to_vec(),
        host: scene.host.to_owned(),
        server: scene.persona.server.clone().into_owned(),
        source: scene.visit.source.to_string(),
        php: version(scene.identity.web_server()),
        now: Some(scene.now),
    }
}

/// The PHP of each distribution.
pub(super) const fn version(server: WebServer) -> &'static str {
    match server {
        WebServer::NginxDebian11 => "7.4.33",
        WebServer::NginxDebian12 | WebServer::ApacheDebian12 => "8.2.29",
        WebServer::NginxUbuntu20 => "7.4.3-4ubuntu2.24",
        WebServer::NginxUbuntu22 => "8.1.2-1ubuntu2.22",
        WebServer::ApacheUbuntu24 => "8.3.6",
    }
}
