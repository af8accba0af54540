//! How things stand, port by port: what the dashboard and the terminal show between signs.

use std::collections::HashMap;

use kizashi_event::{Port, Timestamp};
use serde::{Serialize, Serializer};

/// How one port stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PortStanding {
    /// ChangeFinder's change score of the last closed 12 hours, in nats, once there is one.
    pub half_daily: Option<f64>,
    /// The share of the port's own past 12-hour scores that lie below that one, 0 to 1.
    pub rank: Option<f64>,
    /// ChangeFinder's change score of the last closed hour, in nats, once there is one.
    pub hourly: Option<f64>,
    /// Events of the last closed 12-hour bins, oldest first, at most 120.
    pub spark: Vec<u64>,
    /// By chance at most once in so many days; `None` where it happens many times a day.
    pub days: Option<f64>,
}

/// How every port stands that has something to show.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Standing {
    /// The end of the last closed bin.
    #[serde(serialize_with = "moment")]
    pub through: Option<Timestamp>,
    /// By port; in JSON by its text, such as `tcp/445`, in order.
    #[serde(serialize_with = "by_text")]
    pub ports: HashMap<Port, PortStanding>,
}

fn moment<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(Timestamp::rfc3339).serialize(serializer)
}

fn by_text<S: Serializer>(
    ports: &HashMap<Port, PortStanding>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut ordered: Vec<_> = ports.iter().collect();
    ordered.sort_by_key(|(port, _)| **port);
    serializer.collect_map(ordered.into_iter().map(|(port, standing)| (port.to_string(), standing)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_names_ports_by_their_text_in_order() {
        let ports = [Port::udp(53), Port::tcp(445), Port::tcp(22)]
            .map(|port| (port, PortStanding::default()));
        let standing = Standing { through: Some(Timestamp::from_seconds(0)), ports: ports.into() };
        let json = serde_json::to_string(&standing).unwrap();
        let at = |text: &str| json.find(text).unwrap();
        assert!(
            at("1970-01-01T00:00:00") < at("tcp/22")
                && at("tcp/22") < at("tcp/445")
                && at("tcp/445") < at("udp/53")
        );
    }
}
