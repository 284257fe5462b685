//! The real program, over its sockets and its command line.

mod acme;
mod app_options;
mod backup;
mod commands;
mod control;
mod demo;
mod export;
mod files;
mod gateway_memory;
mod help;
mod http;
mod kill;
mod logs;
mod looking;
mod metrics;
mod program;
mod races_tls;
mod service_manager;
mod shipping;
mod signals;
mod upgrade;
mod verifying;
mod webhook_campaign;
mod webhook_commands;
mod webhooks;
