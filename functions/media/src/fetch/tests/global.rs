//! Which IP addresses are public.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use crate::fetch::global::{GLOBAL_V6, PublicAddress, REFUSED_V4, REFUSED_V6};

fn is_public(address: impl Into<IpAddr>) -> bool {
    PublicAddress::check(address.into()).is_some()
}

const PUBLIC: &[&str] = &[
    // The neighbours of each refused block.
    "1.0.0.0",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "191.255.255.255",
    "192.0.1.0",
    "192.0.3.0",
    "192.88.98.255",
    "192.88.100.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "198.51.99.255",
    "198.51.101.0",
    "203.0.112.255",
    "203.0.114.0",
    "223.255.255.255",
    "8.8.8.8",
    "93.184.216.34",
    "2000::",
    "2001:200::1",
    "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
    "2001:db9::",
    "2003::1",
    "2606:4700::1111",
    "2a00:1450:4001::200e",
    "3ffe:ffff::",
    "3fff:1000::",
    // Public IPv4 addresses within others.
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "2002:808:808::1",
    "2606:4700::5efe:808:808",
];

const REFUSED: &[&str] = &[
    "0.0.0.0",
    "0.255.255.255",
    "10.0.0.0",
    "10.1.2.3",
    "10.255.255.255",
    "100.64.0.0",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.255",
    "169.254.0.0",
    "169.254.169.254",
    "169.254.170.2",
    "169.254.255.255",
    "172.16.0.0",
    "172.31.255.255",
    "192.0.0.0",
    "192.0.0.192",
    "192.0.0.255",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.0",
    "192.168.255.255",
    "198.18.0.0",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    // Compatible ones, also with a public address.
    "::2",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:0.0.0.0",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    // Translated by SIIT (RFC 2765), which is no mapped address.
    "::ffff:0:8.8.8.8",
    "64:ff9b::10.0.0.1",
    "64:ff9b::169.254.169.254",
    "64:ff9b:0:0:0:1:8.8.8.8",
    "64:ff9b:1::8.8.8.8",
    "100::1",
    "100:0:0:1::1",
    "1fff:ffff::",
    "2001::1",
    "2001:0:808:808::1",
    "2001:1::1",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:1ff:ffff::",
    "2001:db8::1",
    "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
    "2002:7f00:1::1",
    "2002:a9fe:a9fe::",
    "2002:a00:1::",
    "2606:4700::5efe:a00:1",
    "2606:4700::200:5efe:a9fe:a9fe",
    "3fff::1",
    "3fff:fff:ffff::",
    "4000::",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fdff:ffff::1",
    "fe80::1",
    "febf::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
];

#[test]
fn public_addresses_are_told_from_all_others() {
    for (addresses, expected) in [(PUBLIC, true), (REFUSED, false)] {
        for address in addresses {
            assert_eq!(is_public(address.parse::<IpAddr>().unwrap()), expected, "{address}");
        }
    }
}

#[test]
fn a_block_is_refused_from_its_first_to_its_last_address() {
    for (block, length) in REFUSED_V4 {
        let last = Ipv4Addr::from_bits(block.to_bits() | u32::MAX >> length);
        assert!(!is_public(*block) && !is_public(last), "{block}/{length}");
        assert_eq!(block.to_bits() & (u32::MAX >> length), 0, "{block}/{length} has bits after its length");
    }
    for (block, length) in REFUSED_V6 {
        let last = Ipv6Addr::from_bits(block.to_bits() | u128::MAX >> length);
        assert!(!is_public(*block) && !is_public(last), "{block}/{length}");
        assert_eq!(block.to_bits() & (u128::MAX >> length), 0, "{block}/{length} has bits after its length");
    }
}

#[test]
fn a_mapped_address_is_connected_to_as_what_it_stands_for() {
    let address = PublicAddress::check("::ffff:8.8.8.8".parse().unwrap()).unwrap();
    assert_eq!(address.ip(), "8.8.8.8".parse::<IpAddr>().unwrap());
}

/// Any IPv4 address, half of them refused ones.
fn version_4() -> impl Strategy<Value = Ipv4Addr> {
    let refused = (0..REFUSED_V4.len(), any::<u32>()).prop_map(|(index, bits)| {
        let (block, length) = REFUSED_V4[index];
        Ipv4Addr::from_bits(block.to_bits() | bits & (u32::MAX >> length))
    });
    prop_oneof![refused, any::<u32>().prop_map(Ipv4Addr::from_bits)]
}

proptest! {
    #[test]
    fn an_address_is_never_public_when_the_one_within_it_is_not(inner in version_4(), rest in any::<u128>()) {
        let bits = u128::from(inner.to_bits());
        let prefix = |text: &str| text.parse::<Ipv6Addr>().unwrap().to_bits();
        for (name, outer) in [
            ("mapped", prefix("::ffff:0:0") | bits),
            ("compatible", bits),
            ("NAT64", prefix("64:ff9b::") | bits),
            ("local NAT64", prefix("64:ff9b:1::") | bits),
            ("6to4", prefix("2002::") | bits << 80 | rest >> 48),
            ("Teredo server", prefix("2001::") | bits << 64 | rest >> 64),
            ("Teredo client", prefix("2001::") | u128::from(!inner.to_bits())),
            ("ISATAP", rest << 64 | prefix("::5efe:0:0") | bits),
            ("global ISATAP", rest << 64 | prefix("::200:5efe:0:0") | bits),
        ] {
            let outer = Ipv6Addr::from_bits(outer);
            prop_assert!(!is_public(outer) || is_public(inner), "{name}: {outer}");
        }
    }

    #[test]
    fn the_transition_mechanisms_in_use_stay_open_to_public_addresses(inner in version_4()) {
        let prefix = "64:ff9b::".parse::<Ipv6Addr>().unwrap().to_bits();
        let nat64 = Ipv6Addr::from_bits(prefix | u128::from(inner.to_bits()));
        prop_assert_eq!(is_public(nat64), is_public(inner));
        prop_assert_eq!(is_public(inner.to_ipv6_mapped()), is_public(inner));
    }

    #[test]
    fn the_standard_library_agrees_about_what_it_knows(address in version_4()) {
        let special = address.is_private()
            || address.is_loopback()
            || address.is_link_local()
            || address.is_multicast()
            || address.is_broadcast()
            || address.is_documentation()
            || address.is_unspecified();
        prop_assert!(!(special && is_public(address)), "{address}");
    }

    #[test]
    fn nothing_outside_of_the_global_block_is_public_but_what_embeds_a_public_address(bits in any::<u128>()) {
        let address = Ipv6Addr::from_bits(bits);
        let (global, length) = GLOBAL_V6;
        if bits >> (128 - length) != global.to_bits() >> (128 - length) && bits >> 32 != 0xffff {
            prop_assert!(!is_public(address), "{address}");
        }
    }
}
