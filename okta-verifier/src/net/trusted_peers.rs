//! The networks of the trusted proxies, and the names of the headers that these proxies send.

use std::{net::IpAddr, sync::Arc};

use crate::{error::ConfigError, token::ascii::is_tchar};

/// Networks such as `10.0.0.0/8` and `fd00::/8`. A single address is a network with one address.
#[derive(Clone, Debug)]
pub(crate) struct Peers(Arc<[Network]>);

#[derive(Debug, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    /// The length of the prefix in bits.
    bits: u32,
}

impl Peers {
    pub(crate) fn new(cidrs: &[String]) -> Result<Self, ConfigError> {
        if cidrs.is_empty() {
            return Err(ConfigError::TrustedProxies {
                problem: "the list is empty; write the networks of the proxies, such as .trusted_proxies([\"10.0.0.0/8\"]), or remove .trusted_proxies(..)",
            });
        }
        let networks: Result<_, _> = cidrs.iter().map(|cidr| Network::parse(cidr)).collect();
        networks.map(Self)
    }

    /// Returns whether the peer is in one of the networks. An unknown peer is never trusted.
    pub(crate) fn contain(&self, peer: Option<IpAddr>) -> bool {
        peer.is_some_and(|peer| {
            // A dual-stack socket shows an IPv4 peer as ::ffff:10.0.0.1.
            let peer = peer.to_canonical();
            self.0.iter().any(|network| network.contains(peer))
        })
    }
}

impl Network {
    fn parse(cidr: &str) -> Result<Self, ConfigError> {
        let wrong = |problem| ConfigError::ProxyNetwork {
            cidr: cidr.to_owned(),
            problem,
        };
        if cidr.is_empty() {
            return Err(wrong(
                "an entry is empty; write an address or a network, such as 10.0.0.0/8, or remove the entry",
            ));
        }
        let (address, bits) = match cidr.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (cidr, None),
        };
        let address: IpAddr = address
            .parse()
            .map_err(|_| wrong("write an address or a network, such as 10.0.0.0/8"))?;
        if address != address.to_canonical() {
            return Err(wrong("write an IPv4 network, such as 10.0.0.0/8"));
        }
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => width,
            Some(bits) if bits.bytes().all(|byte| byte.is_ascii_digit()) => bits
                .parse()
                .ok()
                .filter(|bits| *bits <= width)
                .ok_or_else(|| wrong("the prefix is longer than the address"))?,
            Some(_) => return Err(wrong("write the prefix as a number, such as 10.0.0.0/8")),
        };
        if bits == 0 {
            return Err(wrong(
                "this network contains every address; write the proxy's own network",
            ));
        }
        let network = Self { address, bits };
        // `checked_shl` returns `None` for a prefix of 128 bits, which leaves no bit beyond it.
        if key(address).checked_shl(bits).unwrap_or(0) != 0 {
            return Err(wrong(
                "there are bits beyond the prefix; write the network's first address",
            ));
        }
        Ok(network)
    }

    fn contains(&self, peer: IpAddr) -> bool {
        peer.is_ipv4() == self.address.is_ipv4()
            && (key(peer) ^ key(self.address)) >> (128 - self.bits) == 0
    }
}

/// Returns the name of a proxy header in lower case. `Host`, `Authorization` and `DPoP` are rejected,
/// because clients send them for other purposes.
pub(crate) fn proxy_header(name: &str) -> Result<Box<str>, ConfigError> {
    let lower = name.to_ascii_lowercase();
    let is_name = !lower.is_empty() && lower.bytes().all(is_tchar);
    if !is_name || ["host", "authorization", "dpop"].contains(&&*lower) {
        return Err(ConfigError::ProxyHeader {
            header: name.to_owned(),
        });
    }
    Ok(lower.into())
}

/// Returns the address as a number. An IPv4 address occupies the high 32 bits.
fn key(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    }
}

#[cfg(test)]
mod tests;
