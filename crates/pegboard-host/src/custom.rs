//! Which plugin a custom value belongs to, and the notice that its last copy is gone.

use std::sync::{Arc, Weak};

use pegboard_protocol::nu::{Call, CustomValueOp};
use pegboard_protocol::{CustomValue, LabeledError, Owner, Span, Spanned, Value};

use crate::engine::EngineCore;
use crate::instance::Instance;
use crate::plugin::PluginCore;

/// What is attached to a custom value: where it came from.
pub(crate) struct Mark {
    pub(crate) plugin: Weak<PluginCore>,
    /// What the plugin wants to hear when the last copy is gone.
    notice: Option<Notice>,
}

struct Notice {
    instance: Weak<Instance>,
    engine: Weak<EngineCore>,
    value: CustomValue,
}

/// A notice that is to be sent to a plugin, by a thread that holds no lock.
pub(crate) struct Dropped {
    instance: Weak<Instance>,
    value: CustomValue,
}

impl Drop for Mark {
    fn drop(&mut self) {
        let Some(notice) = self.notice.take() else {
            return;
        };
        if let Some(engine) = notice.engine.upgrade() {
            engine.supervisor.dropped(Dropped {
                instance: notice.instance,
                value: notice.value,
            });
        }
    }
}

impl Dropped {
    /// Tells the plugin, if the instance that made the value still runs.
    pub(crate) fn send(self) {
        if let Some(instance) = self.instance.upgrade() {
            instance.mark_dropped();
            let value = Box::new(Spanned::new(self.value, Span::UNKNOWN));
            // An instance that is going away has no state left to free.
            let _ = instance.call_in_background(Call::CustomValueOp(value, CustomValueOp::Dropped));
        }
    }
}

/// Marks every custom value in what a plugin sent as that plugin's.
pub(crate) fn adopt(value: &mut Value, instance: &Arc<Instance>) {
    let done: Result<(), std::convert::Infallible> = value.visit_custom(&mut |custom, _| {
        let notice = custom.notify_on_drop.then(|| {
            instance.mark_made();
            let value = CustomValue {
                owner: Owner::NONE,
                ..custom.clone()
            };
            Notice {
                instance: Arc::downgrade(instance),
                engine: instance.engine.clone(),
                value,
            }
        });
        custom.owner = Owner::new(Arc::new(Mark {
            plugin: instance.plugin.clone(),
            notice,
        }));
        Ok(())
    });
    match done {
        Ok(()) => {}
    }
}

/// Checks that every custom value in what is sent to a plugin came from that plugin, and takes the marks off.
///
/// The marks go to `keep`, which has to live as long as the plugin may use the values.
pub(crate) fn release(
    value: &mut Value,
    plugin: &PluginCore,
    keep: &mut Vec<Arc<Mark>>,
) -> Result<(), LabeledError> {
    value.visit_custom(&mut |custom, span| {
        match custom.owner.mark::<Mark>() {
            Some(mark) if std::ptr::eq(mark.plugin.as_ptr(), plugin) => {
                if mark.notice.is_some() {
                    keep.push(mark);
                }
            }
            Some(mark) => {
                let from = mark
                    .plugin
                    .upgrade()
                    .map_or_else(|| "another plugin".to_owned(), |from| from.name.clone());
                return Err(refused(
                    custom,
                    span,
                    &format!("it belongs to {from}"),
                    plugin,
                ));
            }
            None => {
                return Err(refused(
                    custom,
                    span,
                    "it is not known which plugin made it",
                    plugin,
                ));
            }
        }
        custom.owner = Owner::NONE;
        Ok(())
    })
}

fn refused(custom: &CustomValue, span: Span, why: &str, plugin: &PluginCore) -> LabeledError {
    LabeledError::new(format!(
        "the custom value `{}` cannot be sent to plugin {}",
        custom.name, plugin.name
    ))
    .with_label(why, span)
    .with_help("turn it into a plain value first")
    .with_code("pegboard::foreign_custom_value")
}
