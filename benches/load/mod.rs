//! A small HTTP/1.1 load generator: one thread and one kept connection per client, no client library in the way.
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What a run came to.
#[derive(Debug)]
pub struct Figures {
    pub rate: f64,
    pub p50: f64,
    pub p99: f64,
    pub statements: String,
}

#[derive(Debug)]
pub struct Load<'a> {
    pub address: &'a str,
    pub clients: usize,
    pub time: Duration,
}

impl Load<'_> {
    /// Every client sends the requests of its own numbers until the time is over.
    pub fn run(&self, round: usize, make: &(dyn Fn(usize) -> String + Send + Sync)) -> Figures {
        let next = AtomicUsize::new(round * 10_000_000);
        let start = Instant::now();
        let results: Vec<(Vec<f64>, String)> = std::thread::scope(|scope| {
            let clients: Vec<_> = (0..self.clients).map(|_| scope.spawn(|| self.client(&next, make))).collect();
            clients.into_iter().map(|client| client.join().unwrap()).collect()
        });
        let seconds = start.elapsed().as_secs_f64();
        let statements = results.iter().map(|(_, s)| s.clone()).next().unwrap_or_default();
        let mut times: Vec<f64> = results.into_iter().flat_map(|(times, _)| times).collect();
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize] * 1000.0;
        Figures { rate: times.len() as f64 / seconds, p50: at(0.5), p99: at(0.99), statements }
    }

    fn client(&self, next: &AtomicUsize, make: &(dyn Fn(usize) -> String + Send + Sync)) -> (Vec<f64>, String) {
        let mut stream = BufReader::new(connect(self.address));
        let (mut times, mut statements, begin) = (Vec::new(), String::new(), Instant::now());
        while begin.elapsed() < self.time {
            let request = make(next.fetch_add(1, Ordering::Relaxed));
            let start = Instant::now();
            let (status, timing, body) = exchange(&mut stream, &request);
            times.push(start.elapsed().as_secs_f64());
            assert!((200..300).contains(&status), "{status}: {body}");
            statements = timing;
        }
        (times, statements)
    }
}

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Sends a request and reads its answer: status, statements, body.
fn exchange(stream: &mut BufReader<TcpStream>, request: &str) -> (u16, String, String) {
    stream.get_mut().write_all(request.as_bytes()).unwrap();
    let (mut status, mut length, mut statements) = (0, 0, String::new());
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        let line = line.trim_end().to_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(rest) = line.strip_prefix("http/1.1 ") {
            status = rest[..3].parse().unwrap();
        } else if let Some(rest) = line.strip_prefix("content-length: ") {
            length = rest.parse().unwrap();
        } else if line.starts_with("server-timing") {
            statements = line.split('"').nth(1).unwrap_or_default().split(' ').next().unwrap_or_default().to_owned();
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    (status, statements, String::from_utf8(body).unwrap())
}

pub fn request(method: &str, path: &str, token: &str, body: &str) -> String {
    let token = if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
    format!(
        "{method} /api/v1{path} HTTP/1.1\r\nHost: x\r\n{token}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

pub fn upload(token: &str, resource: &str, csv: &str) -> String {
    let part =
        |head: &str, content: &str| format!("--bench\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n");
    let body = format!(
        "{}{}--bench--\r\n",
        part("name=\"resource\"", resource),
        part("name=\"file\"; filename=\"x.csv\"", csv)
    );
    format!(
        "POST /api/v1/imports HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: multipart/form-data; boundary=bench\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// One request on a connection of its own; the body of a good answer.
pub fn once(address: &str, request: &str) -> String {
    let (status, _, body) = exchange(&mut BufReader::new(connect(address)), request);
    assert!((200..300).contains(&status), "{status}: {body}");
    body
}

pub fn is_up(address: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect(address) else { return false };
    let mut answer = [0; 12];
    stream.write_all(b"GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n").is_ok()
        && stream.read_exact(&mut answer).is_ok()
        && answer.ends_with(b"200")
}

/// The first text member of that name.
pub fn member(json: &str, name: &str) -> String {
    let mark = format!("\"{name}\":\"");
    json.split(&mark)
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .unwrap_or_else(|| panic!("{name} in {json}"))
        .to_owned()
}
