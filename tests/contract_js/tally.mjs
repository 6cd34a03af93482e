// Counts verdicts by endpoint, and shows what was refused.

const EXAMPLES = 3
const BODY_CHARACTERS = 600

export class Tally {
  #title
  #rows = new Map()
  #wrong = new Map()
  /** The HTTP statuses, and the types of page properties, that were answered. */
  statuses = new Set()
  types = new Set()

  constructor(title) {
    this.#title = title
  }

  add(exchange, { endpoint, request, answer, kind }, source) {
    if (!this.#rows.has(endpoint)) {
      this.#rows.set(endpoint, { request: [0, 0], answer: [0, 0], error: [0, 0], scripted: 0 })
    }
    const row = this.#rows.get(endpoint)
    this.statuses.add(exchange.status)
    for (const page of exchange.response?.results ?? [exchange.response]) {
      if (page?.object === "page") for (const { type } of Object.values(page.properties)) this.types.add(type)
    }
    this.#count(row.request, request, `${endpoint}: request`, exchange.body, source)
    if (kind === "scripted") row.scripted++
    else this.#count(row[kind], answer, `${endpoint}: ${kind}`, exchange.response, source)
  }

  #count(cell, problems, where, body, source) {
    cell[1]++
    if (problems.length === 0) {
      cell[0]++
      return
    }
    // The same mistake in a hundred exchanges is one mistake.
    const key = `${where}\n${problems.join("\n").replace(/\.\d+(?=\.| )/g, ".N")}`
    const known = this.#wrong.get(key) ?? { where, problems, body, source, times: 0 }
    this.#wrong.set(key, { ...known, times: known.times + 1 })
  }

  has(endpoint) {
    return this.#rows.has(endpoint)
  }

  /** Prints the table and the mistakes; returns [name, null or problem] for every cell that counted something. */
  report() {
    const width = Math.max(...[...this.#rows.keys()].map((endpoint) => endpoint.length))
    const line = (name, cells) => console.log(`  ${name.padEnd(width)}${cells.map((cell) => cell.padStart(13)).join("")}`)
    console.log(`\n${this.#title}: valid/total`)
    line("", ["requests", "answers", "errors", "scripted"])
    const outcomes = []
    for (const [endpoint, row] of [...this.#rows].sort()) {
      const kinds = ["request", "answer", "error"]
      line(endpoint, [...kinds.map((kind) => (row[kind][1] ? row[kind].join("/") : "-")), String(row.scripted || "-")])
      for (const kind of kinds.filter((kind) => row[kind][1])) {
        const [valid, total] = row[kind]
        const problem = valid === total ? null : `${total - valid} of ${total} are not as Notion's types say`
        outcomes.push([`${this.#title}: ${endpoint}: ${kind}`, problem])
      }
    }
    this.#show()
    return outcomes
  }

  #show() {
    for (const { where, problems, body, source, times } of this.#wrong.values()) {
      console.log(`\n  ${where}, ${times} time${times > 1 ? "s" : ""}, first in ${source}`)
      for (const problem of problems.slice(0, EXAMPLES)) console.log(`    ${problem}`)
      console.log(`    ${shortened(JSON.stringify(body) ?? "no body")}`)
    }
  }
}

function shortened(text) {
  return text.length > BODY_CHARACTERS ? `${text.slice(0, BODY_CHARACTERS)}... (${text.length} characters)` : text
}
