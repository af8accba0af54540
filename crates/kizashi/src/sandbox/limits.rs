//! Resource limits (setrlimit(2)) and the dumpable flag.

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};

/// Neither a core file nor another process's look into this one's memory.
pub(super) fn no_dumps() -> Result<(), String> {
    limit(Resource::Core, 0)?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(|error| error.to_string())
}

/// No file can be made longer than it is, whatever way it was opened.
pub(super) fn no_files() -> Result<(), String> {
    limit(Resource::Fsize, 0)?;
    limit(Resource::Memlock, 0)
}

/// Private writable memory of this process, stacks included.
pub(super) fn memory(bytes: u64) -> Result<(), String> {
    limit(Resource::Data, bytes)
}

/// Open file descriptors.
pub(super) fn descriptors(count: u64) -> Result<(), String> {
    limit(Resource::Nofile, count)
}

/// Sets both limits, never above what is allowed.
fn limit(resource: Resource, value: u64) -> Result<(), String> {
    let allowed = getrlimit(resource).maximum.map_or(value, |maximum| maximum.min(value));
    let limit = Rlimit { current: Some(allowed), maximum: Some(allowed) };
    setrlimit(resource, limit).map_err(|error| error.to_string())
}
