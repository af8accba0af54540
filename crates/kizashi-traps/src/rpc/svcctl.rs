//! SVCCTL (MS-SCMR) and ATSVC (MS-TSCH): how psexec and every worm with a password starts something. The command is told and nothing runs; a service
//! that a visitor made can be started, asked and deleted by him, as he expects.

use super::connection::{Object, Objects};
use super::ndr::{Reader, Writer};
use super::{Caller, Fault, Results, Rights, command, keep, note, status};
use crate::Output;

/// Services that a visitor made, and characters of each one's command.
const MOST_SERVICES: usize = 16;
const LONGEST_COMMAND: usize = 4_096;
/// Services that are there on every Windows Server.
const THERE: &[&str] = &[
    "browser",
    "bits",
    "dhcp",
    "dnscache",
    "eventlog",
    "lanmanserver",
    "lanmanworkstation",
    "lmhosts",
    "mpssvc",
    "netlogon",
    "plugplay",
    "remoteregistry",
    "rpcss",
    "samss",
    "schedule",
    "spooler",
    "termservice",
    "w32time",
    "winrm",
    "wuauserv",
];

const STOPPED: u32 = 1;
const RUNNING: u32 = 4;

pub(super) fn services(
    operation: u16,
    stub: &[u8],
    objects: &mut Objects,
    caller: &Caller<'_>,
    out: &mut Output,
) -> Results {
    let mut reader = Reader::new(stub);
    let reader = &mut reader;
    // Whoever is no administrator may not even look.
    let denied = caller.rights < Rights::Administrator;
    match operation {
        0 => {
            let handle = reader.handle().ok_or(Fault::BAD_STUB)?;
            let closed =
                if objects.close(handle) { status::OK } else { status::ERROR_INVALID_HANDLE };
            Ok(Writer::default().raw(&[0; 20]).long(closed).done())
        }
        15 | 27 if denied => {
            Ok(Writer::default().raw(&[0; 20]).long(status::ERROR_ACCESS_DENIED).done())
        }
        15 | 27 => Ok(opened(objects.open(Object::Manager))),
        1 => control(reader, objects, out).ok_or(Fault::BAD_STUB),
        2 => delete(reader, objects, out).ok_or(Fault::BAD_STUB),
        6 => query(reader, objects).ok_or(Fault::BAD_STUB),
        11 | 23 => change(operation == 11, reader, objects, out).ok_or(Fault::BAD_STUB),
        12 | 24 => create(operation == 12, reader, objects, out).ok_or(Fault::BAD_STUB),
        16 | 28 => open(operation == 16, reader, objects).ok_or(Fault::BAD_STUB),
        19 | 31 => start(reader, objects, out).ok_or(Fault::BAD_STUB),
        _ => Err(Fault::NO_SUCH_OPERATION),
    }
}

fn opened(handle: [u8; 20]) -> Vec<u8> {
    Writer::default().raw(&handle).long(status::OK).done()
}

fn text(wide: bool, reader: &mut Reader<'_>) -> Option<String> {
    if wide { reader.text() } else { reader.narrow_text() }
}

fn optional(wide: bool, reader: &mut Reader<'_>) -> Option<Option<String>> {
    if reader.long()? == 0 { Some(None) } else { text(wide, reader).map(Some) }
}

fn create(
    wide: bool,
    reader: &mut Reader<'_>,
    objects: &mut Objects,
    out: &mut Output,
) -> Option<Vec<u8>> {
    let manager = objects.get(reader.handle()?);
    let name = text(wide, reader)?;
    optional(wide, reader)?;
    let [_access, _kind, _start, _error] =
        [reader.long()?, reader.long()?, reader.long()?, reader.long()?];
    let line = text(wide, reader)?;
    if manager != Some(Object::Manager) {
        let refused =
            Writer::default().null().raw(&[0; 20]).long(status::ERROR_INVALID_HANDLE).done();
        return Some(refused);
    }
    note(out, "service created", name.as_str());
    command(out, &line);
    if objects.services.len() < MOST_SERVICES && line.len() <= LONGEST_COMMAND {
        objects.services.push((name.clone(), line));
    }
    let handle = objects.open(Object::Service(name));
    Some(Writer::default().null().raw(&handle).long(status::OK).done())
}

fn open(wide: bool, reader: &mut Reader<'_>, objects: &mut Objects) -> Option<Vec<u8>> {
    reader.handle()?;
    let name = text(wide, reader)?;
    let made = objects.services.iter().any(|(found, _)| found.eq_ignore_ascii_case(&name));
    let there = THERE.iter().any(|found| found.eq_ignore_ascii_case(&name));
    if !made && !there {
        let missing = status::ERROR_SERVICE_DOES_NOT_EXIST;
        return Some(Writer::default().raw(&[0; 20]).long(missing).done());
    }
    Some(opened(objects.open(Object::Service(name))))
}

/// The service that a handle stands for.
fn service(reader: &mut Reader<'_>, objects: &Objects) -> Option<Option<String>> {
    Some(match objects.get(reader.handle()?) {
        Some(Object::Service(name)) => Some(name),
        _ => None,
    })
}

fn start(reader: &mut Reader<'_>, objects: &Objects, out: &mut Output) -> Option<Vec<u8>> {
    let Some(name) = service(reader, objects)? else {
        return Some(Writer::default().long(status::ERROR_INVALID_HANDLE).done());
    };
    note(out, "service started", name.as_str());
    Some(Writer::default().long(status::OK).done())
}

fn delete(reader: &mut Reader<'_>, objects: &mut Objects, out: &mut Output) -> Option<Vec<u8>> {
    let Some(name) = service(reader, objects)? else {
        return Some(Writer::default().long(status::ERROR_INVALID_HANDLE).done());
    };
    note(out, "service deleted", name.as_str());
    objects.services.retain(|(found, _)| *found != name);
    Some(Writer::default().long(status::OK).done())
}

/// A service's state (`SERVICE_STATUS`): of its own process, and it takes a stop.
fn state(writer: &mut Writer, state: u32) {
    writer.longs(&[0x10, state, u32::from(state == RUNNING), 0, 0, 0, 0]);
}

fn control(reader: &mut Reader<'_>, objects: &Objects, out: &mut Output) -> Option<Vec<u8>> {
    let mut writer = Writer::default();
    let Some(name) = service(reader, objects)? else {
        state(&mut writer, 0);
        return Some(writer.long(status::ERROR_INVALID_HANDLE).done());
    };
    // SERVICE_CONTROL_STOP is 1.
    let stops = reader.long()? == 1;
    note(out, if stops { "service stopped" } else { "service asked" }, name.as_str());
    state(&mut writer, if stops { STOPPED } else { RUNNING });
    Some(writer.long(status::OK).done())
}

fn query(reader: &mut Reader<'_>, objects: &Objects) -> Option<Vec<u8>> {
    let mut writer = Writer::default();
    let known = service(reader, objects)?.is_some();
    state(&mut writer, if known { RUNNING } else { 0 });
    let error = if known { status::OK } else { status::ERROR_INVALID_HANDLE };
    Some(writer.long(error).done())
}

/// A service that is there is made to start something else.
fn change(
    wide: bool,
    reader: &mut Reader<'_>,
    objects: &Objects,
    out: &mut Output,
) -> Option<Vec<u8>> {
    let Some(name) = service(reader, objects)? else {
        return Some(Writer::default().null().long(status::ERROR_INVALID_HANDLE).done());
    };
    let _ = (reader.long()?, reader.long()?, reader.long()?);
    note(out, "service changed", name.as_str());
    if let Some(line) = optional(wide, reader)? {
        command(out, &line);
    }
    Some(Writer::default().null().long(status::OK).done())
}

/// ATSVC: `NetrJobAdd` and what lists jobs.
pub(super) fn jobs(operation: u16, stub: &[u8], caller: &Caller<'_>, out: &mut Output) -> Results {
    let mut reader = Reader::new(stub);
    match operation {
        0 if caller.rights < Rights::Administrator => {
            keep(out, stub, "job refused");
            Ok(Writer::default().long(0).long(status::ERROR_ACCESS_DENIED).done())
        }
        0 => add(&mut reader, out).ok_or(Fault::BAD_STUB),
        // NetrJobDel.
        1 => Ok(Writer::default().long(status::OK).done()),
        // NetrJobEnum: none.
        2 => Ok(Writer::default().long(0).null().long(0).null().long(status::OK).done()),
        _ => Err(Fault::NO_SUCH_OPERATION),
    }
}

fn add(reader: &mut Reader<'_>, out: &mut Output) -> Option<Vec<u8>> {
    reader.text_pointer()?;
    // When: milliseconds of the day, days of the month, days of the week and flags.
    let time = reader.long()?;
    reader.long()?;
    reader.take(2)?;
    let line = reader.text_pointer()?.unwrap_or_default();
    let (hours, minutes) = (time / 3_600_000, time / 60_000 % 60);
    note(out, "job added", format!("at {hours:02}:{minutes:02}"));
    command(out, &line);
    Some(Writer::default().long(1).long(status::OK).done())
}
