//! The command `kizashi`: decoy services that say by themselves when an attack wave begins. It reads the configuration, lays
//! traps, store, detection and dashboard together, and prints what people ask for.

mod bulletin;
mod capture;
mod child;
mod chosen_traps;
mod cli;
mod clock;
mod commands;
mod config;
mod dashboard;
mod demo;
mod explain;
mod export;
mod failure;
mod fetch;
mod fleet;
mod history;
mod inherited;
mod install;
#[cfg(test)]
mod judged;
mod kept_for;
mod limits;
mod listening;
mod live;
mod logins;
mod machine;
#[cfg(test)]
mod made_machine;
mod new_file;
mod observatory;
mod outside;
mod pipeline;
mod playback;
mod ports;
mod promise;
mod reporting;
mod sample_zip;
mod sandbox;
mod scored;
mod screen;
mod secrets;
mod shared;
mod sighted;
mod signs_settings;
mod sockets;
mod sshd;
mod stream;
mod supervisor;
mod terminal;
mod toml_folder;
mod web_rules;

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::filter::LevelFilter;

use cli::{Call, Cli, ConfigCall, PayloadCall, PriorCall, TokenCall};
use failure::Failure;
use terminal::Terminal;

fn main() -> ExitCode {
    let cli = Cli::parse();
    log_to_standard_error();
    let mut terminal = Terminal::of_stdout();
    match run(&cli.call, &mut terminal).and_then(|()| terminal.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if failure.is_closed_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            // What was printed before the failure is wanted too; that it cannot be written any more is no news.
            let _ = terminal.flush();
            let _ = writeln!(std::io::stderr(), "kizashi: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(call: &Call, terminal: &mut Terminal) -> Result<(), Failure> {
    match call {
        Call::Up(call) => commands::up::run(call, terminal),
        Call::Sensor(call) => commands::up::sensor(call, terminal),
        Call::Hub(call) => commands::up::hub(call, terminal),
        Call::Detector(call) => commands::detector::run(call, terminal),
        Call::Fleet(call) => commands::fleet::run(call, terminal),
        Call::Demo(call) => commands::demo::run(call, terminal),
        Call::Import(call) => commands::import::run(call, terminal),
        Call::Replay(call) => commands::replay::run(call, terminal),
        Call::Score(call) => commands::score::run(call, std::io::stdin().lock(), terminal),
        Call::Signs(call) => commands::signs::list(call, terminal),
        Call::Sign(call) => commands::signs::one(call, terminal),
        Call::Top(call) => commands::top::run(call, terminal),
        Call::Series(call) => commands::series::run(call, terminal),
        Call::Sessions(call) => commands::sessions::run(call, terminal),
        Call::Play(call) => commands::play::run(call, terminal),
        Call::Report(call) => commands::report::run(call, terminal),
        Call::Export(call) => commands::export::run(call, terminal),
        Call::Status(call) => commands::status::run(call, terminal),
        Call::Watch(call) => commands::watch::run(call),
        Call::Renew(call) => commands::renew::run(call, terminal),
        Call::Token(TokenCall::Show(call)) => commands::token::show(call, terminal),
        Call::Token(TokenCall::New(call)) => commands::token::renew(call, terminal),
        Call::Doctor(call) => commands::doctor::run(call, terminal),
        Call::Payload(PayloadCall::List(call)) => commands::payload::list(call, terminal),
        Call::Payload(PayloadCall::Export(call)) => commands::payload::export(call, terminal),
        Call::Prior(PriorCall::Export(call)) => commands::prior::export(call, terminal),
        Call::Prior(PriorCall::Import(call)) => commands::prior::import(call, terminal),
        Call::TrapProcess => child::trap::run(),
        Call::CoreProcess => child::core::run(),
        Call::CaptureProcess => child::capture::run(),
        Call::NotifyProcess => child::notify::run(),
        Call::PortsKeeper => ports::keeper::run(),
        Call::Notify(call) => commands::notify::run(call, terminal),
        Call::Names(call) => commands::names::run(call, terminal),
        Call::Geo(call) => commands::geo::run(call, terminal),
        Call::Ports(call) => commands::ports::run(call, terminal),
        Call::Config(ConfigCall::Check { config }) => {
            commands::config::check(config.as_deref(), terminal)
        }
        Call::Install(call) => commands::install::install(call, terminal),
        Call::Uninstall(call) => commands::install::uninstall(call, terminal),
    }
}

fn log_to_standard_error() {
    let no_color = std::env::var("NO_COLOR").ok();
    let colours = screen::wants_colours(std::io::stderr().is_terminal(), no_color.as_deref());
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::INFO)
        .with_writer(std::io::stderr)
        .with_ansi(colours)
        .with_target(false)
        .init();
}
