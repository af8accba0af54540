mod downloads;
mod exhaustion;
mod grammar;
mod personas;
mod terminals;

use proptest::prelude::*;

use super::*;

fn identity() -> Arc<Identity> {
    Arc::new(Identity::draw([7; 32]).with_web_server(crate::WebServer::NginxDebian12))
}

fn run(line: &str) -> Comparison {
    Machine::run_for_comparison(&identity(), Persona::Server, line.as_bytes(), b"")
}

fn output(line: &str) -> String {
    let found = run(line);
    String::from_utf8_lossy(&found.output).into_owned() + &String::from_utf8_lossy(&found.errors)
}

#[test]
fn lines_of_attackers_give_what_a_debian_gives() {
    for (line, expected) in [
        ("echo $((7*6))", "42\n"),
        (
            "uname -s -v -n -r -m",
            "Linux backend9 6.1.0-28-amd64 #1 SMP PREEMPT_DYNAMIC Debian 6.1.119-1 (2024-11-22) x86_64\n",
        ),
        ("cat /proc/cpuinfo | grep name | wc -l", "1\n"),
        ("for i in 1 2 3; do echo -n $i; done; echo", "123\n"),
        ("echo aGk= | base64 -d; echo", "hi\n"),
        ("x=abc; echo ${x#a} ${x%c} ${#x} ${x/b/Z} ${x:1:1} ${y:-d}", "bc ab 3 aZc b d\n"),
        ("echo 'echo inner $1' > /tmp/a.sh; sh /tmp/a.sh arg; rm /tmp/a.sh", "inner arg\n"),
        ("echo 'echo piped' | sh", "piped\n"),
        ("cat <<EOF | tr a-z A-Z\nhere $((1+1))\nEOF", "HERE 2\n"),
        (
            "which ls; type cd; command -v nonesuch; echo $?",
            "/usr/bin/ls\ncd is a shell builtin\n1\n",
        ),
        ("nonesuch", "bash: line 1: nonesuch: command not found\n"),
        ("cat /nonesuch", "cat: /nonesuch: No such file or directory\n"),
        (
            "cd /tmp && pwd; cd /nonesuch",
            "/tmp\nbash: line 1: cd: /nonesuch: No such file or directory\n",
        ),
        ("f() { local a=1; echo $a $1; return 3; }; f x; echo $?", "1 x\n3\n"),
        ("echo {a,b}{1..3}", "a1 a2 a3 b1 b2 b3\n"),
        ("yes | head -n 2", "y\ny\n"),
        ("if [ -f /etc/passwd ] && [[ abc == a* ]]; then echo yes; else echo no; fi", "yes\n"),
        ("case abc in x) echo 1;; a*) echo 2;; esac", "2\n"),
        ("i=0; while [ $i -lt 3 ]; do i=$((i+1)); [ $i = 2 ] && continue; echo $i; done", "1\n3\n"),
        ("printf '%s-%03d\\n' a 7 b 8", "a-007\nb-008\n"),
        ("echo one two | sed 's/one/1/; s/\\(t\\)wo/\\1&/'", "1 ttwo\n"),
        ("printf '3\\n1\\n2\\n' | sort -rn | head -1", "3\n"),
        ("a=(1 2 3); echo ${a[@]:1} ${#a[@]}", "2 3 3\n"),
        (
            "echo \"unterminated",
            "bash: -c: line 1: unexpected EOF while looking for matching `\"'\n",
        ),
        ("md5sum /dev/null", "d41d8cd98f00b204e9800998ecf8427e  /dev/null\n"),
        (
            "ls -d /etc /nope 2>&1 | sort",
            "/etc\nls: cannot access '/nope': No such file or directory\n",
        ),
        ("echo a b c | xargs -n1 echo", "a\nb\nc\n"),
        ("touch /tmp/x && chmod 755 /tmp/x && stat -c '%a %F' /tmp/x", "755 regular empty file\n"),
        ("mkdir -p /tmp/d/e; cd /tmp/d; ls -la | head -2 | cut -c1-10", "total 12\ndrwxr-xr-x\n"),
        ("id", "uid=0(root) gid=0(root) groups=0(root)\n"),
        ("/bin/busybox ECCHI", "ECCHI: applet not found\n"),
    ] {
        assert_eq!(output(line), expected, "{line}");
    }
}

#[test]
fn what_is_written_is_told_by_its_hash() {
    let now = Timestamp::from_seconds(1_795_582_440);
    let visitor = Visitor {
        user: b"root".to_vec(),
        source: [192, 0, 2, 7].into(),
        destination: None,
        service: "sshd",
    };
    let machine = Machine::new(&identity(), Persona::Server, visitor, now);
    let mut process = machine.log_in();
    let mut said = Said::default();
    process.start(now, &mut said);
    assert_eq!(said.output, b"\x1b[?2004hroot@backend9:~# ");
    for line in [
        "cd /tmp",
        "echo -ne '\\x7f\\x45\\x4c\\x46' > a",
        "echo -ne 'more' >> a",
        "cat > b",
        "typed",
    ] {
        process.line(line.as_bytes(), now, &mut said);
    }
    process.end_input(now, &mut said);
    assert_eq!(process.line(b"exit 3", now, &mut said), Progress::Ended(3));
    let details = machine.finish();
    let sizes: Vec<_> = details
        .iter()
        .filter_map(|detail| detail.payload())
        .map(|payload| (payload.content.clone(), payload.size))
        .collect();
    assert_eq!(sizes, [(b"\x7fELFmore".to_vec(), Some(8)), (b"typed\n".to_vec(), Some(6))]);
}

#[test]
fn whatever_takes_for_ever_ends() {
    for line in [
        "while :; do :; done",
        ":(){ :|:& };:",
        "f() { f; }; f",
        "yes",
        "cat /dev/zero",
        "cat /dev/urandom | md5sum",
        "x=a; while :; do x=$x$x; done",
        "for i in {1..4000}; do echo $i > /tmp/f$i; done",
        "seq 1 99999999",
        "dd if=/dev/zero of=/tmp/x bs=1M count=99999",
        "eval 'eval \"eval \\\"echo deep\\\"\"'",
        "while true; do echo x; done | tail -1",
    ] {
        let started = std::time::Instant::now();
        let found = run(line);
        assert!(started.elapsed().as_secs() < 20, "{line}");
        assert!(found.output.len() < 2 << 20, "{line}: {}", found.output.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_lines_make_it_panic_or_hold_more_than_its_bound(pieces in prop::collection::vec(prop_oneof![
        prop::sample::select(vec![
            "for i in 1 2 3; do ", "; done", "while read x; do ", "echo ", "cat ", "| ", "&& ", "|| ", "> /tmp/f ", ">> f ", "< /etc/passwd ", "<<E\nx $y\nE\n", "$(", ")", "`", "\"", "'", "${x:-", "}", "$((", "))",
            "if ", "then ", "fi ", "case x in ", "esac ", "f() { ", "f ", "(", "\n", "; ", "sh ", "awk '{print $1}' ", "sed s/a/b/g ", "grep -E 'a|b' ", "find / -name ", "xargs ", "tar c ", "ls -laR ", "dd if=/dev/zero bs=1M ",
            "/bin/busybox ", "ps aux ", "printf %s ", "rm -rf ", "cp -r /etc ", "mkdir -p a/b ", "sort ", "od -c ", "python3 -c ", "*", "{a,b}", "{1..99}", "\\x41", "--help ", "-9 ", "cd /tmp ", "exit ",
        ]).prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..5),
    ], 0..40)) {
        super::fuzz(&pieces.concat());
    }
}
