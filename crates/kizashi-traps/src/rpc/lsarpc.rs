//! LSARPC (MS-LSAD, MS-LSAT): whose machine it is, and names for identifiers. impacket's lookupsid and `rpcclient lsaquery` go through it.

use super::accounts::{Accounts, Named, Use};
use super::connection::{Object, Objects};
use super::ndr::{Reader, Sid, Writer};
use super::{Caller, Fault, Results, status};

/// Identifiers of one question: impacket's lookupsid asks for 1,000 at once.
const MOST_SIDS: u32 = 1_024;

pub(super) fn call(
    operation: u16,
    stub: &[u8],
    objects: &mut Objects,
    caller: &Caller<'_>,
) -> Results {
    let accounts = Accounts::of(caller.identity, caller.windows);
    let mut reader = Reader::new(stub);
    let reader = &mut reader;
    match operation {
        0 => {
            let handle = reader.handle().ok_or(Fault::BAD_STUB)?;
            let closed = if objects.close(handle) { status::OK } else { status::INVALID_HANDLE };
            Ok(Writer::default().raw(&[0; 20]).long(closed).done())
        }
        6 | 44 => {
            let handle = objects.open(Object::Policy);
            Ok(Writer::default().raw(&handle).long(status::OK).done())
        }
        7 | 46 => policy(reader, &accounts, caller).ok_or(Fault::BAD_STUB),
        14 | 58 | 68 => names(operation, reader, &accounts).ok_or(Fault::BAD_STUB),
        15 | 57 => sids(operation, reader, &accounts).ok_or(Fault::BAD_STUB),
        45 => Ok(user_name(caller)),
        _ => Err(Fault::NO_SUCH_OPERATION),
    }
}

/// `LsarQueryInformationPolicy`: the domain of its accounts, and that it is in none but a workgroup.
fn policy(reader: &mut Reader<'_>, accounts: &Accounts, caller: &Caller<'_>) -> Option<Vec<u8>> {
    reader.handle()?;
    let class = reader.short()?;
    let mut writer = Writer::default();
    match class {
        3 => {
            writer.pointer().short(3).align(4).counted_head(caller.windows.workgroup).null();
            writer.counted(caller.windows.workgroup).align(4);
        }
        5 => {
            let (name, sid) = &accounts.machine;
            writer.pointer().short(5).align(4).counted_head(name).pointer();
            writer.counted(name).align(4).sid(sid);
        }
        12 => {
            writer.pointer().short(12).align(4).counted_head(caller.windows.workgroup);
            // Of DNS and a forest there is nothing.
            writer.longs(&[0, 0, 0, 0]).raw(&[0; 16]).null();
            writer.counted(caller.windows.workgroup).align(4);
        }
        _ => return Some(writer.null().long(status::INVALID_INFO_CLASS).done()),
    }
    Some(writer.long(status::OK).done())
}

/// The domains of what was found, each once (`LSAPR_REFERENCED_DOMAIN_LIST`); where each name's is.
fn domains(writer: &mut Writer, found: &[Option<Named>]) -> Vec<u32> {
    let mut domains: Vec<(String, Sid)> = Vec::new();
    let mut places = Vec::new();
    for named in found {
        let Some(named) = named else {
            places.push(u32::MAX);
            continue;
        };
        let place = domains.iter().position(|domain| *domain == named.domain);
        let place = place.unwrap_or_else(|| {
            domains.push(named.domain.clone());
            domains.len() - 1
        });
        places.push(u32::try_from(place).unwrap_or(0));
    }
    writer.pointer().count(domains.len());
    if domains.is_empty() {
        writer.null().long(0);
        return places;
    }
    writer.pointer().long(32).count(domains.len());
    for (name, _) in &domains {
        writer.counted_head(name).pointer();
    }
    for (name, sid) in &domains {
        writer.align(4).counted(name).align(4).sid(sid);
    }
    places
}

fn mapped(found: &[Option<Named>]) -> (usize, u32) {
    let count = found.iter().flatten().count();
    let status = match count {
        0 => status::NONE_MAPPED,
        some if some < found.len() => status::SOME_NOT_MAPPED,
        _ => status::OK,
    };
    (count, status)
}

/// `LsarLookupSids`, and `LsarLookupSids2` with flags behind each name.
fn sids(operation: u16, reader: &mut Reader<'_>, accounts: &Accounts) -> Option<Vec<u8>> {
    reader.handle()?;
    let count = reader.long()?.min(MOST_SIDS);
    let (_, most) = (reader.long()?, reader.long()?);
    let pointers: Option<Vec<u32>> = (0..count.min(most)).map(|_| reader.long()).collect();
    let asked: Option<Vec<Sid>> = pointers?
        .into_iter()
        .map(|pointer| if pointer == 0 { Some(Sid::of(&[])) } else { reader.sid() })
        .collect();
    let asked = asked?;
    let found: Vec<Option<Named>> = asked.iter().map(|sid| accounts.by_sid(sid)).collect();
    let mut writer = Writer::default();
    let places = domains(&mut writer, &found);
    // A name that is none is written as its identifier's last number.
    let last = |sid: &Sid| format!("{:08X}", sid.parts.last().copied().unwrap_or(0));
    let texts: Vec<String> = found
        .iter()
        .zip(&asked)
        .map(|(named, sid)| named.as_ref().map_or_else(|| last(sid), |named| named.name.clone()))
        .collect();
    writer.count(found.len()).pointer().count(found.len());
    for ((named, text), place) in found.iter().zip(&texts).zip(&places) {
        let kind = named.as_ref().map_or(Use::Unknown, |named| named.kind);
        writer.short(kind as u16).counted_head(text).long(*place);
        if operation == 57 {
            writer.long(0);
        }
    }
    for text in &texts {
        writer.align(4).counted(text);
    }
    let (count, status) = mapped(&found);
    Some(writer.count(count).long(status).done())
}

/// `LsarLookupNames`, 2 and 3, which differ in what they say of each name.
fn names(operation: u16, reader: &mut Reader<'_>, accounts: &Accounts) -> Option<Vec<u8>> {
    reader.handle()?;
    let count = reader.long()?;
    reader.long()?;
    let asked = reader.counted_texts(count)?;
    let found: Vec<Option<Named>> = asked.iter().map(|name| accounts.by_name(name)).collect();
    let mut writer = Writer::default();
    let places = domains(&mut writer, &found);
    writer.count(found.len()).pointer().count(found.len());
    for (named, place) in found.iter().zip(&places) {
        let kind = named.as_ref().map_or(Use::Unknown, |named| named.kind);
        writer.short(kind as u16);
        match (operation, named) {
            (68, Some(_)) => writer.pointer(),
            (68, None) => writer.null(),
            (_, Some(named)) => writer.long(named.sid.parts.last().copied().unwrap_or(0)),
            (_, None) => writer.long(0),
        };
        writer.long(*place);
        if operation != 14 {
            writer.long(0);
        }
    }
    if operation == 68 {
        for named in found.iter().flatten() {
            writer.sid(&named.sid);
        }
    }
    let (count, status) = mapped(&found);
    Some(writer.count(count).long(status).done())
}

/// `LsarGetUserName`: who asks.
fn user_name(caller: &Caller<'_>) -> Vec<u8> {
    let (name, domain) = if caller.user.is_empty() {
        ("ANONYMOUS LOGON", "NT AUTHORITY")
    } else {
        (caller.user, caller.windows.computer.as_str())
    };
    let mut writer = Writer::default();
    writer.pointer().counted_head(name).counted(name).align(4);
    writer.pointer().pointer().counted_head(domain).counted(domain);
    writer.long(status::OK).done()
}
