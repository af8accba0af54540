//! Files that go into a container and come out of it (`docker cp`), images made of a Dockerfile (`docker build`), and events. What is put in lies
//! on the machine behind the logins, kept for the visitor; what `RUN` says runs there. Requests and words: Docker Engine API; the classic builder.

use std::io::Read as _;

use flate2::read::MultiGzDecoder;

use super::super::SiteAnswer;
use super::super::say::{answer, cut, digits, machine, query, runs, says};
use super::images::image_id;
use super::shown::{empty, fault, missing, note, quoted, with_tag};
use super::{Daemon, JSON};
use crate::http::rules::base64;
use crate::http::run::{Keeper, Run};
use crate::machine::Machine;

/// Bytes of an archive that is unpacked.
const UNPACKED: u64 = 64 * 1024;
/// Steps of a Dockerfile that are read.
const STEPS: usize = 64;
/// How long who waits for events is kept.
const EVENTS: std::time::Duration = std::time::Duration::from_secs(15);
/// How long the steps of a build may take.
const BUILD: std::time::Duration = std::time::Duration::from_secs(15);

/// An archive as a client sends it, packed or not.
fn unpacked(sent: &[u8]) -> Vec<u8> {
    if !sent.starts_with(&[0x1f, 0x8b]) {
        return sent.to_vec();
    }
    let mut plain = Vec::new();
    // What was cut off in the middle is read as far as it goes.
    let _ = MultiGzDecoder::new(sent).take(UNPACKED).read_to_end(&mut plain);
    plain
}

/// Names and contents of the files in an archive (POSIX.1, ustar), as far as it is whole.
pub(super) fn members(mut rest: &[u8]) -> Vec<(String, &[u8])> {
    const BLOCK: usize = 512;
    let mut members = Vec::new();
    while let Some((head, after)) = rest.split_at_checked(BLOCK) {
        let text = |from: usize, to: usize| {
            let field = head.get(from..to).unwrap_or_default();
            let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
            String::from_utf8_lossy(&field[..end]).into_owned()
        };
        let name = text(0, 100);
        if name.is_empty() || members.len() >= STEPS {
            break;
        }
        let size = usize::from_str_radix(text(124, 136).trim(), 8).unwrap_or(0);
        let whole = size.checked_next_multiple_of(BLOCK).unwrap_or(usize::MAX);
        members.push((name, after.get(..size.min(after.len())).unwrap_or_default()));
        rest = after.get(whole..).unwrap_or_default();
    }
    members
}

impl Daemon<'_> {
    /// The places where a container sees the whole machine; `None` where there is no such container.
    fn mounts(&self, id: &str) -> Option<Vec<String>> {
        let own = self.own(|own| own.container(id).map(|one| one.binds.clone()));
        let binds = own.or_else(|| self.host(id).map(|_| Vec::new()))?;
        let of_root = binds.iter().filter_map(|bind| bind.strip_prefix("/:"));
        Some(of_root.map(|at| at.split(':').next().unwrap_or_default().to_owned()).collect())
    }

    fn path(&self) -> Option<String> {
        query(self.request, "path")
            .filter(|path| !path.is_empty())
            .map(|path| cut(&path, 1_024).to_owned())
    }

    /// `docker cp CONTAINER:PATH -`, and `docker cp - CONTAINER:PATH`.
    pub(super) fn archive(&self, id: &str) -> SiteAnswer {
        let Some(mounts) = self.mounts(id) else { return missing(id) };
        let Some(path) = self.path() else {
            return fault(400, "bad parameter: path cannot be empty");
        };
        let (machine, keeper) = machine(self.scene, "root", "containerd-shim");
        mounts.iter().for_each(|at| machine.mount_root(at.as_bytes()));
        machine.begin_in(b"/");
        let path = format!("/{}", path.trim_start_matches('/'));
        let plain = path.trim_end_matches('/');
        let (folder, name) = plain.rsplit_once('/').unwrap_or(("", plain));
        let details = vec![note(
            "container copy",
            &format!("{} {}:{path}", self.request.method, cut(id, 12)),
        )];
        if self.request.method == "PUT" {
            return SiteAnswer { details, ..self.put_archive((machine, keeper), &path) };
        }
        let content = machine.files().read(plain.as_bytes(), 0, 1);
        let is_folder = plain.is_empty() || machine.files().list(plain.as_bytes()).is_ok();
        if content.is_err() && !is_folder {
            return SiteAnswer {
                details,
                ..fault(
                    404,
                    &format!("Could not find the file {path} in container {}", cut(id, 128)),
                )
            };
        }
        let stat = format!(
            "{{\"name\":{},\"size\":4096,\"mode\":{},\"mtime\":\"{}\",\"linkTarget\":\"\"}}",
            quoted(name),
            if is_folder { 2_147_484_141_u32 } else { 420 },
            self.scene.identity.set_up().rfc3339()
        );
        let stat = String::from_utf8_lossy(&base64(stat.as_bytes())).into_owned();
        let field = ("X-Docker-Container-Path-Stat".to_owned(), stat);
        if self.request.method == "HEAD" {
            let mut said = answer(200, "", Vec::new());
            said.fields.push(field);
            return SiteAnswer { details, ..says(said) };
        }
        let (folder, name) = (
            if folder.is_empty() { "/" } else { folder },
            if name.is_empty() { "." } else { name },
        );
        let command = format!("tar -cf - -C {} {}", shell_word(folder), shell_word(name));
        let run = Run::command(
            (machine, keeper),
            command.as_bytes(),
            self.scene.now,
            200,
            move |printed| {
                let mut said = answer(200, "application/x-tar", printed.output);
                said.fields.push(field);
                said
            },
        );
        SiteAnswer { details, ..runs(run) }
    }

    /// Unpacks what was sent on the container's machine.
    fn put_archive(&self, (machine, keeper): (Machine, Keeper), path: &str) -> SiteAnswer {
        let archive = "/tmp/.docker-archive";
        let files = machine.files();
        let sent = unpacked(self.request.subject.sent());
        let put = files
            .create(archive.as_bytes(), true, 0o600)
            .and_then(|()| files.write(archive.as_bytes(), 0, &sent));
        if put.is_err() {
            return fault(500, "no space left on device");
        }
        let command = format!("tar -xf {archive} -C {}; rm -f {archive}", shell_word(path));
        let run = Run::command((machine, keeper), command.as_bytes(), self.scene.now, 200, |_| {
            answer(200, "", Vec::new())
        });
        runs(run)
    }

    /// `docker build`: each `RUN` is run, the image is there afterwards.
    pub(super) fn build(&self) -> SiteAnswer {
        let sent = unpacked(self.request.subject.sent());
        let named = query(self.request, "dockerfile").unwrap_or_else(|| "Dockerfile".to_owned());
        let files = members(&sent);
        let found = files.iter().find(|(name, _)| name.trim_start_matches("./") == named);
        let Some((_, text)) = found else {
            let message = format!("Cannot locate specified Dockerfile: {}", cut(&named, 128));
            return fault(500, &message);
        };
        let text = String::from_utf8_lossy(text).replace("\\\n", " ");
        let lines =
            text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let steps: Vec<String> =
            lines.take(STEPS).map(|line| cut(line, 1_024).to_owned()).collect();
        let details = vec![note("image build", &steps.join("; "))];
        let tag = query(self.request, "t").filter(|tag| !tag.is_empty()).map(|tag| with_tag(&tag));
        let image = tag.clone().unwrap_or_else(|| digits(self.scene, "docker build", 12));
        let is_run = |word: &str| word.eq_ignore_ascii_case("run");
        let ran =
            steps.iter().filter_map(|step| step.split_once(' ').filter(|(word, _)| is_run(word)));
        let command: Vec<&str> = ran.map(|(_, command)| command.trim()).collect();
        let command = command.join(" && ");
        let (identity, source, now) =
            (self.scene.identity.clone(), self.scene.visit.source, self.scene.now);
        let finish = move |output: &[u8]| {
            identity.containers().with(source, now, |own| own.add_image(image.clone()));
            answer(200, JSON, told(&steps, output, &image, tag.as_deref()))
        };
        if command.is_empty() {
            return SiteAnswer { details, ..says(finish(b"")) };
        }
        let (machine, keeper) = machine(self.scene, "root", "containerd-shim");
        machine.begin_in(b"/");
        let run = Run::command((machine, keeper), command.as_bytes(), now, 200, move |printed| {
            finish(&printed.output)
        });
        SiteAnswer { class: "command-injection", details, ..runs(run.within(BUILD)) }
    }

    /// Nothing happens while somebody listens.
    pub(super) fn events(&self) -> SiteAnswer {
        match query(self.request, "until") {
            Some(_) => says(answer(200, JSON, Vec::new())),
            None => runs(Run::after(EVENTS, self.scene.now, answer(200, JSON, Vec::new()))),
        }
    }

    /// `docker diff`, `docker top` and `docker stats` of a container in which little happens.
    pub(super) fn changes(&self, id: &str) -> SiteAnswer {
        match self.mounts(id) {
            Some(_) => says(answer(200, JSON, b"null\n".to_vec())),
            None => missing(id),
        }
    }

    pub(super) fn rename(&self, id: &str) -> SiteAnswer {
        let name = query(self.request, "name").unwrap_or_default();
        let renamed = self.own(|own| {
            let container = own.container(id)?;
            container.name = cut(name.trim_start_matches('/'), 128).to_owned();
            Some(())
        });
        if renamed.is_some() { empty(204) } else { missing(id) }
    }
}

/// One word for the shell.
fn shell_word(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// What the builder says.
fn told(steps: &[String], output: &[u8], image: &str, tag: Option<&str>) -> Vec<u8> {
    let id = image_id(image);
    let mut text = String::new();
    let mut say = |line: &str| text.push_str(&format!("{{\"stream\":{}}}\r\n", quoted(line)));
    let last = steps.iter().rposition(|step| step.to_ascii_uppercase().starts_with("RUN "));
    for (place, step) in steps.iter().enumerate() {
        say(&format!("Step {}/{} : {step}", place + 1, steps.len()));
        say("\n");
        if last == Some(place) {
            for line in String::from_utf8_lossy(output).split_inclusive('\n') {
                say(line);
            }
        }
        say(&format!(" ---\u{003e} {}\n", &image_id(&format!("{image} {place}"))[..12]));
    }
    text.push_str(&format!("{{\"aux\":{{\"ID\":\"sha256:{id}\"}}}}\r\n"));
    let mut say = |line: &str| text.push_str(&format!("{{\"stream\":{}}}\r\n", quoted(line)));
    say(&format!("Successfully built {}\n", &id[..12]));
    if let Some(tag) = tag {
        say(&format!("Successfully tagged {tag}\n"));
    }
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_read_as_far_as_it_is_whole() {
        let mut head = vec![0; 512];
        head[..10].copy_from_slice(b"Dockerfile");
        head[124..135].copy_from_slice(b"00000000005");
        let mut body = b"FROM x".to_vec();
        body.resize(512, 0);
        let archive = [head.clone(), body, head].concat();
        let found = members(&archive);
        assert_eq!(found[0], ("Dockerfile".to_owned(), &b"FROM "[..]));
        assert_eq!(found[1], ("Dockerfile".to_owned(), &b""[..]), "cut off");
        (0..archive.len()).for_each(|end| drop(members(&archive[..end])));
    }
}
