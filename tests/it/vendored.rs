//! The files of others that are part of the program are the ones that `vendor.json` lists.

use std::fs;

use serde_json::Value;

use crate::programs;
use crate::world::World;

#[test]
fn vendored_files_have_the_listed_checksums() {
    let folder = programs::repository().join("src/serve/assets/vendor");
    let rows: Value = serde_json::from_str(&fs::read_to_string(folder.join("vendor.json")).unwrap()).unwrap();
    let rows = rows.as_array().unwrap();
    let mut listed = vec!["vendor.json".to_owned()];
    let world = World::bare();
    for row in rows {
        let file = row["file"].as_str().unwrap();
        let sum = world.helper("sha256sum", &[folder.join(file).to_str().unwrap()]);
        assert_eq!(sum.split(' ').next(), row["sha256"].as_str(), "{file}: `bash scripts/vendor.sh` writes both");
        let text = fs::read_to_string(folder.join(file)).unwrap();
        assert!(!text.contains("sourceMappingURL"), "{file} asks for a map that is not there");
        listed.push(file.to_owned());
    }
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(listed.contains(&name), "{name} is not in vendor.json");
    }
}
