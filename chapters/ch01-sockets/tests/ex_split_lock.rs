//! The checks of the exercise `ex_split_lock`.

#[path = "../exercises/ex_split_lock.rs"]
#[allow(dead_code, unused_variables)]
mod exercise;
#[path = "../solutions/ex_split_lock.rs"]
mod solution;

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use super::super::$subject::{Hall, hunt};
            use std::cell::{Cell, RefCell};

            /// Ann is told, then bob. `split`: others get in between.
            #[derive(Default)]
            struct Room {
                split: bool,
                locked: Cell<bool>,
                waiting: RefCell<Vec<String>>,
                ann: RefCell<Vec<String>>,
                bob: RefCell<Vec<String>>,
            }

            impl Hall for Room {
                fn say(&self, line: &str, between: &dyn Fn()) {
                    if self.locked.replace(!self.split) {
                        return self.waiting.borrow_mut().push(line.into());
                    }
                    self.ann.borrow_mut().push(line.into());
                    between();
                    self.bob.borrow_mut().push(line.into());
                    self.locked.set(false);
                    for line in self.waiting.take() {
                        self.say(&line, &|| {});
                    }
                }

                fn told(&self) -> (Vec<String>, Vec<String>) {
                    (self.ann.borrow().clone(), self.bob.borrow().clone())
                }
            }

            /// I7: the hunt lets the right one pass
            #[test]
            $(#[$skip])?
            fn the_finished_one_passes() {
                let got = hunt(&Room::default());
                assert_eq!(got, Ok(()), "input: pushes under the lock");
            }

            /// I7: the hunt catches the mutant
            #[test]
            $(#[$skip])?
            fn the_mutant_is_caught() {
                let room = Room { split: true, ..Room::default() };
                let got = hunt(&room);
                let expected = Err("the two orders".to_string());
                let got = got.map_err(|_| "the two orders".to_string());
                assert_eq!(got, expected, "input: pushes after the lock");
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_split_lock"]);
}
