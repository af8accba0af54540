//! The machine under a visitor's processes: files, time, who is logged in, what was seen. One for each visitor, shared by his
//! connections' processes; the world around it is shared by all.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kizashi_event::{Detail, HostileText, PayloadOrigin, Timestamp};
use sha2::{Digest as _, Sha256};

use super::commands::Filter;
use super::commands::meter::Meter;
use super::facts;
use super::files::{Body, Device, Edit, Fault, Files, NodeId, Who, Written, absolute};
use super::process::Place;
use super::program;
use super::world::World;

/// Contents told of one visitor.
const CAPTURES: usize = 200;
/// Details waiting to be told; what comes after is dropped.
const DETAILS: usize = 512;
/// Bytes of the largest file that is read whole.
pub(crate) const READABLE: usize = 1024 * 1024;

/// Who came, and as whom.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// The account that he logged in to.
    pub user: Vec<u8>,
    /// His address.
    pub source: IpAddr,
    /// The address that he came to, where known.
    pub destination: Option<IpAddr>,
    /// The service that let him in, as its process is called: `sshd`, `telnetd`.
    pub service: &'static str,
}

/// One visitor's machine.
#[derive(Debug)]
pub(crate) struct Kernel {
    pub(crate) world: Arc<World>,
    pub(crate) files: Files,
    pub(crate) visitor: Visitor,
    pub(crate) login: Timestamp,
    now: Timestamp,
    /// Time that was slept without waiting, in microseconds.
    skipped: i64,
    details: Vec<Detail>,
    captured: BTreeSet<[u8; 32]>,
    next_process: u32,
    /// Processes of this line, which pass with it.
    pub(crate) current_name: Vec<u8>,
    pub(crate) current_line: Vec<Vec<u8>>,
    /// Where the process that has its turn runs.
    pub(crate) place: Place,
    /// What he made of the packet filter.
    pub(crate) filter: Filter,
    /// Descriptors of the command that runs that are its terminal, a bit each.
    pub(crate) at_terminal: u16,
    /// The port that the visitor comes from.
    pub(crate) client_port: u16,
    /// Numbers of the terminals that are open.
    terminals: Vec<u32>,
    drawn: u64,
    /// Where the visitor's commands begin, where that is not his home.
    pub(crate) begins_in: Option<Vec<u8>>,
    /// What the command that runs may still compute.
    pub(crate) meter: Meter,
}

impl Kernel {
    pub(crate) fn new(world: Arc<World>, visitor: Visitor, now: Timestamp) -> Self {
        let files = Files::new(Arc::clone(&world.image), world.hardware.disk_free_kb * 1024);
        let first = world.process_number(now);
        Self {
            files,
            visitor,
            login: now,
            now,
            skipped: 0,
            details: Vec::new(),
            captured: BTreeSet::new(),
            next_process: first,
            current_name: Vec::new(),
            current_line: Vec::new(),
            place: Place::default(),
            filter: Filter::default(),
            at_terminal: 0,
            client_port: 0,
            terminals: Vec::new(),
            drawn: 0,
            begins_in: None,
            meter: Meter::default(),
            world,
        }
    }

    /// Sees to it that a server has the account that the visitor logged in to: an accepted name is a user with a home.
    pub(crate) fn admit(&mut self) {
        let user = self.visitor.user.clone();
        let plain = !user.is_empty()
            && user.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(byte));
        if self.world.persona.is_device() || !plain || self.account(&user).is_some() {
            return;
        }
        let (now, who) = (self.seconds(), Who { uid: 1_001, gid: 1_001 });
        let rows = [
            (
                &b"/etc/passwd"[..],
                [&user[..], b":x:1001:1001::/home/", &user, b":/bin/bash\n"].concat(),
            ),
            (b"/etc/group", [&user[..], b":x:1001:\n"].concat()),
        ];
        for (path, row) in rows {
            let Ok(id) = self.files.find(path, true, Who::ROOT) else { continue };
            let end = self.files.node(id).size();
            let _ = self.write_as(id, end, &row, path, false, false);
        }
        let home = [b"/home/", &user[..]].concat();
        if let Ok(place) = self.files.place(&home, true, Who::ROOT)
            && let Ok(id) = self.files.create_folder(&place, 0o750, Who::ROOT, now)
            && let Ok(node) = self.files.change(id)
        {
            (node.uid, node.gid) = (who.uid, who.gid);
        }
    }

    /// A new terminal: the lowest number that is free, and its node.
    pub(crate) fn open_terminal(&mut self, owner: Who) -> u32 {
        let number = (0..).find(|number| !self.terminals.contains(number)).unwrap_or(0);
        self.terminals.push(number);
        let path = format!("/dev/pts/{number}");
        let now = self.seconds();
        // Where the visitor's bound of files is reached there is no node, and all else works.
        if let Ok(place) = self.files.place(path.as_bytes(), false, Who::ROOT)
            && place.node.is_none()
            && let device = (Device { kind: b'c', major: 136, minor: number })
            && let Ok(id) = self.files.create(&place, Body::Device(device), 0o620, Who::ROOT, now)
            && let Ok(node) = self.files.change(id)
        {
            (node.uid, node.gid) = (owner.uid, 5);
        }
        number
    }

    pub(crate) fn close_terminal(&mut self, number: u32) {
        self.terminals.retain(|open| *open != number);
        let now = self.seconds();
        if let Ok(place) =
            self.files.place(format!("/dev/pts/{number}").as_bytes(), false, Who::ROOT)
        {
            let _ = self.files.remove(&place, Who::ROOT, now);
        }
    }

    /// Terminals that are open, by number.
    pub(crate) fn terminals(&self) -> Vec<u32> {
        let mut open = self.terminals.clone();
        open.sort_unstable();
        open
    }

    /// `pts/N` of the process that has its turn, or `?`.
    pub(crate) fn own_terminal(&self) -> String {
        self.place.terminal.map_or_else(|| "?".to_owned(), |number| format!("pts/{number}"))
    }

    pub(crate) fn set_now(&mut self, now: Timestamp) {
        self.now = now;
    }

    /// Lets time pass on the machine without waiting for it.
    pub(crate) fn skip(&mut self, micros: i64) {
        self.skipped = self.skipped.saturating_add(micros.max(0));
    }

    pub(crate) const fn now(&self) -> Timestamp {
        self.now.plus(self.skipped)
    }

    pub(crate) fn seconds(&self) -> i64 {
        self.now().seconds()
    }

    /// A new process's number.
    pub(crate) fn new_process(&mut self) -> u32 {
        let number = self.next_process;
        self.next_process = if number >= self.world.process_limit() { 300 } else { number + 1 };
        number
    }

    pub(crate) const fn last_process(&self) -> u32 {
        self.next_process
    }

    /// A number that nobody can guess, drawn from the installation's seed.
    pub(crate) fn random(&mut self) -> u64 {
        self.drawn += 1;
        let mut hasher = Sha256::new();
        hasher.update(self.world.seed);
        hasher.update(self.login.micros().to_be_bytes());
        hasher.update(self.visitor.source.to_string().as_bytes());
        hasher.update(self.drawn.to_be_bytes());
        let digest: [u8; 32] = hasher.finalize().into();
        digest[..8].iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
    }

    pub(crate) fn random_bytes(&mut self, count: usize) -> Vec<u8> {
        let mut state = self.random() | 1;
        let mut bytes = Vec::with_capacity(count + 8);
        while bytes.len() < count {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.extend(state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_be_bytes());
        }
        bytes.truncate(count);
        bytes
    }

    /// Tells what the visitor did.
    pub(crate) fn tell(&mut self, detail: Detail) {
        if self.details.len() < DETAILS {
            self.details.push(detail);
        }
    }

    pub(crate) fn note(&mut self, name: &str, value: &[u8]) {
        self.tell(Detail::Note {
            name: HostileText::from_bytes(name.as_bytes()),
            value: HostileText::from_bytes(value),
        });
    }

    /// An address that should have been fetched.
    pub(crate) fn tell_address(&mut self, address: &[u8]) {
        self.note("url", address);
    }

    pub(crate) fn take_details(&mut self) -> Vec<Detail> {
        for written in self.files.take_lost() {
            self.tell_content(written);
        }
        std::mem::take(&mut self.details)
    }

    /// Tells all that was written; the session is over.
    pub(crate) fn finish(&mut self) {
        for written in self.files.take_written() {
            self.tell_content(written);
        }
    }

    /// Content that the machine itself brought: wherever it is written, it is no capture.
    pub(crate) fn bring(&mut self, content: &[u8]) {
        if self.captured.len() < CAPTURES {
            self.captured.insert(Sha256::digest(content).into());
        }
    }

    /// Each content once, however often it was written.
    fn tell_content(&mut self, written: Written) {
        if written.capture.size() == 0 || self.captured.len() >= CAPTURES {
            return;
        }
        let origin = if written.uploaded { PayloadOrigin::Upload } else { PayloadOrigin::Redirect };
        let mut payload = written.capture.finish(origin);
        if !self.captured.insert(payload.sha256.0) {
            return;
        }
        payload.name = Some(HostileText::from_bytes(&written.path));
        let kind = facts::describe(&payload.content);
        let told = format!("{} {}", payload.sha256, kind);
        self.tell(Detail::Payload(Box::new(payload)));
        if facts::is_program(&kind) {
            self.note("program", told.as_bytes());
        }
    }

    /// The bytes of a file.
    pub(crate) fn read(&mut self, id: NodeId) -> Result<Vec<u8>, Fault> {
        let node = self.files.node(id);
        Ok(match &node.body {
            Body::Folder(_) => return Err(Fault::IsAFolder),
            Body::Bytes(bytes) => bytes.to_vec(),
            Body::Written(written) => {
                let mut bytes = written.capture.content().to_vec();
                let size = usize::try_from(node.size()).unwrap_or(READABLE).min(READABLE);
                bytes.resize(size.max(bytes.len()), 0);
                bytes
            }
            Body::Link(_) => return Err(Fault::Loop),
            Body::Program { size, .. } => program::bytes(self.world.architecture, id, *size),
            Body::Device(device) => {
                let device = *device;
                self.read_device(device)?
            }
            Body::Live(live) => {
                let live = *live;
                self.read_live(live)?
            }
        })
    }

    /// A device's bytes, as many as are asked for at once.
    fn read_device(&mut self, device: Device) -> Result<Vec<u8>, Fault> {
        match (device.kind, device.major, device.minor) {
            (b'c', 1, 3) => Ok(Vec::new()),
            (b'c', 1, 5 | 7) => Ok(vec![0; READABLE]),
            (b'c', 1, 8 | 9) => Ok(self.random_bytes(READABLE)),
            (b'c', ..) => Err(Fault::Io),
            _ => Ok(vec![0; READABLE / 16]),
        }
    }

    /// Writes into a file that is open at `offset`.
    pub(crate) fn write(
        &mut self,
        id: NodeId,
        offset: u64,
        bytes: &[u8],
        path: &[u8],
    ) -> Result<usize, Fault> {
        self.write_as(id, offset, bytes, path, true, false)
    }

    pub(crate) fn write_as(
        &mut self,
        id: NodeId,
        offset: u64,
        bytes: &[u8],
        path: &[u8],
        visitors: bool,
        uploaded: bool,
    ) -> Result<usize, Fault> {
        let old = match &self.files.node(id).body {
            Body::Device(Device { kind: b'c', major: 1, minor: 7 }) => return Err(Fault::NoSpace),
            Body::Device(_) => return Ok(bytes.len()),
            // What nobody may write says so only when it is written to.
            Body::Live(_) if self.files.node(id).mode & 0o200 == 0 => return Err(Fault::Io),
            Body::Live(_) => return Ok(bytes.len()),
            Body::Bytes(content) => content.to_vec(),
            Body::Program { .. } => self.read(id)?,
            _ => Vec::new(),
        };
        let edit = Edit { old: &old, path, visitors, uploaded, now: self.seconds() };
        self.files.write(id, offset, bytes, &edit)
    }

    /// Opens a path for writing, making the file where there is none.
    pub(crate) fn open_for_writing(
        &mut self,
        folder: &[u8],
        path: &[u8],
        append: bool,
        mode: u16,
        who: Who,
    ) -> Result<(NodeId, Vec<u8>), Fault> {
        if path.is_empty() {
            return Err(Fault::NotFound);
        }
        let path = absolute(folder, path);
        let now = self.seconds();
        let place = self.files.place(&path, true, who)?;
        let Some(id) = place.node else {
            let id = self.files.create_file(&place, &path, mode, who, now)?;
            return Ok((id, path));
        };
        self.files.may_write(id, append, who)?;
        if !append {
            self.files.truncate(id, &path, now)?;
        }
        Ok((id, path))
    }

    /// The bytes of the file at a path.
    pub(crate) fn read_path(
        &mut self,
        folder: &[u8],
        path: &[u8],
        who: Who,
    ) -> Result<Vec<u8>, Fault> {
        if path.is_empty() {
            return Err(Fault::NotFound);
        }
        let id = self.files.find(&absolute(folder, path), true, who)?;
        if !self.files.node(id).permits(who, 4) {
            return Err(Fault::Denied);
        }
        self.read(id)
    }

    /// Bytes of the visitor's that are held.
    pub(crate) fn held(&self) -> usize {
        let details: usize = self
            .details
            .iter()
            .map(|detail| 64 + detail.payload().map_or(0, |payload| payload.content.len()))
            .sum();
        self.files.memory() + details + self.captured.len() * 48
    }
}

/// A kernel that several processes reach; the lock is never held across a suspension.
#[derive(Clone, Debug)]
pub(crate) struct SharedKernel(Arc<Mutex<Kernel>>);

impl SharedKernel {
    pub(crate) fn new(kernel: Kernel) -> Self {
        Self(Arc::new(Mutex::new(kernel)))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Kernel> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
