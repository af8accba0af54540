//! `kizashi detector`: a process that holds a share of a fleet's detection and answers the hub. It keeps no data and opens no port; what it may
//! reach is the fleet's servers.

use kizashi_fleet::SensorName;
use kizashi_fleet::detectors::{Announced, serve};

use super::up::{become_unprivileged, machine_name, own_folder};
use crate::cli::DetectorCall;
use crate::dashboard::random;
use crate::failure::Failure;
use crate::fleet::{of_detector, read_credentials};
use crate::live::stop_signal;
use crate::sandbox;
use crate::terminal::Terminal;

/// Threads that look names up, at most.
const MOST_LOOKUPS: usize = 4;
/// Characters of the machine's name that a detector's begins with.
const MOST_OF_NAME: usize = 20;

/// Serves until a signal comes.
pub(crate) fn run(call: &DetectorCall, terminal: &mut Terminal) -> Result<(), Failure> {
    let credentials = read_credentials(&call.credentials, &call.servers)?;
    of_detector(&credentials)?;
    let name = name(call.name.as_deref())?;
    let folder = own_folder(&call.data)?;
    become_unprivileged(&folder, terminal)?;
    let credentials = credentials.with_authority_in(&folder)?;
    let protections = sandbox::confine_to_servers(&folder, &credentials.ports());
    terminal.line(&format!("detector {name}"))?;
    if let Some(missing) = sandbox::missing(&protections) {
        if call.require_sandbox {
            return Err(Failure::Asked(format!(
                "not everything that --require-sandbox asks for is enforced: {missing}; see `kizashi doctor`"
            )));
        }
        terminal.line(&format!("         not enforced here: {missing}"))?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(MOST_LOOKUPS)
        .enable_all()
        .build()?;
    let announced = Announced {
        name,
        version: env!("CARGO_PKG_VERSION"),
        token: u64::from_ne_bytes(random()?),
    };
    terminal.line("ready")?;
    terminal.flush()?;
    let served = runtime.block_on(serve(&credentials, &announced, stop_signal()));
    // A look-up of a name may still hang.
    runtime.shutdown_background();
    served.map_err(|error| Failure::Asked(error.to_string()))
}

/// The name that was asked for, or one that no other detector has.
fn name(asked: Option<&str>) -> Result<SensorName, Failure> {
    if let Some(name) = asked {
        return SensorName::parse(name).map_err(|_| {
            Failure::Asked(format!(
                "a detector's name is of the form of a sensor's (1 to 32 of a to z, 0 to 9 and -), and {name:?} is not"
            ))
        });
    }
    let machine = machine_name().to_ascii_lowercase();
    let plain = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let machine: String = machine.chars().filter(plain).take(MOST_OF_NAME).collect();
    let number = u32::from_ne_bytes(random()?);
    SensorName::parse(&format!("d{machine}-{number:08x}"))
        .map_err(|error| Failure::Asked(error.to_string()))
}
