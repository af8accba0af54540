//! Tools that fetch or start what they fetch. The address is told; nothing is fetched. What they print is what they print when the host does not
//! answer, or, where the owner lets downloads seem to succeed, when it does: then a harmless file is there.

use super::{Call, addresses, start_written, tell_addresses, written};
use crate::machine::windows::{Printed, Shell};

/// What stands where a download should be: a program that says that it is none.
const PLACEHOLDER: &[u8] = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0\xb8\0\0\0\0\0\0\0@\0\0\0This program cannot be run in DOS mode.\r\r\n$";

/// The host of an address.
fn host(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let rest = rest.split(['/', '?']).next().unwrap_or(rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    rest.split(':').next().unwrap_or(rest)
}

pub(super) fn is_named(address: &str) -> bool {
    host(address).parse::<std::net::Ipv4Addr>().is_err()
}

/// Puts a harmless file where a download should be; whether downloads seem to succeed.
pub(super) fn fetched(shell: &mut Shell<'_>, path: &str) -> bool {
    if !shell.machine.facts.downloads_succeed {
        return false;
    }
    let path = shell.path(path);
    shell.kept.disk.bring(&path, PLACEHOLDER, shell.now.seconds())
}

fn last_part(address: &str) -> &str {
    let path = address.split(['?', '#']).next().unwrap_or(address);
    path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("index.html")
}

pub(super) fn certutil(shell: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let operands: Vec<String> =
        call.words.iter().filter(|word| !word.starts_with(['-', '/'])).cloned().collect();
    if call.has("urlcache") {
        let Some(address) = operands.iter().find(|word| word.contains("://")) else {
            return Printed::ok(
                "WinHttp Cache entries: 0\r\n\r\nCertUtil: -URLCache command completed successfully.\r\n",
            );
        };
        let path = operands.iter().skip_while(|word| *word != address).nth(1);
        let path = path.map_or_else(|| last_part(address).to_owned(), String::clone);
        if call.has("delete") || call.rest.to_ascii_lowercase().contains(" delete") {
            return Printed::ok("CertUtil: -URLCache command completed successfully.\r\n");
        }
        if fetched(shell, &path) {
            let size = PLACEHOLDER.len();
            return Printed::ok(format!(
                "****  Online  ****\r\n  0000  ...\r\n  {size:04x}\r\nCertUtil: -URLCache command completed successfully.\r\n"
            ));
        }
        let (code, number, name, text) = if is_named(address) {
            (
                "0x80072ee7",
                12_007,
                "ERROR_WINHTTP_NAME_NOT_RESOLVED",
                "The server name or address could not be resolved",
            )
        } else {
            (
                "0x80072efd",
                12_029,
                "ERROR_WINHTTP_CANNOT_CONNECT",
                "A connection with the server could not be established",
            )
        };
        return Printed::refused(
            -1,
            format!(
                "****  Online  ****\r\nCertUtil: -URLCache command FAILED: {code} (WinHttp: {number} {name})\r\nCertUtil: {text}\r\n"
            ),
        );
    }
    let decodes = call.has("decode") || call.has("decodehex");
    if let (true, [from, to, ..]) = (decodes || call.has("encode"), operands.as_slice()) {
        return decoded(shell, from, to, call);
    }
    if call.has("hashfile") {
        return Printed::refused(
            -1,
            "CertUtil: -hashfile command FAILED: 0x80070002 (WIN32: 2 ERROR_FILE_NOT_FOUND)\r\nCertUtil: The system cannot find the file specified.\r\n",
        );
    }
    Printed::ok("CertUtil: -dump command completed successfully.\r\n")
}

/// `certutil -decode from to`: a file that was written in pieces becomes the program that it is.
fn decoded(shell: &mut Shell<'_>, from: &str, to: &str, call: &Call<'_>) -> Printed {
    let from = shell.path(from);
    let Some(content) = shell.kept.disk.read(&from) else {
        return Printed::refused(
            -1,
            "DecodeFile returned The system cannot find the file specified. 0x80070002 (WIN32: 2 ERROR_FILE_NOT_FOUND)\r\nCertUtil: -decode command FAILED: 0x80070002 (WIN32: 2 ERROR_FILE_NOT_FOUND)\r\nCertUtil: The system cannot find the file specified.\r\n",
        );
    };
    let text = String::from_utf8_lossy(&content);
    let plain: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
    let bytes =
        if call.has("decodehex") { hexadecimal(&plain) } else { super::powershell::base64(&plain) };
    let Some(bytes) = bytes else {
        return Printed::refused(
            -1,
            "DecodeFile returned The data is invalid. 0x8007000d (WIN32: 13 ERROR_INVALID_DATA)\r\nCertUtil: -decode command FAILED: 0x8007000d (WIN32: 13 ERROR_INVALID_DATA)\r\nCertUtil: The data is invalid.\r\n",
        );
    };
    shell.write(to, &bytes, false);
    Printed::ok(format!(
        "Input Length = {}\r\nOutput Length = {}\r\nCertUtil: -decode command completed successfully.\r\n",
        content.len(),
        bytes.len()
    ))
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> = text
        .chars()
        .filter(|letter| !letter.is_whitespace())
        .map(|letter| letter.to_digit(16))
        .collect::<Option<_>>()?;
    digits.chunks(2).map(|pair| u8::try_from(pair.first()? * 16 + pair.get(1)?).ok()).collect()
}

pub(super) fn bitsadmin(shell: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let head = "\r\nBITSADMIN version 3.0\r\nBITS administration utility.\r\n(C) Copyright Microsoft Corp.\r\n\r\n";
    let address = call.words.iter().position(|word| word.contains("://"));
    if !call.has("transfer") && !call.has("addfile") {
        return Printed::ok(format!("{head}Job complete.\r\n"));
    }
    let path = address.and_then(|at| call.words.get(at + 1)).cloned().unwrap_or_default();
    if fetched(shell, &path) {
        return Printed::ok(format!(
            "{head}DISPLAY: '{}' TYPE: DOWNLOAD STATE: TRANSFERRED\r\nPRIORITY: NORMAL FILES: 1 / 1 BYTES: {0} / {0} (100%)\r\nTransfer complete.\r\n",
            PLACEHOLDER.len()
        ));
    }
    let code =
        if address.is_some_and(|at| is_named(call.word(at))) { "0x80072ee7" } else { "0x80072efd" };
    Printed::refused(
        1,
        format!(
            "{head}Unable to complete transfer.\r\n\r\nERROR FILE:    {} -> {path}\r\nERROR CODE:    {code}\r\nERROR CONTEXT: 0x00000005\r\n\r\n",
            address.map_or("", |at| call.word(at))
        ),
    )
}

pub(super) fn curl(shell: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let Some(address) = call.operands().find(|word| word.contains('.') && !word.starts_with('-'))
    else {
        return Printed::failed(2, "curl: try 'curl --help' for more information\r\n");
    };
    let address = address.to_owned();
    let path = call
        .after("o")
        .or_else(|| call.after("-output"))
        .map_or_else(|| last_part(&address).to_owned(), str::to_owned);
    if !address.contains("://") {
        shell.note("url", &format!("http://{address}"));
    }
    if fetched(shell, &path) {
        return Printed::default();
    }
    let host = host(&address);
    if is_named(&address) {
        return Printed::failed(6, format!("curl: (6) Could not resolve host: {host}\r\n"));
    }
    Printed::failed(7, format!("curl: (7) Failed to connect to {host} port 80: Timed out\r\n"))
}

/// `ftp -s:file`: a script that names a host and what is to be fetched.
pub(super) fn ftp(shell: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let script = call.words.iter().find_map(|word| word.strip_prefix("-s:"));
    let mut host =
        call.words.iter().find(|word| !word.starts_with(['-', '/'])).cloned().unwrap_or_default();
    let Some(script) = script else {
        return Printed::ok("> ftp: connect :Connection timed out\r\nftp> ");
    };
    let path = shell.path(script);
    let content = shell.kept.disk.read(&path);
    let Some(content) = content else {
        return Printed::refused(1, format!("Error opening script file {script}.\r\n"));
    };
    let text = String::from_utf8_lossy(&content).into_owned();
    let mut printed = String::new();
    for line in text.lines().take(64) {
        let mut words = line.split_whitespace();
        let verb = words.next().unwrap_or_default().to_ascii_lowercase();
        match (verb.as_str(), words.next()) {
            ("open", Some(named)) => {
                host = named.to_owned();
                if let Some(port) = words.next() {
                    host = format!("{host}:{port}");
                }
                printed.push_str("> ftp: connect :Connection timed out\r\n");
            }
            ("get" | "recv" | "mget", Some(file)) if !host.is_empty() => {
                shell.note("url", &format!("ftp://{host}/{file}"));
                printed.push_str("Not connected.\r\n");
            }
            _ => {}
        }
    }
    Printed::ok(printed)
}

/// `cscript file`: what the script names is told.
pub(super) fn script_host(shell: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let Some(name) = call.words.iter().find(|word| !word.starts_with('/')).cloned() else {
        return Printed::default();
    };
    let banner = if call.has("nologo") || call.has("/nologo") {
        ""
    } else {
        "Microsoft (R) Windows Script Host Version 5.812\r\nCopyright (C) Microsoft Corporation. All rights reserved.\r\n\r\n"
    };
    let Some(path) = written(shell, &name) else {
        let path = shell.path(&name);
        return Printed::refused(
            1,
            format!("{banner}Input Error: Can not find script file \"{path}\".\r\n"),
        );
    };
    let content = shell.kept.disk.read(&path).unwrap_or_default();
    let text = String::from_utf8_lossy(&content).into_owned();
    tell_addresses(shell, &text);
    start_written(shell, &path);
    // `cscript get.vbs address file`: where the file should go is a word of its own.
    let fetches = !addresses(call.rest).is_empty() || !addresses(&text).is_empty();
    if let Some(to) = call.words.last().filter(|_| fetches && call.words.len() > 2) {
        fetched(shell, &to.clone());
    }
    Printed::ok(banner)
}

/// Programs that fetch and run in silence.
pub(super) fn started(shell: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let named = call.words.iter().find_map(|word| {
        let path = word.split(',').next().unwrap_or(word);
        written(shell, path)
    });
    if let Some(path) = named {
        start_written(shell, &path);
    }
    Printed::default()
}
