//! The calls of a fleet: many sensors, one hub.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Data, Up};

/// Megabytes of a sensor's spool when nothing else is said: little beside the smallest disk that can be rented.
const SPOOL_MEGABYTES: u64 = 512;

#[derive(Debug, Args)]
pub(crate) struct SensorCall {
    /// The sensor's credentials: `kizashi fleet add NAME` makes them
    #[arg(long, value_name = "FILE")]
    pub(crate) credentials: PathBuf,
    /// A server of the fleet, such as nats://hub.example.org:4222; may be given several times [default: those that the credentials name]
    #[arg(long = "hub", value_name = "URL")]
    pub(crate) servers: Vec<String>,
    /// Megabytes that may wait on this disk while the servers are away; then the oldest go
    #[arg(long, value_name = "MEGABYTES", default_value_t = SPOOL_MEGABYTES,
        value_parser = clap::value_parser!(u64).range(1..=1_048_576))]
    pub(crate) spool_megabytes: u64,
    #[command(flatten)]
    pub(crate) up: Up,
}

#[derive(Debug, Args)]
pub(crate) struct HubCall {
    /// The hub's credentials: credentials/hub.toml in the fleet's folder
    #[arg(long, value_name = "FILE")]
    pub(crate) credentials: PathBuf,
    /// A server of the fleet, such as nats://127.0.0.1:4222; may be given several times [default: those that the credentials name]
    #[arg(long = "server", value_name = "URL")]
    pub(crate) servers: Vec<String>,
    /// Configuration file [default: kizashi.toml where there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Folder of the data [default: ./kizashi-data, or the configuration's]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Refuse to start where the kernel does not enforce every protection
    #[arg(long)]
    pub(crate) require_sandbox: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DetectorCall {
    /// The detectors' credentials: credentials/detector.toml in the fleet's folder
    #[arg(long, value_name = "FILE")]
    pub(crate) credentials: PathBuf,
    /// A server of the fleet, such as nats://hub.example.org:4222; may be given several times [default: those that the credentials name]
    #[arg(long = "hub", value_name = "URL")]
    pub(crate) servers: Vec<String>,
    /// What it is called: a to z, 0 to 9 and -, and no other detector's name [default: the machine's name and a number]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Folder for the authority's certificate, the only file that a detector keeps
    #[arg(long, value_name = "DIR", default_value = "./kizashi-detector")]
    pub(crate) data: PathBuf,
    /// Refuse to start where the kernel does not enforce every protection
    #[arg(long)]
    pub(crate) require_sandbox: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FleetCall {
    /// Make a fleet: authority, configuration of the servers, the hub's and the detectors' credentials
    Init(FleetInit),
    /// Let a sensor in, and write its credentials
    Add(FleetMember),
    /// Let a sensor in no more
    Revoke(FleetMember),
    /// Give detectors a new key, and let in no more who has the old one
    RenewDetectors(FleetFolder),
    /// Print who belongs to the fleet
    List(FleetList),
    /// Print how the sensors fare, on the hub
    Status(FleetStatus),
}

#[derive(Debug, Args)]
pub(crate) struct FleetInit {
    /// The folder to keep the fleet in; it holds secrets
    pub(crate) folder: PathBuf,
    /// A nats-server's place as sensors and hub reach it, host or host:port; one, or three for three copies
    #[arg(long = "server", value_name = "HOST[:PORT]", required = true)]
    pub(crate) servers: Vec<String>,
    /// Gigabytes that what waits for the hub may take on each server
    #[arg(long, value_name = "GIGABYTES", default_value_t = 10)]
    pub(crate) gigabytes: u64,
}

#[derive(Debug, Args)]
pub(crate) struct FleetMember {
    /// The sensor's name: a to z, 0 to 9 and -
    pub(crate) name: String,
    /// The fleet's folder
    #[arg(long, value_name = "DIR", default_value = "./kizashi-fleet")]
    pub(crate) fleet: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct FleetFolder {
    /// The fleet's folder
    #[arg(long, value_name = "DIR", default_value = "./kizashi-fleet")]
    pub(crate) fleet: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct FleetList {
    /// The fleet's folder
    #[arg(long, value_name = "DIR", default_value = "./kizashi-fleet")]
    pub(crate) fleet: PathBuf,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct FleetStatus {
    #[command(flatten)]
    pub(crate) data: Data,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}
