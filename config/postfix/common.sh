# What `setup` and `bypass` share. Read by them, not run.

fail() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# Both write what only root may.
needs_root() { [ "$(id -u)" -eq 0 ] || fail "run me as root"; }

# The assignments and services of a Postfix file: one on each line, without comments.
logical_lines() {
    awk '/^[ \t]*(#|$)/ { next }
         /^[ \t]/ { sub(/^[ \t]+/, ""); line = line " " $0; next }
         { if (line != "") print line; line = $0 }
         END { if (line != "") print line }' "$1"
}

# The value that main.cf beside this file gives to a parameter.
shipped() {
    logical_lines "$here/main.cf" | sed -n "s/^$1 *= *//p"
}

# The persona's addresses and their inboxes, without comments.
personas() {
    sed -e 's/#.*//' -e 's/,/ /g' "$here/personas" | awk 'NF { $1 = tolower($1); print }'
}

# Whether this Postfix runs.
is_running() { postfix -c "$config" status >/dev/null 2>&1; }

# Whether somebody listens at 127.0.0.1 and this port, there alone or everywhere, as Linux tells it.
listens() {
    cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v port="$(printf %04X "$1")" '
        $4 == "0A" && $2 ~ ("^(0+|[0F]*0100007F):" port "$") { found = 1 } END { exit !found }'
}

# Reads `-c DIR`; what is left stands in $argument.
arguments() {
    argument=
    while [ $# -gt 0 ]; do
        case $1 in
            -c) [ $# -gt 1 ] || fail "-c needs the folder with Postfix's main.cf"; config=$2; shift 2 ;;
            -*) fail "unknown option $1" ;;
            *) [ -z "$argument" ] || fail "one word is enough: $argument"; argument=$1; shift ;;
        esac
    done
    : "${config:=$(postconf -h config_directory)}"
    config=$(cd "$config" && pwd) || fail "no such folder"
    [ -f "$config/main.cf" ] || fail "$config has no main.cf: is Postfix configured?"
}
