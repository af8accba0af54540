//! The longest that one call of a machine takes, over lines made to take long.
//! `cargo run --release -p kizashi-traps --example turns`
#![allow(clippy::print_stdout, reason = "printing is what this example is for")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use kizashi_event::Timestamp;
use kizashi_traps::{Identity, Machine, Persona, Progress, Said, Visitor};

const LINES: [&str; 44] = [
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
    // One short line a thousand times over, in as many files as a call reads.
    "cd /tmp; yes '' | head -c 60000 > f; g=$(for i in $(seq 40); do echo f; done); sort -k2n -k1 $g | wc -l",
    "cd /tmp; yes 'b a' | head -c 60000 > f; g=$(for i in $(seq 40); do echo f; done); sort -k2,2 -k1,1r -t' ' $g | uniq -c",
    "cd /tmp; yes a | head -c 60000 > f; g=$(for i in $(seq 40); do echo f; done); sed -n 's/\\(a*\\)*b/x/gp' $g | wc -l",
    "cd /tmp; yes a | head -c 60000 > f; g=$(for i in $(seq 40); do echo f; done); awk '{ s[$1] += NR; gsub(/(a|b)+/, \"c\") } END { print NR }' $g",
    "cd /tmp; yes a | head -c 60000 > f; g=$(for i in $(seq 40); do echo f; done); grep -cE '(a*)*b' $g",
    "cd /tmp; yes 'a b' | head -c 60000 > f; g=$(for i in $(seq 40); do echo f; done); cat $g | tr a-z A-Z | cut -d' ' -f2 | sort | uniq -c",
    "cd /tmp; head -c 1000000 /dev/urandom > f; for i in 1 2 3 4 5 6 7 8 9; do sha512sum f f f f; base64 f | md5sum; done",
    "x=$(yes ab | head -c 20000 | tr -d '\\n'); while :; do [[ $x =~ (a*b*)*c ]]; done",
    "x=$(yes ab | head -c 20000 | tr -d '\\n'); while :; do case $x in *a*b*a*b*c) ;; esac; done",
    "x=$(yes ab | head -c 20000 | tr -d '\\n'); while :; do y=${x//a*b/c}; done",
    "x=$(yes ab | head -c 20000 | tr -d '\\n'); while :; do y=${x%%*c*d}; done",
    "x=$(yes 'a b' | head -c 20000); while :; do echo $x > /dev/null; done",
    "x=$(yes 'a b' | head -c 20000); while :; do for i in $x; do :; done; done",
    "x=$(yes 'a b' | head -c 20000); while :; do set -- $x; a=($x); done",
    "while :; do echo /*/*/* > /dev/null; done",
    "while :; do echo {1..3000} > /dev/null; done",
    "while :; do : $((1+2*3-4/5%6+7**2)) $((x++)); done",
    "tar czf /tmp/x.tgz / 2>/dev/null; tar tzf /tmp/x.tgz | wc -l",
    "tar cf - /usr/bin /etc | gzip -9 | base64 | md5sum",
    "while :; do find / -name '*a*b*c*' > /dev/null; done",
    "while :; do ls -laR / > /dev/null; done",
    "while :; do cat /usr/bin/* > /dev/null; done",
    "while :; do ps aux > /dev/null; w > /dev/null; done",
    "cp -r / /tmp/a 2>/dev/null; cp -r /tmp/a /tmp/b; du -a / | sort -n | tail",
    "seq 100000 | xargs -n1 echo | wc -l",
    "echo 'while :; do eval \"x=\\$x\\$x\"; done' > /tmp/s; sh /tmp/s & sh /tmp/s | sh /tmp/s; bash -c 'exec bash /tmp/s'",
    "x=0; while [ $x -lt 100000 ]; do x=$(expr $x + 1); echo $x >> /tmp/n; done",
    "printf '%0100000d' 1 | sed 's/0/00/g;s/0/00/g' | sed 'y/0/1/' | awk '{ print length($0); n = split($0, a, \"\"); print n }'",
];

fn main() {
    let identity = Arc::new(Identity::draw([7; 32]));
    // Words of the command line choose lines by a part of them.
    let chosen: Vec<String> = std::env::args().skip(1).collect();
    let is_chosen =
        |line: &&&str| chosen.is_empty() || chosen.iter().any(|part| line.contains(part.as_str()));
    for line in LINES.iter().filter(is_chosen) {
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
