//! `kizashi notify`: try the channels, list what waits, mark a sign as seen.

use std::io::ErrorKind;

use jiff::ZonedDateTime;
use kizashi_event::{Timestamp, escape_for_people};
use kizashi_notify::send::Trust;
use kizashi_notify::{Courier, Outbox, Sent};
use serde_json::json;

use crate::cli::{self, NotifyCall};
use crate::config::Config;
use crate::failure::Failure;
use crate::screen::{Cell, Column, Table, Tone};
use crate::terminal::Terminal;

/// Does what is asked.
pub(crate) fn run(call: &NotifyCall, terminal: &mut Terminal) -> Result<(), Failure> {
    match call {
        NotifyCall::Test(call) => test(call, terminal),
        NotifyCall::List(call) => list(call, terminal),
        NotifyCall::Seen(call) => seen(call, terminal),
    }
}

/// Sends a test past the outbox: what it says is what the receiver said just now.
fn test(call: &cli::NotifyTest, terminal: &mut Terminal) -> Result<(), Failure> {
    let mut config = Config::load(call.config.as_deref())?;
    config.notify.resolve().map_err(Failure::Asked)?;
    if let Some(name) = &call.channel
        && !config.notify.names().any(|known| known == name)
    {
        let names: Vec<&str> = config.notify.names().collect();
        return Err(Failure::Asked(format!(
            "there is no channel {}; the configuration has: {}",
            escape_for_people(name),
            names.join(", ")
        )));
    }
    if !config.notify.is_on() {
        return Err(Failure::Asked(
            "no channel is set; docs/notify.md tells how one is".to_owned(),
        ));
    }
    let sensor = config.sensor.clone().unwrap_or_else(super::up::machine_name);
    let trust = Trust::read(config.notify.authorities.as_deref()).map_err(Failure::Asked)?;
    let outbox = Outbox::of(&config.data);
    let courier = Courier::new(&config.notify, outbox, trust, &sensor, ZonedDateTime::now)
        .map_err(Failure::Asked)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let results = runtime.block_on(courier.test(call.channel.as_deref()));
    let mut failed = Vec::new();
    for (name, sent) in results {
        let error = match sent {
            Sent::Delivered => None,
            Sent::Failed(why) => Some(why),
        };
        if call.json {
            terminal
                .json(&json!({"channel": name, "delivered": error.is_none(), "error": error}))?;
        } else {
            terminal.line(&format!("{name:<16} {}", error.as_deref().unwrap_or("delivered")))?;
        }
        failed.extend(error.map(|_| name));
    }
    if failed.is_empty() {
        return Ok(());
    }
    terminal.flush()?;
    Err(Failure::Asked(format!("not delivered: {}; correct [notify]", failed.join(", "))))
}

fn list(call: &cli::NotifyList, terminal: &mut Terminal) -> Result<(), Failure> {
    let listed = match Outbox::of(&call.data.data).list() {
        Ok(listed) => listed,
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let shown = listed.iter().take(call.limit);
    if call.json {
        return shown.into_iter().try_for_each(|listed| terminal.json(listed));
    }
    let mut table = Table::new(&[
        Column::text("planned"),
        Column::text("channel"),
        Column::text("state"),
        Column::text("why"),
        Column::long_text("signs"),
        Column::number("tries"),
        Column::long_text("error"),
    ]);
    for listed in shown {
        let made = Timestamp::parse(&listed.made).unwrap_or_default();
        let tone = match listed.state.as_str() {
            "failed" => Tone::Alarm,
            "waiting" => Tone::Warning,
            _ => Tone::Plain,
        };
        table.row([
            Cell::text(&terminal.minute(made)),
            Cell::text(&listed.channel),
            Cell::text(&listed.state).tone(tone),
            Cell::text(&format!("{:?}", listed.why).to_lowercase()),
            Cell::text(&listed.signs.join(", ")),
            Cell::text(&listed.attempts.to_string()),
            Cell::hostile(listed.error.as_deref().unwrap_or_default()),
        ]);
    }
    terminal.table(&table, "nothing was told yet, and nothing waits")
}

fn seen(call: &cli::NotifySeen, terminal: &mut Terminal) -> Result<(), Failure> {
    let shown = escape_for_people(&call.id);
    match Outbox::of(&call.data.data).mark_seen(&call.id) {
        Ok(()) => {
            terminal.line(&format!("{shown} is seen: it is told again only if it gets graver"))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Err(Failure::Asked(format!(
            "there is no sign {shown} of the last days that is told to anybody; `kizashi signs` lists all"
        ))),
        Err(error) => Err(error.into()),
    }
}
