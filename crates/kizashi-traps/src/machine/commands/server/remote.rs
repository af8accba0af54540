//! OpenSSH's client side, which reaches nobody, and its server's own words.

use std::time::Duration;

use super::super::{Call, Finish, Moment};

const SCP: &str = "usage: scp [-346ABCOpqRrsTv] [-c cipher] [-D sftp_server_path] [-F ssh_config]\n           [-i identity_file] [-J destination] [-l limit] [-o ssh_option]\n           [-P port] [-S program] [-X sftp_option] source ... target\n";
const SSH: &str = "usage: ssh [-46AaCfGgKkMNnqsTtVvXxYy] [-B bind_interface]\n           [-b bind_address] [-c cipher_spec] [-D [bind_address:]port]\n           [-E log_file] [-e escape_char] [-F configfile] [-I pkcs11]\n           [-i identity_file] [-J [user@]host[:port]] [-L address]\n           [-l login_name] [-m mac_spec] [-O ctl_cmd] [-o option] [-p port]\n           [-Q query_option] [-R address] [-S ctl_path] [-W host:port]\n           [-w local_tun[:remote_tun]] destination [command [argument ...]]\n";

fn text(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}

fn unreachable(call: &mut Call<'_>, tool: &str, host: &str, port: &str) -> Vec<Moment> {
    call.kernel.tell_address(format!("{host}:{port}").as_bytes());
    let reason = if host.parse::<std::net::IpAddr>().is_ok() {
        format!("{tool}: connect to host {host} port {port}: Connection refused\r\n")
    } else {
        format!(
            "{tool}: Could not resolve hostname {host}: Temporary failure in name resolution\r\n"
        )
    };
    vec![Moment { after: Duration::from_millis(3_000), text: reason.into_bytes(), error: true }]
}

pub(super) fn ssh(call: &mut Call<'_>) -> Finish {
    let given = match call.leading_options(
        "46AaCfGgKkMNnqsTtVvXxYyB:b:c:D:E:e:F:I:i:J:L:l:m:O:o:p:Q:R:S:W:w:",
        &[],
        255,
    ) {
        Ok(given) => given,
        Err(_) => {
            call.err(SSH.as_bytes());
            return Finish::Status(255);
        }
    };
    if given.has(b'V') {
        let version = call.kernel.world.system.openssh;
        call.err(format!("{version}\n").as_bytes());
        return Finish::Status(0);
    }
    let Some(destination) = given.rest.first().map(|word| text(word)) else {
        call.err(SSH.as_bytes());
        return Finish::Status(255);
    };
    let host = destination.rsplit('@').next().unwrap_or_default().to_owned();
    let port = given.text(b'p').unwrap_or_else(|| "22".to_owned());
    let mut moments = unreachable(call, "ssh", &host, &port);
    // Without a terminal, a shell that was asked for gets none.
    if given.rest.len() == 1 && !call.typed && !given.has(b'T') && !given.has(b'N') {
        moments.insert(
            0,
            Moment {
                after: Duration::ZERO,
                text: b"Pseudo-terminal will not be allocated because stdin is not a terminal.\r\n"
                    .to_vec(),
                error: true,
            },
        );
    }
    Finish::Slow(moments, 255)
}

pub(super) fn scp(call: &mut Call<'_>) -> Finish {
    let given = match call.leading_options("346ABCOpqRrsTvtfdc:D:F:i:J:l:o:P:S:X:", &[], 1) {
        Ok(given) => given,
        Err(_) => {
            call.err(SCP.as_bytes());
            return Finish::Status(1);
        }
    };
    if given.rest.len() < 2 {
        call.err(SCP.as_bytes());
        return Finish::Status(1);
    }
    let remote = given.rest.iter().map(|word| text(word)).find(|word| word.contains(':'));
    let Some(remote) = remote else {
        let words: Vec<Vec<u8>> =
            std::iter::once(b"cp".to_vec()).chain(given.rest.iter().cloned()).collect();
        return Finish::Each(vec![words]);
    };
    let host = remote
        .split(':')
        .next()
        .unwrap_or_default()
        .rsplit('@')
        .next()
        .unwrap_or_default()
        .to_owned();
    let port = given.text(b'P').unwrap_or_else(|| "22".to_owned());
    let mut moments = unreachable(call, "ssh", &host, &port);
    moments.push(Moment {
        after: Duration::ZERO,
        text: b"scp: Connection closed\r\n".to_vec(),
        error: true,
    });
    Finish::Slow(moments, 255)
}

pub(super) fn keygen(call: &mut Call<'_>) -> Finish {
    let given = match call.options("t:b:N:f:C:qlyePO:m:E:vVR:F:A", &[], 1) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let path = given.value(b'f').map_or_else(|| b"/root/.ssh/id_ed25519".to_vec(), <[u8]>::to_vec);
    let shown = text(&path);
    if given.has(b'l') || given.has(b'y') {
        let Ok(key) = call.read(&path) else {
            let name = if given.has(b'l') { "ssh-keygen: " } else { "" };
            call.err(format!("{name}{shown}: No such file or directory\r\n").as_bytes());
            return Finish::Status(255);
        };
        let words = text(&key);
        let comment = words.split_whitespace().nth(2).unwrap_or("no comment");
        call.line(&format!(
            "256 SHA256:{} {comment} (ED25519)",
            super::base64(&call.kernel.world.seed)
        ));
        return Finish::Status(0);
    }
    if given.has(b'A') || given.value(b'R').is_some() || given.value(b'F').is_some() {
        return Finish::Status(0);
    }
    if given.value(b'N').is_none() && !call.typed {
        call.line("Generating public/private ed25519 key pair.");
        return Finish::Status(1);
    }
    let kind = given.text(b't').unwrap_or_else(|| "ed25519".to_owned());
    let key = super::base64(&call.kernel.random_bytes(32));
    let comment = given.text(b'C').unwrap_or_else(|| format!("root@{}", call.kernel.world.host));
    let folder = call.folder.to_vec();
    let body = super::base64(&call.kernel.random_bytes(48));
    super::put_from(
        call,
        &folder,
        &path,
        format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{body}\n-----END OPENSSH PRIVATE KEY-----\n")
            .as_bytes(),
    );
    super::put_from(
        call,
        &folder,
        &[&path[..], b".pub"].concat(),
        format!("ssh-{kind} AAAAC3NzaC1lZDI1NTE5AAAAI{key} {comment}\n").as_bytes(),
    );
    if !given.has(b'q') {
        call.line(&format!("Generating public/private {kind} key pair.\nYour identification has been saved in {shown}\nYour public key has been saved in {shown}.pub\nThe key fingerprint is:\nSHA256:{} {comment}", &key[..40.min(key.len())]));
    }
    Finish::Status(0)
}

pub(super) fn sshd(call: &mut Call<'_>) -> Finish {
    let words = call.arguments();
    if words.iter().any(|word| word == b"-V") {
        let version = call.kernel.world.system.openssh.to_owned();
        let short = version.replace("p1 Debian-2+deb12u10", "");
        call.err(format!("{short}\n").as_bytes());
        return Finish::Status(0);
    }
    if words.iter().any(|word| word == b"-T") {
        call.line("port 22\naddressfamily any\nlistenaddress [::]:22\nlistenaddress 0.0.0.0:22\nusepam yes\nlogingracetime 120\nx11displayoffset 10\nmaxauthtries 6\nmaxsessions 10\nclientaliveinterval 0\npermitrootlogin yes\npubkeyauthentication yes\npasswordauthentication yes");
        return Finish::Status(0);
    }
    if words.iter().any(|word| word == b"-t") {
        return Finish::Status(0);
    }
    if call.name().first() != Some(&b'/') {
        call.err(b"sshd re-exec requires execution with an absolute path\n");
        return Finish::Status(255);
    }
    Finish::Status(0)
}
