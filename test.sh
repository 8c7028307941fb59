#!/usr/bin/env bash
# Runs every check of this repository; newcomers, developers and CI call nothing else.
set -euo pipefail
cd "$(dirname "$0")"

usage() {
	cat <<'TEXT'
Usage: ./test.sh [quick | setup | PACKAGE...]

  (nothing)   every check: format, vet, linters, static build, the rules of the
              house, tests and stories with the race detector on both engines,
              browser tests
  quick       the same without the race detector and without browser tests
  setup       only install what the tests need
  PACKAGE...  only the tests of these packages, e.g. ./internal/totp/...

What is missing is installed on Debian when this runs as root or sudo is there;
elsewhere it is named and nothing is done. PostgreSQL and Postfix run as private
servers in temporary folders, which are removed at the end; Postfix needs root. The last line is
"N passed, N failed"; the exit status is 0 only when nothing failed or was skipped.
TEXT
}

# ---- what the tests need --------------------------------------------------

has() { command -v "$1" >/dev/null 2>&1; }
has_postgresql() { has initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; }
# The shell is the same engine without windows of its own, and needs a third less: it comes first.
has_chromium() { has chromium-headless-shell || has chromium || has chromium-browser || has google-chrome; }
has_postfix() { has postfix || [[ -x /usr/sbin/postfix ]]; }
has_compiler() { has gcc || has clang; }
# Without a font for Japanese every sign is the same empty box, and a cut-off or missing text goes unseen.
has_japanese_font() { has fc-list && [[ -n $(fc-list :lang=ja family) ]]; }

missing_packages() {
	has_postgresql || echo postgresql
	has oathtool || echo oathtool
	has zbarimg || echo zbar-tools
	has_postfix || echo postfix
	[[ $mode == quick ]] && return
	has_compiler || echo gcc libc6-dev
	has_chromium || echo chromium-headless-shell
	has_japanese_font || echo fontconfig fonts-ipafont-gothic
}

need_go() {
	if ! has go; then
		echo "Go is missing: install the version that go.mod names ($(awk '$1 == "go" { print $2 }' go.mod)) or newer from https://go.dev/dl/" >&2
		exit 1
	fi
}

setup() {
	local missing as_root=()
	mapfile -t missing < <(missing_packages | tr ' ' '\n')
	[[ ${#missing[@]} -gt 0 ]] || return 0
	if ((EUID != 0)); then
		as_root=(sudo)
		[[ -n ${CI:-} ]] && as_root=(sudo -n)
	fi
	if ! has apt-get || { ((EUID != 0)) && ! has sudo; }; then
		echo "Missing, by their Debian names: ${missing[*]}" >&2
		echo "Install these or what your system calls them, then run this again." >&2
		exit 1
	fi
	heading "install with apt-get: ${missing[*]}"
	quietly "${as_root[@]}" apt-get update
	# Without a configuration of the machine's own, Postfix does not start: tests bring theirs.
	has_postfix || ! has debconf-set-selections ||
		"${as_root[@]}" debconf-set-selections <<<'postfix postfix/main_mailer_type select No configuration'
	quietly "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
		apt-get install --yes --no-install-recommends "${missing[@]}"
	mapfile -t missing < <(missing_packages | tr ' ' '\n')
	if [[ ${#missing[@]} -gt 0 ]]; then
		echo "Installed, but still not found: ${missing[*]}" >&2
		exit 1
	fi
	took
}

# ---- reporting ------------------------------------------------------------

heading() {
	printf '== %s\n' "$1"
	stage_began=$SECONDS
}

took() { printf '   %d s\n' $((SECONDS - stage_began)); }

# quietly shows a command's output only when the command fails.
quietly() {
	local output status=0
	output=$("$@" 2>&1 </dev/null) || status=$?
	((status == 0)) || printf '%s\n' "$output"
	return "$status"
}

# interruptible runs a command in a process group of its own, so that a signal
# to this script ends it at once instead of after its last test.
interruptible() {
	local status=0
	set -m
	"$@" </dev/null &
	running=$!
	set +m
	wait "$running" || status=$?
	running=
	return "$status"
}

# check NAME COMMAND... is one check: it passes or fails as a whole.
check() {
	heading "$1"
	shift
	if interruptible quietly "$@"; then
		echo 1 0 >>"$work/counts"
	else
		echo 0 1 >>"$work/counts"
		echo "   FAILED"
	fi
	took
}

# tests NAME GO-TEST-ARGUMENT... counts each test; what passes keeps silent.
tests() {
	heading "$1"
	shift
	interruptible "$work/tally" "$work/counts" go "$@" || true # the counts remember it
	took
}

summary() {
	local passed failed
	read -r passed failed < <(awk '{ p += $1; f += $2 } END { print p + 0, f + 0 }' "$work/counts")
	printf '== all of it: %d s\n' "$SECONDS"
	echo "$passed passed, $failed failed"
	((failed == 0 && passed > 0))
}

# ---- a place of its own, and its end --------------------------------------

clean_up() {
	trap '' INT TERM # the second Ctrl-C must not leave a server running
	[[ -z ${running:-} ]] || kill -TERM -- "-$running" 2>/dev/null || true
	[[ ! -x $work/cluster ]] || "$work/cluster" stop "$TMPDIR/postgres" || true
	rm -rf "$work" ${memory:+"$memory"}
}

# The tests make and remove databases by the hundred, each of many files; on a disk that
# takes longer than the tests. So they do it in memory, where there is room and programs
# may run: no test asks what a power cut leaves.
in_memory() {
	local free folder
	free=$(df --output=avail --block-size=1M /dev/shm 2>/dev/null | tail -n 1)
	((${free:-0} >= 4096)) || return 1 # of which half is used at most
	folder=$(mktemp -d /dev/shm/nidan-test.XXXXXX) || return 1
	if ! { cp "$(type -P true)" "$folder/probe" && "$folder/probe"; } 2>/dev/null; then
		rm -rf "$folder"
		return 1
	fi
	echo "$folder"
}

prepare() {
	memory=
	work=$(mktemp -d "${TMPDIR:-/tmp}/nidan-test.XXXXXX")
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	mkdir "$work/tmp"
	memory=$(in_memory) || true
	export TMPDIR=${memory:-$work/tmp}
	chmod 711 "$work" "$TMPDIR" # PostgreSQL runs as another user when this runs as root
	export GOGC=400 # memory is there for the while; collecting less often saves a tenth
	: >"$work/counts"
}

start_postgresql() {
	interruptible go build -o "$work/cluster" ./internal/store/testpostgres/cluster
	NIDAN_TEST_POSTGRES=$("$work/cluster" start "$TMPDIR/postgres")
	export NIDAN_TEST_POSTGRES
}

# ---- the checks -----------------------------------------------------------

formatted() {
	local unformatted
	unformatted=$(gofmt -l . 2>&1)
	[[ -z $unformatted ]] || { printf 'run gofmt -w on:\n%s\n' "$unformatted"; return 1; }
}

vetted() { go vet ./... && go -C tools vet ./...; }

linted() { go -C tools build -o "$work/staticcheck" honnef.co/go/tools/cmd/staticcheck && "$work/staticcheck" ./...; }

# One file that needs nothing of the machine it is copied to.
built_static() {
	CGO_ENABLED=0 go build -trimpath -o "$work/nidan" ./cmd/nidan || return 1
	if ldd "$work/nidan" >/dev/null 2>&1; then
		echo "nidan asks for shared libraries:"
		ldd "$work/nidan"
		return 1
	fi
}

# With the race detector, except within SQLite: it is C made into Go and keeps what it
# works on outside of Go's memory, where the detector does not look; yet stopping at each
# of its steps was half of what the tests took. Its driver, which is Go, is watched. And
# except within Argon2, which shares its memory with nobody: a hash takes half as long.
race=(-race '-gcflags=modernc.org/sqlite/lib=-race=false' '-gcflags=modernc.org/libc/...=-race=false'
	'-gcflags=golang.org/x/crypto/argon2=-race=false')

# No debugger looks at these programs (stacks keep their lines without its tables). Three
# packages at once, so that no core waits while one of them waits for PostgreSQL.
testing=(test -json -count=1 '-ldflags=-s -w' -p=3 -timeout=30m) # a busy machine takes longer than go's ten minutes

run_packages() {
	tests "tests of $*" "${testing[@]}" "${race[@]}" "$@"
}

run_all() {
	local house=nidan/internal/house browser=nidan/internal/browsertest stories=nidan/story
	# The longest first, and beside one another: no core is idle at the end.
	local longest=("$stories" nidan/internal/web nidan/internal/cli) others
	[[ $mode == quick ]] && race=()
	testing+=(-vet=off) # it is a check of its own here
	check "format" formatted
	check "go vet" vetted
	check "staticcheck" linted
	check "one static file" built_static
	tests "tools" -C tools test -json -count=1 ./...
	tests "rules of the house" "${testing[@]}" "$house/..."
	mapfile -t others < <(go list ./... | grep -Ev "^($house|$browser)(/|\$)" | grep -vxF "$(printf '%s\n' "${longest[@]}")")
	tests "rooms and stories, on both engines" "${testing[@]}" "${race[@]}" "${longest[@]}" "${others[@]}"
	# Twice as many at once as there are cores: one half of a test waits for the other, in the browser.
	[[ $mode == quick ]] || tests "browser" "${testing[@]}" -parallel=$((2 * $(nproc))) "$browser/..."
}

mode=all
case ${1:-} in
'') ;;
-h | --help) usage; exit 0 ;;
quick | setup) mode=$1 ;;
-*) usage >&2; exit 2 ;;
*) mode=packages ;;
esac
need_go
setup
[[ $mode != setup ]] || exit 0

prepare
heading "tools and a private PostgreSQL"
interruptible go -C tools build -o "$work/tally" ./tally
start_postgresql
took
if [[ $mode == packages ]]; then run_packages "$@"; else run_all; fi
summary
