// Judges single exchanges, one request and its answer each, by the official types.

import Ajv from "ajv"
import { readFileSync } from "node:fs"
import { onTheWire } from "./differences.mjs"
import { findEndpoint } from "./endpoints.mjs"

const errorSchema = JSON.parse(readFileSync(new URL("errors.schema.json", import.meta.url), "utf8"))
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

// JSON Schema's maxLength counts code points; Notion counts UTF-16 units, as `length` does.
const MAX_UTF16 = {
  keyword: "maxUtf16",
  type: "string",
  validate: (limit, text) => text.length <= limit,
  error: { message: ({ schema }) => `must NOT have more than ${schema} UTF-16 units` },
}

/** What a test's script put in place of an answer is not the sandbox's: a cut connection, a proxy's page, other JSON. */
function isScripted(exchange) {
  return exchange.fault !== null && (exchange.response === null || /^(rewrite|fault)/.test(exchange.fault))
}

export class Judge {
  #validators = new Map()
  #definitions
  #exact
  #lenient

  constructor(official, version) {
    this.version = version
    this.#definitions = onTheWire(official, version)
    // Unions of a hundred types need `allErrors`: the first error of a branch says only that another one is meant.
    const options = { allErrors: true, strict: false, verbose: true, keywords: [MAX_UTF16] }
    const schema = { $id: "notion", definitions: this.#definitions }
    this.#exact = new Ajv(options).addSchema(schema).addSchema(errorSchema, "error")
    // What stands in an address is text: numbers and single values of a list are read from it.
    this.#lenient = new Ajv({ ...options, coerceTypes: "array" }).addSchema(schema)
  }

  /** {endpoint, request: [problems], answer: [problems] | null, kind: "answer" | "error" | "scripted"} */
  judge(exchange) {
    const path = exchange.path.replace(/\/$/, "")
    const found = findEndpoint(exchange.method, path)
    if (found === null) {
      const problem = `Notion has no ${exchange.method} ${path} in this version`
      return { endpoint: `${exchange.method} (unknown)`, request: [problem], ...this.#answer(null, exchange) }
    }
    const { endpoint, params } = found
    return {
      endpoint: `${endpoint.method.padEnd(6)} ${endpoint.path}`,
      request: this.#request(endpoint, params, exchange),
      ...this.#answer(endpoint, exchange),
    }
  }

  #request(endpoint, params, exchange) {
    return [
      ...this.#check(this.#lenient, `${endpoint.type}PathParameters`, params, "path"),
      ...this.#check(this.#lenient, `${endpoint.type}QueryParameters`, grouped(exchange.query), "query"),
      ...this.#check(this.#exact, `${endpoint.type}BodyParameters`, exchange.body ?? {}, "body"),
    ]
  }

  #answer(endpoint, exchange) {
    if (isScripted(exchange)) return { kind: "scripted", answer: null }
    const kind = exchange.status === 200 ? "answer" : "error"
    if (exchange.response === null) return { kind, answer: [`status ${exchange.status} without a JSON body`] }
    const { request_id: requestId, ...body } = exchange.response
    const problems = UUID.test(requestId) ? [] : [`answer.request_id is ${JSON.stringify(requestId)}, not a UUID`]
    if (kind === "error") {
      if (body.status !== exchange.status) problems.push(`answer.status is ${body.status} in an HTTP ${exchange.status}`)
      return { kind, answer: [...problems, ...run(this.#validator(this.#exact, "error", "error"), body, "answer")] }
    }
    if (endpoint === null) return { kind, answer: ["an answer to a request that Notion does not know"] }
    return { kind, answer: [...problems, ...this.#check(this.#exact, `${endpoint.type}Response`, body, "answer")] }
  }

  #check(ajv, type, value, where) {
    if (type in this.#definitions) return run(this.#validator(ajv, type, `notion#/definitions/${type}`), value, where)
    // No such type means that there is nothing to send there.
    return Object.keys(value).map((key) => `${where}.${key} is sent, but the endpoint takes no ${where}`)
  }

  #validator(ajv, type, ref) {
    if (!this.#validators.has(type)) this.#validators.set(type, ajv.getSchema(ref) ?? ajv.compile({ $ref: ref }))
    return this.#validators.get(type)
  }
}

/** [["page_size", "100"], ["filter_properties[]", "a"], ...] as an object. */
function grouped(query) {
  const values = {}
  for (const [name, value] of query) {
    const key = name.replace(/\[\]$/, "")
    values[key] = key in values ? [values[key], value].flat() : value
  }
  return values
}

function run(validate, value, where) {
  // A copy, because coercion writes into what it reads.
  return validate(structuredClone(value)) ? [] : telling(validate.errors, where)
}

/**
 * Of the errors of all branches of all unions, the few that tell what is wrong: those of the branch that was meant,
 * which its `type` or `object` names, and of these the ones that go deepest.
 */
function telling(errors, where) {
  const meant = errors.filter(({ keyword, parentSchema, data }) => {
    return keyword !== "anyOf" && keyword !== "oneOf" && !isAnother(parentSchema, data)
  })
  const inside = meant.filter(({ keyword }) => keyword !== "const")
  const candidates = inside.length > 0 ? inside : meant
  const depth = ({ instancePath }) => instancePath.split("/").length
  const deepest = Math.max(...candidates.map(depth))
  const texts = candidates.filter((error) => depth(error) === deepest).map((error) => worded(error, where))
  return [...new Set(texts)].slice(0, 3)
}

/** Whether the value says of itself that it is not of this kind. */
function isAnother(schema, value) {
  return ["type", "object"].some((key) => {
    const wanted = schema.properties?.[key]?.const
    return wanted !== undefined && value?.[key] !== undefined && value[key] !== wanted
  })
}

function worded({ instancePath, message, params, data }, where) {
  const detail = Object.values(params).filter((value) => ["string", "number"].includes(typeof value))
  const found = data === null || typeof data !== "object" ? `, is ${JSON.stringify(data)?.slice(0, 100)}` : ""
  return `${where}${instancePath.replaceAll("/", ".")} ${message}${detail.length ? ` (${detail})` : ""}${found}`
}
