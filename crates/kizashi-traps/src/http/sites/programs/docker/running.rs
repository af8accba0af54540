//! Containers that run: started, waited for, read and stopped, and further commands in them. A command runs once, whoever waits for it first.

use std::time::Duration;

use super::super::SiteAnswer;
use super::super::containers::{Container, Exec, State};
use super::super::say::{answer, cut, digits, is_set, line, machine, query, runs, says, words};
use super::shown::{empty, fault, framed, json, missing, note, quoted, stream};
use super::{Daemon, JSON, NAME};
use crate::http::rules::RuleAnswer;
use crate::http::run::Run;

/// How long who starts a container is kept waiting for its command; what goes on then is a container that runs.
const START: Duration = Duration::from_secs(6);
/// The same for who waits for its output or its end.
const OUTPUT: Duration = Duration::from_secs(15);

impl Daemon<'_> {
    /// Runs a container's command; what it printed is kept with it, and the answer is made of it.
    pub(super) fn run(
        &self,
        container: &Container,
        (patience, status): (Duration, u16),
        finish: impl FnOnce(Option<&Container>) -> RuleAnswer + Send + 'static,
    ) -> SiteAnswer {
        let (machine, keeper) = machine(self.scene, "root", "containerd-shim");
        for bind in &container.binds {
            let mut halves = bind.split(':');
            if let (Some("/"), Some(at)) = (halves.next(), halves.next()) {
                machine.mount_root(at.as_bytes());
            }
        }
        machine.begin_in(b"/");
        let (id, scene) = (container.id.clone(), self.scene);
        let (identity, source, now) = (scene.identity.clone(), scene.visit.source, scene.now);
        let run = Run::command(
            (machine, keeper),
            line(&container.words).as_bytes(),
            now,
            status,
            move |printed| {
                let ran = identity.containers().with(source, now, |own| {
                    let container = own.container(&id)?;
                    container.ran(printed.exit, &printed.output, now.seconds());
                    Some(container.clone())
                });
                finish(ran.as_ref())
            },
        );
        runs(run.within(patience))
    }

    pub(super) fn start(&self, id: &str) -> SiteAnswer {
        let found = self.own(|own| {
            let container = own.container(id)?;
            let ahead = std::mem::take(&mut container.ahead);
            Some((container.clone(), ahead))
        });
        match found {
            Some((_, true)) => empty(204),
            Some((container, _)) if container.is_running() => empty(304),
            Some((container, _)) => {
                self.run(&container, (START, 204), |_| answer(204, "", Vec::new()))
            }
            None if self.host(id).is_some() => empty(304),
            None => missing(id),
        }
    }

    /// Its command has run when somebody waits for it: clients attach and wait before they start.
    pub(super) fn after_run(
        &self,
        id: &str,
        status: u16,
        finish: impl FnOnce(Option<&Container>) -> RuleAnswer + Send + 'static,
    ) -> SiteAnswer {
        let found = self.own(|own| {
            let container = own.container(id)?;
            container.ahead |= container.state == State::Created;
            Some(container.clone())
        });
        match found {
            Some(container) if container.state == State::Created => {
                self.run(&container, (OUTPUT, status), finish)
            }
            Some(container) => says(finish(Some(&container))),
            None => missing(id),
        }
    }

    pub(super) fn wait(&self, id: &str) -> SiteAnswer {
        if self.own(|own| own.container(id).is_some_and(|one| one.is_running())) {
            let said = answer(200, JSON, b"{\"StatusCode\":0}\n".to_vec());
            return runs(Run::after(OUTPUT, self.scene.now, said));
        }
        let removed = query(self.request, "condition").as_deref() == Some("removed");
        let (identity, source, now) =
            (self.scene.identity.clone(), self.scene.visit.source, self.scene.now);
        self.after_run(id, 200, move |container| {
            let status = match container.map(|one| &one.state) {
                Some(State::Exited(status)) => *status,
                _ => 0,
            };
            let gone = container.filter(|one| removed && one.removes_itself && !one.ahead);
            if let Some(id) = gone.map(|one| one.id.clone()) {
                identity.containers().with(source, now, |own| {
                    own.containers.retain(|one| one.id != id);
                });
            }
            answer(200, JSON, format!("{{\"StatusCode\":{status}}}\n").into_bytes())
        })
    }

    pub(super) fn upgrades(&self) -> bool {
        self.request.subject.header("Upgrade").is_some_and(|to| to.eq_ignore_ascii_case(b"tcp"))
    }

    pub(super) fn attach(&self, id: &str) -> SiteAnswer {
        if !self.own(|own| own.container(id).is_some()) && self.host(id).is_some() {
            return says(stream(self.upgrades(), false, b""));
        }
        let upgrades = self.upgrades();
        self.after_run(id, if upgrades { 101 } else { 200 }, move |container| {
            let empty = (false, &b""[..]);
            let (terminal, output) =
                container.map_or(empty, |one| (one.terminal, one.output.as_slice()));
            stream(upgrades, terminal, output)
        })
    }

    pub(super) fn logs(&self, id: &str) -> SiteAnswer {
        if !is_set(self.request, "stdout") && !is_set(self.request, "stderr") {
            return fault(400, "Bad parameters: you must choose at least one stream");
        }
        let of = |one: &Container| {
            let kind = if one.terminal { "raw" } else { "multiplexed" };
            let kind = format!("application/vnd.docker.{kind}-stream");
            answer(200, &kind, framed(&one.output, one.terminal))
        };
        match self.own(|own| own.container(id).map(|one| of(one))) {
            Some(said) => says(said),
            None if self.host(id).is_some() => {
                says(answer(200, "application/vnd.docker.multiplexed-stream", Vec::new()))
            }
            None => missing(id),
        }
    }

    pub(super) fn stop(&self, id: &str, remove: bool) -> SiteAnswer {
        let force = is_set(self.request, "force");
        let own = self.own(|own| {
            let container = own.container(id)?;
            let (running, id) = (container.is_running(), container.id.clone());
            if remove && running && !force {
                return Some(Err(id));
            }
            if remove {
                own.containers.retain(|one| one.id != id);
            } else if running {
                container.state = State::Exited(137);
            }
            Some(Ok(if remove || running { 204 } else { 304 }))
        });
        let held = |id: &str| {
            fault(
                409,
                &format!(
                    "You cannot remove a running container {id}. Stop the container before attempting removal or force remove"
                ),
            )
        };
        match own {
            Some(Ok(status)) => empty(status),
            Some(Err(id)) => held(&id),
            None => match self.host(id) {
                Some(id) if remove && !force => held(&id),
                Some(id) => {
                    self.own(|own| own.forget(&id));
                    empty(204)
                }
                None => missing(id),
            },
        }
    }

    pub(super) fn exec(&self, id: &str) -> SiteAnswer {
        let body = self.body();
        let command = words(&body["Cmd"]);
        if command.is_empty() {
            return fault(400, "No exec command specified");
        }
        let own = self.own(|own| own.container(id).map(|one| (one.id.clone(), one.is_running())));
        let container = match own {
            Some((id, false)) => {
                return fault(409, &format!("Container {id} is not running"));
            }
            Some((id, true)) => id,
            None => match self.host(id) {
                Some(id) => id,
                None => return missing(id),
            },
        };
        let exec = digits(self.scene, "docker exec", 64);
        let privileged = body["Privileged"].as_bool() == Some(true);
        let told = format!(
            "container {}; command {}{}",
            cut(&container, 12),
            line(&command),
            if privileged { "; privileged" } else { "" }
        );
        let terminal = body["Tty"].as_bool().unwrap_or(false);
        let kept = Exec { id: exec.clone(), container, words: command, terminal, exit: None };
        self.own(|own| own.add_exec(kept));
        let details = vec![note("container exec", &told)];
        SiteAnswer { details, ..json(201, format!("{{\"Id\":\"{exec}\"}}\n")) }
    }

    pub(super) fn exec_start(&self, id: &str) -> SiteAnswer {
        let Some(exec) = self.own(|own| own.exec(id).cloned()) else {
            return fault(404, &format!("No such exec instance: {}", cut(id, NAME)));
        };
        let binds = self.own(|own| {
            own.container(&exec.container).map(|one| one.binds.clone()).unwrap_or_default()
        });
        let (machine, keeper) = machine(self.scene, "root", "containerd-shim");
        for at in binds.iter().filter_map(|bind| bind.strip_prefix("/:")) {
            machine.mount_root(at.split(':').next().unwrap_or_default().as_bytes());
        }
        machine.begin_in(b"/");
        let (identity, source, now) =
            (self.scene.identity.clone(), self.scene.visit.source, self.scene.now);
        let detached = self.body()["Detach"].as_bool() == Some(true);
        let upgrades = self.upgrades();
        let command = line(&exec.words);
        let status = if upgrades && !detached { 101 } else { 200 };
        let run =
            Run::command((machine, keeper), command.as_bytes(), now, status, move |printed| {
                identity.containers().with(source, now, |own| {
                    if let Some(kept) = own.exec(&exec.id) {
                        kept.exit = printed.exit;
                    }
                });
                match detached {
                    true => answer(200, "", Vec::new()),
                    false => stream(upgrades, exec.terminal, &printed.output),
                }
            });
        runs(run.within(OUTPUT))
    }

    pub(super) fn exec_inspect(&self, id: &str) -> SiteAnswer {
        let Some(exec) = self.own(|own| own.exec(id).cloned()) else {
            return fault(404, &format!("No such exec instance: {}", cut(id, NAME)));
        };
        let (first, rest) =
            exec.words.split_first().map_or(("", &[][..]), |(f, r)| (f.as_str(), r));
        json(
            200,
            format!(
                "{{\"ID\":\"{}\",\"Running\":false,\"ExitCode\":{},\"ProcessConfig\":{{\"tty\":{},\"entrypoint\":{},\"arguments\":{},\"privileged\":false}},\"OpenStdin\":false,\"OpenStderr\":true,\"OpenStdout\":true,\"CanRemove\":false,\"ContainerID\":\"{}\",\"DetachKeys\":\"\",\"Pid\":0}}\n",
                exec.id,
                exec.exit.unwrap_or(0),
                exec.terminal,
                quoted(first),
                serde_json::to_string(rest).unwrap_or_default(),
                exec.container
            ),
        )
    }
}
