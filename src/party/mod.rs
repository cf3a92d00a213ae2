//! Enterprises, carriers and providers, and the groups of them under one controller.
