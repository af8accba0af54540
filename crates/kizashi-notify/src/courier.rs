//! Who carries messages: looks into the outbox each second, plans what is to be told, delivers what is due, and writes down what became of
//! it. One delivery of a channel at a time, each channel on its own, so that a receiver that hangs holds up nobody else.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::ZonedDateTime;
use kizashi_event::Timestamp;
use tokio::task::JoinSet;

use crate::archive::{Bucket, Carrying};
use crate::channel::{Takes, Verdict};
use crate::feeds::{Feeds, Fetching};
use crate::outbox::{State, Waiting};
use crate::planner::{Situation, plan};
use crate::send::{HttpClient, Trust, deliver};
use crate::settings::Ready;
use crate::trial::Trial;
use crate::{Message, Notify, Outbox};

/// How often the outbox is looked into.
const LOOKS_EVERY: Duration = Duration::from_secs(1);
/// How often it is looked which feed is due, and what is to be put into a store.
const LOOKS_BESIDE_EVERY: Duration = Duration::from_secs(30);
/// The pause after the first failure; each further one doubles it.
const FIRST_PAUSE: i64 = 30 * Timestamp::SECOND;
/// The longest pause.
const LONGEST_PAUSE: i64 = Timestamp::HOUR;
/// After so long a message is given up.
const GIVES_UP: i64 = 3 * Timestamp::DAY;

/// Carries messages to channels.
pub struct Courier {
    channels: Vec<Arc<Ready>>,
    outbox: Outbox,
    client: HttpClient,
    sensor: String,
    clock: fn() -> ZonedDateTime,
    state: State,
    feeds: Feeds,
    archive: Option<Carrying>,
}

/// What became of a message that was sent at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The receiver took it.
    Delivered,
    /// It did not, and why.
    Failed(String),
}

impl Courier {
    /// A courier for these settings, whose secrets are resolved.
    ///
    /// # Errors
    /// In a sentence, when a channel's settings are wrong.
    pub fn new(
        settings: &Notify,
        outbox: Outbox,
        trust: Trust,
        sensor: &str,
        clock: fn() -> ZonedDateTime,
    ) -> Result<Self, String> {
        Ok(Self {
            channels: settings.all_ready()?.into_iter().map(Arc::new).collect(),
            client: HttpClient::new(trust),
            sensor: sensor.to_owned(),
            clock,
            state: State::default(),
            feeds: Feeds::default(),
            archive: None,
            outbox,
        })
    }

    /// The same, who also reads these feeds into the outbox.
    #[must_use]
    pub fn with_feeds(self, feeds: Feeds) -> Self {
        Self { feeds, ..self }
    }

    /// The same, who also carries the files of this folder to a store.
    ///
    /// # Errors
    /// In a sentence, when the store's settings are wrong.
    pub fn with_archive(mut self, bucket: &Bucket, folder: PathBuf) -> Result<Self, String> {
        let carrying = Carrying::new(bucket, folder, self.client.clone(), self.outbox.clone())?;
        self.archive = Some(carrying);
        Ok(self)
    }

    /// Sends a test to one channel, or to each, at once and past the outbox.
    pub async fn test(&self, only: Option<&str>) -> Vec<(String, Sent)> {
        let mut results = Vec::new();
        for ready in self.channels.iter().filter(|ready| only.is_none_or(|only| ready.name == only))
        {
            let now = self.now();
            let message = Message::test(&ready.name, now);
            let sent = match carry(&self.client, ready, &message, &self.sensor, now).await {
                Verdict::Delivered => Sent::Delivered,
                Verdict::Later { why, .. } | Verdict::Refused(why) => Sent::Failed(why),
            };
            results.push((ready.name.clone(), sent));
        }
        results
    }

    /// Runs until `stop` is done. A delivery that is under way then is repeated at the next start.
    ///
    /// # Errors
    /// When the outbox cannot be used at the start.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> io::Result<()> {
        self.outbox.make()?;
        self.state = self.outbox.state();
        let mut carrying: JoinSet<(Waiting, Verdict)> = JoinSet::new();
        let mut busy: BTreeSet<String> = BTreeSet::new();
        let mut trial = Trial::of(&self.outbox);
        let mut failing = false;
        let fetching = Fetching::new(self.feeds.clone(), self.outbox.clone(), self.client.clone());
        let clock = self.clock;
        let mut beside = JoinSet::new();
        beside.spawn(async move {
            loop {
                fetching.turn(moment(clock)).await;
                tokio::time::sleep(LOOKS_BESIDE_EVERY).await;
            }
        });
        if let Some(mut archive) = self.archive.take() {
            beside.spawn(async move {
                loop {
                    archive.turn(moment(clock)).await;
                    tokio::time::sleep(LOOKS_BESIDE_EVERY).await;
                }
            });
        }
        tokio::pin!(stop);
        loop {
            let turn = self.turn(&mut carrying, &mut busy).and_then(|()| trial.look(&self));
            // A full disk may get room again: say it once, and go on trying.
            match turn {
                Ok(()) => failing = false,
                Err(error) if !failing => {
                    failing = true;
                    tracing::error!("the outbox cannot be used: {error}");
                }
                Err(_) => {}
            }
            tokio::select! {
                () = &mut stop => return Ok(()),
                Some(Ok((waiting, verdict))) = carrying.join_next() => {
                    busy.remove(&waiting.message.channel);
                    if let Err(error) = self.note(waiting, verdict) {
                        tracing::error!("what became of a message cannot be written: {error}");
                    }
                }
                Some((channel, sent)) = trial.next() => {
                    if let Err(error) = trial.note(&self.outbox, &channel, &sent) {
                        tracing::error!("what became of a test cannot be written: {error}");
                    }
                }
                () = tokio::time::sleep(LOOKS_EVERY) => {}
            }
        }
    }

    pub(crate) fn channels(&self) -> &[Arc<Ready>] {
        &self.channels
    }

    pub(crate) const fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    pub(crate) const fn client(&self) -> &HttpClient {
        &self.client
    }

    pub(crate) fn sensor(&self) -> &str {
        &self.sensor
    }

    fn turn(
        &mut self,
        carrying: &mut JoinSet<(Waiting, Verdict)>,
        busy: &mut BTreeSet<String>,
    ) -> io::Result<()> {
        self.plan()?;
        let now = self.now();
        for waiting in self.outbox.waiting()? {
            if waiting.due > now || busy.contains(&waiting.message.channel) {
                continue;
            }
            // The machine ended between the two steps of moving it; the receiver has it.
            if self.outbox.is_over(&waiting.message.id) {
                self.outbox.wait_no_more(&waiting.message.id)?;
                continue;
            }
            let Some(ready) =
                self.channels.iter().find(|ready| ready.name == waiting.message.channel)
            else {
                self.outbox.finish(&waiting, "failed", now, Some("its channel is no more"))?;
                continue;
            };
            // Written down before the receiver hears of it.
            let waiting = Waiting { attempts: waiting.attempts + 1, ..waiting };
            self.outbox.keep(&waiting)?;
            busy.insert(ready.name.clone());
            let (client, ready, sensor) =
                (self.client.clone(), Arc::clone(ready), self.sensor.clone());
            carrying.spawn(async move {
                let verdict = carry(&client, &ready, &waiting.message, &sensor, now).await;
                (waiting, verdict)
            });
        }
        Ok(())
    }

    fn plan(&mut self) -> io::Result<()> {
        let (signs, seen) = (self.outbox.signs()?, self.outbox.seen()?);
        let now = (self.clock)();
        let mut state = self.state.clone();
        state.channels.retain(|name, _| self.channels.iter().any(|ready| ready.name == *name));
        for ready in self.those_who_take(Takes::Signs) {
            let told = state.channels.entry(ready.name.clone()).or_default();
            let situation = Situation { signs: &signs, seen: &seen, now: &now };
            for message in plan(&ready.name, &ready.policy, told, &situation) {
                self.outbox.add(message)?;
            }
        }
        self.plan_reports()?;
        self.plan_sightings()?;
        if state != self.state {
            self.outbox.keep_state(&state)?;
            self.state = state;
        }
        Ok(())
    }

    fn plan_reports(&self) -> io::Result<()> {
        for report in self.outbox.reports()? {
            let named = |ready: &&Arc<Ready>| report.channels.contains(&ready.name);
            for ready in self.those_who_take(Takes::Signs).filter(named) {
                let document = ready.language.pick(&report.en, &report.ja).clone();
                self.outbox.add(Message::report(&ready.name, &report.key, document, self.now()))?;
            }
            self.outbox.report_is_planned(&report.key)?;
        }
        Ok(())
    }

    fn plan_sightings(&self) -> io::Result<()> {
        for sightings in self.outbox.sightings()? {
            for ready in self.those_who_take(Takes::Sightings) {
                let message = Message::sightings(&ready.name, sightings.clone(), self.now());
                self.outbox.add(message)?;
            }
            self.outbox.sightings_are_planned(&sightings.key)?;
        }
        Ok(())
    }

    fn those_who_take(&self, what: Takes) -> impl Iterator<Item = &Arc<Ready>> {
        self.channels.iter().filter(move |ready| ready.channel.takes() == what)
    }

    fn note(&self, waiting: Waiting, verdict: Verdict) -> io::Result<()> {
        let now = self.now();
        let (channel, id) = (&waiting.message.channel, &waiting.message.id);
        match verdict {
            Verdict::Delivered => {
                tracing::info!("told {channel}: message {id}");
                self.outbox.finish(&waiting, "sent", now, None)
            }
            Verdict::Refused(why) => {
                tracing::error!("{channel} refuses message {id}: {why}");
                self.outbox.finish(&waiting, "failed", now, Some(&why))
            }
            Verdict::Later { why, .. } if now.since(waiting.message.made) >= GIVES_UP => {
                tracing::error!("message {id} to {channel} is given up: {why}");
                self.outbox.finish(&waiting, "failed", now, Some(&why))
            }
            Verdict::Later { why, after } => {
                if waiting.attempts == 1 {
                    tracing::warn!("message {id} to {channel} waits: {why}");
                }
                let asked =
                    after.map(|after| i64::try_from(after.as_micros()).unwrap_or(LONGEST_PAUSE));
                let pause = asked.unwrap_or(0).max(pause_after(waiting.attempts));
                self.outbox.keep(&Waiting { due: now.plus(pause), error: Some(why), ..waiting })
            }
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        moment(self.clock)
    }
}

fn moment(clock: fn() -> ZonedDateTime) -> Timestamp {
    Timestamp::from_micros(clock().timestamp().as_microsecond())
}

pub(crate) async fn carry(
    client: &HttpClient,
    ready: &Ready,
    message: &Message,
    sensor: &str,
    now: Timestamp,
) -> Verdict {
    let letter = message.letter(ready.language, sensor);
    let delivery = ready.channel.delivery(message, &letter, now);
    deliver(client, ready.channel.as_ref(), delivery).await
}

fn pause_after(attempts: u32) -> i64 {
    FIRST_PAUSE.saturating_mul(1 << attempts.saturating_sub(1).min(20)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_an_hour() {
        let seconds = |attempts| pause_after(attempts) / Timestamp::SECOND;
        assert_eq!([1, 2, 3, 8, 4_000_000_000].map(seconds), [30, 60, 120, 3_600, 3_600]);
    }
}
