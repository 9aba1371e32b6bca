//! Plugins taken over from a real Nushell, and given to one.

use std::path::Path;
use std::process::Command;

use pegboard_testkit::peers::{peer, peer_in};

use crate::support::{Cli, Folder, json};

/// Every second one of those that plugins are tested with.
const NUSHELLS: [&str; 3] = ["bin-0.98.0", "bin-0.108.0", "bin"];

fn at<const N: usize>(home: &Folder, arguments: [&str; N]) -> Cli {
    Cli::new(arguments).variable("PEGBOARD_HOME", &home.file("store").display().to_string())
}

/// What a real Nushell with this registry writes.
fn nu(folder: &str, registry: &Path, line: &str) -> String {
    let output = Command::new(peer_in(folder, "nu"))
        .args(["--config", "/dev/null", "--env-config", "/dev/null"])
        .arg("--plugin-config")
        .arg(registry)
        .args(["-c", line])
        .output()
        .expect("a Nushell");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{folder}: {line}: {error}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn a_real_nushell_reads_what_is_exported() {
    let home = Folder::new("export");
    let file = home.file("plugin.msgpackz");
    let name = file.display().to_string();
    at(&home, ["add"])
        .argument(peer("nu_plugin_inc"))
        .argument(peer("nu_plugin_pyhand.py"))
        .out();
    assert_eq!(
        at(&home, ["export", &name]).out(),
        format!("wrote 2 plugins for Nushell 0.115.1 to {name}\n")
    );
    let names = nu("bin", &file, "plugin list | get name | str join ' '");
    assert_eq!(names.trim(), "inc pyhand");
    assert_eq!(nu("bin", &file, "'1.2.3' | inc --minor").trim(), "1.3.0");
    assert!(
        at(&home, ["export", &name])
            .fails(2)
            .contains("is there already")
    );
    for folder in NUSHELLS {
        let version = folder.strip_prefix("bin-").unwrap_or("0.115.1");
        at(&home, ["export", "--force", "--nushell", version, &name]).out();
        let help = nu(
            folder,
            &file,
            "scope commands | where name == inc | get 0.name",
        );
        assert_eq!(help.trim(), "inc", "{folder}");
    }
    let bytes = at(&home, ["export", "-"]).bytes();
    at(&home, ["export", "--force", &name]).out();
    assert_eq!(std::fs::read(&file).expect("the registry"), bytes);
}

#[test]
fn a_version_may_be_short_and_has_an_example() {
    let home = Folder::new("export-version");
    let export = |version| at(&home, ["export", "--nushell", version, "-"]);
    assert_eq!(export("0.100").bytes(), export("0.100.0").bytes());
    for version in ["new", "0", "0.100.0.0"] {
        let said = export(version).fails(2);
        assert!(
            said.contains("expected a version, such as 0.100.0"),
            "{said}"
        );
    }
}

#[test]
fn what_a_real_nushell_has_is_imported() {
    for folder in NUSHELLS {
        let home = Folder::new(&format!("import-{folder}"));
        let file = home.file("plugin.msgpackz");
        // One of its own version, since it takes no other.
        let version = folder.strip_prefix("bin-").unwrap_or("0.115.1");
        let text = std::fs::read_to_string(peer("nu_plugin_pyhand.py")).expect("a script");
        let plugin = home.file("nu_plugin_pyhand.py");
        std::fs::write(&plugin, text.replace("0.115.1", version)).expect("a plugin");
        nu(folder, &file, &format!("plugin add {}", plugin.display()));
        let name = file.display().to_string();
        let out = at(&home, ["import", &name]).out();
        assert_eq!(
            out,
            format!("added pyhand\ntook over 1 of 1 plugins of {name}\n")
        );
        assert_eq!(
            at(&home, ["run", "py", "upper"]).input("x\n").out(),
            "X",
            "{folder}"
        );
        let asked = json(&at(&home, ["inspect", "--json", "pyhand"]).out());
        let removed = json(&at(&home, ["remove", "--json", "pyhand"]).out());
        assert_eq!(removed, serde_json::json!(["pyhand"]));
        let taken = json(&at(&home, ["import", "--unasked", "--json", &name]).out());
        assert_eq!(
            (&taken[0]["name"], &taken[0]["replaced"]),
            (&"pyhand".into(), &false.into())
        );
        let unasked = json(&at(&home, ["inspect", "--json", "pyhand"]).out());
        assert_eq!(
            asked["commands"][0]["sig"]["name"],
            unasked["commands"][0]["sig"]["name"]
        );
        assert_eq!(
            at(&home, ["run", "py", "upper"]).input("x\n").out(),
            "X",
            "{folder}"
        );
    }
}

#[test]
fn what_cannot_be_imported_is_told() {
    let home = Folder::new("import-wrong");
    let none = Cli::new(["import"]).variable("XDG_CONFIG_HOME", "/nowhere");
    assert_eq!(
        none.fails(2),
        "error[pegboard::registry::unreadable]: `/nowhere/nushell/plugin.msgpackz` cannot be read: No such file or \
         directory (os error 2)\n"
    );
    let file = home.file("junk");
    std::fs::write(&file, "junk").expect("a file");
    let junk = at(&home, ["import", &file.display().to_string()]).fails(2);
    assert!(junk.contains("no plugin registry of Nushell"), "{junk}");
    // A plugin that is gone since is named, the others are taken over.
    let registry = home.file("plugin.msgpackz");
    let gone = home.file("nu_plugin_gone.py");
    std::fs::copy(peer("nu_plugin_pyhand.py"), &gone).expect("a copy");
    at(&home, ["add"])
        .argument(&gone)
        .argument(peer("nu_plugin_inc"))
        .out();
    at(&home, ["export", &registry.display().to_string()]).out();
    std::fs::remove_file(&gone).expect("removed");
    let ran = at(&home, ["import", &registry.display().to_string()]).end();
    assert!(
        ran.out.contains("renewed inc\ntook over 1 of 2 plugins"),
        "{ran:?}"
    );
    assert!(ran.err.contains("nu_plugin_gone.py"), "{ran:?}");
    assert_eq!(ran.code, Some(2));
}

#[test]
fn what_is_no_file_is_not_replaced_and_a_link_stays_one() {
    let home = Folder::new("export-odd");
    at(&home, ["add"]).argument(peer("nu_plugin_inc")).out();
    let folder = at(
        &home,
        ["export", "--force", &home.path().display().to_string()],
    );
    assert!(folder.fails(2).contains("is no file"));
    let made = Command::new("mkfifo").arg(home.file("pipe")).status();
    assert!(made.expect("mkfifo").success());
    let pipe = at(
        &home,
        [
            "export",
            "--force",
            &home.file("pipe").display().to_string(),
        ],
    );
    assert!(pipe.fails(2).contains("is no file"));
    std::fs::write(home.file("file"), "").expect("a file");
    std::os::unix::fs::symlink(home.file("file"), home.file("link")).expect("a link");
    at(
        &home,
        [
            "export",
            "--force",
            &home.file("link").display().to_string(),
        ],
    )
    .out();
    assert!(home.file("link").is_symlink());
    assert!(
        std::fs::metadata(home.file("file"))
            .expect("the file")
            .len()
            > 0
    );
    let nowhere = at(&home, ["export", "/nowhere/file"]).fails(4);
    assert!(
        nowhere.contains("cannot be written") && !nowhere.contains("left behind"),
        "{nowhere}"
    );
}
