//! WS-Management's messages as far as a shell needs them (DSP0226; [MS-WSMV], 3.1.4): read in one pass by the names of their elements, whatever
//! the prefix, and written as Windows writes them.

use crate::windows::{Windows, WindowsRelease};

/// Bytes of an envelope: what `MaxEnvelopeSizekb` says, of which clients make their fragments.
pub(super) const LONGEST_ENVELOPE: usize = 150 * 1024;
/// Bytes of a short text: numbers, names, addresses.
const LONGEST_NAME: usize = 512;
/// Arguments of a command, and streams of a message.
const MOST: usize = 16;

const ACTIONS: &str = "http://schemas.xmlsoap.org/ws/2004/09/transfer/";
pub(super) const SHELL: &str = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell";
const FAULTS: &str = "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault";
const FAULT: &str = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault";

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Action {
    Identify,
    Create,
    Command,
    Receive,
    Send,
    Signal,
    Delete,
    Get,
    #[default]
    Other,
}

impl Action {
    fn of(text: &str) -> Self {
        let shell = text.strip_prefix(SHELL).and_then(|rest| rest.strip_prefix('/'));
        let transfer = text.strip_prefix(ACTIONS);
        match (shell, transfer) {
            (Some("Command"), _) => Self::Command,
            (Some("Receive"), _) => Self::Receive,
            (Some("Send"), _) => Self::Send,
            (Some("Signal"), _) => Self::Signal,
            (_, Some("Create")) => Self::Create,
            (_, Some("Delete")) => Self::Delete,
            (_, Some("Get")) => Self::Get,
            _ => Self::Other,
        }
    }
}

/// What a message says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) action: Action,
    /// The action's own address.
    pub(super) address: String,
    pub(super) number: String,
    pub(super) resource: String,
    /// The shell that it is for, or that it wants to make.
    pub(super) shell: String,
    /// The command that it is for, or that it wants to start.
    pub(super) command: String,
    pub(super) line: String,
    pub(super) arguments: Vec<String>,
    /// What goes to a command's input, in base64.
    pub(super) streams: Vec<String>,
    /// What a shell of PowerShell is opened with, in base64.
    pub(super) opening: String,
    /// A question in WQL.
    pub(super) filter: String,
    /// Seconds that the client would wait.
    pub(super) patience: u64,
}

/// One tag that opens: its name without prefix, its attributes, the text up to the next tag.
struct Tag<'a> {
    name: &'a str,
    attributes: &'a str,
    text: &'a str,
}

/// All tags that open, in order.
fn tags(text: &str) -> impl Iterator<Item = Tag<'_>> {
    text.split('<').skip(1).filter_map(|piece| {
        let (tag, text) = piece.split_once('>')?;
        if tag.starts_with(['/', '?', '!']) {
            return None;
        }
        let tag = tag.trim_end_matches('/');
        let (name, attributes) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
        let name = name.rsplit(':').next().unwrap_or(name);
        Some(Tag { name, attributes, text })
    })
}

impl Tag<'_> {
    fn attribute(&self, name: &str) -> Option<String> {
        let mut rest = self.attributes;
        while let Some((before, after)) = rest.split_once('=') {
            let own = before.trim().rsplit(':').next().unwrap_or_default();
            let after = after.trim_start();
            let quote = after.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
            let (value, behind) = after[1..].split_once(quote)?;
            if own == name {
                return Some(short(value));
            }
            rest = behind;
        }
        None
    }
}

fn short(text: &str) -> String {
    unescaped(text.trim()).chars().take(LONGEST_NAME).collect()
}

impl Message {
    pub(super) fn read(text: &str) -> Self {
        let mut message = Self::default();
        for tag in tags(text) {
            let set = |place: &mut String, value: Option<String>| {
                if let Some(value) = value.filter(|value| place.is_empty() && !value.is_empty()) {
                    *place = value;
                }
            };
            let content = || Some(short(tag.text));
            match tag.name {
                "Identify" => message.action = Action::Identify,
                "Action" => {
                    set(&mut message.address, content());
                    message.action = Action::of(&message.address);
                }
                "MessageID" => set(&mut message.number, content()),
                "ResourceURI" => set(&mut message.resource, content()),
                "OperationTimeout" => message.patience = seconds(tag.text),
                "Selector" => {
                    let is_shell = tag.attribute("Name").is_some_and(|name| name == "ShellId");
                    set(&mut message.shell, content().filter(|_| is_shell));
                }
                "Shell" => set(&mut message.shell, tag.attribute("ShellId")),
                "CommandLine" | "Signal" | "DesiredStream" => {
                    set(&mut message.command, tag.attribute("CommandId"));
                }
                "Command" if message.line.is_empty() => message.line = unescaped(tag.text.trim()),
                "Arguments" if message.arguments.len() < MOST => {
                    message.arguments.push(unescaped(tag.text.trim()));
                }
                "Stream" if message.streams.len() < MOST => {
                    set(&mut message.command, tag.attribute("CommandId"));
                    message.streams.push(tag.text.trim().to_owned());
                }
                "creationXml" => tag.text.trim().clone_into(&mut message.opening),
                "Filter" | "Query" => set(&mut message.filter, content()),
                _ => {}
            }
        }
        message
    }

    /// The command with its arguments.
    pub(super) fn whole_line(&self) -> String {
        // Some put quotes around a name with blanks; cmd.exe is given the rest as it is.
        [std::slice::from_ref(&self.line), &self.arguments].concat().join(" ").trim().to_owned()
    }

    pub(super) fn is_for_powershell(&self) -> bool {
        self.resource.contains("/powershell/")
    }
}

/// Seconds of `PT60.000S`; nothing else is asked for in practice.
fn seconds(text: &str) -> u64 {
    let text = text.trim().strip_prefix("PT").and_then(|text| text.strip_suffix('S'));
    text.and_then(|text| text.split('.').next()?.parse().ok()).unwrap_or(60)
}

pub(super) fn unescaped(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let mut parts = text.split('&');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once(';').unwrap_or(("", part));
        let number = name.strip_prefix("#x").map_or_else(
            || name.strip_prefix('#').and_then(|digits| digits.parse().ok()),
            |digits| u32::from_str_radix(digits, 16).ok(),
        );
        let letter = match name {
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            "amp" => Some('&'),
            _ => number.and_then(char::from_u32),
        };
        match letter {
            Some(letter) => {
                plain.push(letter);
                plain.push_str(rest);
            }
            None => {
                plain.push('&');
                plain.push_str(part);
            }
        }
    }
    plain
}

pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            // XML 1.0 has no other.
            letter if letter < ' ' && !matches!(letter, '\t' | '\r' | '\n') => {}
            letter => safe.push(letter),
        }
    }
    safe
}

/// Who the service is: to those who did not say who they are, less.
pub(super) fn identity(windows: &Windows, known: bool) -> String {
    let stack = if windows.release == WindowsRelease::Server2008R2 { "2.0" } else { "3.0" };
    let (major, minor, build) = windows.release.version();
    let pack = if windows.release == WindowsRelease::Server2008R2 { "1.0" } else { "0.0" };
    let system = if known {
        format!("OS: {major}.{minor}.{build} SP: {pack}")
    } else {
        "OS: 0.0.0 SP: 0.0".to_owned()
    };
    format!(
        "<s:Envelope xml:lang=\"en-US\" xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\"><s:Header/><s:Body><wsmid:IdentifyResponse xmlns:wsmid=\"http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd\"><wsmid:ProtocolVersion>http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd</wsmid:ProtocolVersion><wsmid:ProductVendor>Microsoft Corporation</wsmid:ProductVendor><wsmid:ProductVersion>{system} Stack: {stack}</wsmid:ProductVersion></wsmid:IdentifyResponse></s:Body></s:Envelope>"
    )
}

/// An answer to a message of this number, with its own.
fn envelope(action: &str, (number, own): (&str, &str), body: &str) -> String {
    let related = escaped(number);
    format!(
        "<s:Envelope xml:lang=\"en-US\" xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" xmlns:x=\"http://schemas.xmlsoap.org/ws/2004/09/transfer\" xmlns:w=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\" xmlns:rsp=\"{SHELL}\" xmlns:p=\"http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd\"><s:Header><a:Action>{action}</a:Action><a:MessageID>uuid:{own}</a:MessageID><a:To>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:To><a:RelatesTo>{related}</a:RelatesTo></s:Header><s:Body>{body}</s:Body></s:Envelope>"
    )
}

/// What a new shell's answer says.
pub(super) struct Made<'a> {
    pub(super) shell: &'a str,
    pub(super) resource: &'a str,
    pub(super) owner: &'a str,
    pub(super) address: &'a str,
    pub(super) port: u16,
}

pub(super) fn created(numbers: (&str, &str), made: &Made<'_>) -> String {
    let Made { shell, resource, owner, address, port } = made;
    let (shell, resource, owner) = (escaped(shell), escaped(resource), escaped(owner));
    let scheme = if *port == 5986 { "https" } else { "http" };
    let streams = if resource.contains("/powershell/") {
        "<rsp:InputStreams>stdin pr</rsp:InputStreams><rsp:OutputStreams>stdout</rsp:OutputStreams>"
    } else {
        "<rsp:InputStreams>stdin</rsp:InputStreams><rsp:OutputStreams>stdout stderr</rsp:OutputStreams>"
    };
    let body = format!(
        "<x:ResourceCreated><a:Address>{scheme}://{address}:{port}/wsman</a:Address><a:ReferenceParameters><w:ResourceURI>{resource}</w:ResourceURI><w:SelectorSet><w:Selector Name=\"ShellId\">{shell}</w:Selector></w:SelectorSet></a:ReferenceParameters></x:ResourceCreated><rsp:Shell xmlns:rsp=\"{SHELL}\"><rsp:ShellId>{shell}</rsp:ShellId><rsp:ResourceUri>{resource}</rsp:ResourceUri><rsp:Owner>{owner}</rsp:Owner><rsp:ClientIP>{address}</rsp:ClientIP><rsp:IdleTimeOut>PT7200.000S</rsp:IdleTimeOut>{streams}<rsp:ShellRunTime>P0DT0H0M0S</rsp:ShellRunTime><rsp:ShellInactivity>P0DT0H0M0S</rsp:ShellInactivity></rsp:Shell>"
    );
    envelope(&format!("{ACTIONS}CreateResponse"), numbers, &body)
}

pub(super) fn commanded(numbers: (&str, &str), command: &str) -> String {
    let body = format!(
        "<rsp:CommandResponse><rsp:CommandId>{}</rsp:CommandId></rsp:CommandResponse>",
        escaped(command)
    );
    envelope(&format!("{SHELL}/CommandResponse"), numbers, &body)
}

/// What there is of a command's or a shell's output.
#[derive(Default)]
pub(super) struct Printed {
    /// Streams in base64, by name.
    pub(super) streams: Vec<(&'static str, String)>,
    /// The command's exit status, where it is over.
    pub(super) status: Option<i32>,
}

pub(super) fn received(numbers: (&str, &str), command: &str, printed: &Printed) -> String {
    let command = escaped(command);
    let of = if command.is_empty() { String::new() } else { format!(" CommandId=\"{command}\"") };
    let mut body = String::from("<rsp:ReceiveResponse>");
    for (name, content) in printed.streams.iter().filter(|(_, content)| !content.is_empty()) {
        body.push_str(&format!("<rsp:Stream Name=\"{name}\"{of}>{content}</rsp:Stream>"));
    }
    if let Some(status) = printed.status {
        for (name, _) in &printed.streams {
            body.push_str(&format!("<rsp:Stream Name=\"{name}\"{of} End=\"true\"></rsp:Stream>"));
        }
        body.push_str(&format!(
            "<rsp:CommandState{of} State=\"{SHELL}/CommandState/Done\"><rsp:ExitCode>{status}</rsp:ExitCode></rsp:CommandState>"
        ));
    } else if !command.is_empty() {
        body.push_str(&format!(
            "<rsp:CommandState{of} State=\"{SHELL}/CommandState/Running\"></rsp:CommandState>"
        ));
    }
    body.push_str("</rsp:ReceiveResponse>");
    envelope(&format!("{SHELL}/ReceiveResponse"), numbers, &body)
}

/// What has nothing to say but that it was done.
pub(super) fn done(action: Action, numbers: (&str, &str)) -> String {
    match action {
        Action::Signal => {
            envelope(&format!("{SHELL}/SignalResponse"), numbers, "<rsp:SignalResponse/>")
        }
        Action::Send => envelope(&format!("{SHELL}/SendResponse"), numbers, "<rsp:SendResponse/>"),
        _ => envelope(&format!("{ACTIONS}DeleteResponse"), numbers, ""),
    }
}

/// The service's settings, of which clients take how long an envelope may be.
pub(super) fn configuration(numbers: (&str, &str)) -> String {
    let body = format!(
        "<cfg:Config xmlns:cfg=\"http://schemas.microsoft.com/wbem/wsman/1/config\"><cfg:MaxEnvelopeSizekb>{}</cfg:MaxEnvelopeSizekb><cfg:MaxTimeoutms>60000</cfg:MaxTimeoutms><cfg:MaxBatchItems>32000</cfg:MaxBatchItems><cfg:Service><cfg:AllowUnencrypted>true</cfg:AllowUnencrypted><cfg:Auth><cfg:Basic>true</cfg:Basic><cfg:Kerberos>true</cfg:Kerberos><cfg:Negotiate>true</cfg:Negotiate><cfg:Certificate>false</cfg:Certificate><cfg:CredSSP>false</cfg:CredSSP></cfg:Auth></cfg:Service></cfg:Config>",
        LONGEST_ENVELOPE / 1024
    );
    envelope(&format!("{ACTIONS}GetResponse"), numbers, &body)
}

/// Why a message is refused: code, subcode of SOAP, what is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// No such shell or command.
    Selectors,
    /// Nothing came in time.
    TimedOut,
    Unsupported,
    NoSuchResource,
    TooMany,
}

impl Fault {
    const fn words(self) -> (u32, &'static str, &'static str) {
        match self {
            Self::Selectors => (
                2_150_858_843,
                "w:InvalidSelectors",
                "The request for the Windows Remote Shell with ShellId failed because the shell was not found on the server. Possible causes are: the specified ShellId is incorrect or the shell no longer exists on the server. Provide the correct ShellId or create a new shell and retry the operation. ",
            ),
            Self::TimedOut => (
                2_150_858_793,
                "w:TimedOut",
                "The WS-Management service cannot complete the operation within the time specified in OperationTimeout.  ",
            ),
            Self::Unsupported => (
                2_150_858_771,
                "a:ActionNotSupported",
                "The WS-Management service cannot process the request because the request contained an action that is not supported by the service. ",
            ),
            Self::NoSuchResource => (
                2_150_858_752,
                "a:DestinationUnreachable",
                "The WS-Management service cannot process the request. The service cannot find the resource identified by the resource URI and selectors. ",
            ),
            Self::TooMany => (
                2_150_859_174,
                "w:QuotaLimit",
                "The WS-Management service cannot process the request. The maximum number of concurrent shells for this user has been exceeded. Close existing shells or raise the quota for this user. ",
            ),
        }
    }
}

pub(super) fn fault(numbers: (&str, &str), fault: Fault, machine: &str) -> String {
    let (code, subcode, text) = fault.words();
    let side = if fault == Fault::TimedOut { "s:Receiver" } else { "s:Sender" };
    let body = format!(
        "<s:Fault><s:Code><s:Value>{side}</s:Value><s:Subcode><s:Value>{subcode}</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang=\"en-US\">{text}</s:Text></s:Reason><s:Detail><f:WSManFault xmlns:f=\"{FAULT}\" Code=\"{code}\" Machine=\"{}\"><f:Message>{text}</f:Message></f:WSManFault></s:Detail></s:Fault>",
        escaped(machine)
    );
    envelope(FAULTS, numbers, &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read_whatever_their_prefix() {
        let read = Message::read(&format!(
            "<?xml version=\"1.0\"?><e:Envelope><e:Header><wsa:Action e:mustUnderstand='true'>{SHELL}/Command</wsa:Action><MessageID>uuid:1</MessageID><w:SelectorSet><w:Selector Name=\"ShellId\">A</w:Selector></w:SelectorSet><w:OperationTimeout>PT20.000S</w:OperationTimeout></e:Header><e:Body><rsp:CommandLine CommandId=\"B\"><rsp:Command>powershell</rsp:Command><rsp:Arguments>-enc</rsp:Arguments><rsp:Arguments>QQ&amp;A=&#x20AC;&nbsp;</rsp:Arguments></rsp:CommandLine></e:Body></e:Envelope>"
        ));
        assert_eq!(
            (read.action, read.whole_line()),
            (Action::Command, "powershell -enc QQ&A=€&nbsp;".into())
        );
        let texts = [read.number, read.shell, read.command];
        assert_eq!((texts, read.patience), (["uuid:1", "A", "B"].map(str::to_owned), 20));
    }

    #[test]
    fn what_is_answered_is_read_again_whatever_is_in_it() {
        let hostile = "\"/><x>&\u{1}";
        let text = commanded((hostile, "1"), hostile);
        assert!(text.contains("<a:RelatesTo>&quot;/&gt;&lt;x&gt;&amp;</a:RelatesTo>"), "{text}");
        assert_eq!(unescaped(&escaped(hostile)), "\"/><x>&");
    }

    #[test]
    fn texts_that_are_no_message_say_nothing() {
        for text in [
            "",
            "<",
            "<<<>>>",
            "</a>",
            "<a:",
            "<Selector Name=>",
            "<Selector Name='>",
            "&#xffffffff;",
        ] {
            let read = Message::read(text);
            assert_eq!(read.action, Action::Other, "{text}");
        }
    }
}
