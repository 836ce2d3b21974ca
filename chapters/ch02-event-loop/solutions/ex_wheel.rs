//! A bug hunt: a test that no wrong queue of timers survives.

use ch02_event_loop::queue::TimerQueue;

/// Panics when what `new` makes does not keep the contract of
/// `TimerQueue`, as step 6 states it. Gets the right queues, and mutants
/// with one bug each.
pub fn hunt<Q: TimerQueue<u32>>(new: fn() -> Q) {
    // begin: operations that meet every rule, and what they must give
    use ch00_toolbox::rng::Rng;
    use ch02_event_loop::queue::Tick;

    // The definition: a list that is looked through. Random operations find
    // what one did not think of, if their distances meet the boundaries.
    let mut random = Rng::seeded(1);
    for round in 0..500 {
        let (mut queue, mut now) = (new(), 0);
        let mut list: Vec<(u64, u32)> = Vec::new(); // by insert
        let mut keys = Vec::new();
        for _ in 0..40 {
            let span = 1 << [0, 3, 6, 7, 12, 14, 20][random.below(7) as usize];
            let to = match random.below(3) {
                0 => (now + span) / span * span, // a boundary
                _ => now + random.below(span),
            };
            match random.below(5) {
                0..3 => {
                    let past = random.below(8) == 0;
                    let at = if past { now / 2 } else { to };
                    let value = keys.len() as u32;
                    keys.push(queue.insert(Tick(at), value));
                    list.push((at.max(now), value));
                }
                3 if !keys.is_empty() => {
                    let value = random.below(keys.len() as u64) as u32;
                    let found = list.iter().position(|t| t.1 == value);
                    let expected = found.map(|at| list.remove(at).1);
                    let key = keys[value as usize];
                    let seen = queue.get_mut(key).copied();
                    assert_eq!(seen, expected, "get_mut, round {round}");
                    let got = queue.cancel(key);
                    assert_eq!(got, expected, "cancel, round {round}");
                }
                _ => {
                    now = to;
                    let mut fired = vec![u32::MAX];
                    queue.expire(Tick(now), &mut fired);
                    let mut due = list.clone();
                    due.retain(|timer| timer.0 <= now);
                    due.sort(); // values count the inserts
                    list.retain(|timer| timer.0 > now);
                    let due = due.into_iter().map(|timer| timer.1);
                    let expected: Vec<_> =
                        [u32::MAX].into_iter().chain(due).collect();
                    assert_eq!(fired, expected, "at {now}, round {round}");
                }
            }
            let first = list.iter().map(|timer| Tick(timer.0)).min();
            let next = queue.next();
            assert_eq!(next.is_some(), first.is_some(), "round {round}");
            assert!(next <= first, "{next:?} {first:?}, round {round}");
            assert_eq!(queue.len(), list.len(), "len, round {round}");
        }
        // Who expires at `next` again and again comes to the end.
        for _ in 0..40 * 12 {
            let Some(next) = queue.next() else { break };
            queue.expire(next, &mut Vec::new());
        }
        assert_eq!(queue.next(), None, "next leads nowhere, round {round}");
    }
    // end
}
