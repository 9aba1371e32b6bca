//! Which versions go together.

use pegboard_protocol::session::compatible;

#[test]
fn pairs() {
    check("0.115.1 0.115.0", true);
    check("0.115.1 0.115.1", true);
    check("0.115.1 0.115.9", true);
    check("0.115.1 0.115.1-nightly.3", true);
    check("0.115.1 0.115.2-nightly.3", true);
    check("0.115.1 0.115.1+meta", true);
    check("0.102.0 0.102.1-nightly", true);
    check("0.115.1 0.114.9", false);
    check("0.115.1 0.116.0", false);
    check("0.115.1 0.116.0-nightly.1", false);
    check("0.115.1 1.0.0", false);
    check("0.0.3 0.0.3", true);
    check("0.0.3 0.0.4", false);
    check("1.2.3 1.9.0", true);
    check("1.2.3 2.0.0", false);
}

fn check(pair: &str, expected: bool) {
    let (a, b) = pair.split_once(' ').unwrap();
    let (a, b) = (a.parse().unwrap(), b.parse().unwrap());
    assert_eq!(compatible(&a, &b), expected, "{pair}");
    assert_eq!(compatible(&b, &a), expected, "{pair}, the other way round");
}
