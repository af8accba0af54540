//! SVCCTL (MS-SCMR): how psexec, smbexec and every worm with a password starts something. A service is kept with its visitor's copy of the Windows machine
//! until he deletes it. What it starts is a program of his own, which is never run, or a line of Windows' own programs, which runs on that
//! machine (`machine/windows`); a program that is no service makes the manager wait in vain, and it says so.

use super::connection::{Object, Objects};
use super::ndr::{Reader, Writer};
use super::{Caller, Fault, Results, Rights, command, note, status};
use crate::Output;
use crate::machine::{Started, WindowsKept, remcom_serves};

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

fn is_there(name: &str) -> bool {
    THERE.iter().any(|found| found.eq_ignore_ascii_case(name))
}

impl Caller<'_> {
    /// Lets `act` see and change what this visitor keeps on the Windows machine.
    pub(super) fn kept<T>(&self, act: impl FnOnce(&mut WindowsKept) -> T) -> T {
        self.identity.windows_machines().with(self.visit.source, self.now, act)
    }
}

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
    let mut calls = Calls { objects, caller, out };
    match operation {
        0 => {
            let handle = reader.handle().ok_or(Fault::BAD_STUB)?;
            let closed = calls.objects.close(handle);
            let closed = if closed { status::OK } else { status::ERROR_INVALID_HANDLE };
            Ok(Writer::default().raw(&[0; 20]).long(closed).done())
        }
        15 | 27 if denied => {
            Ok(Writer::default().raw(&[0; 20]).long(status::ERROR_ACCESS_DENIED).done())
        }
        15 | 27 => Ok(opened(calls.objects.open(Object::Manager))),
        1 => calls.control(reader).ok_or(Fault::BAD_STUB),
        2 => calls.delete(reader).ok_or(Fault::BAD_STUB),
        6 => calls.query(reader).ok_or(Fault::BAD_STUB),
        11 | 23 => calls.change(operation == 11, reader).ok_or(Fault::BAD_STUB),
        12 | 24 => calls.create(operation == 12, reader).ok_or(Fault::BAD_STUB),
        16 | 28 => calls.open(operation == 16, reader).ok_or(Fault::BAD_STUB),
        19 | 31 => calls.start(reader).ok_or(Fault::BAD_STUB),
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

/// A service's state (`SERVICE_STATUS`): of its own process, and it takes a stop.
fn state(writer: &mut Writer, state: u32) {
    writer.longs(&[0x10, state, u32::from(state == RUNNING), 0, 0, 0, 0]);
}

fn refused(error: u32) -> Vec<u8> {
    Writer::default().long(error).done()
}

/// One call's surroundings.
struct Calls<'a, 'b> {
    objects: &'a mut Objects,
    caller: &'a Caller<'b>,
    out: &'a mut Output,
}

impl Calls<'_, '_> {
    fn create(&mut self, wide: bool, reader: &mut Reader<'_>) -> Option<Vec<u8>> {
        let manager = self.objects.get(reader.handle()?);
        let name = text(wide, reader)?;
        optional(wide, reader)?;
        let [_access, _kind, _start, _error] =
            [reader.long()?, reader.long()?, reader.long()?, reader.long()?];
        let line = text(wide, reader)?;
        let answer =
            |handle: [u8; 20], error| Writer::default().null().raw(&handle).long(error).done();
        if manager != Some(Object::Manager) {
            return Some(answer([0; 20], status::ERROR_INVALID_HANDLE));
        }
        let made = !is_there(&name) && self.caller.kept(|kept| kept.make_service(&name, &line));
        if !made {
            return Some(answer([0; 20], status::ERROR_SERVICE_EXISTS));
        }
        note(self.out, "service created", name.as_str());
        command(self.out, &line);
        Some(answer(self.objects.open(Object::Service(name)), status::OK))
    }

    fn open(&mut self, wide: bool, reader: &mut Reader<'_>) -> Option<Vec<u8>> {
        reader.handle()?;
        let name = text(wide, reader)?;
        let made = self.caller.kept(|kept| kept.service(&name).is_some());
        if !made && !is_there(&name) {
            let missing = status::ERROR_SERVICE_DOES_NOT_EXIST;
            return Some(Writer::default().raw(&[0; 20]).long(missing).done());
        }
        Some(opened(self.objects.open(Object::Service(name))))
    }

    /// The service that a handle stands for.
    fn service(&self, reader: &mut Reader<'_>) -> Option<Option<String>> {
        Some(match self.objects.get(reader.handle()?) {
            Some(Object::Service(name)) => Some(name),
            _ => None,
        })
    }

    fn start(&mut self, reader: &mut Reader<'_>) -> Option<Vec<u8>> {
        let Some(name) = self.service(reader)? else {
            return Some(refused(status::ERROR_INVALID_HANDLE));
        };
        note(self.out, "service started", name.as_str());
        let Some(line) = self.caller.kept(|kept| kept.service(&name).map(|made| made.line.clone()))
        else {
            return Some(refused(status::ERROR_SERVICE_ALREADY_RUNNING));
        };
        let error = match self.caller.starts(&line, self.out) {
            Started::Written(program) => {
                let pipe = remcom_serves(&program);
                self.caller.kept(|kept| {
                    if let Some(made) = kept.service(&name) {
                        (made.running, made.has_pipe) = (true, pipe);
                    }
                });
                status::OK
            }
            Started::Known => status::ERROR_SERVICE_REQUEST_TIMEOUT,
            Started::Missing => status::ERROR_FILE_NOT_FOUND,
        };
        Some(refused(error))
    }

    fn delete(&mut self, reader: &mut Reader<'_>) -> Option<Vec<u8>> {
        let Some(name) = self.service(reader)? else {
            return Some(refused(status::ERROR_INVALID_HANDLE));
        };
        note(self.out, "service deleted", name.as_str());
        self.caller.kept(|kept| kept.delete_service(&name));
        Some(refused(status::OK))
    }

    fn control(&mut self, reader: &mut Reader<'_>) -> Option<Vec<u8>> {
        let mut writer = Writer::default();
        let Some(name) = self.service(reader)? else {
            state(&mut writer, 0);
            return Some(writer.long(status::ERROR_INVALID_HANDLE).done());
        };
        // SERVICE_CONTROL_STOP is 1.
        let stops = reader.long()? == 1;
        note(self.out, if stops { "service stopped" } else { "service asked" }, name.as_str());
        let runs = self.is_running(&name);
        if stops {
            self.caller.kept(|kept| {
                if let Some(made) = kept.service(&name) {
                    made.running = false;
                }
            });
        }
        state(&mut writer, if stops || !runs { STOPPED } else { RUNNING });
        Some(writer.long(if runs { status::OK } else { status::ERROR_SERVICE_NOT_ACTIVE }).done())
    }

    /// A visitor's own after it was started; what is there runs.
    fn is_running(&self, name: &str) -> bool {
        self.caller.kept(|kept| kept.service(name).is_none_or(|made| made.running))
    }

    fn query(&mut self, reader: &mut Reader<'_>) -> Option<Vec<u8>> {
        let mut writer = Writer::default();
        let Some(name) = self.service(reader)? else {
            state(&mut writer, 0);
            return Some(writer.long(status::ERROR_INVALID_HANDLE).done());
        };
        state(&mut writer, if self.is_running(&name) { RUNNING } else { STOPPED });
        Some(writer.long(status::OK).done())
    }

    /// A service that is there is made to start something else.
    fn change(&mut self, wide: bool, reader: &mut Reader<'_>) -> Option<Vec<u8>> {
        let answer = |error| Writer::default().null().long(error).done();
        let Some(name) = self.service(reader)? else {
            return Some(answer(status::ERROR_INVALID_HANDLE));
        };
        let _ = (reader.long()?, reader.long()?, reader.long()?);
        note(self.out, "service changed", name.as_str());
        if let Some(line) = optional(wide, reader)? {
            command(self.out, &line);
            self.caller.kept(|kept| {
                kept.delete_service(&name);
                kept.make_service(&name, &line)
            });
        }
        Some(answer(status::OK))
    }
}
