//! How `object_store` speaks to a store: through this room's own client, so that certificates, deadlines and bounds are those of every other
//! receiver. (Its usual way, reqwest, would bring a second HTTP client and a second library of cryptography.)

use std::fmt;
use std::time::Duration;

use object_store::ClientOptions;
use object_store::client::{
    HttpClient as StoreClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpService,
};

use crate::send::{HttpClient, Limits};

/// What a store may take and say: errors, and lists of a thousand names.
const OF_A_STORE: Limits = Limits {
    longest: 2 * 1024 * 1024,
    connects_within: Duration::from_secs(20),
    silence: Duration::from_secs(60),
};

/// Makes clients of ours.
#[derive(Clone)]
pub(super) struct Connector(pub(super) HttpClient);

impl fmt::Debug for Connector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Connector")
    }
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<StoreClient> {
        Ok(StoreClient::new(self.clone()))
    }
}

/// What the client said.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Said(String);

#[async_trait::async_trait]
impl HttpService for Connector {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let answer = self.0.carry(request, OF_A_STORE).await;
        let (parts, body) =
            answer.map_err(|why| HttpError::new(HttpErrorKind::Connect, Said(why)))?.into_parts();
        Ok(HttpResponse::from_parts(parts, body.into()))
    }
}
