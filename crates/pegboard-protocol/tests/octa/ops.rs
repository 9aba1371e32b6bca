//! What two sides may do, as operations that any bytes stand for.

/// Something that a side does. `which` chooses among the executions that are open there, round and round.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Execute {
        input: bool,
    },
    Output {
        which: usize,
        length: usize,
    },
    Result {
        which: usize,
    },
    Exit {
        which: usize,
    },
    Error {
        which: usize,
    },
    Cancel {
        which: usize,
    },
    Input {
        which: usize,
        length: usize,
    },
    EndInput {
        which: usize,
    },
    TakeOutput {
        amount: usize,
    },
    TakeInput {
        amount: usize,
    },
    /// So many bytes reach a side.
    ToHost {
        amount: usize,
    },
    ToPlugin {
        amount: usize,
    },
    Shutdown,
    Goodbye,
    /// A side finds the link closed.
    HostClosed,
    PluginClosed,
}

impl Op {
    /// Any three bytes are an operation; the more useful ones are more likely.
    pub(crate) fn from_bytes([kind, which, amount]: [u8; 3]) -> Op {
        let which = usize::from(which);
        let amount = usize::from(amount);
        match kind % 64 {
            0..=7 => Op::Execute {
                input: amount % 2 == 1,
            },
            8..=15 => Op::Output {
                which,
                length: amount,
            },
            16 | 17 => Op::Result { which },
            18..=21 => Op::Exit { which },
            22 | 23 => Op::Error { which },
            24 | 25 => Op::Cancel { which },
            26..=31 => Op::Input {
                which,
                length: amount,
            },
            32 => Op::EndInput { which },
            33..=36 => Op::TakeOutput { amount },
            37..=40 => Op::TakeInput { amount },
            41..=50 => Op::ToHost { amount: 4 * amount },
            51..=60 => Op::ToPlugin { amount: 4 * amount },
            61 => match which % 8 {
                0 => Op::Shutdown,
                1 => Op::Goodbye,
                2 => Op::HostClosed,
                3 => Op::PluginClosed,
                _ => Op::TakeOutput { amount: 1024 },
            },
            _ => Op::TakeInput { amount: 1024 },
        }
    }
}
