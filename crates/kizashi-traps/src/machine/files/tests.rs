use proptest::prelude::*;

use super::*;

fn files() -> Files {
    let mut builder = ImageBuilder::new(1_700_000_000);
    builder.folder("/proc", 0o555);
    builder.folder("/proc/\0own", 0o555);
    builder.text("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n");
    builder.link("/bin", "usr/bin");
    builder.program("/usr/bin/ls", "ls", 1000);
    builder.link("/loop", "loop");
    let tmp = builder.folder("/tmp", 0o1777);
    builder.owned(tmp, 0, 0);
    Files::new(Arc::new(builder.finish("/proc/\0own")), 1 << 30)
}

fn write(files: &mut Files, path: &[u8], bytes: &[u8]) -> Result<NodeId, Fault> {
    let place = files.place(path, true, Who::ROOT)?;
    let id = match place.node {
        Some(id) => id,
        None => files.create_file(&place, path, 0o644, Who::ROOT, 1)?,
    };
    let offset = files.node(id).size();
    let old = match &files.node(id).body {
        Body::Bytes(bytes) => bytes.to_vec(),
        _ => Vec::new(),
    };
    files.write(
        id,
        offset,
        bytes,
        &Edit { old: &old, path, visitors: true, uploaded: false, now: 1 },
    )?;
    Ok(id)
}

#[test]
fn links_are_followed_and_loops_end() {
    let files = files();
    assert!(files.find(b"/bin/../bin/ls", true, Who::ROOT).is_ok());
    assert_eq!(files.find(b"/loop", true, Who::ROOT), Err(Fault::Loop));
    assert_eq!(files.find(b"/etc/passwd/x", true, Who::ROOT), Err(Fault::NotAFolder));
    assert_eq!(files.find(b"/none/x", true, Who::ROOT), Err(Fault::NotFound));
}

#[test]
fn what_one_visitor_changes_another_does_not_see() {
    let mut first = files();
    let second = Files::new(Arc::clone(&first.image), 1);
    write(&mut first, b"/etc/passwd", b"x\n").unwrap();
    let id = first.find(b"/etc/passwd", true, Who::ROOT).unwrap();
    assert_eq!((first.node(id).size(), second.node(id).size()), (34, 32));
    let place = first.place(b"/usr/bin/ls", true, Who::ROOT).unwrap();
    first.remove(&place, Who::ROOT, 2).unwrap();
    assert_eq!(first.find(b"/bin/ls", true, Who::ROOT), Err(Fault::NotFound));
    assert!(second.find(b"/bin/ls", true, Who::ROOT).is_ok());
}

#[test]
fn others_files_are_out_of_reach() {
    let mut files = files();
    let guest = Who { uid: 1000, gid: 1000 };
    let id = files.find(b"/etc/passwd", true, guest).unwrap();
    assert_eq!(files.may_write(id, false, guest), Err(Fault::Denied));
    let place = files.place(b"/tmp/mine", true, guest).unwrap();
    files.create_file(&place, b"/tmp/mine", 0o644, guest, 1).unwrap();
    let place = files.place(b"/tmp/mine", true, guest).unwrap();
    assert_eq!(files.remove(&place, Who { uid: 1001, gid: 1001 }, 1), Err(Fault::NotPermitted));
    assert_eq!(files.remove(&place, guest, 1), Ok(()));
}

#[test]
fn a_large_file_is_hashed_whole_and_kept_in_part() {
    let mut files = files();
    for _ in 0..1_000 {
        write(&mut files, b"/tmp/big", &[7; 1_000]).unwrap();
    }
    assert!(files.memory() < KEPT + 1024);
    let written = files.take_written();
    assert_eq!((written.len(), written[0].capture.size()), (1, 1_000_000));
}

proptest! {
    #[test]
    fn a_visitor_cannot_fill_more_than_his_bound(actions in prop::collection::vec((0_u8..6, "[a-d/.]{0,12}", 0_usize..40_000), 0..120)) {
        let mut files = files();
        for (action, name, size) in actions {
            let path = absolute(b"/tmp", name.as_bytes());
            let Ok(place) = files.place(&path, true, Who::ROOT) else { continue };
            let _ = match action {
                0 => files.create_folder(&place, 0o755, Who::ROOT, 1).map(|_| ()),
                1 => files.remove(&place, Who::ROOT, 1),
                2 => files.place(b"/tmp/z", true, Who::ROOT).and_then(|to| files.rename(&place, &to, b"/tmp/z", Who::ROOT, 1)),
                3 => place.node.map_or(Ok(()), |id| files.truncate(id, &path, 1)),
                _ => write(&mut files, &path, &vec![action; size]).map(|_| ()),
            };
            prop_assert!(files.memory() <= KEPT + Capture::KEPT + NODES * size_of::<Node>());
            let _ = files.take_lost();
        }
    }
}
