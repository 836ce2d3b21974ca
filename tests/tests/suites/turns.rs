//! How the suites take turns: `tests/src/suite.rs`.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use libtest_mimic::Completion;
use workbook_tests::suite::{Kind, Place, Run, Suite, Yard, cases};

/// Every test.
pub fn suite() -> Suite {
    let tests: &'static [(&str, fn())] = &[
        ("a_lane_is_as_wide_as_it_is_and_no_wider", a_lane_is_as_wide_as_it_is_and_no_wider),
        (
            "what_runs_alone_comes_after_what_it_disturbs",
            what_runs_alone_comes_after_what_it_disturbs,
        ),
        ("a_panic_leaves_the_lane", a_panic_leaves_the_lane),
    ];
    Suite { name: "turns", width: 1, is_remembered: true, cases: cases(tests).collect() }
}

fn place(ticket: usize, lane: Option<usize>, kind: Kind) -> Place {
    Place { ticket, lane: lane.map(|width| ("lane".to_owned(), width)), kind }
}

fn ran(run: impl FnOnce() + Send + 'static) -> Run {
    Box::new(move || {
        run();
        Ok(Completion::Completed)
    })
}

/// Two that meet in a lane of two get past the barrier; a third that was let in would be counted.
fn a_lane_is_as_wide_as_it_is_and_no_wider() {
    let yard = Yard::default();
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let both = Arc::new(Barrier::new(2));
    thread::scope(|scope| {
        for ticket in 0..8 {
            yard.expect_plain();
            let (yard, now, most) = (&yard, Arc::clone(&now), Arc::clone(&most));
            let both = Arc::clone(&both);
            scope.spawn(move || {
                let run = ran(move || {
                    most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                    both.wait();
                    now.fetch_sub(1, SeqCst);
                });
                assert!(yard.run(&place(ticket, Some(2), Kind::Plain), run).is_ok());
            });
        }
    });
    assert_eq!(most.load(SeqCst), 2);
}

fn what_runs_alone_comes_after_what_it_disturbs() {
    let yard = Yard::default();
    let order = Arc::new(Mutex::new(Vec::new()));
    let says = |word: &'static str| {
        let order = Arc::clone(&order);
        ran(move || order.lock().expect("no panic").push(word))
    };
    yard.expect_plain();
    thread::scope(|scope| {
        let alone = scope.spawn(|| yard.run(&place(0, Some(1), Kind::Alone), says("alone")));
        // It does not keep its lane from those that it waits for.
        assert!(yard.run(&place(1, Some(1), Kind::Plain), says("plain")).is_ok());
        assert!(alone.join().is_ok_and(|ended| ended.is_ok()));
    });
    assert_eq!(*order.lock().expect("no panic"), ["plain", "alone"]);
}

fn a_panic_leaves_the_lane() {
    let yard = Yard::default();
    for (ticket, kind) in [Kind::Plain, Kind::Work, Kind::Alone].into_iter().enumerate() {
        if kind == Kind::Plain {
            yard.expect_plain();
        }
        let panics = thread::scope(|scope| {
            let run: Run = Box::new(|| std::panic::resume_unwind(Box::new("as it does in a test")));
            scope.spawn(|| yard.run(&place(ticket, Some(1), kind), run)).join()
        });
        assert!(panics.is_err(), "input: {kind:?}");
        let next = yard.run(&place(ticket + 1, Some(1), Kind::Work), ran(|| ()));
        assert!(next.is_ok(), "input: after {kind:?}");
    }
}
