//! A session's terminal: its size and its changes, what programs make of them, what is shown of keys, and signals.

use super::super::signal;
use super::*;

struct Typist {
    machine: Machine,
    process: Process,
    now: Timestamp,
}

impl Typist {
    fn with(opening: &Opening) -> (Self, String) {
        let now = Timestamp::from_seconds(1_795_582_440);
        let visitor = Visitor {
            user: b"wei".to_vec(),
            source: [192, 0, 2, 7].into(),
            destination: None,
            service: "sshd",
        };
        let machine = Machine::new(&identity(), Persona::Server, visitor, now);
        let process = machine.open(opening);
        let mut typist = Self { machine, process, now };
        let shown = typist.turn(Process::start);
        (typist, shown)
    }

    /// A login shell on a terminal of 132 columns and 43 lines.
    fn logged_in() -> Self {
        let terminal = TerminalRequest { columns: 132, rows: 43, ..TerminalRequest::default() };
        Self::with(&Opening { terminal: Some(terminal), ..Opening::default() }).0
    }

    fn turn(&mut self, act: impl FnOnce(&mut Process, Timestamp, &mut Said) -> Progress) -> String {
        let mut said = Said::default();
        let mut progress = act(&mut self.process, self.now, &mut said);
        while let Progress::Again(pause) = progress {
            self.now = self.now.plus(i64::try_from(pause.as_micros()).unwrap());
            progress = self.process.resume(self.now, &mut said);
        }
        let text = [said.output, said.errors].concat();
        String::from_utf8(text).unwrap()
    }

    /// What a line shows, without the prompt behind it.
    fn types(&mut self, line: &str) -> String {
        let shown = self.turn(|process, now, said| process.line(line.as_bytes(), now, said));
        shown.strip_suffix("\x1b[?2004hwei@backend9:~$ ").unwrap_or(&shown).to_owned()
    }
}

/// What a command says that is given without a terminal.
fn without_terminal(command: &str) -> String {
    let opening = Opening { command: Some(command.as_bytes().to_vec()), ..Opening::default() };
    Typist::with(&opening).1
}

#[test]
fn programs_and_bash_know_the_window_and_its_changes() {
    let mut typist = Typist::logged_in();
    assert_eq!(typist.types("stty size; echo $COLUMNS $LINES"), "43 132\n132 43\n");
    typist.process.resize(100, 30);
    assert_eq!(typist.types("echo $COLUMNS $LINES; stty size"), "100 30\n30 100\n");
    assert_eq!(typist.types("tput cols; tput lines"), "100\n30\n");
    assert_eq!(typist.types("stty cols 60 rows 20; echo $COLUMNS $LINES"), "60 20\n");
    let listed = typist.types("ls /etc");
    assert!(listed.lines().all(|line| line.replace('\t', "        ").len() < 100), "{listed}");
    let wide = |text: &str| text.lines().map(str::len).max();
    assert_eq!(wide(&typist.types("ps -ef")), Some(60));
    assert_eq!(typist.types("top | wc -l; top").lines().filter(|line| line.len() > 60).count(), 0);
}

#[test]
fn a_terminal_has_one_name_wherever_it_is_asked_for() {
    let mut typist = Typist::logged_in();
    let shown = typist.types("tty; readlink /proc/self/fd/0; echo $SSH_TTY $TERM; ls $(tty)");
    assert_eq!(shown, "/dev/pts/0\n/dev/pts/0\n/dev/pts/0 xterm\n/dev/pts/0\n");
    let second = typist.machine.open(&Opening {
        command: Some(b"tty; who".to_vec()),
        terminal: Some(TerminalRequest::default()),
        ..Opening::default()
    });
    let mut other = Typist { machine: typist.machine.clone(), process: second, now: typist.now };
    let shown = other.turn(Process::start);
    assert!(
        shown.starts_with("/dev/pts/1\nwei      pts/0 ") && shown.contains("\nwei      pts/1 ")
    );
    drop(other);
    assert_eq!(typist.types("who | wc -l; ls /dev/pts"), "1\n0\n");
    assert_eq!(typist.types("test -t 0 && [ -t 1 ] && [[ -t 2 ]] && echo all"), "all\n");
    assert_eq!(
        typist.types("echo shown > /dev/pts/0; stty size < /dev/null"),
        "shown\nstty: 'standard input': Inappropriate ioctl for device\n"
    );
}

#[test]
fn without_a_terminal_programs_say_so() {
    let none = "stty: 'standard input': Inappropriate ioctl for device\n";
    assert_eq!(without_terminal("stty size"), none);
    assert_eq!(without_terminal("stty -a"), none);
    assert_eq!(without_terminal("tty; echo $COLUMNS"), "not a tty\n\n");
    assert_eq!(without_terminal("TERM=xterm tput cols; ls -d /etc /usr"), "80\n/etc\n/usr\n");
    assert_eq!(without_terminal("[ -t 0 ] || echo none; who | wc -l"), "none\n0\n");
}

#[test]
fn stty_shows_and_changes_what_the_kernel_has() {
    let mut typist = Typist::logged_in();
    assert_eq!(typist.types("stty"), "speed 38400 baud; line = 0;\n-brkint -imaxbel\n");
    assert_eq!(
        typist.types("stty -g"),
        "500:5:bf:8a3b:3:1c:7f:15:4:0:1:0:11:13:1a:0:12:f:17:16:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0\n"
    );
    let all = typist.types("stty -a");
    assert!(all.starts_with("speed 38400 baud; rows 43; columns 132; line = 0;\nintr = ^C; quit = ^\\; erase = ^?; kill = ^U; eof = ^D; eol = <undef>; eol2 = <undef>; swtch = <undef>; start = ^Q; stop = ^S;\nsusp = ^Z;"), "{all}");
    assert_eq!(
        typist.types("stty -echo; stty"),
        "speed 38400 baud; line = 0;\n-brkint -imaxbel\n-echo\n"
    );
    let mode = typist.process.discipline().unwrap();
    assert!(!mode.echoes && mode.canonical && mode.echoes_newline, "bash ends the line itself");
    assert_eq!(
        typist.types("S=$(stty -g); stty raw; stty sane; stty $S; stty | tail -n 1"),
        "-echo\n"
    );
    assert_eq!(
        typist.types("stty foo"),
        "stty: invalid argument 'foo'\nTry 'stty --help' for more information.\n"
    );
}

#[test]
fn what_a_script_hides_is_hidden_while_it_reads() {
    let mut typist = Typist::logged_in();
    typist.types("stty -echo; read x; stty echo; echo \"[$x]\"");
    let mode = typist.process.discipline().unwrap();
    assert!(!mode.echoes && !mode.echoes_newline);
    assert_eq!(typist.types("secret"), "[secret]\n");
    typist.types("read -s y; echo \"<$y>\"");
    assert!(!typist.process.discipline().unwrap().echoes);
    assert_eq!(typist.types("word"), "<word>\n");
    assert!(typist.process.discipline().unwrap().echoes);
    typist.types("read -n 1 z; echo \"($z)\"");
    assert!(!typist.process.discipline().unwrap().canonical);
    let shown = typist.turn(|process, now, said| process.input(b"q", now, said));
    assert!(shown.starts_with("(q)\n"), "{shown}");
}

/// A command that gets a signal, by its end: the signal that killed it, and what it said.
fn signalled(command: &str, sent: u8) -> (Option<u8>, String) {
    let opening = Opening { command: Some(command.as_bytes().to_vec()), ..Opening::default() };
    let now = Timestamp::from_seconds(1_795_582_440);
    let visitor = Visitor {
        user: b"wei".to_vec(),
        source: [192, 0, 2, 7].into(),
        destination: None,
        service: "sshd",
    };
    let machine = Machine::new(&identity(), Persona::Server, visitor, now);
    let mut typist = Typist { process: machine.open(&opening), machine, now };
    let mut said = Said::default();
    typist.process.start(now, &mut said);
    let shown = typist.turn(|process, now, said| process.signal(sent, now, said));
    (typist.process.killed_by(), shown)
}

#[test]
fn a_signal_ends_a_command_unless_it_is_caught_or_ignored() {
    for sent in [1, 2, 9, 10, 15] {
        assert_eq!(signalled("sleep 6; echo done", sent), (Some(sent), String::new()));
    }
    assert_eq!(signalled("cat", 15).0, Some(15));
    assert_eq!(signalled("sleep 6 | cat; echo done", 15), (Some(15), String::new()));
    let (killed, shown) = signalled("sleep 6; echo done", signal::QUIT);
    assert_eq!(killed, None);
    assert!(
        shown.starts_with("done\nbash: line 1: ")
            && shown.ends_with(" Quit                    sleep 6\n")
    );
    let caught = signalled("trap 'echo caught' TERM; sleep 3; echo done", 15);
    assert_eq!(caught, (None, "caught\ndone\nTerminated\n".to_owned()));
    assert_eq!(signalled("trap '' TERM; sleep 3; echo done", 15), (None, "done\n".to_owned()));
    let leaves = signalled("trap 'echo bye' EXIT; sleep 3; echo done", 15);
    assert_eq!(leaves, (Some(15), "bye\n".to_owned()));
}

#[test]
fn a_shell_that_people_type_to_takes_signals_as_bash_does() {
    for sent in [signal::TERMINATE, signal::QUIT] {
        let mut typist = Typist::logged_in();
        assert_eq!(typist.turn(|process, now, said| process.signal(sent, now, said)), "");
        assert_eq!(typist.types("echo here"), "here\n");
    }
    for sent in [1, 9, 10] {
        let mut typist = Typist::logged_in();
        typist.turn(|process, now, said| process.signal(sent, now, said));
        assert_eq!(typist.process.killed_by(), Some(sent));
    }
    let mut typist = Typist::logged_in();
    let shown = typist.turn(|process, now, said| process.signal(signal::INTERRUPT, now, said));
    assert_eq!(shown, "^C\x1b[?2004l\r\x1b[?2004h\x1b[?2004l\r\n\x1b[?2004hwei@backend9:~$ ");
    assert_eq!(
        typist.types("kill $$; echo here; (kill -9 $BASHPID); echo $?"),
        "here\nKilled\n137\n"
    );
    assert_eq!(typist.types("sh -c 'kill -SEGV $$'"), "Segmentation fault\n");
    typist.types("kill -HUP $$");
    assert_eq!(typist.process.killed_by(), Some(1));
}

#[test]
fn a_shell_that_kills_itself_died_of_the_signal() {
    for (line, sent) in [
        ("kill -9 $$", 9),
        ("kill $$; echo no", 15),
        ("kill -s USR1 $$", 10),
        ("kill -TERM 0", 15),
        ("sh -c 'kill -9 $$'", 9),
    ] {
        let opening = Opening { command: Some(line.as_bytes().to_vec()), ..Opening::default() };
        let (typist, shown) = Typist::with(&opening);
        assert_eq!((typist.process.killed_by(), shown.as_str()), (Some(sent), ""), "{line}");
    }
    assert_eq!(without_terminal("kill -0 $$; kill -CONT $$; kill -QUIT $$; echo $?"), "0\n");
    assert_eq!(without_terminal("trap 'echo t' TERM; kill $$; echo after"), "t\nafter\n");
}

#[test]
fn variables_that_a_client_sent_are_in_the_environment() {
    let opening = Opening {
        command: Some(b"echo $LANG $LC_ALL".to_vec()),
        terminal: None,
        environment: vec![
            (b"LANG".to_vec(), b"de_DE.UTF-8".to_vec()),
            (b"LC_ALL".to_vec(), b"C".to_vec()),
        ],
    };
    assert_eq!(Typist::with(&opening).1, "de_DE.UTF-8 C\n");
}

#[test]
fn what_awk_appends_is_written_once_however_often_it_asks_the_shell() {
    let line = "awk 'BEGIN { print 1 >> \"/tmp/w\"; \"echo 2\" | getline x; print x >> \"/tmp/w\"; \"echo 3\" | getline y; print y >> \"/tmp/w\" }'; cat /tmp/w";
    assert_eq!(output(line), "1\n2\n3\n");
}

#[test]
fn a_long_text_is_shown_page_by_page_until_it_is_left() {
    let mut typist = Typist::logged_in();
    let shown = typist.types("seq 1 60 | less");
    assert!(shown.starts_with("\x1b[?1049h\x1b[22;0;0t\x1b[?1h\x1b=\r1\n2\n"), "{shown:?}");
    assert!(shown.ends_with("41\n42\n:\x1b[K"), "{shown:?}");
    let key = |typist: &mut Typist, keys: &[u8]| {
        typist.turn(|process, now, said| process.input(keys, now, said))
    };
    let shown = key(&mut typist, b" ");
    assert!(shown.starts_with("\r\x1b[K43\n") && shown.ends_with("60\n\x1b[7m(END)\x1b[27m\x1b[K"));
    let shown = key(&mut typist, b"k");
    assert_eq!(shown, "\r\x1b[K\x1b[H\x1bM18\n\x1b[43;1H\r\x1b[K:\x1b[K");
    let shown = key(&mut typist, b"/59\n");
    assert!(shown.contains("...skipping...\n59\n60\n"), "{shown:?}");
    let left = "\r\x1b[K\x1b[?1l\x1b>\x1b[?1049l\x1b[23;0;0t\x1b[?2004hwei@backend9:~$ ";
    assert_eq!(key(&mut typist, b"q"), left);
    let shown = typist.types("seq 1 60 | more");
    assert!(shown.ends_with("42\n\x1b[7m--More--\x1b[27m"), "{shown:?}");
    assert_eq!(key(&mut typist, b"\n"), "\r43\x1b[K\n\x1b[7m--More--\x1b[27m");
    assert_eq!(key(&mut typist, b"q"), "\r\x1b[K\x1b[?2004hwei@backend9:~$ ");
    assert_eq!(typist.types("less /nonesuch"), "/nonesuch: No such file or directory\n");
    assert_eq!(typist.types("seq 3 | less | cat"), "1\n2\n3\n");
}

#[test]
fn reading_ends_when_its_time_is_over_and_takes_what_comes_before() {
    let mut typist = Typist::logged_in();
    let before = typist.now;
    assert_eq!(typist.types("read -t 1 x; echo \"[$?]\""), "[142]\n");
    let took = typist.now.micros() - before.micros();
    assert!((1_000_000..1_200_000).contains(&took), "{took}");
    let mut said = Said::default();
    let now = typist.now;
    typist.process.line(b"read -t 5 -p 'q: ' y; echo \"[$?$y]\"", now, &mut said);
    assert_eq!(said.output, b"q: ");
    assert_eq!(typist.types("word"), "[0word]\n");
}

#[test]
fn a_trap_for_the_windows_size_runs_at_the_prompt() {
    let mut typist = Typist::logged_in();
    typist.types("trap 'echo W $COLUMNS' WINCH");
    typist.process.resize(100, 30);
    assert!(typist.process.was_resized());
    assert_eq!(typist.turn(Process::resume), "W 100\n");
    typist.process.resize(100, 30);
    assert!(!typist.process.was_resized(), "the same size is no change");
    assert_eq!(typist.types("id -u"), "1001\n");
}
