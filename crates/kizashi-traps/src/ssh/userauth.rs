//! Logging in (RFC 4252, RFC 4256) as OpenSSH's `auth2.c` does it: which methods a refusal names, what counts as a try, after how many it
//! ends, and the pause that PAM makes. Who gets in the installation's login policy says, of passwords and of keys.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use kizashi_event::{Detail, HostileText};

use super::signature;
use super::transport::{Failure, Taken, Transport, told};
use super::wire::{Reader, Write as _, message, names};
use crate::login::keys::fingerprint;
use crate::{Identity, Output};

/// The method by which a key's signature holds the host key too (OpenSSH's PROTOCOL, section 3.1).
const HOSTBOUND: &[u8] = b"publickey-hostbound-v00@openssh.com";
/// sshd_config, `MaxAuthTries`.
const MOST_FAILURES: u32 = 6;
/// auth2.c: requests before it ends whatever they were.
const MOST_REQUESTS: u32 = 1_024;
/// Bytes of a user's name or a password that are kept in a session.
const LONGEST_NAME: usize = 4 * 1024;

/// What came of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It was answered.
    Answered,
    /// It is refused after this pause: [`Login::refuse`] is to be called then.
    Refused(Duration),
    /// The visitor is in, under this name.
    Accepted(Vec<u8>),
}

/// A visitor who is not in yet.
pub(super) struct Login {
    identity: Arc<Identity>,
    source: IpAddr,
    user: Vec<u8>,
    service: Vec<u8>,
    /// The word for how to log in, of the request that is being refused.
    requests: u32,
    failures: u32,
    /// `ssh-userauth` was asked for.
    begun: bool,
    /// A password is awaited as an answer to a question.
    asked: bool,
    /// The first request, which is free if it is by `none`.
    free: bool,
}

impl Login {
    pub(super) fn new(identity: Arc<Identity>, source: IpAddr) -> Self {
        Self {
            identity,
            source,
            user: Vec::new(),
            service: Vec::new(),
            requests: 0,
            failures: 0,
            begun: false,
            asked: false,
            free: false,
        }
    }

    pub(super) fn take(
        &mut self,
        payload: &[u8],
        transport: &mut Transport,
        out: &mut Output,
    ) -> Taken<Verdict> {
        let (number, rest) = payload.split_first().map_or((0, payload), |(n, rest)| (*n, rest));
        match number {
            message::SERVICE_REQUEST => self.service(rest, transport, out),
            message::USERAUTH_REQUEST if self.begun => self.request(rest, transport, out),
            message::USERAUTH_INFO_RESPONSE if self.asked => self.response(rest, transport, out),
            _ => {
                transport.unimplemented(out);
                Ok(Verdict::Answered)
            }
        }
    }

    fn service(
        &mut self,
        request: &[u8],
        transport: &mut Transport,
        out: &mut Output,
    ) -> Taken<Verdict> {
        let mut reader = Reader::new(request);
        let Some(name) = reader.string().filter(|_| reader.is_empty()) else {
            let forgiven = transport.persona.forgives_service;
            return if forgiven { Ok(Verdict::Answered) } else { Err(Failure::Silent) };
        };
        if name != b"ssh-userauth" {
            return told(format!("bad service request {}", String::from_utf8_lossy(name)));
        }
        self.begun = true;
        let mut answer = vec![message::SERVICE_ACCEPT];
        answer.put_string(name);
        transport.send(answer, out);
        Ok(Verdict::Answered)
    }

    fn request(
        &mut self,
        request: &[u8],
        transport: &mut Transport,
        out: &mut Output,
    ) -> Taken<Verdict> {
        let mut reader = Reader::new(request);
        let fields = (|| Some((reader.string()?, reader.string()?, reader.string()?)))();
        let (user, service, method) = fields.ok_or(Failure::Silent)?;
        if [user, service, method].iter().any(|field| field.contains(&0)) {
            return Err(Failure::Silent);
        }
        if self.requests >= MOST_REQUESTS {
            return told("Too many authentication failures");
        }
        self.requests += 1;
        self.asked = false;
        if self.requests == 1 {
            self.user = user[..user.len().min(LONGEST_NAME)].to_vec();
            self.service = service[..service.len().min(LONGEST_NAME)].to_vec();
            transport.tell_extensions_in_login(out);
        } else if user != self.user || service != self.service {
            let shown = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
            return told(format!(
                "Change of username or service not allowed: ({},{}) -> ({},{})",
                shown(&self.user),
                shown(&self.service),
                shown(user),
                shown(service)
            ));
        }
        self.free = self.requests == 1 && method == b"none";
        let offered = names(transport.persona.methods.as_bytes()).any(|own| own == method);
        match method {
            b"none" => {
                if !reader.is_empty() {
                    return Err(Failure::Silent);
                }
                self.tell(None, None, false, out);
                Ok(Verdict::Refused(Duration::ZERO))
            }
            b"password" if offered => self.password(reader, transport, out),
            b"publickey" if offered => self.public_key(method, reader, transport, out),
            HOSTBOUND if transport.persona.binds_keys() => {
                self.public_key(method, reader, transport, out)
            }
            b"keyboard-interactive" if offered => self.ask(reader, transport, out),
            _ => Ok(Verdict::Refused(Duration::ZERO)),
        }
    }

    fn password(
        &mut self,
        mut reader: Reader<'_>,
        transport: &mut Transport,
        out: &mut Output,
    ) -> Taken<Verdict> {
        let changes = reader.bool().ok_or(Failure::Silent)?;
        let password = reader.string().ok_or(Failure::Silent)?;
        if changes {
            reader.string().ok_or(Failure::Silent)?;
        }
        if !reader.is_empty() {
            return Err(Failure::Silent);
        }
        Ok(self.judge(password, changes, transport, out))
    }

    /// Whether this password opens it. An empty one never does, as `PermitEmptyPasswords` is off.
    fn judge(
        &mut self,
        password: &[u8],
        changes: bool,
        transport: &mut Transport,
        out: &mut Output,
    ) -> Verdict {
        let name = self.name();
        let accepted = !changes
            && !password.is_empty()
            && self.identity.logins().admits(self.source, &name, password);
        self.tell(Some(password), None, accepted, out);
        if accepted {
            return Verdict::Accepted(name);
        }
        Verdict::Refused(pause(transport))
    }

    /// The name without a style (`user:style`).
    fn name(&self) -> Vec<u8> {
        self.user.split(|byte| *byte == b':').next().unwrap_or_default().to_vec()
    }

    /// A key: first only shown, to learn whether it would do, then with a signature over all that was agreed on.
    fn public_key(
        &mut self,
        method: &[u8],
        mut reader: Reader<'_>,
        transport: &mut Transport,
        out: &mut Output,
    ) -> Taken<Verdict> {
        let signed = reader.bool().ok_or(Failure::Silent)?;
        let algorithm = reader.string().ok_or(Failure::Silent)?;
        let key = reader.string().ok_or(Failure::Silent)?;
        let bound = method == HOSTBOUND;
        let host_key = if bound { reader.string().ok_or(Failure::Silent)? } else { b"" };
        let signature = if signed { reader.string().ok_or(Failure::Silent)? } else { b"" };
        if !reader.is_empty() {
            return Err(Failure::Silent);
        }
        let name = self.name();
        let admitted = signature::fits(algorithm, key, transport.persona.takes_sha1_keys)
            && self.identity.logins().admits_key(self.source, &name, key);
        if admitted && !signed {
            let mut answer = vec![message::USERAUTH_PK_OK];
            answer.put_string(algorithm);
            answer.put_string(key);
            transport.send(answer, out);
            return Ok(Verdict::Answered);
        }
        let accepted = admitted && {
            let mut agreed = Vec::new();
            agreed.put_string(transport.session());
            agreed.push(message::USERAUTH_REQUEST);
            for part in [&self.user, &self.service, method] {
                agreed.put_string(part);
            }
            agreed.put_bool(true);
            agreed.put_string(algorithm);
            agreed.put_string(key);
            if bound {
                agreed.put_string(host_key);
            }
            let is_ours = !bound || transport.keys().all_public().iter().any(|own| own == host_key);
            is_ours && signature::verifies(algorithm, key, signature, &agreed)
        };
        self.tell(None, Some(key), accepted, out);
        Ok(if accepted { Verdict::Accepted(name) } else { Verdict::Refused(Duration::ZERO) })
    }

    /// Asks for the password as PAM does.
    fn ask(
        &mut self,
        mut reader: Reader<'_>,
        transport: &mut Transport,
        out: &mut Output,
    ) -> Taken<Verdict> {
        reader.string().and_then(|_| reader.string()).ok_or(Failure::Silent)?;
        let mut question = vec![message::USERAUTH_INFO_REQUEST];
        question.put_string("");
        question.put_string("");
        question.put_string("");
        question.put_u32(1);
        question.put_string("Password: ");
        question.put_bool(false);
        transport.send(question, out);
        self.asked = true;
        Ok(Verdict::Answered)
    }

    fn response(
        &mut self,
        response: &[u8],
        transport: &mut Transport,
        out: &mut Output,
    ) -> Taken<Verdict> {
        self.asked = false;
        let mut reader = Reader::new(response);
        match reader.u32().ok_or(Failure::Silent)? {
            1 => {
                let password = reader.string().ok_or(Failure::Silent)?;
                Ok(self.judge(password, false, transport, out))
            }
            _ => Ok(Verdict::Refused(Duration::ZERO)),
        }
    }

    fn tell(&self, password: Option<&[u8]>, key: Option<&[u8]>, accepted: bool, out: &mut Output) {
        out.tell(Detail::Login {
            username: Some(HostileText::from_bytes(&self.user)),
            password: password.map(HostileText::from_bytes),
            public_key: key.map(|key| HostileText::from(fingerprint(key))),
            accepted,
        });
    }

    /// The refusal that was slept over.
    pub(super) fn refuse(&mut self, transport: &mut Transport, out: &mut Output) -> Taken<()> {
        if !self.free {
            self.failures += 1;
        }
        if self.failures >= MOST_FAILURES {
            return told("Too many authentication failures");
        }
        let mut answer = vec![message::USERAUTH_FAILURE];
        answer.put_string(transport.persona.methods);
        answer.put_bool(false);
        transport.send(answer, out);
        Ok(())
    }

    pub(super) const fn memory(&self) -> usize {
        self.user.len() + self.service.len()
    }
}

/// The pause that pam_unix asks for, two seconds, which libpam makes up to a quarter shorter or longer.
fn pause(transport: &mut Transport) -> Duration {
    let thirds = (0..3).map(|_| transport.randomness.below(333_334));
    Duration::from_micros(1_500_000 + thirds.sum::<u64>())
}
