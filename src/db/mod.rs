//! Postgres: the private server, pools by role, migrations, transactions, constraint names.
