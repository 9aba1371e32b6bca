//! Rules about executions.

use std::collections::BTreeSet;

use crate::conformance::octa::stage::Stage;
use crate::conformance::play::Played;

/// So many executions come at once.
const AT_ONCE: usize = 4;

pub(super) fn execution(stage: &mut Stage) -> Played {
    for text in stage.texts()? {
        let execute = stage.execute(&text);
        // That dry ones fail is for another rule to say.
        let next = match stage.executing() {
            Ok(()) => stage.dry(),
            Err(_) => execute.clone(),
        };
        stage.greet(|it| {
            let order = it.ask(&execute);
            it.finished(order)?;
            // What comes behind the end is taken for the answer to the next one.
            it.goes_on(&next)
        })?;
    }
    Ok(())
}

pub(super) fn dry(stage: &mut Stage) -> Played {
    let dry = stage.dry();
    stage.greet(|it| it.goes_on(&dry))
}

pub(super) fn side_by_side(stage: &mut Stage) -> Played {
    let dry = stage.dry();
    stage.talk(|it| {
        let orders: BTreeSet<usize> = (0..AT_ONCE).map(|_| it.expect()).collect();
        it.say_line(&format!("{dry}\n").repeat(AT_ONCE));
        for order in orders {
            it.finished(order)?;
        }
        Ok(())
    })
}
