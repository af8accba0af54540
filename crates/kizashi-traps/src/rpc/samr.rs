//! SAMR (MS-SAMR): the accounts, as `rpcclient enumdomusers`, impacket's samrdump, nmap's smb-enum-users and worms that guess passwords list them.
//! Nothing can be changed: an account that a visitor makes is refused, and told as a call.

use super::accounts::{ALIASES, Account, Accounts, NO_GROUP, Use};
use super::connection::{Object, Objects};
use super::ndr::{LONGEST_ARRAY, Reader, Writer};
use super::{Caller, Fault, Results, status};

/// No time (`0x7fffffffffffffff`).
const NEVER: u64 = 0x7fff_ffff_ffff_ffff;
/// Flags of an account: a normal one, disabled, its password does not expire.
const NORMAL: u32 = 0x10;
const DISABLED: u32 = 0x01;
const NO_EXPIRY: u32 = 0x200;

fn control(account: &Account) -> u32 {
    NORMAL | NO_EXPIRY | if account.disabled { DISABLED } else { 0 }
}

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
        // SamrConnect, 2 and 4; SamrConnect5 answers with its revision first.
        0 | 57 | 62 => Ok(opened(Writer::default(), objects.open(Object::Sam))),
        64 => {
            let mut writer = Writer::default();
            writer.longs(&[1, 1, 3, 0]);
            Ok(opened(writer, objects.open(Object::Sam)))
        }
        1 => {
            let handle = reader.handle().ok_or(Fault::BAD_STUB)?;
            let closed = if objects.close(handle) { status::OK } else { status::INVALID_HANDLE };
            Ok(Writer::default().raw(&[0; 20]).long(closed).done())
        }
        5 => lookup_domain(reader, &accounts).ok_or(Fault::BAD_STUB),
        6 => Ok(listed(&[(0, accounts.machine.0.as_str()), (0, "Builtin")])),
        7 => open_domain(reader, objects, &accounts).ok_or(Fault::BAD_STUB),
        8 | 46 => domain_info(reader).ok_or(Fault::BAD_STUB),
        11 | 13 | 15 => enumerate(operation, reader, objects, &accounts).ok_or(Fault::BAD_STUB),
        17 => lookup_names(reader, &accounts).ok_or(Fault::BAD_STUB),
        18 => lookup_ids(reader, &accounts).ok_or(Fault::BAD_STUB),
        34 => open_user(reader, objects, &accounts).ok_or(Fault::BAD_STUB),
        36 | 47 => user_info(reader, objects, &accounts).ok_or(Fault::BAD_STUB),
        40 | 48 | 51 => display(reader, &accounts).ok_or(Fault::BAD_STUB),
        // SamrGetDomainPasswordInformation: no least length, no rule.
        56 => Ok(Writer::default().short(0).long(0).long(status::OK).done()),
        // SamrCreateUserInDomain, and 2, which says what access was granted.
        12 => Ok(Writer::default().raw(&[0; 20]).longs(&[0, status::ACCESS_DENIED]).done()),
        50 => Ok(Writer::default().raw(&[0; 20]).longs(&[0, 0, status::ACCESS_DENIED]).done()),
        _ => Err(Fault::NO_SUCH_OPERATION),
    }
}

fn opened(mut writer: Writer, handle: [u8; 20]) -> Vec<u8> {
    writer.raw(&handle).long(status::OK).done()
}

/// Numbers and names (`SAMPR_ENUMERATION_BUFFER`), all at once.
fn listed(names: &[(u32, &str)]) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.count(names.len()).pointer().count(names.len()).pointer().count(names.len());
    for (id, name) in names {
        writer.long(*id).counted_head(name);
    }
    for (_, name) in names {
        writer.align(4).counted(name);
    }
    writer.count(names.len()).long(status::OK).done()
}

fn lookup_domain(reader: &mut Reader<'_>, accounts: &Accounts) -> Option<Vec<u8>> {
    reader.handle()?;
    let name = if reader.counted_head()? { reader.text()? } else { String::new() };
    let found = accounts.by_name(&name).filter(|named| named.kind == Use::Domain);
    let mut writer = Writer::default();
    Some(match found {
        Some(named) => writer.pointer().sid(&named.sid).long(status::OK).done(),
        None => writer.null().long(status::NO_SUCH_DOMAIN).done(),
    })
}

fn open_domain(
    reader: &mut Reader<'_>,
    objects: &mut Objects,
    accounts: &Accounts,
) -> Option<Vec<u8>> {
    reader.handle()?;
    reader.long()?;
    let sid = reader.sid()?;
    let object = match sid {
        sid if sid == accounts.machine.1 => Object::Accounts,
        sid if sid.parts == [32] => Object::Builtin,
        _ => return Some(Writer::default().raw(&[0; 20]).long(status::NO_SUCH_DOMAIN).done()),
    };
    Some(opened(Writer::default(), objects.open(object)))
}

/// `SamrQueryInformationDomain`: rules for passwords, and for how many wrong ones.
fn domain_info(reader: &mut Reader<'_>) -> Option<Vec<u8>> {
    reader.handle()?;
    let class = reader.short()?;
    let mut writer = Writer::default();
    // Times are negative steps of 100 ns.
    let minutes = |count: i64| (-count * 600_000_000).cast_unsigned();
    match class {
        // No least length, no history, no rule; 42 days at most.
        1 => {
            writer.pointer().short(1).align(4).short(0).short(0).long(0);
            writer.halves(minutes(42 * 24 * 60)).halves(0);
        }
        // Nobody is ever locked out.
        12 => {
            writer.pointer().short(12).align(8).raw(&minutes(30).to_le_bytes());
            writer.raw(&minutes(30).to_le_bytes()).short(0);
        }
        _ => return Some(writer.null().long(status::INVALID_INFO_CLASS).done()),
    }
    Some(writer.long(status::OK).done())
}

fn enumerate(
    operation: u16,
    reader: &mut Reader<'_>,
    objects: &Objects,
    accounts: &Accounts,
) -> Option<Vec<u8>> {
    let domain = objects.get(reader.handle()?);
    // Whoever asks on is told that there is no more.
    let names: Vec<(u32, &str)> = match (operation, domain) {
        _ if reader.long()? != 0 => Vec::new(),
        (13, Some(Object::Accounts)) => {
            accounts.users.iter().map(|user| (user.id, user.name)).collect()
        }
        (11, Some(Object::Accounts)) => vec![NO_GROUP],
        (15, Some(Object::Builtin)) => ALIASES.to_vec(),
        _ => Vec::new(),
    };
    Some(listed(&names))
}

/// Two arrays of numbers, and how it went.
fn numbers(writer: &mut Writer, values: &[u32]) {
    writer.count(values.len()).pointer().count(values.len()).longs(values);
}

fn mapped(found: usize, asked: usize) -> u32 {
    match found {
        0 => status::NONE_MAPPED,
        found if found < asked => status::SOME_NOT_MAPPED,
        _ => status::OK,
    }
}

/// Most, first and actual of a varying array.
fn varying(reader: &mut Reader<'_>) -> Option<()> {
    (0..3).try_for_each(|_| reader.long().map(|_| ()))
}

fn lookup_names(reader: &mut Reader<'_>, accounts: &Accounts) -> Option<Vec<u8>> {
    reader.handle()?;
    let count = reader.long()?;
    varying(reader)?;
    let names = reader.counted_texts(count)?;
    let found: Vec<(u32, u32)> = names
        .iter()
        .map(|name| match accounts.by_name(name) {
            Some(named) => (named.sid.parts.last().copied().unwrap_or(0), named.kind as u32),
            None => (0, Use::Unknown as u32),
        })
        .collect();
    let (ids, kinds): (Vec<u32>, Vec<u32>) = found.into_iter().unzip();
    let known = kinds.iter().filter(|kind| **kind != Use::Unknown as u32).count();
    let mut writer = Writer::default();
    numbers(&mut writer, &ids);
    numbers(&mut writer, &kinds);
    Some(writer.long(mapped(known, names.len())).done())
}

fn lookup_ids(reader: &mut Reader<'_>, accounts: &Accounts) -> Option<Vec<u8>> {
    reader.handle()?;
    let count = reader.long()?.min(LONGEST_ARRAY);
    varying(reader)?;
    let ids: Option<Vec<u32>> = (0..count).map(|_| reader.long()).collect();
    let found: Vec<(&str, u32)> = ids?
        .into_iter()
        .map(|id| match accounts.user(id) {
            Some(user) => (user.name, Use::User as u32),
            None if id == NO_GROUP.0 => (NO_GROUP.1, Use::Group as u32),
            None => ("", Use::Unknown as u32),
        })
        .collect();
    let known = found.iter().filter(|(name, _)| !name.is_empty()).count();
    let mut writer = Writer::default();
    writer.count(found.len()).pointer().count(found.len());
    for (name, _) in &found {
        writer.counted_head(name);
    }
    for (name, _) in &found {
        writer.align(4).counted(name);
    }
    writer.align(4);
    numbers(&mut writer, &found.iter().map(|(_, kind)| *kind).collect::<Vec<_>>());
    Some(writer.long(mapped(known, found.len())).done())
}

fn open_user(
    reader: &mut Reader<'_>,
    objects: &mut Objects,
    accounts: &Accounts,
) -> Option<Vec<u8>> {
    reader.handle()?;
    reader.long()?;
    let id = reader.long()?;
    Some(match accounts.user(id) {
        Some(_) => opened(Writer::default(), objects.open(Object::User(id))),
        None => Writer::default().raw(&[0; 20]).long(status::NO_SUCH_USER).done(),
    })
}

/// `SAMPR_USER_ALL_INFORMATION`; every other class is refused.
fn user_info(reader: &mut Reader<'_>, objects: &Objects, accounts: &Accounts) -> Option<Vec<u8>> {
    const ALL: u16 = 21;
    let object = objects.get(reader.handle()?);
    let class = reader.short()?;
    let user = match object {
        Some(Object::User(id)) => accounts.user(id),
        _ => None,
    };
    let mut writer = Writer::default();
    let Some(user) = user else {
        return Some(writer.null().long(status::INVALID_HANDLE).done());
    };
    if class != ALL {
        return Some(writer.null().long(status::INVALID_INFO_CLASS).done());
    }
    writer.pointer().short(ALL).align(4);
    for time in [0, 0, 0, NEVER, 0, NEVER] {
        writer.halves(time);
    }
    let texts = [user.name, "", "", "", "", "", user.comment, "", "", ""];
    texts.iter().for_each(|text| {
        writer.counted_head(text);
    });
    // Hashes and private data are shown to nobody; nor is a security descriptor.
    for _ in 0..3 {
        writer.short(0).short(0).null();
    }
    writer.long(0).null();
    writer.longs(&[user.id, NO_GROUP.0, control(user), 0x00ff_ffff]);
    // Hours of a week, of which none is forbidden.
    writer.short(168).align(4).pointer();
    for count in [0, 0, 0, 0] {
        writer.short(count);
    }
    writer.raw(&[0; 4]);
    texts.iter().for_each(|text| {
        writer.align(4).counted(text);
    });
    writer.align(4).longs(&[1_260, 0, 21]).raw(&[0xff; 21]);
    Some(writer.long(status::OK).done())
}

fn display(reader: &mut Reader<'_>, accounts: &Accounts) -> Option<Vec<u8>> {
    reader.handle()?;
    let class = reader.short()?;
    let skipped = usize::try_from(reader.long()?).ok()?;
    let users = accounts.users.get(skipped..).unwrap_or_default();
    let mut writer = Writer::default();
    if class != 1 {
        writer.longs(&[0, 0]).short(class).align(4).long(0).null();
        return Some(writer.long(status::INVALID_INFO_CLASS).done());
    }
    // Bytes in all and here, which nobody reads.
    writer.count(users.len() * 128).count(users.len() * 128);
    writer.short(1).align(4).count(users.len()).pointer().count(users.len());
    for (at, user) in users.iter().enumerate() {
        writer.count(skipped + at + 1).long(user.id).long(control(user));
        writer.counted_head(user.name).counted_head(user.comment).counted_head("");
    }
    for user in users {
        for text in [user.name, user.comment, ""] {
            writer.align(4).counted(text);
        }
    }
    Some(writer.long(status::OK).done())
}
