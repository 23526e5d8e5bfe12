//! Hot paths for `make bench-guard`, which counts instructions: `s3dlio-bench NAME TIMES [ENDPOINT]` does one of them
//! so often.
//!
//! What a process does once cancels out between two numbers of times.

use std::hint::black_box;

use bytes::Bytes;
use s3dlio::bench::{Signing, read_head};
use s3dlio::checksum::{Algorithm, Checksum};
use s3dlio::{Client, Config, Error, Options, Payload, Result, Uri, WriteOptions};

/// Of an answer to a ranged read.
const HEAD: &[u8] = include_bytes!("head.txt");
const MIB: usize = 1 << 20;
const SMALL: usize = 4 << 10;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [name, times] => in_memory(name, number(times)?),
        [name, times, endpoint] => remote(name, number(times)?, endpoint),
        _ => Err(Error::invalid("arguments are NAME TIMES [ENDPOINT]")),
    }
}

fn number(text: &str) -> Result<u32> {
    text.parse()
        .map_err(|_| Error::invalid(format!("{text:?} is no number of times")))
}

fn in_memory(name: &str, times: u32) -> Result<()> {
    let signing = Signing::default();
    let data = vec![7; MIB];
    let checksum = Checksum::of(Algorithm::Crc64Nvme, &data);
    for _ in 0..times {
        match name {
            "sign" => drop(black_box(signing.get(black_box("/train/shard-000001.tar")))),
            "head" => drop(black_box(read_head(black_box(HEAD))?)),
            "crc" => {
                black_box(Checksum::of(Algorithm::Crc64Nvme, black_box(&data)));
            }
            "combine" => {
                black_box(black_box(checksum).then(black_box(checksum), black_box(MIB as u64)));
            }
            "uri" => drop(black_box(
                black_box("s3://bucket/train/shard-000001.tar").parse::<Uri>()?,
            )),
            _ => return Err(Error::invalid(format!("no path {name}"))),
        }
    }
    Ok(())
}

fn remote(name: &str, times: u32, endpoint: &str) -> Result<()> {
    let client = client(endpoint)?;
    let object: Uri = "s3://guard/object".parse()?;
    let keys: Uri = "s3://guard/keys/".parse()?;
    let body = Bytes::from(vec![7; SMALL]);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        for _ in 0..times {
            match name {
                "put" => {
                    let body = Payload::from(body.clone());
                    client.put(&object, body, &WriteOptions::default()).await?;
                }
                "get" => drop(client.get(&object).await?),
                "stat" => drop(client.stat(&object).await?),
                "list" => drop(client.list(&keys, true, None).await?),
                _ => return Err(Error::invalid(format!("no path {name}"))),
            }
        }
        Ok(())
    })
}

/// A client of a server that checks no signatures.
fn client(endpoint: &str) -> Result<Client> {
    let mut options = Options::default();
    for (setting, value) in [
        ("endpoint_url", endpoint),
        ("region", "us-east-1"),
        ("access_key_id", "AKIAEXAMPLE"),
        ("secret_access_key", "not-checked"),
    ] {
        options.set(setting, value)?;
    }
    Ok(Client::new(Config::load(&options)?))
}
