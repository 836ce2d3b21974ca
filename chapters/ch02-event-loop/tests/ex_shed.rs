//! The checks of the exercise ex_shed.

#[path = "../exercises/ex_shed.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;
#[path = "../solutions/ex_shed.rs"]
mod solution;

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use super::super::$subject::PerAddress;

            /// I49: so many of one address, and of each other one as well
            #[test]
            $(#[$skip])?
            fn each_address_has_its_own_limit() {
                let counter = PerAddress::new(2);
                let admit = |text: &str| {
                    let address = text.parse().expect("an address");
                    counter.admit(address)
                };
                let first = admit("10.0.0.1");
                let second = admit("10.0.0.1");
                assert!(first.is_some() && second.is_some(), "input: two");
                assert!(admit("10.0.0.1").is_none(), "input: a third");
                let other = admit("10.0.0.2");
                assert!(other.is_some(), "input: another address");
                drop(first);
                let again = admit("10.0.0.1");
                assert!(again.is_some(), "input: one has left");
                assert!(admit("10.0.0.1").is_none(), "input: full again");
            }

            /// I49: one client with many addresses is one client
            #[test]
            $(#[$skip])?
            fn aliases_are_one_client() {
                let same = |one: &str, two: &str, is_same: bool| {
                    let counter = PerAddress::new(1);
                    let one = one.parse().expect("an address");
                    let two = two.parse().expect("an address");
                    let _held = counter.admit(one);
                    let got = counter.admit(two).is_none();
                    assert_eq!(got, is_same, "input: {one} and {two}");
                };
                same("10.0.0.1", "::ffff:10.0.0.1", true);
                same("::ffff:10.0.0.1", "::ffff:10.0.0.2", false);
                same("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true);
                same("2001:db8:1:2::1", "2001:db8:1:3::1", false);
            }

            /// I49: who has left, or was never let in, costs no memory
            #[test]
            $(#[$skip])?
            fn nothing_is_remembered() {
                let counter = PerAddress::new(1);
                for number in 0..1000_u32 {
                    let pass = counter.admit(std::net::IpAddr::from(
                        number.to_be_bytes(),
                    ));
                    assert!(pass.is_some(), "input: address {number}");
                }
                assert_eq!(counter.addresses(), 0, "input: all have left");
                let closed = PerAddress::new(0);
                let pass = closed.admit(std::net::IpAddr::from([10, 0, 0, 1]));
                assert!(pass.is_none(), "input: nobody may come");
                assert_eq!(closed.addresses(), 0, "input: nobody came");
            }
        }
    };
}
mod on {
    checks!(solution);
    checks!(
        exercise,
        #[ignore = "exercise: cargo run -- check ex_shed"]
    );
}
