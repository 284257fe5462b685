//! The programs of the documentation that check a signature: run as they stand there.

use crate::browser::unescaped;
use crate::support::World;
use grantd::base::secret::Secret;
use grantd::base::time::Timestamp;
use grantd::platform::webhooks::signature;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

const SECRET: &str = "mkwhsec_0123456789abcdefABCDEF_-";
const NOW: u64 = 1_767_225_600;

/// Secret, header, body, and whether it is to be believed.
fn cases() -> Vec<(String, String, String, bool)> {
    let body = "{\"type\":\"grant.created\",\"name\":\"Zoë 日本\"}".to_owned();
    let signed = |at: u64| signature::header(&Secret::new(SECRET), Timestamp::from_seconds(at), &body);
    let good = signed(NOW);
    let (t, v1) = good.split_once(',').unwrap();
    let of = |secret: &str, header: &str, body: &str, believed| {
        (secret.to_owned(), header.to_owned(), body.to_owned(), believed)
    };
    let case = |header: &str, body: &str, believed| of(SECRET, header, body, believed);
    vec![
        case(&good, &body, true),
        case(&signed(NOW - 299), &body, true),
        case(&signed(NOW + 299), &body, true),
        case(&signed(NOW - 301), &body, false),
        case(&signed(NOW + 301), &body, false),
        case(&good, &format!("{body} "), false),
        case(&good, &body.replace("created", "updated"), false),
        case(&good, "", false),
        of("mkwhsec_another", &good, &body, false),
        case(&format!("t={},{v1}", NOW + 1), &body, false),
        case(t, &body, false),
        case(v1, &body, false),
        case("", &body, false),
        case("nonsense", &body, false),
        case(&format!("{t},v1="), &body, false),
        case(&format!("{t},v1=é"), &body, false),
        case(&format!("{t},v1={}", &v1[3..60]), &body, false),
        case(&format!("t=soon,{v1}"), &body, false),
    ]
}

/// The programs by their names, as a page shows them.
async fn programs(profile: &str) -> Vec<(String, String)> {
    let world = World::new(profile).await;
    let page = world.get("/docs/webhooks").await;
    let parts = page.body.split("<details class=\"snippet\"").skip(1);
    let part = |part: &str| {
        let between = |from: &str, to: &str| part.split(from).nth(1).unwrap().split(to).next().unwrap().to_owned();
        (
            between("<summary>", "</summary>"),
            unescaped(&between("<code>", "</code>")),
        )
    };
    parts.map(part).collect()
}

/// Runs `program` and returns its lines. `None` where there is no such interpreter.
fn run(interpreter: &str, file: &Path, input: &str) -> Option<Vec<String>> {
    let mut command = Command::new(interpreter);
    if interpreter == "go" {
        command.arg("run");
    }
    let child = command.arg(file).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => panic!("{interpreter}: {error}"),
    };
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{interpreter} ended with {}", output.status);
    Some(
        String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect(),
    )
}

/// What reads the cases from standard input, one JSON array, and prints `true` or `false` for each.
fn with_driver(name: &str, program: &str) -> (&'static str, &'static str, String) {
    match name {
        "Node.js" => (
            "node",
            "verify.mjs",
            format!(
                "import {{ readFileSync }} from 'node:fs';\n{program}\n\
                 for (const [s, h, b] of JSON.parse(readFileSync(0)))\n\
                 console.log(verify(s, h, Buffer.from(b), {NOW}));\n"
            ),
        ),
        "Python" => (
            "python3",
            "verify.py",
            format!(
                "{program}\nimport json, sys\nfor s, h, b, _ in json.load(sys.stdin):\n    \
                 print(str(verify(s, h, b.encode(), {NOW})).lower())\n"
            ),
        ),
        "PHP" => (
            "php",
            "verify.php",
            format!(
                "{program}\nforeach (json_decode(file_get_contents('php://stdin')) as [$s, $h, $b]) \
                 echo verify($s, $h, $b, {NOW}) ? 'true' : 'false', \"\\n\";\n"
            ),
        ),
        "Go" => (
            "go",
            "verify.go",
            program.replace("package webhook", "package main").replacen(
                "import (",
                "import (\n\t\"encoding/json\"\n\t\"fmt\"\n\t\"os\"",
                1,
            ) + &format!(
                "\nfunc main() {{\n\tvar cases [][]any\n\tjson.NewDecoder(os.Stdin).Decode(&cases)\n\
                 \tfor _, c := range cases {{\n\
                 \t\tsecret, header, body := c[0].(string), c[1].(string), []byte(c[2].(string))\n\
                 \t\tfmt.Println(Verify(secret, header, body, time.Unix({NOW}, 0)))\n\t}}\n}}\n"
            ),
        ),
        other => panic!("nobody runs {other}"),
    }
}

#[tokio::test]
async fn the_programs_believe_what_is_ours_and_nothing_else() {
    let cases = cases();
    let input = serde_json::to_string(&cases).unwrap();
    let expected: Vec<String> = cases.iter().map(|case| case.3.to_string()).collect();
    let dir = tempfile::tempdir().unwrap();
    let mut ran = Vec::new();
    for (name, program) in programs("makecrypto").await {
        assert!(
            program.contains("makecrypto-signature") && !program.contains("{header}"),
            "{program}"
        );
        let (interpreter, file, text) = with_driver(&name, &program);
        // It is compiled for half a minute where it never was before.
        if interpreter == "go" && std::env::var_os("GRANTD_TEST_FULL").is_none() {
            continue;
        }
        let file = dir.path().join(file);
        std::fs::write(&file, text).unwrap();
        if let Some(lines) = run(interpreter, &file, &input) {
            assert_eq!(lines, expected, "{name}");
            ran.push(name);
        }
    }
    // The others run where there is PHP and Go.
    assert!(
        ran.contains(&"Node.js".to_owned()) && ran.contains(&"Python".to_owned()),
        "{ran:?}"
    );
}
