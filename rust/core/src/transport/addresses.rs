//! Where the name of an endpoint leads, asked once for all connections that are made at about the same time.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::Endpoint;

/// As long as the answers of the large services are good.
const LIFETIME: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(super) struct Addresses {
    /// Locked while the question is out, so that a burst of connections asks once.
    known: Mutex<Option<Known>>,
}

#[derive(Debug)]
struct Known {
    addresses: Vec<SocketAddr>,
    since: Instant,
    /// Connections that were given an order of these.
    served: usize,
}

impl Addresses {
    /// In the order to try them. Each connection begins at another one, so that a service with many gets its load
    /// spread; those of the other IP version stay behind, where the system's rules put them.
    ///
    /// # Errors
    /// Of the resolver.
    pub(super) async fn of(&self, endpoint: &Endpoint) -> io::Result<Vec<SocketAddr>> {
        let mut known = self.known.lock().await;
        let fresh = known
            .take()
            .filter(|known| known.since.elapsed() < LIFETIME);
        let known = match fresh {
            Some(fresh) => known.insert(fresh),
            None => {
                let found = lookup_host((endpoint.host.as_str(), endpoint.port)).await?;
                known.insert(Known {
                    addresses: found.collect(),
                    since: Instant::now(),
                    served: 0,
                })
            }
        };
        let order = beginning_at(known.served, &known.addresses);
        known.served += 1;
        Ok(order)
    }

    /// No connection came of them: the name may lead elsewhere by now.
    pub(super) async fn forget(&self) {
        *self.known.lock().await = None;
    }
}

fn beginning_at(turn: usize, addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let mut order = addresses.to_vec();
    let alike = addresses
        .iter()
        .take_while(|address| address.is_ipv4() == addresses[0].is_ipv4())
        .count();
    if alike > 0 {
        order[..alike].rotate_left(turn % alike);
    }
    order
}

#[cfg(test)]
mod tests {
    use http::Uri;

    use super::*;

    #[test]
    fn connections_begin_at_different_addresses_of_one_kind() {
        let [a, b, other] = ["[::1]:1", "[::2]:1", "127.0.0.1:1"].map(|text| text.parse().unwrap());

        assert_eq!(beginning_at(0, &[a, b, other]), [a, b, other]);
        assert_eq!(beginning_at(1, &[a, b, other]), [b, a, other]);
        assert_eq!(beginning_at(2, &[a, b, other]), [a, b, other]);
        assert!(beginning_at(3, &[]).is_empty());
    }

    #[tokio::test]
    async fn a_name_is_asked_for_once_and_again_when_its_time_is_over() {
        let endpoint = Endpoint::of(&Uri::from_static("http://127.0.0.1:9")).unwrap();
        let right: Vec<SocketAddr> = vec!["127.0.0.1:9".parse().unwrap()];
        let planted: Vec<SocketAddr> = vec!["127.0.0.2:9".parse().unwrap()];
        let addresses = Addresses::default();
        assert_eq!(addresses.of(&endpoint).await.unwrap(), right);
        let plant = async || {
            let mut known = addresses.known.lock().await;
            known.as_mut().unwrap().addresses.clone_from(&planted);
        };

        plant().await;
        assert_eq!(addresses.of(&endpoint).await.unwrap(), planted);
        addresses.forget().await;
        assert_eq!(addresses.of(&endpoint).await.unwrap(), right);
        plant().await;
        addresses.known.lock().await.as_mut().unwrap().since -= LIFETIME;
        assert_eq!(addresses.of(&endpoint).await.unwrap(), right);
    }
}
