//! `kizashi-bench services`: what `nmap -sV` takes the whole decoy machine for. Kizashi is started with all its traps on their own ports in a
//! network namespace that holds nothing else, nmap looks at every port of a trap that imitates something, and the table says where it
//! names product and version. Needs root (the namespace) and the program built beside this one; the traffic never leaves the loopback.

mod asked;
mod imitated;
mod probes;
mod report;

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use clap::Args;
use kizashi_traps::{DatagramReply, registry};
use thiserror::Error;

use asked::ask;
use imitated::{MACHINE, SITES, as_it_is, products};
pub use probes::{Knowledge, Known};
pub use report::{Found, Row, found, table};

/// Traps that imitate no product by themselves.
const NO_PRODUCT: [&str; 2] = ["any", "ftpdata"];

/// What to look at
#[derive(Args)]
pub struct Call {
    /// Also the services over UDP, which nmap asks slowly
    #[arg(long)]
    udp: bool,
    /// How many installations are looked at; each draws what is not chosen anew
    #[arg(long, default_value_t = 1, value_name = "COUNT")]
    installations: u32,
    /// The pretended system, as in `[machine]`: what its packages bring differs
    #[arg(long, default_value = "ubuntu-22.04", value_name = "NAME")]
    system: String,
    /// Only traps whose name contains this
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// The program, if it is not beside this one
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Already inside the namespace
    #[arg(long, hide = true)]
    inside: bool,
}

/// Why there is no table
#[derive(Debug, Error)]
pub enum ServicesError {
    /// The program is missing
    #[error("{0} is not there: build it first (cargo build -p kizashi)")]
    Program(PathBuf),
    /// A program could not be run
    #[error("could not run {program}: {cause}")]
    Run {
        /// Which
        program: &'static str,
        /// Why
        cause: std::io::Error,
    },
    /// The namespace could not be made or used
    #[error("{0} failed: a network namespace needs root")]
    Namespace(&'static str),
    /// nmap's own table is not where it is looked for
    #[error("nmap-service-probes was not found: set NMAPDIR to the folder that it is in")]
    Probes,
    /// Kizashi did not come up
    #[error("kizashi did not come up; its output was: {0}")]
    Start(String),
}

/// Starts Kizashi and nmap, and gives the table as text
///
/// # Errors
/// When a program is missing or the namespace cannot be made.
pub fn run(call: &Call) -> Result<String, ServicesError> {
    let program = match &call.program {
        Some(program) => program.clone(),
        None => beside("kizashi")?,
    };
    if !program.is_file() {
        return Err(ServicesError::Program(program));
    }
    if call.inside {
        return look_at_each(call, &program);
    }
    let own = beside("kizashi-bench")?;
    let mut again = Command::new("unshare");
    again.args(["--net", "--"]).arg(own).args(["services", "--inside", "--only", &call.only]);
    again.arg("--program").arg(&program);
    again.args(["--installations", &call.installations.to_string(), "--system", &call.system]);
    if call.udp {
        again.arg("--udp");
    }
    let output = again.stderr(Stdio::inherit()).output();
    let output = output.map_err(|cause| ServicesError::Run { program: "unshare", cause })?;
    if !output.status.success() && output.stdout.is_empty() {
        return Err(ServicesError::Namespace("unshare --net"));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

fn beside(name: &str) -> Result<PathBuf, ServicesError> {
    let own = std::env::current_exe()
        .map_err(|cause| ServicesError::Run { program: "this program", cause })?;
    Ok(own.with_file_name(name))
}

/// A running Kizashi, ended with this.
struct House {
    child: Child,
    folder: PathBuf,
}

impl Drop for House {
    fn drop(&mut self) {
        let id = self.child.id().to_string();
        let _ = Command::new("kill").arg(id).status();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl House {
    fn start(program: &Path, system: &str) -> Result<Self, ServicesError> {
        let folder = std::env::temp_dir().join(format!("kizashi-services-{}", std::process::id()));
        let start = |cause| ServicesError::Run { program: "kizashi", cause };
        std::fs::create_dir_all(&folder).map_err(start)?;
        // What a package installs: every trap on its own ports, the login trap on 22 as well.
        let sites: Vec<String> =
            SITES.iter().map(|(port, site, _)| format!("\"{port}\" = \"{site}\"")).collect();
        let config = format!(
            "[machine]\nsystem = \"{system}\"\n{MACHINE}[capture]\nenabled = false\n[traps]\nssh = \"22, 2222\"\nweb_sites = {{ {} }}\n",
            sites.join(", ")
        );
        std::fs::write(folder.join("kizashi.toml"), config).map_err(start)?;
        let mut command = Command::new(program);
        command.current_dir(&folder).args(["up", "--data", "data"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut house = Self { child: command.spawn().map_err(start)?, folder };
        let mut said = String::new();
        if let Some(out) = house.child.stdout.take() {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if line == "ready" {
                    return Ok(house);
                }
                said.push_str(&line);
                said.push('\n');
            }
        }
        Err(ServicesError::Start(said))
    }
}

/// One installation after another, each in a house of its own.
fn look_at_each(call: &Call, program: &Path) -> Result<String, ServicesError> {
    let up = Command::new("ip").args(["link", "set", "lo", "up"]).status();
    if !up.is_ok_and(|status| status.success()) {
        return Err(ServicesError::Namespace("ip link set lo up"));
    }
    let knowledge = Knowledge::installed().ok_or(ServicesError::Probes)?;
    let tables: Result<Vec<String>, ServicesError> =
        (0..call.installations.max(1)).map(|_| look(call, program, &knowledge)).collect();
    Ok(tables?.join("\n"))
}

fn look(call: &Call, program: &Path, knowledge: &Knowledge) -> Result<String, ServicesError> {
    let _house = House::start(program, &call.system)?;
    let mut rows = Vec::new();
    for (transport, kind) in [("tcp", "-sT"), ("udp", "-sU")] {
        if transport == "udp" && !call.udp {
            continue;
        }
        let ports = ports(&call.only, transport);
        let list: Vec<String> = ports.iter().map(|(number, _)| number.to_string()).collect();
        if list.is_empty() {
            continue;
        }
        let output = Command::new("nmap")
            .args(["-n", "-Pn", "-sV", kind, "-oX", "-", "-p", &list.join(","), "127.0.0.1"])
            .stderr(Stdio::inherit())
            .output()
            .map_err(|cause| ServicesError::Run { program: "nmap", cause })?;
        let found = found(&String::from_utf8_lossy(&output.stdout));
        rows.extend(ports.into_iter().map(|(number, trap)| {
            let found = found.iter().find(|(port, _)| *port == number);
            let found = found.map(|(_, found)| found.clone()).unwrap_or_default();
            let imitated = products(trap, number);
            let known = match transport {
                "tcp" => as_it_is(trap, number, &ask(trap, number))
                    .unwrap_or_else(|| knowledge.of(number, imitated)),
                _ => Known::Nothing,
            };
            Row { port: format!("{transport}/{number}"), trap, found, imitated, known }
        }));
    }
    Ok(table(&rows))
}

/// The number of every port on which a trap that imitates something stands by default.
fn ports(only: &str, transport: &str) -> Vec<(u16, &'static str)> {
    let imitates = |name: &str| !NO_PRODUCT.contains(&name) && name.contains(only);
    let mut ports: Vec<(u16, &'static str)> = registry()
        .iter()
        .filter(|trap| imitates(trap.name))
        .filter(|trap| transport == "tcp" || trap.datagrams != DatagramReply::Never)
        .flat_map(|trap| trap.ports.privileged.iter().map(|port| (port.to_string(), trap.name)))
        // The house's own choice, beside 2222.
        .chain([("tcp/22".to_owned(), "ssh")].into_iter().filter(|(_, name)| imitates(name)))
        .filter_map(|(port, name)| {
            let (kind, number) = port.split_once('/')?;
            Some((number.parse().ok()?, name)).filter(|_| kind == transport)
        })
        .collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}
