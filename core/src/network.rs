//! The network of a client, for which connections, requests, bodies, exports and attempts are
//! limited.

use std::net::{IpAddr, Ipv6Addr};

/// An IPv4 address, also if it is mapped to IPv6, or an IPv6 prefix of 64 bits, because one client
/// has a whole /64. Clients without an address share one network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network(Option<IpAddr>);

impl Network {
    /// Returns the network of an address.
    #[must_use]
    pub fn of(address: Option<IpAddr>) -> Self {
        Self(address.map(|address| match address.to_canonical() {
            IpAddr::V6(address) => {
                Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
            }
            address @ IpAddr::V4(_) => address,
        }))
    }

    /// Returns the network as the key of a counter: 4 bytes of IPv4, 8 of IPv6, or none.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        match self.0 {
            Some(IpAddr::V4(address)) => address.octets().to_vec(),
            Some(IpAddr::V6(address)) => address.octets()[..8].to_vec(),
            None => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_is_canonical_and_64_bits_for_ipv6() {
        let of = |text: &str| Network::of(Some(text.parse().expect("an address")));
        assert_eq!(of("192.0.2.7"), of("::ffff:192.0.2.7"));
        assert_ne!(of("192.0.2.7"), of("192.0.2.8"));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:DB8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("192.0.2.7").to_bytes().len(), 4);
        assert_eq!(of("2001:db8::1").to_bytes().len(), 8);
        assert_ne!(Network::of(None), of("::"));
        assert_eq!(Network::of(None).to_bytes().len(), 0);
    }
}
