//! PowerShell remoting ([MS-PSRP]) as far as a client needs it that opens a runspace and runs scripts (evil-winrm, NetExec, pypsrp, Enter-PSSession's
//! beginning): messages in fragments, objects in CLIXML. A pipeline's commands are read for the script that they come to.

use super::soap::{escaped, unescaped};

/// Bytes of a message that is put together of fragments.
const LONGEST: usize = 96 * 1024;
/// Bytes of messages that one pipeline's output comes to; lines past it are left out.
const LONGEST_OUTPUT: usize = 56 * 1024;
/// Characters of an error.
const LONGEST_ERROR: usize = 1_024;
/// Commands of a pipeline.
const MOST_COMMANDS: usize = 16;

/// Kinds of messages (2.2.1).
const SESSION_CAPABILITY: u32 = 0x0001_0002;
const RUNSPACE_STATE: u32 = 0x0002_1005;
pub(super) const CREATE_PIPELINE: u32 = 0x0002_1006;
const PRIVATE_DATA: u32 = 0x0002_1009;
pub(super) const PIPELINE_INPUT: u32 = 0x0004_1002;
pub(super) const END_OF_INPUT: u32 = 0x0004_1003;
const PIPELINE_OUTPUT: u32 = 0x0004_1004;
const ERROR_RECORD: u32 = 0x0004_1005;
const PIPELINE_STATE: u32 = 0x0004_1006;

/// Bytes of a fragment's head and of a message's.
const FRAGMENT: usize = 21;
const HEAD: usize = 40;

/// A message of a client's.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) kind: u32,
    /// The runspace's number and the pipeline's, as they stand in the message.
    pub(super) numbers: [u8; 32],
    pub(super) data: String,
}

/// Puts messages together of fragments.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    held: Vec<u8>,
    /// The message was too long: what is left of it goes by.
    skips: bool,
}

impl Fragments {
    /// Takes fragments; the messages that are whole with them.
    pub(super) fn push(&mut self, mut bytes: &[u8]) -> Vec<Message> {
        let mut messages = Vec::new();
        while let Some((head, rest)) = bytes.split_first_chunk::<FRAGMENT>() {
            let (flags, length) = (head[16], [head[17], head[18], head[19], head[20]]);
            let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
            let Some((blob, rest)) = rest.split_at_checked(length) else { break };
            bytes = rest;
            if flags & 1 != 0 {
                self.held.clear();
                self.skips = false;
            }
            self.skips |= self.held.len() + blob.len() > LONGEST;
            if !self.skips {
                self.held.extend_from_slice(blob);
            }
            if flags & 2 != 0 {
                let whole = std::mem::take(&mut self.held);
                messages.extend(Message::read(&whole).filter(|_| !self.skips));
            }
        }
        messages
    }

    pub(super) fn memory(&self) -> usize {
        self.held.len()
    }
}

impl Message {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (head, data) = bytes.split_first_chunk::<HEAD>()?;
        let kind = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        let numbers = std::array::from_fn(|at| head[8 + at]);
        let data = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data);
        Some(Self { kind, numbers, data: String::from_utf8_lossy(data).into_owned() })
    }

    /// The script that a pipeline comes to.
    pub(super) fn script(&self) -> String {
        let mut statements: Vec<String> = Vec::new();
        for command in commands(&self.data) {
            match command.name.to_ascii_lowercase().as_str() {
                // What only shows what went before.
                "out-string" | "out-default" | "out-null" | "merge-output" => {}
                "invoke-expression" | "iex" if !command.values.is_empty() => {
                    statements.push(command.values[0].clone());
                }
                _ if command.is_script => statements.push(command.name),
                _ => {
                    let given = std::iter::once(command.name).chain(command.values);
                    statements.push(given.collect::<Vec<_>>().join(" "));
                }
            }
        }
        statements.join("; ")
    }

    /// Whether input comes for the pipeline before it begins.
    pub(super) fn waits_for_input(&self) -> bool {
        self.data.contains("<B N=\"NoInput\">false</B>")
    }

    /// The text or bytes of an input: of an object the first string in it.
    pub(super) fn input(&self) -> Vec<u8> {
        let part = ["<S>", "<BA>"].iter().find_map(|tag| self.data.split_once(tag));
        let text = part.and_then(|(_, rest)| rest.split('<').next()).unwrap_or_default();
        let bytes = crate::http::decode_base64(text.as_bytes()).filter(|_| !text.is_empty());
        bytes.unwrap_or_else(|| plain(text).into_bytes())
    }
}

#[derive(Debug, Default)]
struct Command {
    name: String,
    is_script: bool,
    /// Names of parameters and their values, in order.
    values: Vec<String>,
}

/// The commands of a pipeline (2.2.2.10, 2.2.3.12), read by the names of their properties.
fn commands(data: &str) -> Vec<Command> {
    let mut commands: Vec<Command> = Vec::new();
    for piece in data.split('<').skip(1) {
        let Some((tag, text)) = piece.split_once('>') else { continue };
        let named = |name: &str| tag.ends_with(name) || tag.ends_with(&name.replace('"', "'"));
        if named("S N=\"Cmd\"") && commands.len() < MOST_COMMANDS {
            commands.push(Command { name: plain(text), ..Command::default() });
        }
        let Some(last) = commands.last_mut() else { continue };
        if named("B N=\"IsScript\"") {
            last.is_script = text == "true";
        } else if named("S N=\"N\"") && last.values.len() < MOST_COMMANDS {
            let name = plain(text);
            let name = name.trim_start_matches('-');
            // The parameter that a value belongs to says nothing of Invoke-Expression's.
            if !name.eq_ignore_ascii_case("command") && !name.trim_end_matches(':').is_empty() {
                last.values.push(format!("-{name}"));
            }
        } else if tag.ends_with("N=\"V\"") && !text.is_empty() && last.values.len() < MOST_COMMANDS
        {
            last.values.push(plain(text));
        }
    }
    commands
}

/// A string of CLIXML: `_x000A_` is a line's end (2.2.5.3.2).
fn plain(text: &str) -> String {
    let text = unescaped(text);
    let mut whole = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once("_x") {
        whole.push_str(before);
        let digits = after.get(..4).filter(|_| after.as_bytes().get(4) == Some(&b'_'));
        let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        match number.and_then(char::from_u32) {
            Some(letter) => {
                whole.push(letter);
                rest = &after[5..];
            }
            None => {
                whole.push_str("_x");
                rest = after;
            }
        }
    }
    whole.push_str(rest);
    whole
}

fn clixml(text: &str) -> String {
    let mut safe = String::new();
    for letter in text.replace("_x", "_x005F_x").chars() {
        if letter < ' ' && letter != '\t' {
            safe.push_str(&format!("_x{:04X}_", u32::from(letter)));
        } else {
            safe.push(letter);
        }
    }
    escaped(&safe)
}

/// What goes to the client, as fragments with numbers of its own.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    given: u64,
}

impl Outgoing {
    /// A message in one fragment.
    fn message(&mut self, kind: u32, numbers: &[u8; 32], data: &str) -> Vec<u8> {
        self.given += 1;
        let length = u32::try_from(HEAD + 3 + data.len()).unwrap_or(0).to_be_bytes();
        let mut bytes = [&self.given.to_be_bytes()[..], &[0; 8], &[3], &length].concat();
        // To the client.
        bytes.extend(1_u32.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend(numbers);
        bytes.extend(b"\xef\xbb\xbf");
        bytes.extend(data.as_bytes());
        bytes
    }

    /// What a runspace that was opened says: what it can, its own table of versions, that it is open.
    pub(super) fn opened(&mut self, numbers: &[u8; 32], release: (&str, u16)) -> Vec<u8> {
        let pool: [u8; 32] = std::array::from_fn(|at| if at < 16 { numbers[at] } else { 0 });
        let (version, build) = release;
        let capability = "<Obj RefId=\"0\"><MS><Version N=\"protocolversion\">2.2</Version><Version N=\"PSVersion\">2.0</Version><Version N=\"SerializationVersion\">1.1.0.1</Version></MS></Obj>";
        let version = if version.matches('.').count() == 1 {
            format!("{version}.{build}.0")
        } else {
            version.to_owned()
        };
        let private = format!(
            "<Obj RefId=\"0\"><MS><Obj N=\"ApplicationPrivateData\" RefId=\"1\"><TN RefId=\"0\"><T>System.Management.Automation.PSPrimitiveDictionary</T><T>System.Collections.Hashtable</T><T>System.Object</T></TN><DCT><En><S N=\"Key\">PSVersionTable</S><Obj N=\"Value\" RefId=\"2\"><TNRef RefId=\"0\" /><DCT><En><S N=\"Key\">PSVersion</S><Version N=\"Value\">{version}</Version></En><En><S N=\"Key\">PSRemotingProtocolVersion</S><Version N=\"Value\">2.2</Version></En><En><S N=\"Key\">SerializationVersion</S><Version N=\"Value\">1.1.0.1</Version></En></DCT></Obj></En></DCT></Obj></MS></Obj>"
        );
        let state = "<Obj RefId=\"0\"><MS><I32 N=\"RunspaceState\">2</I32></MS></Obj>";
        [
            self.message(SESSION_CAPABILITY, &pool, capability),
            self.message(PRIVATE_DATA, &pool, &private),
            self.message(RUNSPACE_STATE, &pool, state),
        ]
        .concat()
    }

    /// What a pipeline printed, line by line, what went wrong, and that it is over.
    pub(super) fn ran(&mut self, numbers: &[u8; 32], output: &str, errors: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        for line in output.lines() {
            if bytes.len() + line.len() > LONGEST_OUTPUT {
                break;
            }
            let data = format!("<S>{}</S>", clixml(line));
            bytes.extend(self.message(PIPELINE_OUTPUT, numbers, &data));
        }
        let errors = errors.trim();
        if !errors.is_empty() {
            let errors: String = errors.chars().take(LONGEST_ERROR).collect();
            bytes.extend(self.message(ERROR_RECORD, numbers, &error_record(&errors)));
        }
        // Completed.
        let state = "<Obj RefId=\"0\"><MS><I32 N=\"PipelineState\">4</I32></MS></Obj>";
        bytes.extend(self.message(PIPELINE_STATE, numbers, state));
        bytes
    }
}

/// An error (2.2.3.15) of PowerShell's own text: what stands before the place where it happened, and its identifier where the text has one.
fn error_record(text: &str) -> String {
    let message = clixml(text.split("\r\nAt line:").next().unwrap_or(text));
    let identifier = text.split_once("FullyQualifiedErrorId : ").map(|(_, rest)| rest);
    let identifier = identifier.and_then(|rest| rest.lines().next());
    let identifier = clixml(identifier.unwrap_or("NativeCommandError").trim());
    format!(
        "<Obj RefId=\"0\"><TN RefId=\"0\"><T>System.Management.Automation.ErrorRecord</T><T>System.Object</T></TN><ToString>{message}</ToString><MS><Obj N=\"Exception\" RefId=\"1\"><TN RefId=\"1\"><T>System.Management.Automation.RemoteException</T><T>System.Management.Automation.RuntimeException</T><T>System.SystemException</T><T>System.Exception</T><T>System.Object</T></TN><ToString>{message}</ToString><Props><S N=\"Message\">{message}</S></Props></Obj><Nil N=\"TargetObject\" /><S N=\"FullyQualifiedErrorId\">{identifier}</S><Nil N=\"InvocationInfo\" /><I32 N=\"ErrorCategory_Category\">0</I32><S N=\"ErrorCategory_Activity\"></S><S N=\"ErrorCategory_Reason\">RemoteException</S><S N=\"ErrorCategory_TargetName\"></S><S N=\"ErrorCategory_TargetType\"></S><S N=\"ErrorCategory_Message\">NotSpecified: (:) [], RemoteException</S><B N=\"SerializeExtendedInfo\">false</B></MS></Obj>"
    )
}

#[cfg(test)]
pub(super) fn client_message(kind: u32, data: &str) -> Vec<u8> {
    Outgoing::default().message(kind, &[7; 32], data)
}

/// What a client asks for that runs a script and wants its text.
#[cfg(test)]
pub(super) fn client_pipeline(script: &str) -> Vec<u8> {
    let data = format!(
        "<Obj RefId=\"0\"><MS><B N=\"NoInput\">true</B><Obj N=\"PowerShell\" RefId=\"1\"><MS><Obj N=\"Cmds\" RefId=\"2\"><LST><Obj RefId=\"3\"><MS><S N=\"Cmd\">Invoke-Expression</S><B N=\"IsScript\">false</B><Obj N=\"Args\" RefId=\"4\"><LST><Obj RefId=\"5\"><MS><S N=\"N\">-Command</S><S N=\"V\">{}</S></MS></Obj></LST></Obj></MS></Obj><Obj RefId=\"6\"><MS><S N=\"Cmd\">Out-String</S><B N=\"IsScript\">false</B><Obj N=\"Args\" RefId=\"7\"><LST><Obj RefId=\"8\"><MS><S N=\"N\">-Stream</S><Nil N=\"V\"/></MS></Obj></LST></Obj></MS></Obj></LST></Obj></MS></Obj></MS></Obj>",
        clixml(script)
    );
    client_message(CREATE_PIPELINE, &data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipeline_in_fragments_is_the_script_that_was_typed() {
        let script = "echo \"a_x0041_b\"\r\nwhoami /all & <x>";
        let bytes = client_pipeline(script);
        let mut fragments = Fragments::default();
        // The same message in three fragments.
        let blob = &bytes[FRAGMENT..];
        let mut read = Vec::new();
        for (flags, part) in [(1, &blob[..7]), (0, &blob[7..90]), (2, &blob[90..])] {
            let length = u32::try_from(part.len()).unwrap().to_be_bytes();
            let head = [&[0; 16][..], &[flags], &length].concat();
            read.extend(fragments.push(&[&head[..], part].concat()));
        }
        assert_eq!(read.len(), 1);
        assert_eq!((read[0].kind, read[0].script().as_str()), (CREATE_PIPELINE, script));
    }

    #[test]
    fn what_is_too_long_or_lies_about_its_length_is_no_message() {
        let mut fragments = Fragments::default();
        let mut bytes = client_message(PIPELINE_INPUT, "<S>a</S>");
        bytes[17] = 255;
        assert!(fragments.push(&bytes).is_empty());
        let long = client_message(PIPELINE_INPUT, &"a".repeat(LONGEST));
        assert!(fragments.push(&long).is_empty() && fragments.memory() <= LONGEST);
        assert_eq!(
            fragments.push(&client_message(PIPELINE_INPUT, "<S>a b</S>"))[0].input(),
            b"a b"
        );
    }
}
