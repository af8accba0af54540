//! Jobs and tasks: ATSVC and ITaskSchedulerService (MS-TSCH), by which atexec and worms start a line and read what it printed from a share. The line runs on
//! the visitor's copy of the Windows machine (`machine/windows`); a job does so at once, whatever the hour that it was given.

use super::ndr::{Reader, Writer};
use super::{Caller, Fault, Results, Rights, command, keep, note, status};
use crate::Output;
use crate::machine::{Started, WindowsMachine, calendar};
use crate::windows::WindowsRelease;

/// Characters of a task's description that are looked at.
const LONGEST_LINE: usize = 4_096;

impl Caller<'_> {
    /// Starts a line as the system itself does.
    pub(super) fn starts(&self, line: &str, out: &mut Output) -> Started {
        let folder = "C:\\Windows\\system32";
        let mut machine =
            WindowsMachine::new(self.identity, self.visit, "nt authority\\system", folder);
        let (said, started) = machine.start(line, self.now);
        said.details.into_iter().for_each(|detail| out.tell(detail));
        started
    }
}

/// ATSVC: `NetrJobAdd` and what lists jobs.
pub(super) fn jobs(operation: u16, stub: &[u8], caller: &Caller<'_>, out: &mut Output) -> Results {
    let mut reader = Reader::new(stub);
    match operation {
        0 if caller.rights < Rights::Administrator => {
            keep(out, stub, "job refused");
            Ok(Writer::default().long(0).long(status::ERROR_ACCESS_DENIED).done())
        }
        0 => add(&mut reader, caller, out).ok_or(Fault::BAD_STUB),
        // NetrJobDel.
        1 => Ok(Writer::default().long(status::OK).done()),
        // NetrJobEnum: none.
        2 => Ok(Writer::default().long(0).null().long(0).null().long(status::OK).done()),
        _ => Err(Fault::NO_SUCH_OPERATION),
    }
}

fn add(reader: &mut Reader<'_>, caller: &Caller<'_>, out: &mut Output) -> Option<Vec<u8>> {
    reader.text_pointer()?;
    // When: milliseconds of the day, days of the month, days of the week and flags.
    let time = reader.long()?;
    reader.long()?;
    reader.take(2)?;
    let line = reader.text_pointer()?.unwrap_or_default();
    let (hours, minutes) = (time / 3_600_000, time / 60_000 % 60);
    note(out, "job added", format!("at {hours:02}:{minutes:02}"));
    command(out, &line);
    caller.starts(&line, out);
    Some(Writer::default().long(1).long(status::OK).done())
}

/// `ITaskSchedulerService`.
pub(super) fn tasks(operation: u16, stub: &[u8], caller: &Caller<'_>, out: &mut Output) -> Results {
    let mut reader = Reader::new(stub);
    let reader = &mut reader;
    if caller.rights < Rights::Administrator {
        return Err(Fault::ACCESS_DENIED);
    }
    let only = |error| Writer::default().long(error).done();
    match operation {
        0 => {
            let version = match caller.windows.release {
                WindowsRelease::Server2008R2 => 0x0001_0003,
                WindowsRelease::Server2012R2 => 0x0001_0004,
                WindowsRelease::Server2016 => 0x0001_0005,
            };
            Ok(Writer::default().long(version).long(status::OK).done())
        }
        1 => register(reader, stub, caller, out).ok_or(Fault::BAD_STUB),
        // A task as it was described, tasks and folders: nothing.
        2 => Ok(Writer::default().null().long(status::FILE_NOT_FOUND).done()),
        6 | 7 => Ok(Writer::default().long(0).long(0).null().long(status::NOTHING).done()),
        12 => run(reader, caller, out).ok_or(Fault::BAD_STUB),
        13 => {
            let name = name(reader).ok_or(Fault::BAD_STUB)?;
            note(out, "task deleted", name.as_str());
            let deleted = caller.kept(|kept| kept.delete_task(&name));
            Ok(only(if deleted { status::OK } else { status::FILE_NOT_FOUND }))
        }
        16 => last_run(reader, caller).ok_or(Fault::BAD_STUB),
        17 => {
            let name = name(reader).ok_or(Fault::BAD_STUB)?;
            let known = caller.kept(|kept| kept.task(&name).is_some());
            // Enabled, and ready.
            let answer = if known { [1, 3, status::OK] } else { [0, 0, status::FILE_NOT_FOUND] };
            Ok(Writer::default().longs(&answer).done())
        }
        _ => Err(Fault::NO_SUCH_OPERATION),
    }
}

/// A task's name, from the folder of all on.
fn name(reader: &mut Reader<'_>) -> Option<String> {
    reader.text().map(|path| path.trim_start_matches('\\').to_owned())
}

fn register(
    reader: &mut Reader<'_>,
    stub: &[u8],
    caller: &Caller<'_>,
    out: &mut Output,
) -> Option<Vec<u8>> {
    let path = reader.text_pointer()?.unwrap_or_default();
    let description = reader.text()?;
    note(out, "task registered", path.as_str());
    let line = line_of(&description);
    match &line {
        Some(line) => command(out, line),
        // One that starts an object, or none that is known.
        None => keep(out, stub, "task"),
    }
    let name = path.trim_start_matches('\\');
    let made = caller.kept(|kept| kept.make_task(name, line.as_deref().unwrap_or_default()));
    let mut writer = Writer::default();
    if !made {
        return Some(writer.null().null().long(status::ALREADY_EXISTS).done());
    }
    Some(writer.pointer().text(&path).align(4).null().long(status::OK).done())
}

/// What the first action of a task's description starts (MS-TSCH 2.5.6).
fn line_of(description: &str) -> Option<String> {
    let element = |name: &str| {
        let (_, rest) = description.split_once(&format!("<{name}>"))?;
        let (text, _) = rest.split_once(&format!("</{name}>"))?;
        Some(text.trim().chars().take(LONGEST_LINE).collect::<String>())
    };
    let program = plain(&element("Command")?);
    let arguments = element("Arguments").map_or(String::new(), |text| plain(&text));
    Some(if arguments.is_empty() { program } else { format!("{program} {arguments}") })
}

/// Text of XML without its five entities.
fn plain(text: &str) -> String {
    let entities =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    entities.iter().fold(text.to_owned(), |text, (entity, plain)| text.replace(entity, plain))
}

fn run(reader: &mut Reader<'_>, caller: &Caller<'_>, out: &mut Output) -> Option<Vec<u8>> {
    let name = name(reader)?;
    let mut writer = Writer::default();
    let Some(line) = caller.kept(|kept| kept.task(&name).map(|made| made.line.clone())) else {
        return Some(writer.raw(&[0; 16]).long(status::FILE_NOT_FOUND).done());
    };
    note(out, "task run", name.as_str());
    caller.starts(&line, out);
    let now = caller.now.seconds();
    caller.kept(|kept| {
        if let Some(made) = kept.task(&name) {
            made.last_run = Some(now);
        }
    });
    // The instance's number: any that is not zero.
    let mut instance = caller.windows.guid;
    instance[..8].copy_from_slice(&caller.now.micros().to_le_bytes());
    Some(writer.raw(&instance).long(status::OK).done())
}

/// When a task ran last, and what it came to.
fn last_run(reader: &mut Reader<'_>, caller: &Caller<'_>) -> Option<Vec<u8>> {
    let name = name(reader)?;
    let mut writer = Writer::default();
    let known = caller.kept(|kept| kept.task(&name).map(|made| made.last_run));
    let error = match known {
        None => status::FILE_NOT_FOUND,
        Some(None) => status::HAS_NOT_RUN,
        Some(Some(_)) => status::OK,
    };
    let Some(Some(moment)) = known else {
        return Some(writer.raw(&[0; 16]).long(0).long(error).done());
    };
    let time = calendar(moment);
    let short = |value: i64| u16::try_from(value).unwrap_or(0);
    let counted = |value: usize| u16::try_from(value).unwrap_or(0);
    writer.short(short(time.year)).short(counted(time.month)).short(counted(time.weekday));
    writer.short(short(time.day)).short(short(time.hour)).short(short(time.minute));
    writer.short(short(time.second)).short(0);
    Some(writer.long(0).long(error).done())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tasks_line_is_its_first_command_with_its_arguments() {
        let text = "<Task><Actions><Exec><Command>cmd.exe</Command>\
            <Arguments>/C echo &lt;a&gt; &amp;&amp; ver &gt; x</Arguments></Exec></Actions></Task>";
        assert_eq!(line_of(text).as_deref(), Some("cmd.exe /C echo <a> && ver > x"));
        assert_eq!(line_of("<Command>notepad</Command>").as_deref(), Some("notepad"));
        assert_eq!(line_of("<Command>cut off"), None);
    }
}
