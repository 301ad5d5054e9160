//! Rules about names of nodes.

use super::linter::{Linter, unknown};
use crate::kubernetes::find_kind;
use crate::scenario::language::{Action, Objects, Selection, Step};
use crate::yaml::nearest;

impl Linter<'_> {
    pub(super) fn node_names(&mut self) {
        let steps: Vec<(String, &Step)> =
            self.walk.steps.iter().map(|at| (at.path.clone(), at.step)).collect();
        for (path, step) in steps {
            for (field, action) in step.actions() {
                let path = format!("{path}.{field}");
                match action {
                    Action::Cordon(cordon) => self.all_nodes(&path, &cordon.nodes),
                    Action::Taint(taint) => self.all_nodes(&path, &taint.nodes),
                    Action::Drain(drain) => self.node(&format!("{path}.node"), &drain.node, false),
                    _ => {}
                }
            }
        }
        let objects: Vec<(String, &Objects)> =
            self.walk.objects.iter().map(|(path, objects)| (path.clone(), *objects)).collect();
        for (path, objects) in objects {
            let name = objects.object.as_ref().and_then(|object| object.rsplit_once('/'));
            if let Some((kind, name)) = name
                && is_node(kind)
            {
                self.node(&format!("{path}.object"), name, false);
            }
        }
        let selections: Vec<(String, &Selection)> =
            self.walk.selections.iter().map(|(path, one)| (path.clone(), *one)).collect();
        for (path, selection) in selections {
            if let Some(name) = selection.name.as_ref().filter(|_| is_node(&selection.kind)) {
                self.node(&format!("{path}.name"), name, false);
            }
        }
    }

    fn all_nodes(&mut self, path: &str, names: &[String]) {
        for (index, name) in names.iter().enumerate() {
            self.node(&format!("{path}.nodes[{index}]"), name, false);
        }
    }

    /// A node that the cluster does not have. Faults know nodes by the part of their names after the
    /// cluster's, too.
    pub(super) fn node(&mut self, path: &str, name: &str, may_be_short: bool) {
        let cluster = self.cluster_name();
        let Some(nodes) = &self.nodes else { return };
        let full = format!("{cluster}-{name}");
        if nodes.has(name) || (may_be_short && nodes.has(&full)) {
            return;
        }
        let names: Vec<&str> = nodes.names.iter().map(String::as_str).collect();
        let near = match nodes.has(&full) {
            true => Some(full),
            false => nearest(name, &names).map(str::to_owned),
        };
        // The name that the cluster has in the file.
        let near = near.map(|near| match near.strip_prefix(&format!("{cluster}-")) {
            Some(rest) if may_be_short => rest.to_owned(),
            Some(rest) => format!("${{cluster}}-{rest}"),
            None => near,
        });
        let message = unknown("node", name, &names, near.is_some());
        self.report("unknown-node", path, message).suggest(near);
    }
}

pub(super) fn is_node(kind: &str) -> bool {
    find_kind(kind).is_some_and(|known| known.kind == "Node" && known.group.is_empty())
}
