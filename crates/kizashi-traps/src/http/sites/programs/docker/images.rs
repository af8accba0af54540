//! Images: what a pull is told, and which images this visitor has. Nothing is fetched.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::Value;

use super::super::SiteAnswer;
use super::super::say::{answer, cut, query, runs, says};
use super::shown::{fault, json, note, quoted, with_tag};
use super::{Daemon, JSON, NAME};
use crate::http::run::Run;

/// How long a pull takes.
const PULL: Duration = Duration::from_secs(3);

impl Daemon<'_> {
    pub(super) fn pull(&self) -> SiteAnswer {
        let from = query(self.request, "fromImage").unwrap_or_default();
        if from.is_empty() {
            return fault(400, "invalid reference format");
        }
        let tag = query(self.request, "tag").filter(|tag| !tag.is_empty());
        let image = match tag {
            Some(tag) if !from.contains('@') => {
                format!("{}:{}", cut(&from, NAME), cut(&tag, 64))
            }
            _ => with_tag(&from),
        };
        let details = vec![note("image pull", &image)];
        if image.chars().any(|letter| letter.is_control() || letter.is_whitespace()) {
            return SiteAnswer { details, ..fault(400, "invalid reference format") };
        }
        let known = self.own(|own| own.images().contains(&image));
        self.own(|own| own.add_image(image.clone()));
        let said = answer(200, JSON, progress(&image, known));
        let wait = if known { PULL / 4 } else { PULL };
        SiteAnswer { details, ..runs(Run::after(wait, self.scene.now, said)) }
    }

    pub(super) fn images(&self) -> Option<SiteAnswer> {
        let (mut said, text) = self.page()?;
        let created = self.scene.identity.set_up().seconds();
        let items = self.own(|own| {
            let one = |image: &String| {
                format!("{{\"Containers\":-1,\"Created\":{created},\"Id\":\"sha256:{}\",\"Labels\":null,\"ParentId\":\"\",\"RepoDigests\":[],\"RepoTags\":[{}],\"SharedSize\":-1,\"Size\":{},\"VirtualSize\":{}}}", image_id(image), quoted(image), size(image), size(image))
            };
            own.images().iter().rev().map(one).collect::<Vec<_>>().join(",")
        });
        if !items.is_empty() {
            said.body = text.replacen('[', &format!("[{items},"), 1).into_bytes();
        }
        Some(says(said))
    }

    /// The image of this name or identifier, by its name, where this visitor's daemon has it.
    pub(super) fn held(&self, named: &str) -> Option<String> {
        let list = self.request.scene.persona.site?.text("images.json", self.request);
        let list: Value = serde_json::from_slice(&list).unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let of_host = list.as_array().map(Vec::as_slice).unwrap_or_default().iter();
        let of_host = of_host.map(|item| (text(&item["RepoTags"][0]), text(&item["Id"])));
        let own = self.own(|own| own.images().to_vec()).into_iter();
        let own = own.map(|name| (name.clone(), format!("sha256:{}", image_id(&name))));
        let digits = named.trim_start_matches("sha256:");
        let tagged = with_tag(named);
        let fits = |(name, id): &(String, String)| {
            *name == tagged
                || (digits.len() >= 12 && id.trim_start_matches("sha256:").starts_with(digits))
        };
        of_host.chain(own).find(fits).map(|(name, _)| name)
    }

    pub(super) fn image(&self, name: &str) -> SiteAnswer {
        let Some(image) = self.held(name) else {
            return fault(404, &format!("No such image: {}", with_tag(name)));
        };
        json(
            200,
            format!(
                "{{\"Id\":\"sha256:{}\",\"RepoTags\":[{}],\"RepoDigests\":[],\"Parent\":\"\",\"Comment\":\"\",\"Architecture\":\"amd64\",\"Os\":\"linux\",\"Size\":{},\"Config\":{{\"Cmd\":[\"/bin/sh\"],\"Entrypoint\":null,\"Env\":[\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"]}}}}\n",
                image_id(&image),
                quoted(&image),
                size(&image)
            ),
        )
    }
}

/// The same identifier for a name on every installation, as an image has.
pub(super) fn image_id(image: &str) -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(image.as_bytes());
    digest.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn size(image: &str) -> u64 {
    let number = u64::from_str_radix(&image_id(image)[..8], 16).unwrap_or(0);
    5_000_000 + number % 180_000_000
}

/// What `docker pull` is told, a line a step.
fn progress(image: &str, known: bool) -> Vec<u8> {
    let (name, tag) = image.rsplit_once(':').unwrap_or((image, "latest"));
    let path = if name.contains('/') { name.to_owned() } else { format!("library/{name}") };
    let mut text = format!(
        "{{\"status\":{},\"id\":{}}}\r\n",
        quoted(&format!("Pulling from {path}")),
        quoted(tag)
    );
    let layer = &image_id(&format!("layer of {image}"))[..12];
    if !known {
        let total = size(image) / 3;
        let mut step = |status: &str, detail: &str| {
            let _ = write!(
                text,
                "{{\"status\":\"{status}\",\"progressDetail\":{{{detail}}},\"id\":\"{layer}\"}}\r\n"
            );
        };
        step("Pulling fs layer", "");
        for part in [total / 4, total / 2, total] {
            step("Downloading", &format!("\"current\":{part},\"total\":{total}"));
        }
        step("Verifying Checksum", "");
        step("Download complete", "");
        step("Extracting", &format!("\"current\":{total},\"total\":{total}"));
        step("Pull complete", "");
    }
    let digest = image_id(&format!("digest of {image}"));
    let word = if known { "Image is up to date for" } else { "Downloaded newer image for" };
    let _ = write!(
        text,
        "{{\"status\":\"Digest: sha256:{digest}\"}}\r\n{{\"status\":{}}}\r\n",
        quoted(&format!("Status: {word} {image}"))
    );
    text.into_bytes()
}
