//! Which IP addresses are on the public internet.
//!
//! The registries are <https://www.iana.org/assignments/iana-ipv4-special-registry> and
//! <https://www.iana.org/assignments/iana-ipv6-special-registry>. `IpAddr::is_global` of the standard library is
//! unstable, and it accepts the addresses of 6to4 and NAT64 whatever IPv4 address they lead to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address on the public internet: the only kind that is connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PublicAddress(IpAddr);

impl PublicAddress {
    /// A mapped address (`::ffff:a.b.c.d`) becomes the IPv4 address that the kernel would make of it.
    pub(super) fn check(address: IpAddr) -> Option<Self> {
        let address = address.to_canonical();
        let is_public = match address {
            IpAddr::V4(address) => is_public_v4(address),
            IpAddr::V6(address) => is_public_v6(address),
        };
        is_public.then_some(Self(address))
    }

    pub(super) fn ip(self) -> IpAddr {
        self.0
    }
}

/// An address and how many of its first bits count.
type Block<Address> = (Address, u32);

pub(super) const REFUSED_V4: &[Block<Ipv4Addr>] = &[
    // This host on this network; Linux connects 0.0.0.0 to itself.
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    // Private networks, RFC 1918.
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    // Shared by the customers of a provider, RFC 6598; some clouds have their metadata here.
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    // Loopback: the Runtime API and extensions of Lambda.
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Link-local: the metadata services of EC2 and ECS, the resolver, the time.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    // Protocol assignments, documentation (three blocks), the former relays of 6to4, benchmarks.
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    // Multicast; reserved, with the broadcast address at its end.
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// All that IANA has given out for the internet. Loopback, unspecified, compatible (`::/96`), discard-only (100::/64),
/// segment routing (5f00::/16), unique local (fc00::/7), link-local (fe80::/10), site-local (fec0::/10), multicast
/// (ff00::/8) and the local prefix of NAT64 (64:ff9b:1::/48) lie outside.
pub(super) const GLOBAL_V6: Block<Ipv6Addr> = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// What is refused within [`GLOBAL_V6`].
pub(super) const REFUSED_V6: &[Block<Ipv6Addr>] = &[
    // Protocol assignments: Teredo (2001::/32, a tunnel to an IPv4 address), benchmarks, ORCHID.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    // Documentation.
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Translated to the IPv4 address in the last four bytes, RFC 6052.
const NAT64: Block<Ipv6Addr> = (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);
/// Tunnelled to the IPv4 address that follows the first two bytes, RFC 3056.
const SIX_TO_FOUR: Block<Ipv6Addr> = (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16);

fn is_public_v4(address: Ipv4Addr) -> bool {
    !REFUSED_V4.iter().any(|(block, length)| address.to_bits() >> (32 - length) == block.to_bits() >> (32 - length))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [_, first, second, _, _, interface, third, fourth] = address.segments();
    let within =
        |(block, length): &Block<Ipv6Addr>| address.to_bits() >> (128 - length) == block.to_bits() >> (128 - length);
    if within(&NAT64) {
        return is_public_v4(embedded(third, fourth));
    }
    if within(&SIX_TO_FOUR) && !is_public_v4(embedded(first, second)) {
        return false;
    }
    // ISATAP (RFC 5214) tunnels to the IPv4 address in the last four bytes, under any prefix.
    if interface == 0x5efe && !is_public_v4(embedded(third, fourth)) {
        return false;
    }
    within(&GLOBAL_V6) && !REFUSED_V6.iter().any(within)
}

fn embedded(upper: u16, lower: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(upper) << 16 | u32::from(lower))
}
