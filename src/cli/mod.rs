//! The command line: its arguments, and one file per verb.

mod arguments;
mod build_node_image;
mod cluster_name;
mod completion;
mod context;
mod create_cluster;
mod delete_cluster;
mod delete_clusters;
mod diagnostics;
mod entry;
mod export_kubeconfig;
mod export_logs;
mod fault_heal;
mod fault_inject;
mod fault_kind;
mod fault_kinds;
mod fault_list;
mod get_clusters;
mod get_kubeconfig;
mod get_nodes;
mod load_docker_image;
mod load_image_archive;
mod output;
mod scenario_check;
mod scenario_files;
mod scenario_lint;
mod scenario_run;
mod scenario_schema;
mod version;

pub use entry::main;
