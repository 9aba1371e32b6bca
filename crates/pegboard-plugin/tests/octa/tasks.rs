//! Handlers that await.

use pegboard_plugin::Plugin;
use pegboard_plugin::octa::{Error, Key};
use pegboard_plugin::protocol::octa::{HostEvent, Outcome};
use pegboard_testkit::PluginTest;

use super::host::{PATIENCE, serve, text};

fn plugin() -> Plugin {
    let key = Key::new("test", "For tests").execute_async(|execution| async move {
        match execution.text() {
            "wait" => {
                let cancelled = execution.cancellation().cancelled();
                tokio::time::timeout(PATIENCE, cancelled).await?;
                return Ok(130);
            }
            "panic" => panic!("oh no"),
            "error" => return Err("no luck".into()),
            text => execution.stdout().send(text.to_owned()).await?,
        }
        Ok::<_, Error>(0)
    });
    Plugin::new("test", "1.0.0").octa(key)
}

#[test]
fn tasks_write_and_end() {
    let mut served = serve(plugin());
    let ran = served.run(text("hi"));
    assert_eq!(
        (ran.stdout.as_str(), ran.outcome),
        ("hi\n", Outcome::Exit(0))
    );
    let failed = Outcome::Error("no luck".to_owned());
    assert_eq!(served.run(text("error")).outcome, failed);
    let Outcome::Error(message) = served.run(text("panic")).outcome else {
        panic!("a panic is an error");
    };
    assert!(
        message.starts_with("the plugin's code panicked: oh no"),
        "{message}"
    );
}

#[test]
fn many_tasks_await_their_cancellation_side_by_side() {
    let mut served = serve(plugin());
    let begun: Vec<_> = (0..500).map(|_| served.begin(text("wait"))).collect();
    for _ in &begun {
        served.await_event(|event| matches!(event, HostEvent::Started { .. }));
    }
    served.host.session(|session| session.shut_down());
    for (id, output) in begun {
        assert_eq!(served.follow(id, output).outcome, Outcome::Exit(130));
    }
    served.join();
}

#[test]
fn tasks_are_commands_too() {
    let test = PluginTest::new(plugin()).directory("/tmp");
    let value = test.line("test hi").expect("a text");
    assert_eq!(value, pegboard_plugin::Value::string("hi"));
}
