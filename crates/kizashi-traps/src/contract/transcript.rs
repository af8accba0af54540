//! Golden transcripts: text files of lines
//!
//! ```text
//! # what this dialogue shows
//! identity: nginx-debian-12        (default)
//! face: router                     (default; of Telnet)
//! release: 1.4.2                   (default 7.17.9; of Elasticsearch)
//! redis: 6.0.16                    (default: of the identity's system)
//! mysql: 8.4.6                     (default mariadb)
//! site: jenkins                    (default `default`; of the web trap)
//! seed: 4                          (default 7; where an installation's draw is shown)
//! port: tcp/80                     (default tcp/4000)
//! C> GET / HTTP/1.1\r\n            bytes of the visitor; lines in a row are one piece, over UDP one datagram
//! S> HTTP/1.1 200 OK\r\n           bytes of the trap
//! E> http request "GET" "/" …      a detail told; details continue in indented E> lines
//! S|                               the trap closes
//! C|                               the visitor closes
//! T|                               the visitor is silent until the deadline
//! ```

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use kizashi_event::Port;

use super::play::Outcome;
use super::render::{escape, lines, unescape};
use crate::{
    ElasticsearchRelease, Identity, MysqlRelease, RedisRelease, TelnetFace, WebServer, WebSites,
};

/// What the visitor does.
pub(super) enum Step {
    Visitor(Vec<u8>),
    Idle,
    End,
}

/// A transcript as written.
pub(super) struct Transcript {
    path: PathBuf,
    identity: WebServer,
    http2: bool,
    face: TelnetFace,
    release: ElasticsearchRelease,
    redis: Option<RedisRelease>,
    mysql: MysqlRelease,
    site: String,
    seed: u8,
    port: Port,
    drawn: OnceLock<Identity>,
    /// Comments and settings, kept when the file is written anew.
    preface: Vec<String>,
    steps: Vec<Step>,
    /// The visitor's lines of each step, as written.
    sources: Vec<Vec<String>>,
    /// What is expected: of the greeting, then of each step.
    expected: Vec<Vec<String>>,
}

impl Transcript {
    pub(super) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("a transcript");
        let mut transcript = Self {
            path: path.to_owned(),
            identity: WebServer::NginxDebian12,
            face: TelnetFace::Router,
            http2: false,
            release: ElasticsearchRelease::V7_17_9,
            redis: None,
            mysql: MysqlRelease::MariaDb,
            site: crate::DEFAULT_SITE.to_owned(),
            seed: 7,
            port: Port::tcp(4000),
            drawn: OnceLock::new(),
            preface: Vec::new(),
            steps: Vec::new(),
            sources: Vec::new(),
            expected: vec![Vec::new()],
        };
        let mut running = false;
        for line in text.lines() {
            running = transcript.take(line, running);
        }
        transcript
    }

    /// Reads a line; `running` and the result tell whether the visitor is speaking.
    fn take(&mut self, line: &str, running: bool) -> bool {
        if let Some(text) = line.strip_prefix("C> ") {
            let bytes = unescape(text);
            match (running, self.steps.last_mut()) {
                (true, Some(Step::Visitor(piece))) => {
                    piece.extend(bytes);
                    self.sources.last_mut().unwrap().push(line.to_owned());
                }
                _ => self.begin(Step::Visitor(bytes), line),
            }
            return true;
        }
        match line {
            "C|" => self.begin(Step::End, line),
            "T|" => self.begin(Step::Idle, line),
            _ if line.starts_with("S> ") || line.starts_with("E> ") || line == "S|" => {
                self.expected.last_mut().unwrap().push(line.to_owned());
            }
            _ if self.steps.is_empty() => self.preface(line),
            "" => {}
            other => panic!("{}: `{other}` is no line of a transcript", self.path.display()),
        }
        false
    }

    fn begin(&mut self, step: Step, line: &str) {
        self.steps.push(step);
        self.sources.push(vec![line.to_owned()]);
        self.expected.push(Vec::new());
    }

    fn preface(&mut self, line: &str) {
        self.preface.push(line.to_owned());
        match line.split_once(": ") {
            _ if line.is_empty() || line.starts_with('#') => {}
            Some(("identity", name)) => self.identity = WebServer::from_name(name).expect(name),
            Some(("http2", word)) => self.http2 = word == "yes",
            Some(("face", name)) => self.face = TelnetFace::from_name(name).expect(name),
            Some(("release", name)) => {
                self.release = ElasticsearchRelease::from_name(name).expect(name);
            }
            Some(("seed", number)) => self.seed = number.parse().expect(number),
            Some(("redis", name)) => self.redis = Some(RedisRelease::from_name(name).expect(name)),
            Some(("mysql", name)) => self.mysql = MysqlRelease::from_name(name).expect(name),
            Some(("site", name)) => name.clone_into(&mut self.site),
            Some(("port", port)) => self.port = Port::parse(port).expect(port),
            _ => panic!("{}: `{line}` is no setting", self.path.display()),
        }
    }

    /// The installation, before anybody came.
    pub(super) fn identity(&self) -> Identity {
        self.drawn.get_or_init(|| self.draw()).afresh()
    }

    fn draw(&self) -> Identity {
        let identity = Identity::draw([self.seed; 32])
            .with_web_server(self.identity)
            .with_telnet_face(self.face)
            .with_http2(self.http2)
            .with_elasticsearch_release(self.release)
            .with_mysql_release(self.mysql)
            .with_web_sites(WebSites::of([("*", self.site.as_str())]).expect("a site"));
        match self.redis {
            Some(release) => identity.with_redis_release(release),
            None => identity,
        }
    }

    pub(super) const fn port(&self) -> Port {
        self.port
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// All that the visitor sends.
    pub(super) fn visitor_bytes(&self) -> Vec<u8> {
        let pieces = self.steps.iter().map(|step| match step {
            Step::Visitor(bytes) => bytes.as_slice(),
            Step::Idle | Step::End => &[],
        });
        pieces.collect::<Vec<_>>().concat()
    }

    /// Whether the visitor sends nothing.
    pub(super) fn is_silent(&self) -> bool {
        self.visitor_bytes().is_empty()
    }

    pub(super) fn compare(&self, outcomes: &[Outcome], how: &str) {
        let happened = expectations(outcomes);
        assert!(self.expected.iter().any(|lines| !lines.is_empty()) || self.is_silent());
        for (step, (expected, happened)) in self.expected.iter().zip(&happened).enumerate() {
            assert_eq!(expected, happened, "{}, step {step}, {how}", self.path.display());
        }
    }

    pub(super) fn write(&self, outcomes: &[Outcome]) {
        let mut text = String::new();
        let happened = expectations(outcomes);
        for line in self.preface.iter().chain(&happened[0]) {
            writeln!(text, "{line}").unwrap();
        }
        for (source, happened) in self.sources.iter().zip(&happened[1..]) {
            for line in source.iter().chain(happened) {
                writeln!(text, "{line}").unwrap();
            }
        }
        std::fs::write(&self.path, text).unwrap();
    }
}

/// The lines that these outcomes would be expected by.
fn expectations(outcomes: &[Outcome]) -> Vec<Vec<String>> {
    let mut closed = false;
    let mut all = Vec::new();
    for outcome in outcomes {
        let mut expected: Vec<String> = outcome
            .reply
            .split_inclusive(|byte| *byte == b'\n')
            .map(|line| format!("S> {}", escape(line)))
            .collect();
        for seen in &outcome.seen {
            expected.extend(lines(seen).iter().map(|line| format!("E> {line}")));
        }
        if outcome.closed && !closed {
            closed = true;
            expected.push("S|".to_owned());
        }
        all.push(expected);
    }
    all
}
