//! Each kind of fault: its effect as the cluster sees it, and how it heals.

pub mod api_requests;
pub mod control_plane;
pub mod network;
pub mod nodes;
pub mod pods;
pub mod several_control_planes;
