//! The least HTTP/1.1 client: one connection, kept alive; over a plain loopback socket unless it is told another.

use base64::Engine as _;
use serde_json::Value;
use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::TcpStream;

pub struct Http<S = TcpStream> {
    stream: BufReader<S>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// `at`: `host:port`, or an origin.
pub fn connect(at: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(at.trim_start_matches("http://").trim_start_matches("https://"))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(crate::program::PATIENCE))?;
    Ok(stream)
}

/// The text of a POST; `more` are header lines, each with its end.
pub fn post(path: &str, client: &Client, form: &str, more: &str) -> String {
    let length = form.len();
    let auth = &client.basic;
    format!(
        "POST {path} HTTP/1.1\r\nHost: test\r\nAuthorization: {auth}\r\nContent-Length: {length}\r\n{more}\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n{form}"
    )
}

impl Http {
    pub fn connect(at: &str) -> io::Result<Self> {
        connect(at).map(Self::over)
    }
}

impl<S: Read + Write> Http<S> {
    pub fn over(stream: S) -> Self {
        Self {
            stream: BufReader::new(stream),
        }
    }

    pub fn stream(&mut self) -> &mut S {
        self.stream.get_mut()
    }

    pub fn get(&mut self, path: &str) -> io::Result<Answer> {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"))?;
        self.answer()
    }

    pub fn post(&mut self, path: &str, client: &Client, form: &str) -> io::Result<Answer> {
        self.send(&post(path, client, form, ""))?;
        self.answer()
    }

    pub fn send(&mut self, text: &str) -> io::Result<()> {
        self.stream.get_mut().write_all(text.as_bytes())
    }

    pub fn answer(&mut self) -> io::Result<Answer> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.stream.read_line(&mut head)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let lower = head.to_ascii_lowercase();
        let length = lower
            .split("content-length: ")
            .nth(1)
            .and_then(|rest| rest.lines().next());
        let mut body = vec![0; length.and_then(|l| l.parse().ok()).unwrap_or(0)];
        self.stream.read_exact(&mut body)?;
        let status = head.split(' ').nth(1).and_then(|s| s.parse().ok());
        Ok(Answer {
            status: status.ok_or(io::ErrorKind::InvalidData)?,
            head,
            body: String::from_utf8(body).map_err(|_| io::ErrorKind::InvalidData)?,
        })
    }

    /// A new access token.
    pub fn mint(&mut self, client: &Client) -> io::Result<String> {
        let answer = self.post("/oauth/token", client, "grant_type=client_credentials")?;
        assert_eq!(answer.status, 200, "{answer:?}");
        Ok(answer.json()["access_token"].as_str().expect("a token").to_owned())
    }

    pub fn active(&mut self, client: &Client, token: &str) -> io::Result<bool> {
        let answer = self.post("/oauth/introspect", client, &format!("token={token}"))?;
        assert_eq!(answer.status, 200, "{answer:?}");
        Ok(answer.json()["active"].as_bool().expect("a boolean"))
    }

    pub fn revoke(&mut self, client: &Client, token: &str) -> io::Result<()> {
        let answer = self.post("/oauth/revoke", client, &format!("token={token}"))?;
        assert_eq!(answer.status, 200, "{answer:?}");
        Ok(())
    }
}

/// An app's credentials.
#[derive(Clone, Debug)]
pub struct Client {
    pub id: String,
    pub secret: String,
    basic: String,
}

impl Client {
    /// From any answer that has `client_id` and `client_secret`.
    pub fn of(made: &Value) -> Self {
        let text = |name: &str| {
            made[name]
                .as_str()
                .unwrap_or_else(|| panic!("no {name} in {made}"))
                .to_owned()
        };
        let (id, secret) = (text("client_id"), text("client_secret"));
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
        Self {
            id,
            secret,
            basic: format!("Basic {pair}"),
        }
    }
}
