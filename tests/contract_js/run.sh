#!/usr/bin/env bash
# The wire contract: all that the bridge sends and the sandbox answers, judged by Notion's official types, and
# Notion's own JavaScript client against the sandbox. Needs node >= 20, npm, and `python` with the bridge in it.
#
#   run.sh                    the rounds of record.py, and every test of the whole bridge on real parts
#   run.sh tests/system -x    other tests instead, with pytest's arguments
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
[ $# -gt 0 ] || set -- -n 4 tests/adversary tests/contract tests/demo tests/system

for tool in node npm python; do
    command -v "$tool" >/dev/null || { echo "make contract needs $tool, which is not on the PATH" >&2; exit 2; }
done

made=$here/made
record=$made/wire.jsonl
sandbox=$made/sandbox.json
mkdir -p "$made"
rm -f "$record" "$sandbox"

npm --prefix "$here" ci --loglevel=error >/dev/null
python -m tests.contract_js.record "$record"
# A test that fails has still talked, and what it said is worth judging; the run fails all the same.
tests=0
python -m pytest -q -p tests.contract_js.recording --record-wire "$record" "$@" || tests=$?

python -m bridge sandbox --json --requests-per-minute 100000 >"$sandbox" 2>"$made/sandbox.log" &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true' EXIT
for _ in $(seq 300); do
    [ ! -s "$sandbox" ] && kill -0 "$server" || break
    sleep 0.1
done
[ -s "$sandbox" ] || { echo "the sandbox did not start:" >&2; cat "$made/sandbox.log" >&2; exit 1; }
node "$here/contract.mjs" "$record" "$sandbox"
[ "$tests" -eq 0 ] || { echo "the recorded tests failed, see above" >&2; exit "$tests"; }
