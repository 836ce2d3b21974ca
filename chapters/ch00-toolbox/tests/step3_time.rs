//! Step 3: time and random numbers as arguments.

use std::sync::Arc;
use std::time::Duration;

use ch00_toolbox::clock::{Clock, Deadline, RealClock, VirtualClock};
use ch00_toolbox::rng::{Rng, SplitMix64};

const SEC: Duration = Duration::from_secs(1);

/// I3: a virtual clock moves when it is told to, and by as much.
#[test]
fn a_virtual_clock_moves_when_told() {
    let clock = VirtualClock::new();
    assert_eq!(
        (clock.now(), clock.unix()),
        (Duration::ZERO, Duration::ZERO)
    );
    clock.advance(3 * SEC);
    clock.clone().sleep(2 * SEC);
    assert_eq!((clock.now(), clock.unix()), (5 * SEC, 5 * SEC));
    clock.advance(Duration::MAX);
    assert_eq!(
        clock.now(),
        Duration::MAX,
        "input: advance(MAX) stops there"
    );
}

/// I1: setting the wall clock back does not move the monotonic clock.
#[test]
fn the_wall_clock_jumps_alone() {
    let clock = VirtualClock::new();
    clock.set_unix(1_000_000 * SEC);
    clock.advance(10 * SEC);
    clock.set_unix(500 * SEC);
    assert_eq!((clock.now(), clock.unix()), (10 * SEC, 500 * SEC));
    clock.advance(SEC);
    assert_eq!((clock.now(), clock.unix()), (11 * SEC, 501 * SEC));
}

/// I1: a deadline counts on the monotonic clock, whatever the wall clock does.
#[test]
fn deadlines() {
    let clock = Arc::new(VirtualClock::new());
    let deadline = Deadline::after(&clock, 10 * SEC);
    assert_eq!(deadline.left(&clock), 10 * SEC);
    clock.advance(4 * SEC);
    clock.set_unix(Duration::ZERO);
    assert_eq!(deadline.left(&clock), 6 * SEC);
    assert!(!deadline.passed(&clock));
    clock.advance(6 * SEC);
    assert!(deadline.passed(&clock));
    clock.advance(SEC);
    assert_eq!(deadline.left(&clock), Duration::ZERO);
    let never = Deadline::after(&clock, Duration::MAX);
    assert!(!never.passed(&clock), "input: a deadline of Duration::MAX");
}

/// I1: the machine's monotonic clock does not go back, and moves in a sleep.
#[test]
fn the_real_clock() {
    let clock = RealClock::new();
    let mut last = clock.now();
    for _ in 0..10_000 {
        let now = clock.now();
        assert!(now >= last, "{now:?} after {last:?}");
        last = now;
    }
    clock.sleep(Duration::from_millis(2));
    assert!(clock.now() >= last + Duration::from_millis(2));
    let year_2020 = Duration::from_secs(1_577_836_800);
    assert!(clock.unix() > year_2020, "got {:?}", clock.unix());
}

/// I2: SplitMix64 from 1234567 gives the reference program's numbers.
#[test]
fn splitmix64_vectors() {
    let mut mix = SplitMix64::new(1_234_567);
    for expected in [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ] {
        assert_eq!(mix.next_u64(), expected);
    }
}

/// I2: xoshiro256** from the state 1, 2, 3, 4 gives the reference program's
/// numbers.
#[test]
fn xoshiro256_vectors() {
    let mut rng = Rng::from_state([1, 2, 3, 4]);
    for expected in [
        11520,
        0,
        1509978240,
        1215971899390074240,
        1216172134540287360,
        607988272756665600,
        16172922978634559625,
        8476171486693032832,
        10595114339597558777,
        2904607092377533576,
    ] {
        assert_eq!(rng.next_u64(), expected);
    }
}

/// I1: a seed gives the same numbers, this year and next.
#[test]
fn seeds() {
    assert_eq!(Rng::seeded(42).next_u64(), 1546998764402558742);
    let draw = |seed| {
        let mut rng = Rng::seeded(seed);
        let mut cards: Vec<u8> = (0..8).collect();
        rng.shuffle(&mut cards);
        (
            rng.bytes(11),
            cards,
            rng.range(10..20),
            rng.fork().next_u64(),
        )
    };
    assert_eq!(draw(7), draw(7));
    assert_ne!(draw(7), draw(8));
}

/// I3: below(n) stays below n, and reaches every number.
#[test]
fn below_stays_below() {
    let mut rng = Rng::seeded(1);
    for n in [1, 2, 3, 10, 255, 1 << 40, (1 << 63) + 1, u64::MAX] {
        for _ in 0..1_000 {
            assert!(rng.below(n) < n, "input: {n}");
        }
    }
    let mut seen = [false; 10];
    (0..200).for_each(|_| seen[rng.below(10) as usize] = true);
    assert_eq!(seen, [true; 10], "input: below(10)");
    let mut seen = [false; 5];
    (0..200).for_each(|_| seen[rng.range(3..8) as usize - 3] = true);
    assert_eq!(seen, [true; 5], "input: range(3..8)");
}

/// I3: below(n) gives each number equally often, also where n is so large
/// that a remainder would give the lower ones twice as often.
#[test]
fn below_is_fair() {
    // n is three quarters of 2^64: `next % n` is below n / 3 in half the
    // draws instead of a third of them.
    let n = 3 << 62;
    let mut rng = Rng::seeded(2);
    let draws = 30_000;
    let low = (0..draws).filter(|_| rng.below(n) < n / 3).count();
    // The seed is fixed, so this passes always or never; the margin is eight
    // standard deviations of a fair draw.
    assert!((9_300..10_700).contains(&low), "got {low} of {draws}");
}

/// I3: each order of three cards comes equally often.
#[test]
fn shuffles_are_fair() {
    let mut rng = Rng::seeded(3);
    let mut counts = std::collections::BTreeMap::new();
    for _ in 0..6_000 {
        let mut cards = [1, 2, 3];
        rng.shuffle(&mut cards);
        *counts.entry(cards).or_insert(0) += 1;
    }
    assert_eq!(counts.len(), 6, "got {counts:?}");
    let fair = |&count: &i32| (850..1_150).contains(&count);
    assert!(counts.values().all(fair), "got {counts:?}");
}

/// I3: chances at both ends are certain, and those between come as often.
#[test]
fn chances() {
    let mut rng = Rng::seeded(4);
    assert!((0..1_000).all(|_| rng.chance(1.0)), "input: 1");
    assert!(!(0..1_000).any(|_| rng.chance(0.0)), "input: 0");
    let often = (0..10_000).filter(|_| rng.chance(0.25)).count();
    assert!((2_300..2_700).contains(&often), "input: 0.25, got {often}");
}

/// I1: bytes come from the numbers, the low byte first.
#[test]
fn bytes_are_the_numbers() {
    let mut rng = Rng::seeded(5);
    let mut twin = rng.clone();
    let (one, two) = (twin.next_u64(), twin.next_u64());
    let expected: Vec<u8> =
        [one.to_le_bytes(), two.to_le_bytes()].concat()[..11].to_vec();
    assert_eq!(rng.bytes(11), expected);
    assert_eq!(rng.bytes(0), []);
}

/// I1: picking from nothing gives nothing.
#[test]
fn picks() {
    let mut rng = Rng::seeded(6);
    assert_eq!(rng.pick::<u8>(&[]), None);
    assert_eq!(rng.pick(&["only"]), Some(&"only"));
}

/// I3: a bound for which 2^64 is far from a multiple: a quarter of all
/// numbers is surplus. Left in, it goes to the lowest third of the results
/// if they are made by `%`, and to every third one if by a multiplication.
#[test]
fn below_a_large_bound_is_fair() {
    const N: u64 = 3 << 62;
    let mut rng = Rng::seeded(1);
    let (mut thirds, mut every_third) = ([0_u32; 3], [0_u32; 3]);
    for _ in 0..30_000 {
        let number = rng.below(N);
        thirds[(number / (N / 3)) as usize] += 1;
        every_third[(number % 3) as usize] += 1;
    }
    for n in thirds.into_iter().chain(every_third) {
        let got = (thirds, every_third);
        assert!(n.abs_diff(10_000) < 500, "input: below({N}), {got:?}");
    }
}
