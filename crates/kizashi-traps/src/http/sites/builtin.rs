//! The sites that come with the program. A new one is its folder in `data/sites` and a line here with the files in it.

/// A folder as compiled in.
pub(super) struct Folder {
    pub(super) name: &'static str,
    pub(super) files: &'static [(&'static str, &'static [u8])],
}

impl Folder {
    pub(super) fn bytes(&self, name: &str) -> Result<&'static [u8], String> {
        let file = self.files.iter().find(|(file, _)| *file == name);
        file.map(|(_, bytes)| *bytes).ok_or_else(|| format!("there is no {name} in {}", self.name))
    }

    pub(super) fn text(&self, name: &str) -> Result<&'static str, String> {
        std::str::from_utf8(self.bytes(name)?).map_err(|error| format!("{name}: {error}"))
    }
}

macro_rules! sites {
    ($($name:literal: $($file:literal)*;)*) => {
        pub(super) const SITES: &[Folder] = &[$(Folder {
            name: $name,
            files: &[
                ("site.toml", include_bytes!(concat!("../../../data/sites/", $name, "/site.toml"))),
                $(($file, include_bytes!(concat!("../../../data/sites/", $name, "/", $file)))),*
            ],
        }),*];
    };
}

sites! {
    "citrix-gateway": "favicon.ico" "logon.css" "logon.html" "logon.js" "refused.html";
    "clickhouse":;
    "confluence": "batch.css" "favicon.ico" "login.html" "refused.html";
    "couchdb":;
    "docker": "containers.json" "images.json" "info.json" "version.json";
    "exchange-owa": "favicon.ico" "flogon.js" "logon.css" "logon.html";
    "fortigate": "favicon.ico" "login.css" "login.html" "login.js";
    "gitlab": "application.css" "favicon.ico" "logo.svg" "refused.html" "sign-in.html";
    "gpon-router": "favicon.ico" "login.html" "ont.css" "refused.html";
    "grafana": "app.js" "favicon.ico" "grafana.css" "icon.svg" "login.html";
    "hadoop-yarn": "cluster.html" "favicon.ico" "logo.svg" "yarn.css";
    "huawei-hg532": "upnpdev.xml";
    "influxdb":;
    "ip-camera": "favicon.ico" "login.html" "m.css" "m.js" "refused.html";
    "jenkins": "favicon.ico" "login.html" "page.js" "refused.html" "robots.txt" "style.css";
    "kibana": "app.html" "core.js" "favicon.ico" "theme.css";
    "kibana-6": "app.html" "bundle.js" "favicon.ico" "theme.css";
    "kubelet": "pods.json";
    "kubernetes":;
    "llm-gateway": "favicon.ico" "swagger.css" "swagger.html" "swagger.js";
    "ollama":;
    "phpmyadmin": "favicon.ico" "login.html" "login.js" "logo.svg" "refused.html" "theme.css";
    "prometheus": "favicon.ico" "graph.html" "main.css" "main.js" "metrics.txt";
    "realtek-igd": "picsdesc.xml" "wanipcn.xml";
    "rompager":;
    "solr": "app.js" "favicon.ico" "index.css" "index.html" "solr.svg";
    "spring-boot": "env.json";
    "tomcat": "docs.html" "examples.html" "favicon.ico" "index.html" "tomcat.css" "tomcat.svg" "unauthorised.html";
    "weblogic": "favicon.ico" "login.css" "login.html" "missing.html" "refused.html";
    "wordpress": "a-new-website.html" "about.html" "author.html" "favicon.ico" "feed.xml" "index.html" "login-failed.html" "login.css" "login.html" "logo.svg" "missing.html" "opening-hours.html" "search.html" "style.css";
}
