//! The longest that one call of a machine takes, over lines made to take long.
//! `cargo run --release -p kizashi-traps --example turns`
#![allow(clippy::print_stdout, reason = "printing is what this example is for")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use kizashi_event::Timestamp;
use kizashi_traps::{Identity, Machine, Persona, Progress, Said, Visitor};

const LINES: [&str; 16] = [
    "while :; do :; done",
    ":(){ :|:& };:",
    "f() { f; }; f",
    "yes",
    "cat /dev/urandom | md5sum",
    "x=a; while :; do x=$x$x; done",
    "seq 1 99999999 | sort -rn | uniq -c | tail -1",
    "dd if=/dev/zero of=/tmp/x bs=1M count=99999",
    "grep -rE '(a|b)*c(x+)+$' / 2>/dev/null | wc -l",
    "find / -type f -exec md5sum {} +",
    "cat /usr/bin/* | od -A x -t x1z | tail -1",
    "awk 'BEGIN { while (1) { x = x \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"; sub(/(a*)*b/, \"\", x) } }'",
    "yes aaaaaaaaaaaaaaaaaaaa | tr -d '\\n' | head -c 60000 | sed ':a;s/a\\(a*\\)b/x/;ta;s/\\(a*\\)*$/y/g'",
    "x=$(head -c 40000 /dev/urandom | base64 -w0); echo ${x//[a-z]*[0-9]/y} ${x##*z} | wc -c",
    "echo {a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b} | wc -c",
    "ls -laR / | wc -l",
];

fn main() {
    let identity = Arc::new(Identity::draw([7; 32]));
    for line in LINES {
        let mut now = Timestamp::from_seconds(1_795_582_440);
        let visitor = Visitor {
            user: b"root".to_vec(),
            source: [192, 0, 2, 7].into(),
            destination: None,
            service: "sshd",
        };
        let machine = Machine::new(&identity, Persona::Server, visitor, now);
        let mut process = machine.run(line.as_bytes(), false);
        let (mut longest, mut whole, mut calls) = (Duration::ZERO, Duration::ZERO, 0_u32);
        let mut progress = Progress::Again(Duration::ZERO);
        while !matches!(progress, Progress::Ended(_)) && calls < 100_000 {
            let mut said = Said::default();
            let began = Instant::now();
            progress = match progress {
                Progress::Waiting => process.end_input(now, &mut said),
                Progress::Again(pause) => {
                    now = now.plus(i64::try_from(pause.as_micros()).unwrap_or(0));
                    process.resume(now, &mut said)
                }
                Progress::Ended(_) => progress,
            };
            let took = began.elapsed();
            longest = longest.max(took);
            whole += took;
            calls += 1;
        }
        println!("{longest:>12.1?} of {whole:>10.1?} in {calls:>5} calls  {line}");
    }
}
