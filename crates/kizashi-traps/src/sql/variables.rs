//! System variables, with the defaults of each product and what its package sets. Switches are 0 and 1 here; SHOW VARIABLES writes them as
//! words ([`is_switch`]).

use super::error::SqlError;
use super::release::MysqlRelease;
use super::server::Server;
use super::value::Value;

/// Variables that are on or off.
pub(crate) fn is_switch(name: &str) -> bool {
    matches!(
        name,
        "autocommit"
            | "automatic_sp_privileges"
            | "general_log"
            | "local_infile"
            | "log_bin"
            | "performance_schema"
            | "read_only"
            | "slow_query_log"
    )
}

/// The value of `@@name`.
pub(super) fn variable(server: &Server, name: &[u8]) -> Result<Value, SqlError> {
    let lower = name.to_ascii_lowercase();
    let bare = ["global.", "session.", "local."]
        .iter()
        .find_map(|scope| lower.strip_prefix(scope.as_bytes()))
        .unwrap_or(&lower);
    let found = match server.release {
        MysqlRelease::MariaDb => mariadb(bare),
        MysqlRelease::V5_7 => old(bare).or_else(|| mysql(bare)),
        MysqlRelease::V8_4 => new(bare).or_else(|| mysql(bare)),
    };
    found.or_else(|| common(server, bare)).ok_or_else(|| {
        let start = b"Unknown system variable '";
        SqlError::new(1193, [&start[..], bare, b"'"].concat())
    })
}

/// What all have in common.
fn common(server: &Server, name: &[u8]) -> Option<Value> {
    let plain = server.version.split('-').next().unwrap_or_default();
    let (set, collation) = server.release.collation();
    Some(Value::text(match name {
        b"version" => server.version.as_str(),
        b"innodb_version" => plain,
        b"version_comment" => server.comment,
        b"version_compile_machine" => "x86_64",
        b"hostname" => server.host.as_str(),
        b"datadir" => "/var/lib/mysql/",
        b"tmpdir" | b"slave_load_tmpdir" => "/tmp",
        b"plugin_dir" => "/usr/lib/mysql/plugin/",
        b"init_connect" => "",
        b"character_set_client" | b"character_set_connection" | b"character_set_results" => {
            "utf8mb4"
        }
        b"character_set_server" | b"character_set_database" => set,
        b"character_set_filesystem" => "binary",
        b"collation_database" | b"collation_server" => collation,
        b"collation_connection" => match server.release {
            MysqlRelease::V8_4 => collation,
            _ => "utf8mb4_general_ci",
        },
        b"license" => "GPL",
        b"time_zone" => "SYSTEM",
        b"system_time_zone" => "UTC",
        _ => return number(name).map(Value::Integer),
    }))
}

fn number(name: &[u8]) -> Option<i128> {
    Some(match name {
        b"autocommit"
        | b"automatic_sp_privileges"
        | b"auto_increment_increment"
        | b"auto_increment_offset"
        | b"server_id" => 1,
        b"general_log"
        | b"slow_query_log"
        | b"read_only"
        | b"lower_case_table_names"
        | b"log_bin" => 0,
        b"port" => 3_306,
        b"div_precision_increment" => 4,
        b"max_connections" => 151,
        b"net_buffer_length" => 16_384,
        b"net_write_timeout" => 60,
        b"net_read_timeout" => 30,
        b"interactive_timeout" | b"wait_timeout" => 28_800,
        b"table_open_cache" => 2_000,
        _ => return None,
    })
}

fn mariadb(name: &[u8]) -> Option<Value> {
    Some(Value::text(match name {
        b"version_compile_os" => "debian-linux-gnu",
        b"basedir" => "/usr",
        b"socket" => "/run/mysqld/mysqld.sock",
        b"pid_file" => "/run/mysqld/mysqld.pid",
        b"log_error" => "",
        b"general_log_file" => "mysqld.log",
        b"have_symlink" => "DISABLED",
        b"have_ssl" | b"have_openssl" => "DISABLED",
        b"ssl_ca" | b"ssl_cert" | b"ssl_key" | b"ssl_cipher" => "",
        b"tx_isolation" => "REPEATABLE-READ",
        b"sql_mode" => {
            "STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION"
        }
        b"secure_file_priv" => return Some(Value::Null),
        b"max_allowed_packet" => return Some(Value::Integer(16_777_216)),
        b"group_concat_max_len" => return Some(Value::Integer(1_048_576)),
        b"local_infile" => return Some(Value::Integer(1)),
        b"performance_schema" => return Some(Value::Integer(0)),
        _ => return None,
    }))
}

/// Of MySQL's own packages, whose owner emptied `secure_file_priv`: that is how functions of libraries get in.
fn mysql(name: &[u8]) -> Option<Value> {
    Some(Value::text(match name {
        b"version_compile_os" => "Linux",
        b"basedir" => "/usr/",
        b"socket" => "/var/run/mysqld/mysqld.sock",
        b"pid_file" => "/var/run/mysqld/mysqld.pid",
        b"log_error" => "/var/log/mysql/error.log",
        b"general_log_file" => "/var/lib/mysql/mysqld.log",
        b"have_symlink" => "DISABLED",
        b"secure_file_priv" | b"ssl_cipher" => "",
        b"ssl_ca" => "ca.pem",
        b"ssl_cert" => "server-cert.pem",
        b"ssl_key" => "server-key.pem",
        b"transaction_isolation" => "REPEATABLE-READ",
        b"character_set_system" => "utf8",
        b"group_concat_max_len" => return Some(Value::Integer(1_024)),
        b"performance_schema" => return Some(Value::Integer(1)),
        _ => return None,
    }))
}

fn old(name: &[u8]) -> Option<Value> {
    Some(Value::text(match name {
        b"have_ssl" | b"have_openssl" => "YES",
        b"tls_version" => "TLSv1,TLSv1.1,TLSv1.2",
        b"default_authentication_plugin" => "mysql_native_password",
        b"tx_isolation" => "REPEATABLE-READ",
        b"query_cache_type" => "OFF",
        b"sql_mode" => {
            "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION"
        }
        b"server_id" => return Some(Value::Integer(0)),
        b"query_cache_size" => return Some(Value::Integer(1_048_576)),
        b"max_allowed_packet" => return Some(Value::Integer(4_194_304)),
        b"local_infile" => return Some(Value::Integer(1)),
        _ => return None,
    }))
}

fn new(name: &[u8]) -> Option<Value> {
    Some(Value::text(match name {
        b"tls_version" => "TLSv1.2,TLSv1.3",
        b"authentication_policy" => "*,,",
        b"caching_sha2_password_private_key_path" => "private_key.pem",
        b"caching_sha2_password_public_key_path" => "public_key.pem",
        b"character_set_system" => "utf8mb3",
        b"sql_mode" => {
            "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
        }
        b"max_allowed_packet" => return Some(Value::Integer(67_108_864)),
        b"table_open_cache" => return Some(Value::Integer(4_000)),
        b"caching_sha2_password_digest_rounds" => return Some(Value::Integer(5_000)),
        b"local_infile" => return Some(Value::Integer(0)),
        b"log_bin" => return Some(Value::Integer(1)),
        _ => return None,
    }))
}
