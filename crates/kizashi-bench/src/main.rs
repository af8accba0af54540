//! `kizashi-bench`: prints how early and how truly each detector finds campaigns, and what Kizashi's own told of real traffic.

#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::{Args, Parser, Subcommand};
use kizashi_bench::background::{self, Background, LEARNED};
use kizashi_bench::detectors::{Learned, changefinder, grid, told, warm_changefinder, warm_grid};
use kizashi_bench::matrix::Scores;
use kizashi_bench::promise::{Memory, Promises};
use kizashi_bench::scoring::{Rule, Run, summary};
use kizashi_bench::table::{A_DAY, A_WEEK, Detector, Rows, beside_prototype};
use kizashi_bench::traffic::{BINS_A_DAY, Case, Traffic};
use kizashi_bench::{exported, nulls, parallel, synthetic};

/// How early and how truly Kizashi's detector finds attack waves, beside other detectors
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print the table of all detectors
    Detectors(Detectors),
    /// Print each alarm of Kizashi's detector on real traffic as it was
    PromiseAws(PromiseAws),
    /// Print false alarms promised and realised on traffic in which nothing begins and nothing falls silent
    Nulls(Nulls),
    /// Look for ChangeFinder's best settings on seeds that no table uses
    Tune(Synthetic),
    /// Print how far the machine behind the login agrees with a real Debian, and Cowrie's with it
    Shell(kizashi_bench::shell::command::Call),
    /// Print what nmap takes the whole decoy machine for, port by port
    Services(kizashi_bench::services::Call),
}

#[derive(Args)]
struct Synthetic {
    /// Months of synthetic traffic
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The first seed; below 5000 for tuning
    #[arg(long, default_value_t = 5000)]
    first: u64,
    /// Folder of series that scripts/export_series.py wrote, instead of the Rust generator's
    #[arg(long, value_name = "DIR")]
    series: Option<PathBuf>,
}

#[derive(Args)]
struct Detectors {
    #[command(flatten)]
    synthetic: Synthetic,
    /// Injection seeds for each of the two months of real traffic; 0 leaves them out
    #[arg(long, default_value_t = 5)]
    real_seeds: u64,
    /// The real traffic
    #[arg(long, value_name = "FILE", default_value = background::FILE)]
    background: PathBuf,
    /// Only detectors whose name contains this
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
}

#[derive(Args)]
struct Nulls {
    /// One eighth of the machines: a look, no proof
    #[arg(long)]
    short: bool,
    /// The number of the first machine; the detector's constants were chosen on those from 0 to 160
    #[arg(long, default_value_t = 10_000)]
    first: u32,
    /// Only nulls whose name contains this
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
}

#[derive(Args)]
struct PromiseAws {
    /// The real traffic
    #[arg(long, value_name = "FILE", default_value = background::FILE)]
    background: PathBuf,
    /// False alarms a week promised
    #[arg(long, default_value_t = 1.0)]
    a_week: f64,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Detectors(call) => detectors(&call),
        Command::PromiseAws(call) => promise_aws(&call),
        Command::Nulls(call) => {
            print!("{}", nulls::table(call.first, if call.short { 8 } else { 1 }, &call.only));
            Ok(())
        }
        Command::Tune(call) => tune(&call),
        Command::Shell(call) => shell(&call),
        Command::Services(call) => services(&call),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            println!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn months(call: &Synthetic) -> Result<Vec<Traffic>, Failure> {
    let count = usize::try_from(call.seeds)?;
    let month = |at: usize| {
        let seed = call.first + at as u64;
        match &call.series {
            Some(folder) => exported::read(folder, seed),
            None => Ok(synthetic::make(seed)),
        }
    };
    Ok(parallel::map(count, month).into_iter().collect::<Result<_, _>>()?)
}

fn detectors(call: &Detectors) -> Result<(), Failure> {
    let started = Instant::now();
    let months = months(&call.synthetic)?;
    let first = call.synthetic.first;
    let case = |at: usize| {
        let before = synthetic::month_before(&months[at], first + at as u64);
        let seed = call.synthetic.series.is_none().then_some(first + at as u64);
        Case { seed, ..Case::new(months[at].clone(), &before) }
    };
    let synthetic_cases = parallel::map(months.len(), case);
    let real_cases = real_cases(call);
    let [day, week, real] = [
        format!("Synthetic, {} months, 1 false alarm a day", months.len()),
        format!("Synthetic, {} months, 1 false alarm a week", months.len()),
        format!("Real background with campaigns, {} months, 1 false alarm a day", real_cases.len()),
    ]
    .map(|title| &*title.leak());
    let (mut rows, mut ports) = (Rows::default(), String::new());
    let synthetic_budgets = [(day, A_DAY), (week, A_WEEK)];
    for detector in Detector::ALL.into_iter().filter(|d| d.name().contains(&call.only)) {
        if detector.knows(&synthetic_cases) {
            let runs = detector.runs(&synthetic_cases);
            rows.add(detector, &runs, &synthetic_budgets);
            ports.push_str(&beside_prototype(detector, &runs));
        }
        if detector.knows(&real_cases) {
            rows.add(detector, &detector.runs(&real_cases), &[(real, A_DAY)]);
        }
    }
    for memory in Memory::ALL.into_iter().filter(|memory| memory.name().contains(&call.only)) {
        rows.add_kizashi(&mut Promises::new(memory, &synthetic_cases)?, &synthetic_budgets)?;
        if !real_cases.is_empty() {
            rows.add_kizashi(&mut Promises::new(memory, &real_cases)?, &[(real, A_DAY)])?;
        }
    }
    println!(
        "Share of campaigns found within 24 hours of onset, early (onset in the first 72 hours) / later."
    );
    println!(
        "apart: early and later thresholds each at the budget; one: the whole run's false alarms at the budget."
    );
    for section in [day, week, real] {
        print!("{}", rows.section(section));
    }
    println!(
        "\nThe ports beside the Python prototypes (seeds 5000 to 5099), found within 24 hours\n{ports}"
    );
    println!("{:.0} s", started.elapsed().as_secs_f64());
    Ok(())
}

fn real_cases(call: &Detectors) -> Vec<Case> {
    if call.real_seeds == 0 {
        return Vec::new();
    }
    match background::read(&call.background) {
        Ok(background) => {
            let seeds = LEARNED
                .iter()
                .flat_map(|learned| (0..call.real_seeds).map(move |seed| (*learned, seed)));
            let cases: Vec<Case> = seeds
                .map(|(learned, seed)| background.with_campaigns(learned, 7_000 + seed))
                .collect();
            println!("Real background: {} ports, {} runs", background.names.len(), cases.len());
            cases
        }
        Err(error) => {
            println!("skipped the real background: {}: {error}", call.background.display());
            Vec::new()
        }
    }
}

fn promise_aws(call: &PromiseAws) -> Result<(), Failure> {
    let Background { names, traffic } = background::read(Path::new(&call.background))?;
    let told = told(&traffic, &Learned::default(), call.a_week)?;
    let alarms = told.alarms;
    println!(
        "time,port,sources,expected,ratio,ratio_low,ratio_high,since,days,before_24h,after_24h"
    );
    let start: jiff::civil::DateTime = background::FIRST_DAY.parse()?;
    let at = |bin: u64| -> Result<_, Failure> {
        Ok(start.checked_add(jiff::Span::new().minutes(i64::try_from(bin)? * 10))?)
    };
    for (bin, alarm) in &alarms {
        let port = alarm.series.0 as usize;
        let since = usize::try_from(alarm.since_bin)?;
        let counted = |from: usize, to: usize| -> u32 {
            (from..to.min(traffic.bins())).map(|bin| u32::from(traffic.bin(bin)[port])).sum()
        };
        println!(
            "{},{},{},{:.2},{:.1},{:.1},{:.1},{},{:.0},{},{}",
            at(*bin as u64 + 1)?,
            names[port],
            alarm.sources,
            alarm.expected,
            alarm.ratio,
            alarm.ratio_low,
            alarm.ratio_high,
            at(alarm.since_bin)?,
            alarm.days,
            counted(since.saturating_sub(BINS_A_DAY), since),
            counted(since, since + BINS_A_DAY)
        );
    }
    #[allow(clippy::cast_precision_loss, reason = "months of bins")]
    let weeks = traffic.bins() as f64 / 1_008.0;
    let early = alarms.iter().filter(|(bin, _)| *bin < 432).count();
    #[allow(clippy::cast_precision_loss, reason = "hundreds")]
    let realised = alarms.len() as f64 / weeks;
    println!(
        "{} alarms ({early} in the first 72 hours) and {} sensor-wide shifts in {weeks:.1} weeks over {} ports: {realised:.2} \
         alarms a week for {} promised",
        alarms.len(),
        told.shifts.len(),
        traffic.ports,
        call.a_week
    );
    Ok(())
}

fn tune(call: &Synthetic) -> Result<(), Failure> {
    let months = months(call)?;
    let judge = |score: &(dyn Fn(&Traffic) -> Scores + Sync)| {
        let run = |at: usize| Run::new(score(&months[at]), months[at].campaigns.clone());
        let runs = parallel::map(months.len(), run);
        let found = summary(&runs, A_DAY, 31.0, Rule::Phase);
        (found.early.recall24, found.later.recall24)
    };
    let mut plain: Vec<_> = grid()
        .into_iter()
        .map(|tuning| (judge(&|traffic| changefinder(traffic, tuning)), format!("{tuning:?}")))
        .collect();
    let mut warm: Vec<_> = warm_grid()
        .into_iter()
        .map(|tuning| (judge(&|traffic| warm_changefinder(traffic, tuning)), format!("{tuning:?}")))
        .collect();
    for (name, found) in [("ChangeFinder", &mut plain), ("ChangeFinder, warm", &mut warm)] {
        found.sort_by(|((a, b), _), ((c, d), _)| (c + d).total_cmp(&(a + b)));
        println!("{name}: best of {} on seeds from {}, early / later", found.len(), call.first);
        for ((early, later), tuning) in found.iter().take(5) {
            println!("{early:.3} / {later:.3}  {tuning}");
        }
    }
    Ok(())
}

fn services(call: &kizashi_bench::services::Call) -> Result<(), Failure> {
    println!("{}", kizashi_bench::services::run(call)?);
    Ok(())
}

fn shell(call: &kizashi_bench::shell::command::Call) -> Result<(), Failure> {
    print!("{}", kizashi_bench::shell::command::run(call)?);
    Ok(())
}
