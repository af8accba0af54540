//! The calls about those who are told, and about what other programs are given.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use kizashi_event::Timestamp;
use kizashi_notify::Language;
use kizashi_notify::report::Period;

use super::{Data, SpanArguments, moment};

#[derive(Debug, Subcommand)]
pub(crate) enum NotifyCall {
    /// Send a test to a channel, or to each, and say what came of it
    Test(NotifyTest),
    /// Print what waits, what failed and why, and what was delivered, the latest first
    List(NotifyList),
    /// Mark a sign as seen, so that it is not told again
    Seen(NotifySeen),
}

#[derive(Debug, Args)]
pub(crate) struct NotifyTest {
    /// The channel [default: each]
    pub(crate) channel: Option<String>,
    /// Configuration file [default: kizashi.toml where there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct NotifyList {
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
pub(crate) struct NotifySeen {
    #[command(flatten)]
    pub(crate) data: Data,
    /// The sign's id, as `kizashi signs` prints it
    pub(crate) id: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// Cowrie's JSON log: SSH and Telnet
    Cowrie,
    /// A pcapng capture: packets made anew of what was kept, as the file itself says
    Pcap,
    /// Events as Parquet, a file an hour and kind, in the folder that --output names
    Parquet,
    /// Events as documents of the Elastic Common Schema, one a line, attackers' texts as they came
    EcsEvents,
    /// Signs as such documents, for Elastic, OpenSearch, Splunk and Wazuh
    Ecs,
    /// Sources of signs to block, an address a line
    Blocklist,
    /// The same as a table for nft -f
    Nftables,
    /// The same for ipset restore
    Ipset,
    /// The same as a log for a filter of fail2ban
    Fail2ban,
    /// The same as decisions for cscli decisions import
    Crowdsec,
    /// Signs as a table for spreadsheets
    Csv,
    /// Signs and sources as a STIX 2.1 bundle
    Stix,
    /// Signs and sources as a MISP event
    Misp,
    /// Signs as OTLP logs in JSON
    Otlp,
    /// Signs as an Atom feed
    Atom,
    /// Signs as a JSON Feed
    JsonFeed,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    #[command(flatten)]
    pub(crate) data: Data,
    #[command(flatten)]
    pub(crate) span: SpanArguments,
    /// The form
    #[arg(long, value_enum)]
    pub(crate) format: ExportFormat,
    /// Only this session, as `kizashi sessions` or a JSON event names it
    #[arg(long, value_name = "ID", conflicts_with_all = ["since", "until"])]
    pub(crate) session: Option<String>,
    /// The file to write; nothing that exists is written over [default: standard output]. Of Parquet a folder, where files of the same
    /// hours are replaced
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Configuration file with who is on no list [default: kizashi.toml where there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// The form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportForm {
    /// One page that needs nothing else; a browser prints it as PDF
    Html,
    /// Markdown
    Md,
    /// JSON
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct ReportCall {
    #[command(flatten)]
    pub(crate) data: Data,
    /// day (24 hours), week (7 days) or month (30 days)
    #[arg(long, default_value = "week", value_parser = period)]
    pub(crate) period: Period,
    /// The end of the period [default: now, or the last event where that is older]
    #[arg(long, value_parser = moment)]
    pub(crate) until: Option<Timestamp>,
    /// The form
    #[arg(long, value_enum, default_value_t = ReportForm::Md)]
    pub(crate) format: ReportForm,
    /// en or ja
    #[arg(long, default_value = "en", value_parser = language)]
    pub(crate) lang: Language,
    /// The file to write; nothing that exists is written over [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Configuration file [default: kizashi.toml where there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

fn period(text: &str) -> Result<Period, String> {
    [("day", Period::Day), ("week", Period::Week), ("month", Period::Month)]
        .into_iter()
        .find_map(|(name, period)| (name == text).then_some(period))
        .ok_or_else(|| "a period is day, week or month".to_owned())
}

fn language(text: &str) -> Result<Language, String> {
    match text {
        "en" => Ok(Language::English),
        "ja" => Ok(Language::Japanese),
        _ => Err("a language is en or ja".to_owned()),
    }
}
