//! The application's own files, for whoever gets to read them on the machine: what is in them agrees with what the pages do.

use super::content::{Club, letters};
use super::{base, database};
use crate::Identity;

/// Paths and texts; a path that ends in a slash is a folder.
pub(crate) fn application_files(identity: &Identity) -> Vec<(String, String)> {
    let club = Club::draw(identity);
    let secret = letters(identity, "application's key", 32);
    let config = format!(
        "<?php\n$db_host = 'localhost';\n$db_user = '{}';\n$db_pass = '{}';\n$db_name = '{}';\n$secret = '{secret}';\n\n$db = mysqli_connect($db_host, $db_user, $db_pass, $db_name);\nsession_start();\n",
        database::user(&club),
        club.password,
        club.database
    );
    let page = |query: &str| {
        format!(
            "<?php\nrequire 'config.php';\nrequire 'header.php';\n\n$result = mysqli_query($db, \"{query}\");\nwhile ($row = mysqli_fetch_row($result)) {{\n    show($row);\n}}\nrequire 'footer.php';\n"
        )
    };
    let files = [
        ("", String::new()),
        ("config.php", config),
        ("index.php", "<?php\nrequire 'config.php';\nrequire 'header.php';\n\n$page = isset($_GET['page']) ? $_GET['page'] : 'home';\nif (file_exists('pages/' . $page . '.php')) {\n    $page = 'pages/' . $page . '.php';\n}\ninclude($page);\nrequire 'footer.php';\n".to_owned()),
        ("article.php", page("SELECT id, title, author, posted, body FROM articles WHERE id = \" . $_GET['id'] . \"")),
        ("news.php", page("SELECT id, title, posted FROM articles WHERE published = 1 AND category = '\" . $_GET['category'] . \"' ORDER BY posted DESC")),
        ("search.php", page("SELECT id, title, posted FROM articles WHERE title LIKE '%\" . $_REQUEST['q'] . \"%' OR body LIKE '%\" . $_REQUEST['q'] . \"%'")),
        ("upload.php", "<?php\nrequire 'config.php';\nif (isset($_FILES['file'])) {\n    move_uploaded_file($_FILES['file']['tmp_name'], 'uploads/' . basename($_FILES['file']['name']));\n}\n".to_owned()),
        ("tools.php", "<?php\nrequire 'config.php';\nif (isset($_REQUEST['host'])) {\n    echo '<pre>';\n    passthru('ping -c 2 ' . $_REQUEST['host'] . ' 2>&1');\n    echo '</pre>';\n}\n".to_owned()),
        ("login.php", page("SELECT id, username, role FROM users WHERE username = '\" . $_POST['username'] . \"' AND password = '\" . $hash . \"'")),
        ("uploads/", String::new()),
        ("pages/", String::new()),
        ("pages/about.php", format!("<h2>About us</h2>\n<p>The {} was founded in {}.</p>\n", club.name, club.founded)),
    ];
    let root = format!("/var/www/html{}", base(identity));
    files.into_iter().map(|(name, text)| (format!("{root}{name}"), text)).collect()
}
