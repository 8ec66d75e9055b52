//! Files and crates import each other in one direction only.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use syn::{Item, UseTree, Visibility};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the project")
}

/// A module as its path below the crate's root: `["stack", "server"]`; empty for the root itself.
type Module = Vec<String>;

/// The modules of one crate.
#[derive(Default)]
struct Crate {
    /// What each module imports privately, as absolute paths.
    imports: BTreeMap<Module, Vec<Module>>,
    /// The names that each module hands on with `pub use`, and where they come from.
    handed_on: BTreeMap<Module, BTreeMap<String, Module>>,
}

impl Crate {
    fn read(source: &Path) -> Self {
        let mut modules = Vec::new();
        collect(source, &Module::new(), &mut modules);
        let known: BTreeSet<Module> = modules.iter().map(|(module, _)| module.clone()).collect();
        let mut read = Self::default();
        for (module, file) in modules {
            let text = fs::read_to_string(&file).expect("a source file");
            let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            let (mut imports, mut handed_on) = (Vec::new(), BTreeMap::new());
            for item in parsed.items {
                let Item::Use(item) = item else { continue };
                let mut paths = Vec::new();
                flatten(&item.tree, &mut Module::new(), &mut paths);
                for path in paths.iter().filter_map(|path| absolute(path, &module, &known)) {
                    match (&item.vis, path.last()) {
                        (Visibility::Inherited, _) | (_, None) => imports.push(path),
                        (_, Some(name)) => drop(handed_on.insert(name.clone(), path)),
                    }
                }
            }
            read.imports.insert(module.clone(), imports);
            read.handed_on.insert(module, handed_on);
        }
        read
    }

    /// The module that defines what a path names.
    fn home(&self, path: &[String], hops: usize) -> Module {
        let depth = (0..=path.len()).rev().find(|depth| self.imports.contains_key(&path[..*depth])).unwrap_or_default();
        let (module, rest) = path.split_at(depth);
        match rest.first().and_then(|name| self.handed_on[module].get(name)) {
            Some(from) if hops < 5 => self.home(&[from.as_slice(), &rest[1..]].concat(), hops + 1),
            _ => module.to_vec(),
        }
    }

    /// For each module, the modules that it imports from. A module and the one it is declared in belong together: what
    /// a child takes from its parent does not count.
    fn arrows(&self) -> BTreeMap<&Module, BTreeSet<Module>> {
        let homes = |module: &Module, paths: &[Module]| {
            let homes = paths.iter().map(|path| self.home(path, 0));
            homes.filter(|home| !module.starts_with(home)).collect()
        };
        self.imports.iter().map(|(module, paths)| (module, homes(module, paths))).collect()
    }

    /// A circle of modules that import each other, if there is one.
    fn circle(&self) -> Option<Vec<Module>> {
        let arrows = self.arrows();
        let mut done = BTreeSet::new();
        arrows.keys().find_map(|module| walk(module, &arrows, &mut Vec::new(), &mut done))
    }
}

/// Follows the arrows in depth, and returns the path from a module back to itself.
fn walk(
    module: &Module,
    arrows: &BTreeMap<&Module, BTreeSet<Module>>,
    path: &mut Vec<Module>,
    done: &mut BTreeSet<Module>,
) -> Option<Vec<Module>> {
    if let Some(begin) = path.iter().position(|passed| passed == module) {
        return Some(path[begin..].to_vec());
    }
    if !done.contains(module) {
        path.push(module.clone());
        if let Some(circle) = arrows[module].iter().find_map(|next| walk(next, arrows, path, done)) {
            return Some(circle);
        }
        path.pop();
        done.insert(module.clone());
    }
    None
}

/// The modules below a folder with their files, without tests.
fn collect(folder: &Path, module: &Module, modules: &mut Vec<(Module, std::path::PathBuf)>) {
    for entry in fs::read_dir(folder).expect("a source folder") {
        let path = entry.expect("an entry").path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        if stem == "tests" || stem.ends_with("_tests") || stem == "main" {
            continue;
        }
        let inner = || [module.as_slice(), std::slice::from_ref(&stem)].concat();
        if path.is_dir() {
            collect(&path, &inner(), modules);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let of_folder = stem == "mod" || stem == "lib";
            modules.push((if of_folder { module.clone() } else { inner() }, path));
        }
    }
}

/// All paths of a `use`, without the names that they are imported under.
fn flatten(tree: &UseTree, prefix: &mut Module, paths: &mut Vec<Module>) {
    match tree {
        UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            flatten(&path.tree, prefix, paths);
            prefix.pop();
        }
        UseTree::Group(group) => group.items.iter().for_each(|tree| flatten(tree, prefix, paths)),
        UseTree::Name(name) if name.ident == "self" => paths.push(prefix.clone()),
        UseTree::Name(name) => paths.push([prefix.as_slice(), &[name.ident.to_string()]].concat()),
        UseTree::Rename(name) => paths.push([prefix.as_slice(), &[name.ident.to_string()]].concat()),
        UseTree::Glob(_) => paths.push(prefix.clone()),
    }
}

/// A path from the crate's root; `None` for what comes from another crate.
fn absolute(path: &[String], module: &Module, known: &BTreeSet<Module>) -> Option<Module> {
    let (first, rest) = path.split_first()?;
    match first.as_str() {
        "crate" => Some(rest.to_vec()),
        "self" => Some([module.as_slice(), rest].concat()),
        "super" => {
            let ups = path.iter().take_while(|part| *part == "super").count();
            Some([&module[..module.len().saturating_sub(ups)], &path[ups..]].concat())
        }
        name => {
            let child = [module.as_slice(), &[name.to_owned()]].concat();
            known.contains(&child).then(|| [module.as_slice(), path].concat())
        }
    }
}

#[test]
fn no_files_of_a_crate_import_each_other_in_a_circle() {
    let root = root();
    let mut read = 0;
    for folder in ["shared", "functions", "infra"] {
        for entry in fs::read_dir(root.join(folder)).expect("a folder of crates") {
            let source = entry.expect("an entry").path().join("src");
            if !source.is_dir() {
                continue;
            }
            let found = Crate::read(&source);
            read += found.imports.len();
            let circle = found
                .circle()
                .map(|circle| circle.iter().map(|module| module.join("::")).collect::<Vec<_>>().join(" -> "));
            assert_eq!(circle, None, "in {}", source.display());
        }
    }
    assert!(read > 250, "only {read} files were read");
}

/// The dependencies of what is built, without those of its tests.
fn production_dependencies(package: &str) -> BTreeSet<String> {
    let manifest = fs::read_to_string(root().join(package).join("Cargo.toml")).expect("a manifest");
    let section = manifest.split("\n[").find_map(|section| section.strip_prefix("dependencies]"));
    let lines = section.expect("dependencies").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split(['.', '=', ' ']).next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn the_embedded_cloud_knows_no_crate_of_the_house() {
    let house: Vec<String> = ["functions", "shared"].into_iter().flat_map(packages).collect();
    for (crate_, allowed) in [("infra/cloud", None), ("infra/sandboxes", Some("cloud"))] {
        // Tests of a sandbox run the shop's own provider code against it.
        for known in production_dependencies(crate_) {
            let is_strange = house.contains(&known) || ["local", "sandboxes", "cloud"].contains(&known.as_str());
            assert!(!is_strange || Some(known.as_str()) == allowed, "{crate_} depends on {known}");
        }
    }
}

/// The packages in a folder.
fn packages(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).expect("a folder of crates");
    entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name")).collect()
}
