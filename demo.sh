#!/bin/bash
# demo.sh [--port PORT]   installs what is missing, builds in ./build, starts a gateway on this machine's loopback
# with two users, an echo and a tone, and prints the page's address. Ctrl-C ends it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
top=$PWD
build=$top/build
port=8080
while [ $# -gt 0 ]; do
	case $1 in
	--port) port=${2:?--port wants a number}; shift 2 ;;
	*) sed -n '2,3s/^# \?//p' "$0"; exit 2 ;;
	esac
done

tests/support/install-packages build page

say() { echo "demo: $*" >&2; }
quietly() {
	local log=$build/demo.log
	"$@" >"$log" 2>&1 </dev/null || {
		tail -n 40 "$log" >&2
		say "this failed: $* (all of it is in $log)"
		exit 1
	}
}

mkdir -p "$build"
if [ ! -e configure ]; then
	say 'preparing the build'
	quietly autoreconf -fi
fi
if [ ! -e "$build/config.status" ]; then
	say 'configuring'
	cd "$build"
	quietly "$top/configure" -q --enable-page
	cd "$top"
fi
say 'building the gateway and its page'
quietly make -C "$build" -s -j"$(nproc)" all

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
free_port() {
	local candidate=$1
	while listens "$candidate"; do candidate=$((candidate + 1)); done
	echo "$candidate"
}
password() { od -An -N12 -tx1 /dev/urandom | tr -d ' \n'; }

port=$(free_port "$port")
sip_port=$(free_port 5060)
state=$(mktemp -d "${TMPDIR:-/tmp}/tandem-demo.XXXXXX") # for this user only
daemon=
stop() {
	trap - EXIT INT TERM HUP
	if [ -n "$daemon" ]; then
		kill -TERM "$daemon" 2>/dev/null || true
		wait "$daemon" 2>/dev/null || true
	fi
	rm -rf "$state"
}
trap stop EXIT
trap 'stop; echo >&2; say "stopped"; exit 0' INT TERM HUP

cat >"$state/tandem.conf" <<END
domain = "localhost";
web : { listen = ("127.0.0.1:$port"); root = "$build/html/dist"; demo = true; };
sip : { listen = ("udp:127.0.0.1:$sip_port"); };
media : { address = ("127.0.0.1"); };
plugins : { directory = "$build/plugins/.libs"; };
users : (
	{ name = "alice"; password = "$(password)"; display_name = "Alice"; },
	{ name = "bob"; password = "$(password)"; display_name = "Bob"; }
);
shutdown : { drain_seconds = 0; };
log : { level = "warning"; };
END

"$build/tandem" -c "$state/tandem.conf" &
daemon=$!
until listens "$port"; do
	kill -0 "$daemon" 2>/dev/null || { say 'the gateway did not start; its reason is above'; exit 1; }
	sleep 0.05
done

cat <<END

The softphone is at   http://localhost:$port/

  9196   says everything back to you (echo)       9195   the same, a little later
  9197   a tone                                   9198   music

Open the page a second time, sign in as the other of alice and bob, and call one from the other.
Ctrl-C ends the demonstration.
END
wait "$daemon"
