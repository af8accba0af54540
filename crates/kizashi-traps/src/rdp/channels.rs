//! The connection of T.125, inside TLS or under RDP's own security: what a client says of himself, his channels, his info with the password, then the
//! share that his screen is.

use kizashi_event::{Detail, HostileText, PayloadOrigin};

use super::desktop::{Desktop, Said};
use super::key::Key;
use super::screen::Scene;
use super::security::{self, Security};
use super::session::{Own, Phase, Visitor, note};
use super::share;
use super::wire::{self, Client, Info};
use crate::Output;
use crate::capture::Capture;
use crate::windows::WindowsRelease;

/// Flags of a security header (2.2.8.1.1.2.1).
const EXCHANGE: u16 = 0x0001;
const ENCRYPT: u16 = 0x0008;
const INFO: u16 = 0x0040;
const LICENCE: u16 = 0x0080;
/// The channel that CVE-2019-0708 is about, which no client names by itself.
const BLUEKEEP: &str = "MS_T120";
/// Messages of other channels that are kept.
const MOST_KEPT: u32 = 8;

impl Visitor {
    pub(super) fn connection(&mut self, message: &[u8], out: &mut Output) {
        let Some(client) = Client::read(message) else { return self.foreign(message, out) };
        let version = format!("Remote Desktop client build {}", client.build);
        out.tell(Detail::Client {
            version: Some(HostileText::from(version)),
            fingerprint: None,
            algorithms: None,
        });
        note(out, "rdp client name", &client.name);
        note(
            out,
            "rdp client screen",
            &format!("{}x{} keyboard {:#06x}", client.width, client.height, client.keyboard),
        );
        note(out, "rdp channels", &client.channels.join(" "));
        if client.channels.iter().any(|name| name.eq_ignore_ascii_case(BLUEKEEP)) {
            note(out, "rdp exploit", "CVE-2019-0708");
        }
        self.screen = (client.width, client.height);
        self.channels = client.channels;
        let mut data = None;
        if matches!(self.own, Own::Chosen) {
            data = self.offers(client.encryption, out);
            if data.is_none() {
                return self.over(out);
            }
        }
        let count = self.channels.len();
        self.send(&wire::connect_response(count, self.protocols, data.as_deref()), out);
        self.phase = Phase::Channels;
    }

    /// What the server says of its own security, where the client has any of it.
    fn offers(&mut self, methods: u32, out: &mut Output) -> Option<Vec<u8>> {
        let (method, strength) = security::chosen(methods)?;
        note(out, "rdp encryption", strength.name());
        let random = self.identity.randomness().bytes();
        let key = Key::of(&self.identity)?;
        self.own = Own::Offered(strength, random);
        security::data(method, &random, &key)
    }

    pub(super) fn channels(&mut self, message: &[u8], out: &mut Output) {
        let Some([choice, rest @ ..]) = message.get(3..) else { return self.foreign(message, out) };
        match choice >> 2 {
            wire::ERECT_DOMAIN => {}
            wire::ATTACH_USER => self.send(&wire::attach_confirm(), out),
            wire::JOIN => {
                let channel = rest
                    .get(2..4)
                    .and_then(|two| two.first_chunk())
                    .map_or(wire::USER, |two| u16::from_be_bytes(*two));
                self.send(&wire::join_confirm(channel), out);
            }
            wire::SEND_DATA => match wire::sent(&message[3..]) {
                Some((wire::CHANNEL, content)) => self.data(content, out),
                Some((channel, content)) => self.beside(channel, content, out),
                None => self.foreign(message, out),
            },
            wire::DISCONNECT => self.over(out),
            _ => self.foreign(message, out),
        }
    }

    /// What comes by the channel for input and output.
    fn data(&mut self, content: &[u8], out: &mut Output) {
        let flags = content.first_chunk().map_or(0, |two| u16::from_le_bytes(*two));
        match &mut self.own {
            Own::Offered(strength, server) if flags & EXCHANGE != 0 => {
                // A length, then the random, sealed for the server's key.
                let open = Key::of(&self.identity)
                    .and_then(|key| key.open(content.get(8..)?))
                    .and_then(|random| random.first_chunk().copied());
                let Some(client) = open else { return self.foreign(content, out) };
                self.own = Own::Agreed(Box::new(Security::new(*strength, &client, server)));
            }
            Own::Agreed(security) => {
                let Some(sealed) = content.get(12..).filter(|_| flags & ENCRYPT != 0) else {
                    return self.foreign(content, out);
                };
                let mut open = sealed.to_vec();
                security.open(&mut open);
                self.opened(flags, &open, out);
            }
            Own::Absent if self.desktop.is_none() => {
                let rest = content.get(4..).unwrap_or_default().to_vec();
                self.opened(flags & !ENCRYPT, &rest, out);
            }
            Own::Absent => self.opened(0, content, out),
            Own::Chosen | Own::Offered(..) => self.foreign(content, out),
        }
    }

    /// The client's info, then what belongs to his screen.
    fn opened(&mut self, flags: u16, content: &[u8], out: &mut Output) {
        if let Some(desktop) = &mut self.desktop {
            return match desktop.receive(content, &self.identity, out) {
                Some(said) => self.say(said, out),
                None => self.foreign(content, out),
            };
        }
        match Info::read(content).filter(|_| flags & INFO != 0) {
            Some(info) => self.judge(&info, out),
            None => self.foreign(content, out),
        }
    }

    fn say(&mut self, said: Said, out: &mut Output) {
        for message in said.messages {
            self.indicate(message, out);
        }
        if said.over {
            self.send(&wire::disconnect(), out);
            self.over(out);
        }
    }

    fn indicate(&mut self, mut content: Vec<u8>, out: &mut Output) {
        if let Own::Agreed(security) = &mut self.own {
            let checksum = security.seal(&mut content);
            let head = [ENCRYPT.to_le_bytes(), [0, 0]].concat();
            content = [&head[..], &checksum, &content].concat();
        }
        self.send(&wire::indication(&content), out);
    }

    /// Input of the fast path.
    pub(super) fn fast(&mut self, flags: u8, count: u8, mut content: Vec<u8>, out: &mut Output) {
        if let Own::Agreed(security) = &mut self.own {
            // A checksum, then what is sealed.
            if flags & 2 == 0 || content.len() < 8 {
                return self.foreign(&content, out);
            }
            content.drain(..8);
            security.open(&mut content);
        }
        let count = match count {
            0 if content.is_empty() => 0,
            0 => content.remove(0),
            count => count,
        };
        if let Some(desktop) = &mut self.desktop {
            desktop.fast(usize::from(count), &content, out);
        }
    }

    /// What comes by another channel: nobody is there to take it, but exploits come this way.
    fn beside(&mut self, channel: u16, content: &[u8], out: &mut Output) {
        let place = channel.checked_sub(wire::CHANNEL + 1).map(usize::from);
        let name = place.and_then(|place| self.channels.get(place));
        let bluekeep = name.is_some_and(|name| name.eq_ignore_ascii_case(BLUEKEEP));
        if !bluekeep {
            return;
        }
        self.kept += 1;
        if self.kept <= MOST_KEPT {
            let payload = Capture::of(content).finish(PayloadOrigin::Sent);
            out.tell(Detail::Payload(Box::new(payload)));
        }
        // A server without the update of 2019 ends the connection here, by which scanners know it.
        if self.identity.windows().release == WindowsRelease::Server2008R2 {
            self.send(&wire::disconnect(), out);
            self.over(out);
        }
    }

    fn judge(&mut self, info: &Info, out: &mut Output) {
        note(out, "rdp domain", &info.domain);
        note(out, "rdp shell", &info.shell);
        note(out, "rdp client address", &info.address);
        let mut scene = if self.admitted { Scene::Desktop } else { Scene::Logon };
        let names_himself = !info.user.is_empty() || !info.password.is_empty();
        if !self.admitted && names_himself {
            let (user, password) = (info.user.as_bytes(), info.password.as_bytes());
            // A name alone is what clients fill the screen's first field with.
            let tries = !password.is_empty();
            let accepted =
                tries && self.identity.logins().admits(self.visit.source, user, password);
            out.tell(Detail::Login {
                username: Some(HostileText::from(info.user.as_str())),
                password: tries.then(|| HostileText::from(info.password.as_str())),
                public_key: None,
                accepted,
            });
            scene = match (accepted, tries) {
                (true, _) => Scene::Desktop,
                (false, true) => Scene::Refused,
                (false, false) => Scene::Logon,
            };
        }
        let licence = [&LICENCE.to_le_bytes()[..], &[0, 0], &share::licence()].concat();
        self.send(&wire::indication(&licence), out);
        let (desktop, first) = Desktop::open(scene, self.screen);
        self.desktop = Some(Box::new(desktop));
        self.indicate(first, out);
    }
}
