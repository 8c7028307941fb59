#!/usr/bin/env bash
# Does what deploy/Dockerfile says without an engine: the same static file, in a root that
# holds nothing else, as the same user without rights and without a capability. Needs root.
set -euo pipefail
cd "$(dirname "$0")/.."
((EUID == 0)) || { echo "run this as root: it changes the root folder" >&2; exit 1; }
root=$(mktemp -d)
chmod 755 "$root"
trap 'kill "${pid:-0}" 2>/dev/null || true; rm -rf "$root" "$root.log"' EXIT

CGO_ENABLED=0 go build -trimpath -o "$root/nidan" ./cmd/nidan
mkdir -p "$root/etc/ssl/certs" "$root/data"
mkdir -m 1777 "$root/tmp"
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/" 2>/dev/null || true
chown 10001:10001 "$root/data"
chmod 700 "$root/data"

serve() {
	chroot --userspec=10001:10001 --groups= "$root" /nidan "$@"
}

export NIDAN_LISTEN=:18473 NIDAN_METRICS_LISTEN= NIDAN_DATABASE=/data/nidan.db NIDAN_KEY_FILE=/data/key/nidan.key
export NIDAN_BASE_URL=https://portal.example.com NIDAN_MAIL_FROM='Portal <portal@example.com>'
said=$root.log
(exec chroot --userspec=10001:10001 --groups= "$root" /nidan serve) >"$said" 2>&1 &
pid=$!
alive=
for _ in $(seq 100); do
	if serve check --alive >/dev/null 2>&1; then alive=yes; break; fi
	sleep 0.1
done
fail() { echo "FAILED: $1" >&2; cat "$said" >&2; exit 1; }
[[ $alive ]] || fail "it does not live"
[[ $(stat -c %u "$root/data/nidan.db") == 10001 ]] || fail "another user's database"
[[ -s $root/data/key/first-operator.link ]] || fail "no link for the first operator"
[[ $(awk '/^Uid:/ { print $2 }' /proc/$pid/status) == 10001 ]] || fail "it runs as another user"
[[ $(awk '/^CapEff:/ { print $2 }' /proc/$pid/status) == 0000000000000000 ]] || fail "it has capabilities"
serve operator add --email mika@example.com --name Mika --language en >/dev/null || fail "no operator can be added"
{ serve check || true; } 2>/dev/null | grep '^database *ok' >/dev/null || fail "the check finds no database"
kill -TERM $pid
wait $pid || fail "it did not end well"
! serve check --alive >/dev/null 2>&1 || fail "it is said to live after its end"
echo "one file in an empty root, as a user without rights: it serves, is found alive, and stops"
