//! Where what `sed` made goes: to its output, or back into the files.

use super::super::{Call, Finish};
use super::Order;
use super::run::run;

pub(super) fn on_output(
    call: &mut Call<'_>,
    orders: &mut [Order],
    files: &[Vec<u8>],
    quiet: bool,
) -> Finish {
    let (mut inputs, mut status) = (Vec::new(), 0);
    if files.is_empty() {
        (inputs, status) = call.read_all(files);
    }
    for path in files {
        match call.read(path) {
            Ok(bytes) => inputs.push((path.clone(), bytes)),
            Err(fault) => {
                let shown = String::from_utf8_lossy(path).into_owned();
                let text = if call.is_busybox() || fault == crate::machine::files::Fault::IsAFolder
                {
                    format!("{shown}: {fault}")
                } else {
                    format!("can't read {shown}: {fault}")
                };
                call.complain(&text);
                status = 1;
            }
        }
    }
    let status = if status > 0 { if call.is_busybox() { 1 } else { 2 } } else { 0 };
    let bytes: Vec<u8> = inputs.into_iter().flat_map(|(_, bytes)| bytes).collect();
    let (made, exit) = run(call, orders, &bytes, quiet);
    call.out(&made);
    Finish::Status(exit.unwrap_or(status))
}

pub(super) fn in_place(
    call: &mut Call<'_>,
    orders: &mut [Order],
    files: &[Vec<u8>],
    quiet: bool,
    suffix: &[u8],
) -> Finish {
    let mut status = 0;
    for path in files {
        let bytes = match call.read(path) {
            Ok(bytes) => bytes,
            Err(fault) => {
                let shown = String::from_utf8_lossy(path).into_owned();
                call.complain(&format!("can't read {shown}: {fault}"));
                status = if call.is_busybox() { 1 } else { 2 };
                continue;
            }
        };
        let (made, _) = run(call, orders, &bytes, quiet);
        if !suffix.is_empty() {
            let opened = call.kernel.open_for_writing(
                call.folder,
                &[&path[..], suffix].concat(),
                false,
                0o644,
                call.who,
            );
            // A copy that cannot be kept stops nothing.
            let _ = opened.and_then(|(node, path)| call.kernel.write(node, 0, &bytes, &path));
        }
        let written = call
            .kernel
            .open_for_writing(call.folder, path, false, 0o644, call.who)
            .and_then(|(node, path)| call.kernel.write(node, 0, &made, &path));
        if let Err(fault) = written {
            call.complain_of(path, fault);
            status = 4;
        }
    }
    Finish::Status(status)
}
