//! The program as its user meets it: the real binary, its exit codes, its words, its ports.

#[cfg(test)]
mod all_ports;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod captures;
mod dashboard;
#[cfg(test)]
mod detectors;
#[cfg(test)]
mod every_port;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod exports;
#[cfg(test)]
mod fleet;
#[cfg(test)]
mod import;
mod install;
#[cfg(test)]
mod listings;
#[cfg(test)]
mod payloads;
#[cfg(test)]
mod places;
#[cfg(test)]
mod prior;
#[cfg(test)]
mod processes;
mod running;
#[cfg(test)]
mod score;
#[cfg(test)]
mod sessions;
mod settings;
#[cfg(test)]
mod sharing;
#[cfg(test)]
mod support;
#[cfg(test)]
mod telling;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod watching;
