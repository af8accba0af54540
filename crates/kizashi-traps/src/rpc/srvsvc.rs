//! SRVSVC (MS-SRVS) and WKSSVC (MS-WKST): shares, the server's name and version, the time. What `net view`, smbclient, nmap and worms that look for
//! shares ask first.

use super::ndr::{Reader, Writer};
use super::{Caller, Fault, Results, Share, status};
use crate::windows::Windows;

/// `SV_TYPE_WORKSTATION | SV_TYPE_SERVER | SV_TYPE_NT | SV_TYPE_SERVER_NT`.
const SERVER_TYPE: u32 = 0x0000_9003;
const PLATFORM_NT: u32 = 500;

pub(super) fn server(operation: u16, stub: &[u8], caller: &Caller<'_>) -> Results {
    let mut reader = Reader::new(stub);
    match operation {
        // NetrShareEnum, NetrShareEnumSticky.
        15 | 36 => share_enum(&mut reader, caller).ok_or(Fault::BAD_STUB),
        16 => share_info(&mut reader, caller).ok_or(Fault::BAD_STUB),
        21 => server_info(&mut reader, caller.windows).ok_or(Fault::BAD_STUB),
        28 => Ok(time_of_day(caller)),
        // NetrConnectionEnum, NetrFileEnum, NetrSessionEnum: an administrator's.
        8 | 9 | 12 => Err(Fault::ACCESS_DENIED),
        // NetprPathCanonicalize (MS08-067): the path could not be made canonical.
        31 => Ok(Writer::default().long(0).long(0).long(123).done()),
        _ => Err(Fault::NO_SUCH_OPERATION),
    }
}

fn share_heads(writer: &mut Writer, share: &Share, level: u32) {
    writer.pointer();
    if level >= 1 {
        writer.long(share.kind).pointer();
    }
    if level >= 2 {
        // Permissions; uses, unlimited; current uses; path; no password.
        writer.long(0).long(u32::MAX).long(u32::from(share.name == "IPC$")).pointer().null();
    }
    if level == 502 {
        writer.long(0).null();
    }
}

fn share_texts(writer: &mut Writer, share: &Share, level: u32) {
    writer.align(4).text(&share.name);
    if level >= 1 {
        writer.align(4).text(share.remark);
    }
    if level >= 2 {
        writer.align(4).text(&share.path);
    }
}

fn share_enum(reader: &mut Reader<'_>, caller: &Caller<'_>) -> Option<Vec<u8>> {
    reader.text_pointer()?;
    let level = reader.long()?;
    let mut writer = Writer::default();
    writer.long(level).long(level);
    if !matches!(level, 0 | 1 | 2 | 502) {
        return Some(writer.null().long(0).null().long(status::ERROR_INVALID_LEVEL).done());
    }
    let count = caller.shares.len();
    writer.pointer().count(count).pointer().count(count);
    caller.shares.iter().for_each(|share| share_heads(&mut writer, share, level));
    caller.shares.iter().for_each(|share| share_texts(&mut writer, share, level));
    Some(writer.count(count).null().long(status::OK).done())
}

fn share_info(reader: &mut Reader<'_>, caller: &Caller<'_>) -> Option<Vec<u8>> {
    reader.text_pointer()?;
    let name = reader.text()?;
    let level = reader.long()?;
    let mut writer = Writer::default();
    writer.long(level);
    let known = matches!(level, 0 | 1 | 2 | 502);
    let share = caller.shares.iter().find(|share| share.name.eq_ignore_ascii_case(&name));
    let Some(share) = share.filter(|_| known) else {
        let error =
            if known { status::NERR_NET_NAME_NOT_FOUND } else { status::ERROR_INVALID_LEVEL };
        return Some(writer.null().long(error).done());
    };
    writer.pointer();
    share_heads(&mut writer, share, level);
    share_texts(&mut writer, share, level);
    Some(writer.long(status::OK).done())
}

fn server_info(reader: &mut Reader<'_>, windows: &Windows) -> Option<Vec<u8>> {
    reader.text_pointer()?;
    let level = reader.long()?;
    let mut writer = Writer::default();
    writer.long(level);
    if !(100..=102).contains(&level) {
        return Some(writer.null().long(status::ERROR_INVALID_LEVEL).done());
    }
    let (major, minor, _) = windows.release.version();
    writer.pointer().long(PLATFORM_NT).pointer();
    if level >= 101 {
        writer.long(u32::from(major)).long(u32::from(minor)).long(SERVER_TYPE).pointer();
    }
    if level == 102 {
        // Users, minutes until an idle one is let go, shown in lists and how often, licences, path of users.
        writer.long(16_777_216).long(15).long(0).long(240).long(3_000).long(0).pointer();
    }
    writer.align(4).text(&windows.computer);
    if level >= 101 {
        writer.align(4).text("");
    }
    if level == 102 {
        writer.align(4).text("c:\\");
    }
    Some(writer.long(status::OK).done())
}

fn time_of_day(caller: &Caller<'_>) -> Vec<u8> {
    let seconds = caller.now.seconds();
    let number = |value: i64| u32::try_from(value).unwrap_or(0);
    let up = seconds - caller.windows.started(caller.now).seconds();
    let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let mut writer = Writer::default();
    writer.pointer().long(number(seconds)).long(number(up * 1000));
    writer.longs(&[number(of_day / 3600), number(of_day / 60 % 60), number(of_day % 60), 0]);
    // Minutes west of Greenwich, ticks of 310 units, the date.
    writer.longs(&[0, 310, day, month, year, number((days + 4).rem_euclid(7))]);
    writer.long(status::OK).done()
}

/// A day's date from the days since 1970 (H. Hinnant, "chrono-compatible low-level date algorithms").
fn civil(days: i64) -> (u32, u32, u32) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let number = |value: i64| u32::try_from(value).unwrap_or(0);
    (number(year), number(month), number(day))
}

pub(super) fn workstation(operation: u16, stub: &[u8], caller: &Caller<'_>) -> Results {
    let mut reader = Reader::new(stub);
    match operation {
        0 => workstation_info(&mut reader, caller.windows).ok_or(Fault::BAD_STUB),
        _ => Err(Fault::NO_SUCH_OPERATION),
    }
}

fn workstation_info(reader: &mut Reader<'_>, windows: &Windows) -> Option<Vec<u8>> {
    reader.text_pointer()?;
    let level = reader.long()?;
    let mut writer = Writer::default();
    writer.long(level);
    if !(100..=102).contains(&level) {
        return Some(writer.null().long(status::ERROR_INVALID_LEVEL).done());
    }
    let (major, minor, _) = windows.release.version();
    writer.pointer().long(PLATFORM_NT).pointer().pointer();
    writer.long(u32::from(major)).long(u32::from(minor));
    if level >= 101 {
        writer.pointer();
    }
    if level == 102 {
        writer.long(1);
    }
    writer.text(&windows.computer).align(4).text(windows.workgroup);
    if level >= 101 {
        writer.align(4).text("");
    }
    Some(writer.long(status::OK).done())
}
