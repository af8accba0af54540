//! Which server the engine answers for. MariaDB is the system's own package; MySQL 5.7 and 8.4 are the vendor's (repo.mysql.com), 5.7 on the
//! systems of its time. Where the two differ in words, lists and defaults is said here; the numbers and texts are those of each one's
//! `errmsg` files and manuals (MySQL 5.7, 5.1.7; MySQL 8.4, 7.1.8).

use crate::draw::Draw;
use crate::identity::{OperatingSystem, WebServer};

/// The server of the application's database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MysqlRelease {
    /// MariaDB of the system's package.
    MariaDb,
    /// MySQL 5.7.42 of April 2023.
    V5_7,
    /// MySQL 8.4.6 of July 2025.
    V8_4,
}

impl MysqlRelease {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::MariaDb, Self::V5_7, Self::V8_4];

    /// The word for it in configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MariaDb => "mariadb",
            Self::V5_7 => "5.7.42",
            Self::V8_4 => "8.4.6",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|release| release.name() == name)
    }

    /// What this installation has: half of all MariaDB, the others the MySQL that was new when their system was.
    pub(crate) fn draw(seed: &[u8; 32], system: OperatingSystem) -> Self {
        let mysql = match system {
            OperatingSystem::Debian11 | OperatingSystem::Ubuntu20 => Self::V5_7,
            _ => Self::V8_4,
        };
        Draw::new(seed, "mysql release").one_of(0, &[Self::MariaDb, mysql]).unwrap_or(mysql)
    }

    /// Version and what it says of its build.
    pub(crate) const fn version(self, server: WebServer) -> (&'static str, &'static str) {
        match (self, server) {
            (Self::V5_7, _) => ("5.7.42", "MySQL Community Server (GPL)"),
            (Self::V8_4, _) => ("8.4.6", "MySQL Community Server - GPL"),
            (_, WebServer::NginxDebian11) => ("10.5.29-MariaDB-0+deb11u1", "Debian 11"),
            (_, WebServer::NginxDebian12 | WebServer::ApacheDebian12) => {
                ("10.11.14-MariaDB-0+deb12u2", "Debian 12")
            }
            (_, WebServer::NginxUbuntu20) => ("10.3.39-MariaDB-0ubuntu0.20.04.2", "Ubuntu 20.04"),
            (_, WebServer::NginxUbuntu22) => ("10.6.22-MariaDB-0ubuntu0.22.04.1", "Ubuntu 22.04"),
            (_, WebServer::ApacheUbuntu24) => ("10.11.13-MariaDB-0ubuntu0.24.04.1", "Ubuntu 24.04"),
        }
    }

    pub(crate) const fn is_mariadb(self) -> bool {
        matches!(self, Self::MariaDb)
    }

    /// Its name in messages, and that of its process.
    pub(crate) const fn product(self) -> (&'static str, &'static str) {
        if self.is_mariadb() { ("MariaDB", "mariadbd") } else { ("MySQL", "mysqld") }
    }

    /// An error of the system's in a message.
    pub(crate) fn system_error(self, number: u8, text: &str) -> String {
        match self {
            Self::MariaDb => format!("Errcode: {number} \"{text}\""),
            Self::V5_7 => format!("Errcode: {number} - {text}"),
            Self::V8_4 => format!("OS errno {number} - {text}"),
        }
    }

    /// Character set and collation that databases begin with.
    pub(crate) const fn collation(self) -> (&'static str, &'static str) {
        match self {
            Self::MariaDb => ("utf8mb4", "utf8mb4_general_ci"),
            Self::V5_7 => ("latin1", "latin1_swedish_ci"),
            Self::V8_4 => ("utf8mb4", "utf8mb4_0900_ai_ci"),
        }
    }

    /// A column's type as it is shown: MySQL 8 has no widths of whole numbers any more.
    pub(crate) fn shown_type(self, kind: &str) -> &str {
        const WHOLE: [&str; 4] = ["int(", "bigint(", "smallint(", "mediumint("];
        let wide = self == Self::V8_4 && WHOLE.iter().any(|word| kind.starts_with(word));
        if wide && kind.ends_with(')') { kind.split('(').next().unwrap_or(kind) } else { kind }
    }

    /// Tables of its `information_schema`, as it lists them.
    pub(super) const fn views(self) -> &'static str {
        match self {
            Self::MariaDb => MARIADB_VIEWS,
            Self::V5_7 => VIEWS_5_7,
            Self::V8_4 => VIEWS_8_4,
        }
    }

    pub(super) const fn engines(self) -> &'static [&'static str] {
        if self.is_mariadb() {
            &["MRG_MyISAM", "CSV", "MEMORY", "MyISAM", "SEQUENCE", "Aria", "InnoDB"]
        } else {
            &[
                "MEMORY",
                "MRG_MYISAM",
                "CSV",
                "PERFORMANCE_SCHEMA",
                "MyISAM",
                "InnoDB",
                "BLACKHOLE",
                "ARCHIVE",
            ]
        }
    }

    pub(super) const fn plugins(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::MariaDb => &[
                ("binlog", STORAGE),
                ("mysql_native_password", LOGIN),
                ("mysql_old_password", LOGIN),
                ("MRG_MyISAM", STORAGE),
                ("MEMORY", STORAGE),
                ("Aria", STORAGE),
                ("MyISAM", STORAGE),
                ("SEQUENCE", STORAGE),
                ("InnoDB", STORAGE),
                ("unix_socket", LOGIN),
                ("FEEDBACK", "INFORMATION SCHEMA"),
                ("partition", STORAGE),
            ],
            Self::V5_7 => &[
                ("binlog", STORAGE),
                ("mysql_native_password", LOGIN),
                ("sha256_password", LOGIN),
                ("InnoDB", STORAGE),
                ("MyISAM", STORAGE),
                ("MRG_MYISAM", STORAGE),
                ("MEMORY", STORAGE),
                ("CSV", STORAGE),
                ("PERFORMANCE_SCHEMA", STORAGE),
                ("BLACKHOLE", STORAGE),
                ("partition", STORAGE),
                ("ARCHIVE", STORAGE),
                ("FEDERATED", STORAGE),
                ("ngram", "FTPARSER"),
            ],
            Self::V8_4 => &[
                ("binlog", STORAGE),
                ("sha256_password", LOGIN),
                ("caching_sha2_password", LOGIN),
                ("sha2_cache_cleaner", "AUDIT"),
                ("CSV", STORAGE),
                ("MEMORY", STORAGE),
                ("InnoDB", STORAGE),
                ("MyISAM", STORAGE),
                ("MRG_MYISAM", STORAGE),
                ("PERFORMANCE_SCHEMA", STORAGE),
                ("TempTable", STORAGE),
                ("ARCHIVE", STORAGE),
                ("BLACKHOLE", STORAGE),
                ("ngram", "FTPARSER"),
                ("mysqlx", "DAEMON"),
                ("mysqlx_cache_cleaner", "AUDIT"),
            ],
        }
    }
}

const STORAGE: &str = "STORAGE ENGINE";
const LOGIN: &str = "AUTHENTICATION";

const MARIADB_VIEWS: &str = "ALL_PLUGINS APPLICABLE_ROLES CHARACTER_SETS CHECK_CONSTRAINTS CLIENT_STATISTICS COLLATIONS COLLATION_CHARACTER_SET_APPLICABILITY COLUMNS COLUMN_PRIVILEGES ENABLED_ROLES ENGINES EVENTS FILES GEOMETRY_COLUMNS GLOBAL_STATUS GLOBAL_VARIABLES INDEX_STATISTICS INNODB_BUFFER_PAGE INNODB_BUFFER_POOL_STATS INNODB_CMP INNODB_FT_CONFIG INNODB_LOCKS INNODB_METRICS INNODB_SYS_COLUMNS INNODB_SYS_TABLES INNODB_TRX KEYWORDS KEY_CACHES KEY_COLUMN_USAGE OPTIMIZER_TRACE PARAMETERS PARTITIONS PLUGINS PROCESSLIST PROFILING REFERENTIAL_CONSTRAINTS ROUTINES SCHEMATA SCHEMA_PRIVILEGES SESSION_STATUS SESSION_VARIABLES SPATIAL_REF_SYS SQL_FUNCTIONS STATISTICS SYSTEM_VARIABLES TABLES TABLESPACES TABLE_CONSTRAINTS TABLE_PRIVILEGES TABLE_STATISTICS THREAD_POOL_GROUPS TRIGGERS USER_PRIVILEGES USER_STATISTICS VIEWS";

const VIEWS_5_7: &str = "CHARACTER_SETS COLLATIONS COLLATION_CHARACTER_SET_APPLICABILITY COLUMNS COLUMN_PRIVILEGES ENGINES EVENTS FILES GLOBAL_STATUS GLOBAL_VARIABLES KEY_COLUMN_USAGE OPTIMIZER_TRACE PARAMETERS PARTITIONS PLUGINS PROCESSLIST PROFILING REFERENTIAL_CONSTRAINTS ROUTINES SCHEMATA SCHEMA_PRIVILEGES SESSION_STATUS SESSION_VARIABLES STATISTICS TABLES TABLESPACES TABLE_CONSTRAINTS TABLE_PRIVILEGES TRIGGERS USER_PRIVILEGES VIEWS INNODB_LOCKS INNODB_TRX INNODB_SYS_DATAFILES INNODB_FT_CONFIG INNODB_SYS_VIRTUAL INNODB_CMP INNODB_FT_BEING_DELETED INNODB_CMP_RESET INNODB_CMP_PER_INDEX INNODB_CMPMEM_RESET INNODB_FT_DELETED INNODB_BUFFER_PAGE_LRU INNODB_LOCK_WAITS INNODB_TEMP_TABLE_INFO INNODB_SYS_INDEXES INNODB_SYS_TABLES INNODB_SYS_FIELDS INNODB_CMP_PER_INDEX_RESET INNODB_BUFFER_PAGE INNODB_FT_DEFAULT_STOPWORD INNODB_FT_INDEX_TABLE INNODB_FT_INDEX_CACHE INNODB_SYS_TABLESPACES INNODB_METRICS INNODB_SYS_FOREIGN_COLS INNODB_CMPMEM INNODB_BUFFER_POOL_STATS INNODB_SYS_COLUMNS INNODB_SYS_FOREIGN INNODB_SYS_TABLESTATS";

const VIEWS_8_4: &str = "ADMINISTRABLE_ROLE_AUTHORIZATIONS APPLICABLE_ROLES CHARACTER_SETS CHECK_CONSTRAINTS COLLATIONS COLLATION_CHARACTER_SET_APPLICABILITY COLUMNS COLUMNS_EXTENSIONS COLUMN_PRIVILEGES COLUMN_STATISTICS ENABLED_ROLES ENGINES EVENTS FILES INNODB_BUFFER_PAGE INNODB_BUFFER_PAGE_LRU INNODB_BUFFER_POOL_STATS INNODB_CACHED_INDEXES INNODB_CMP INNODB_CMPMEM INNODB_CMPMEM_RESET INNODB_CMP_PER_INDEX INNODB_CMP_PER_INDEX_RESET INNODB_CMP_RESET INNODB_COLUMNS INNODB_DATAFILES INNODB_FIELDS INNODB_FOREIGN INNODB_FOREIGN_COLS INNODB_FT_BEING_DELETED INNODB_FT_CONFIG INNODB_FT_DEFAULT_STOPWORD INNODB_FT_DELETED INNODB_FT_INDEX_CACHE INNODB_FT_INDEX_TABLE INNODB_INDEXES INNODB_METRICS INNODB_SESSION_TEMP_TABLESPACES INNODB_TABLES INNODB_TABLESPACES INNODB_TABLESPACES_BRIEF INNODB_TABLESTATS INNODB_TEMP_TABLE_INFO INNODB_TRX INNODB_VIRTUAL KEYWORDS KEY_COLUMN_USAGE OPTIMIZER_TRACE PARAMETERS PARTITIONS PLUGINS PROCESSLIST PROFILING REFERENTIAL_CONSTRAINTS RESOURCE_GROUPS ROLE_COLUMN_GRANTS ROLE_ROUTINE_GRANTS ROLE_TABLE_GRANTS ROUTINES SCHEMATA SCHEMATA_EXTENSIONS SCHEMA_PRIVILEGES STATISTICS ST_GEOMETRY_COLUMNS ST_SPATIAL_REFERENCE_SYSTEMS ST_UNITS_OF_MEASURE TABLES TABLESPACES_EXTENSIONS TABLES_EXTENSIONS TABLE_CONSTRAINTS TABLE_CONSTRAINTS_EXTENSIONS TABLE_PRIVILEGES TRIGGERS USER_ATTRIBUTES USER_PRIVILEGES VIEWS VIEW_ROUTINE_USAGE VIEW_TABLE_USAGE";
