//! An owner's own rules for the web trap: a folder of TOML files, read by the process that has a file system, checked, and handed to the
//! traps in pieces that fit into a message. The format is described in docs/web-rules.md.

use std::path::Path;
use std::sync::Arc;

use kizashi_traps::WebRules;

use crate::failure::Failure;

/// Bytes of one piece: in JSON a byte takes six at most.
const PIECE: usize = 8 * 1024;

/// Name and text of each file of the folder, checked, in the order of their names; none where no folder is named.
pub(crate) fn read(folder: Option<&Path>) -> Result<Vec<(String, String)>, Failure> {
    let files = files(folder)?;
    parse(&files)?;
    Ok(files)
}

/// The program's rules, and before them those of the folder.
pub(crate) fn load(folder: Option<&Path>) -> Result<Arc<WebRules>, Failure> {
    parse(&files(folder)?)
}

fn parse(files: &[(String, String)]) -> Result<Arc<WebRules>, Failure> {
    if files.is_empty() {
        return Ok(WebRules::builtin());
    }
    WebRules::with_own(files).map(Arc::new).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Failure::Asked(lines.join("\n"))
    })
}

fn files(folder: Option<&Path>) -> Result<Vec<(String, String)>, Failure> {
    crate::toml_folder::read(folder, "web_rules")
}

/// The files in pieces: name, and a part of the text.
pub(crate) fn pieces(files: &[(String, String)]) -> Vec<(String, String)> {
    let mut pieces = Vec::new();
    for (name, text) in files {
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let end = (0..=rest.len().min(PIECE)).rev().find(|at| rest.is_char_boundary(*at));
            let (piece, left) = rest.split_at(end.unwrap_or(rest.len()));
            pieces.push((name.clone(), piece.to_owned()));
            rest = left;
        }
    }
    pieces
}

/// Takes a piece to the file that it belongs to.
pub(crate) fn join(files: &mut Vec<(String, String)>, (name, piece): (String, String)) {
    match files.last_mut() {
        Some((last, text)) if *last == name => text.push_str(&piece),
        _ => files.push((name, piece)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_cut_into_pieces_are_whole_again() {
        let files = vec![
            ("a.toml".to_owned(), "é".repeat(9_000)),
            ("b.toml".to_owned(), "product = \"x\"".to_owned()),
        ];
        let mut joined = Vec::new();
        let pieces = pieces(&files);
        assert!(pieces.len() > 2 && pieces.iter().all(|(_, text)| text.len() <= PIECE));
        pieces.into_iter().for_each(|piece| join(&mut joined, piece));
        assert_eq!(joined, files);
    }

    #[test]
    fn what_is_wrong_in_a_folder_is_told_with_file_and_line() {
        let folder = std::env::temp_dir().join(format!("kizashi-web-rules-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("own.toml"), "product = \"x\"\n\n[[rule]]\nname = 3\n").unwrap();
        let said = read(Some(&folder)).unwrap_err().to_string();
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(said.contains("own.toml, line 4: "), "{said}");
        assert!(read(Some(&folder)).unwrap_err().to_string().contains("cannot be read"));
        assert_eq!(read(None).unwrap(), []);
    }
}
