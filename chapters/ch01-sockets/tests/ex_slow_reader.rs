//! The checks of the exercise `ex_slow_reader`: a room with a virtual clock,
//! so that the ratio is the same on every machine.

use std::collections::VecDeque;

use ch00_toolbox::prop::Gen;

#[path = "../solutions/ex_slow_reader.rs"]
mod solution;

#[path = "../exercises/ex_slow_reader.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;

/// A member: what its socket holds, and how much of that it reads when.
#[derive(Debug, Clone, Default)]
struct Member {
    room: usize,            // bytes that its socket holds
    reads: VecDeque<usize>, // bytes at each tick; the last goes on
    held: VecDeque<u8>,
    got: Vec<u8>,
    line_ends: Vec<usize>, // the tick at which each line was whole
    cut: bool,
}

impl Member {
    fn new(room: usize, reads: &[usize]) -> Member {
        Member {
            room,
            reads: reads.iter().copied().collect(),
            ..Member::default()
        }
    }

    fn takes(&mut self, bytes: &[u8]) -> usize {
        let free = self.room - self.held.len();
        let count = if self.cut { 0 } else { free.min(bytes.len()) };
        self.held.extend(&bytes[..count]);
        count
    }

    fn tick(&mut self, now: usize) {
        let most = match self.reads.len() {
            1 => self.reads[0],
            _ => self.reads.pop_front().unwrap_or(0),
        };
        for byte in self.held.drain(..most.min(self.held.len())) {
            self.got.push(byte);
            if byte == b'\n' {
                self.line_ends.push(now);
            }
        }
    }
}

#[derive(Debug, Clone, Default)]
struct Sim {
    members: Vec<Member>,
    now: usize,
}

impl Sim {
    fn pass(&mut self) {
        self.now += 1;
        self.members.iter_mut().for_each(|m| m.tick(self.now));
    }

    /// Has line n said at tick n, or as soon after as the server is free;
    /// then goes on for `more` ticks. `None`: a tick has passed.
    fn run(
        &mut self,
        lines: &[String],
        more: usize,
        serve: &mut dyn FnMut(&mut Sim, Option<&str>),
    ) {
        for (due, line) in lines.iter().enumerate() {
            serve(self, Some(line));
            while self.now <= due {
                self.pass();
                serve(self, None);
            }
        }
        for _ in 0..more {
            self.pass();
            serve(self, None);
        }
    }

    /// Ticks from the moment that a line is due until who reads at once has
    /// it, on average.
    fn delay(&self) -> usize {
        let ends = &self.members[self.members.len() - 1].line_ends;
        let late = ends.iter().enumerate().map(|(due, end)| end - due);
        late.sum::<usize>() / ends.len().max(1)
    }
}

/// A line each tick to eight, of whom the first reads one in ten ticks.
fn slow_room() -> (Sim, Vec<String>) {
    const LINE: usize = 100;
    let mut members = vec![Member::new(20 * LINE, &[20 * LINE]); 8];
    members[0] = Member::new(20 * LINE, &[LINE / 10]);
    let line = format!("{}\n", "x".repeat(LINE - 1));
    (Sim { members, now: 0 }, vec![line; 1_000])
}

/// What is said at each tick, and how each member reads.
type Talk = (Vec<String>, Vec<(usize, Vec<usize>)>, usize);

fn talk(g: &mut Gen) -> Talk {
    let line = |g: &mut Gen| {
        let size = g.upto(6);
        (0..size)
            .map(|n| (b'a' + n as u8) as char)
            .collect::<String>()
            + "\n"
    };
    let member = |g: &mut Gen| {
        let room = g.range(1, 9) as usize;
        (room, g.vec(20, |g| g.upto(9) as usize))
    };
    (g.vec(30, line), g.vec(4, member), g.upto(20) as usize)
}

fn sim(members: &[(usize, Vec<usize>)]) -> Sim {
    let reads = |reads: &[usize]| [reads, &[9]].concat();
    let members = members
        .iter()
        .map(|(room, r)| Member::new(*room, &reads(r)));
    Sim {
        members: members.collect(),
        now: 0,
    }
}

/// The same by one plain vector for each member.
fn naive(sim: &mut Sim, owed: &mut [Vec<u8>], limit: usize, line: &str) {
    for (member, owed) in sim.members.iter_mut().zip(owed) {
        owed.extend(line.bytes());
        let taken = member.takes(owed);
        owed.drain(..taken);
        member.cut |= !line.is_empty() && owed.len() > limit;
    }
}

/// Who was cut off, and what each has read, as text.
fn ends(sim: &Sim) -> Vec<(bool, String)> {
    let text = |m: &Member| String::from_utf8_lossy(&m.got).into_owned();
    sim.members.iter().map(|m| (m.cut, text(m))).collect()
}

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use super::super::$subject::{Queues, Room, in_turns};
            use super::super::{Sim, ends, naive, sim, slow_room, talk};
            use ch00_toolbox::prop;

            impl Room for Sim {
                fn members(&self) -> usize {
                    self.members.len()
                }

                fn offer(&mut self, member: usize, bytes: &[u8]) -> usize {
                    self.members[member].takes(bytes)
                }

                fn cut(&mut self, member: usize) {
                    self.members[member].cut = true;
                }

                fn tick(&mut self) {
                    self.pass();
                }
            }

            fn serve(sim: &mut Sim, queues: &mut Queues, line: Option<&str>) {
                match line {
                    Some(line) => queues.say(sim, line.as_bytes()),
                    None => queues.flush(sim),
                }
            }

            /// I9: a slow reader costs the others nothing: a line reaches
            /// them at least 100 times sooner than where each waits its turn.
            #[test]
            $(#[$skip])?
            fn a_hundred_times_sooner() {
                let (mut ours, lines) = slow_room();
                let mut queues = Queues::new(8, 10_000);
                let step = &mut |sim: &mut Sim, line: Option<&str>| {
                    serve(sim, &mut queues, line);
                };
                ours.run(&lines, 10, step);
                let (mut theirs, _) = slow_room();
                theirs.run(&lines, 10, &mut |sim, line| {
                    line.iter().for_each(|l| in_turns(sim, l.as_bytes()));
                });
                let read = ours.members[7].line_ends.len();
                assert_eq!(read, 1_000, "input: 1000 lines, one is slow");
                let (ours, theirs) = (ours.delay(), theirs.delay());
                assert!(
                    ours * 100 <= theirs,
                    "a line is {ours} ticks late on average, in turns \
                     {theirs}; a hundredth of that is allowed"
                );
            }

            /// I9: who is owed more than the limit is cut off, at once, and
            /// nobody else is.
            #[test]
            $(#[$skip])?
            fn the_slow_one_is_cut_off() {
                let (mut room, lines) = slow_room();
                let mut queues = Queues::new(8, 1_000);
                for (said, line) in lines[..40].iter().enumerate() {
                    queues.say(&mut room, line.as_bytes());
                    let cut: Vec<_> =
                        room.members.iter().map(|m| m.cut).collect();
                    // Its socket takes 2000 bytes, and 10 more each tick.
                    let owed = (said + 1) * 100;
                    let slow = owed > 2_000 + said * 10 + 1_000;
                    let mut expected = [false; 8];
                    expected[0] = slow;
                    let said = said + 1;
                    assert_eq!(cut, expected, "input: {said} lines of 100");
                    room.pass();
                    queues.flush(&mut room);
                }
            }

            /// I7, I9: any talk, any sockets: each is told what the naive
            /// queues tell, in the same order, as soon, and cut off as they
            /// cut off.
            #[test]
            $(#[$skip])?
            fn equals_the_naive_queues() {
                prop::check("slow_reader", 1_000, talk, |talk| {
                    let (lines, members, limit) = talk;
                    let (count, limit) = (members.len(), *limit);
                    let mut ours = sim(members);
                    let mut queues = Queues::new(count, limit);
                    let step = &mut |sim: &mut Sim, line: Option<&str>| {
                        serve(sim, &mut queues, line);
                    };
                    ours.run(lines, 40, step);
                    let mut owed = vec![Vec::new(); count];
                    let mut theirs = sim(members);
                    theirs.run(lines, 40, &mut |sim, line| {
                        naive(sim, &mut owed, limit, line.unwrap_or_default());
                    });
                    for (n, (got, expected)) in
                        ends(&ours).iter().zip(ends(&theirs)).enumerate()
                    {
                        if *got != expected {
                            let what = "(cut off, what it has read)";
                            return Err(format!(
                                "member {n} {what}: expected {expected:?}, \
                                 got {got:?}"
                            ));
                        }
                    }
                    let late = |sim: &Sim| -> Vec<_> {
                        let all = sim.members.iter();
                        all.map(|m| m.line_ends.clone()).collect()
                    };
                    match late(&ours) == late(&theirs) {
                        true => Ok(()),
                        false => Err(format!(
                            "the ticks at which lines were whole: \
                             expected {:?}, got {:?}",
                            late(&theirs),
                            late(&ours)
                        )),
                    }
                });
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(
        exercise,
        #[ignore = "exercise: cargo run -- check ex_slow_reader"]
    );
}
