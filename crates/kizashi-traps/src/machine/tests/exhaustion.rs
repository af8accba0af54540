//! What takes for ever, fills the disk or goes too deep ends as on a real machine, and is told.

use super::*;

#[test]
fn a_fork_bomb_fills_the_process_table() {
    let said = output(":(){ :|:& };:");
    assert!(said.contains("fork: retry: Resource temporarily unavailable"), "{said}");
}

#[test]
fn a_function_without_an_end_breaks_its_shell_alone() {
    assert_eq!(run("f() { f; }; f").status, 139);
    let said = output("bash -c 'f() { f; }; f'; echo $?");
    let number = said.trim_start_matches("139\nbash: line 1: ").split(' ').next().unwrap_or("");
    assert!(number.parse::<u32>().is_ok(), "{said}");
    let rest = " Segmentation fault      bash -c 'f() { f; }; f'\n";
    assert_eq!(said, format!("139\nbash: line 1: {number}{rest}"));
    let (shown, progress) = typed(&["f() { f; }; f"]);
    assert_eq!(progress, Progress::Ended(139), "{shown}");
}

#[test]
fn a_full_disk_is_told_by_whoever_writes() {
    let said = output(
        "dd if=/dev/zero of=/tmp/big bs=1M count=999999999; echo $?; df / | tail -1 | awk '{print $5}'; echo more > /tmp/z; cp /bin/ls /tmp/ls; rm /tmp/big; echo more > /tmp/z && cat /tmp/z",
    );
    assert!(said.contains("dd: error writing '/tmp/big': No space left on device"), "{said}");
    assert!(said.contains("cp: error writing '/tmp/ls': No space left on device"), "{said}");
    assert!(said.contains("100%"), "{said}");
    assert!(said.contains("bash: line 1: echo: write error: No space left on device"), "{said}");
    assert!(said.contains("\nmore\n"), "{said}");
}

#[test]
fn many_small_files_fill_the_disk_too() {
    let said = output(
        "cd /tmp; i=0; while [ $i -lt 9000 ]; do i=$((i+1)); > f$i || break; done 2>&1 | tail -1",
    );
    assert!(said.contains("No space left on device") || said.contains("Killed"), "{said}");
}

#[test]
fn what_computes_without_an_end_is_killed_and_the_session_goes_on() {
    for line in [
        "while :; do :; done",
        "awk 'BEGIN { while (1) { x = x \"a\" } }'",
        "yes > /dev/null",
        "cat /dev/zero | md5sum; while true; do true; done",
        "x=a; while :; do x=$x$x; done",
        "for ((;;)); do echo x; done > /dev/null",
        "until false; do eval \"y=$RANDOM\"; done",
    ] {
        let (shown, progress) = typed(&[line, "echo still here"]);
        assert_eq!(progress, Progress::Waiting, "{line}");
        assert!(shown.contains("Killed") || line.contains("yes"), "{line}: {shown}");
        assert!(shown.contains("still here\n"), "{line}: {shown}");
    }
}

#[test]
fn a_line_of_many_megabytes_is_bounded() {
    let now = Timestamp::from_seconds(1_795_582_440);
    let machine = Machine::new(&identity(), Persona::Server, visitor(), now);
    let mut process = machine.log_in();
    let mut said = Said::default();
    process.start(now, &mut said);
    let piece = vec![b'a'; 60 * 1024];
    let mut progress = Progress::Waiting;
    for _ in 0..400 {
        progress = process.input(&piece, now, &mut said);
        assert!(process.memory() + machine.memory() < 512 * 1024);
    }
    assert!(matches!(progress, Progress::Waiting | Progress::Ended(_)), "{progress:?}");
}

fn visitor() -> Visitor {
    Visitor {
        user: b"root".to_vec(),
        source: [192, 0, 2, 7].into(),
        destination: None,
        service: "sshd",
    }
}

/// What a terminal shows, and what the shell then waits for.
fn typed(lines: &[&str]) -> (String, Progress) {
    let mut now = Timestamp::from_seconds(1_795_582_440);
    let machine = Machine::new(&identity(), Persona::Server, visitor(), now);
    let mut process = machine.log_in();
    let mut said = Said::default();
    let mut progress = process.start(now, &mut said);
    for line in lines {
        progress = process.line(line.as_bytes(), now, &mut said);
        while let Progress::Again(pause) = progress {
            now = now.plus(i64::try_from(pause.as_micros()).unwrap());
            progress = process.resume(now, &mut said);
        }
    }
    (String::from_utf8_lossy(&said.output).into_owned(), progress)
}
