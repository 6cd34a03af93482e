// node contract.mjs RECORD SANDBOX: judges the exchanges in RECORD (JSON lines, see recording.py), then lets the
// official client loose on the sandbox that SANDBOX (the JSON of `notion-bridge sandbox --json`) tells of.
//
// Every line of the table is one check, as is every story and every case of the self-test. Exits 1 unless all pass.

import { Client, LogLevel } from "@notionhq/client"
import { createReadStream, readFileSync } from "node:fs"
import { createInterface } from "node:readline"
import { differences } from "./differences.mjs"
import { Judge } from "./judge.mjs"
import { officialDefinitions } from "./schemas.mjs"
import { selftest } from "./selftest.mjs"
import { VERSIONS, stories } from "./stories.mjs"
import { Tally } from "./tally.mjs"

// What the bridge's client can ask for, and what Notion may answer instead. Were one of them recorded no more,
// the table would prove less than it says.
const BRIDGE_ASKS = [
  "GET    users/me",
  "GET    databases/{database_id}",
  "POST   databases",
  "GET    data_sources/{data_source_id}",
  "PATCH  data_sources/{data_source_id}",
  "POST   data_sources/{data_source_id}/query",
  "POST   search",
  "POST   pages",
  "GET    pages/{page_id}",
  "PATCH  pages/{page_id}",
  "GET    pages/{page_id}/properties/{property_id}",
]
const REFUSALS = [400, 401, 403, 404, 409, 429, 500, 502, 503, 504, 529]

const checks = { passed: 0, failed: 0 }

function check(name, problem) {
  checks[problem ? "failed" : "passed"]++
  if (problem) console.log(`FAILED ${name}\n       ${problem}`)
}

async function main([record, sandboxFile]) {
  const official = officialDefinitions()
  const judges = new Map(VERSIONS.map((version) => [version, new Judge(official, version)]))
  const current = VERSIONS.at(-1)
  for (const [name, problem] of selftest(judges.get(current))) check(`judge: ${name}`, problem)

  const bridge = new Tally(`the bridge and the sandbox, ${current}`)
  for await (const line of createInterface({ input: createReadStream(record) })) {
    const exchange = JSON.parse(line)
    const judge = judges.get(exchange.version)
    if (judge?.version !== current) throw new Error(`The bridge is to speak ${current}, not ${exchange.version}.`)
    bridge.add(exchange, judge.judge(exchange), exchange.source)
  }
  const types = official.PagePropertyValueWithIdResponse.anyOf.map(({ properties }) => properties.type.const)
  const recorded = (what, values, has) => {
    for (const value of values) check(`${what} ${value}`, has(value) ? null : "is not in the record")
  }
  recorded("the request", BRIDGE_ASKS, (endpoint) => bridge.has(endpoint))
  recorded("the refusal", REFUSALS, (status) => bridge.statuses.has(status))
  recorded("the type", types, (type) => bridge.types.has(type))

  const tallies = [bridge]
  const sandbox = JSON.parse(readFileSync(sandboxFile, "utf8"))
  for (const version of VERSIONS) tallies.push(await tell(version, sandbox, judges.get(version)))
  for (const tally of tallies) for (const [name, problem] of tally.report()) check(name, problem)
  reportDifferences()
  console.log(`${checks.passed} passed, ${checks.failed} failed`)
  return checks.failed === 0 ? 0 : 1
}

/** Tells all stories in one version; returns the tally of what went over the wire. */
async function tell(version, { address, token }, judge) {
  const tally = new Tally(`the official JavaScript client and the sandbox, ${version}`)
  const control = async (method, path, body) => {
    const headers = { "content-type": "application/json" }
    const options = method === "GET" ? { method } : { method, headers, body: JSON.stringify(body ?? {}) }
    const response = await fetch(`${address}/_sandbox/${path}`, options)
    if (!response.ok) throw new Error(`${method} /_sandbox/${path}: ${await response.text()}`)
    return response.json()
  }
  const logLevel = LogLevel.ERROR
  const client = new Client({ auth: token, baseUrl: address, notionVersion: version, logLevel, logger: () => {} })
  for (const [name, story] of Object.entries(stories)) {
    const { root_page_id: root } = await control("POST", "reset")
    const problem = await story({ client, control, root }).then(() => null, (error) => error.stack)
    check(`${version}: ${name}`, problem)
    for (const exchange of await control("GET", "log")) tally.add(exchange, judge.judge(exchange), name)
  }
  return tally
}

function reportDifferences() {
  console.log("\nwhere the wire and the official types are known to differ (differences.mjs):")
  for (const { name, kind } of differences) console.log(`  ${name} (${kind})`)
  console.log()
}

process.exitCode = await main(process.argv.slice(2))
