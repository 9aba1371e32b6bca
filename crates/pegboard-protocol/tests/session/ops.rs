//! What two sides may do, as operations that any bytes stand for.

use pegboard_protocol::nu::StreamKind;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    Host,
    Plugin,
}

/// Something that a side does. `which` chooses among what there is, round and round.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Call {
        input: Option<StreamKind>,
    },
    Respond {
        which: usize,
        output: Option<StreamKind>,
    },
    EngineCall {
        which: usize,
        input: Option<StreamKind>,
    },
    Answer {
        which: usize,
        output: Option<StreamKind>,
    },
    Send {
        which: usize,
        times: usize,
    },
    Finish {
        which: usize,
    },
    Consume {
        which: usize,
        times: usize,
    },
    Release {
        which: usize,
    },
    /// So many messages or bytes reach a side.
    Deliver {
        to: Who,
        amount: usize,
    },
    /// The next message that could be, cannot be put into bytes.
    Spoil(Who),
    Signal,
    Option,
    Goodbye,
    Fail(Who),
}

impl Op {
    /// Any three bytes are an operation; the more useful ones are more likely.
    pub(crate) fn from_bytes([kind, which, amount]: [u8; 3]) -> Op {
        let stream = match amount % 3 {
            0 => None,
            1 => Some(StreamKind::List),
            _ => Some(StreamKind::Raw),
        };
        let who = if amount % 2 == 0 {
            Who::Host
        } else {
            Who::Plugin
        };
        let which = usize::from(which);
        let times = usize::from(amount) % 130;
        match kind % 64 {
            0..=5 => Op::Call { input: stream },
            6..=11 => Op::Respond {
                which,
                output: stream,
            },
            12..=15 => Op::EngineCall {
                which,
                input: stream,
            },
            16..=19 => Op::Answer {
                which,
                output: stream,
            },
            20..=27 => Op::Send { which, times },
            28..=30 => Op::Finish { which },
            31..=38 => Op::Consume { which, times },
            39..=40 => Op::Release { which },
            41..=58 => Op::Deliver {
                to: who,
                amount: usize::from(amount) * which.max(1) / 8,
            },
            59 => Op::Spoil(who),
            60 => Op::Signal,
            61 => Op::Option,
            62 if which < 32 => Op::Goodbye,
            63 if which < 32 => Op::Fail(who),
            _ => Op::Deliver { to: who, amount: 1 },
        }
    }
}
