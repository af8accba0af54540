//! The command line. Exit codes: 0 done, 1 failed (one line on standard error says what and what to do), 2 wrong use.

mod fleet;
mod tell;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use kizashi_event::{Key, KeyKind, Timestamp};
use kizashi_store::{BinLength, Span};
use kizashi_web::Role;

use crate::commands::install::default_data;

pub(crate) use fleet::{
    DetectorCall, FleetCall, FleetFolder, FleetInit, FleetList, FleetMember, FleetStatus, HubCall,
    SensorCall,
};
pub(crate) use tell::{
    Export, ExportFormat, NotifyCall, NotifyList, NotifySeen, NotifyTest, ReportCall, ReportForm,
};

/// Decoy services that say by themselves when an attack wave begins.
#[derive(Debug, Parser)]
#[command(name = "kizashi", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) call: Call,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Call {
    /// Start traps, store, detection and dashboard
    Up(Up),
    /// Play a month of made-up traffic, nothing exposed: a first look in ten seconds
    Demo(Demo),
    /// Read logs of honeypots and captures of packets into the store; the same file twice adds nothing
    Import(Import),
    /// Run detection over what is stored, as if live, and print the signs
    Replay(Replay),
    /// Score a series from standard input: CSV t,x or one number a line; several at once: t,x1,x2,…
    Score(Score),
    /// Print what was raised, the latest first
    Signs(Listing),
    /// Print the advisory of one sign
    Sign(SignCall),
    /// Print what came most
    Top(Top),
    /// Print one series with its scores
    Series(SeriesCall),
    /// Print the sessions worth seeing again, the latest first
    Sessions(Sessions),
    /// Play a session again, or write it as text or asciicast
    Play(Play),
    /// Look after those who are told of signs
    #[command(subcommand)]
    Notify(NotifyCall),
    /// Write the report of a day, a week or a month
    Report(ReportCall),
    /// Write what is stored for other tools
    Export(Export),
    /// Print how the store stands
    Status(Listing),
    /// Home, ports and feed on this terminal, renewed every two seconds
    Watch(Watch),
    /// Replace the trap's process by a fresh one now; no port goes dark
    Renew(Renew),
    /// Print or renew the secrets that open the dashboard
    #[command(subcommand)]
    Token(TokenCall),
    /// Ask this machine's name servers for the names of addresses; nothing else here ever does
    Names(Names),
    /// Look after the tables that say where visitors are and who is a known scanner
    #[command(subcommand)]
    Geo(GeoCall),
    /// Lead every TCP port that no real service uses to the catch-all
    #[command(subcommand)]
    Ports(PortsCall),
    /// Say what protects this machine from its traps, and what does not
    Doctor(Doctor),
    /// List what visitors left, or take one out into a zip
    #[command(subcommand)]
    Payload(PayloadCall),
    /// Carry what this machine learned of usual rates to another one
    #[command(subcommand)]
    Prior(PriorCall),
    /// Look after the configuration
    #[command(subcommand)]
    Config(ConfigCall),
    /// Start traps and capture alone; what they see goes to a fleet's hub
    Sensor(SensorCall),
    /// Start store, detection and dashboard over a fleet's sensors
    Hub(HubCall),
    /// Take a share of a fleet's detection off its hub
    Detector(DetectorCall),
    /// Look after a fleet: many sensors, one hub, over NATS
    #[command(subcommand)]
    Fleet(FleetCall),
    /// Make Kizashi a service of this machine
    Install(Install),
    /// Take the service away again; what was recorded stays
    Uninstall(Uninstall),
    /// The process that speaks to visitors; started by `up`
    #[command(hide = true)]
    TrapProcess,
    /// The process that keeps what was seen; started by `up`
    #[command(hide = true)]
    CoreProcess,
    /// The process that sees attempts to reach any port; started by `up`
    #[command(hide = true)]
    CaptureProcess,
    /// The process that tells signs; started by `up`
    #[command(hide = true)]
    NotifyProcess,
    /// The process that holds the rules for all ports; started by `up` and `ports apply`
    #[command(hide = true)]
    PortsKeeper,
}

#[derive(Debug, Args)]
pub(crate) struct Install {
    /// Print what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// A staging folder that stands for /; nothing is started there
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub(crate) root: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Uninstall {
    /// Print what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// A staging folder that stands for /
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub(crate) root: PathBuf,
    /// Remove the settings and everything that was recorded too
    #[arg(long)]
    pub(crate) purge: bool,
}

/// The folder of the data.
#[derive(Debug, Args)]
pub(crate) struct Data {
    /// Folder of the data
    #[arg(long, value_name = "DIR", default_value_os_t = default_data())]
    pub(crate) data: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Configuration file [default: kizashi.toml where there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Folder of the data [default: ./kizashi-data, or the configuration's]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Answer on every TCP port that no real service uses, through nftables: `kizashi ports show`
    #[arg(long)]
    pub(crate) all_ports: bool,
    /// Refuse to start where the kernel does not enforce every protection
    #[arg(long)]
    pub(crate) require_sandbox: bool,
    /// Shut nothing in: for measuring what the sandbox costs
    #[arg(long, hide = true, conflicts_with = "require_sandbox")]
    pub(crate) no_sandbox: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Watch {
    #[command(flatten)]
    pub(crate) data: Data,
    /// Let the terminal notify, and ring its bell, when a sign is raised
    #[arg(long, value_enum, value_name = "HOW", num_args = 0..=1, default_missing_value = "auto")]
    pub(crate) notify: Option<TerminalNotice>,
}

/// How a terminal notifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TerminalNotice {
    /// By what the terminal is taken for
    Auto,
    /// OSC 9: iTerm2, WezTerm, kitty, Ghostty, Windows Terminal
    Osc9,
    /// OSC 777: foot, rxvt-unicode, GNOME's terminal
    Osc777,
    /// By its bell alone
    Bell,
}

#[derive(Debug, Args)]
pub(crate) struct Renew {
    #[command(flatten)]
    pub(crate) data: Data,
    /// Let the trap try what is forbidden: test builds alone know it
    #[arg(long, hide = true)]
    pub(crate) misbehave: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Names {
    /// The addresses
    #[arg(required = true, num_args = 1..=256)]
    pub(crate) addresses: Vec<std::net::IpAddr>,
    /// The name server to ask [default: the system's]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) server: Option<std::net::SocketAddr>,
    #[command(flatten)]
    pub(crate) data: Data,
    /// Configuration file [default: kizashi.toml where there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum GeoCall {
    /// Take a table from a file or an address into use, after it was read whole
    Update(GeoUpdate),
    /// Print which tables are in use, or what they say of addresses
    Show(GeoShow),
}

/// A table that the owner may bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GeoTable {
    /// Countries (MMDB)
    Countries,
    /// Autonomous systems (MMDB)
    Networks,
    /// Known scanners: a range, a tab and a name a line
    Scanners,
}

impl GeoTable {
    pub(crate) const ALL: [Self; 3] = [Self::Countries, Self::Networks, Self::Scanners];

    /// Its name on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Countries => "countries",
            Self::Networks => "networks",
            Self::Scanners => "scanners",
        }
    }

    /// Its file in the data folder.
    pub(crate) const fn file(self) -> &'static str {
        match self {
            Self::Countries => "kizashi-countries.mmdb",
            Self::Networks => "kizashi-networks.mmdb",
            Self::Scanners => "kizashi-scanners.tsv",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct GeoUpdate {
    /// Which table
    #[arg(value_enum)]
    pub(crate) table: GeoTable,
    /// A file, or an address that begins with https:// or http://; plain or gzip
    pub(crate) source: String,
    /// Folder of the data, where the table goes unless the configuration names its file
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Configuration file [default: kizashi.toml where there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct GeoShow {
    /// Addresses to look up
    pub(crate) addresses: Vec<std::net::IpAddr>,
    /// Folder of the data
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Configuration file [default: kizashi.toml where there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PortsCall {
    /// Apply the rules for the Kizashi that runs; they go when it ends, however it ends
    Apply(PortsApply),
    /// Print the rules, what they leave alone and why, and whether they stand
    Show(PortsShow),
    /// Take the rules away again
    Remove(PortsRemove),
}

#[derive(Debug, Args)]
pub(crate) struct PortsApply {
    #[command(flatten)]
    pub(crate) data: Data,
    /// Configuration file, for what it keeps out while nothing runs [default: kizashi.toml where there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Print what would be applied and have the kernel check it
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PortsShow {
    #[command(flatten)]
    pub(crate) data: Data,
    /// Configuration file, for what it keeps out while nothing runs [default: kizashi.toml where there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// One JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PortsRemove {
    #[command(flatten)]
    pub(crate) data: Data,
    /// Print what would be removed
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCall {
    /// Print the token of a role
    Show(TokenOf),
    /// Draw another; whoever came in by the one before is out at once
    New(TokenOf),
}

#[derive(Debug, Args)]
pub(crate) struct TokenOf {
    #[command(flatten)]
    pub(crate) data: Data,
    /// owner, who may do everything, viewer, who reads, or feeds, for programs that read what is shared
    #[arg(long, default_value = "owner", value_parser = role)]
    pub(crate) role: Role,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Configuration file [default: kizashi.toml where there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Folder of the data [default: the configuration's, or ./kizashi-data, or the installed service's]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Another number plays another month
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Port of the dashboard on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 7777)]
    pub(crate) port: u16,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    #[command(flatten)]
    pub(crate) data: Data,
    /// Format: auto, or one of cowrie, dionaea, elasticpot, opencanary, heralding, csv, pcap (pcapng too)
    #[arg(long, default_value = "auto")]
    pub(crate) format: String,
    /// Columns of a CSV by name, such as time=when,source=ip,port=dport
    #[arg(long, value_name = "FIELD=COLUMN,…")]
    pub(crate) columns: Option<String>,
    /// Name of the sensor where the log names none
    #[arg(long, default_value = "imported")]
    pub(crate) sensor: String,
    /// Our own addresses in captures [default: the address that most visitors try to reach]
    #[arg(long, value_name = "ADDRESS[/BITS]")]
    pub(crate) local: Vec<kizashi_wire::Prefix>,
    /// Go on reading as the file grows; of captures a folder, or the name given to tcpdump -w or dumpcap -w, follows a ring
    #[arg(long)]
    pub(crate) follow: bool,
    /// One JSON object a file
    #[arg(long)]
    pub(crate) json: bool,
    /// Files or folders, plain, gzip or zstd; - for standard input
    #[arg(required = true)]
    pub(crate) paths: Vec<PathBuf>,
}

/// What every listing takes.
#[derive(Debug, Args)]
pub(crate) struct Listing {
    #[command(flatten)]
    pub(crate) data: Data,
    #[command(flatten)]
    pub(crate) span: SpanArguments,
    /// Rows at most
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: usize,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct SpanArguments {
    /// From this time on: RFC 3339, or a length back from now such as 90m, 24h, 7d
    #[arg(long, value_parser = moment)]
    since: Option<Timestamp>,
    /// Before this time
    #[arg(long, value_parser = moment)]
    until: Option<Timestamp>,
}

impl SpanArguments {
    pub(crate) const fn span(self) -> Span {
        Span { since: self.since, until: self.until }
    }

    /// Whether a moment is inside.
    pub(crate) fn holds(self, time: Timestamp) -> bool {
        self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time < until)
    }
}

#[derive(Debug, Args)]
pub(crate) struct Replay {
    #[command(flatten)]
    pub(crate) listing: Listing,
    /// Print the numbers behind each sign, or behind one sign (its id) or one key (such as tcp/445)
    #[arg(long, value_name = "SIGN|KEY", num_args = 0..=1, default_missing_value = "")]
    pub(crate) explain: Option<String>,
    /// Draw them too: a file for one sign, a folder for many
    #[arg(long, value_name = "FILE|DIR", requires = "explain")]
    pub(crate) svg: Option<PathBuf>,
    /// Configuration file with the promise [default: kizashi.toml where there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct SignCall {
    #[command(flatten)]
    pub(crate) data: Data,
    /// The sign's id, as `kizashi signs` prints it
    pub(crate) id: String,
    /// One JSON object, as `--format json`
    #[arg(long, conflicts_with = "format")]
    pub(crate) json: bool,
    /// text, md (Markdown), html (a page of its own) or json
    #[arg(long, default_value = "text")]
    pub(crate) format: SignFormat,
    /// en or ja; without it the language of LC_ALL, LC_MESSAGES or LANG
    #[arg(long, value_name = "LANGUAGE", value_parser = ["en", "ja"])]
    pub(crate) lang: Option<String>,
    /// The configuration, for campaigns of your own
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// How a sign is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SignFormat {
    Text,
    Md,
    Html,
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct Top {
    /// ports, services, sources, countries, networks, users, passwords, commands, paths, payloads, clients, command-families,
    /// path-families, payload-clusters, fingerprints, signatures, request-classes, scanners, systems or tools
    #[arg(value_parser = ranking)]
    pub(crate) kind: Ranking,
    #[command(flatten)]
    pub(crate) listing: Listing,
}

#[derive(Debug, Args)]
pub(crate) struct Sessions {
    /// Only those in which a line holds this text
    #[arg(long, value_name = "TEXT")]
    pub(crate) command: Option<String>,
    #[command(flatten)]
    pub(crate) listing: Listing,
}

#[derive(Debug, Args)]
pub(crate) struct Play {
    #[command(flatten)]
    pub(crate) data: Data,
    /// The session's id, as `kizashi sessions` prints it
    pub(crate) session: String,
    /// Write it to this file as asciicast v2
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    pub(crate) cast: Option<PathBuf>,
    /// Leave hostile terminal sequences in the asciicast
    #[arg(long, requires = "cast")]
    pub(crate) raw: bool,
    /// Print it as text
    #[arg(long)]
    pub(crate) text: bool,
    /// How many times as fast
    #[arg(long, default_value_t = 1.0, value_parser = speed)]
    pub(crate) speed: f64,
    /// Seconds that a pause lasts at most
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0, value_parser = idle)]
    pub(crate) idle: f64,
}

#[derive(Debug, Args)]
pub(crate) struct SeriesCall {
    /// tcp/445, total, or a kind and a name such as user:root
    #[arg(value_parser = key)]
    pub(crate) key: Key,
    /// Length of a bin: 10m (ports only), 1h, 12h or 1d
    #[arg(long, default_value = "12h", value_parser = bin_length)]
    pub(crate) bin: BinLength,
    #[command(flatten)]
    pub(crate) data: Data,
    #[command(flatten)]
    pub(crate) span: SpanArguments,
    /// Configuration file with the scores' settings [default: kizashi.toml where there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// CSV instead of a table
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Method {
    /// The paper's algorithm
    Changefinder,
    /// Kizashi's own, over counts of sources in ten minutes; the score is in days
    Kizashi,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LossName {
    /// −log p
    Log,
    /// (x − predicted)²
    Quadratic,
    /// Distance of the predictions before and after
    Hellinger,
}

#[derive(Debug, Args)]
pub(crate) struct Score {
    #[arg(long, value_enum, default_value_t = Method::Changefinder)]
    pub(crate) method: Method,
    /// How much of the past each value forgets; above 0, below 1
    #[arg(long, default_value_t = 0.02)]
    pub(crate) r: f64,
    /// Order of the model, 1 to 64
    #[arg(long, default_value_t = 2)]
    pub(crate) order: usize,
    /// Outlier scores averaged, 1 to 10000
    #[arg(long, default_value_t = 7)]
    pub(crate) smooth: usize,
    /// Second-stage scores averaged [default: (smooth + 1) / 2]
    #[arg(long)]
    pub(crate) smooth2: Option<usize>,
    #[arg(long, value_enum, default_value_t = LossName::Log)]
    pub(crate) loss: LossName,
    /// For counts: a start that is useful from the second value on, and no surprise in what is below the mean
    #[arg(long)]
    pub(crate) warm: bool,
    /// Add a column: the share of the series' own past scores that lie below this one, 0 to 1
    #[arg(long)]
    pub(crate) calibrate: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PayloadCall {
    /// Print what is known of captured payloads, the latest first
    List(PayloadList),
    /// Write one into a zip under the password "infected"
    Export(PayloadExport),
}

#[derive(Debug, Args)]
pub(crate) struct PayloadList {
    #[command(flatten)]
    pub(crate) data: Data,
    /// Rows at most
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: usize,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PayloadExport {
    /// Its SHA-256, as `kizashi payload list` prints it
    pub(crate) sha256: String,
    #[command(flatten)]
    pub(crate) data: Data,
    /// The zip to write; nothing that exists is written over [default: SHA256.zip]
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PriorCall {
    /// Write what was learned, as of the last full hour
    Export(PriorExport),
    /// Begin anew with what another machine learned, or several together
    Import(PriorImport),
}

#[derive(Debug, Args)]
pub(crate) struct PriorExport {
    #[command(flatten)]
    pub(crate) data: Data,
    /// The file to write; nothing that exists is written over [default: standard output]
    pub(crate) file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct PriorImport {
    #[command(flatten)]
    pub(crate) data: Data,
    /// The files that `kizashi prior export` wrote; of several the rates that one machine has on average
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCall {
    /// Say whether the configuration is right, and what is wrong
    Check {
        /// Configuration file
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

fn speed(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|speed| (0.1..=1_000.0).contains(speed))
        .ok_or_else(|| "a speed is a number from 0.1 to 1000".to_owned())
}

fn idle(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|idle| (0.0..=3_600.0).contains(idle))
        .ok_or_else(|| "a pause is 0 to 3600 seconds".to_owned())
}

fn role(text: &str) -> Result<Role, String> {
    let found = Role::ALL.into_iter().find(|role| role.name() == text);
    found.ok_or_else(|| "a role is owner, viewer or feeds".to_owned())
}

/// What `kizashi top` ranks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ranking {
    /// Keys of a kind.
    Keys(KeyKind),
    /// What visitors' systems look like, of their first segments.
    Systems,
    /// What the tools that they scan with are known by.
    Tools,
}

impl Ranking {
    /// The word for one.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Keys(kind) => kind.name(),
            Self::Systems => "system",
            Self::Tools => "tool",
        }
    }
}

fn ranking(text: &str) -> Result<Ranking, String> {
    match (text, KeyKind::from_name(text)) {
        ("system" | "systems", _) => Ok(Ranking::Systems),
        ("tool" | "tools", _) => Ok(Ranking::Tools),
        (_, Some(kind)) if !matches!(kind, KeyKind::Total | KeyKind::Pair) => {
            Ok(Ranking::Keys(kind))
        }
        _ => Err("what is ranked is one of ports, services, sources, countries, networks, users, passwords, commands, paths, payloads, clients, command-families, path-families, payload-clusters, fingerprints, signatures, request-classes, scanners, systems, tools"
            .to_owned()),
    }
}

fn key(text: &str) -> Result<Key, String> {
    text.parse().map_err(|error: kizashi_event::ParseKeyError| error.to_string())
}

fn bin_length(text: &str) -> Result<BinLength, String> {
    BinLength::from_name(text).ok_or_else(|| "a bin is 10m, 1h, 12h or 1d".to_owned())
}

fn moment(text: &str) -> Result<Timestamp, String> {
    let now = crate::clock::now();
    if let Some(back) = length(text) {
        return Ok(now.plus(-back));
    }
    Timestamp::parse(text)
        .map_err(|error| format!("{error}; or a length back from now such as 24h"))
}

/// `90m`, `24h`, `7d` in microseconds.
fn length(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "m" => 60 * Timestamp::SECOND,
        "h" => Timestamp::HOUR,
        "d" => Timestamp::DAY,
        _ => return None,
    };
    number.parse::<u32>().ok().and_then(|number| i64::from(number).checked_mul(unit))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn lengths_back_are_read_and_nonsense_is_not() {
        assert_eq!(length("24h"), Some(24 * Timestamp::HOUR));
        assert_eq!(length("7d"), Some(7 * Timestamp::DAY));
        for text in ["", "h", "-1h", "9999999999d", "兆", "24x"] {
            assert_eq!(length(text), None, "{text}");
        }
    }
}
