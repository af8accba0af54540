//! What the server says of itself: what scanners read before anything else.

use super::{Answer, Failure, Scene};
use crate::machine::{Persona, calendar};
use crate::mongodb::bson::{Document, Value, document, field, size};

fn text(text: impl AsRef<[u8]>) -> Value {
    Value::text(text)
}

fn inner<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Document(document(fields))
}

#[expect(clippy::too_many_lines, reason = "one flat list")]
pub(super) fn answer(scene: &mut Scene<'_>, verb: &[u8]) -> Option<Answer> {
    let now = scene.now.micros() / 1_000;
    Some(Ok(match verb {
        b"hello" | b"isMaster" | b"ismaster" => hello(scene, verb == b"hello"),
        b"ping" | b"endSessions" | b"refreshSessions" | b"killCursors" | b"logout"
        | b"getLastError" | b"getlasterror" | b"resetError" | b"setParameter" | b"fsync"
        | b"setFreeMonitoring" | b"profile" => Document::new(),
        b"buildInfo" | b"buildinfo" => build(scene),
        b"whatsmyuri" => document([("you", text(client(scene)))]),
        b"getnonce" => document([("nonce", text("2f1a9b6d0c3e4758"))]),
        b"connectionStatus" => {
            let users =
                scene.connection.user.iter().map(|user| {
                    inner([("user", Value::Text(user.clone())), ("db", text("admin"))])
                });
            let users = Value::Array(users.collect());
            document([(
                "authInfo",
                inner([
                    ("authenticatedUsers", users),
                    ("authenticatedUserRoles", Value::Array(Vec::new())),
                ]),
            )])
        }
        b"serverStatus" => status(scene),
        b"hostInfo" => host(scene),
        b"getLog" => return Some(log(scene)),
        b"getCmdLineOpts" => options(),
        b"getParameter" => document([(
            "featureCompatibilityVersion",
            inner([("version", text(scene.release().series()))]),
        )]),
        b"listDatabases" => list(scene),
        b"startSession" => document([
            ("id", inner([("id", Value::Binary(4, vec![0x5b; 16]))])),
            ("timeoutMinutes", Value::Int(30)),
        ]),
        b"top" => document([("totals", inner([("note", text("all times in microseconds"))]))]),
        b"currentOp" => document([("inprog", Value::Array(Vec::new()))]),
        b"features" => document([("oidMachine", Value::Int(72))]),
        b"getFreeMonitoringStatus" if scene.release().wire < 21 => {
            document([("state", text("undecided"))])
        }
        b"usersInfo" => document([("users", Value::Array(Vec::new()))]),
        b"rolesInfo" => document([("roles", Value::Array(Vec::new()))]),
        b"createUser" | b"updateUser" | b"grantRolesToUser" | b"dropUser" => {
            scene.class("user changed");
            Document::new()
        }
        b"replSetGetStatus" | b"replSetGetConfig" => {
            return Some(Err(Failure::new(
                76,
                "NoReplicationEnabled",
                "not running with --replSet",
            )));
        }
        b"replSetInitiate" => {
            return Some(Err(Failure::new(
                76,
                "NoReplicationEnabled",
                "This node was not started with the replSet option",
            )));
        }
        b"shutdown" => {
            scene.class("shutdown");
            return Some(Err(Failure::new(
                13,
                "Unauthorized",
                "shutdown must run from localhost when running db without auth",
            )));
        }
        b"getShardMap" | b"listShards" | b"balancerStatus" => return None,
        b"dbStats" | b"dbstats" => database(scene),
        b"isdbgrid" => return None,
        b"availableQueryOptions" => {
            document([("options", Value::Int(182)), ("localTime", Value::Date(now))])
        }
        _ => return None,
    }))
}

fn client(scene: &Scene<'_>) -> String {
    let port = 32_768 + scene.connection.number.rem_euclid(28_000);
    format!("{}:{port}", scene.visit.source)
}

fn hello(scene: &Scene<'_>, modern: bool) -> Document {
    let release = scene.release();
    let primary = if modern { "isWritablePrimary" } else { "ismaster" };
    let mut answer = document([
        (primary, Value::Bool(true)),
        (
            "topologyVersion",
            inner([
                (
                    "processId",
                    Value::ObjectId([
                        0x66, 0x2a, 0x19, 0x5e, 0x31, 0x0b, 0x9c, 0x44, 0x21, 0x7a, 0x03, 0x5f,
                    ]),
                ),
                ("counter", Value::Long(0)),
            ]),
        ),
        ("maxBsonObjectSize", Value::Int(16_777_216)),
        ("maxMessageSizeBytes", Value::Int(48_000_000)),
        ("maxWriteBatchSize", Value::Int(100_000)),
        ("localTime", Value::Date(scene.now.micros() / 1_000)),
        ("logicalSessionTimeoutMinutes", Value::Int(30)),
        ("connectionId", Value::Int(scene.connection.number)),
        ("minWireVersion", Value::Int(0)),
        ("maxWireVersion", Value::Int(release.wire)),
        ("readOnly", Value::Bool(false)),
    ]);
    if release.wire < 9 {
        answer.retain(|(name, _)| name != b"topologyVersion");
    }
    // Whoever asks is told that the newer word is known (4.4.2).
    let asked = scene.argument("helloOk").is_some_and(Value::truth);
    if asked && release.wire >= 9 {
        answer.insert(0, (b"helloOk".to_vec(), Value::Bool(true)));
    }
    if scene.argument("saslSupportedMechs").is_some() {
        let both = ["SCRAM-SHA-1", "SCRAM-SHA-256"].map(text);
        answer.push((b"saslSupportedMechs".to_vec(), Value::Array(both.to_vec())));
    }
    answer
}

fn build(scene: &Scene<'_>) -> Document {
    let release = scene.release();
    let toolchain = if release.wire < 21 {
        "/opt/mongodbtoolchain/v3/bin"
    } else {
        "/opt/mongodbtoolchain/v4/bin"
    };
    let parts = release.parts.iter().chain(&[0]).map(|part| Value::Int(*part)).collect();
    document([
        ("version", text(release.version)),
        ("gitVersion", text(release.commit)),
        ("modules", Value::Array(Vec::new())),
        ("allocator", text("tcmalloc")),
        ("javascriptEngine", text("mozjs")),
        ("sysInfo", text("deprecated")),
        ("versionArray", Value::Array(parts)),
        (
            "openssl",
            inner([
                ("running", text(release.build.openssl[0])),
                ("compiled", text(release.build.openssl[1])),
            ]),
        ),
        (
            "buildEnvironment",
            inner([
                ("distmod", text(release.build.system)),
                ("distarch", text("x86_64")),
                ("cc", text(format!("{toolchain}/gcc: {}", release.build.compiler))),
                (
                    "ccflags",
                    text(
                        "-fno-omit-frame-pointer -fno-strict-aliasing -fasynchronous-unwind-tables -ggdb -pthread -Wall -Wsign-compare -Wno-unknown-pragmas -Winvalid-pch -Werror -O2",
                    ),
                ),
                (
                    "cxx",
                    text(format!(
                        "{toolchain}/g++: {}",
                        release.build.compiler.replace("gcc", "g++")
                    )),
                ),
                ("target_arch", text("x86_64")),
                ("target_os", text("linux")),
            ]),
        ),
        ("bits", Value::Int(64)),
        ("debug", Value::Bool(false)),
        ("maxBsonObjectSize", Value::Int(16_777_216)),
        ("storageEngines", Value::Array(release.build.engines.iter().map(text).collect())),
    ])
}

#[expect(clippy::cast_precision_loss, reason = "seconds of uptime")]
#[expect(clippy::too_many_lines, reason = "one flat list")]
fn status(scene: &Scene<'_>) -> Document {
    let world = scene.identity.world(Persona::Server);
    let uptime = scene.now.seconds() - world.boot(scene.now) - 21;
    let count = |rate: i64| Value::Long(uptime / rate);
    document([
        ("host", text(scene.identity.host_name())),
        ("version", text(scene.release().version)),
        ("process", text("mongod")),
        ("pid", Value::Long(721)),
        ("uptime", Value::Double(uptime as f64)),
        ("uptimeMillis", Value::Long(uptime * 1_000 + 412)),
        ("uptimeEstimate", Value::Long(uptime)),
        ("localTime", Value::Date(scene.now.micros() / 1_000)),
        (
            "asserts",
            inner([
                ("regular", Value::Int(0)),
                ("warning", Value::Int(0)),
                ("msg", Value::Int(0)),
                ("user", Value::Int(37)),
                ("rollovers", Value::Int(0)),
            ]),
        ),
        (
            "connections",
            inner([
                ("current", Value::Int(5)),
                ("available", Value::Int(51_195)),
                ("totalCreated", Value::Int(scene.connection.number)),
                ("active", Value::Int(1)),
            ]),
        ),
        (
            "network",
            inner([
                ("bytesIn", count(1)),
                ("bytesOut", Value::Long(uptime * 11)),
                ("numRequests", count(9)),
            ]),
        ),
        (
            "opcounters",
            inner([
                ("insert", count(900)),
                ("query", count(70)),
                ("update", count(400)),
                ("delete", count(4_000)),
                ("getmore", count(600)),
                ("command", count(8)),
            ]),
        ),
        (
            "storageEngine",
            inner([
                ("name", text("wiredTiger")),
                ("supportsCommittedReads", Value::Bool(true)),
                ("readOnly", Value::Bool(false)),
                ("persistent", Value::Bool(true)),
            ]),
        ),
        (
            "mem",
            inner([
                ("bits", Value::Int(64)),
                ("resident", Value::Int(118)),
                ("virtual", Value::Int(1_570)),
                ("supported", Value::Bool(true)),
            ]),
        ),
    ])
}

fn host(scene: &Scene<'_>) -> Document {
    let world = scene.identity.world(Persona::Server);
    let megabytes = i64::try_from(world.hardware.memory_kb / 1_024).unwrap_or(0);
    let processors = i32::try_from(world.hardware.processors).unwrap_or(1);
    document([
        (
            "system",
            inner([
                ("currentTime", Value::Date(scene.now.micros() / 1_000)),
                ("hostname", text(scene.identity.host_name())),
                ("cpuAddrSize", Value::Int(64)),
                ("memSizeMB", Value::Long(megabytes)),
                ("memLimitMB", Value::Long(megabytes)),
                ("numCores", Value::Int(processors)),
                ("cpuArch", text("x86_64")),
                ("numaEnabled", Value::Bool(false)),
            ]),
        ),
        (
            "os",
            inner([
                ("type", text("Linux")),
                ("name", text(format!("PRETTY_NAME=\"{}\"", world.system.pretty))),
                ("version", text(format!("Kernel {}", world.system.kernel))),
            ]),
        ),
        (
            "extra",
            inner([
                ("versionSignature", text("")),
                ("libcVersion", text("2.36")),
                ("pageSize", Value::Long(4_096)),
            ]),
        ),
    ])
}

fn options() -> Document {
    let argv = ["/usr/bin/mongod", "--config", "/etc/mongod.conf"].map(text).to_vec();
    let parsed = inner([
        ("config", text("/etc/mongod.conf")),
        ("net", inner([("bindIp", text("0.0.0.0")), ("port", Value::Int(27_017))])),
        ("processManagement", inner([("timeZoneInfo", text("/usr/share/zoneinfo"))])),
        (
            "storage",
            inner([
                ("dbPath", text("/var/lib/mongodb")),
                ("journal", inner([("enabled", Value::Bool(true))])),
            ]),
        ),
        (
            "systemLog",
            inner([
                ("destination", text("file")),
                ("logAppend", Value::Bool(true)),
                ("path", text("/var/log/mongodb/mongod.log")),
            ]),
        ),
    ]);
    document([("argv", Value::Array(argv)), ("parsed", parsed)])
}

fn log(scene: &Scene<'_>) -> Answer {
    let wanted = scene.command.first().and_then(|(_, value)| value.as_text()).unwrap_or_default();
    match wanted {
        b"*" => Ok(document([(
            "names",
            Value::Array(["global", "startupWarnings"].map(text).to_vec()),
        )])),
        b"global" | b"startupWarnings" => {
            let world = scene.identity.world(Persona::Server);
            let date = calendar(world.boot(scene.now) + 21);
            let stamp = format!(
                "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.317+00:00",
                date.year, date.month, date.day, date.hour, date.minute, date.second
            );
            let line = |id: u32, message: &str| {
                text(format!(
                    "{{\"t\":{{\"$date\":\"{stamp}\"}},\"s\":\"W\",  \"c\":\"CONTROL\",  \"id\":{id},   \"ctx\":\"initandlisten\",\"msg\":\"{message}\",\"tags\":[\"startupWarnings\"]}}"
                ))
            };
            let lines = vec![
                line(
                    22_120,
                    "Access control is not enabled for the database. Read and write access to data and configuration is unrestricted",
                ),
                line(
                    22_178,
                    "/sys/kernel/mm/transparent_hugepage/enabled is 'always'. We suggest setting it to 'never'",
                ),
            ];
            Ok(document([("totalLinesWritten", Value::Int(2)), ("log", Value::Array(lines))]))
        }
        other => {
            let message = [b"No log named '", &other[..other.len().min(128)], b"'"].concat();
            Err(Failure::new(96, "OperationFailed", message))
        }
    }
}

/// Bytes of a database, as its files would have them.
fn weight(scene: &Scene<'_>, name: &[u8]) -> f64 {
    let collections = scene.copy.databases.get(name).into_iter().flatten();
    let bytes: usize = collections
        .map(|(_, documents)| 20_480 + documents.iter().map(|one| size(one)).sum::<usize>())
        .sum();
    f64::from(u32::try_from(bytes.next_multiple_of(4_096)).unwrap_or(u32::MAX))
}

fn list(scene: &Scene<'_>) -> Document {
    let names = scene.command.iter().any(|(name, value)| name == b"nameOnly" && value.truth());
    let mut total = 0.0;
    let each = scene.copy.databases.iter().filter(|(_, collections)| !collections.is_empty()).map(
        |(name, _)| {
            let mut one = document([("name", Value::Text(name.clone()))]);
            if !names {
                let weight = weight(scene, name);
                total += weight;
                one.extend(document([
                    ("sizeOnDisk", Value::Double(weight)),
                    ("empty", Value::Bool(false)),
                ]));
            }
            Value::Document(one)
        },
    );
    let mut answer = document([("databases", Value::Array(each.collect()))]);
    if !names {
        answer.push((b"totalSize".to_vec(), Value::Double(total)));
        if scene.release().is_newer() {
            let megabytes = (total / 1_048_576.0).floor();
            answer.push((b"totalSizeMb".to_vec(), Value::Double(megabytes)));
        }
    }
    answer
}

fn database(scene: &Scene<'_>) -> Document {
    let collections = scene.copy.databases.get(scene.database);
    let objects: usize =
        collections.into_iter().flatten().map(|(_, documents)| documents.len()).sum();
    let number = |number: usize| Value::Int(i32::try_from(number).unwrap_or(0));
    let count = collections.map_or(0, std::collections::BTreeMap::len);
    document([
        ("db", Value::Text(scene.database.to_vec())),
        ("collections", number(count)),
        ("views", Value::Int(0)),
        ("objects", number(objects)),
        ("dataSize", Value::Double(weight(scene, scene.database))),
        ("storageSize", Value::Double(weight(scene, scene.database))),
        ("indexes", number(count)),
    ])
}

/// The client's own words of what it is.
pub(in crate::mongodb) fn client_of(command: &Document) -> Option<String> {
    let client = field(command, "client")?.as_document()?;
    let part = |section: &str, name: &str| {
        let found = field(client, section)
            .and_then(Value::as_document)
            .and_then(|section| field(section, name));
        found.and_then(Value::as_text).map(|text| String::from_utf8_lossy(text).into_owned())
    };
    let platform = field(client, "platform")
        .and_then(Value::as_text)
        .map(|text| String::from_utf8_lossy(text).into_owned());
    let parts = [
        part("application", "name"),
        part("driver", "name"),
        part("driver", "version"),
        part("os", "name").or_else(|| part("os", "type")),
        platform,
    ];
    let found: Vec<String> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    (!found.is_empty()).then(|| found.join(" "))
}
