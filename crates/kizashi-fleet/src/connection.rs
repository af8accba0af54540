//! A connection to the fleet's servers: TLS with the fleet's own authority, an NKey, answers on a subject that nobody else may read. A lost
//! connection comes again by itself, for as long as the process lives.

use std::time::Duration;

use crate::credentials::{Credentials, CredentialsError};
use crate::name::inbox_of;
use async_nats::jetstream::{self, Context};
use async_nats::{Client, ConnectOptions, Event, ServerError};

/// How long one connection may take to be made.
const CONNECTS_WITHIN: Duration = Duration::from_secs(10);
/// How often it is asked whether the other side is there.
const PING_EVERY: Duration = Duration::from_secs(15);
/// The longest pause before it is tried again.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long an answer of the servers may take: a cluster that has lost a node elects a new leader within seconds.
pub(crate) const ANSWERS_WITHIN: Duration = Duration::from_secs(5);
/// Messages that may wait in the client; what is more waits in the spool.
const MOST_WAITING: usize = 512;

/// Why there is no connection, and will be none.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// The credentials are none.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// TLS or the client cannot be set up.
    #[error("the connection to the fleet's servers cannot be made ready ({0})")]
    Client(String),
}

/// Begins to connect; the client may be used at once, and waits until there is a connection.
pub(crate) async fn connect(
    credentials: &Credentials,
) -> Result<(Client, Context), ConnectionError> {
    let failed = |error: &dyn std::fmt::Display| ConnectionError::Client(error.to_string());
    let name = credentials.name.clone();
    let client = ConnectOptions::new()
        .name(format!("kizashi {name}"))
        .nkey(credentials.seed().to_owned())
        .custom_inbox_prefix(inbox_of(&name))
        .require_tls(true)
        .add_root_certificates(credentials.authority_file()?)
        .connection_timeout(CONNECTS_WITHIN)
        .ping_interval(PING_EVERY)
        .client_capacity(MOST_WAITING)
        .max_reconnects(None)
        .reconnect_delay_callback(|attempts| {
            let pause = Duration::from_millis(100) * (1 << attempts.min(6)) as u32;
            pause.min(LONGEST_PAUSE)
        })
        // What servers say of each other may be addresses that this process must not reach.
        .ignore_discovered_servers()
        .retry_on_initial_connect()
        .event_callback(move |event| {
            let name = name.clone();
            async move { tell(&name, &event) }
        })
        .connect(credentials.servers.clone())
        .await
        .map_err(|error| failed(&error))?;
    let context = jetstream::context::ContextBuilder::new()
        .timeout(ANSWERS_WITHIN)
        .ack_timeout(ANSWERS_WITHIN)
        .max_ack_inflight(MOST_WAITING)
        .build(client.clone());
    Ok((client, context))
}

fn tell(name: &str, event: &Event) {
    match event {
        Event::Connected => tracing::info!("fleet: connected to the servers as {name}"),
        Event::Disconnected => tracing::warn!("fleet: the connection to the servers is lost"),
        Event::ServerError(ServerError::AuthorizationViolation) => tracing::error!(
            "fleet: the servers refuse {name}; were its credentials revoked? `kizashi fleet list` shows it"
        ),
        Event::ServerError(error) => tracing::error!("fleet: the servers say: {error}"),
        Event::ClientError(error) => tracing::error!("fleet: {error}"),
        Event::SlowConsumer(_) | Event::LameDuckMode | Event::Draining | Event::Closed => {}
    }
}
